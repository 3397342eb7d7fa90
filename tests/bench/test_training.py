import os
import subprocess
import sys

import pytest
from bench.command import cpu_seconds
from bench.training import BY_DEFAULT, CATEGORICAL, NUMERIC, Beside, Native, generated, result_of

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


@pytest.fixture(scope="module")
def figures():
    found = {
        trainer: {
            "wall_s": [8.0], "cpu_s": [2 * cpu], "auc": auc,
            "stage_wall_s": [3.0, 9.0, 1.0], "stage_cpu_s": [cpu],
        }
        for trainer, cpu, auc in (
            ("xgboost", 4.0, 0.82), ("xgboost_as_gbt", 2.0, 0.81), (BY_DEFAULT, 3.0, 0.82),
            ("gbt", 16.0, 0.8),
        )
    }  # fmt: skip
    few, many = (
        Beside(rows, found["xgboost"], Native([alone], [4.0]))
        for rows, alone in ((9, 1.0), (90, 2.0))
    )
    return {each.name: each for each in result_of(found, [few, many], 0.5).figures}


def test_ratios_are_ours_to_peers(figures):
    values = {name: each.value for name, each in figures.items()}
    assert figures["cpu_of_mllib_gbt"].at_most == 0.2
    assert (values["cpu_of_mllib_gbt"], values["cpu_of_mllib_gbt_whole"]) == (0.125, 0.125)
    assert values["cpu_of_mllib_gbt_by_default"] == 3 / 16
    assert values["auc_below_mllib_gbt"] == pytest.approx(-0.01)
    assert (values["wall_of_native_9e1"], values["wall_of_native_9e0"]) == (1.5, 3.0)
    assert (values["wall_of_native_whole"], values["one_tree_s"]) == (2.0, 0.5)


def test_figures_of_fixed_names_are_peers_to_ours(figures):
    assert figures["cpu_ratio_mllib_gbt"].value == 8
    assert figures["auc_difference"].value == pytest.approx(0.01)
    assert figures["wall_ratio_native"].value == pytest.approx(2 / 3)
