"""Random applications, expressions and policies: nulls, boundaries, numbers at the edges."""

import datetime as dt
import json
import random
from decimal import Decimal

from hypothesis import strategies as st

from penstock.documents import Document

COLUMNS = {
    "pd": "double",
    "ratio": "double",
    "whole": "integer",
    "months": "integer",
    "money": "decimal(12,2)",
    "wide": "decimal(30,10)",
    "word": "text",
    "is_known": "boolean",
    "day": "date",
}
DDL = (
    "n BIGINT, pd DOUBLE, ratio DOUBLE, whole BIGINT, months INT, money DECIMAL(12,2), "
    "wide DECIMAL(30,10), word STRING, is_known BOOLEAN, day DATE"
)
WHOLES = [0, 1, -1, 12, 36, 2**31 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
MONEY = ["0.00", "0.01", "-0.01", "999.99", "1000.00", "1000.01", "9999999999.99"]
WIDE = ["0", "0.0000000001", "-12345678901234567890.0123456789", "99999999999999999999.9999999999"]
RATIOS = [0.0, -0.0, 0.1, 0.3, 0.1 + 0.2, 1 / 3, 1e308, -1e308, 5e-324, 2.0**53]
NOT_FINITE = [float("nan"), float("inf"), -float("inf")]
WORDS = ["car", "house", "Car", "", "ä€", "it's"]
DAYS = ["2024-02-29", "2025-01-01", "1969-12-31"]
VALUES = {
    "pd": [0.0, 0.05, 0.2, 0.25, 1.0, *NOT_FINITE[:1]],
    "ratio": [*RATIOS, *NOT_FINITE],
    "whole": WHOLES,
    "months": [0, 1, 12, 36, 60, 2**31 - 1, -(2**31)],
    "money": [Decimal(text) for text in MONEY],
    "wide": [Decimal(text) for text in WIDE],
    "word": WORDS,
    "is_known": [True, False],
    "day": [dt.date.fromisoformat(text) for text in DAYS],
}


def random_rows(count: int, seed: int) -> list[tuple[object, ...]]:
    """Return applications, half of them values that rules name, a tenth missing."""
    draw = random.Random(seed)
    unseen = {
        "pd": draw.random,
        "ratio": lambda: draw.uniform(-2, 2) * 10.0 ** draw.randint(-3, 3),
        "whole": lambda: draw.randint(-(2**63), 2**63 - 1) >> draw.randint(0, 62),
        "months": lambda: draw.randint(0, 100),
        "money": lambda: Decimal(draw.randint(-(10**8), 10**8)) / 100,
        "wide": lambda: Decimal(draw.randint(-(10**15), 10**15)).scaleb(-10),
        "word": lambda: draw.choice(["boat", "debt"]),
        "is_known": lambda: draw.random() < 0.5,
        "day": lambda: dt.date(2020, 1, 1) + dt.timedelta(draw.randint(0, 3000)),
    }

    def value(name: str) -> object:
        chance = draw.random()
        if chance < 0.1:
            return None
        return draw.choice(VALUES[name]) if chance < 0.55 else unseen[name]()

    return [(n, *map(value, COLUMNS)) for n in range(count)]


def numbers(depth: int = 2, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Return numbers as text: columns, constants and arithmetic of them."""
    columns = st.sampled_from(["pd", "ratio", "whole", "months", "money", "wide", *names])
    plain = columns | columns | constants()
    if depth == 0:
        return plain
    inner = numbers(depth - 1, names)
    made = st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({' '.join(t)})")
    return plain | made | inner.map(lambda text: f"-{text}")


def constants() -> st.SearchStrategy[str]:
    fractions = ["0.1", "0.25", "0.30", "2.5", "1e-3", "0.05", "1e5"]
    return st.sampled_from([*map(str, WHOLES), *MONEY, *WIDE[1:], *fractions])


def conditions(depth: int = 2, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Return conditions as text."""
    number, relation = numbers(1, names), st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    quoted = st.sampled_from([f'"{word}"' for word in WORDS])
    listed = st.lists(quoted, min_size=1, max_size=4).map(", ".join)
    any_column = st.sampled_from([*COLUMNS, *names])
    plain = st.one_of(
        st.tuples(st.sampled_from(["ratio", "whole", "months", "money", "wide"]), relation,
                  constants()).map(" ".join),
        st.tuples(number, relation, number).map(" ".join),
        st.tuples(number, number, number).map("{0[0]} between {0[1]} and {0[2]}".format),
        st.tuples(number, st.lists(constants(), min_size=1, max_size=3).map(", ".join))
        .map("{0[0]} in [{0[1]}]".format),
        listed.map("word in [{}]".format),
        listed.map("word not in [{}]".format),
        st.tuples(relation, st.sampled_from(DAYS)).map("day {0[0]} {0[1]}".format),
        any_column.map("{} is missing".format),
        number.map("{} is not missing".format),
        st.just("is_known"),
        st.just("is_known != true"),
    )  # fmt: skip
    if depth == 0:
        return plain
    inner = conditions(depth - 1, names)
    joined = st.tuples(inner, st.sampled_from(["and", "or"]), inner)
    return plain | joined.map(lambda t: f"({' '.join(t)})") | inner.map("not ({})".format)


OFFERED = [
    "1000", "0.005", "months * 100", "money * 0.333", "money", "whole", "wide",
    "money - 1000.01", "whole * 2",
]  # fmt: skip
RATES = ["0.1", "0.36", "pd * 2", "ratio", "money / 1000", "0.05 + pd / 3"]


@st.composite
def policies(draw: st.DrawFn) -> Document:
    """Return a policy of one to six tables."""
    tables, names = {}, ()
    for table in ("eligibility", "affordability", "cut_off", "limit", "price", "refer_band"):
        if table != "cut_off" and not draw(st.booleans()):
            continue
        gives_value = table in ("limit", "price")
        hits = ("first", "unique", "least" if gives_value else "collect")
        rules = []
        for place in range(draw(st.integers(1, 5))):
            rule = {"name": f"{table}_{place}", "reason": f"Reason {place} of {table}."}
            rule["when"] = draw(conditions(1, names))
            if gives_value:
                rule["value"] = draw(st.sampled_from(OFFERED if table == "limit" else RATES))
            else:
                rule["outcome"] = draw(st.sampled_from(["approve", "refer", "decline"]))
            rules.append(rule)
        tables[table] = {"hit": draw(st.sampled_from(hits)), "rules": rules}
        names = (*names, {"limit": "limit_usd", "price": "interest_rate"}[table]) if (
            gives_value
        ) else names  # fmt: skip
    return document(tables=tables)


def document(**changes: object) -> Document:
    """Return a policy's document, with the columns that its rules read."""
    said = {
        "policy": "random", "version": "1", "effective_from": "2025-01-01", "legal_cap": 0.36,
        **changes,
    }  # fmt: skip
    text = json.dumps(said["tables"])
    said["columns"] = {c: kind for c, kind in COLUMNS.items() if c == "pd" or c in text}
    return Document("random.yaml", json.dumps(said), {})
