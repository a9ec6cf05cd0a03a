"""What the documents show is what the program does."""

import re
import tomllib

from support.command_line import here
from support.places import ROOT

from psubench import __version__
from psubench.neurons import TABLE

FINDINGS = (ROOT / "docs" / "findings.md").read_text()


def test_the_table_of_the_findings_is_that_of_the_committed_run():
    shown = [line.rstrip() for line in here("show", "reports/example", cwd=ROOT).stdout.splitlines()]
    block = FINDINGS.split("$ scripts/psubench speed --T 4..128\n")[1].split("```")[0]
    quoted = [line for line in block.splitlines() if line and not line.startswith(("[...", "record, "))]
    assert len(quoted) > 40
    assert [line for line in quoted if line not in shown] == []


def test_the_accuracies_of_the_findings_are_those_of_the_committed_run():
    shown = [line.rstrip() for line in here("show", "reports/example-accuracy", cwd=ROOT).stdout.splitlines()]
    block = FINDINGS.split("--out reports/example-accuracy\n")[1].split("```")[0]
    *lines, end = [line for line in block.splitlines() if line]
    assert end == "…"  # explanations, which stand below in the words of the page
    assert lines == [line for line in shown if line][: len(lines)]
    assert len(lines) > 24


def test_every_neuron_is_in_the_docs_as_it_is():
    rows = [line.split(" | ") for line in (ROOT / "docs" / "neurons.md").read_text().splitlines()]
    shown = {row[0]: row for row in rows if row[0].startswith("| `") and len(row) == 5}
    assert [name.split("`")[1] for name in shown] == list(TABLE)
    for spec, row in zip(TABLE.values(), shown.values(), strict=True):
        assert row[1:] == [spec.equation, "yes" if spec.causal else "no", spec.relation, f"{spec.source} |"]


def test_the_version_stands_once_more_in_the_citation():
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()


def test_what_is_required_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"], *extras["test"]]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert [r for r in required if re.split(r"[<>=\[]", r)[0].lower() not in pinned] == []
