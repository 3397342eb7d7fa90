"""The audit of offers: which groups are approved less, and which pay more for the same risk."""

from collections.abc import Mapping
from typing import Annotated

from annotated_types import MinLen
from pyspark.sql import DataFrame

from penstock.annotations import Count, NotNegative, ShareOrAll
from penstock.errors import ConfigError, did_you_mean
from penstock.evidence import Evidence, Table
from penstock.measure.approvals import Approvals, ComparedApprovals, compare_approvals
from penstock.measure.offer_counts import count_offers
from penstock.measure.price_groups import ComparedPrices, Offers, compare_prices, total
from penstock.measure.reference_groups import ReferenceGroups, count_comparisons, level_at_once

DECIDED_COLUMNS = "application_id STRING, is_approved BOOLEAN, interest_rate DOUBLE, alike STRING"
APPROVAL_COLUMNS = (
    "group", "light", "applications", "approved_share", "adverse_impact_ratio", "low", "high",
)  # fmt: skip
PRICE_COLUMNS = (
    "group", "light", "offers", "mean_rate", "difference", "smd", "smd_low", "smd_high",
    "like_gap", "low", "high", "compared",
)  # fmt: skip

Attributes = Annotated[list[str], MinLen(1)]


def audit_offers(
    decided: DataFrame,
    protected_table: DataFrame,
    *,
    attributes: Attributes,
    reference: dict[str, str],
    min_loans: Count,
    min_ratio: ShareOrAll,
    max_gap: NotNegative,
) -> Evidence:
    """Compare groups by the share approved, and by the rates that the approved are offered.

    Runs two Spark queries; sums for each group and kind of offer reach the driver.

    Grain: one row per application, in both tables.

    Args:
        decided: `application_id`, `is_approved`, `interest_rate` (0-1, yearly; null: no offer is
            made) and `alike`: equal texts name offers of one kind, whose rates should be equal;
            null: of no kind.
        protected_table: `row_id` (the application's, once at most) and `protected`, attribute to
            group, as from `read_protected`; who is not in it is in the groups "unknown".
        attributes: Attributes to audit.
        reference: Attribute to the group that others are compared with; without one, the group
            approved most often, and for prices the one of the most offers.
        min_loans: Groups with fewer applications, or offers, are not shown.
        min_ratio: Least adverse impact ratio; 0.8 is the four-fifths rule.
        max_gap: Greatest difference of the rates of offers alike, either way, that is let pass.

    Returns:
        Metrics `applications`, `offers`, `min_adverse_impact_ratio`, `largest_gap` (the greatest
        difference of the rates of offers alike, either way; both None without any to compare),
        `red_approvals` and `red_prices` (groups). For each attribute two tables:
        `approvals_<attribute>` (red: the whole interval of the ratio lies below `min_ratio`; amber:
        it alone does) and `prices_<attribute>`: difference of the mean rates, as a fraction and in
        standard deviations (SMD); `like_gap`, the difference of offers alike; `compared`, the share
        of the group's offers that the reference has any like. Red: the whole interval of `like_gap`
        lies beyond `max_gap`; amber: it alone does. Intervals hold for all groups of approvals, and
        for all of prices, at once with 95 % (Bonferroni).

    Raises:
        ConfigError: A reference of an attribute that is not audited.
        DataError: What `count_offers` refuses, or a reference group that is not there or too small.

    Source:
        As of `compare_groups`, `standardised_gap` and `like_gap`.
    """
    for name in reference:
        if name not in attributes:
            raise ConfigError(
                f"The audit of offers has a reference of '{name}', which is none of its attributes."
                f"{did_you_mean(name, attributes)}"
            )
    counts = count_offers(decided, protected_table, attributes)
    by_approvals = {
        name: ReferenceGroups.of(
            of.approvals,
            rows=lambda group: group.applications,
            first=lambda group: group.rate,
            reference=reference.get(name),
            min_rows=min_loans,
        )
        for name, of in counts.items()
    }
    by_prices = {
        name: ReferenceGroups.of(
            of.offers,
            rows=lambda offers: total(offers).n,
            first=lambda offers: total(offers).n,
            reference=reference.get(name),
            min_rows=min_loans,
        )
        for name, of in counts.items()
    }
    approvals = _audited_approvals(by_approvals, min_ratio)
    prices = _audited_prices(by_prices, max_gap)
    of_first = counts[attributes[0]]
    return Evidence(
        {
            "applications": float(sum(group.applications for group in of_first.approvals.values())),
            "offers": float(sum(total(offers).n for offers in of_first.offers.values())),
            **approvals.metrics,
            **prices.metrics,
        },
        approvals.tables | prices.tables,
    )


def _audited_approvals(
    attributes: Mapping[str, ReferenceGroups[Approvals]], min_ratio: float
) -> Evidence:
    at_once = count_comparisons(attributes.values())
    level = level_at_once(at_once)
    found = {name: compare_approvals(groups, level=level) for name, groups in attributes.items()}
    all_groups = [group for groups in found.values() for group in groups]
    ratios = [group.ratio for group in all_groups if group.ratio is not None]
    return Evidence(
        {
            "min_adverse_impact_ratio": min(ratios, default=None),
            "red_approvals": float([g.light(min_ratio) for g in all_groups].count("red")),
        },
        {
            f"approvals_{name}": Table(
                groups.title(f"Approvals by {name}", row="application", at_once=at_once),
                APPROVAL_COLUMNS,
                tuple(_approval_row(group, min_ratio) for group in found[name]),
            )
            for name, groups in attributes.items()
        },
    )


def _audited_prices(attributes: Mapping[str, ReferenceGroups[Offers]], max_gap: float) -> Evidence:
    at_once = count_comparisons(attributes.values())
    level = level_at_once(at_once)
    found = {name: compare_prices(groups, level=level) for name, groups in attributes.items()}
    all_groups = [group for groups in found.values() for group in groups]
    gaps = [abs(group.like.gap.value) for group in all_groups if group.like]
    return Evidence(
        {
            "largest_gap": max(gaps, default=None),
            "red_prices": float([g.light(max_gap) for g in all_groups].count("red")),
        },
        {
            f"prices_{name}": Table(
                groups.title(f"Prices by {name}", row="offer", at_once=at_once),
                PRICE_COLUMNS,
                tuple(_price_row(group, max_gap) for group in found[name]),
            )
            for name, groups in attributes.items()
        },
    )


def _approval_row(group: ComparedApprovals, min_ratio: float) -> tuple[str | float | None, ...]:
    approvals = group.approvals
    return (
        group.name, group.light(min_ratio), approvals.applications, approvals.rate,
        group.ratio, group.low, group.high,
    )  # fmt: skip


def _price_row(group: ComparedPrices, max_gap: float) -> tuple[str | float | None, ...]:
    offers, smd, like = group.offers, group.smd, group.like
    return (
        group.name, group.light(max_gap), offers.n, offers.mean, group.difference,
        *((smd.value, smd.low, smd.high) if smd else (None, None, None)),
        *((like.gap.value, like.gap.low, like.gap.high) if like else (None, None, None)),
        like.compared / offers.n if like else None,
    )  # fmt: skip
