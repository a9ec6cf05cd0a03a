"""Records in, verdicts and exit codes out: what is found, what is refused, and what cannot be seen."""

import json
import math

import pytest
from support.command_line import here
from support.compare_records import case, changed, run
from support.records_of import COUNTING, summed, text_of, whole

from psubench.compare.verdicts import compare as compared
from psubench.errors import PsubenchError
from psubench.records import jsonl

FIVE = [0.0, 0.004, -0.004, 0.002, -0.002]
BLOCK = {("lif", 8, "infer"): FIVE, ("psu", 8, "infer"): FIVE, ("psn", 8, "infer"): FIVE}
PSU = ("psu", 8, "infer")


def compare(base, new, *args, **options):
    return compared(summed(base), summed(new), *args, **options)


def shifted(by, names=("psu",), cases=BLOCK):
    """The cases, with some of them slower by a log ratio."""
    return {key: [v - by for v in values] if key[0] in names else values for key, values in cases.items()}


def words(comparison):
    return {verdict.label: verdict.verdict for verdict in comparison.verdicts}


def one(comparison, label="psu"):
    return next(verdict for verdict in comparison.verdicts if verdict.label == label)


def test_equal_records_are_the_same():
    found = compare(run(BLOCK, 5), run(BLOCK, 5))
    assert words(found) == {"lif": "same", "psu": "same", "psn": "same"}
    assert found.exit_code(strict=True) == 0
    assert found.notes == ()
    assert found.margin == 0.03


def test_a_slowdown_is_found_with_its_size_and_comes_first():
    found = compare(run(BLOCK, 5), run(shifted(math.log(1.2)), 5))
    assert words(found) == {"psu": "slower", "lif": "same", "psn": "same"}
    psu = found.verdicts[0]
    assert psu.label == "psu"
    assert psu.change == pytest.approx(0.2, abs=1e-6)
    assert psu.low < 0.2 < psu.high
    assert (psu.base_processes, psu.new_processes) == (5, 5)
    assert found.exit_code(strict=False) == 1


def test_a_speed_up_is_no_failure():
    found = compare(run(BLOCK, 5), run(shifted(-0.3), 5))
    assert words(found)["psu"] == "faster"
    assert found.exit_code(strict=True) == 0


def test_a_change_within_the_margin_is_none_and_the_margin_is_the_users():
    new = run(shifted(math.log(1.02)), 5)
    assert words(compare(run(BLOCK, 5), new))["psu"] == "same"
    assert words(compare(run(BLOCK, 5), new, margin=0.005))["psu"] == "slower"


def test_noise_is_unclear_and_fails_only_the_strict():
    noisy = {**BLOCK, PSU: [0.0, 0.3, -0.3, 0.2, -0.2]}
    found = compare(run(noisy, 5), run(noisy, 5))
    assert words(found)["psu"] == "unclear"
    assert (found.exit_code(strict=False), found.exit_code(strict=True)) == (0, 3)


def test_one_process_says_nothing():
    found = compare(run(BLOCK, 1), run(shifted(1.0), 1))
    assert words(found)["psu"] == "unclear"
    assert "two processes" in one(found).reason


def test_only_gated_cases_fail_it():
    found = compare(run(BLOCK, 5), run(shifted(0.3), 5), gate=["psn*infer"])
    assert (words(found)["psu"], one(found).gated, found.exit_code(strict=True)) == ("slower", False, 0)
    assert compare(run(BLOCK, 5), run(shifted(0.3), 5), gate=["psu infer T=8"]).exit_code(strict=False) == 1


def test_a_slower_reference_is_not_taken_for_faster_neurons():
    """Its seconds rose, on the same machine, and every ratio to it rose by as much."""
    slow = {
        key: [v - 0.3 for v in values] if key[0] == "lif" else [v + 0.3 for v in values]
        for key, values in BLOCK.items()
    }
    found = compare(run(BLOCK, 5), run(slow, 5))
    assert words(found) == {"lif": "slower", "psu": "faster", "psn": "faster"}
    assert found.exit_code(strict=False) == 1


def test_a_slower_day_alone_is_no_slower_reference():
    slow_day = {
        key: [v - 0.3 for v in values] if key[0] == "lif" else values for key, values in BLOCK.items()
    }
    found = compare(run(BLOCK, 5), run(slow_day, 5))
    assert words(found) == {"lif": "unclear", "psu": "same", "psn": "same"}
    assert found.exit_code(strict=True) == 0


def test_faster_neurons_alone_are_no_slower_reference():
    found = compare(run(BLOCK, 5), run(shifted(-0.3, ("psu", "psn")), 5))
    assert words(found) == {"psu": "faster", "psn": "faster", "lif": "same"}


