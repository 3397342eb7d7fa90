"""Capital: the unexpected loss that a bank holds capital for, by the internal ratings formula."""

from statistics import NormalDist
from typing import Annotated

from annotated_types import Interval
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Share
from penstock.lending.normal import normal_probability, normal_quantile

CONFIDENCE = 0.999
ONE_IN_EIGHT_PER_CENT = 12.5
# Correlation of other retail: from high at PD 0 to low, fast.
LOW, HIGH, DECAY = 0.03, 0.16, 35.0
Floor = Annotated[float, Interval(ge=0, lt=1)]


def add_capital(staged: DataFrame, *, pd_floor: Share, lgd_floor: Floor) -> DataFrame:
    """Add the expected loss over a year and the capital of each exposure.

    Grain: one row per `loan_id` and `reporting_date`, in and out.

    Args:
        staged: Needs `pd_12m`, `lgd` (0-1), `balance_usd` and `is_default`.
        pd_floor: Least PD of the formula (0.0005 = 5 bp).
        lgd_floor: Least LGD of the formula.

    Returns:
        `staged`, `expected_loss_usd` (PD x LGD x EAD, DECIMAL(14,2)), `risk_weight` (of a balance,
        as a fraction; 0 in default, where the LGD is the best estimate of the loss) and
        `capital_usd` (8 % of the risk-weighted balance, DECIMAL(14,2)).

    Source:
        Basel Committee, International Convergence of Capital Measurement (2006), par. 330; floors:
        Basel III (2017), CRE32. Retail has no maturity adjustment.
    """
    balance = F.col("balance_usd").cast("double")
    known = F.col("pd_12m").isNotNull() & F.col("lgd").isNotNull()
    pd, lgd = F.greatest("pd_12m", F.lit(pd_floor)), F.greatest("lgd", F.lit(lgd_floor))
    share = F.when(F.col("is_default"), 0.0).when(known, capital_share(pd, lgd))
    loss = F.col("pd_12m") * F.col("lgd") * balance
    return staged.withColumns(
        {
            "expected_loss_usd": loss.cast("decimal(14,2)"),
            "risk_weight": share * ONE_IN_EIGHT_PER_CENT,
            "capital_usd": (share * balance).cast("decimal(14,2)"),
        }
    )


def capital_share(pd: Column, lgd: Column) -> Column:
    """Return the capital of other retail as a share of the exposure, from PD (above 0) and LGD.

    Source:
        K = LGD (N((G(PD) + sqrt(R) G(.999)) / sqrt(1 - R)) - PD) with R from .16 to .03: Basel
        Committee (2006), par. 330; Explanatory Note on the IRB Risk Weight Functions (2005).
    """
    decayed = F.expm1(-DECAY * pd) / F.expm1(F.lit(-DECAY))
    correlation = LOW * decayed + HIGH * (1 - decayed)
    in_bad_year = (
        normal_quantile(pd) + F.sqrt(correlation) * NormalDist().inv_cdf(CONFIDENCE)
    ) / F.sqrt(1 - correlation)
    return lgd * (normal_probability(in_bad_year) - pd)
