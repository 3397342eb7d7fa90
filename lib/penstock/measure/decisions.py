"""Decisions by group: what fairness is measured on.

Protected columns live in a table of their own, which the caller joins; they reach nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.columns import column_of
from penstock.errors import DataError, did_you_mean
from penstock.measure.counts import UNKNOWN_GROUP
from penstock.measure.unusable import refuse_unusable

GroupName = tuple[str, ...]
"""Values of the group columns, in their order; a name of two values is an intersection."""

# Groups multiply with each column; more of them are too small to say anything.
MOST_CELLS = 100_000
UNLABELLED = -1
PD_UNITS = 10**12


@dataclass(frozen=True, eq=False)
class DecisionCounts:
    """Loans by group, decision and outcome; a combination may come more than once.

    Attributes:
        columns: Names of the group columns.
        group: Shape (n_cells, n_columns), the value of each group column.
        is_approved: Shape (n_cells,), the decision.
        label: Shape (n_cells,), 0 = good, 1 = bad, -1 = not known.
        n: Shape (n_cells,), loans.
        mean_pd: Shape (n_cells,), mean PD of these loans, 0-1.
        var_pd: Shape (n_cells,), variance of their PDs about that mean.
    """

    columns: tuple[str, ...]
    group: NDArray[np.str_]
    is_approved: NDArray[np.bool_]
    label: NDArray[np.int64]
    n: NDArray[np.int64]
    mean_pd: NDArray[np.float64]
    var_pd: NDArray[np.float64]

    def by(self, *columns: str) -> "DecisionCounts":
        """Return the same loans grouped by some of the columns only, in the order given.

        Raises:
            DataError: A column was not counted.
        """
        for name in columns:
            if name not in self.columns:
                raise DataError(
                    f"Decisions were not counted by '{name}'.{did_you_mean(name, self.columns)}"
                )
        kept = [self.columns.index(name) for name in columns]
        return replace(self, columns=columns, group=self.group[:, kept])

    def groups(self) -> "list[Group]":
        """Return what happened to each group, in the order of the names."""
        names, of_cell = np.unique(self.group, axis=0, return_inverse=True)
        return [
            self._summed(tuple(map(str, name)), of_cell == number)
            for number, name in enumerate(names)
        ]

    def _summed(self, name: GroupName, inside: NDArray[np.bool_]) -> "Group":
        def loans(*, label: int | None = None, approved: bool | None = None) -> int:
            chosen = inside if label is None else inside & (self.label == label)
            return int(self.n[chosen if approved is None else chosen & self.is_approved].sum())

        labelled = inside & (self.label != UNLABELLED)
        mean_pd = float(np.average(self.mean_pd[inside], weights=self.n[inside]))
        squares = self.var_pd[inside] + (self.mean_pd[inside] - mean_pd) ** 2
        return Group(
            name,
            loans=loans(),
            approved=loans(approved=True),
            goods=loans(label=0),
            goods_approved=loans(label=0, approved=True),
            bads=loans(label=1),
            bads_approved=loans(label=1, approved=True),
            mean_pd=mean_pd,
            var_pd=float(np.average(squares, weights=self.n[inside])),
            labelled_pd=float((self.n * self.mean_pd)[labelled].sum()),
        )


@dataclass(frozen=True)
class Group:
    """What happened to the loans of one group.

    Attributes:
        name: Values of the group columns.
        loans: All applications.
        approved: Those approved.
        goods: Applications known to be good.
        goods_approved: Those approved.
        bads: Applications known to be bad.
        bads_approved: Those approved.
        mean_pd: Mean PD of all applications, 0-1.
        var_pd: Variance of their PDs.
        labelled_pd: Sum of the PDs of goods and bads: the bads expected among them.
    """

    name: GroupName
    loans: int
    approved: int
    goods: int
    goods_approved: int
    bads: int
    bads_approved: int
    mean_pd: float
    var_pd: float
    labelled_pd: float

    @property
    def selection_rate(self) -> float:
        """Share of applications approved, 0-1."""
        return self.approved / self.loans

    @property
    def good_selection_rate(self) -> float | None:
        """Share of goods approved, 0-1 (true positive rate: approval is the favourable outcome)."""
        return self.goods_approved / self.goods if self.goods else None

    @property
    def bad_selection_rate(self) -> float | None:
        """Share of bads approved, 0-1 (false positive rate)."""
        return self.bads_approved / self.bads if self.bads else None

    @property
    def calibration_in_the_large(self) -> float | None:
        """Bads expected by PD / bads - 1 (0.05 = PDs are 5 % too high); None without bads."""
        return self.labelled_pd / self.bads - 1 if self.bads else None


def count_decisions(
    decided: DataFrame, *, groups: Sequence[str], approved: str, label: str, pd: str
) -> DecisionCounts:
    """Count loans by group, decision and outcome, in one Spark query.

    At most 100,000 combinations reach the driver. All group columns are counted together, so that
    one query serves each of them (`DecisionCounts.by`) and all intersections.

    Args:
        decided: One row per application, with the columns named below.
        groups: Columns of protected groups; null becomes the group "unknown".
        approved: Column of the decision, boolean or 0 and 1.
        label: Column of the label: 0 = good, 1 = bad, null = not known, as for loans never made.
        pd: Column of the PD that was decided on, 0-1.

    Raises:
        DataError: There are more combinations, decisions or PDs that are not as above, or labels
            other than 0, 1 and null.
    """
    counted = _counted(decided, groups, approved, label, pd).limit(MOST_CELLS + 1).toArrow()
    if counted.num_rows > MOST_CELLS:
        raise DataError(
            f"The columns {', '.join(groups)} make more than {MOST_CELLS:,} groups: band numbers, "
            "or leave a column out."
        )
    keys = [*(f"group_{number}" for number in range(len(groups))), "is_approved", "label"]
    ordered = counted.sort_by([(key, "ascending") for key in keys])
    columns = {name: ordered[name].to_numpy() for name in ordered.column_names}
    n, labels = columns["n"], (0, 1, UNLABELLED)
    refuse_unusable(
        {
            f"{approved} neither 0 nor 1": n[~np.isin(columns["is_approved"], (0, 1))].sum(),
            f"{label} neither 0, 1 nor null": n[~np.isin(columns["label"], labels)].sum(),
            f"{pd} null or outside 0-1": columns["n_impossible"].sum(),
        },
        purpose="Cannot compare groups",
        cure="Mend those rows first.",
    )
    means, variances = _moments(columns["n"], columns["units"], columns["squares"])
    values = [columns[f"group_{number}"].astype(np.str_) for number in range(len(groups))]
    return DecisionCounts(
        columns=tuple(groups),
        group=np.column_stack(values),
        is_approved=columns["is_approved"] == 1,
        label=columns["label"].astype(np.int64),
        n=columns["n"],
        mean_pd=means,
        var_pd=variances,
    )


def _counted(
    decided: DataFrame, groups: Sequence[str], approved: str, label: str, pd: str
) -> DataFrame:
    is_bad, is_approved = F.col(label).cast("double"), F.col(approved).cast("double")
    probability = F.col(pd).cast("double")
    is_possible = probability.between(0, 1)
    # Whole numbers add up to the same, in whatever order they come.
    units = F.when(is_possible, F.round(probability * PD_UNITS).cast("decimal(13, 0)"))
    # Numbered, as a group column may be called as one of the counts is, or have a dot in its name.
    named = [
        F.coalesce(column_of(name).cast("string"), F.lit(UNKNOWN_GROUP)).alias(f"group_{number}")
        for number, name in enumerate(groups)
    ]
    return decided.groupBy(
        *named,
        is_approved.alias("is_approved"),
        F.coalesce(is_bad, F.lit(UNLABELLED)).alias("label"),
    ).agg(
        F.count(F.lit(1)).alias("n"),
        F.sum(units).alias("units"),
        F.sum(units * units).alias("squares"),
        F.count_if(F.coalesce(~is_possible, F.lit(True))).alias("n_impossible"),
    )


def _moments(
    n: NDArray[np.int64], units: NDArray[np.object_], squares: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of PDs from whole sums, without any loss but the last rounding."""
    means, variances = [], []
    for loans, total, total_squares in zip(map(int, n), units, squares, strict=True):
        mean = Fraction(int(total), loans)
        means.append(float(mean / PD_UNITS))
        variances.append(float((Fraction(int(total_squares), loans) - mean**2) / PD_UNITS**2))
    return np.array(means), np.array(variances)
