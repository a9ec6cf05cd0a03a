"""A hash of the code that builds, checks and times: where it differs, equal work need not take equal time."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_PATTERNS = (
    "measure/**/*.py", "devices/*.py", "experiments/paired/probe.py", "experiments/speed/work.py",
    "experiments/speed/instructions.py", "runs/schedule.py", "runs/worker_process.py",
    "neurons/reference_*.py", "neurons/equality.py", "neurons/tolerances.py", "training/layer_gate.py",
)  # fmt: skip


@cache
def digest(package: Path = _PACKAGE) -> str:
    """Of its syntax: comments, documents and blank lines do not count."""
    whole = hashlib.sha256()
    for path in sorted(path for pattern in _PATTERNS for path in package.glob(pattern)):
        tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                body[:] = [one for one in body if not _is_document(one)]
        whole.update(f"{path.relative_to(package)}\0{ast.dump(tree)}\n".encode())
    return whole.hexdigest()


def _is_document(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
