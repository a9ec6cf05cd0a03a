"""What is gated, what counts as the same machine, and what is not a comparison at all."""

import math

import pytest
from support.compare_records import changed, run
from support.records_of import text_of, whole
from test_compare import BLOCK, PSU, compare, one, shifted, words

from psubench.compare.evidence import summary
from psubench.compare.gating import matches, parse_gate
from psubench.errors import PsubenchError
from psubench.records import jsonl


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("psu", "psu infer T=8", True),
        ("psu", "ipsu infer T=8", False),
        ("psu", "psu@scan infer", True),
        ("psu", "lif(tau=psu) infer", True),
        ("psu", "psu-fast infer", False),
        ("T=8", "psu infer T=80", False),
        ("psu train", "psu train T=8", True),
        ("psu train", "ipsu train T=8", False),
        ("ps*", "psn infer", True),
        ("ps*", "ipsu infer", False),
        ("lif*T=32", "lif infer T=32", True),
        ("lif*T=3", "lif infer T=32", False),
        ("lif(tau=4,reset=hard)", "lif(tau=4,reset=hard) infer", True),
        ("*", "anything", True),
    ],
)
def test_a_gate_is_of_whole_words(pattern, name, fits):
    assert matches(name, pattern) is fits


def test_a_gate_that_fits_no_case_is_refused_with_the_nearest_name():
    assert parse_gate("psu train, lif(tau=4,reset=hard)") == ["psu train", "lif(tau=4,reset=hard)"]
    for gate, said in ((["psu", "psuu"], 'did you mean "psu"'), (["psu infer T=9"], "T=8"), (["PSU"], "psn")):
        with pytest.raises(PsubenchError, match=f'--gate "{gate[-1]}" matches no case') as caught:
            compare(run(BLOCK, 5), run(BLOCK, 5), gate=gate)
        assert (caught.value.exit_code, said in str(caught.value)) == (2, True)
    with pytest.raises(PsubenchError, match="empty pattern"):
        parse_gate("psu,")


def test_a_page_of_memory_is_no_other_machine_but_another_size_is():
    base = run(BLOCK, 5, memory_bytes=25276502016)
    found = compare(base, run(shifted(math.log(1.07)), 5, memory_bytes=25276497920))
    assert (found.notes, words(found)["psu"]) == ((), "slower")
    assert compare(base, run(BLOCK, 5, memory_bytes=12 << 30)).notes != ()
    assert compare(base, run(BLOCK, 5, memory_bytes=None)).notes != ()


def test_what_failed_everywhere_in_base_is_no_comparison():
    failed = run(BLOCK, 5)
    for name in ("lif", "psu", "psn"):
        failed = changed(failed, name, status="failed", message="no reason")
    for base, new in ((failed, run(BLOCK, 5)), (failed, failed)):
        found = compare(base, new)
        assert [found.exit_code(strict=strict) for strict in (False, True)] == [5, 5]
        assert "Nothing was compared" in found.notes[-1]
    assert compare(run(BLOCK, 5), failed).exit_code(strict=False) == 4


def test_a_gate_over_new_cases_alone_is_no_comparison():
    base = run({key: values for key, values in BLOCK.items() if key != PSU}, 5)
    found = compare(base, run(BLOCK, 5), gate=["psu"])
    assert (one(found).verdict, found.exit_code(strict=True)) == ("new", 5)
    assert compare(base, run(BLOCK, 5)).exit_code(strict=True) == 0


@pytest.mark.parametrize("status", ["failed", "timeout", "wrong"])
def test_a_process_of_base_that_was_lost_hides_no_slowdown(status):
    base = run(BLOCK, 5)
    lost = next(index for index, r in enumerate(base) if r["type"] == "block" and r["process"] == 3)
    base[lost] = changed([base[lost]], "psu", status=status, message="no answer", verified=None)[0]
    found = compare(base, run(shifted(0.5), 5))
    assert (one(found).verdict, found.exit_code(strict=False)) == ("slower", 1)
    assert f"base is {status} in 1 of 5 processes" in one(found).reason
    assert words(compare(base, run(BLOCK, 5)))["psu"] == "same"


def test_known_before_and_unknown_now_is_a_change_but_not_the_other_way():
    unknown = changed(run(BLOCK, 5), "psu", verified=None)
    found = compare(run(BLOCK, 5), unknown)
    assert (one(found).verdict, one(found).reason) == ("changed", "verified True is now unknown")
    assert words(compare(unknown, run(BLOCK, 5)))["psu"] == "same"
    assert words(compare(unknown, unknown))["psu"] == "same"
    partly = run(BLOCK, 5)
    partly[2] = changed(partly[2:3], "psu", verified=None)[0]
    assert words(compare(run(BLOCK, 5), partly))["psu"] == "changed"
    assert words(compare(partly, run(BLOCK, 5)))["psu"] == "same"


def test_runs_of_two_seeds_or_machines_in_one_record_are_refused(tmp_path):
    base = run(BLOCK, 5)
    for other in (run(BLOCK, 5, seed=1), run(BLOCK, 5, cpu="Model 2")):
        path = tmp_path / jsonl.NAME
        path.write_bytes(text_of(map(whole, [*other, *base])))
        with pytest.raises(PsubenchError, match=r"before, and is .* here") as caught:
            jsonl.read(path)
        assert caught.value.exit_code == 5


def test_a_field_that_an_older_record_lacks_is_no_other_machine():
    older, newer = run(BLOCK, 5), run(BLOCK, 5, cpu_capability="AVX2")
    assert compare(older, newer).notes == compare(newer, older).notes == ()
    assert compare(newer, run(BLOCK, 5, cpu_capability="AVX512")).notes != ()
    assert compare(newer, run(BLOCK, 5, cpu_capability=None)).notes != ()
    silent = run(BLOCK, 5)
    silent[0]["environment"] = {"psubench": "0.1.0"}
    assert "does not say where" in compare(older, silent).notes[0]
    assert "does not say where" in compare(silent, older).notes[0]
    assert compare(silent, silent).notes == ()


def test_trainings_on_two_devices_are_not_comparable():
    recipe = {"epochs": 1, "eval_samples": 8}
    records = []
    for device in ("cpu", "cuda:0"):
        planned = {
            "kind": "training", "model": "tiny", "data": "spoken-digits", "neuron": "psu", "T": 4,
            "implementation": "loop", "recipe": recipe, "seed": 0, "device": device, "threads": 1,
        }  # fmt: skip
        record = run({}, 0)
        record[0]["cases"] = [{"key": device, "case": planned, "label": "psu"}]
        records.append(record)
    found = one(compare(*records))
    assert (found.verdict, found.reason) == ("not comparable", "device cpu against cuda:0")


def test_what_many_cases_have_in_common_is_kept_once(tmp_path):
    """So that two records of 100,000 cases can be compared in a gibibyte."""
    path = tmp_path / jsonl.NAME
    path.write_bytes(text_of(map(whole, run(BLOCK, 2))))
    cases = summary(jsonl.read(path)).cases.values()
    assert len(cases) == 3
    assert len({id(one.case["data"]) for one in cases}) == 1
    assert len({id(one.exact["neuron_steps"]) for one in cases}) == 1
