"""What is found in rules alone, against all values of small domains."""

import itertools
import random

from penstock.lending.policy.cells import Cells
from penstock.lending.policy.expressions import BOOLEAN, INTEGER, Fact
from penstock.lending.policy.grammar import read_expression
from penstock.lending.policy.in_python import evaluation

NAMES = {"a": Fact("a", INTEGER), "b": Fact("b", INTEGER), "f": Fact("f", BOOLEAN)}
DOMAIN = [dict(zip("abf", v, strict=True)) for v in itertools.product(
    [None, *range(-1, 8)], [None, *range(-1, 8)], [None, True, False])]  # fmt: skip


def random_condition(draw: random.Random, depth: int = 2) -> str:
    if depth and draw.random() < 0.6:
        inner = [random_condition(draw, depth - 1) for _ in range(2)]
        return draw.choice(["({0} and {1})", "({0} or {1})", "not ({0})"]).format(*inner)
    name, low = draw.choice("ab"), draw.randint(0, 4)
    return draw.choice([
        f"{name} {draw.choice(['<', '<=', '=', '!=', '>', '>='])} {low}",
        f"{name} < {low}.5", f"{name} between {low} and {low + 2}",
        f"{name} in [{low}, {low + 1}]", f"{name} is missing", "f", "f is not missing",
    ])  # fmt: skip


def test_what_can_hit_and_what_overlaps_is_found_as_by_trying_everything():
    draw = random.Random(3)
    found = {True: 0, False: 0}
    for _ in range(150):
        rules = [read_expression(random_condition(draw), NAMES) for _ in range(3)]
        truths = [[evaluation(rule)(values) for values in DOMAIN] for rule in rules]
        cells = Cells(rules)
        for place, rule in enumerate(rules):
            hits = any(truth is True for truth in truths[place])
            assert cells.can_hit(place) is hits
            # Only rules that read nothing else count.
            judged = [i for i in range(place) if set(rules[i].facts) <= set(rule.facts)]
            reached = any(
                of_rule is True and all(truths[i][at] is False for i in judged)
                for at, of_rule in enumerate(truths[place])
            )
            assert cells.can_hit(place, range(place)) is reached
            found[reached] += 1
        both = any(a is b is True for a, b in zip(*truths[:2], strict=True))
        assert (cells.common(0, 1) is not None) is both
    assert min(found.values()) > 20


def test_what_hangs_on_arithmetic_is_free_to_be_anything():
    texts = ["a * 2 > 4", "a * 2 > 4 and b > 1", "b + 0 > 1 and not b + 0 > 1", "1 > 2"]
    cells = Cells([read_expression(text, NAMES) for text in texts])
    assert [cells.can_hit(place) for place in range(4)] == [True, True, False, False]
    assert not cells.can_hit(1, [0])
    assert cells.common(0, 1) is None
