"""Trainings in processes of their own, when the process that forks them dies."""

import os
import signal
from multiprocessing import forkserver, spawn

import pytest
from support.training_cases import case

from psubench.records.events import Lost, Recorded
from psubench.runs import training_processes


@pytest.fixture(autouse=True)
def own_server():
    """A fork server of this test, which has none from a test before and leaves none behind."""
    forkserver._forkserver._stop()
    yield
    forkserver._forkserver._stop()


@pytest.fixture
def heard():
    return []


@pytest.mark.slow
def test_a_fork_server_that_dies_is_started_again_and_the_trainings_go_on(tmp_path, heard):
    def hear(one, event):
        if not heard:
            os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
        heard.append((one.seed, event))

    due = [(case(seed=seed, epochs=1), tmp_path / str(seed)) for seed in (0, 1)]
    training_processes.each(due, 1, hear)
    ends = {
        seed: event.record["status"]
        for seed, event in heard
        if isinstance(event, Recorded) and event.record["type"] == "trained"
    }
    assert ends == {0: "ok", 1: "ok"}


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_fork_server_that_cannot_live_is_a_row_per_training(tmp_path, heard, monkeypatch, jobs):
    monkeypatch.setattr(spawn, "_python_exe", b"/bin/false")
    due = [(case(seed=seed, epochs=1), tmp_path / str(seed)) for seed in (0, 1)]
    training_processes.each(due, jobs, lambda one, event: heard.append((one.seed, event)))
    died = Lost("failed", "the process that starts trainings dies")
    assert heard == [(0, died), (1, died)]


def test_no_trainings_start_no_process(heard):
    training_processes.each([], 2, lambda *given: heard.append(given))
    assert heard == []
    assert forkserver._forkserver._forkserver_pid is None
