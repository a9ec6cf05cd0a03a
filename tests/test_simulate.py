"""Simulated comparisons: the noise is that of the records, the rates are those of the documents."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom
from support.command_line import psubench
from support.places import ROOT

from psubench.compare.gating import ALL
from psubench.compare.git.side import Side
from psubench.compare.looks import FEW_LOOKS
from psubench.compare.selftest.error_rates import _spread
from psubench.compare.selftest.simulate import EFFECTS, LOADED, NOISES, QUIET, Simulated, row
from psubench.records import jsonl
from psubench.records.selftest import Suite
from psubench.render.simulation import GIT

PAGE = (ROOT / "docs/compare.md").read_text()


def spreads(*folders):
    """Standard deviations between pairs of processes, of cases and of neurons as a whole."""
    records = [one for folder in folders for one in jsonl.read(ROOT / "reports" / folder / jsonl.NAME)]
    found = {True: [], False: []}
    for case in (case for one in records if isinstance(one, Suite) for case in one.cases):
        if (spread := _spread(case)) is not None:
            found[", all " in case.label].append(spread)
    return found[False], found[True]


@pytest.mark.parametrize(
    ("folders", "stated", "noise"),
    [
        (["selftest-power"], QUIET, NOISES[0]),
        (["selftest-aa-load-1", "selftest-aa-load-2"], LOADED, NOISES[2]),
    ],
    ids=["quiet", "loaded"],
)
def test_the_noise_is_that_of_the_records(folders, stated, noise):
    cases, wholes = spreads(*folders)
    assert np.quantile(cases, [0.05, 0.25, 0.5, 0.75, 0.95]) == pytest.approx(stated, abs=1e-4)
    # The mean of four cases that share a part of their variance.
    expected = np.sqrt(noise.shared + (1 - noise.shared) / 4)
    assert np.median(wholes) / np.median(cases) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.name)
def test_drawn_numbers_have_variance_one(noise):
    drawn = noise.draw(np.random.default_rng(1), (200_000,))
    assert drawn.std() == pytest.approx(1, abs=0.1)


def stated(noise):
    """Per slowdown the share of comparisons that call something slower, as docs/compare.md has it."""
    table = PAGE[PAGE.index("comparisons that call anything slower") :]
    line = re.search(rf"^\| {noise} +\| {GIT} +\|(.*)\|$", table, re.MULTILINE)
    return dict(zip(EFFECTS, (float(cell) / 100 for cell in line[1].split("|")), strict=True))


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.name)
def test_the_published_rates_hold(noise):
    """Of 200 comparisons as many as the page says, give or take what happens once in 10,000 times."""
    for slowdown in (0.0, 0.2):
        found, share = row(noise, None, slowdown, 200, seed=11), stated(noise.name)[slowdown]
        least, most = binom.ppf([1e-4, 1 - 1e-4], 200, share)
        assert least <= round(200 * found.exit_1) <= most, (slowdown, found)
    assert stated(noise.name)[0.0] <= 0.001
    assert stated(noise.name)[0.03] <= 0.01


def test_a_row_adds_up_and_its_seed_decides():
    found = row(NOISES[2], 5, 0.05, 40, seed=1)
    assert found.same + found.slower + found.unclear + found.faster == pytest.approx(1)
    assert (found.records, found.processes, found.comparisons) == (5, 5, 40)
    assert row(NOISES[2], 5, 0.05, 40, seed=1) == found
    assert row(NOISES[2], 5, 0.05, 40, seed=2) != found


def test_what_is_not_cleared_is_said_and_measured_again_as_planned():
    noisy = [[[(-1) ** (process + side) * 0.1 for process in range(24)]] * 4 for side in (0, 1)]
    said, side = [], Side("simulated", Path(sys.executable), Path("simulated"))
    table = {"neurons": "lif", "T": "16,32", "batch": "4", "size": "64", "phase": "infer,train"}
    found = Simulated(
        side, side, [table], {}, "cpu", side.folder, 1e6, None, ALL, 0, said.append, counting=False,
        numbers=noisy,
    ).run()  # fmt: skip
    assert {one.verdict for one in found.verdicts} == {"unclear"}
    assert [text for text in said if text.startswith("look")] == [
        f"look {number}: {count} processes per side" for number, count in enumerate(FEW_LOOKS, start=1)
    ]
    assert sum(text.startswith("not cleared yet: lif infer T=16") for text in said) == 2


def test_the_command_prints_every_row():
    done = psubench("selftest", "simulate", "--comparisons", "2", "--format", "json")
    rows = json.loads(done.stdout)
    assert len(rows) == 60
    assert {one["slowdown"] for one in rows} == set(EFFECTS)
    assert all(one["comparisons"] == 2 for one in rows)
    refused = psubench("selftest", "simulate", "--format", "yaml")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
