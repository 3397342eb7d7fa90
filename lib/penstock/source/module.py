"""Modules of ours as they are written: what binds their names, and where a dotted name leads.

Code of ours is what lies neither in the standard library nor among installed packages.
"""

import ast
import functools
import linecache
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from importlib import util
from importlib.machinery import PathFinder
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

Chain = tuple[str, ...]  # a dotted name: ("F", "rand")

_PACKAGE = __name__.partition(".")[0]
_STANDARD_LIBRARY = sysconfig.get_path("stdlib") + os.sep
_INSTALLED = re.compile(r"[/\\](site|dist)-packages[/\\]")
# A Spark of one's own brings its Python along, outside the installed packages.
_BROUGHT = ("pyspark", "py4j", "delta")


class Module:
    """A module of ours.

    Attributes:
        path: Its file below the package, such as "lending/cleaning.py"; the same on any machine.
        imports: Name to the dotted name that a top-level import binds it to.
        statements: Name to the other top-level statements that bind or change it.
    """

    def __init__(self, file: str, namespace: Mapping[str, Any]) -> None:
        self.file, self.namespace, self.stamp = file, namespace, _stamp(file)
        name = str(namespace.get("__name__", ""))
        if name == "__main__":
            name = os.path.basename(namespace.get("__file__") or name).removesuffix(".py")
        name += ".__init__" if os.path.basename(file) == "__init__.py" else ""
        self.path = name.removeprefix(f"{_PACKAGE}.").replace(".", "/") + ".py"
        linecache.checkcache(file)
        self.tree = ast.parse("".join(linecache.getlines(file, dict(namespace))))
        self.imports: dict[str, Chain] = {}
        self.statements: dict[str, list[Any]] = {}
        # Not in a notebook: its cells share their names, so values tell what a name means.
        if file == namespace.get("__file__"):
            for statement in self.tree.body:
                self._index(statement)

    def _index(self, statement: ast.stmt) -> None:
        parts: list[ast.AST] = []
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.statements.setdefault(statement.name, []).append(statement)
                return
            case ast.If() if re.search("__name__|TYPE_CHECKING", ast.unparse(statement.test)):
                pass
            case ast.Assign(targets=targets):
                parts += targets
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                parts = [target]
            case _:  # a call, a loop or a condition may change whatever it names
                parts = [statement]
        names = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
        for name in sorted(names):
            self.statements.setdefault(name, []).append(statement)
        for node in ast.walk(statement):
            self.imports |= imports_of(node, self)

    @functools.cached_property
    def libraries(self) -> frozenset[str]:
        """Libraries that it imports, by top-level name."""
        return libraries_of(self.imports)


_modules: dict[tuple[str, int], Module] = {}
Target = tuple[Module | None, str]  # a name of a module of ours, or (None, name in a library)


def module_at(file: str, namespace: Mapping[str, Any]) -> Module:
    """Return the module of a file, read once."""
    key = file, id(namespace)  # "<string>" is the file of many
    if key not in _modules:
        _modules[key] = Module(file, namespace)
    return _modules[key]


def forget_edited() -> bool:
    """Forget all modules if the file of one has changed; return whether it has."""
    is_edited = any(_stamp(module.file) != module.stamp for module in _modules.values())
    if is_edited:
        _modules.clear()
        _unloaded.cache_clear()
    return is_edited


