"""What a result depends on: the code that makes it, the data files which that reads, the libraries it computes with.

The one place that knows: params of rules, the feature cache, decoded images, outputs of frozen stages and states of
active learning all carry what this module says of their code. Standard library only: it runs whenever the workflow is
parsed.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parent

LIBRARIES = {
    "PIL": "pillow",
    "numpy": "numpy",
    "openTSNE": "openTSNE",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "torchvision": "torchvision",
}
"""Libraries whose version can change numbers: the name that is imported → the distribution."""

# How a job says what it does, where its files lie (which Snakemake compares itself) and this module change no number.
EXEMPT = frozenset({"nearlabel.bars", "nearlabel.logs", "nearlabel.run_files", "nearlabel.sources"})


class Sources(NamedTuple):
    """What code a result depends on.

    Attributes
    ----------
    code : str
        SHA-256, hexadecimal, over the syntax trees of all modules, without docstrings and comments, and over the data
        files that they read.
    libraries : dict of str to str
        Version of each of `LIBRARIES` that one of the modules imports, by distribution; empty text where it is not
        installed, as in an environment that only submits jobs.
    """

    code: str
    libraries: dict[str, str]

    def describe(self) -> dict[str, object]:
        """Both as JSON-able facts, for a key of something kept on disk."""
        return {"code": self.code, "libraries": self.libraries}

    def hash(self) -> str:
        """Both in one: 64 hexadecimal digits, for a param of a rule."""
        text = self.code + "".join(f"\n{name} {number}" for name, number in sorted(self.libraries.items()))
        return hashlib.sha256(text.encode()).hexdigest()


class _Module(NamedTuple):
    """One file of Python code as far as results depend on it."""

    digest: str
    imports: frozenset[str]
    libraries: frozenset[str]
    data: tuple[str, ...]


def fingerprint(parts: Mapping[str, object]) -> str:
    """Return a name for a set of JSON-able facts: 32 hexadecimal digits, the same for equal facts in any order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def sources_of(*modules: str) -> Sources:
    """Find what the code of some modules of the library depends on: the closure of their imports.

    Imports within functions count like those at the top, and so does the ``__init__`` of every package on the way.

    Parameters
    ----------
    *modules : str
        Dotted names, ``nearlabel.…``; read, not imported.

    Returns
    -------
    Sources

    Raises
    ------
    ValueError
        A module of the closure imports what cannot be followed (relative imports, modules by a text), or finds files by
        ``__file__`` instead of `data_path`; no such module.
    """
    for name in modules:
        if module_file(name) is None:
            raise ValueError(f"there is no module {name} in {_ROOT}")
    return _close(frozenset(_with_packages(modules)))


def sources_of_script(script: str | Path) -> Sources:
    """Find what a script depends on: itself, and the closure of its imports; otherwise as `sources_of`."""
    script = Path(script)
    found = _read(script)
    own, rest = _sum_up({script.name: (script, found)}), _close(found.imports)
    code = hashlib.sha256(f"{own.code}\n{rest.code}".encode()).hexdigest()
    return Sources(code, dict(sorted((rest.libraries | own.libraries).items())))


def data_path(file: str, name: str) -> Path:
    """Return the path of a file or folder that lies beside a module and that the module reads.

    Parameters
    ----------
    file : str
        The module's ``__file__``, written so.
    name : str
        Relative to the module's folder; a literal, so that what depends on the module depends on the data too.
    """
    return Path(file).parent / name


def module_file(name: str) -> Path | None:
    """Return the file of a module or package of the library, None for a name that is neither."""
    return _find(_ROOT, name)


@cache
def _find(root: Path, name: str) -> Path | None:
    top, *rest = name.split(".")
    if top != root.name:
        return None
    stem = root.joinpath(*rest)
    return next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)


