"""What `compare --git` measures comes from the revision: layouts, foreign modules, hooks, leftovers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scratch_repository import FAST, SETTINGS, empty, refused, table, write
from support.looks import plan
from test_worktrees import commit, git, untouched

from psubench.compare.git import ab_run
from psubench.compare.git.ab_run import AbRun
from psubench.compare.git.imported_from import TOOL, Origin, imported, plugins_of
from psubench.compare.git.layout import Checkout, import_folders, import_names
from psubench.compare.git.worktrees import revisions
from psubench.errors import PsubenchError

__all__ = ["empty"]


def measured(folder, neurons, tmp_path, monkeypatch, names=("base", "HEAD")):
    """The verdicts on two revisions, a process of each."""
    plan(monkeypatch, (1,))
    with revisions(folder, *names, table(neurons), print) as (base, new):
        found = AbRun(
            base, new, table(neurons), SETTINGS, "scripted", tmp_path / "out", 1e6, None, ["*"], 0, print
        ).run()
    return {verdict.label: verdict for verdict in found.verdicts}


def test_a_src_layout_that_moved_is_measured_from_each_revision(empty, tmp_path, monkeypatch):
    """The editable install has src/ of the working tree on the path; base has the package at its top."""
    write(empty, {"mypkg/__init__.py": "", "mypkg/neurons.py": FAST})
    commit(empty, "base")
    git(empty, "rm", "-rq", "mypkg")
    write(empty, {"src/mypkg/__init__.py": "", "src/mypkg/neurons.py": FAST.replace(">= 1", ">= 0.5")})
    commit(empty, "new")
    monkeypatch.setenv("PYTHONPATH", f"{empty / 'src'}:{os.environ.get('PYTHONPATH', '')}")
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


def test_a_monorepo_is_measured_in_the_folder_that_it_was_started_in(empty, monkeypatch):
    """What stands above it and beside it can be imported, of the revision and not of the user's tree."""
    write(empty, {"bench/mine.py": FAST, "bench/src/near_part.py": "", "src/far_part.py": ""})
    commit(empty, "base")
    monkeypatch.setenv("PYTHONPATH", f"{empty}:{empty / 'src'}")
    code = "import near_part, far_part; print(near_part.__file__, far_part.__file__)"
    with revisions(empty / "bench", "base", "base", table("mine.py:Fast"), print) as (base, _):
        environment = {**os.environ, **base.variables}
        said = subprocess.check_output([base.python, "-c", code], text=True, env=environment, cwd="/")
        top = base.folder.parent
        assert said.split() == [str(top / "bench/src/near_part.py"), str(top / "src/far_part.py")]
        assert not any(Path(path).is_relative_to(empty) for path in base.variables["PYTHONPATH"].split(":"))


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


def test_the_neuron_of_a_library_is_no_plug_in_unless_the_revision_holds_the_library(tmp_path):
    tables = [{"neurons": "mine.py:Fast, snntorch:Leaky(beta=0.5),spikingjelly:LIFNode,norse_like:Cell@step"}]
    assert plugins_of(tables) == {"mine.py", "norse_like"}
    assert plugins_of(tables, {"snntorch", "other"}) == {"mine.py", "norse_like", "snntorch"}
    beside = origin(tmp_path, plugins=plugins_of(tables))
    beside.check({"snntorch": tmp_path / "site-packages/snntorch/__init__.py"})
    with pytest.raises(PsubenchError, match="norse_like"):
        beside.check({"norse_like": tmp_path / "site-packages/norse_like.py"})
    own = origin(tmp_path, plugins=plugins_of(tables, {"snntorch"}), names=frozenset({"snntorch"}))
    own.check({"snntorch": tmp_path / "base/snntorch/__init__.py"})
    with pytest.raises(PsubenchError, match="snntorch"):
        own.check({"snntorch": tmp_path / "site-packages/snntorch/__init__.py"})


def test_a_suite_of_libraries_alone_measures_nothing_of_a_repository_of_others(empty):
    write(empty, {"a.txt": ""})
    commit(empty, "base")
    said, code = refused(empty, "snntorch:Leaky")
    assert ("names nothing of the repository" in said, code) == (True, 2)


def test_the_fixed_work_notes_what_was_imported_before_and_after_it(tmp_path):
    write(tmp_path, {"early_part.py": "", "late_part.py": "", "ns/deep.py": ""})
    code = (
        "import early_part, runpy, sys\n"
        f"runpy.run_path({str(Path(ab_run.__file__).with_name(ab_run.FIXED_WORK))!r})\n"
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
