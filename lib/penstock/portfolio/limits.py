"""Limits on a plan as users write them, and the linear rows that they are.

Every row is a sum of measures, each weighed by a number that the cell of an offer alone decides: a
cell is a combination of those attributes that some limit mentions. A pass over the offers knows
cells and measures alone: more limits on the same segments cost it nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, Literal, NotRequired

from annotated_types import MinLen
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.annotations import NotNegative, Positive, ShareOrAll
from penstock.errors import ConfigError, did_you_mean

Cell = tuple[str | None, ...]
APPROVALS = "approvals"  # the measure that counts 1 for each offer
MOST_BOUND = 1e18  # of a limit: more than any sum of amounts
_UNITS = {"usd": "USD", "months": "months"}  # by the end of a column's name


class Limit(TypedDict):
    """A limit on the sum of a measure over the plan, in the measure's own unit.

    Attributes:
        name: What it is called in reports, once.
        measure: Column whose sum is limited.
        where: Attribute to its values: only those offers count.
        per: Column to whose sum over the whole plan that of the measure is related: with `where`
            and the measure itself it limits a share, with a weight an average.
        at_most, at_least: The limit; exactly one of them.
        penalty: Makes it a soft one: profit that a unit beyond it costs.
    """

    name: Annotated[str, MinLen(1)]
    measure: str
    where: NotRequired[dict[str, Annotated[list[str], MinLen(1)]]]
    per: NotRequired[str]
    at_most: NotRequired[NotNegative]
    at_least: NotRequired[NotNegative]
    penalty: NotRequired[Positive]


class Parity(TypedDict):
    """Approval rates of groups, compared: each at least `min_ratio` of every other's.

    Attributes:
        attribute: Column whose values are the groups.
        min_ratio: 0.8 is the four-fifths rule.
        enforce: Whether the plan must keep it; else it is reported only.
    """

    attribute: str
    min_ratio: ShareOrAll
    enforce: bool


@dataclass(frozen=True)
class Row:
    """One linear row: sum of weight[cell] x measure over the plan <= bound.

    Attributes:
        limit: Name of the limit that it is.
        sense: "at most", or "at least": then weights and bound are those of the limit, negated.
        weights: Measure to one weight for each cell.
        bound: In the unit of the measure; 0 if the limit is one per sum of another measure.
        penalty: Profit that a unit beyond the bound costs; None: the limit is hard.
        per: That other measure.
        ratio: The limit on the sum per sum of that measure.
        attribute: By whose values a parity compares groups; None of a limit.
        scenarios: Of a cut of a tail limit: those that it counts, from 0 on, the last maybe in
            part.
    """

    limit: str
    sense: Literal["at most", "at least"]
    weights: Mapping[str, tuple[Fraction, ...]]
    bound: Fraction
    penalty: Fraction | None = None
    per: str | None = None
    ratio: Fraction = Fraction(0)
    attribute: str | None = None
    scenarios: tuple[int, ...] = ()

    @property
    def limited_to(self) -> Fraction:
        """Return the limit as the user writes it: of one per another measure the ratio."""
        if self.per is not None:
            return self.ratio
        return self.bound if self.sense == "at most" else -self.bound

    def moved(self, multiple: Fraction) -> "Row":
        """Return the row with its limit times so much."""
        if self.per is None:
            return replace(self, bound=self.bound * multiple)
        return self.at_ratio(self.ratio * multiple)

    def at_ratio(self, ratio: Fraction) -> "Row":
        """Return the row of a limit per another measure with another ratio."""
        assert self.per is not None
        more = (ratio - self.ratio) * (1 if self.sense == "at most" else -1)
        weights = tuple(weight - more for weight in self.weights[self.per])
        return replace(self, weights={**self.weights, self.per: weights}, ratio=ratio)


def attributes_of(limits: Sequence[Limit], parities: Sequence[Parity]) -> tuple[str, ...]:
    """Return the attributes that limits mention, in the order of the alphabet."""
    mentioned = {name for limit in limits for name in limit.get("where", {})}
    return tuple(sorted(mentioned | {parity["attribute"] for parity in parities}))


def measures_of(limits: Sequence[Limit], parities: Sequence[Parity]) -> tuple[str, ...]:
    """Return the measures that limits mention, in the order of the alphabet."""
    mentioned = {limit["measure"] for limit in limits} | {
        limit["per"] for limit in limits if "per" in limit
    }
    return tuple(sorted(mentioned | ({APPROVALS} if parities else set())))


def unit_of(measure: str, per: str | None = None) -> str:
    """Return the unit of a measure: what its name ends in, else the name; of a ratio both units."""
    of = "offers" if measure == APPROVALS else _UNITS.get(measure.rpartition("_")[2], measure)
    if per is None:
        return of
    of_per = unit_of(per)
    return "share" if of == of_per else f"{of} per {of_per}"


def check_limits(
    profit: str, limits: Sequence[Limit], parities: Sequence[Parity], columns: Sequence[str]
) -> None:
    """Refuse limits that say nothing, twice something, or speak of columns that are not there.

    So is a `profit` that is not there.

    Raises:
        ConfigError: Naming the limit, the value and the cure.
    """
    if profit not in columns:
        raise ConfigError(
            f"The profit is to be '{profit}', which the offers have not."
            f"{did_you_mean(profit, columns)}"
        )
    seen = set()
    for limit in limits:
        name = limit["name"]
        if name in seen:
            raise ConfigError(f"Two limits are called '{name}': give each a name of its own.")
        seen.add(name)
        _check_limit(limit, columns)
    compared = [parity["attribute"] for parity in parities]
    for attribute in compared:
        if compared.count(attribute) > 1:
            raise ConfigError(f"Two parities are on '{attribute}': keep one of them.")
    for attribute in attributes_of(limits, parities):
        if attribute not in columns:
            raise ConfigError(
                f"A limit speaks of attribute '{attribute}', which the offers have not."
                f"{did_you_mean(attribute, columns)}"
            )


def compile_rows(
    limits: Sequence[Limit],
    parities: Sequence[Parity],
    cells: Sequence[Cell],
    applicants: Mapping[str, Mapping[str | None, int]],
    attributes: Sequence[str] | None = None,
) -> tuple[Row, ...]:
    """Compile limits and enforced parities to rows over cells.

    Args:
        cells: Values of the attributes, in their order, of each cell; none without any offer.
        applicants: Attribute of each parity to the number of applicants in each group.
        attributes: Of cells; None: `attributes_of`.

    Raises:
        ConfigError: A limit speaks of a value that no offer has.
    """
    if attributes is None:
        attributes = attributes_of(limits, parities)
    rows = [_row(limit, attributes, cells) for limit in limits]
    for parity in parities:
        if parity["enforce"]:
            rows += _parity_rows(parity, attributes, cells, applicants[parity["attribute"]])
    return tuple(rows)


def parity_row(attribute: str, one: str, other: str) -> str:
    """Return the name of the row that keeps the rate of the other group up with that of the one."""
    return f"{attribute}: {other} to {one}"


def is_inside(limit: Limit, attributes: Sequence[str], cell: Cell) -> bool:
    """Return whether the offers of a cell count for a limit."""
    values = dict(zip(attributes, cell, strict=True))
    return all(values[name] in chosen for name, chosen in limit.get("where", {}).items())


def exact(number: float) -> Fraction:
    """Return a number as it is written: 0.1 is a tenth."""
    return Fraction(repr(float(number)))


def _check_limit(limit: Limit, columns: Sequence[str]) -> None:
    name = limit["name"]
    if ("at_most" in limit) == ("at_least" in limit):
        raise ConfigError(f"Limit '{name}' needs either at_most or at_least.")
    if limit.get("per") == limit["measure"] and not limit.get("where"):
        raise ConfigError(
            f"Limit '{name}' relates {limit['measure']} to itself, which is always 1: say "
            "`where`, or another `per`."
        )
    bound = limit["at_most"] if "at_most" in limit else limit["at_least"]
    if limit.get("per") == limit["measure"] and bound > 1:
        raise ConfigError(
            f"Limit '{name}' holds a share of {limit['measure']} against {bound:g}, and shares are "
            "from 0 to 1: 0.4 = 40 %."
        )
    if bound > MOST_BOUND:
        raise ConfigError(
            f"Limit '{name}' is {bound:g}, which no plan comes near: leave it out, or say what it "
            f"is, up to {MOST_BOUND:g}."
        )
    for column in (limit["measure"], limit.get("per", limit["measure"])):
        if column not in columns and column != APPROVALS:
            raise ConfigError(
                f"Limit '{name}' is on '{column}', which the offers have not."
                f"{did_you_mean(column, [*columns, APPROVALS])}"
            )


def _row(limit: Limit, attributes: Sequence[str], cells: Sequence[Cell]) -> Row:
    for name, values in limit.get("where", {}).items():
        at = attributes.index(name)
        known = sorted({value for cell in cells if (value := cell[at]) is not None})
        for value in values:
            if cells and value not in known:
                raise ConfigError(
                    f"Limit '{limit['name']}' is on {name} '{value}', and no offer has it."
                    f"{did_you_mean(value, known)}"
                )
    sign = 1 if "at_most" in limit else -1
    ratio = bound = exact(limit["at_most"] if "at_most" in limit else limit["at_least"])
    inside = [Fraction(sign * is_inside(limit, attributes, cell)) for cell in cells]
    weights = {limit["measure"]: tuple(inside)}
    if "per" in limit:
        before = weights.get(limit["per"], (Fraction(0),) * len(cells))
        weights[limit["per"]] = tuple(weight - sign * bound for weight in before)
        bound = Fraction(0)
    penalty = exact(limit["penalty"]) if "penalty" in limit else None
    sense: Literal["at most", "at least"] = "at most" if sign > 0 else "at least"
    return Row(limit["name"], sense, weights, sign * bound, penalty, limit.get("per"), ratio)


def _parity_rows(
    parity: Parity,
    attributes: Sequence[str],
    cells: Sequence[Cell],
    applicants: Mapping[str | None, int],
) -> list[Row]:
    """Rate of the one group x the ratio <= rate of the other, for each two groups."""
    at = attributes.index(parity["attribute"])
    least = exact(parity["min_ratio"])
    groups = [group for group in sorted(applicants, key=str) if group is not None]
    rows = []
    for one in groups:
        for other in groups:
            if one == other:
                continue
            of_one, of_other = least / applicants[one], Fraction(-1, applicants[other])
            weights = tuple(
                of_one if cell[at] == one else of_other if cell[at] == other else Fraction(0)
                for cell in cells
            )
            name = parity_row(parity["attribute"], one, other)
            of_groups = {APPROVALS: weights}
            rows.append(Row(name, "at most", of_groups, Fraction(0), attribute=attributes[at]))
    return rows