def test_another_machine_widens_the_margin_and_hides_the_reference():
    found = compare(run(BLOCK, 5), run(shifted(math.log(1.06)), 5, cpu="Model 2"))
    assert words(found) == {
        "psu": "same" if found.margin > 0.07 else "slower",
        "lif": "unclear",
        "psn": "same",
    }
    assert found.margin == pytest.approx(0.09)
    assert "cpu Model 1 and Model 2" in found.notes[0]
    assert "cannot be seen" in one(found, "lif").reason
    assert found.exit_code(strict=True) == 0
    far = compare(run(BLOCK, 5), run(shifted(0.3), 5, cpu="Model 2"))
    assert (words(far)["psu"], far.exit_code(strict=False)) == ("slower", 1)


def test_another_version_of_psubench_is_what_is_compared():
    assert compare(run(BLOCK, 5), run(BLOCK, 5, psubench="0.2.0")).notes == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"spike_hash": "other"}, "spike_hash hash-psu is now other"),
        ({"spikes": 101}, "spikes 100 is now 101"),
        ({"verified": False}, "verified True is now False"),
    ],
)
def test_exact_values_are_gated_exactly(fields, said):
    found = compare(run(BLOCK, 5), changed(run(BLOCK, 5), "psu", **fields))
    assert words(found) == {"psu": "changed", "lif": "same", "psn": "same"}
    assert said in one(found).reason
    assert found.exit_code(strict=False) == 1


def test_an_exact_mapping_is_gated_whatever_it_holds():
    base = counted(exact={"parameters": 64, "sops": 12.5, "only_base": 1})
    new = counted(exact={"parameters": 64, "sops": 12.75, "only_new": 1})
    assert one(compare(base, new)).reason == "sops 12.5 is now 12.75"
    assert words(compare(base, base))["psu"] == "same"


def test_exact_values_beside_times_are_gated_too():
    outcome = {"key": case("psu").key, "neuron": "psu", "status": "ok", "message": None}
    base, new = (
        [*run(BLOCK, 5), {"type": "activity", "cases": [{**outcome, "exact": {"sops": n}}]}] for n in (7, 8)
    )
    assert one(compare(base, new)).reason == "sops 7 is now 8"


def counted(**fields):
    """A record of counts without any time, as `psubench sparsity` writes it."""
    header = run({}, 0)[0]
    planned = {
        "key": "k",
        "case": {"kind": "sparsity", "neuron": "psu", "T": 4, **COUNTING},
        "label": "psu",
        "reference": "k",
        "skip": None,
    }
    outcome = {"key": "k", "neuron": "psu", "status": "ok", "message": None, **fields}
    return [{**header, "cases": [planned]}, {"type": "activity", "process": 0, "cases": [outcome]}]


def test_runs_that_only_count_are_compared_by_their_counts():
    base = counted(exact={"sop_eff": 120, "parameters": 9})
    assert words(compare(base, base)) == {"psu": "same"}
    found = compare(base, counted(exact={"sop_eff": 121, "parameters": 9}))
    assert (one(found).verdict, one(found).reason) == ("changed", "sop_eff 120 is now 121")
    bare = compare(counted(), counted())
    assert (one(bare).verdict, bare.exit_code(strict=False)) == ("unclear", 5)
    failed = compare(base, counted(status="oom", message="too large"))
    assert (one(failed).verdict, failed.exit_code(strict=False)) == ("failed", 4)


def test_energy_is_compared_by_medians_of_joules_per_call():
    """The ratio of joules as `analyse` gives it; the least of them may be a misreading."""
    base, new = run(BLOCK, 5), run(shifted(math.log(1.2)), 5)
    counter = {"source": "rapl", "name": "package-0", "unit_j": 1e-9, "step_j": None}
    for block in (*base[1:], *new[1:]):
        block["type"], block["case"]["kind"] = "energy", "energy"
        block["counters"] = [counter]
        block["windows"] = [
            {
                "round": n, "label": name, "calls": 1, "wall_ns": 1, "reason": None,
                "counts": [10 if n == 2 else ns[1]],
            }
            for name, ns in block.pop("wall_ns").items()
            for n in range(3)
        ]  # fmt: skip
    found = compare(base, new)
    assert words(found)["psu"] == "slower"
    assert one(found).change == pytest.approx(0.2, abs=1e-6)


def test_a_value_that_differs_from_process_to_process_is_said_so():
    new = run(BLOCK, 2)
    new[-1] = changed(new[-1:], "psu", spike_hash="other")[0]
    assert "hash-psu or other from process to process" in one(compare(run(BLOCK, 2), new)).reason


