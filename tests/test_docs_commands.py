"""Every command of a console block in the documents runs, and every link leads somewhere."""

import re
import shlex
import shutil
from functools import cache

import pytest
from support.command_line import here
from support.places import ROOT
from test_worktrees import commit, git

from psubench.records.jsonl import NAME

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("*/README.md")),
]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
# What makes a command fast and independent of who else measures; an option that stands twice counts as it
# stands last. What is asked for stays: neurons, models, data, phases.
QUICK = {
    "speed": "--processes 1 --max-seconds 0.05 --no-memory --quiet --T 8 --batch 2",
    "accuracy": "--dry-run",
    "report": "--quiet",
    "selftest": "--comparisons 2",
}
ELSEWHERE = {
    "scripts/test": "this test is part of it",
    "psubench selftest aa": "it takes an hour; test_selftest.py runs it small",
    "psubench selftest power": "it takes an hour; test_selftest.py runs it small",
}
SHOWN = ("paper", "export")
"""Commands that read committed runs."""
TWICE = {"lif,mine.py:Threshold": (["--phase", "train"], 4, "no gradient")}
"""What a document says of a command that it shows: more options, exit code, words of the output."""


def console_commands():
    """Document and command, of every line that begins with `$ ` in a console block."""
    for path, name in zip(DOCUMENTS, NAMES, strict=True):
        for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield name, line.removeprefix("$ ").partition("  #")[0].strip()


COMMANDS = list(console_commands())


def lay_out(name, folder):
    """Writes the Python blocks of a document that begin with the name of their file."""
    for block in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL):
        if match := re.match(r"# ([\w.]+\.py)\n", block):
            (folder / match[1]).write_text(block)


def test_there_are_commands():
    assert len(COMMANDS) >= 9
    assert {name for name, _ in COMMANDS} >= {"README.md", "docs/findings.md", "docs/extending.md"}


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[f"{n}: {c}" for n, c in COMMANDS])
@pytest.mark.slow
def test_a_command_of_the_documents_runs(name, command, tmp_path):
    for start, reason in ELSEWHERE.items():
        if command.startswith(start):
            pytest.skip(reason)
    program, *words = shlex.split(command)
    assert program in ("psubench", "scripts/psubench")
    lay_out(name, tmp_path)
    if words[0] == "init":  # in a repository of the reader's, with the neuron of the README
        lay_out("README.md", tmp_path)
        git(tmp_path, "init", "--quiet")
        commit(tmp_path, "base")
    else:
        (tmp_path / "suites").symlink_to(ROOT / "suites")
    for run in (word for word in words if words[0] in SHOWN and (ROOT / word / NAME).exists()):
        (tmp_path / run).mkdir(parents=True)
        shutil.copy(ROOT / run / NAME, tmp_path / run)
    (tmp_path / "reports").mkdir(exist_ok=True)
    quick = shlex.split(QUICK.get(words[0], ""))
    done = here(*words, *quick, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for mark, (more, code, said) in TWICE.items():
        if mark in command:
            again = here(*words, *quick, *more, cwd=tmp_path)
            assert (again.returncode, said in again.stdout) == (code, True)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name):
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.DOTALL)
    here = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "mailto:")):
            continue  # Nothing may be asked of the network.
        path, _, anchor = target.partition("#")
        file = here / path if path else ROOT / name
        assert file.exists(), f"{name}: {target}"
        assert not anchor or anchor in anchors(file), f"{name}: {target}"


def anchors(path):
    """Of the headings of a Markdown file, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_files_that_a_document_names_exist(name):
    pattern = r"`((?:psubench|scripts|tests|suites|reports|examples|docs)/[\w./-]+\w)`"
    for target in re.findall(pattern, (ROOT / name).read_text()):
        if "DATE-TIME" in target:
            continue  # where a run's folder goes
        assert (ROOT / target).exists() or (ROOT / "psubench" / target).exists(), target


@cache
def help_of(*words):
    return here(*words, "--help").stdout


def test_the_commands_within_sentences_are_known():
    """Their options too: `psubench NAME --help` must name each."""
    for path, name in zip(DOCUMENTS, NAMES, strict=True):
        for code in re.findall(r"`(?:scripts/)?psubench ([a-z][^`]*)`", path.read_text().replace("\n", " ")):
            words = shlex.split(code.partition("|")[0])
            group = 2 if words[0] in ("data", "list", "selftest", "baseline", "init") and words[1:] else 1
            known = help_of(*words[:group])
            assert known, f"{name}: {code}"
            for word in words:
                if re.fullmatch(r"--[a-z][\w-]*", word):
                    assert word in known, f"{name}: {code}: {word}"