def _stamp(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except OSError:  # a cell of a notebook, a module in an archive
        return 0, 0
    return status.st_mtime_ns, status.st_size


def imports_of(node: ast.AST, module: Module) -> dict[str, Chain]:
    """Return what a node binds if it is an import, each name to its dotted name."""
    if isinstance(node, ast.Import):
        split = [(alias.asname, tuple(alias.name.split("."))) for alias in node.names]
        return {name or chain[0]: chain if name else chain[:1] for name, chain in split}
    if isinstance(node, ast.ImportFrom):
        dotted = "." * node.level + (node.module or "")
        source = util.resolve_name(dotted, module.namespace.get("__package__")).split(".")
        # `*` binds no name of its own, but tells the library.
        return {
            a.asname or a.name + dotted * (a.name == "*"): (*source, a.name) for a in node.names
        }
    return {}


def libraries_of(imports: Mapping[str, Chain]) -> frozenset[str]:
    """Return the top-level names of the libraries among imports."""
    chains = [chain for chain in imports.values() if chain[0] not in sys.stdlib_module_names]
    return frozenset(chain[0] for chain in chains if not owner_of(chain))


def is_own(file: str, name: str) -> bool:
    """Whether a module was written by us or by the user, not installed."""
    top = name.partition(".")[0]
    is_installed = file.startswith((_STANDARD_LIBRARY, "<frozen")) or _INSTALLED.search(file)
    return top == _PACKAGE or not (top in _BROUGHT or is_installed)


@functools.cache
def _unloaded(name: str, folders: tuple[str, ...]) -> Mapping[str, Any] | None:
    try:  # `util` would import the package of a module to find its folders
        spec = PathFinder.find_spec(name, folders) if folders else util.find_spec(name)
    except (ImportError, ValueError):
        return None
    is_python = spec and (spec.origin or "").endswith(".py")
    return vars(util.module_from_spec(spec)) if spec and is_python else None


def owner_of(chain: Chain) -> tuple[Module, Chain] | None:
    """Return the innermost module of ours on a dotted name, and what is left of the name."""
    found, folders = None, ()
    for length in range(1, len(chain) + 1):
        name = ".".join(chain[:length])
        loaded = sys.modules.get(name)
        namespace = vars(loaded) if loaded else _unloaded(name, folders)
        if namespace is None or name in sys.stdlib_module_names:
            break
        if file := namespace.get("__file__"):  # a namespace package has none
            if not is_own(file, name) or not file.endswith(".py"):
                break
            found = module_at(file, namespace), chain[length:]
        if not (folders := tuple(namespace.get("__path__", ()))):
            break
    return found


def follow(chain: Chain) -> Iterator[Target]:
    """Return where an absolute dotted name leads; the functions of Spark SQL are called `F`."""
    owner = owner_of(chain)
    if not owner:
        yield None, re.sub(r"^pyspark\.sql\.(\w+\.)*functions\.(builtin\.)?", "F.", ".".join(chain))
    elif owner[1]:
        yield from targets(*owner, {})
    else:  # the module itself is handed on: anything in it may be used
        yield from ((owner[0], name) for name in owner[0].statements)


def targets(module: Module, chain: Chain, local: Mapping[str, Chain]) -> Iterator[Target]:
    """Return where a dotted name written in a module leads; `local` imports come first."""
    head, rest = chain[0], chain[1:]
    if head in module.statements:
        yield module, head
    if imported := local.get(head) or module.imports.get(head):
        yield from follow(imported + rest)
    elif head in module.namespace and head not in module.statements:
        value = module.namespace[head]
        if isinstance(value, ModuleType):
            yield from follow((*value.__name__.split("."), *rest))
            return
        yield module, head
        if isinstance(value, type | FunctionType | BuiltinFunctionType):
            yield from follow((*(value.__module__ or "").split("."), value.__qualname__, *rest))
    elif head not in module.statements and "__builtins__" not in module.namespace:  # not loaded
        for star in [source for name, source in module.imports.items() if name[0] == "*"]:
            yield from follow(star[:-1] + chain)


_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Reading:
    """Syntax trees in one canonical form, and what they name.

    Attributes:
        text: The same for code that differs in comments, docstrings, annotations and layout only.
        uses: Dotted names, the first part "" if it is a local variable or behind a call; the line;
            the call if it is what is called.
        sql: Functions without arguments in texts, with the line.
        nodes: Those that may import.
    """

    def __init__(self, nodes: list[Any], local: Iterable[str] = ()) -> None:
        self.text: list[str] = []
        self.uses: list[tuple[Chain, int, ast.Call | None]] = []
        self.sql: list[tuple[str, int]] = []
        self.nodes: list[ast.AST] = []
        self._local = frozenset(local)
        self._read(nodes)

    def _read(self, node: Any, call: ast.Call | None = None, *, in_class: bool = False) -> None:
        match node:
            case list():
                self.text.append("[")
                for item in node:
                    self._read(item, in_class=in_class)
                self.text.append("]")
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring, or as good as one
            case ast.Attribute() | ast.Name():
                self._read_chain(node, call)
            # In a class an annotation makes a field; elsewhere it only says a type.
            case ast.AnnAssign() if not in_class:
                if node.value:
                    self._read(ast.Assign([node.target], node.value))
            case ast.Constant(value=str(text)):
                self.text.append(repr(text))
                self.sql += [(name, node.lineno) for name in re.findall(r"\b(\w+)\(\)", text)]
            case ast.AST():
                self._read_fields(node)
            case _:
                self.text.append(repr(node))

    def _read_fields(self, node: ast.AST) -> None:
        outside = self._local
        if isinstance(node, _Comprehension):
            self._read(node.generators[0].iter)
            self._local |= _local_names([part.target for part in node.generators])
        elif isinstance(node, _Function):
            self._read([*getattr(node, "decorator_list", ()), *node.args.defaults])
            self._read(node.args.kw_defaults)
            self._local |= _local_names([*ast.iter_child_nodes(node)])
        self.nodes.append(node)
        self.text.append(type(node).__name__)
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "ctx", "type_comment"):
                called = node if isinstance(node, ast.Call) and name == "func" else None
                self._read(value, called, in_class=isinstance(node, ast.ClassDef))
        self._local = outside

    def _read_chain(self, node: ast.expr, call: ast.Call | None) -> None:
        parts: list[str] = []
        root = node
        while isinstance(root, ast.Attribute):
            parts.append(root.attr)
            root = root.value
        name = root.id if isinstance(root, ast.Name) else ""
        chain = ("" if name in self._local else name, *reversed(parts))
        self.uses.append((chain, node.end_lineno or 0, call))
        self.text.append(f"@{name}.{'.'.join(chain[1:])}")
        if not name:
            self._read(root)


def _local_names(nodes: list[ast.AST]) -> set[str]:
    """Return the names that these nodes bind, scopes within them left out."""
    found: set[str] = set()
    shared: set[str] = set()
    while nodes:
        match node := nodes.pop():
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.add(node.id)
            case ast.arg():
                found.add(node.arg)
            case ast.Global():
                shared.update(node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                pass
            case ast.GeneratorExp() | ast.Import() | ast.ImportFrom():
                pass
            case _:
                # `except … as name`, `case name`, `case {**rest}`
                found.update(filter(None, (getattr(node, key, None) for key in ("name", "rest"))))
                nodes += ast.iter_child_nodes(node)
    return found - shared
