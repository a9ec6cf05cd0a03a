"""Commands that read runs: the latest one where none is named, and a list of all of them."""

import json
import os
import shutil

import pytest
from typer.testing import CliRunner

from psubench.cli import app
from psubench.errors import PsubenchError
from psubench.records import jsonl


@pytest.fixture
def two_runs(tmp_path, monkeypatch, committed):
    for age, name in enumerate(("new", "old")):
        (tmp_path / "reports" / name).mkdir(parents=True)
        path = tmp_path / "reports" / name / jsonl.NAME
        shutil.copy(committed / "example" / jsonl.NAME, path)
        os.utime(path, (1e9 - age, 1e9 - age))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "reports"


@pytest.fixture
def committed(request):
    return request.config.rootpath / "reports"


def said(*words):
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_the_latest_run_is_shown_where_none_is_named(two_runs):
    done = said("export", "--format", "json")
    assert done.stderr == "the latest run: reports/new\n"
    assert json.loads(done.stdout) == json.loads(said("export", "reports/old", "--format", "json").stdout)


def test_a_folder_without_runs_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PsubenchError, match="reports/ holds no run"):
        said("show")


def test_all_runs_are_listed_latest_first_and_a_damaged_one_is_named(two_runs):
    (two_runs / "old" / jsonl.NAME).write_text("{}\n")
    old, new = json.loads(said("list", "runs", "--json").stdout)  # written just now
    assert (new["run"], new["kind"], new["cases"], new["ended"]) == ("reports/new", "speed", 60, "complete")
    assert old["run"] == "reports/old"
    assert "line 1 is damaged" in old["kind"]