def module_names() -> list[str]:
    """List all modules and packages of the library by their dotted names."""
    parts = [file.relative_to(_ROOT.parent).with_suffix("").parts for file in _ROOT.rglob("*.py")]
    return sorted(".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts)


@cache
def closure(names: frozenset[str]) -> frozenset[str]:
    """All modules of the library that some modules import, directly or not, themselves included, but for the exempt."""
    found: set[str] = set()
    waiting = set(names) - EXEMPT
    while waiting:
        found |= waiting
        waiting = set().union(*(_read(module_file(name)).imports for name in waiting)) - found - EXEMPT
    return frozenset(found)


@cache
def _close(names: frozenset[str]) -> Sources:
    files = {name: module_file(name) for name in sorted(closure(names))}
    return _sum_up({name: (file, _read(file)) for name, file in files.items()})


def _sum_up(modules: Mapping[str, tuple[Path, _Module]]) -> Sources:
    digest = hashlib.sha256()
    for name, (file, module) in modules.items():
        digest.update(f"{name} {module.digest}\n".encode())
        for path in (path for data in module.data for path in _files(file.parent / data)):
            digest.update(f"{path.relative_to(file.parent).as_posix()}\n".encode() + path.read_bytes())
    libraries = frozenset().union(*(module.libraries for _, module in modules.values()))
    return Sources(digest.hexdigest(), _versions(libraries))


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def compare_versions(then: Mapping[str, str]) -> list[str]:
    """Say which libraries are others here than when something was made, a sentence's end for each.

    Parameters
    ----------
    then : mapping of str to str
        Version by distribution.
    """
    now = {library: _version(library) or "none" for library in then}
    return [
        f"was made with {library} {then[library]}, here is {now[library]}: close cases can differ"
        for library in then
        if now[library] != then[library]
    ]


def _versions(imported: Iterable[str]) -> dict[str, str]:
    return {name: _version(name) for name in sorted(LIBRARIES[module] for module in imported)}


def _with_packages(names) -> Iterator[str]:
    for name in names:
        parts = name.split(".")
        yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


@cache
def _read(file: Path) -> _Module:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names: set[str] = set()
    for statement in _without_docstrings(tree):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            if statement.level:
                raise ValueError(f"{file}:{statement.lineno}: a relative import; write the module's whole name")
            names.add(statement.module)
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    # Most modules have none of these, and need no look at every expression.
    suspicious = any(word in text for word in ("__file__", "import_module", "__import__", "data_path"))
    data = _check_expressions(file, tree) if suspicious else ()
    libraries = {name.split(".")[0] for name in names} & LIBRARIES.keys()
    own = _with_packages(name for name in names if name.split(".")[0] == _ROOT.name)
    return _Module(
        hashlib.sha256(ast.dump(tree).encode()).hexdigest(),
        frozenset(name for name in set(own) if module_file(name)),
        frozenset(libraries),
        tuple(sorted(data)),
    )


def _without_docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    """Every statement of a module; docstrings, those of attributes too, are taken out on the way."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inside = getattr(node, field, None)
            if isinstance(inside, list):
                inside[:] = [part for part in inside if not _is_text(part)]
                waiting += inside


def _check_expressions(file: Path, tree: ast.Module) -> set[str]:
    """Refuse what cannot be followed; return the names of the data that the module reads."""
    located: set[ast.AST] = set()
    data: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _name(node.func)
            if called in ("import_module", "__import__"):
                raise ValueError(f"{file}:{node.lineno}: imports a module by a text; write an import statement")
            if called == "data_path":
                data.add(_data_name(file, node))
                located.add(node.args[0])
        elif isinstance(node, ast.Name) and node.id == "__file__" and node not in located:
            # Breadth first: the call that a name is an argument of comes before it.
            raise ValueError(f"{file}:{node.lineno}: finds files by __file__; take nearlabel.sources.data_path")
    return data


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _data_name(file: Path, call: ast.Call) -> str:
    match call.args:
        case [ast.Name("__file__"), ast.Constant(str() as name)] if not call.keywords:
            if (file.parent / name).exists():
                return name
            raise ValueError(f"{file}:{call.lineno}: there is no {name} beside it")
    raise ValueError(f'{file}:{call.lineno}: write data_path(__file__, "…") with a literal name')


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
