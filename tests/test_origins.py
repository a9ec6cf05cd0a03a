"""What `compare --git` measures comes from the revision: layouts, foreign modules, hooks, leftovers."""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_revisions import AUTHOR, commit, git, untouched

from psubench.errors import PsubenchError
from psubench.regression import duel, sides
from psubench.regression.duel import Duel
from psubench.regression.git_command import first_reason, own_environment
from psubench.regression.layout import Checkout, import_folders, import_names
from psubench.regression.origins import TOOL, Origin, imported, plugins_of
from psubench.regression.packages import install, packages
from psubench.regression.revisions import revisions

FAST = """import torch
class Fast(torch.nn.Module):
    causal = True
    def __init__(self, T):
        super().__init__()
    def forward(self, x):
        return (x >= 1).to(x.dtype)
"""
TABLE = {"T": "4", "batch": "2", "size": "64", "phase": "infer", "data": "normal"}
SETTINGS = {"max_seconds": 0.05}


def table(neurons):
    return [{**TABLE, "neurons": neurons}]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A repository without a commit; the current folder."""
    folder = tmp_path / "r"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def measured(folder, neurons, tmp_path, monkeypatch, names=("base", "HEAD")):
    """The verdicts on two revisions, a process of each."""
    monkeypatch.setattr(duel, "LOOKS", (1,))
    with revisions(folder, *names, table(neurons), print) as (base, new):
        found = Duel(
            base, new, table(neurons), SETTINGS, "scripted", tmp_path / "out", 1e6, None, ["*"], 0, print
        ).run()
    return {verdict.label: verdict for verdict in found.verdicts}


def refused(folder, neurons, names=("base", "HEAD")):
    with pytest.raises(PsubenchError) as caught, revisions(folder, *names, table(neurons), print):
        pass
    return str(caught.value), caught.value.exit_code


def test_a_src_layout_that_moved_is_measured_from_each_revision(empty, tmp_path, monkeypatch):
    """The editable install has src/ of the working tree on the path; base has the package at its top."""
    write(empty, {"mypkg/__init__.py": "", "mypkg/neurons.py": FAST})
    commit(empty, "base")
    git(empty, "rm", "-rq", "mypkg")
    write(empty, {"src/mypkg/__init__.py": "", "src/mypkg/neurons.py": FAST.replace(">= 1", ">= 0.5")})
    commit(empty, "new")
    monkeypatch.setenv("PYTHONPATH", f"{empty / 'src'}:{os.environ['PYTHONPATH']}")
    monkeypatch.syspath_prepend(str(empty / "src"))
    found = measured(empty, "mypkg.neurons:Fast", tmp_path, monkeypatch)
    assert found["Fast"].verdict == "changed"
    assert "spike_hash" in found["Fast"].reason
    assert untouched(empty)


def test_an_import_of_a_plug_in_from_the_working_tree_is_refused_by_name(empty, tmp_path, monkeypatch):
    """Code that puts the user's own folder on the path would be the same on both sides."""
    own = f"import sys\nsys.path.insert(0, {str(empty / 'parts')!r})\nimport threshold_part\n{FAST}"
    write(empty, {"mine.py": own, "parts/threshold_part.py": "VALUE = 1\n"})
    commit(empty, "base")
    with pytest.raises(PsubenchError, match=r"threshold_part from .*r/parts/threshold_part.py") as caught:
        measured(empty, "mine.py:Fast", tmp_path, monkeypatch, ("base", "base"))
    assert caught.value.exit_code == 5


def test_a_monorepo_is_measured_in_the_folder_that_it_was_started_in(empty, tmp_path, monkeypatch):
    write(
        empty, {"bench/mine.py": f"import shared_part\n{FAST}", "bench/src/shared_part.py": "", "README": ""}
    )
    commit(empty, "base")
    write(empty, {"bench/mine.py": FAST.replace(">= 1", ">= 0.5")})
    commit(empty, "new")
    monkeypatch.chdir(empty / "bench")
    found = measured(empty / "bench", "mine.py:Fast", tmp_path, monkeypatch)
    assert found["Fast"].verdict == "changed"


def test_a_suite_of_built_in_neurons_measures_nothing_of_a_repository_of_others(empty):
    write(empty, {"a.txt": ""})
    commit(empty, "base")
    said, code = refused(empty, "lif,psu")
    assert ("names nothing of the repository" in said, code) == (True, 2)


