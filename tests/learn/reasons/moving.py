"""Moves each feature that a reason names to the reference that it was ranked by, one at a time."""

import json
from functools import reduce
from operator import add

import numpy as np
import xgboost
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import functions as F

from penstock.learn.binning.woe import WoeBinningModel
from penstock.learn.challenger.record import classifier_of
from penstock.learn.encoding import FEATURES, MISSING_LEVEL, vector_slots
from penstock.learn.stages import stage_of

NEVER_SEEN = "a text never seen"


def scored(decides, rows):
    """Return the rows with the PD that they have before anything is moved."""
    return decides.transform(rows).select(*rows.columns, F.col("pd").alias("before"))


def pds_at_references(decides, reasons, rows):
    """Return the PDs `before` and `after` by a scorecard or a logistic regression, as pandas.

    One row for each reason: `named` is its feature, and `by_average` whether the reasons of its row
    were ranked by the average of all rows, and not by the best.
    """
    *stages, codes = reasons.stages
    families = json.loads(codes.getOrDefault(codes.rule))["families"]
    totals = {}
    for weight in codes.weights:
        totals.setdefault(families[weight.feature], []).append(weight.of_row() - weight.average)
    is_worse = F.greatest(*(reduce(add, parts) for parts in totals.values())) > 0
    weighed = PipelineModel(stages).transform(rows).withColumn("by_average", is_worse)
    # Kept: else what it is made of would stand in the plan once for each feature.
    told = codes.transform(weighed).select(*rows.columns, "by_average", "reasons").persist()
    each = told.select(*rows.columns, "by_average", F.explode("reasons.feature").alias("named"))
    moved = {weight.feature: _moved(decides, weight) for weight in codes.weights}
    after = decides.transform(each.withColumns(moved))
    found = after.select("named", "by_average", "before", F.col("pd").alias("after")).toPandas()
    told.unpersist()
    return found


def _moved(decides, weight):
    values = [value_at(decides, weight, reference) for reference in (weight.average, weight.least)]
    is_number = not any(isinstance(value, str) for value in values)
    kept = F.col(weight.feature).cast("double") if is_number else F.col(weight.feature)
    average, least = map(F.lit, values)
    chosen = F.when(F.col("by_average"), average).otherwise(least)
    return F.when(F.col("named") == weight.feature, chosen).otherwise(kept)


def value_at(decides, weight, reference):
    """Return a value that weighs as much as the reference; where none does, the next lighter."""
    if any(isinstance(stage, WoeBinningModel) for stage in decides.stages):
        worth = {value: weight.factors[0] * woe for value, woe in woe_by_value(decides, weight)}
    else:
        levels = [level for feature, level in vector_slots(decides) if feature == weight.feature]
        worth = dict(zip(levels, weight.factors, strict=True))
        if "value" in worth:
            return reference / worth["value"] if worth["value"] else None  # never named
        worth = {None if name == MISSING_LEVEL else name: its for name, its in worth.items()}
    lighter = {value: its for value, its in worth.items() if its <= reference}
    return max(lighter, key=lighter.get)


def woe_by_value(scorecard, weight):
    """Return a value of each bin of a feature, with the weight of evidence of the bin."""
    found = stage_of(scorecard, WoeBinningModel).column_bins
    [bins] = [each for each in found if each.column == weight.feature]
    if bins.kind == "categorical":
        values = [*(group[0] for group in bins.groups), NEVER_SEEN]
    else:
        values = [bins.splits[0] - 1, *bins.splits] if bins.splits else [0.0]
    return [*zip(values, bins.woe, strict=False), (None, bins.woe[-1])]


class Trees:
    """Trees with the numbers that they read of some rows: shape (n_rows, n_numbers)."""

    def __init__(self, decides, rows):
        classifier = classifier_of(decides)
        self.slots = {}
        for slot, (feature, _) in enumerate(vector_slots(decides)):
            self.slots.setdefault(feature, []).append(slot)
        before = decides.stages[: decides.stages.index(classifier)]
        read = PipelineModel(before).transform(rows).select(vector_to_array(FEATURES))
        self.numbers = np.array([row[0] for row in read.collect()], dtype=np.float32)
        booster = classifier.get_booster()
        self.log_odds = booster.predict(xgboost.DMatrix(self.numbers), output_margin=True)
        nodes = booster.trees_to_dataframe().groupby("Tree")
        self.trees = [{node.ID: node for node in tree.itertuples()} for _, tree in nodes]

    def log_odds_without(self, feature, rows):
        """Return the log-odds of these rows where nothing is known of a feature.

        At each split by it both ways count, by the rows that went there when the trees were made:
        that is what exact contributions call the trees without the feature.
        """
        unknown = {*self.slots[feature]} if feature else set()
        numbers = self.numbers[rows]
        return sum(_expected(tree, f"{n}-0", numbers, unknown) for n, tree in enumerate(self.trees))


def _expected(tree, at, numbers, unknown):
    """Return what a tree adds from a node on; shape (n_rows,)."""
    node = tree[at]
    if node.Feature == "Leaf":
        return np.full(len(numbers), node.Gain)
    ways = [_expected(tree, way, numbers, unknown) for way in (node.Yes, node.No)]
    slot = int(node.Feature.removeprefix("f"))
    if slot in unknown:
        return np.average(ways, axis=0, weights=[tree[node.Yes].Cover, tree[node.No].Cover])
    value, is_yes_if_missing = numbers[:, slot], node.Missing == node.Yes
    is_yes = np.where(np.isnan(value), is_yes_if_missing, value < np.float32(node.Split))
    return np.where(is_yes, *ways)
