import numpy as np
import pytest
from scipy.special import expit, logit

from penstock.errors import ConfigError
from penstock.learn.isotonic import IsotonicModel, fit_isotonic
from penstock.learn.platt import PlattModel, fit_sigmoid
from penstock.learn.scaling import Calibration, fit_line, fit_scaling
from penstock.measure.prior import shift_prior

RANDOM = np.random.default_rng(12)
MARGINS = np.arange(-30, 30) / 10
N = RANDOM.integers(5, 50, len(MARGINS))
N_BAD = RANDOM.binomial(N, expit(MARGINS - 1))
COUNTS = MARGINS, N - N_BAD, N_BAD
PARAMETERS = {
    "calibration": "held_out",
    "calibrator": "platt",
    "population_bad_rate": None,
}


def test_the_calibrator_is_the_one_asked_for_and_its_pds_those_of_the_population():
    shares = {"from_rate": N_BAD.sum() / N.sum(), "to_rate": 0.03}
    of_rows, of_population = (
        Calibration(calibrator="platt", population_bad_rate=rate) for rate in (None, 0.03)
    )
    plain, shifted = (
        fit_scaling(COUNTS, each, pd="pd", drop=["x"]) for each in (of_rows, of_population)
    )
    assert isinstance(plain, PlattModel) and plain.getOrDefault("dropCols") == ["x"]
    sigmoid = fit_sigmoid(*COUNTS)
    assert plain.getOrDefault("intercept") == sigmoid.intercept
    assert shifted.getOrDefault("slope") == sigmoid.slope
    pd = shift_prior(np.array([expit(sigmoid.intercept)]), **shares)[0]
    assert shifted.getOrDefault("intercept") == pytest.approx(logit(pd), abs=1e-12)

    bent = fit_scaling(
        COUNTS, Calibration(calibrator="isotonic", population_bad_rate=0.03), pd="pd", drop=[]
    )
    assert isinstance(bent, IsotonicModel)
    wanted = shift_prior(fit_isotonic(*COUNTS).pds, **shares)
    np.testing.assert_allclose(bent.getOrDefault("pds"), wanted, rtol=1e-12)


def test_the_line_is_platts_whatever_the_calibrator():
    for rate in (None, 0.03):
        lines = [
            fit_line(COUNTS, Calibration(calibrator=name, population_bad_rate=rate))
            for name in ("platt", "isotonic")
        ]
        assert lines[0] == lines[1]
        assert lines[0].slope == fit_sigmoid(*COUNTS).slope


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"calibration": "heldout"}, "'calibration' is 'heldout'.*Did you mean 'held_out'"),
        ({"calibrator": "isotone"}, "'calibrator' is 'isotone'.*Did you mean 'isotonic'"),
        ({"population_bad_rate": 8}, "'population_bad_rate' is 8; .* above 0 and below 1"),
        ({"population_bad_rate": "8 %"}, "'population_bad_rate' is '8 %'; it must be null"),
        ({"population_bad_rate": True}, "'population_bad_rate' is True"),
    ],
)
def test_wrong_parameters_are_refused(changes, said):
    with pytest.raises(ConfigError, match=said):
        Calibration(**PARAMETERS | changes)
