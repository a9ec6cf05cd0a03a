"""Every command's help ends in an example, and the example does what it says; completion knows names."""

import os
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
import typer
from support import report_records
from support.command_line import LONGEST_SECONDS, PROGRAM, here
from support.places import ROOT

from psubench.cli import app

# What makes an example of a command that measures fast, and independent of who else measures; an option
# that stands twice counts as it stands last. A command that is not here is run as its help has it.
EXTRA = {
    "speed": "--device scripted --model neuron --mode layer --size 8 --batch 2 --processes 1 --no-memory "
    "--max-seconds 0.05 --T 2 --phase infer --neurons lif,psu",
    "sparsity": "--dry-run",
    "energy": "--dry-run",
    "profile": "--dry-run",
    "doctor": "--seconds 0",
    "data show": "--T 2",
    "train": "--dry-run",
    "accuracy": "--dry-run",
    "selftest simulate": "--comparisons 2",
}
ELSEWHERE = {
    "data get": "it needs the network; test_data_download.py runs it with a server of its own",
    "compare": "it needs a repository; test_worktrees.py runs it in one of its own",
    "history": "it needs a repository; test_history_git.py runs it in one",
    "init ci": "it needs a repository; test_init_ci.py runs it in one",
    "selftest aa": "it takes half an hour; test_selftest.py runs it small",
    "selftest power": "it takes half an hour; test_selftest.py runs it small",
    "baseline update": "it takes minutes; test_baseline.py runs its parts",
}


def commands(command=None, name=""):
    """Full name and help of every command that does something."""
    command = command or typer.main.get_command(app)
    found = getattr(command, "commands", None)
    if not found:
        return {name.strip(): command.help or ""}
    return {
        full: text
        for word, below in found.items()
        if not below.hidden
        for full, text in commands(below, f"{name} {word}").items()
    }


HELP = commands()


def examples(text):
    """The lines of a help text that begin with `Example:`, each with what its paragraph goes on with."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return [p.removeprefix("Example: ") for p in paragraphs if p.startswith("Example: ")]


def test_the_commands_are_found():
    assert {"speed", "show", "report", "list neurons", "data list", "doctor"} <= set(HELP)


@pytest.mark.parametrize("name", HELP)
def test_the_help_of_every_command_has_one_example_of_it(name):
    (example,) = examples(HELP[name])
    # `list data` is `data list` under another name, and has its help.
    named = next(n for n in HELP if shlex.split(example)[: 1 + len(n.split())] == ["psubench", *n.split()])
    assert HELP[named] == HELP[name]
    shown = " ".join(here(*name.split(), "--help").stdout.split())
    assert f"Example: {example}" in shown


@pytest.mark.parametrize("name", HELP)
@pytest.mark.slow
def test_the_example_runs(name, tmp_path):
    if name in ELSEWHERE:
        pytest.skip(ELSEWHERE[name])
    words = shlex.split(examples(HELP[name])[0])[1:]
    before = [word for word, after in pairwise(words) if after.startswith("reports/")]
    for word in (word for word in words if word.startswith("reports/") and "--out" not in before):
        report_records.write(report_records.small(), tmp_path / word)
    shutil.copytree(ROOT / "suites", tmp_path / "suites")
    done = here(*words, *shlex.split(EXTRA.get(name, "")), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout or list(tmp_path.rglob("*.*"))


def completed(*words):
    """What bash is offered after these words."""
    environment = {**os.environ, "_PSUBENCH_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words)}
    environment["COMP_CWORD"] = str(len(words) - 1)
    command = [sys.executable, "-X", "importtime", "-m", "psubench"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
    )
    assert not any(line.split("|")[-1].strip() == "torch" for line in done.stderr.splitlines())
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["psubench", "repo"], ["report"]),
        (["psubench", "list", "neu"], ["neurons"]),
        (["psubench", "speed", "--refer"], ["--reference"]),
        (["psubench", "speed", "--neurons", "lif,ps"], ["lif,psn", "lif,psu"]),
        (["psubench", "speed", "--neurons", "psu@"], ["psu@matmul", "psu@scan"]),
        (["psubench", "speed", "--model", "vgg"], ["vggsnn"]),
        (["psubench", "speed", "--data", "spoken"], ["spoken-digits"]),
    ],
)
@pytest.mark.slow
def test_a_shell_completes(words, offered):
    assert completed(*words)[: len(offered)] == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.slow
def test_completion_can_be_shown_and_installed(shell, tmp_path):
    home = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    for option in ("--show-completion", "--install-completion"):
        command = [*PROGRAM, option, shell]
        done = subprocess.run(
            command, env=home, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )
        assert done.returncode == 0, done.stderr
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "_PSUBENCH_COMPLETE" in written
