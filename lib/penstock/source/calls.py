"""Calls that make a result depend on more than its arguments and the plan of its tables.

By name only: that a name means what is listed here was found out by `closure.py`.
"""

import ast
import re

# Clocks, chance and files, by the place of the argument that settles them; -1: none does.
_SETTLED_BY = {
    "datetime.datetime.now": -1, "datetime.datetime.utcnow": -1, "datetime.datetime.today": -1,
    "datetime.date.today": -1, "pandas.Timestamp.now": -1, "pandas.Timestamp.today": -1,
    "time.time": -1, "time.time_ns": -1, "time.localtime": 0, "time.gmtime": 0, "time.ctime": 0,
    "time.strftime": 1, "os.environ": -1, "os.getenv": -1, "builtins.open": -1, ".read": -1,
    ".read_text": -1, ".read_bytes": -1, "pandas.read_csv": -1, "pandas.read_parquet": -1,
    "pandas.read_json": -1, "pandas.read_excel": -1,
    "os.urandom": -1, "uuid.uuid1": -1, "uuid.uuid4": -1,
    "random.Random": 0, "random.SystemRandom": -1, "numpy.random.default_rng": 0,
    "numpy.random.RandomState": 0, "numpy.random.SeedSequence": 0,
    "F.rand": 0, "F.randn": 0, "F.random": 0, "F.uuid": 0, "F.shuffle": 1, "F.randstr": 1,
    "F.uniform": 2, "F.unix_timestamp": 0, "F.now": -1, "F.curdate": -1, "F.current_date": -1,
    "F.current_time": -1, "F.current_timestamp": -1, "F.localtimestamp": -1,
    "F.monotonically_increasing_id": -1, "F.spark_partition_id": -1,
    ".sample": 1, ".randomSplit": 1, ".sampleBy": 2,
}  # fmt: skip
# What makes a plan depend on rows; an empty table, which plans are made on, may cost no job.
_LOOKS_AT_ROWS = {
    ".isEmpty": -1, ".collect": -1, ".first": -1, ".head": -1, ".take": -1, ".tail": -1,
    ".toPandas": -1, ".toArrow": -1, ".toLocalIterator": -1, ".approxQuantile": -1,
    ".crosstab": -1, ".freqItems": -1, ".pivot": 1,
}  # fmt: skip
_SETTLING_KEYWORDS = (None, "values", "seed", "random_state", "timestamp", "entropy")
_DRAWS = re.compile(r"(secrets|random|numpy\.random)\.(?!seed$)[a-z]\w*")


def is_hidden(dotted: str, call: ast.Call | None) -> bool:
    """Say whether a name is a clock, or chance without a seed, or reads what is no dataset.

    Args:
        dotted: The name in a library, or after a dot the last part of a name of nobody knows what.
        call: The call, if the name is called.
    """
    if dotted in _SETTLED_BY:
        return _is_open(_SETTLED_BY[dotted], call)
    return _DRAWS.fullmatch(dotted) is not None


def is_hidden_in_sql(function: str) -> bool:
    """Say whether a SQL function without arguments is one of these."""
    return f"F.{function.lower()}" in _SETTLED_BY


def looks_at_rows(dotted: str, call: ast.Call | None) -> bool:
    """Say whether a call brings rows to the driver, so that a plan may depend on them."""
    return dotted in _LOOKS_AT_ROWS and _is_open(_LOOKS_AT_ROWS[dotted], call)


def _is_open(place: int, call: ast.Call | None) -> bool:
    """Say whether the argument at a place, or of a settling name, is not given."""
    if place < 0:
        return True
    if not call:
        return False
    given = [*call.args[place:], *(arg for arg in call.args if isinstance(arg, ast.Starred))]
    given += [word.value for word in call.keywords if word.arg in _SETTLING_KEYWORDS]
    return all(isinstance(value, ast.Constant) and value.value is None for value in given)
