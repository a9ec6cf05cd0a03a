"""Published speed-ups beside what was measured: the baselines are LIF, the table is that of the record."""

import sys
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from support.places import ROOT

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

import claims  # a script, which is in no package

from psubench import neurons
from psubench.experiments import suite_file
from psubench.records import jsonl
from psubench.records.measured import Block


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """The suite names its plug-ins relative to the repository."""
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("text", [claims.INDEXED, claims.PREALLOCATED])
def test_a_baseline_is_lif(text):
    cotangent = torch.rand(7, 3, 11, dtype=torch.float64)
    found = []
    for name in (text, "lif"):
        x = (torch.randn(7, 3, 11, generator=torch.Generator().manual_seed(1)) + 1).double().requires_grad_()
        spikes = neurons.build(neurons.parse(name), 7)(x)
        found += [(spikes, *torch.autograd.grad(spikes, x, cotangent))]
    (spikes, gradient), (due, due_gradient) = found
    assert torch.equal(spikes, due)
    torch.testing.assert_close(gradient, due_gradient)


def test_what_the_baselines_allocate_grows_with_T():
    grown = {
        text: claims.allocated(text, 16, 2, 8) - claims.allocated(text, 8, 2, 8)
        for text in (claims.INDEXED, claims.PREALLOCATED, "lif")
    }
    # In sizes of the input: T gradients of full size, twice as many, none.
    assert grown[claims.INDEXED] > 7
    assert grown[claims.PREALLOCATED] > 15
    assert abs(grown["lif"]) < 1


def test_every_claim_has_its_blocks_in_the_suite_and_every_block_a_claim():
    planned = suite_file.read(claims.SUITE).blocks("cpu")
    blocks = [(block.entries[0].case, {entry.text for entry in block.entries}) for block in planned]
    met = set()
    for claim in claims.CLAIMS:
        own = [
            names
            for case, names in blocks
            if (case.model, case.phase, case.size) == (claim.model, claim.phase, claim.size)
            and claim.T in (None, case.T)
        ]
        assert own, claim.text
        for names in own:
            assert {claim.target, claim.strawman, "lif", "lif@fused"} <= names
            met.add(frozenset(names))
    assert met == {frozenset(names) for _, names in blocks}


def test_the_ratio_is_that_of_the_rounds():
    records = jsonl.read(ROOT / "reports" / "example" / jsonl.NAME)
    block = next(one for one in records if isinstance(one, Block))
    target, base, wrong = (replace(block.cases[0], neuron=name) for name in ("psu", "lif", "spsn"))
    wrong.status = "wrong"
    times = {"lif": [400] * 8, "psu": [100, 200, 200, 200, 200, 200, 200, 100]}
    made = replace(block, rounds=8, wall_ns=times, device_ns=None, cases=[target, base, wrong], roof=None)
    assert claims._ratio([made], "lif", "psu") == "2.00x [2.00, 4.00]"
    assert claims._ratio([made], "psu", "psu") == "1"
    assert claims._ratio([made], "lif", "spsn") == "spsn: wrong"


def test_the_page_holds_a_row_per_claim():
    text = claims.PAGE.read_text()
    written = text.partition(claims.BEGIN)[2].partition(claims.END)[0]
    for claim in claims.CLAIMS:
        assert f"| {claim.text} |" in written
    assert "Measured on: " in written
