"""Writes a record of many cases, to see what reading one costs.

    python scripts/make_large_record.py OUT --cases 100000 --processes 2 --rounds 10
    psubench show OUT

Its blocks are those of the committed example with other T and batch sizes, cut to a few rounds.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from msgspec.structs import replace

from psubench.records import jsonl
from psubench.records.measured import Block
from psubench.records.run import Planned, Run
from psubench.records.structs import plain

EXAMPLE = Path(__file__).parent.parent / "reports" / "example" / jsonl.NAME


def main() -> None:
    """Writes the record into the folder that was named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    header, *measured = jsonl.read(EXAMPLE)
    assert isinstance(header, Run)
    block = next(one for one in measured if isinstance(one, Block))
    neurons = [one for one in header.cases if one.case.T == block.case.T and one.case.phase == "infer"]
    places = [*product(range(1, 101), range(1, -(-given.cases // (100 * len(neurons))) + 1))]
    plan = [_planned(neurons, T, batch) for T, batch in places]
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / jsonl.NAME).open("wb") as file:
        file.write(jsonl.line_of(replace(header, cases=[one for some in plan for one in some])))
        for process in range(given.processes):
            for some in plan:
                file.write(jsonl.line_of(_block(block, some, process, given.rounds)))


def _planned(neurons: list[Planned], T: int, batch: int) -> list[Planned]:
    """The cases of one block."""
    cases = [replace(one.case, T=T, batch=batch) for one in neurons]
    keys = [jsonl.case_key(plain(case)) for case in cases]
    return [
        replace(one, key=key, case=case, reference=keys[0])
        for one, key, case in zip(neurons, keys, cases, strict=True)
    ]


def _block(block: Block, planned: list[Planned], process: int, rounds: int) -> Block:
    """The example's block as that of other cases, with other times."""
    longer = 1 + process / 1000
    samples = {n: [round(longer * ns) for ns in of[:rounds]] for n, of in block.wall_ns.items()}
    case = replace(block.case, T=planned[0].case.T, batch=planned[0].case.batch)
    cases = [replace(one, key=of.key) for one, of in zip(block.cases, planned, strict=True)]
    return replace(
        block, case=case, process=process, cases=cases, rounds=rounds, wall_ns=samples,
        order=block.order[:rounds], roof=None, device={}, states=[], faults=[], cpu_ns=[],
    )  # fmt: skip


if __name__ == "__main__":
    main()
