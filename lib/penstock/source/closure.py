"""The source closure of a function: which code of ours it reaches, and what that code depends on.

Names are followed through the statements of the modules as written; values are looked at only
where no statement tells: closures, partials, notebooks.
"""

import ast
import functools
import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from penstock.source.calls import is_hidden, is_hidden_in_sql, looks_at_rows
from penstock.source.module import (
    Chain,
    Module,
    Reading,
    follow,
    forget_edited,
    imports_of,
    is_own,
    libraries_of,
    module_at,
    owner_of,
    targets,
)


@dataclass(frozen=True)
class SourceCode:
    """What the result of a function depends on besides its arguments.

    Attributes:
        functions: "lending/cleaning.py:clean_loans" to the hash of its code, for each function,
            class and constant of ours that is reached. Comments, docstrings, annotations and
            layout do not count.
        libraries: Distribution to version, for what the reached modules import.
        hidden: Clocks and unseeded randomness: "datetime.now() (lending/cleaning.py, line 12)".
        looks_at_rows: Calls that a plan may depend on, as in `hidden`.
    """

    functions: Mapping[str, str]
    libraries: Mapping[str, str]
    hidden: tuple[str, ...]
    looks_at_rows: tuple[str, ...]


def source_of(function: Callable[..., Any]) -> SourceCode:
    """Return the source closure of a function, the same in every process and on every machine.

    Files are read as they are now; what was read is kept until one of them changes.
    """
    if forget_edited():
        _facts.cache_clear()
        _nested_facts.cache_clear()
    closure = _Closure()
    text = closure.value(function)
    if not isinstance(function, FunctionType | BuiltinFunctionType):  # it holds values of its own
        closure.texts[type(function).__name__] = {text}
    versions = [_versions(name) for name in sorted(closure.libraries)]
    return SourceCode(
        {key: _digest(*sorted(texts)) for key, texts in sorted(closure.texts.items())},
        {name: version for found in versions for name, version in found},
        _told(closure.hidden),
        _told(closure.looks_at_rows),
    )


def _told(places: set[tuple[str, int, str]]) -> tuple[str, ...]:
    return tuple(f"{what} ({path}, line {line})" for path, line, what in sorted(places))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@functools.cache
def _versions(name: str) -> tuple[tuple[str, str], ...]:
    try:  # most are called what they are imported as; the full table takes 0.2 s to read
        return ((name, metadata.version(name)),)
    except metadata.PackageNotFoundError:
        found = sorted(set(_distributions().get(name, ())))
    unlisted = (name, str(getattr(sys.modules.get(name), "__version__", "unknown")))
    return tuple((dist, metadata.version(dist)) for dist in found) or (unlisted,)


_distributions = functools.cache(metadata.packages_distributions)


@dataclass
class _Facts:
    """What one piece of code says by itself."""

    digest: str
    libraries: frozenset[str]
    reached: list[tuple[Module, str]] = field(default_factory=list)
    hidden: set[tuple[str, int, str]] = field(default_factory=set)
    looks_at_rows: set[tuple[str, int, str]] = field(default_factory=set)


@functools.cache
def _facts(module: Module, name: str) -> _Facts:
    """Read the statements that bind a name of a module."""
    return _facts_of(module, Reading(module.statements[name]))


@functools.cache
def _nested_facts(module: Module, code: CodeType) -> _Facts:
    """Read a function that no statement of its module binds: a closure, a lambda, a cell's."""
    nodes = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        and getattr(node, "name", "<lambda>") == code.co_name
        and min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        == code.co_firstlineno
    ]
    reading = Reading(nodes, code.co_freevars)
    if not nodes:
        reading.text = [_text(code)]
        reading.uses = [((name,), 0, None) for name in _names(code)]
    return _facts_of(module, reading)


def _facts_of(module: Module, reading: Reading) -> _Facts:
    local: dict[str, Chain] = {}
    for node in reading.nodes:
        local |= imports_of(node, module)
    facts = _Facts(_digest(*reading.text), libraries_of(local))
    for name, line in reading.sql:
        if is_hidden_in_sql(name):
            facts.hidden.add((module.path, line, f"{name}() in SQL"))
    for chain, line, call in reading.uses:
        dotted = [f".{part}" for part in chain[1:]]
        for owner, name in targets(module, chain, local) if chain[0] else ():
            if owner:
                facts.reached.append((owner, name))
            else:
                dotted.append(name)
        if chain == ("open",) and not dotted and "open" not in module.statements:
            dotted = ["builtins.open"]
        place = module.path, line, f"{'.'.join(chain)}()"
        if any(is_hidden(name, call) for name in dotted):
            facts.hidden.add(place)
        is_column = f"F.{chain[-1]}" in dotted
        if not is_column and any(looks_at_rows(name, call) for name in dotted):
            facts.looks_at_rows.add(place)
    return facts


