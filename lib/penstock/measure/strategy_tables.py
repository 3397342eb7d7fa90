"""Tables and figures of a comparison of strategies."""

from collections.abc import Mapping, Sequence

from penstock.evidence import Figure, Series, Table
from penstock.measure.figures import MOST_CURVES
from penstock.measure.impact import Impact, worst
from penstock.measure.lots import Estimate, Floats, Outcome


def strategies_table(
    by_rule: Mapping[str, Outcome],
    over_all: Sequence[Estimate],
    of_rules: Sequence[Mapping[str, Impact]],
) -> Table:
    """Show what each rule does, with its gain over approving all."""
    columns = (
        "rule", "approved", "bad rate", "expected profit", "realised profit", "low", "high",
        "gain over all", "gain low", "gain high", "adverse impact ratio", "worst group",
    )  # fmt: skip
    rows = tuple(
        (
            rule,
            each.approved,
            each.bad_rate,
            each.expected,
            *_ends(each.realised),
            *_ends(gain),
            *_worst(impacted),
        )
        for (rule, each), gain, impacted in zip(by_rule.items(), over_all, of_rules, strict=True)
    )
    return Table("What each rule would have earned, USD per application", columns, rows)


def gains_table(gains: Mapping[tuple[str, str], Estimate]) -> Table:
    """Show what rules earned beyond others."""
    rows = tuple((rule, other, *_ends(gain)) for (rule, other), gain in gains.items())
    columns = ("rule", "over", "gain", "low", "high")
    return Table("What the suite's rules gained over others, USD per application", columns, rows)


def curve_table(
    cut_offs: Floats, curve: Sequence[Outcome], of_curve: Sequence[Mapping[str, Impact]]
) -> Table:
    """Show what each cut-off does."""
    columns = (
        "PD cut-off", "approved", "bad rate", "expected profit", "realised profit", "low", "high",
        "adverse impact ratio", "worst group",
    )  # fmt: skip
    rows = tuple(
        (float(c), o.approved, o.bad_rate, o.expected, *_ends(o.realised), *_worst(impacted))
        for c, o, impacted in zip(cut_offs, curve, of_curve, strict=True)
    )
    return Table("The strategy curve, USD per application", columns, rows)


def fairness_table(
    cut_offs: Floats, curve: Sequence[Outcome], of_curve: Sequence[Mapping[str, Impact]]
) -> Table:
    """Show the worst group of each attribute by each cut-off."""
    columns = (
        "PD cut-off", "approved", "attribute", "worst group", "beside", "adverse impact ratio",
        "low", "high",
    )  # fmt: skip
    rows = tuple(
        (float(cut_off), each.approved, name, i.group, i.reference, i.ratio, i.low, i.high)
        for cut_off, each, impacted in zip(cut_offs, curve, of_curve, strict=True)
        for name, i in impacted.items()
    )
    return Table("Adverse impact of each cut-off, by attribute", columns, rows)


def fairness_figure(
    curve: Sequence[Outcome],
    best: int,
    of_curve: Sequence[Mapping[str, Impact]],
    min_ratio: float,
) -> dict[str, Figure]:
    """Draw the adverse impact ratio of each attribute; nothing without groups to compare."""
    attributes = list(of_curve[best])[:MOST_CURVES]
    if not attributes:
        return {}
    series = []
    for name in attributes:
        ratios = [
            (each.approved, impacted[name].ratio)
            for each, impacted in zip(curve, of_curve, strict=True)
        ]
        known = [(approved, ratio) for approved, ratio in ratios if ratio is not None]
        series.append(Series(name, tuple(x for x, _ in known), tuple(y for _, y in known)))
    ends = (curve[0].approved, curve[-1].approved)
    at_best = (curve[best].approved,) * 2
    figure = Figure(
        "Adverse impact by approval rate",
        "share of applications approved",
        "adverse impact ratio",
        (
            *series,
            Series(f"{min_ratio:g} is asked for", ends, (min_ratio, min_ratio), "reference"),
            Series("best cut-off", at_best, (0.0, 1.0), "reference"),
        ),
        "Of each attribute the group approved least, as a share of the one approved most.",
    )
    return {"fairness": figure}


def curve_figure(curve: Sequence[Outcome], best: int) -> Figure:
    """Draw what the cut-offs were expected to earn, and what they earned."""
    approved = tuple(each.approved for each in curve)
    at_best = (curve[best].approved,) * 2
    heights = [each.realised.value for each in curve] + [each.expected for each in curve]
    return Figure(
        "Profit by approval rate",
        "share of applications approved",
        "USD per application",
        (
            Series("realised", approved, tuple(each.realised.value for each in curve)),
            Series("", approved, tuple(each.realised.low for each in curve), "bound"),
            Series("", approved, tuple(each.realised.high for each in curve), "bound"),
            Series("expected", approved, tuple(each.expected for each in curve)),
            Series("best cut-off", at_best, (min(heights), max(heights)), "reference"),
        ),
        "Realised profit with its 95 % interval. The best cut-off is of earlier loans.",
    )


def bad_rate_figure(curve: Sequence[Outcome], best: int) -> Figure:
    """Draw the share of bads among the loans that each cut-off approves."""
    known = [(each.approved, each.bad_rate) for each in curve if each.bad_rate is not None]
    rates = tuple(rate for _, rate in known)
    at_best = (curve[best].approved,) * 2
    return Figure(
        "Bad rate by approval rate",
        "share of applications approved",
        "bad rate",
        (
            Series("bad rate", tuple(approved for approved, _ in known), rates),
            Series("best cut-off", at_best, (0.0, max(rates)), "reference"),
        ),
        "Of the loans that a cut-off approves, those that turned out bad.",
    )


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _worst(by_attribute: Mapping[str, Impact]) -> tuple[float | None, str]:
    found = worst(by_attribute)
    if found is None:
        return None, ""
    return found.ratio, found.group and f"{found.attribute}: {found.group}"
