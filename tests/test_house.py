"""The house rules that a machine can hold: lengths, names, prints, lazy imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "psubench").rglob("*.py"))
FILES = [*SOURCES, *sorted((ROOT / "tests").glob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lengths(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    # A command has one parameter per option, which are declarations: only what it does is counted.
    starts = [node.body[0].lineno if path.parent.name == "cli" else node.lineno for node in functions]
    lengths = {f.name: f.end_lineno - start + 1 for f, start in zip(functions, starts, strict=True)}
    assert {name: length for name, length in lengths.items() if length > 40} == {}


def test_no_file_is_a_drawer():
    assert not {path.stem for path in SOURCES} & {
        "utils",
        "util",
        "helpers",
        "common",
        "base",
        "manager",
        "misc",
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_thing_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.ClassDef)
    bodies = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]
    public = [
        node for body in bodies for node in body.body if isinstance(node, kinds) and node.name[0] != "_"
    ]
    assert ast.get_docstring(tree)
    assert not [node.name for node in public if not ast.get_docstring(node)]


@pytest.mark.parametrize(
    "statement",
    [
        "import psubench.cli",
        "import psubench.neurons; psubench.neurons.parse_list('all')",
        "import psubench.data",
        "import psubench.devices",
        "import psubench.runs.schedule",
        "import psubench.experiments.speed.rows",
        "import psubench.experiments.accuracy.campaign, psubench.experiments.suite_file, psubench.experiments.accuracy.rows",
        "import psubench.compare.verdicts, psubench.compare.git.ab_run, psubench.compare.selftest.selftest",
        "import psubench.experiments.paired.tables, psubench.render.export, psubench.experiments.speed.figures",
    ],
)
def test_nothing_slow_is_imported_before_it_is_needed(statement):
    heavy = "{'torch', 'pandas', 'matplotlib', 'scipy'}"
    code = f"import sys; {statement}; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
