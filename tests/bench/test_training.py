import os
import subprocess
import sys

import pytest
from bench.command import cpu_seconds
from bench.training import CATEGORICAL, NUMERIC, SETTINGS, Native, generated, result_of

from penstock.learn.challenger.settings import complete_settings

BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_cpu_of_a_process_is_that_of_its_children_too():
    before = cpu_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert cpu_seconds(os.getpid()) - before >= 0.28  # ticks of a hundredth


def test_rows_have_gaps_both_outcomes_and_all_samples():
    rows = generated(500)
    assert set(rows["sample"]) == {"development", "calibration", "judged"}
    assert set(rows["is_bad"]) == {0, 1} and rows["x0"].isna().any()
    assert {*NUMERIC, *CATEGORICAL} <= set(rows.columns)
    assert rows.equals(generated(500))


@pytest.mark.parametrize("trainer", SETTINGS)
def test_settings_are_those_that_trainers_have(trainer):
    complete = complete_settings(trainer, SETTINGS[trainer])
    assert complete.items() >= SETTINGS[trainer].items()


def test_ratios_are_peer_to_ours():
    found = {
        trainer: {
            "wall_s": [1.0], "cpu_s": [2 * cpu], "auc": auc,
            "stage_wall_s": [3.0, 9.0, 1.0], "stage_cpu_s": [cpu],
        }
        for trainer, cpu, auc in (("xgboost", 2.0, 0.81), ("gbt", 22.0, 0.8))
    }  # fmt: skip
    figures = {f.name: f.value for f in result_of(found, Native([2.0], [0.5]), rows=10).figures}
    assert figures["cpu_ratio_mllib_gbt"] == 11
    assert figures["auc_difference"] == pytest.approx(0.01)
    assert (figures["wall_ratio_native"], figures["wall_ratio_native_whole"]) == (1.5, 2.0)