def _names(code: CodeType) -> list[str]:
    nested = [_names(const) for const in code.co_consts if isinstance(const, CodeType)]
    return [*code.co_names, *(name for names in nested for name in names)]


def _text(const: object) -> str:
    """Return compiled code, or a constant in it, as text that is equal in every process."""
    if isinstance(const, CodeType):
        const = (const.co_code, const.co_names, const.co_consts)
    if not isinstance(const, tuple | frozenset):
        return repr(const)
    texts = [_text(part) for part in const]
    return str(texts if isinstance(const, tuple) else sorted(texts))


class _Closure:
    """Everything that a value leads to."""

    def __init__(self) -> None:
        self.texts: dict[str, set[str]] = {}
        self.libraries: set[str] = set()
        self.hidden: set[tuple[str, int, str]] = set()
        self.looks_at_rows: set[tuple[str, int, str]] = set()
        self._reached: set[tuple[Module, str]] = set()
        # By identity, with the value: once freed, its identity could go to another value.
        self._seen: dict[int, tuple[Any, str]] = {}

    def _reach(self, module: Module, name: str) -> None:
        if (module, name) in self._reached:
            return
        self._reached.add((module, name))
        if name in module.statements:
            self._add(module, name, _facts(module, name))
            return
        value = module.namespace[name]
        text = self.value(value)
        if not isinstance(value, type | FunctionType):  # these are added under their own names
            self.texts.setdefault(f"{module.path}:{name}", set()).add(text)

    def _add(self, module: Module, name: str, facts: _Facts, values: str = "") -> None:
        self.texts.setdefault(f"{module.path}:{name}", set()).add(facts.digest + values)
        self.libraries |= module.libraries | facts.libraries
        self.hidden |= facts.hidden
        self.looks_at_rows |= facts.looks_at_rows
        for target in facts.reached:
            self._reach(*target)

    def value(self, value: Any) -> str:
        """Take in what a value leads to; return a text that differs where the value does."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return repr(value)
        if id(value) in self._seen:
            return self._seen[id(value)][1]
        self._seen[id(value)] = value, "itself"
        match value:
            case FunctionType():
                text = self._function(value)
            case type():
                text = self._class(value)
            case ModuleType():
                text = self._named(value.__name__)
            case list() | tuple():
                text = str([self.value(item) for item in value])
            case set() | frozenset():
                text = str(sorted(self.value(item) for item in value))
            case dict():
                text = self.value([*value.items()])
            case MethodType():
                text = self.value([value.__func__, value.__self__])
            case functools.partial():
                text = self.value([value.func, value.args, value.keywords])
            case _:
                text = self._object(value)
        self._seen[id(value)] = value, text
        return text

    def _named(self, dotted: str) -> str:
        for owner, name in follow(tuple(dotted.split("."))):
            if owner:
                self._reach(owner, name)
        return dotted

    def _function(self, function: FunctionType) -> str:
        code, namespace = function.__code__, function.__globals__
        name, module_name = code.co_qualname, str(namespace.get("__name__"))
        wrapped = self.value(getattr(function, "__wrapped__", None))
        if not is_own(code.co_filename, module_name):
            return f"{module_name}.{name} {wrapped} {getattr(function, 'returnType', '')}"
        module = module_at(code.co_filename, namespace)
        top = name.partition(".")[0]
        if top in module.statements and "<" not in name:
            self._reach(module, top)
            return f"{module.path}:{name}"
        cells = [_content(cell) for cell in function.__closure__ or ()]
        values = self.value([cells, function.__defaults__, function.__kwdefaults__])
        self._add(module, name, _nested_facts(module, code), values)
        return f"{module.path}:{name} {values}"

    def _class(self, kind: type) -> str:
        if kind.__module__ == "__main__":  # maybe of a notebook, where no statement tells
            self.value([v for v in (*vars(kind).values(), *kind.__bases__) if callable(v)])
        return self._named(f"{kind.__module__}.{kind.__qualname__.partition('.')[0]}")

    def _object(self, value: Any) -> str:
        kind = self.value(type(value))
        if hasattr(value, "__dict__") and owner_of(tuple(type(value).__module__.split("."))):
            return f"{kind} {self.value(vars(value))}"
        for inner in ("__wrapped__", "func"):  # a cached function, a function of Spark's workers
            if callable(getattr(value, inner, None)):
                return f"{kind} {self.value(getattr(value, inner))}"
        text = str(getattr(value, "tobytes", value.__repr__)())  # an array's repr leaves out most
        return kind if " at 0x" in text else f"{kind} {text}"


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not bound yet
        return None
