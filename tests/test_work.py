"""What a call does, counted without a clock: what changes it and what does not, and the verdicts on it."""

from dataclasses import replace

import pytest
import torch
from msgspec.structs import replace as with_fields
from support.compare_records import case, run
from support.records_of import typed
from torch import nn
from torch._dynamo import utils

from psubench.compare.callgrind import Instructions
from psubench.compare.evidence import evidence, summary
from psubench.compare.looks import Look
from psubench.compare.verdicts import compare as compared
from psubench.compare.work import MARGIN, UNCOUNTED, Counts, change
from psubench.compare.work import verdict as by_work
from psubench.measure.subject import Subject
from psubench.measure.work import bytecode
from psubench.measure.work.fingerprint import fingerprint
from psubench.measure.work.operators import Operators
from psubench.measure.work.python_calls import PythonCalls
from psubench.measure.work.values import Values
from psubench.neurons import parse
from psubench.records.fingerprint import FingerprintOutcome, Fingerprints


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_compiled():
    """In a process of their own, as workers are; in this one other tests may have compiled graphs."""
    utils.counters.clear()


NEURON = '''
import torch
from torch import nn
REPEATS = 3
def leak(v, x):
    return torch.lerp(v, x, 0.5)
class Mine(nn.Module):
    factor = 2.0
    def __init__(self):
        super().__init__()
        self.repeats = 4
    def forward(self, x):
        """Spikes."""
        v, spikes = torch.zeros_like(x[0]), []
        for x_t in x.unbind(0):
            v = leak(v, x_t)
            spikes.append((v >= 1).to(x.dtype))
            v = v - spikes[-1]
        sum(range(self.repeats)) + sum(range(REPEATS)) + sum(range(int(self.factor)))
        return torch.stack(spikes)
'''
EQUAL = {
    "a document": ('"""Spikes."""', '"""The spikes of all steps.\n        At length."""'),
    "a comment": ("    v = leak", "    # It leaks.\n            v = leak"),
    "names of local variables": ("x_t", "current"),
    "unused code": ("def leak", "UNUSED = 1\ndef other(): pass\ndef leak"),
}
OTHER = {
    "an operator per step": ("v = leak(v, x_t)", "v = leak(v, x_t); v.sum().item()"),
    "a number of the module": ("self.repeats = 4", "self.repeats = 5"),
    "a number of the file": ("REPEATS = 3", "REPEATS = 4"),
    "a number of the class": ("factor = 2.0", "factor = 3.0"),
    "a look-up": ("v = leak(v, x_t)", "v = leak(v, x_t); self.repeats"),
    "a constant": ("0.5", "0.25"),
    "a layout": ("x.unbind(0)", "x.transpose(1, 2).contiguous().transpose(1, 2).unbind(0)"),
    "a function": ("torch.lerp(v, x, 0.5)", "v + (x - v) * 0.5"),
}


class Direct(Subject):
    """A module that is called as it is."""

    def leaves(self, x):
        return [x]


def counted(source=NEURON, phase="infer"):
    space = {"__name__": "mine"}
    exec(compile(source, "mine.py", "exec"), space)
    x = torch.linspace(0, 2, 4 * 2 * 3).view(4, 2, 3)
    module = space["Mine"]()
    return fingerprint(Direct({"phase": phase}, parse("lif"), x, 0, lambda: None, module, other=x.flip(0)))


@pytest.fixture(scope="module")
def plain():
    return counted()


@pytest.mark.parametrize("name", EQUAL)
def test_what_no_call_does_changes_nothing(plain, name):
    assert NEURON.count(EQUAL[name][0])
    assert counted(NEURON.replace(*EQUAL[name])) == plain


@pytest.mark.parametrize("name", OTHER)
def test_what_a_call_does_or_reads_is_seen(plain, name):
    assert NEURON.count(OTHER[name][0])
    assert counted(NEURON.replace(*OTHER[name])) != plain


def test_operators_are_counted_with_their_memory(plain):
    x = torch.ones(8, 8)
    with torch.inference_mode(), Operators() as found:
        y = (x @ x) @ x  # matmul alone, if it were not taken apart
        y += 1
    assert dict(found.calls) == {"mm": 2, "add_": 1}
    assert (found.allocated, found.peak) == ([256, 256], 512)
    assert plain.operators["lerp"] == 4
    assert plain.uncounted == []


