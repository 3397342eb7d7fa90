"""Bins fitted on Spark against OptBinning on the raw rows, column by column."""

import numpy as np
import pandas
import pytest
from optbinning.binning.preprocessing import categorical_transform
from pyspark.sql import functions as F

from penstock.errors import DataError
from penstock.learn.binning.categories import count_categories
from penstock.learn.binning.fitting import by_bad_rate, fit_bins
from penstock.learn.binning.rules import BinningRules
from tests.learn.binning.counted import assert_equal_to, judged
from tests.learn.binning.real_tables import (
    LATE,
    on_spark,
    read_german,
    read_give_me_some_credit,
    read_hmeq,
)

QUANTILES = BinningRules(split_at_ties=False)
RANDOM = np.random.default_rng(11)


def with_ties(values):
    """Return the splits of the rule for ties, from raw values."""
    edges = np.percentile(values, np.arange(0, 101, 5), method="averaged_inverted_cdf")
    distinct = np.unique(values)
    tied = {v for v in distinct if np.count_nonzero(edges == v) > 1}
    splits = {*edges[1:-1], *tied, *(distinct[distinct > v].min() for v in tied - {distinct[-1]})}
    ordered = sorted(splits)
    sizes = np.histogram(values, [-np.inf, *ordered, np.inf])[0]
    return [split for split, below in zip(ordered, sizes, strict=False) if below]


CODES = {"code 96": (96,), "code 98": (98,)}
# Rules of all columns, and of some: ours without ties, our defaults, and what `conf` says of them.
RULES = {
    "hmeq": (read_hmeq, QUANTILES, {}),
    "hmeq by default": (read_hmeq, BinningRules(), {}),
    "hmeq as configured": (read_hmeq, BinningRules(min_share=0.01), {}),
    "german": (read_german, QUANTILES, {}),
    "german by default": (read_german, BinningRules(), {}),
    "give me some credit": (read_give_me_some_credit, QUANTILES, {}),
    "give me some credit as configured": (
        read_give_me_some_credit,
        BinningRules(min_share=0.02),
        dict.fromkeys(LATE, BinningRules(min_share=0.02, specials=CODES)),
    ),
}


def groups_with_ties(values, is_bad, least):
    """Return the categories by bad rate, those together that the rule for ties leaves together."""
    is_known = ~pandas.isna(values)
    shares = pandas.Series(values[is_known]).value_counts(normalize=True)
    is_common = is_known & np.isin(values.astype(str), [*shares[shares >= least].index])
    labels = np.asarray(is_bad)[is_common]
    categories, places = categorical_transform(values[is_common], labels)
    group = np.digitize(np.arange(len(categories)), with_ties(places))
    return [list(categories[group == number]) for number in np.unique(group)]


def judge_of(values, is_bad, rules):
    """Return OptBinning's fit of a raw column by our rules."""
    options = {"prebinning_method": "quantile"}
    if values.dtype == object:
        options |= {"dtype": "categorical", "cat_cutoff": rules.min_category_share}
        if rules.split_at_ties:
            options["user_splits"] = groups_with_ties(values, is_bad, rules.min_category_share)
    elif rules.split_at_ties:
        codes = [code for codes in rules.specials.values() for code in codes]
        known = values[~np.isnan(values) & ~np.isin(values, codes)]
        options = {"user_splits": with_ties(known)}
    if rules.specials:
        options["special_codes"] = {name: code for name, (code,) in rules.specials.items()}
    return judged(values, is_bad, min_bin_size=rules.min_share, **options)


@pytest.mark.parametrize("case", RULES)
def test_bins_of_real_columns_are_optbinnings_on_the_raw_rows(spark, tmp_path, case):
    read, of_all, of_some = RULES[case]
    raw = read()
    is_text = {name: raw[name].dtype == object for name in raw.columns if name != "is_bad"}
    rules = dict.fromkeys(is_text, of_all) | of_some
    fitted = fit_bins(
        on_spark(spark, raw, tmp_path),
        label="is_bad",
        numeric={name: rules[name] for name, text in is_text.items() if not text},
        categorical={name: rules[name] for name, text in is_text.items() if text},
    )
    found = {bins.column: bins for bins in fitted.bins}
    assert {*found, *fitted.left_out} == {*is_text}
    for name, text in is_text.items():
        values = raw[name].to_numpy() if text else raw[name].to_numpy(float)
        judge = judge_of(values, raw.is_bad, rules[name])
        if name in found:
            assert_equal_to(judge, found[name])
        else:
            assert "one bin is optimal" in fitted.left_out[name]
            assert len(judge.splits) == text  # one group of categories, no split of numbers


