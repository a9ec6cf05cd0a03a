"""The files of a plug-in and their hash, which shows whether two runs used the same code.

Nothing is imported, since that would run the user's code, and torch, in the process that only plans. So what
a file imports is read from its text; a name that is computed at run time is not found.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from psubench.neurons.foreign.table import library_of
from psubench.plugins import check_exists, is_installed

_WEIGHTS = ("epoch-*.pt", "weights.safetensors")


def digest(text: str) -> str | None:
    """Hash of a plug-in's file, and of all files of the same project that it imports, at any depth.

    Args:
        text: `path/file.py:attribute`, `package.module:attribute`, or a file of values such as `prices.toml`.

    Returns:
        Of a neuron of a library, its name and version. None for a module that does not exist or has no file.

    Raises:
        PsubenchError: there is no such file.
    """
    library = library_of(text)
    if library is not None:
        return f"{library.name} {library.version}"
    if text.endswith(".toml"):
        check_exists(f"{text}:")
        return _hash({"": Path(text)})
    where = text.rpartition(":")[0]
    if where.endswith(".py"):
        check_exists(text)
    # A library that is itself the plug-in is followed within itself: it may be one that is being edited.
    top = "" if where.endswith(".py") else where.partition(".")[0]
    found: dict[str, Path] = {}
    with _imports_from(Path.cwd(), *([Path(where).parent] if where.endswith(".py") else [])):
        todo = [("", Path(where))] if where.endswith(".py") else _files(where, top)
        while todo:
            name, path = todo.pop()
            if name in found:
                continue
            found[name] = path
            if path.suffix == ".py":
                todo += [one for imported in _imported(path, name) for one in _files(imported, top)]
    return _hash(found) if found else None


def weights_digest(path: Path) -> str | None:
    """Hash of a file of weights, or of all such files in or below a folder; None if there are none."""
    found = {"": path}
    if path.is_dir():
        found = {str(p.relative_to(path)): p for pattern in _WEIGHTS for p in path.rglob(pattern)}
    return _hash(found) if found else None


def _hash(files: dict[str, Path]) -> str:
    whole = hashlib.sha256()
    for name in sorted(files):
        with open(files[name], "rb") as file:
            one = hashlib.file_digest(file, "sha256")
        whole.update(f"{name}\0{one.hexdigest()}\n".encode(errors="replace"))
    return whole.hexdigest()[:16]


@contextmanager
def _imports_from(*folders: Path) -> Iterator[None]:
    """As in a worker, where modules are looked up in the current folder first; and beside a plug-in's file,
    which many add to the path themselves."""
    before = list(sys.path)
    sys.path[:0] = [str(folder.absolute()) for folder in folders]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before


def _files(name: str, top: str) -> list[tuple[str, Path]]:
    """Files that importing a module runs, packages first; of the user's project or of `top` only."""
    parts, found = name.split("."), []
    places: Sequence[str] | None = None
    for depth in range(1, len(parts) + 1):
        whole = ".".join(parts[:depth])
        spec = _spec(whole, places)
        if spec is None:
            break
        if spec.origin is not None and spec.has_location:
            path = Path(spec.origin)
            if parts[0] != top and _is_library(path):
                break
            found.append((whole, path))
        places = spec.submodule_search_locations
        if places is None:
            break
    return found


def _spec(name: str, places: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    try:
        if "." not in name:
            return importlib.util.find_spec(name)  # nothing is imported from a package without a dot
        return importlib.machinery.PathFinder.find_spec(name, places)
    except (ImportError, ValueError, AttributeError, KeyError):  # the last: of namespaces
        return None


def _is_library(path: Path) -> bool:
    """Whether a file belongs to a library: its version is in the environment, or it is not edited."""
    whole = path.resolve()
    return is_installed(whole) or whole.is_relative_to(_PSUBENCH)


_PSUBENCH = Path(__file__).resolve().parent.parent


def _imported(path: Path, name: str) -> set[str]:
    """Names of the modules that a file may import, anywhere in it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return set()  # the worker reports what is wrong with it
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # What is imported from a package may be a module of it.
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            texts = (argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant))
            names |= {text for text in texts if isinstance(text, str)}
    return {name for name in names if name and not name.startswith(".")}