def test_code_is_its_instructions():
    def made(source):
        space = {}
        exec(source, space)
        return bytecode.digest(space["f"].__code__)

    one = made("def f(x, y=1):\n  'A document.'\n  z = x + 1\n  return [z for _ in 'ab']")
    assert one == made("\n\ndef f(a, b=1):\n  # a comment\n  c = a + 1\n  return [c for _ in 'ab']")
    assert one != made("def f(x, y=1):\n  z = x + 1.0\n  return [z for _ in 'ab']")
    assert one != made("def f(x, y=1):\n  z = x + 1\n  return [z for _ in 'ba']")
    assert one != made("def f(x, y=1):\n  z = x.real + 1\n  return [z for _ in 'ab']")


def test_bytecodes_of_a_loop_follow_its_length():
    def loop(count):
        for _ in range(count):
            pass

    short, long = PythonCalls(), PythonCalls()
    with short:
        loop(10)
    with long:
        loop(20)
    assert (long.functions, short.functions) == (1, 1)
    assert 10 <= long.bytecodes - short.bytecodes <= 30
    assert short.values.digest() != long.values.digest()


def test_what_cannot_be_looked_into_is_said():
    found = Values()
    found.add({"a": [1, (2.0, torch.ones(2))], "b": memoryview(b"x")})
    assert found.unknown == {"memoryview"}


def test_sets_are_hashed_alike_whatever_their_order():
    """The order of texts in a set depends on the hash seed, that of 0 and 8 on which came first."""
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)
    found = Values(), Values(), Values()
    for values, value in zip(found, (one, other, {0, 9}), strict=True):
        values.add([frozenset(value), value])
    assert found[0].digest() == found[1].digest() != found[2].digest()


BLOCK = {("lif", 8, "infer"): [0.0, 0.01], ("psu", 8, "infer"): [0.0, 0.01]}


def compare(base, new, **options):
    return compared(summary(base), summary(new), **options)


def records(work, by="a", shift=0.0):
    """A record with times of two processes, and the work of PSU."""
    cases = {key: [value - shift * (key[0] == "psu") for value in values] for key, values in BLOCK.items()}
    head, *blocks = typed(run(cases, 2))
    told = FingerprintOutcome(key=case("psu").key, neuron="psu", status="ok", message=None, work=work)
    return [with_fields(head, measured_by=by), *blocks, Fingerprints(cases=[told])]


def verdict(base, new):
    return next(one for one in compare(base, new).verdicts if one.label == "psu")


def test_equal_work_is_identical_whatever_the_times_say(plain):
    """An hour later the machine is twice as slow, the code is the same."""
    found = compare(records(plain), records(plain, shift=0.7))
    assert {one.label: one.verdict for one in found.verdicts}["psu"] == "identical"
    assert found.exit_code(strict=False) == 0
    assert compare(records(plain), records(plain), gate=["psu"]).exit_code(strict=True) == 0


def test_it_is_not_identical_where_anything_is_unknown_or_differs(plain):
    unsure = with_fields(plain, uncounted=["it starts threads that go on"])
    pairs = {
        "no fingerprint": (records(None), records(plain)),
        "not all counted": (records(unsure), records(unsure)),
        "another probe": (records(plain, by="a"), records(plain, by="b")),
        "an unknown probe": (records(plain, by=None), records(plain, by=None)),
        "other work": (records(plain), records(with_fields(plain, bytecodes=1))),
    }
    assert {
        name: verdict(*pair).verdict for name, pair in pairs.items() if verdict(*pair).verdict == "identical"
    } == {}
    assert "threads" in verdict(*pairs["not all counted"]).work
    assert "measures has changed" in verdict(*pairs["another probe"]).work


def test_what_changed_is_told_in_short(plain):
    more = {**plain.operators, "_local_scalar_dense": 16, "lerp": 3}
    new = with_fields(plain, operators=more, allocated_bytes=2 * plain.allocated_bytes)
    told = verdict(records(plain), records(new)).work
    assert told == "+16 _local_scalar_dense, -1 lerp, +100 % bytes"
    assert change(*(replace(one, work=None) for one in pair(plain))) == ""


