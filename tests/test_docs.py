"""What the README shows is what the program does."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from psubench import __version__
from psubench.neurons import TABLE

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def psubench(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "psubench", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, timeout=200)


def test_the_table_in_the_readme_is_that_of_the_committed_run():
    shown = [line.rstrip() for line in psubench("show", "reports/example").stdout.splitlines()]
    block = README.split("$ scripts/psubench speed --T 4..128\n")[1].split("```")[0]
    quoted = [line for line in block.splitlines() if line and not line.startswith(("[...", "record, "))]
    assert len(quoted) > 40
    assert [line for line in quoted if line not in shown] == []


def test_the_accuracies_in_the_readme_are_those_of_the_committed_run():
    shown = [line.rstrip() for line in psubench("show", "reports/example-accuracy").stdout.splitlines()]
    block = README.split("--out reports/example-accuracy\n")[1].split("```")[0]
    assert [line for line in block.splitlines() if line] == [line for line in shown if line]


def test_every_neuron_is_in_the_readme_with_its_equation():
    for spec in TABLE.values():
        assert f"| `{spec.name}`" in README
        assert f"| {spec.equation} |" in README


def test_the_neuron_of_the_readme_runs(tmp_path):
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "# mine.py" in block
    )
    (tmp_path / "mine.py").write_text(code)
    command = next(line for line in README.splitlines() if "lif,mine.py" in line).split()[2:]
    done = psubench(*command, "--processes", "1", "--max-seconds", "0.1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "unverified" in done.stdout
    train = psubench(*command[:-1], "train", "--processes", "1", "--max-seconds", "0.1", cwd=tmp_path)
    assert train.returncode == 4
    assert "no gradient" in train.stdout


def test_files_that_the_documents_name_exist():
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "suites/README.md"):
        for path in re.findall(
            r"\]\(([^)#:]+)\)|`((?:psubench|scripts|tests|suites|reports)/[\w./-]+\w)`",
            (ROOT / name).read_text(),
        ):
            target = "".join(path)
            assert (ROOT / target).exists() or (ROOT / "psubench" / target).exists(), f"{name}: {target}"


def test_the_version_stands_once_more_in_the_citation():
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()


def test_what_is_required_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"], *extras["test"]]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert [r for r in required if re.split(r"[<>=\[]", r)[0].lower() not in pinned] == []
