"""Spark and plain Python give the same, to the last bit, on random rows by random policies.

PENSTOCK_POLICIES and PENSTOCK_APPLICATIONS set the size; `make torture` takes 200 and 100,000.
"""

import os
import re
import struct

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from penstock.columns import column_of
from penstock.errors import ConfigError
from penstock.lending.policy.expressions import Fact
from penstock.lending.policy.grammar import read_expression
from penstock.lending.policy.in_all import DECISION, add_decision
from penstock.lending.policy.in_one import decider
from penstock.lending.policy.in_python import evaluation, fact_of
from penstock.lending.policy.in_spark import column_of_expression, fact_column
from penstock.lending.policy.reading import read_policy
from tests.lending.policy.random_policies import (
    COLUMNS,
    DDL,
    conditions,
    document,
    numbers,
    policies,
    random_rows,
)

POLICIES = int(os.environ.get("PENSTOCK_POLICIES", "6"))
APPLICATIONS = int(os.environ.get("PENSTOCK_APPLICATIONS", "400"))

EVERY_COLUMN = {
    "cut_off": {
        "hit": "collect",
        "rules": [
            {"name": c, "when": f"{c} is missing", "outcome": "refer", "reason": c} for c in COLUMNS
        ],
    }
}

once = settings(
    derandomize=True, deadline=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
)


@pytest.fixture(scope="module")
def rows():
    return random_rows(APPLICATIONS, seed=7)


@pytest.fixture(scope="module")
def applications(spark, rows, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("applications") / "rows")
    spark.createDataFrame(rows, DDL).coalesce(1).write.parquet(path)
    return spark.read.parquet(path)


def bits(value):
    return struct.pack(">d", value) if isinstance(value, float) else value


def test_expressions_are_equal_bit_for_bit(applications, rows):
    kinds = read_policy(document(tables=EVERY_COLUMN)).columns
    names = {name: Fact(name, kind) for name, kind in kinds.items()}
    drawn = []

    @settings(once, max_examples=120)
    @given(st.one_of(numbers(3), conditions(2)))
    def draw(text):
        drawn.append(read_expression(text, names))

    draw()
    facts = {name: column_of(f"fact {name}") for name in kinds}
    cleaned = applications.select(
        "n", *(fact_column(column_of(c), k).alias(f"fact {c}") for c, k in kinds.items())
    )
    computed = cleaned.select(
        "n", *(column_of_expression(e, facts).alias(str(i)) for i, e in enumerate(drawn))
    ).toArrow().sort_by("n")  # fmt: skip
    cases = [
        {c: fact_of(v, kinds[c]) for c, v in zip(COLUMNS, row[1:], strict=True)} for row in rows
    ]
    known = 0
    assert len(drawn) > 100
    for i, expression in enumerate(drawn):
        evaluate, kind = evaluation(expression), expression.kind
        by_python = [bits(evaluate(case)) for case in cases]
        # As arithmetic left it: a number is looked at for being finite where it is used.
        told = computed[str(i)].to_pylist()
        by_spark = [bits(v if kind.name == "double" else fact_of(v, kind)) for v in told]
        differ = [
            n for n, pair in enumerate(zip(by_spark, by_python, strict=True)) if len({*pair}) > 1
        ]
        assert not differ, f"{expression}: {told[differ[0]]} {cases[differ[0]]}"
        known += sum(value is not None for value in by_python)
    assert known > len(drawn) * len(rows) / 3


def test_decisions_are_equal_bit_for_bit(applications, rows):
    cases = [dict(zip(COLUMNS, row[1:], strict=True)) for row in rows]
    seen = {"approve": 0, "refer": 0, "decline": 0, "limit": 0, "rate": 0, "untold": 0, "n": 0}

    @settings(once, max_examples=POLICIES)
    @given(policies())
    def compare(drawn):
        try:
            policy = read_policy(drawn)
        except ConfigError as error:  # what no person means: rules that never hit, or clash
            assert re.search("never|both hit", str(error)), error
            assume(False)
        decide_one = decider(policy)
        decided = add_decision(applications, policy=policy).select("n", *DECISION)
        columns = decided.toArrow().sort_by("n")
        by_spark = zip(*(columns[name].to_pylist() for name in DECISION), strict=True)
        for case, found in zip(cases, by_spark, strict=True):
            mine = decide_one(case)
            wanted = (
                mine.decision, [*mine.rules_hit], [*mine.rules_untold], [*mine.reasons],
                mine.limit_usd, bits(mine.interest_rate),
            )  # fmt: skip
            assert (*found[:5], bits(found[5])) == wanted, (drawn.text, case)
            seen[mine.decision] += 1
            seen["limit"] += mine.limit_usd is not None
            seen["rate"] += mine.interest_rate is not None
            seen["untold"] += bool(mine.rules_untold)
        seen["n"] += 1

    compare()
    assert min(seen.values()) > 0 and seen["n"] == POLICIES, seen
