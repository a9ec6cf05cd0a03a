"""House rules that neither ruff nor import-linter holds: lengths, names, lazy imports."""

import ast
import subprocess
import sys

from support.places import ROOT

FOLDERS = ("psubench", "tests", "scripts", "examples")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
LINES_OF_A_FILE = 300
LINES_OF_A_FUNCTION = 40
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "shared"}
SLOW = ("torch", "pandas", "matplotlib", "scipy")
LIGHT = (
    "psubench.cli",
    "psubench.neurons; psubench.neurons.parse_list('all')",
    "psubench.data, psubench.devices, psubench.runs.schedule, psubench.experiments.speed.rows",
    "psubench.runs.trainings, psubench.experiments.suite_file",
    "psubench.experiments.accuracy.rows, psubench.experiments.speed.figures",
    "psubench.compare.verdicts, psubench.compare.git.ab_run, psubench.compare.selftest.selftest",
    "psubench.experiments.paired.tables, psubench.render.export",
)


def too_long(path):
    """What is wrong with the lengths of a file of Python, a sentence each."""
    text = path.read_text()
    name = path.relative_to(ROOT)
    length = len(text.splitlines())
    if length > LINES_OF_A_FILE:
        yield f"{name} has {length} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # A command has one parameter per option, which are declarations: only what it does is counted.
            start = node.body[0].lineno if path.parent.name == "cli" else node.lineno
            if node.end_lineno - start + 1 > LINES_OF_A_FUNCTION:
                yield f"{name}, {node.name} has {node.end_lineno - start + 1} lines"


def test_files_and_functions_are_short_and_no_file_is_a_drawer():
    offences = [sentence for path in FILES for sentence in too_long(path)]
    offences += [f"{path.relative_to(ROOT)} is a drawer" for path in FILES if path.stem in DRAWERS]
    assert not offences, "\n".join(offences)


def test_nothing_slow_is_imported_before_it_is_needed():
    # One process after the other forgets: what the first imported, the next would not import again.
    offences = []
    for names in LIGHT:
        code = f"import sys, {names}; print(*sorted(set({SLOW}) & sys.modules.keys()))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        if done.stdout.strip():
            offences.append(f"import {names} imports {done.stdout.strip()}")
    assert not offences, "\n".join(offences)
