"""Which packages a revision needs, and an environment that has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psubench
from psubench.compare.git.git_command import first_reason, own_environment
from psubench.compare.git.layout import PROJECT_FILE, Checkout, read_project
from psubench.errors import TIMEOUT, PsubenchError
from psubench.plugins import is_installed

_FILES = ("constraints.txt", "setup.py", "setup.cfg")
_INSTALLED_BY = (PROJECT_FILE, "setup.py")
_FIELDS = ("requires-python", "dependencies", "optional-dependencies")
_SITES = {"site-packages", "dist-packages"}
INSTALL_SECONDS = 1800.0


def packages(checkout: Checkout) -> dict[str, Any]:
    """What decides which packages a checkout needs; tools' settings and documents do not.

    Raises:
        PsubenchError: a pyproject.toml is not valid.
    """
    found: dict[str, Any] = {}
    for folder in checkout.chain:
        for path in [*(folder / name for name in _FILES), *folder.glob("requirements*.txt")]:
            if path.is_file():
                found[str(path.relative_to(checkout.tree))] = path.read_bytes()
        if (path := folder / PROJECT_FILE).is_file():
            told = read_project(path, checkout)
            project = told.get("project", {})
            if not isinstance(project, dict):
                where = path.relative_to(checkout.tree)
                raise PsubenchError(f"{checkout.name}: project in {where} is not a table", "fix it")
            found[str(path.relative_to(checkout.tree))] = [
                told.get("build-system"), *(project.get(field) for field in _FIELDS)
            ]  # fmt: skip
    return found


def install(checkout: Checkout, venv: Path, *, has_psubench: bool) -> Path:
    """The interpreter of a new virtual environment with a checkout's packages.

    Args:
        has_psubench: whether the revision brings its own psubench, with all that it needs. Else what is
            installed here serves where the revision does not ask for another version, psubench itself too.

    Raises:
        PsubenchError: they cannot be installed.
    """
    python = venv / "bin" / "python"
    _do([sys.executable, "-m", "venv", str(venv)], checkout)
    if not has_psubench:
        # All that this interpreter has: an environment may stand on another one's packages.
        behind = [path for path in sys.path if not _SITES.isdisjoint(Path(path).parts)] + tool_folders()
        site = next(venv.glob("lib/python*/site-packages"))
        (site / "zz-psubench-behind.pth").write_text("\n".join(dict.fromkeys(behind)) + "\n")
    wanted = asked(checkout)
    if wanted:
        _do(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted], checkout
        )
    return python


def tool_folders() -> list[str]:
    """The folder that holds this psubench, where it is a source tree; none where it is installed."""
    folder = Path(psubench.__file__).resolve().parent.parent
    return [] if is_installed(folder) else [str(folder)]


def asked(checkout: Checkout) -> list[str]:
    """What pip is asked for: the projects of the folder and of those above it, and their requirements."""
    found: list[str] = []
    for folder in checkout.chain:
        if (pins := folder / "constraints.txt").is_file():
            found += ["--constraint", str(pins)]
        if (listed := folder / "requirements.txt").is_file():
            found += ["--requirement", str(listed)]
        if _is_project(folder, checkout):
            found.append(str(folder))
    return found if any(not one.startswith("--con") for one in found[::2]) else []


def _is_project(folder: Path, checkout: Checkout) -> bool:
    if (folder / "setup.py").is_file():
        return True
    path = folder / PROJECT_FILE
    return path.is_file() and not {"project", "build-system"}.isdisjoint(read_project(path, checkout))


def _do(command: list[str], checkout: Checkout) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", env=own_environment(),
            stdin=subprocess.DEVNULL, timeout=INSTALL_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise PsubenchError(
            f"the packages of {checkout.name} were not installed within {INSTALL_SECONDS:.0f} s",
            "measure each revision in an environment of its own and compare the two records", TIMEOUT,
        ) from None  # fmt: skip
    if done.returncode != 0:
        reason = first_reason(done.stderr) or first_reason(done.stdout) or "no message"
        raise PsubenchError(
            f"the packages of {checkout.name} cannot be installed: {reason}",
            "measure each revision in an environment of its own and compare the two records",
        )