def pair(work):
    return [evidence(records(work))[case("psu").key] for _ in range(2)]


def instructions(share, every=None, calls=0):
    """Counts of PSU in which the core instructions have changed by a share."""
    base = Instructions(900_000, 1_000_000, 5)
    rise = share if every is None else every
    new = Instructions(round(900_000 * (1 + share)), round(1_000_000 * (1 + rise)), 5 + calls)
    return Counts({case("psu").key: (base, new)}, MARGIN)


def judged(base, new, counts=UNCOUNTED):
    """The word of what two fingerprints and counts say without a clock; empty if time has to decide."""
    before, after = (replace(one, work=work) for one, work in zip(pair(base), (base, new), strict=True))
    return (by_work(before, after, counts) or ("",))[0]


def test_the_table_of_verdicts_by_work(plain):
    python = with_fields(plain, bytecodes=1, digests=with_fields(plain.digests, python="other"))
    more = with_fields(python, allocated_bytes=plain.allocated_bytes + 4096)
    little = with_fields(python, allocated_bytes=plain.allocated_bytes + 4095)
    cpp = with_fields(python, digests=with_fields(plain.digests, libraries="other"))
    results = with_fields(python, digests=with_fields(plain.digests, output="other"))
    table = [
        (plain, UNCOUNTED, "identical"),
        (python, UNCOUNTED, ""),
        (python, instructions(0.031), "more work"),
        (python, replace(instructions(0.031), margin=0.05), ""),
        (results, instructions(0.031), "more work"),
        (python, instructions(0.02), ""),
        (python, instructions(-0.3), ""),
        (python, instructions(0.002), "same work"),
        (python, instructions(-0.002), "same work"),
        (python, instructions(0.002, every=0.04), ""),
        (python, instructions(0.0, calls=1), ""),
        (results, instructions(0.0), ""),
        (more, UNCOUNTED, "more memory"),
        (little, UNCOUNTED, ""),
        (more, instructions(0.02), "more memory"),
        (more, instructions(0.04), "more work"),
        (more, instructions(-0.04), ""),
        (with_fields(more, peak_bytes=0), UNCOUNTED, "more memory"),
        (cpp, instructions(0.5), ""),
        (cpp, instructions(-0.02), ""),
        (with_fields(python, uncounted=["it starts threads that go on"]), instructions(0.5), ""),
    ]
    found = [(number, judged(plain, new, counts)) for number, (new, counts, _) in enumerate(table)]
    assert found == [(number, word) for number, (*_, word) in enumerate(table)]
    assert judged(more, plain) == ""
    assert judged(with_fields(plain, peak_bytes=10**6), with_fields(more, peak_bytes=1), UNCOUNTED) == ""


def test_more_work_fails_a_comparison_without_a_time_and_names_nothing_else(plain):
    new = with_fields(plain, operators={**plain.operators, "_local_scalar_dense": 16})
    found = compare(
        records(plain), records(new), looks=[Look(range(2), frozenset())], counts=instructions(0.134)
    )
    (told,) = (one for one in found.verdicts if one.gated and one.verdict != "unclear")
    assert (told.label, told.verdict, told.change) == ("psu", "more work", None)
    assert told.work == "+13.4 % instructions, +16 _local_scalar_dense"
    assert found.exit_code(strict=False) == 1


def test_what_a_clock_has_found_outweighs_memory_and_memory_outweighs_equal_times(plain):
    more = with_fields(plain, peak_bytes=plain.peak_bytes + 10**6)
    shifts = {0.0: "more memory", 0.5: "slower", -0.5: "faster"}
    assert {shift: verdict(records(plain), records(more, shift=shift)).verdict for shift in shifts} == shifts


def test_a_neuron_that_draws_or_remembers_is_counted_or_said():
    class Grows(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return torch.rand_like(x) + self.calls

    x = torch.ones(2, 2, 2)
    found = fingerprint(Direct({"phase": "infer"}, parse("lif"), x, 0, lambda: None, Grows(), other=x))
    assert found.uncounted == ["its results change from call to call"]
