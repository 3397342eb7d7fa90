"""The fractional logits there are: of the LGD, and of the CCF."""

from typing import Annotated, Literal

from annotated_types import Interval

from penstock.annotations import NotNegative
from penstock.learn.feature_names import check_feature_names
from penstock.learn.fractional.estimator import FractionalRegression
from penstock.learn.fractional.splines import Knots

Stages = Literal["one", "two"]
SmallestLoss = Annotated[float, Interval(ge=0, lt=1)]
Iterations = Annotated[int, Interval(ge=1)]


def fractional_lgd(
    *,
    numeric: list[str],
    categorical: list[str],
    stages: Stages,
    knots: Knots,
    regularisation: NotNegative,
    smallest_loss: SmallestLoss,
    max_iterations: Iterations,
) -> FractionalRegression:
    """Return the unfitted LGD model: a fractional logit, which adds `lgd` (DOUBLE, inside 0-1).

    It is fitted by the label `realised_lgd`. Numbers: restricted cubic splines; null and NaN become
    the median, told apart by a term of their own; beyond the values of the fit the nearest counts.
    Categories: null and blank are a level of their own; a level unseen in the fit has no term.

    Args:
        numeric: Numeric or boolean features.
        categorical: Features that are read as text.
        stages: "one": the mean of the LGD. "two": the probability of any loss, times the mean LGD
            of loans with a loss: for books where many defaults lose nothing.
        knots: Of the splines: 3, 4 or 5; 0 = straight lines.
        regularisation: Strength of the penalty on squared standardised coefficients, >= 0.
        smallest_loss: LGD up to which a loan has no loss, 0-1; read by "two".
        max_iterations: Most steps of the optimiser (L-BFGS).

    Raises:
        ConfigError: No features, a feature named twice, or the label or LGD among them.

    Source:
        Papke and Wooldridge, Econometric methods for fractional response variables, Journal of
        Applied Econometrics 11 (1996); two stages: Ramalho, Ramalho and Murteira, Journal of
        Economic Surveys 25 (2011), section 3.2.
    """
    return _regression(
        "lgd",
        numeric,
        categorical,
        smallest_loss=smallest_loss if stages == "two" else None,
        knots=knots,
        regularisation=regularisation,
        max_iterations=max_iterations,
    )


def fractional_ccf(
    *,
    numeric: list[str],
    categorical: list[str],
    knots: Knots,
    regularisation: NotNegative,
    max_iterations: Iterations,
) -> FractionalRegression:
    """Return the unfitted CCF model: a fractional logit, which adds `ccf` (DOUBLE, inside 0-1).

    It is fitted by the label `realised_ccf`; features and parameters are as `fractional_lgd` says.

    Raises:
        ConfigError: No features, a feature named twice, or the label or CCF among them.

    Source:
        As `fractional_lgd`.
    """
    return _regression(
        "ccf",
        numeric,
        categorical,
        smallest_loss=None,
        knots=knots,
        regularisation=regularisation,
        max_iterations=max_iterations,
    )


def _regression(
    ratio: str,
    numeric: list[str],
    categorical: list[str],
    *,
    smallest_loss: float | None,
    knots: Knots,
    regularisation: float,
    max_iterations: int,
) -> FractionalRegression:
    regression = FractionalRegression(
        ratio,
        numeric,
        categorical,
        smallest_loss=smallest_loss,
        knots=knots,
        regularisation=regularisation,
        max_iterations=max_iterations,
    )
    check_feature_names(
        regression.features,
        reserved={regression.label, ratio},
        model=f"the {ratio.upper()} model",
    )
    return regression
