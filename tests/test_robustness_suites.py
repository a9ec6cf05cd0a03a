"""Ranges and suites of any text: blocks, or one line."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.places import ROOT
from support.robustness import SEEDS, ends_well, examples

from psubench.errors import PsubenchError
from psubench.runs.case import parse_range

pytestmark = pytest.mark.slow

SUITES = ROOT / "suites"
TEXTS = {path.name: path.read_text() for path in sorted(SUITES.glob("*.toml"))}
TRAINED = {name for name in TEXTS if "[[speed]]" not in TEXTS[name]}
VALUES = (
    "1", "-1", "0", "1.5",
    "1e400", "nan", "true", '""', '"x"', '"all"', "[]", "[[]]", "[1, 2]",
    "{a = 1}", "{}", "2020-01-01", '"$x_{"', '"4..128"', '"a\\u0000.py:X"', "9" * 5000, "[" * 2000,
    '"µ\\n"', '["lif"]',
)  # fmt: skip
LINES = (
    "[settings]", "[[speed]]", "[[skip]]", "[speed]", 'reason = "x"', 'neuron = "psu"', "T = 4", "= 1", "[[",
    "version = 2", "[settings.a]", 'phase = "infer"', "size = 3", "[recipe]", "seeds = [0]",
    "[accuracy.recipe]", "[[accuracy]]", "[[energy]]", "threads = 0", 'recipe = "smoke.toml"',
    "epochs = 0", "\ufeff", "batch = 2.5", "jobs = 99999",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("suites")


def planned(folder, content, name):
    """The exit code of a dry run of a suite, or of a recipe or a suite of trainings."""
    path = folder / "suite.toml"
    path.write_bytes(content)
    ways = [("run", path)]
    if name in TRAINED:
        ways += [("accuracy", "--suite", path), ("train", "--recipe", path)]
    return [ends_well(*way, "--device", "cpu", "--dry-run")[0] for way in ways]


@examples(300)
@given(st.one_of(st.text(max_size=30), st.text(alphabet="0123456789.,+x -", max_size=15)))
def test_a_range_is_read_or_refused(text):
    try:
        values = parse_range(text, "--T")
    except PsubenchError:
        return
    assert values == sorted(set(values))
    assert 0 < values[0] <= values[-1]
    assert parse_range(",".join(map(str, values)), "--T") == values


@examples(30)
@given(name=st.sampled_from(sorted(TEXTS)), seed=SEEDS)
def test_an_edited_suite_is_planned_or_refused(folder, name, seed):
    draw = random.Random(seed)
    lines = TEXTS[name].splitlines()
    for _ in range(draw.choice((1, 1, 2, 4))):
        place = draw.randrange(len(lines))
        key = lines[place].partition("=")[0]
        lines[place] = draw.choice(
            (
                f"{key}= {draw.choice(VALUES)}",
                draw.choice(LINES),
                "",
                lines[place] * 2,
                lines[place][:-1],
                f"x{key}=1",
            )
        )
    planned(folder, "\n".join(lines).encode(), name)


@examples(25)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_noise_is_no_suite(folder, content):
    assert planned(folder, content, "smoke.toml") == [2]
