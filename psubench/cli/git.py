"""`psubench compare --git`: from the texts of its options to a measured comparison."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from psubench.compare import Comparison

CI_SUITE = Path("suites", "ci.toml")
MAX_SECONDS = "0.5"
"""Of samples per block and process where the suite does not say."""


def compare_revisions(
    sides: Sequence[str],
    margin: float | None,
    gate: Sequence[str],
    suite: Path | None,
    device: str | None,
    budget: float,
    seed: int,
    out: Path | None,
    say: Callable[[str], None],
) -> Comparison:
    """Measures two revisions and compares them; options as of `psubench compare`."""
    from psubench.duel import Duel
    from psubench.revisions import revisions

    if len(sides) > 2:
        raise PsubenchError(
            f"{len(sides)} revisions to compare", "give one or two: compare --git BASE [HEAD]"
        )
    tables = suite_tables(suite, device)
    if out is not None and (out / "base").exists():
        raise PsubenchError(f"{out} holds a comparison already", "choose another --out")
    base, new = sides[0], sides[1] if len(sides) == 2 else "HEAD"
    kept = tempfile.TemporaryDirectory() if out is None else nullcontext(str(out))
    with kept as folder, revisions(Path.cwd(), base, new, say) as (before, after):
        return Duel(before, after, tables, Path(folder), budget, margin, gate, seed, say).run()


def suite_tables(suite: Path | None, device: str | None) -> list[Mapping[str, str]]:
    """What a suite measures, each table as options of `psubench speed`.

    Args:
        suite: a TOML file; suites/ci.toml in the current folder or beside this code by default.
        device: for all tables; the fastest present by default.

    Raises:
        PsubenchError: no suite, or one that has cases to skip, which `speed` has no option for.
    """
    from psubench import suite_file
    from psubench.devices import resolve

    path = ci_suite(suite)
    asked = suite_file.read(path)
    if asked.skips:
        raise PsubenchError(f"{path} skips cases", "compare with a suite that has no [[skip]]")
    name = resolve(device)
    asked.blocks(name, 1)  # checks every value before anything is measured
    left_out = (
        "memory",
        "processes",
        "precision",
    )  # the looks decide how often, and all blocks take their time
    settings = {k.replace("_", "-"): str(v) for k, v in asked.settings.items() if k not in left_out}
    return [{"max-seconds": MAX_SECONDS, **settings, **table, "device": name} for table in asked.tables]


def ci_suite(suite: Path | None) -> Path:
    """The suite that was given, else suites/ci.toml in the current folder or beside this code."""
    beside = Path(__file__).parent.parent.parent / CI_SUITE
    return suite or (CI_SUITE if CI_SUITE.is_file() else beside)
