"""The neurons of a user's repository: classes that could be one, tried in a worker."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from psubench.compare.git.git_command import git
from psubench.compare.git.layout import Checkout, import_folders
from psubench.compare.git.side import own_code, suite_text
from psubench.devices import memory_limit_bytes
from psubench.errors import PsubenchError, one_line
from psubench.experiments.speed.options import SpeedOptions
from psubench.experiments.speed.plan import UNSAID, speed_blocks
from psubench.neurons import candidates, parse_list
from psubench.neurons.names import STEP
from psubench.records.measured import Block as Timed
from psubench.records.outcomes import GatedOutcome
from psubench.render.progress import watch
from psubench.runs.case import NEVER_EARLY, PHASES
from psubench.runs.schedule import Settings, Workers
from psubench.runs.worker_process import Host

CASE = SpeedOptions(T=(16,), batch=(4,), size=(64,), data="normal", phase=("infer",), timeout=30.0)
"""What a class is tried with, and what the suite measures: small enough for a first-level cache."""
SECONDS = {"max_seconds": 0.6}
"""As in suites/ci.toml."""
_TRIED_SECONDS = 0.01
_NOT_NEURONS = frozenset({"tests", "test", "conftest.py", "setup.py"})
Say = Callable[[str], None]


@dataclass(frozen=True)
class Own:
    """A class that is a neuron.

    Attributes:
        text: as a suite names it.
        phases: that it runs in; without a gradient only the first of `PHASES`.
    """

    text: str
    phases: tuple[str, ...]


def find(top: Path, say: Say) -> list[Own]:
    """The neurons in the Python files that git tracks, tests left out.

    Args:
        top: of the repository.
        say: told, in a line each, why a class is not a neuron.

    Raises:
        PsubenchError: there is none.
    """
    folders = import_folders(Checkout(top.name, top, top, Path()))
    with _inside(top, folders):
        named = list(_named(top, folders, say))
        found = _tried(named, say) if named else []
    if not found:
        raise PsubenchError(
            f"no neuron found in {top}: {len(named)} classes could be torch modules, none gives spikes",
            "write one that maps [T, B, *features] to spikes of that shape, or one step of it; and commit it",
        )
    return found


def suite(found: Sequence[Own]) -> str:
    """A suite, as TOML, of these neurons with LIF as their reference."""
    shared = {"reference": UNSAID, "data": str(CASE.data), "T": "16", "batch": "4", "size": "64"}
    tables = []
    for phase in PHASES:  # a table each: two of one phase would hold its reference twice
        texts = [one.text for one in found if phase in one.phases]
        tables += [{"neurons": ",".join(texts), **shared, "phase": phase}] if texts else []
    return suite_text(tables, SECONDS)


@contextmanager
def _inside(top: Path, folders: Sequence[Path]) -> Iterator[None]:
    """At the top of the repository, where processes that are started import from these folders."""
    before = os.environ.get("PYTHONPATH")
    os.environ.update(own_code(*folders))
    try:
        with chdir(top):
            yield
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _named(top: Path, folders: Sequence[Path], say: Say) -> Iterator[str]:
    """Classes that, judging by their bases, are torch modules, as a suite names them."""
    for name in git(top, "ls-files", "-z", "--", "*.py").split("\0"):
        path = PurePosixPath(name)
        is_test = not _NOT_NEURONS.isdisjoint(path.parts) or path.name.startswith("test_")
        if is_test or not path.parts or not (top / name).is_file():
            continue
        try:
            for one in candidates.modules(name):
                text = f"{_where(top / name, name, folders)}:{one}"
                parse_list(text)  # a comma in it would end it
                yield text
        except PsubenchError as error:
            say(f"left out: {name}: {one_line(error.what)}")


def _where(file: Path, name: str, folders: Sequence[Path]) -> str:
    """The module of a file that lies in a package which Python finds, else its path."""
    package = file.parent
    while (package / "__init__.py").is_file():
        package = package.parent
    if package == file.parent or package not in folders:
        return name
    return ".".join(file.relative_to(package).with_suffix("").parts).removesuffix(".__init__")


def _tried(named: Sequence[str], say: Say) -> list[Own]:
    """Those that are neurons, with all steps at once or with one after the other."""
    settings = Settings(1, NEVER_EARLY, _TRIED_SECONDS, CASE.timeout, memory_limit_bytes(), 0)
    silent = watch(quiet=True, stream=io.StringIO())  # what goes wrong is told in the class's own line
    workers = Workers(settings, silent, 0, Host(CASE.threads, "cpu"))
    try:
        outcomes = _called(workers, [*named, *map(_stepped, named)])
        both = [t for t in named if not _problem(outcomes[t]) and not _problem(outcomes[_stepped(t)])]
        unclear = [text for text in both if not _same(outcomes[text], outcomes[_stepped(text)])]
        alone = _called(workers, [*unclear, *map(_stepped, unclear)], T=1)
        chosen = []
        for text in named:
            whole, stepped = outcomes[text], outcomes[_stepped(text)]
            if _problem(whole) and _problem(stepped):
                say(f"left out: {text}: {_both(text, whole, stepped)}")
            elif _problem(whole) or (text in unclear and _same(alone[text], alone[_stepped(text)])):
                chosen.append(_stepped(text))
            else:
                chosen.append(text)
        trained = {text: _problem(one) for text, one in _called(workers, chosen, phase=PHASES[1]).items()}
    finally:
        workers.host.close()
    for text, problem in trained.items():
        if problem:
            say(f"without training: {text}: {one_line(problem)}")
    return [Own(text, PHASES[:1] if trained[text] else PHASES) for text in chosen]


def _stepped(text: str) -> str:
    return f"{text}@{STEP}"


def _called(
    workers: Workers, texts: Sequence[str], T: int = 16, phase: str = PHASES[0]
) -> dict[str, GatedOutcome]:
    """How neurons pass the gate and a few calls, by their texts; in one worker, but for those that end it."""
    if not texts:
        return {}
    asked = replace(CASE, neurons=",".join(texts), T=(T,), phase=(phase,))
    (block,) = speed_blocks(asked, UNSAID, "cpu")
    record = workers.measure(block.title, block, list(block.entries[1:]))
    assert isinstance(record, Timed)
    return {outcome.neuron: outcome for outcome in record.cases}


def _same(whole: GatedOutcome, stepped: GatedOutcome) -> bool:
    """Whether both ways give the same spikes.

    For one step they do if a class is meant for one step at a time, and takes several for samples; one
    that is meant for all takes the samples of a step for steps.
    """
    return not _problem(whole) and whole.activity == stepped.activity


def _both(text: str, whole: GatedOutcome, stepped: GatedOutcome) -> str:
    """Why a class is a neuron in neither way."""
    first, second = (one_line(_problem(one)).removeprefix(f'plug-in "{text}": ') for one in (whole, stepped))
    return first if second.replace(f"@{STEP}", "") == first else f"{first}; with @{STEP}: {second}"


def _problem(outcome: GatedOutcome) -> str:
    """Why a case does not show a neuron; empty if it does."""
    if outcome.status != "ok" or outcome.activity is None:
        return outcome.message or outcome.status
    if outcome.output != "spikes":
        return f"its outputs are {outcome.output}, not spikes"
    return "" if outcome.activity.spikes else f"it gives no spikes for {CASE.data}"
