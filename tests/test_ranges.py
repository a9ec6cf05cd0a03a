"""Ranges, cases and blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psubench.errors import PsubenchError
from psubench.neurons import parse, parse_list
from psubench.runs.case import blocks, check_cases, parse_range


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("4..128", [4, 8, 16, 32, 64, 128]),
        ("4..100", [4, 8, 16, 32, 64, 100]),
        ("4..12+4", [4, 8, 12]),
        ("4..13+4", [4, 8, 12, 13]),
        ("2..200x10", [2, 20, 200]),
        ("4,10,32", [4, 10, 32]),
        ("32, 4..8 ,4", [4, 8, 32]),
        ("7", [7]),
        ("5..5", [5]),
    ],
)
def test_ranges(text, values):
    assert parse_range(text, "--T") == values


@pytest.mark.parametrize(
    "text",
    ["", "9..4", "0..8", "0", "-4", "4.5", "4..", "..8", "4..8..16", "4..8+0", "4..8x1", "4..8x0", "a", "4;8",
     "1..99999999+1", ",", "4,,8", "٤"],
)  # fmt: skip
def test_bad_ranges_are_usage_errors_with_an_example_or_a_way_out(text):
    with pytest.raises(PsubenchError, match="--T") as caught:
        parse_range(text, "--T")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@given(st.text(alphabet="0123456789.,+x -", max_size=12))
def test_a_range_is_ascending_positive_and_inside_what_was_written_or_an_error(text):
    try:
        values = parse_range(text, "--T")
    except PsubenchError:
        return
    assert values == sorted(set(values))
    numbers = [
        int(n) for n in text.replace("..", " ").replace("+", " ").replace("x", " ").replace(",", " ").split()
    ]
    assert values[0] >= 1
    assert max(values) <= max(numbers)


def make(**changes):
    shared = {
        "kind": "speed", "model": "neuron", "data": "normal", "device": "cpu", "dtype": "float32",
        "threads": 1,
    }  # fmt: skip
    axes = {
        "neurons": parse_list("psu,lif"),
        "reference": parse("lif"),
        "Ts": [4, 8],
        "batches": [2],
        "sizes": [3],
    }
    return blocks(**{**axes, "phases": ["infer", "train"], "modes": ["layer"], **shared, **changes})


def test_the_reference_comes_first_and_once():
    made = make()
    assert [block.title.split()[:2] for block in made] == [
        ["infer", "T=4"], ["infer", "T=8"], ["train", "T=4"], ["train", "T=8"],
    ]  # fmt: skip
    assert [entry.case.neuron for entry in made[0].entries] == ["lif", "psu"]


def test_a_reference_that_was_not_named_is_added():
    assert [entry.case.neuron for entry in make(neurons=parse_list("psu"))[0].entries] == ["lif", "psu"]


def test_keys_tell_cases_apart_and_are_stable():
    keys = [entry.case.key for block in make() for entry in block.entries]
    assert len(set(keys)) == 8
    assert keys == [entry.case.key for block in make() for entry in block.entries]
    assert not set(keys) & {entry.case.key for block in make(threads=2) for entry in block.entries}


@pytest.mark.parametrize(
    ("modes", "labels"),
    [
        (["layer"], ["lif", "psu", "plif"]),
        (["layer", "step"], ["lif", "lif [step]", "psu", "plif", "plif [step]"]),
        (["step"], ["lif [step]", "psu", "plif [step]"]),
    ],
)
def test_only_serial_neurons_go_step_by_step_and_the_reference_is_layer_by_layer_if_it_can(modes, labels):
    (block,) = make(neurons=parse_list("psu,plif"), modes=modes, Ts=[4], phases=["infer"], sizes=[None])
    assert [entry.label for entry in block.entries] == labels
    assert len({entry.case.key for entry in block.entries}) == len(labels)
    assert {entry.case.block for entry in block.entries} == {block.case}


def test_more_than_500_cases_need_a_second_word():
    check_cases(500, yes=False)
    check_cases(504, yes=True)
    with pytest.raises(PsubenchError, match="504 cases are planned"):
        check_cases(504, yes=False)


def test_a_plan_is_counted_before_it_is_built():
    many, refs = range(1, 1001), [parse("lif"), parse("psu")]
    with pytest.raises(PsubenchError, match="2,000,000,000 cases are planned, more than 100,000"):
        blocks(refs, refs[0], many, many, many, ["infer"], ["layer"])
    with pytest.raises(PsubenchError, match="3,000,000 cases"):  # lif has steps, psu has none
        blocks(refs, refs[0], many, many, [None], ["infer"], ["layer", "step"])


@pytest.mark.parametrize("text", ["1..1001+1", "1..600+1,1001..1600+1", "1..999999999+1"])
def test_a_range_has_at_most_a_thousand_values(text):
    with pytest.raises(PsubenchError, match=r"has more than 1000 values; use larger steps or fewer values"):
        parse_range(text, "--T")
    assert len(parse_range("1..1000+1", "--T")) == 1000
