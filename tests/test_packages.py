"""The packages of a revision that needs others than those that are installed."""

import os
import subprocess
import sys
from pathlib import Path

from scratch_repository import empty, write
from test_worktrees import commit

from psubench.compare.git.imported_from import TOOL
from psubench.compare.git.layout import Checkout
from psubench.compare.git.packages import install, packages

__all__ = ["empty"]

BACKEND = """
import pathlib, zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "myneurons-0.1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr("mine.py", pathlib.Path("mine.py").read_text())
        info = "myneurons-0.1.dist-info/"
        told = "Metadata-Version: 2.1\\nName: myneurons\\nVersion: 0.1\\n"
        wheel.writestr(info + "METADATA", told + REQUIRES)
        told = "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", told)
        wheel.writestr(info + "RECORD", "")
    return name
"""
PROJECT = """[build-system]
requires = []
build-backend = "own_backend"
backend-path = ["."]
[project]
name = "myneurons"
version = "0.1"
dependencies = [{needs}]
"""


def test_a_revision_with_other_packages_gets_them_beside_what_is_installed(empty, tmp_path, monkeypatch):
    """Its own come first; torch and psubench, which it does not ask for, are those that run here.

    An environment may stand on another one, as those with --system-site-packages do: then on that too.
    """
    below = tmp_path / "base" / "site-packages"
    write(below, {"below.py": ""})
    monkeypatch.setattr("sys.path", [*sys.path, str(below)])
    write(empty, {"mine.py": "", "own_backend.py": f'REQUIRES = "Requires-Dist: numpy\\n"{BACKEND}'})
    write(empty, {"pyproject.toml": PROJECT.format(needs='"numpy"')})
    commit(empty, "base")
    here = Checkout("base", empty, empty, Path())
    before = packages(here)
    python = install(here, tmp_path / "venv", has_psubench=False)
    code = "import below, mine, psubench, numpy; print(mine.__file__); print(psubench.__file__)"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    said = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True, env=clean, cwd="/"
    )
    mine, ours = said.stdout.split()
    assert Path(mine).is_relative_to(tmp_path / "venv")
    assert Path(ours).parent == TOOL
    write(empty, {"pyproject.toml": PROJECT.format(needs="")})
    assert packages(here) != before
