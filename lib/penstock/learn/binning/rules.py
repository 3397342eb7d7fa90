"""Binning rules: what may be decided about the bins of a column before its values are seen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from math import isfinite
from typing import Annotated, Any

from annotated_types import Ge, Interval
from typing_extensions import TypedDict  # before Python 3.12, pydantic reads no other

from penstock.errors import ConfigError, did_you_mean

TRENDS = ("auto", "ascending", "descending", "peak", "valley", "none")
# Rarer categories would bring more than 10,000 of them to the driver.
LEAST_CATEGORY_SHARE = 1e-4
LARGEST_SHARE = 0.5
BinShare = Annotated[float, Interval(gt=0, le=LARGEST_SHARE)]
MostBins = Annotated[int, Ge(1)]


class BinningDocument(TypedDict, total=False):
    """Rules for the bins of one column as users write them: what is not named has its default.

    Attributes: As of `BinningRules`. A special code of one value needs no list.
    """

    trend: str
    min_share: BinShare
    max_bins: MostBins | None
    max_prebins: int
    split_at_ties: bool
    min_category_share: float
    splits: list[float] | None
    groups: list[list[str]] | None
    specials: dict[str, Any]
    is_trusted: bool
    time_limit: float


@dataclass(frozen=True)
class BinningRules:
    """Rules for the bins of one column.

    Attributes:
        trend: How the bad rate may go from bin to bin of a number; "auto" lets OptBinning choose.
            Categories are ordered by their bad rate, so "none" is the only other choice for them.
        min_share: Least share of all rows in a bin of values, 0-0.5; missing values, special codes
            and rare categories have bins of any size.
        max_bins: Most bins of values; None: as many as the other rules allow.
        max_prebins: Quantile bins that the solver may merge, at least 2.
        split_at_ties: Also split below and above a value that holds two quantiles or more, which
            quantiles alone cannot tell from its neighbours (a count that is mostly 0, a flag).
            Without it, pre-bins equal OptBinning's `prebinning_method="quantile"`.
        min_category_share: Share of the known values below which a category counts as "others",
            1e-4 to 0.5.
        splits: Use these as they are; bins are [a, b). Numbers only.
        groups: Use these groups of categories as they are; what is not named is "others".
        specials: Name to the values that have a bin of their own, as {"no bureau file": (-9,)}.
        is_trusted: Bin the column even if it looks like a leak.
        time_limit: Most seconds of the solver for the column. One that needs longer may get other
            bins the next time; its status says so.
    """

    trend: str = "auto"
    min_share: float = 0.05
    max_bins: int | None = None
    max_prebins: int = 20
    split_at_ties: bool = True
    min_category_share: float = 0.01
    splits: tuple[float, ...] | None = None
    groups: tuple[tuple[str, ...], ...] | None = None
    specials: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    is_trusted: bool = False
    time_limit: float = 10.0

    def __post_init__(self) -> None:
        if self.trend not in TRENDS:
            raise ConfigError(
                f"Binning: trend is '{self.trend}'; it must be one of {', '.join(TRENDS)}."
                f"{did_you_mean(self.trend, TRENDS)}"
            )
        _refuse("min_share", self.min_share, 0 < self.min_share <= LARGEST_SHARE, "in (0, 0.5]")
        has_bins = self.max_bins is None or self.max_bins >= 1
        _refuse("max_bins", self.max_bins, has_bins, "at least 1, or null")
        _refuse("max_prebins", self.max_prebins, self.max_prebins > 1, "at least 2")
        share = self.min_category_share
        fits = LEAST_CATEGORY_SHARE <= share <= LARGEST_SHARE
        _refuse("min_category_share", share, fits, "in [0.0001, 0.5]")
        _refuse("time_limit", self.time_limit, self.time_limit > 0, "above 0")
        if self.splits is not None:
            rises = all(a < b for a, b in pairwise(self.splits)) and all(map(isfinite, self.splits))
            _refuse("splits", self.splits, rises, "finite and ascending, each once")
        if self.groups is not None:
            is_nested = not any(isinstance(group, str) for group in self.groups)
            _refuse("groups", self.groups, is_nested, "a list of lists of categories")
            named = [category for group in self.groups for category in group]
            holds = bool(self.groups) and all(self.groups) and len(named) == len(set(named))
            _refuse("groups", self.groups, holds, "not empty and without a category twice")

    def check_column(self, column: str, *, is_text: bool) -> None:
        """Refuse what can only be meant for a column of the other kind.

        Raises:
            ConfigError: Splits or a trend of categories, groups of numbers, a special code of a
                numeric column that is no number.
        """
        if is_text and (self.splits is not None or self.trend not in ("auto", "none")):
            raise ConfigError(
                f"Binning: '{column}' is read as text, which has no splits and no trend but 'auto' "
                f"or 'none'."
            )
        if not is_text and self.groups is not None:
            raise ConfigError(f"Binning: '{column}' is a number, which has splits, not groups.")
        for name, codes in self.specials.items():
            if not is_text and not all(isinstance(code, int | float) for code in codes):
                raise ConfigError(
                    f"Binning: special code '{name}' of '{column}' is {list(codes)}; the column is "
                    f"a number, so its codes must be numbers."
                )

    def to_json(self) -> dict[str, Any]:
        """Return the rules as plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "BinningRules":
        """Build the rules from plain values; what is not named has its default.

        Raises:
            ConfigError: A name is unknown, or a value out of its range.
        """
        known = [each.name for each in fields(cls)]
        for name in document:
            if name not in known:
                raise ConfigError(
                    f"Binning has no rule '{name}'; there are {', '.join(known)}."
                    f"{did_you_mean(name, known)}"
                )
        values = dict(document)
        if values.get("splits") is not None:
            values["splits"] = tuple(float(split) for split in values["splits"])
        if values.get("groups") is not None:
            # A text would fall apart into its letters.
            values["groups"] = tuple(
                group if isinstance(group, str) else tuple(group) for group in values["groups"]
            )
        values["specials"] = {
            name: tuple(codes) if isinstance(codes, list | tuple) else (codes,)
            for name, codes in dict(values.get("specials") or {}).items()
        }
        return cls(**values)


def rules_by_column(
    *,
    trends: Mapping[str, str],
    special_codes: Mapping[str, Sequence[float]],
    trusted: Sequence[str],
    binning: Mapping[str, BinningDocument],
) -> dict[str, dict[str, Any]]:
    """Return the rules that differ from column to column, as `BinningRules.from_json` takes them.

    Args:
        trends: Column to its trend.
        special_codes: Column to values that have a bin each.
        trusted: Columns that are binned even if they look like leaks.
        binning: Column to rules that go before these.
    """
    rules: dict[str, dict[str, Any]] = {name: {"trend": trend} for name, trend in trends.items()}
    for name, codes in special_codes.items():
        rules.setdefault(name, {})["specials"] = {f"code {code:g}": (code,) for code in codes}
    for name in trusted:
        rules.setdefault(name, {})["is_trusted"] = True
    for name, more in binning.items():
        rules[name] = {**rules.get(name, {}), **more}
    return rules


def _refuse(name: str, value: Any, holds: bool, must_be: str) -> None:
    if not holds:
        raise ConfigError(f"Binning: {name} is {value}; it must be {must_be}.")
