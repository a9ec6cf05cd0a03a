"""Writes the tables of docs/claims.md: `.venv/bin/python scripts/claims.py reports/claims`.

Runs suites/claims.toml into the folder, unless it holds a record already, and compares every claim with what
was measured: the ratio to the kind of loop that its source has, to the honest loop and to the fused LIF, each
paired round by round.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from psubench import neurons
from psubench.experiments.paired.rows import WIDE
from psubench.records import jsonl
from psubench.records.measured import Block
from psubench.records.paired import times
from psubench.records.run import Run
from psubench.render.axes import PHASES
from psubench.render.numbers import interval, ratio
from psubench.stats import intervals

ROOT = Path(__file__).parent.parent
PAGE, SUITE = ROOT / "docs" / "claims.md", ROOT / "suites" / "claims.toml"
BEGIN, END = "<!-- written by scripts/claims.py -->", "<!-- end -->"
INDEXED, PREALLOCATED = "suites/baselines.py:Indexed", "suites/baselines.py:Preallocated"
STEPWISE = "lif [step]"
_SHORT = {INDEXED: "x[t]", PREALLOCATED: "o[:, t]", STEPWISE: "network step by step"}
BYTES_T, BYTES_BATCH, BYTES_SIZE = (32, 64, 128), 16, 256


@dataclass(frozen=True)
class Claim:
    """A published speed-up and the blocks of the suite that measure it.

    Attributes:
        text: the claim.
        protocol: of its source.
        here: what differs in what is measured.
        target: name in the block of what is claimed to be fast.
        strawman: name of the kind of baseline that the source has.
        model, phase, size, T: of the blocks; None stands for any T.
    """

    text: str
    protocol: str
    here: str
    target: str
    strawman: str
    model: str
    phase: str
    size: int | None = None
    T: int | None = None

    def covers(self, block: Block) -> bool:
        """Whether a block measures it."""
        case = block.case
        return (case.model, case.phase, case.size) == (self.model, self.phase, self.size) and (
            self.T in (None, case.T)
        )


_NOISE = "one layer on noise, float32"
_VGG = "vggsnn(width=0.125)"
_PRF = "arXiv:2410.03530, abstract"
CLAIMS = (
    Claim(
        "MPE-PSN infers 2.7 to 1 times as fast as LIF at T = 4, 43.7 to 22 times at T = 64, from 2^10 to 2^16"
        " neurons",
        "a figure of its repository, read by eye; a GPU that is not named; Python loop",
        f"of the same kind; {_NOISE}, 2^10 and 2^16 neurons",
        "psu", INDEXED, "neuron", "infer", 1024,
    ),
    Claim(
        "MPE-PSN trains 3.1 times as fast as LIF on CIFAR10-DVS at T = 4",
        "logs of different days; Python loop",
        "of the same kind; an eighth of VGGSNN's channels, batch 4, synthetic data of the same shape",
        "psu", INDEXED, _VGG, "train",
    ),
    Claim(
        "LIF in Triton trains 1.3 times as fast as in torch at T = 4, 12.4 times at T = 32",
        "SpikingJelly's documentation: RTX 4090, float16, `do_bench`; x[t] in torch",
        f"{_NOISE}, 16,384 neurons",
        "lif@fused", INDEXED, "neuron", "train", 512,
    ),
    Claim(
        "FPT takes K = 3 passes instead of T steps",
        "arXiv:2506.12087, no readable table; its baseline writes o[:, t] in place",
        f"{_NOISE}, 4,096 neurons",
        "fpt", PREALLOCATED, "neuron", "train", 256,
    ),
    Claim(
        "a decoupled reset makes LIF 6.57 to 16.5 times as fast at 1,000 to 32,000 steps",
        f"{_PRF}; Python loop",
        f"{_NOISE}, 128 neurons, T = 1,000 alone",
        "lif@decoupled", INDEXED, "neuron", "train", 128,
    ),
    Claim(
        "SPSN trains 10 times as fast as LIF on SHD",
        "arXiv:2306.12666, abstract; its script does not synchronise, batch 1; Python loop",
        "the SHD network at T = 100, batch 1, synthetic data of the same shape",
        "spsn", INDEXED, "shd", "train", None, 100,
    ),
    Claim(
        "SPSN is 4,000 times as fast as LIF at 10,000 steps",
        "the same abstract; Python loop",
        f"{_NOISE}, 128 neurons, T = 1,000 alone: its matrix has T^2 entries",
        "spsn", INDEXED, "neuron", "train", 128,
    ),
    Claim(
        "torch.compile makes SEW-ResNet18 0.80 times as fast at T = 4, 1.04 without layout optimisation",
        "SpikingJelly, issue 753: RTX 4090; the whole network compiled, against itself in eager mode",
        "the neurons alone are compiled, in an eighth of VGGSNN; the x[t] loop beside it",
        "lif@compile", INDEXED, _VGG, "train",
    ),
    Claim(
        "the PSU family is 3 to 4 times as fast as LIF on SHD",
        "a note by others, without a protocol, not the paper's; whole network step by step",
        "the SHD network at T = 15, batch 32, synthetic data of the same shape",
        "psu", STEPWISE, "shd", "train", None, 15,
    ),
)  # fmt: skip


def measured(claim: Claim, blocks: Sequence[Block]) -> Iterator[tuple[Block, list[str]]]:
    """Per setting of a claim an example of its blocks, and the ratio to each baseline with its interval."""
    groups: dict[str, list[Block]] = {}
    for block in blocks:
        if claim.covers(block):
            groups.setdefault(repr(block.case), []).append(block)
    for some in groups.values():
        bases = (claim.strawman, "lif", "lif@fused")
        yield some[0], [_ratio(some, base, claim.target) for base in bases]


def _ratio(blocks: Sequence[Block], base: str, target: str) -> str:
    """t_base / t_target over the processes of a setting; why it is unknown, where it is."""
    for block in blocks:
        bad = [one for one in block.cases if one.neuron in (base, target) and one.status != "ok"]
        if bad:
            return f"{bad[0].neuron}: {bad[0].status}"
    if base == target:
        return "1"
    logs = [intervals.log_ratios(times(block)[base], times(block)[target]) for block in blocks]
    value, low, high = intervals.combine(logs).ratios()
    if low is None or high is None or high > WIDE * low:
        return f"unclear{interval(low, high, 2)}"
    return ratio(value, low, high)


def table(blocks: Sequence[Block]) -> list[str]:
    """A row per claim and setting."""
    lines = [
        "| claim | protocol of the source | measured here | T | batch | to the source's kind of loop"
        " | to `lif`, the honest loop | to `lif@fused` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for claim in CLAIMS:
        texts = (claim.text, claim.protocol, f"{PHASES[claim.phase]} of `{claim.target}`; {claim.here}")
        for block, (straw, honest, fused) in measured(claim, blocks):
            own = f"{straw} ({_SHORT[claim.strawman]})"
            cells = [*texts, str(block.case.T), str(block.case.batch), own, honest, fused]
            lines.append(f"| {' | '.join(cells)} |")
            texts = ("", "", "")
    return lines


def allocated(text: str, T: int, batch: int = BYTES_BATCH, size: int = BYTES_SIZE) -> float:
    """Bytes that a forward and a backward pass of a neuron allocate in all, in sizes of its input."""
    from torch.profiler import ProfilerActivity, profile

    torch.manual_seed(0)
    module = neurons.build(neurons.parse(text), T)
    x = torch.randn(T, batch, size).requires_grad_()

    def call() -> None:
        torch.autograd.grad(module(x).sum(), x)

    call()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        call()
    events = found.profiler.kineto_results.events()  # type: ignore[union-attr]
    sizes = [event.nbytes() for event in events if event.name() == "[memory]"]
    return sum(one for one in sizes if one > 0) / (x.numel() * x.element_size())


def growth() -> list[str]:
    """A row per baseline: what it allocates at each T."""
    heads = " | ".join(f"T = {T}" for T in BYTES_T)
    lines = [
        f"| training, batch {BYTES_BATCH}, {BYTES_SIZE} neurons | {heads} |",
        f"|---|{'---|' * len(BYTES_T)}",
    ]
    for text in (INDEXED, PREALLOCATED, "lif", "lif@fused", "psu", "fpt"):
        name = f"`lif` by {_SHORT[text]}" if text in _SHORT else f"`{text}`"
        lines.append(f"| {name} | {' | '.join(f'{allocated(text, T):.1f}' for T in BYTES_T)} |")
    return lines


def _what(blocks: Sequence[Block]) -> str:
    count = len({block.process for block in blocks})
    return f"{count} processes" if count > 1 else "the rounds of one process"


def page(run: Run, blocks: Sequence[Block]) -> list[str]:
    """What the command writes."""
    where = {key: run.environment.get(key) for key in ("cpu", "logical_cores", "torch", "device")}
    virtual = ", a virtual machine" if run.environment.get("virtual") else ""
    return [
        f"Measured on: {where['cpu']}, {where['logical_cores']} cores{virtual}, torch {where['torch']},"
        f" device {where['device']}; psubench {run.psubench}, run {run.run_id}. Above 1 the target is faster"
        f" than the baseline, with its 95 % interval over {_what(blocks)}; unclear where one end is more than"
        f" {WIDE:g} times the other.",
        "",
        *table(blocks),
        "",
        "Bytes that a forward and a backward pass allocate in all, in sizes of the input:",
        "",
        *growth(),
    ]


def write(where: Path, run: Run, blocks: Sequence[Block]) -> None:
    """Puts the page between the two marks of a file."""
    before, _, rest = where.read_text().partition(BEGIN)
    where.write_text("\n".join([before + BEGIN, "", *page(run, blocks), "", END + rest.partition(END)[2]]))


def main() -> None:
    """Measures if need be, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the run; measured now if it holds none")
    parser.add_argument("--page", type=Path, default=PAGE, help="written between its two marks")
    given, more = parser.parse_known_args()
    if not (given.folder / jsonl.NAME).exists():
        asked = ["run", str(SUITE.relative_to(ROOT)), "--out", str(given.folder), *more]
        subprocess.run([sys.executable, "-m", "psubench", *asked], cwd=ROOT, check=True)
    records = jsonl.read(given.folder / jsonl.NAME)
    run = next(one for one in records if isinstance(one, Run))
    write(given.page, run, [one for one in records if isinstance(one, Block)])


if __name__ == "__main__":
    main()