def random_columns(n):
    """Return a table of awkward columns, with nulls and special codes, and labels they tell of."""
    score = RANDOM.normal(size=n)
    is_bad = RANDOM.random(n) < 1 / (1 + np.exp(1 - score))
    columns = {
        "smooth": score + RANDOM.normal(size=n),
        "rounded": np.round(score + RANDOM.normal(size=n), 1),
        "count": RANDOM.poisson(np.exp(score)) * 1.0,
        "flag": (score + RANDOM.normal(size=n) > 1) * 1.0,
        "spike": np.where(RANDOM.random(n) < 0.7, 0.0, score),
        "tiny": score * 1e-7,
    }
    for values in columns.values():
        values[RANDOM.random(n) < 0.1] = np.nan
        values[RANDOM.random(n) < 0.04] = -9.0
        values[RANDOM.random(n) < 0.03] = -8.0
    letters = np.array([*"abcdefghijklmnopqrstuvwxyz"], object)
    text = letters[np.clip((score * 4 + RANDOM.normal(0, 3, n) + 13).astype(int), 0, 25)]
    text[RANDOM.random(n) < 0.1] = None
    return pandas.DataFrame({**columns, "text": text, "is_bad": is_bad.astype(int)})


def test_bins_of_awkward_columns_are_optbinnings_with_special_codes_apart(spark, tmp_path):
    raw = random_columns(3000)
    rules = BinningRules(split_at_ties=False, specials={"none": (-9,), "old": (-8.0,)})
    text_rules = BinningRules(split_at_ties=False, specials={"vowel": ("e", "i")})
    numeric = [name for name in raw.columns if name not in ("text", "is_bad")]
    fitted = fit_bins(
        on_spark(spark, raw, tmp_path),
        label="is_bad",
        numeric=dict.fromkeys(numeric, rules),
        categorical={"text": text_rules},
    )
    assert [bins.column for bins in fitted.bins] == [*numeric, "text"]
    for bins in fitted.bins:
        options = {"special_codes": {"none": -9.0, "old": -8.0}}
        if bins.kind == "categorical":
            options = {
                "dtype": "categorical",
                "cat_cutoff": 0.01,
                "special_codes": {"vowel": ["e", "i"]},
            }
        judge = judged(
            raw[bins.column].to_numpy(),
            raw.is_bad,
            prebinning_method="quantile",
            min_bin_size=0.05,
            **options,
        )
        assert_equal_to(judge, bins)


def test_bins_do_not_depend_on_partitions_and_fixed_ones_are_counted_as_they_are(spark, tmp_path):
    raw = random_columns(1500)
    table = on_spark(spark, raw, tmp_path)
    fitted = [
        fit_bins(
            table.repartition(parts),
            label="is_bad",
            numeric={"smooth": BinningRules(), "count": BinningRules(splits=(0.0, 2.0))},
            categorical={"text": BinningRules(groups=(("m", "n"), ("k", "never seen")))},
        )
        for parts in (1, 2, 7)
    ]
    assert fitted[0] == fitted[1] == fitted[2]
    smooth, count, text = fitted[0].bins
    assert [smooth.status, count.status, text.status] == ["optimal", "fixed", "fixed"]
    bads = raw[raw.is_bad == 1]
    places = np.digitize(bads["count"].dropna(), [0.0, 2.0])
    assert count.n_bad == (*np.bincount(places), bads["count"].isna().sum())
    by_letter = bads.text.value_counts()
    in_groups = (by_letter["m"] + by_letter["n"], by_letter["k"])
    assert text.groups == (("m", "n"), ("k", "never seen"))
    others = bads.text.notna().sum() - sum(in_groups)
    assert text.n_bad == (*in_groups, others, bads.text.isna().sum())


def test_rare_categories_are_put_together_before_the_driver_sees_them(spark):
    text = (
        F.when(F.col("id") < 60, " a")
        .when(F.col("id") < 98, "b")
        .otherwise(F.concat(F.lit("c"), "id"))
    )
    rows = spark.range(100).select(
        F.when(F.col("id") % 10 != 5, text).alias("text"), (F.col("id") % 4 == 0).alias("is_bad")
    )
    rules = {"text": BinningRules(min_category_share=0.05, specials={"last": ("c99",)})}
    counts = count_categories(rows, label="is_bad", rules=rules)["text"]
    assert list(counts.categories) == ["a", "b"]
    assert sum(counts.categories["a"]) == 54
    assert (sum(counts.others), sum(counts.missing)) == (1, 10)
    assert [sum(pair) for pair in counts.specials] == [1]
    assert (counts.n_distinct, counts.n_known) == (3, 89)