def test_only_one_revision_with_psubench_is_refused(empty):
    write(empty, {"a.txt": ""})
    commit(empty, "base")
    write(empty, {"src/psubench/__init__.py": ""})
    commit(empty, "new")
    assert refused(empty, "lif") == (
        "base has no psubench, the other revision has: the installed one would be measured for it; "
        "compare two revisions that both have it", 2,
    )  # fmt: skip


@pytest.mark.parametrize("where", ["absolute", "outside", "link"])
def test_a_file_outside_of_the_revision_is_refused(empty, tmp_path, where):
    write(empty, {"mine.py": FAST})
    write(tmp_path, {"else.py": FAST})
    (empty / "link.py").symlink_to(tmp_path / "else.py")
    commit(empty, "base")
    path = {"absolute": empty / "mine.py", "outside": tmp_path / "else.py", "link": "link.py"}[where]
    said, code = refused(empty, f"{path}:Fast")
    assert ("not of that revision" in said, code) == (True, 5)


def test_a_broken_project_file_is_named_and_is_no_regression(empty):
    write(empty, {"mine.py": FAST, "pyproject.toml": "[project]\nname = 'x'\n"})
    commit(empty, "base")
    write(empty, {"pyproject.toml": "[project\n"})
    commit(empty, "new")
    said, code = refused(empty, "mine.py:Fast")
    assert (said.startswith("new: pyproject.toml is not valid TOML"), code) == (True, 2)


def test_a_folder_that_one_revision_lacks_is_named(empty):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    write(empty, {"bench/mine.py": FAST})
    commit(empty, "new")
    assert "base has no folder bench" in refused(empty / "bench", "mine.py:Fast")[0]


# Where imports come from, without measuring.


def origin(tmp_path, **fields):
    given = {
        "name": "base", "own": (tmp_path / "base",), "repository": (tmp_path / "r",),
        "names": frozenset({"mypkg"}), "plugins": frozenset({"mypkg.neurons", "mine.py"}),
        "has_psubench": False,
    }  # fmt: skip
    return Origin(**{**given, **fields})


@pytest.mark.parametrize(
    ("name", "file", "accepted"),
    [
        ("mypkg", "base/src/mypkg/__init__.py", True),
        ("mypkg", "site-packages/mypkg/__init__.py", False),  # an installed wheel
        ("mypkg.part", "elsewhere/mypkg/part.py", False),  # a part of a namespace package
        ("threshold", "r/lib/threshold.py", False),  # the user's tree
        ("torch", "r/.venv/lib/python3/site-packages/torch/__init__.py", True),
        ("other", "elsewhere/other.py", True),  # another project, the same for both
        ("psubench", f"{TOOL}/__init__.py", True),
        ("psubench", "elsewhere/psubench/__init__.py", False),
    ],
)
def test_which_modules_are_of_a_revision(tmp_path, name, file, accepted):
    found = {name: tmp_path / file}
    if accepted:
        origin(tmp_path).check(found)
    else:
        with pytest.raises(PsubenchError, match=name):
            origin(tmp_path).check(found)


def test_a_revision_of_psubench_must_bring_its_own(tmp_path):
    with pytest.raises(PsubenchError, match="psubench from"):
        origin(tmp_path, has_psubench=True).check({"psubench": TOOL / "__init__.py"})


def test_plug_ins_are_found_on_every_axis():
    tables = [
        {
            "neurons": "lif(tau=4,reset=hard),a.b:C(k=1),d/e.py:F@step",
            "model": "net.py:Net",
            "data": "f.py:g(r=1)",
        }
    ]
    assert plugins_of(tables) == {"a.b", "d/e.py", "net.py", "f.py"}


