"""Capital: the unexpected loss that a bank holds capital for, by the internal ratings formula."""

from statistics import NormalDist
from typing import Annotated

from annotated_types import Interval
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Share
from penstock.lending.normal import add_normal_probability, add_normal_quantile

CONFIDENCE = 0.999
PER_RISK_WEIGHT = 12.5  # capital is 8 % of it
# Correlation of other retail: from high at PD 0 to low, fast.
LOW, HIGH, DECAY = 0.03, 0.16, 35.0
_PD, _LGD, _SHARE = "_pd", "_lgd", "_capital_share"
_CORRELATION, _INSIDE, _QUANTILE = "_correlation", "_pd_inside", "_quantile"
_STRESSED, _IN_BAD_YEAR = "_stressed", "_pd_in_bad_year"
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
    is_known = F.col("pd_12m").isNotNull() & F.col("lgd").isNotNull()
    floored = staged.withColumns(
        {
            # greatest() skips nulls, so it would turn an unknown PD into the floor.
            _PD: F.when(is_known, F.greatest("pd_12m", F.lit(pd_floor))),
            _LGD: F.when(is_known, F.greatest("lgd", F.lit(lgd_floor))),
        }
    )
    balance = F.col("balance_usd").cast("double")
    share = F.when(F.col("is_default"), 0.0).otherwise(F.col(_SHARE))
    loss = F.col("pd_12m") * F.col("lgd") * balance
    weighed = add_capital_share(floored, pd=_PD, lgd=_LGD, name=_SHARE).withColumns(
        {
            "expected_loss_usd": loss.cast("decimal(14,2)"),
            "risk_weight": share * PER_RISK_WEIGHT,
            "capital_usd": (share * balance).cast("decimal(14,2)"),
        }
    )
    return weighed.drop(_PD, _LGD, _SHARE)


def add_capital_share(rows: DataFrame, *, pd: str, lgd: str, name: str) -> DataFrame:
    """Add the capital of other retail as a share of the exposure, by the columns of PD and LGD.

    A PD of 1 or more needs none beyond its LGD.

    Source:
        K = LGD (N((G(PD) + sqrt(R) G(.999)) / sqrt(1 - R)) - PD) with R from .16 to .03: Basel
        Committee (2006), par. 330; Explanatory Note on the IRB Risk Weight Functions (2005).
    """
    decayed = F.expm1(-DECAY * F.col(pd)) / F.expm1(F.lit(-DECAY))
    correlation = LOW * decayed + HIGH * (1 - decayed)
    inside = F.when(F.col(pd) < 1, F.col(pd))
    ranked = add_normal_quantile(
        rows.withColumns({_CORRELATION: correlation, _INSIDE: inside}), of=_INSIDE, name=_QUANTILE
    )
    systematic = F.sqrt(_CORRELATION) * NormalDist().inv_cdf(CONFIDENCE)
    stressed = ranked.withColumn(
        _STRESSED, (F.col(_QUANTILE) + systematic) / F.sqrt(1 - F.col(_CORRELATION))
    )
    judged = add_normal_probability(stressed, of=_STRESSED, name=_IN_BAD_YEAR)
    share = F.col(lgd) * F.coalesce(F.col(_IN_BAD_YEAR) - F.col(pd), F.col(pd) * 0)
    return judged.withColumn(name, share).drop(
        _CORRELATION, _INSIDE, _QUANTILE, _STRESSED, _IN_BAD_YEAR
    )
