from bench.strategy import PAIRS, RULES, figures_of_rules, figures_of_run

COLUMNS = ["rule", "approved", "bad rate", "expected profit", "realised profit"]


def rules():
    earned = {"all": 600.0, "best": 650.0, "own": 700.0, "share": 300.0, "grades": 0.0}
    metrics = {"loans": 1000.0, "best_cut_off": 0.3}
    for rule, usd in earned.items():
        metrics |= {f"profit_{rule}": usd, f"profit_{rule}_low": usd - 50}
        metrics |= {f"profit_{rule}_high": usd + 50}
    for rule, other in PAIRS:
        name = f"gain_{rule}" if other == "all" else f"gain_{rule}_over_{other}"
        gain = earned[rule] - earned[other]
        metrics |= {name: gain, f"{name}_low": gain - 9, f"{name}_high": gain + 9}
    rows = [[label, 0.8, 0.143, 900.0, earned[rule]] for rule, label in RULES.items()]
    rows[-1][1:3] = [0.0, None]
    return {"metrics": metrics, "tables": {"strategies": {"columns": COLUMNS, "rows": rows}}}


def test_each_rule_has_what_it_earned_and_each_gain_its_interval():
    found = {f.name: f for f in figures_of_rules("book", {"strategy_report": rules()})}
    assert len(found) == 2 + len(RULES) + len(PAIRS)
    assert found["book_cut_off"].value == 0.3
    own = found["book_profit_own"]
    assert own.value == 700 and "650 to 750; 80.0% approved, 14.3% of them bad" in own.meaning
    assert "nobody" in found["book_profit_grades"].meaning
    gain = found["book_gain_best_over_share"]
    assert gain.value == 350 and "`best cut-off` less `share by PD`" in gain.meaning
    assert "95 % interval 341 to 359" in gain.meaning


def test_a_run_of_the_graph_has_its_decisions_allowances_and_walk():
    lgd = {"rmse": 0.1244, "benchmark_rmse": 0.1246, "defaults": 2000.0}
    lgd |= {"skill": 0.004, "skill_low": -0.0007, "skill_high": 0.0095}
    decisions = [["p", "approve", "q", "approve", 7], ["p", "approve", "q", "decline", 2]]
    decisions += [["p", "decline", "q", "decline", 1]]
    totals = [["2010-12-31", 50, 1e6, 9e4], ["2011-12-31", 60, 2e6, 8e4]]
    evidence = {
        "lgd_report": {"metrics": lgd},
        "policy_comparison": {
            "tables": {
                "decisions": {
                    "columns": ["policy", "decision", "other", "by_other", "applications"],
                    "rows": decisions,
                }
            }
        },
        "provision_report": {
            "tables": {
                "totals": {
                    "columns": ["reporting_date", "exposures", "balance_usd", "allowance_usd"],
                    "rows": totals,
                },
                "walk": {"columns": ["until", "new"], "rows": [["2011-12-31", 5.0]]},
            }
        },
    }
    nodes = [{"name": "a", "status": "done"}, {"name": "b", "status": "failed"}]
    record = {"nodes": nodes, "evidence": evidence}
    found = {f.name.removeprefix("lendingclub_"): f for f in figures_of_run(record)}
    assert found["nodes"].value == 1 and "1 failed" in found["nodes"].meaning
    assert found["decided"].value == 10 and "9 approve, 1 decline" in found["decided"].meaning
    assert "-0.0007 to 0.0095" in found["lgd_skill"].meaning
    assert (found["allowance_2010"].value, found["allowance_2011"].value) == (9e4, 8e4)
    assert found["walk_new"].value == 5
