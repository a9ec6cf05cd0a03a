"""Events between processes: each comes out as it went in, and what is none is refused."""

import pytest

from psubench.records import events


@pytest.mark.parametrize(
    "event",
    [
        events.Ready(),
        events.Started(7),
        events.Ended(-9),
        events.Lost("oom", "no room"),
        events.Recorded({"type": "block", "cases": [{"neuron": "lif"}]}),
        events.Message("caf\udce9.py is not there"),  # of a file whose name is not text
        events.Failed("psu", "wrong", None),
        events.Live({"psu": (0.5, None, 0.7)}, 12),
        events.Begin(2, 5),
        events.Step(3, 0.5, None, 99.0),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_comes_out_as_it_went_in(event):
    line = events.encode(event)
    assert b"\n" not in line
    assert events.decode(line) == event


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b'{"event":"live","ratios":{"psu":[0.5',  # its process was killed
        b'{"event":"unheard"}',
        b'{"event":"started","pid":"seven"}',
        b'{"event":"lost","status":"tired","message":"no"}',
        b"[]",
    ],
)
def test_what_is_no_event_is_refused(line):
    with pytest.raises(ValueError, match=r"Expect|Invalid|Unterminated"):
        events.decode(line)


def test_a_number_that_is_none_is_not_sent():
    with pytest.raises(ValueError, match="not JSON compliant"):
        events.encode(events.Live({"psu": (float("nan"), None, None)}, 1))