def test_the_fixed_work_notes_what_was_imported_before_and_after_it(tmp_path):
    write(tmp_path, {"early_part.py": "", "late_part.py": "", "ns/deep.py": ""})
    code = (
        "import early_part, runpy, sys\n"
        f"runpy.run_path({str(Path(duel.__file__).with_name('yardstick.py'))!r})\n"
        "import late_part, ns.deep\n"
    )
    environment = {**os.environ, "PSUBENCH_MODULES": str(tmp_path / "m"), "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    found = imported(tmp_path / "m")
    assert {"early_part", "late_part", "ns.deep", "torch"} <= found.keys()
    assert "torch.nn" not in found  # of a package itself only
    assert found["late_part"] == tmp_path / "late_part.py"


def test_source_folders_are_those_that_the_build_is_told(empty):
    write(
        empty,
        {
            "pyproject.toml": '[tool.setuptools.package-dir]\n"" = "lib"\n',
            "lib/inner/__init__.py": "", "src/outer/__init__.py": "", "tool.py": "", "data/a.txt": "",
        },
    )  # fmt: skip
    commit(empty, "base")
    here = Checkout("base", empty, empty, Path())
    assert import_folders(here) == [empty, empty / "src", empty / "lib"]
    assert import_names(here) == {"tool", "inner", "outer"}


# Packages.


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


def test_a_revision_with_other_packages_gets_them_beside_what_is_installed(empty, tmp_path):
    """Its own come first; torch and psubench, which it does not ask for, are those that run here."""
    write(empty, {"mine.py": "", "own_backend.py": f'REQUIRES = "Requires-Dist: numpy\\n"{BACKEND}'})
    write(empty, {"pyproject.toml": PROJECT.format(needs='"numpy"')})
    commit(empty, "base")
    here = Checkout("base", empty, empty, Path())
    before = packages(here)
    python = install(here, tmp_path / "venv", has_psubench=False)
    code = "import mine, psubench, numpy; print(mine.__file__); print(psubench.__file__)"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    said = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True, env=clean, cwd="/"
    )
    mine, ours = said.stdout.split()
    assert Path(mine).is_relative_to(tmp_path / "venv")
    assert Path(ours).parent == TOOL
    write(empty, {"pyproject.toml": PROJECT.format(needs="")})
    assert packages(here) != before


def test_packages_that_cannot_be_installed_are_told_with_the_first_reason(empty, tmp_path):
    write(empty, {"own_backend.py": "raise ValueError('no such backend')\n"})
    write(empty, {"pyproject.toml": PROJECT.format(needs="")})
    with pytest.raises(PsubenchError, match=r"the packages of base cannot be installed: .*error"):
        install(Checkout("base", empty, empty, Path()), tmp_path / "venv", has_psubench=False)


# Git.


def test_nothing_of_a_hook_s_environment_reaches_git(empty, tmp_path, monkeypatch):
    """Git calls a hook with GIT_INDEX_FILE: a worktree that is added with it empties the user's index."""
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    write(empty, {"mine.py": FAST + "\n", "z.txt": "z"})
    git(empty, "add", "--all")
    before = git(empty, "status", "--porcelain"), (empty / ".git/index").read_bytes()
    monkeypatch.setenv("GIT_INDEX_FILE", str(empty / ".git/index"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "not a number")
    assert not any(name.startswith("GIT_") for name in own_environment())
    with revisions(empty, "base", "HEAD", table("mine.py:Fast"), print) as (base, _):
        assert (base.folder / "mine.py").read_text() == FAST
    for name in ("GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    assert (git(empty, "status", "--porcelain"), (empty / ".git/index").read_bytes()) == before


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("fatal: bad\nTo add an exception:\n\n\tgit config\n", "fatal: bad"),
        ("Preparing\nerror: external filter failed\nfatal: a.bin: smudge filter lfs failed\n",
         "fatal: a.bin: smudge filter lfs failed"),
        ("note\nerror: one\nerror: two\n", "error: one"), ("first\nlast\n", "last"), ("", None),
    ],
)  # fmt: skip
def test_the_first_reason_is_told(said, reason):
    assert first_reason(said) == reason


def test_a_missing_filter_is_told_with_advice_that_fits(empty):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    write(empty, {".gitattributes": "*.bin filter=lfs\n", "a.bin": "x"})
    commit(empty, "filtered")
    for name, value in (("smudge", "no-such-git-lfs %f"), ("required", "true")):
        git(empty, "config", f"filter.lfs.{name}", value)
    said, code = refused(empty, "mine.py:Fast")
    assert ("fatal: a.bin: smudge filter lfs failed; install git-lfs" in said, code) == (True, 2)
    assert untouched(empty)


def test_a_branch_that_only_the_remote_has_is_suggested(empty, tmp_path):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    git(tmp_path, "clone", "--quiet", str(empty), str(tmp_path / "c"))
    git(tmp_path / "c", "checkout", "--quiet", "--detach")
    git(tmp_path / "c", "branch", "--delete", "--force", "main")
    assert 'give "origin/main"' in refused(tmp_path / "c", "mine.py:Fast", ("main", "HEAD"))[0]
    assert 'did you mean "base"' in refused(tmp_path / "c", "mine.py:Fast", ("bsae", "HEAD"))[0]