def test_ties_of_another_machine_are_no_change_but_another_rate_is():
    many = changed(run(BLOCK, 5), "psu", spikes=100_000)
    ties = changed(run(BLOCK, 5, torch="2.14.0"), "psu", spikes=100_050, spike_hash="other")
    assert words(compare(many, ties))["psu"] == "same"
    assert words(compare(many, changed(ties, "psu", spikes=101_000)))["psu"] == "changed"


@pytest.mark.parametrize("status", ["failed", "oom", "timeout", "wrong", "unsupported"])
def test_a_case_that_fails_now_is_failed(status):
    new = changed(run(BLOCK, 5), "psu", status=status, message="no reason")
    found = compare(run(BLOCK, 5), new)
    assert (one(found).verdict, one(found).reason) == ("failed", f"ok in base, now {status}: no reason")
    assert found.exit_code(strict=False) == 4
    both = compare(new, new)
    assert (one(both).verdict, both.exit_code(strict=True)) == ("failed", 0)
    mended = compare(new, run(BLOCK, 5))
    assert (one(mended).verdict, mended.exit_code(strict=True)) == ("new", 0)


def test_missing_and_new_cases_are_listed():
    other = {**{k: v for k, v in BLOCK.items() if k != PSU}, ("rpsu", 8, "infer"): FIVE}
    found = compare(run(BLOCK, 5), run(other, 5))
    assert words(found) == {"psu": "missing", "rpsu": "new", "lif": "same", "psn": "same"}
    assert (found.exit_code(strict=False), found.exit_code(strict=True)) == (0, 3)


def test_other_devices_types_and_seeds_are_not_comparable():
    new = run(BLOCK, 5)
    for planned in new[0]["cases"]:
        planned["case"] = {**planned["case"], "dtype": "bfloat16", "device": "cuda:0"}
        planned["key"] = planned["reference"] = jsonl.case_key(planned["case"])
    found = compare(run(BLOCK, 5), new)
    assert set(words(found).values()) == {"not comparable"}
    assert one(found).reason == "device cpu against cuda:0 and dtype float32 against bfloat16"
    assert found.exit_code(strict=False) == 5
    for unlike in (run(BLOCK, 5, seed=1), run({("if", 4, "train"): FIVE}, 5)):
        with pytest.raises(PsubenchError) as caught:
            compare(run(BLOCK, 5), unlike)
        assert caught.value.exit_code == 5


def test_a_regression_outweighs_whatever_else_is_wrong():
    new = changed(run(shifted(0.5), 5), "psn", status="failed", message="broken")
    assert compare(run(BLOCK, 5), new).exit_code(strict=True) == 1


def write(path, records, tail=""):
    path.write_bytes(text_of(map(whole, records)) + tail.encode())
    return str(path)


def program(*arguments, code):
    done = here("compare", *arguments, check=code)
    assert "Traceback" not in done.stderr
    return done


def test_the_program_refuses_what_it_cannot_read(tmp_path):
    good = write(tmp_path / "good.jsonl", run(BLOCK, 3))
    bad = {
        "empty": (write(tmp_path / "empty.jsonl", []), 2),
        "damaged": (write(tmp_path / "damaged.jsonl", run(BLOCK, 3)[:1], "{torn}\n"), 5),
        "schema": (write(tmp_path / "schema.jsonl", [{"type": "run", "schema": 99, "cases": []}]), 5),
        "absent": (str(tmp_path / "absent"), 2),
        "plan": (write(tmp_path / "plan.jsonl", [{"type": "run", "schema": jsonl.SCHEMA, "cases": []}]), 5),
    }
    for path, code in bad.values():
        for pair in ((good, path), (path, good)):
            assert len(program(*pair, code=code).stderr.strip().splitlines()) == 1
    program(good, code=2)


def test_the_program_reads_torn_records_and_tells_by_its_exit_code(tmp_path, monkeypatch):
    good = write(tmp_path / "good.jsonl", run(BLOCK, 5), '{"type":"block","torn')
    slow = write(tmp_path / "slow.jsonl", run(shifted(0.3), 5))
    assert "3 same; margin 3 %" in program(good, good, code=0).stdout
    assert json.loads(program(good, slow, "--format", "json", code=1).stdout)["exit_code"] == 1
    program(good, slow, "--gate", "psn", code=0)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    said = program(good, slow, "--format", "github", code=1).stdout
    assert said.startswith("::error title=psu%2C infer%2C T=8::slower")
    assert (tmp_path / "summary.md").read_text() == program(good, slow, "--format", "markdown", code=1).stdout
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert len(program(good, slow, "--format", "github", code=2).stderr.splitlines()) == 1
    program(good, slow, "--margin", "0", code=2)
