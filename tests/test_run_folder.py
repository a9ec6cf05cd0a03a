"""The folder of a run: nothing else has it, and it is there only for what was written into it."""

import threading

import pytest

from psubench.cli import execute
from psubench.cli.execute import run_folder
from psubench.errors import PsubenchError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_that_begin_in_one_second_get_a_folder_each(here, monkeypatch):
    fixed = execute.datetime(2026, 1, 2, 3, 4, 5)
    monkeypatch.setattr(execute, "datetime", type("Clock", (), {"now": staticmethod(lambda: fixed)}))
    made, gate = [], threading.Barrier(8)

    def begin():
        gate.wait()
        with run_folder("speed", None) as folder:
            (folder / "run.jsonl").write_text("x")
            made.append(folder.name)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = "speed-20260102-030405"
    assert sorted(made) == sorted([first, *(f"{first}-{number}" for number in range(2, 9))])


def test_a_folder_that_nothing_was_written_into_vanishes(here):
    with run_folder("speed", None) as folder:
        assert folder.is_dir()
    assert list((here / "reports").iterdir()) == []


def test_a_folder_that_was_given_is_taken_as_it_is(here):
    with run_folder("speed", here / "mine") as folder:
        assert folder == here / "mine"
    assert not folder.exists()


def test_a_place_where_no_folder_can_be_made_is_one_line(here):
    (here / "reports").write_text("a file")
    with pytest.raises(PsubenchError, match="cannot make reports"), run_folder("speed", None):
        pass
