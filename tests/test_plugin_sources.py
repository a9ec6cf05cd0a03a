"""Hashes of plug-ins: every file of the user's project that they run, and no other."""

import pytest

from psubench.errors import PsubenchError
from psubench.runs.plugin_sources import digest, weights_digest

FILES = {
    "mine.py": "import torch\nfrom helper import LIMIT\nimport package.deep\n",
    "helper.py": "LIMIT = 1\n",
    "package/__init__.py": "",
    "package/deep.py": "from . import sibling\nfrom .other import thing\n",
    "package/sibling.py": "import importlib\nimportlib.import_module('late')\n",
    "package/other.py": "thing = 1\n",
    "late.py": "def f():\n    import namespace.inner\n",
    "namespace/inner.py": "x = 1\n",
    "unrelated.py": "x = 1\n",
    "package/unrelated.py": "x = 1\n",
}
RUN = sorted(set(FILES) - {"unrelated.py", "package/unrelated.py"})


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", ["mine.py:Neuron", "mine:Neuron"])
@pytest.mark.parametrize("changed", RUN)
def test_a_change_of_any_file_that_is_run_changes_the_hash(project, text, changed):
    before = digest(text)
    assert digest(text) == before
    (project / changed).write_text(FILES[changed] + "# changed\n")
    assert digest(text) != before


@pytest.mark.parametrize("changed", ["unrelated.py", "package/unrelated.py"])
def test_a_change_of_another_file_does_not(project, changed):
    before = digest("mine.py:Neuron")
    (project / changed).write_text("x = 2\n")
    assert digest("mine.py:Neuron") == before


def test_what_lies_beside_the_file_of_a_plugin_is_found_from_elsewhere(
    project, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    before = digest(f"{project}/mine.py:Neuron")
    (project / "helper.py").write_text("LIMIT = 2\n")
    assert digest(f"{project}/mine.py:Neuron") != before


def test_a_file_that_begins_to_exist_changes_the_hash(project):
    (project / "helper.py").unlink()
    before = digest("mine.py:Neuron")
    (project / "helper.py").write_text("")
    assert digest("mine.py:Neuron") != before


def test_files_that_cannot_be_read_as_python_are_hashed_as_they_are(project):
    (project / "broken.py").write_bytes(b"import (\xff")
    before = digest("broken.py:x")
    (project / "broken.py").write_bytes(b"import ((\xff")
    assert digest("broken.py:x") not in (None, before)


def test_prices_and_weights_are_hashed(project):
    (project / "prices.toml").write_text("mac = 1\n")
    before = digest("prices.toml")
    (project / "prices.toml").write_text("mac = 2\n")
    assert digest("prices.toml") not in (None, before)
    assert weights_digest(project) is None
    (project / "run" / "a").mkdir(parents=True)
    (project / "run" / "a" / "epoch-0001.pt").write_bytes(b"1")
    one = weights_digest(project / "run")
    (project / "run" / "a" / "epoch-0001.pt").write_bytes(b"2")
    assert weights_digest(project / "run") not in (None, one)
    assert weights_digest(project / "run" / "a" / "epoch-0001.pt") is not None


def test_libraries_are_not_hashed_and_what_is_not_there_is_an_error_or_unknown(project):
    (project / "plain.py").write_text("x = 1\n")
    (project / "numeric.py").write_text("import numpy, torch, os\nx = 1\n")
    assert digest("numeric.py:x") != digest("plain.py:x")
    assert digest("nowhere:x") is None
    with pytest.raises(PsubenchError, match="there is no file"):
        digest("nowhere.py:x")
