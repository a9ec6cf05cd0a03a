"""The classes of a file that its name alone may stand for. The file is parsed, not run."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

from psubench.errors import PsubenchError, one_line
from psubench.plugins import check_exists


def resolve(text: str) -> str:
    """`mine.py` or `mine.py(key=value)` completed with its only candidate class: `mine.py:Node`.

    Other text is returned unchanged. `@step` may follow the file.

    Raises:
        PsubenchError: the file has none or several, which the error lists.
    """
    where, suffix = _split(text)
    if not where.endswith(".py") or ":" in where:
        return text
    check_exists(f"{where}:")
    found = modules(where)
    if len(found) != 1:
        listed = f"{len(found)} candidate classes: {', '.join(found)}"
        several = f"has {listed if found else 'no subclass of torch.nn.Module'}"
        example = f"{where}:{(found or ['Node'])[0]}"
        raise PsubenchError(f'"{where}" {several}', f"name one, for example {example}{suffix}")
    return f"{where}:{found[0]}{suffix}"


def _split(text: str) -> tuple[str, str]:
    """The file, and the rest of the text from `@` or `(` on."""
    ends = [text.find(mark) for mark in "@(" if mark in text]
    end = min(ends, default=len(text))
    return text[:end].strip(), text[end:]


def modules(where: str) -> list[str]:
    """Public classes of a file that, judging by their bases, are torch modules, in order.

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
        # An imported base is assumed to be a module, except for those that cannot be one.
        foreign = [base for base in bases if base not in known and base not in _NO_MODULES]
        if any(base in found for base in bases) or foreign:
            found.add(node.name)
    return [node.name for node in classes if node.name in found and not node.name.startswith("_")]


_NO_MODULES = frozenset(
    {*dir(builtins), "Function", "NamedTuple", "Enum", "Protocol", "ABC", "TypedDict", "Dataset"}
)
