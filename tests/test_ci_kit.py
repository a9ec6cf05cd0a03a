"""The script of the GitHub action, run as GitHub runs it, in a repository whose head changes an equation."""

import os
import re
import subprocess
import sys
import textwrap

import pytest
from test_worktrees import ROOT, clone, commit, edit

pytestmark = pytest.mark.slow

ACTION = (ROOT / "action.yml").read_text()
__all__ = ["clone"]


def script():
    """The step that compares: its shell script, and the variables that it gets from the inputs."""
    step = ACTION[ACTION.index("- id: compare") :]
    body = textwrap.dedent(step[step.index("run: |\n") + len("run: |\n") :])
    return body, dict(re.findall(r"^        (\w+): \$\{\{ inputs\.(\w+) \}\}$", step, re.MULTILINE))


def defaults():
    """Default of every input that has one."""
    inputs = ACTION[ACTION.index("inputs:") : ACTION.index("outputs:")]
    return dict(
        re.findall(r'^  (\w+):\n    description: [^\n]*\n    default: "?([^"\n]*)"?$', inputs, re.MULTILINE)
    )


def test_every_input_is_used():
    declared = set(re.findall(r"^  ([a-z]+):$", ACTION[: ACTION.index("outputs:")], re.MULTILINE))
    assert declared == {*script()[1].values(), "python", "install"}
    assert defaults()["budget"] == "600"


def test_the_script_fails_the_job_names_the_case_and_leaves_a_summary(clone, tmp_path):
    edit(clone, "psubench/neurons/table.py", '"tau": 2.0, "decay_input"', '"tau": 2.02, "decay_input"')
    # The comparison runs this revision's code: fewer processes find another spike as well.
    edit(clone, "psubench/compare/looks.py", "LOOKS = (6, ", "LOOKS = (2, ")
    edit(clone, "suites/ci.toml", "T = 32", "T = 16")
    edit(clone, "suites/ci.toml", "max_seconds = 0.2", "max_seconds = 0.05")
    commit(clone, "tau")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    body, variables = script()
    given = {**defaults(), "base": "base", "summary": str(tmp_path / "copy.md"), "budget": "90"}
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", body], check=False, capture_output=True,
        text=True, timeout=300, cwd=clone,
        env={
            **os.environ, **{name: given[of] for name, of in variables.items()},
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": sys.prefix,
            "PYTHONPATH": os.pathsep.join(sys.path), "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(output),
        },
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "::error title=lif%2C infer%2C T=16" in done.stdout
    assert "spike_hash" in done.stdout
    assert output.read_text() == "exit-code=1\n"
    assert "1 changed" in summary.read_text()
    assert (tmp_path / "copy.md").read_text() == summary.read_text()