def test_equal_bad_rates_are_ordered_as_optbinning_orders_them():
    # Enough equal rates for the order of an unstable sort to differ from the alphabet's.
    names = [f"c{number:02}" for number in range(60)]
    pairs = {name: (3 - number % 2, 1 + number % 2) for number, name in enumerate(names)}
    raw = [(name, bad) for name, (g, b) in pairs.items() for bad in [0] * g + [1] * b]
    category, is_bad = (np.array(each) for each in zip(*raw, strict=True))
    assert list(by_bad_rate(pairs)) == list(categorical_transform(category, is_bad)[0])


def test_unfit_columns_are_left_out_with_their_reasons(spark):
    rows = spark.range(400).select(
        (F.col("id") % 4 == 0).cast("int").alias("is_bad"),
        (F.col("id") % 3 == 0).alias("useless"),
        F.lit(7.0).alias("constant"),
        F.lit(None).cast("double").alias("empty"),
        F.lit("x").alias("one_text"),
        F.lit("  ").alias("blank"),
        F.concat(F.lit("loan "), F.col("id")).alias("key"),
        (F.col("id") % 4 != 0).alias("copy"),
        F.when(F.col("id") % 4 == 0, 1000 + F.col("id")).otherwise(F.col("id")).alias("post"),
        F.when(F.col("id") % 4 == 0, "late").otherwise("fine").alias("status"),
        (F.lit(10_500) - F.col("id")).alias("number"),
    )
    fitted = fit_bins(
        rows,
        label="is_bad",
        numeric={
            **dict.fromkeys(["constant", "empty", "copy", "post", "number"], BinningRules()),
            "useless": QUANTILES,
        },
        categorical=dict.fromkeys(["one_text", "blank", "key", "status"], BinningRules()),
    )
    assert fitted.bins == ()
    assert fitted.left_out == {
        "constant": "constant: all rows have one value",
        "empty": "it has no value",
        "copy": "target copy: its values tell goods from bads without error",
        "post": "target copy: its values tell goods from bads without error",
        "useless": "no split obeys the rules (one bin is optimal)",
        "one_text": "constant: all rows have one value",
        "blank": "it has no value",
        "key": "identifier-like: 400 categories in 400 rows",
        "number": "identifier-like: it numbers the rows, a whole number for each",
        "status": "target copy: its values tell goods from bads without error",
    }


def test_numbers_that_differ_but_number_nothing_are_binned_and_so_is_what_is_trusted(spark):
    """Risk falls with the row; fractions, a repeated number and wide gaps are no numbering."""
    rows = spark.range(400).select(
        (F.rand(7) < 0.8 - F.col("id") / 600).cast("int").alias("is_bad"),
        (F.col("id") + 0.5).alias("fraction"),
        F.greatest("id", F.lit(1)).alias("repeated"),
        (3 * F.col("id")).alias("wide"),
        F.col("id").alias("trusted"),
    )
    rules = dict.fromkeys(["fraction", "repeated", "wide"], BinningRules())
    rules["trusted"] = BinningRules(is_trusted=True)
    fitted = fit_bins(rows, label="is_bad", numeric=rules, categorical={})
    assert {each.column for each in fitted.bins} == set(rules) and not fitted.left_out


def test_all_faults_of_the_rows_are_told_at_once(spark):
    rows = spark.createDataFrame(
        [(0, 1.0), (0, float("inf")), (0, float("-inf")), (1, 2.0), (None, 0.0), (2, 0.0)],
        "is_bad INT, income DOUBLE",
    )
    with pytest.raises(DataError) as error:
        fit_bins(rows, label="is_bad", numeric={"income": BinningRules(max_bins=3)}, categorical={})
    assert str(error.value) == (
        "Cannot bin these rows: 1 rows have no is_bad; 1 rows have is_bad neither 0 nor 1; "
        "1 rows have is_bad = 1, fewer than there may be bins (3): "
        "lower max_bins or give more rows; 2 rows have an infinite income."
    )
    with pytest.raises(DataError, match="no row has is_bad = 1, and both classes are needed"):
        fit_bins(rows.where("is_bad = 0"), label="is_bad", numeric={}, categorical={})
