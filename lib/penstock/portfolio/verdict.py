"""The audit as evidence, and the gate that it and the certificate open."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from pyspark.sql import DataFrame

from penstock.annotations import NotNegative
from penstock.evidence import Evidence, Table
from penstock.portfolio.audit import Audit, Use, audit_plan, chosen_of
from penstock.portfolio.composition import composition, composition_figure, composition_table
from penstock.portfolio.factors import Factors
from penstock.portfolio.limits import Limit, Parity, attributes_of, exact, unit_of
from penstock.portfolio.tail_audit import audit_tails
from penstock.portfolio.tail_limits import TailLimit


def audit_portfolio(
    candidates: DataFrame,
    plan: DataFrame,
    *,
    profit: str,
    limits: list[Limit],
    parities: list[Parity],
    tail_limits: list[TailLimit],
    factors: Factors,
) -> Evidence:
    """Audit a plan against its limits, by SQL on the tables as they were written.

    Knows nothing of how the plan was found.

    Args:
        candidates: What it was chosen from.
        plan: `application_id` and `offer` (null: none).
        profit: Column whose sum the plan maximises.
        limits, parities, tail_limits: What it must keep.
        factors: What tail limits' scenarios are drawn of.

    Returns:
        Metrics profit, offers, unmakeable_offers, most_offers (to one applicant) and broken_limits
        (hard ones and enforced parities); tables "limits", with parities "approval_rates", and
        "composition" by the attributes that limits and parities mention, which is a figure too.
    """
    audit = audit_plan(candidates, plan, profit, limits, parities)
    tails = audit_tails(candidates, plan, tail_limits, factors)
    lost = factors["loss_at_default"]
    tables = {"limits": _limits_table(limits, audit, tail_limits, tails, lost)}
    if parities:
        tables["approval_rates"] = _rates_table(parities, audit)
    parts = composition(
        candidates.join(chosen_of(plan), ["application_id", "offer"]),
        profit,
        attributes_of(limits, parities),
    )
    figures = {}
    if parts:
        tables["composition"] = composition_table(parts, audit.offers)
        figures["composition"] = composition_figure(parts, audit.offers)
    metrics: dict[str, float | None] = {
        "profit": float(audit.profit),
        "offers": float(audit.offers),
        "unmakeable_offers": float(audit.unmakeable),
        "most_offers": float(audit.most),
        "broken_limits": float(len(_broken(tables))),
    }
    return Evidence(metrics, tables, figures)


def portfolio_gate(certificate: Evidence, audit: Evidence, *, max_gap: NotNegative) -> list[str]:
    """Return why the plan must not be released, one phrase each; an empty list lets it pass.

    Args:
        certificate: Of `optimise`.
        audit: Of `audit_portfolio`.
        max_gap: Largest certified gap, as a share of the bound.
    """
    metrics, gap = certificate.metrics, certificate.metrics["gap"]
    [[status]] = certificate.tables["status"].rows
    reasons = []
    if status == "infeasible_proven":
        left = metrics["limits_leave"]
        if left is None or left >= 0:
            return ["By SQL the limits that are said to conflict leave room for a plan"]
        named = ", ".join(str(row[0]) for row in certificate.tables["conflict"].rows)
        return [f"No plan can meet these limits together: {named}"]
    if status == "empty":
        return []
    if gap is None:
        return ["No plan within all limits was found"]
    if gap > max_gap:
        reasons.append(f"Gap {gap:.3g}, at most {max_gap:g} allowed (max_gap)")
    if audit.metrics["broken_limits"]:
        reasons.append(f"The audit finds limits broken: {', '.join(_broken(audit.tables))}")
    if audit.metrics["unmakeable_offers"]:
        reasons.append("The audit finds offers that cannot be made")
    if (audit.metrics["most_offers"] or 0) > 1:
        reasons.append("The audit finds an applicant with more than one offer")
    if audit.metrics["offers"] != metrics["approved"]:
        reasons.append("The audit finds another number of offers than the certificate")
    if audit.metrics["profit"] != metrics["profit_of_offers"]:
        reasons.append("The audit finds another profit than the certificate")
    return reasons


def _broken(tables: Mapping[str, Table]) -> list[str]:
    """Return the hard limits, and the attributes of enforced parities, that are not kept."""
    limits = [row[0] for row in tables["limits"].rows if row[-1]]
    rates = tables["approval_rates"].rows if "approval_rates" in tables else ()
    unequal = {row[0] for row in rates if row[-1] and row[-2] is False}
    return [*limits, *(f"parity of {attribute}" for attribute in sorted(unequal))]


def _limits_table(
    limits: list[Limit],
    audit: Audit,
    tail_limits: list[TailLimit],
    tails: Sequence[Use],
    lost_at_default: str,
) -> Table:
    rows = []
    for limit, use in zip(limits, audit.uses, strict=True):
        sense = "at_most" if "at_most" in limit else "at_least"
        used = None if use.amount is None else float(use.amount)
        bound = limit["at_most"] if "at_most" in limit else limit["at_least"]
        is_broken = use.excess > 0 and "penalty" not in limit
        beyond = max(float(use.excess), 0.0)
        unit = unit_of(limit["measure"], limit.get("per"))
        rows.append((limit["name"], sense.replace("_", " "), bound, unit, used, beyond, is_broken))
    for tail, use in zip(tail_limits, tails, strict=True):
        lost, beyond = float(use.amount or 0), max(float(use.excess), 0.0)
        told = (tail["name"], "at most", tail["at_most"], unit_of(lost_at_default))
        rows.append((*told, lost, beyond, use.excess > 0))
    columns = ("limit", "sense", "bound", "unit", "used", "beyond it", "broken")
    return Table("Limits, by SQL on the tables", columns, tuple(rows))


def _rates_table(parities: list[Parity], audit: Audit) -> Table:
    rows = []
    for parity in parities:
        rates = audit.approval_rates[parity["attribute"]]
        highest = max(rates.values(), default=Fraction(0))
        for group, rate in sorted(rates.items()):
            ratio = rate / highest if highest else None
            is_met = None if ratio is None else ratio >= exact(parity["min_ratio"])
            told = None if ratio is None else float(ratio)
            rows.append((parity["attribute"], group, float(rate), told, is_met, parity["enforce"]))
    columns = (
        "attribute", "group", "approval rate", "ratio to the best", "within the rule", "enforced",
    )  # fmt: skip
    return Table("Approval rates of groups", columns, tuple(rows))
