"""Which files of a data set are on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psubench.data import cache
from psubench.data.batches import count
from psubench.data.names import parse
from psubench.data.spec import DataSpec
from psubench.data.table import TABLE
from psubench.errors import PsubenchError


@dataclass(frozen=True)
class State:
    """Whether a data set can be used, and why not.

    Attributes:
        state: "shipped", "synthetic", "found", "missing" or "broken".
        samples: of each split; None where they cannot be counted.
        folder: for its files, whether or not it exists; None if it has no files.
        remedy: what to do if the files that it needs, or those of its full set, are missing or broken.
    """

    state: str
    samples: dict[str, int] | None
    folder: Path | None
    remedy: str | None

    def __str__(self) -> str:
        """One phrase: the state, where, how many, and the remedy."""
        sizes = ", ".join(f"{n:,} {split}" for split, n in (self.samples or {}).items())
        where = f" in {self.folder}" if self.folder and self.state == "found" else ""
        text = f"{self.state}{where}: {sizes}" if sizes else self.state
        return f"{text}; {self.remedy}" if self.remedy else text


def state(name: str) -> State:
    """The state of a built-in data set. For a set that is shipped, its full set is looked for too."""
    spec = TABLE[name]
    if spec.step is None:
        return State("synthetic", None, None, None)
    lacking = cache.missing(spec) if spec.folder else []
    folder = cache.folder(spec) if spec.folder else None
    if lacking and not spec.shipped:
        return State("missing", None, folder, _put(spec, lacking))
    try:
        samples = {split: count(parse(name), split) for split in spec.splits}
    except PsubenchError as error:
        return State("broken", None, folder, str(error))
    if not spec.shipped:
        return State("found" if spec.folder else "synthetic", samples, folder, None)
    return State("shipped", samples, folder, f"for full=true {_put(spec, lacking)}" if lacking else None)


def _put(spec: DataSpec, lacking: list[str]) -> str:
    """A phrase that says which files belong where."""
    if not spec.downloads:
        return f"{spec.obtain} into {cache.folder(spec)}"
    names = f"the {len(lacking)} files {lacking[0]} ..." if len(lacking) > 3 else ", ".join(lacking)
    return f"psubench data get {spec.folder}, or put {names} into {cache.folder(spec)}"
