"""The certificate as a table of one row: what a report says to people, for what reads tables."""

from penstock.evidence import Evidence

CERTIFICATE_COLUMNS = """
    status STRING COMMENT 'optimal_within_tolerance, gap_not_reached, infeasible_proven or empty',
    applicants BIGINT COMMENT 'in the offers',
    offers BIGINT COMMENT 'that can be made',
    approved BIGINT COMMENT 'applicants to whom the plan makes an offer',
    profit DOUBLE COMMENT 'of the plan less penalties, in the unit of profit; null: no plan',
    profit_of_offers DOUBLE COMMENT 'of the plan with no penalty off, in that unit; null: no plan',
    profit_bound DOUBLE COMMENT 'that no plan within the limits exceeds, in that unit',
    profit_bound_of_prices DOUBLE COMMENT 'the same by prices alone, in that unit',
    gap DOUBLE COMMENT 'from profit to its bound, share of the bound; null: no plan',
    gap_of_prices DOUBLE COMMENT 'of the gap, what better prices could take off, share of the bound;
        null: unknown',
    gap_of_whole_offers DOUBLE COMMENT 'of the gap, what offers cost at most that cannot be made in
        part, share of the bound; null: unknown',
    tolerance DOUBLE COMMENT 'gap that was sought, share of the bound',
    broken_limits BIGINT COMMENT 'hard limits that the plan exceeds; null: no plan',
    passes BIGINT COMMENT 'over all offers, in the search for the plan',
    limits_leave DOUBLE COMMENT 'what limits in conflict leave at most, added with their
        multipliers, by SQL: below 0 no plan can keep them; null: no conflict'"""
_COUNTS = ("applicants", "offers", "approved", "broken_limits", "passes")


def certificate_row(certificate: Evidence) -> dict[str, str | float | None]:
    """Return the row of `CERTIFICATE_COLUMNS`, by column; what it leaves out is null.

    Args:
        certificate: Of `certificate.certificate`.
    """
    [[status]] = certificate.tables["status"].rows
    metrics = certificate.metrics
    known = {name: float(number) for name, number in metrics.items() if number is not None}
    counts = {name: int(known[name]) for name in _COUNTS if name in known}
    return {"status": status, **known, **counts}