def test_submodules_are_those_of_the_revision_and_the_user_s_stay(empty, tmp_path):
    inner, sub = tmp_path / "inner", tmp_path / "sub"
    for folder in (inner, sub):
        git(tmp_path, "init", "--quiet", str(folder))
        write(folder, {"value.py": "VALUE = 1\n"})
        commit(folder, "one")
    local = ("-c", "protocol.file.allow=always")
    git(sub, *local, "submodule", "--quiet", "add", str(inner), "deep")
    commit(sub, "two")
    write(empty, {"mine.py": FAST})
    git(empty, *local, "submodule", "--quiet", "add", "--name", "other name", str(sub), "lib/sub")
    git(empty, *local, "submodule", "--quiet", "update", "--init", "--recursive")
    commit(empty, "base")
    write(sub, {"value.py": "VALUE = 2\n"})
    commit(sub, "three")
    git(empty / "lib/sub", "pull", "--quiet", "origin", git(sub, "branch", "--show-current"))
    commit(empty, "new")
    before = (empty / ".git/config").read_bytes()
    with revisions(empty, "base", "HEAD", table("mine.py:Fast"), print) as (base, new):
        values = [(side.folder / "lib/sub/value.py").read_text() for side in (base, new)]
        assert values == ["VALUE = 1\n", "VALUE = 2\n"]
        assert (new.folder / "lib/sub/deep/value.py").is_file()
    assert (empty / ".git/config").read_bytes() == before
    assert untouched(empty)


# What a killed comparison leaves.


def test_leftovers_are_swept_and_what_lives_is_kept(empty, tmp_path):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    dead, living = tmp_path / "psubench-compare-dead", tmp_path / "psubench-compare-living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / "alive").touch()
        git(empty, "worktree", "add", "--quiet", "--detach", str(folder / "base"))
    git(empty, "worktree", "add", "--quiet", "--detach", str(tmp_path / "users"))
    (tmp_path / "psubench-compare-new").mkdir()  # one that is just being made
    with (living / "alive").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with revisions(empty, "base", "HEAD", table("mine.py:Fast"), print):
            pass
    assert not dead.exists()
    assert (living / "base/mine.py").is_file()
    assert (tmp_path / "psubench-compare-new").is_dir()
    listed = git(empty, "worktree", "list")
    assert "psubench-compare-living" in listed
    assert "psubench-compare-dead" not in listed
    assert "users" in listed


def test_a_side_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    """It ignores being asked to end, and has started a process in a session of its own, as workers have."""
    monkeypatch.setattr(sides, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(sides, "END_SECONDS", 0.2)
    python = tmp_path / "python"
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "p = subprocess.Popen(['sleep', '1000'], start_new_session=True); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid)); time.sleep(1000)"
    )
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -c {json.dumps(code)}\n")
    python.chmod(0o755)
    with pytest.raises(PsubenchError, match="base hangs") as caught:
        sides.Side("base", python, tmp_path).measure(table("lif"), {}, "cpu", time.monotonic() + 5)
    assert caught.value.exit_code == 124
    pid = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_comparison_from_a_hook_leaves_the_commit_as_it_was(empty, tmp_path):
    """The whole way: git runs the hook, the hook the program, and the commit holds what was staged."""
    write(empty, {"mine.py": FAST, "suite.toml": 'version = 1\n[[speed]]\nneurons = "lif"\nT = "4"\n'})
    commit(empty, "base")
    hook = empty / ".git/hooks/pre-commit"
    command = f"{sys.executable} -m psubench compare --git base HEAD --suite suite.toml --device scripted"
    hook.write_text(f"#!/bin/sh\n{command} 2> {tmp_path / 'said'}\necho $? > {tmp_path / 'code'}\n")
    hook.chmod(0o755)
    write(empty, {"mine.py": FAST + "\n", "z.txt": "z"})
    git(empty, "add", "z.txt")
    subprocess.run(["git", *AUTHOR, "commit", "--all", "--quiet", "-m", "three"], cwd=empty, check=True)
    assert git(empty, "show", "--name-only", "--format=").split() == ["mine.py", "z.txt"]
    assert untouched(empty)
    assert (tmp_path / "code").read_text() == "2\n"
    assert "names nothing of the repository" in (tmp_path / "said").read_text()
