"""A table small enough for the scorecard graph to be run in a minute, and its state folder."""

import datetime as dt

import numpy as np

from tests.released import State, record_of

LOANS = 900
# Of no use to a model, in a table that has no fault: day, outcome, day of loss.
LEFT_OUT = [
    *[("2020-03-01", "running", "")] * 3,
    *[("2020-03-02", "", "")] * 2,
    ("", "repaid", ""), ("", "lost", ""),
    *[("2021-04-01", "repaid", "")] * 3,
    ("2021-04-01", "lost", "2021-05-01"),
]  # fmt: skip
DESCRIPTION = (
    "--graph", "scorecard",
    "--set", "params.read_observations={key: [id], target: outcome, good_values: [repaid], "
             "bad_values: [lost], date: opened, bad_date: lost_on, numeric: [income, age], "
             "categorical: [purpose], protected: [sex]}",
    "--set", "params.split_observations={by: date, calibration_from: 2020-07-01, "
             "test_from: 2020-10-01, test_until: 2021-03-31, folds: 2}",
    "--set", "params.scorecard_pd={stepwise: none, calibration: held_out}",
    "--set", "params.validate_scorecard={purpose: Small loans, owner: Risk}",
    "--set", "params.challenger_pd={settings: {n_estimators: 20, max_depth: 3}, "
             "monotone: {income: decreasing}, search: {max_depth: {low: 1, high: 3}}, trials: 2}",
    "--set", "params.scorecard_gate={min_auc: 0.6, max_ece: 0.2, min_loans: 100, min_bads: 20}",
)  # fmt: skip


def described(raw_table):
    """Return the words by which a job reads such a table."""
    return (*DESCRIPTION, "--set", f"catalog.raw_table.path={raw_table}")


def write_table(path):
    """Write loans whose risk falls with income and depends on the purpose, over five quarters."""
    random = np.random.default_rng(11)
    income, age = random.uniform(10, 90, LOANS), random.integers(18, 70, LOANS)
    purpose = random.choice(["car", "holiday"], LOANS)
    margin = 1.5 - 0.06 * income + 1.2 * (purpose == "holiday")
    is_bad = random.random(LOANS) < 1 / (1 + np.exp(-margin))
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=n % 450) for n in range(LOANS)]
    ends = [f"lost,{day + dt.timedelta(days=60 + n % 200)}" if bad else "repaid,"
            for n, (day, bad) in enumerate(zip(days, is_bad, strict=True))]  # fmt: skip
    rows = [
        f"{n},{days[n]},{income[n]:.2f},{age[n]},{purpose[n]},{'fm'[n % 2]},{end}"
        for n, end in enumerate(ends)
    ]
    rows.append(f"{LOANS},2020-02-01,a lot,40,car,f,repaid,")
    for n, (day, outcome, lost_on) in enumerate(LEFT_OUT, LOANS + 1):
        rows.append(f"{n},{day},50,40,car,f,{outcome},{lost_on}")
    path.write_text("\n".join(["id,opened,income,age,purpose,sex,outcome,lost_on", *rows]) + "\n")


def write_applications(path):
    """Write three applications that can be scored, and one that cannot be read."""
    rows = ["a,2021-04-01,85.5,30,car", "b,2021-04-02,12.5,30,holiday", "c,2021-04-02,?,30,car",
            "d,2021-04-02,much,30,car"]  # fmt: skip
    path.write_text("\n".join(["id,opened,income,age,purpose", *rows]) + "\n")


class Scorecard(State):
    """A state folder on which the graph has run once, and what that run told."""

    def __init__(self, spark, home, raw_table, outcome, told):
        super().__init__(spark, home, *described(raw_table))
        self.raw_table, self.told = raw_table, told
        new = home.parent / "new.csv"
        write_applications(new)
        self.applications = ("--set", f"catalog.unscored_table.path={new}")
        self.folder = home / "runs" / outcome["run_id"]
        self.record = record_of(home, outcome)

    def stopped(self, *options):
        """Do a run that one node ends: return its exit code, that node, and those not run."""
        code, record = self.do("run", *options)
        [failed] = [node for node in record["nodes"] if node["status"] == "failed"]
        not_run = {node["name"] for node in record["nodes"] if node["status"] == "not run"}
        return code, failed, not_run
