"""Which classes of a file could be meant where a file alone was named. Reads it and runs none of it."""

from __future__ import annotations

import ast
from pathlib import Path

from psubench.errors import PsubenchError, one_line
from psubench.plugins import check_exists


def resolve(text: str) -> str:
    """`mine.py` or `mine.py(key=value)` with the one class that it could mean: `mine.py:Node`.

    Text that names something else is given back. `@step` may follow the file.

    Raises:
        PsubenchError: the file has none or several, which the error lists.
    """
    where, suffix = _split(text)
    if not where.endswith(".py") or ":" in where:
        return text
    check_exists(f"{where}:")
    found = modules(where)
    if len(found) != 1:
        listed = f"{len(found)} classes that could be meant: {', '.join(found)}"
        several = f"holds {listed if found else 'no subclass of torch.nn.Module'}"
        example = f"{where}:{(found or ['Node'])[0]}"
        raise PsubenchError(f'"{where}" {several}', f"name one, for example {example}{suffix}")
    return f"{where}:{found[0]}{suffix}"


def _split(text: str) -> tuple[str, str]:
    """The file, and what follows it from `@` or `(` on."""
    ends = [text.find(mark) for mark in "@(" if mark in text]
    end = min(ends, default=len(text))
    return text[:end].strip(), text[end:]


def modules(where: str) -> list[str]:
    """Public classes of a file that are torch modules as far as their bases tell, in their order.

    Raises:
        PsubenchError: the file is not Python, or not text.
    """
    try:
        tree = ast.parse(Path(where).read_bytes(), where)
    except (SyntaxError, ValueError) as error:
        raise PsubenchError(
            f'"{where}" is not valid Python: {one_line(str(error))}', "correct the file"
        ) from None
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    known = {node.name for node in classes}
    found: set[str] = set()
    for node in classes:
        bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
        # A base that comes from elsewhere is believed to be a module, but for what cannot be one.
        foreign = [base for base in bases if base not in known and base not in _NO_MODULES]
        if any(base in found for base in bases) or foreign:
            found.add(node.name)
    return [node.name for node in classes if node.name in found and not node.name.startswith("_")]


_NO_MODULES = frozenset(
    {"object", "Function", "NamedTuple", "Enum", "Exception", "Protocol", "ABC", "TypedDict", "Dataset"}
)
