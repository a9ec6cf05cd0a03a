"""Ends every command again and again in the middle of its work: is anything lost, doubled, mixed or touched?

    python scripts/kill_sweep.py --kills 200

Commands that measure are continued with --resume after each kill, with two temporary folders in turn, and
sometimes by two processes at once. Links to files of somebody else lie wherever a file is written. After
every kill, what the record held is still in it, the record can be read, the files of others are as they were,
no process is left, and at last every case has been measured once.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from psubench.errors import PsubenchError
from psubench.records import jsonl
from psubench.records.run import End, Run
from psubench.records.structs import Record
from psubench.records.trained import Epoch, Trained

MARK = "PSUBENCH_KILL_SWEEP"
EXAMPLE = Path(__file__).parent.parent / "reports" / "example" / jsonl.NAME
_SIGNALS = (signal.SIGKILL,) * 4 + (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_SMALL = ["--T", "4", "--batch", "4", "--threads", "1", "--quiet"]
_TIMED = [*_SMALL, "--size", "16", "--processes", "2", "--max-seconds", "0.05", "--data", "normal"]
_NET = ["--model", "mlp(width=0.1)", "--data", "spoken-digits"]
MEASURING = {
    "scripted": [
        "speed", *_TIMED, "--device", "scripted", "--T", "2..5+1", "--neurons", "lif,psu", "--no-memory",
    ],
    "speed": ["speed", *_TIMED, "--device", "cpu", "--neurons", "lif,psu", "--phase", "infer"],
    "sparsity": ["sparsity", *_SMALL, *_NET, "--samples", "8", "--neurons", "lif,psu", "--device", "cpu"],
    "profile": ["profile", *_SMALL, *_NET, "--neurons", "lif,psu", "--phase", "infer", "--device", "cpu"],
    "train": [
        "train", *_NET, "--neuron", "lif", "--T", "4", "--epochs", "3", "--batch", "500", "--quiet",
        "--device", "cpu",
    ],
}  # fmt: skip
READING = {
    "show": ["show", "RUN"],
    "export": ["export", "RUN", "--format", "csv", "--out", "OUT/rows.csv"],
    "plot": ["plot", "RUN", "--format", "png", "--out", "OUT"],
    "report": ["report", "RUN", "--out", "OUT"],
    "compare": ["compare", "RUN", "RUN"],
}


@dataclass
class Sweep:
    """One folder with everything that a sweep makes.

    Attributes:
        until: `time.monotonic()` after which no more is killed.
        problems: what went wrong, in words.
    """

    folder: Path
    draw: random.Random
    until: float
    problems: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.victims = self.folder / "victims"
        self.victims.mkdir()
        for number in range(3):
            (self.victims / f"{number}.txt").write_text("somebody else's")
        self.places = [self.folder / "tmp-a", self.folder / "tmp-b"]
        for place in self.places:
            place.mkdir()
            place.chmod(0o777)  # without the sticky bit
            (place / "psubench-locks").symlink_to(self.victims)
            (place / "psubench-cpu.lock").symlink_to(self.victims / "0.txt")

    def start(self, command: list[str], place: Path) -> subprocess.Popen[bytes]:
        """A command with a temporary folder, marked so that its processes can be found."""
        locks = self.folder / "locks"
        environment = {
            **os.environ,
            "TMPDIR": str(place),
            MARK: str(self.folder),
            "PSUBENCH_LOCKS": str(locks),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "psubench", *command],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            cwd=self.folder,
        )  # fmt: skip

    def seconds(self, command: list[str]) -> float:
        """How long a command takes if it is let."""
        began = time.monotonic()
        done = self.start(command, self.places[0])
        _, told = done.communicate()
        if done.returncode != 0:
            raise SystemExit(f"{command} ends with {done.returncode}: {told.decode()}")
        return time.monotonic() - began

    def kill(self, name: str, command: list[str], place: Path, seconds: float) -> None:
        """Starts a command and ends it somewhere on its way."""
        process = self.start(command, place)
        try:
            process.wait(self.draw.uniform(0.1, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            number = self.draw.choice(_SIGNALS)
            process.send_signal(number)
            self.kills[number.name] += 1
            self.kills[name] += 1
        try:
            _, told = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.problems.append(f"{name} did not end")
            process.kill()
            _, told = process.communicate()
        if b"Traceback" in told:
            self.problems.append(f"{name}: {told.decode()[-600:]}")
        if process.returncode == 1:
            self.problems.append(f"{name} ended with 1, the code of a regression: {told.decode()[-300:]}")

    def measuring(self, name: str, command: list[str], kills: int) -> None:
        """Kills and continues one measuring command; then lets it end."""
        whole, out = self.folder / f"{name}-whole", self.folder / name
        seconds = self.seconds([*command, "--out", str(whole)])
        out.mkdir()
        for number, file in enumerate((f"{command[0]}.csv", "time.pdf")):
            (out / file).symlink_to(self.victims / f"{number}.txt")
        again = [*command, "--out", str(out), "--resume"]
        held = b""
        for number in range(kills):
            if time.monotonic() > self.until:
                break
            beside = self.start(again, self.places[1]) if number % 5 == 4 else None
            self.kill(name, again, self.places[number % 2], seconds)
            if beside is not None:
                beside.send_signal(signal.SIGKILL)
                beside.communicate()
            held = self.check(name, out / jsonl.NAME, held)
        self.seconds(again)
        self.check(name, out / jsonl.NAME, held)
        self.compare(name, jsonl.read(whole / jsonl.NAME), jsonl.read(out / jsonl.NAME))

    def reading(self, name: str, command: list[str], kills: int) -> None:
        """Kills a command that reads a record, which stays as it is; what it writes is whole or not there."""
        run, out = self.folder / "example", self.folder / name
        run.mkdir(exist_ok=True)
        shutil.copy(EXAMPLE, run)
        words = [word.replace("RUN", str(run)).replace("OUT", str(out)) for word in command]
        before = (run / jsonl.NAME).read_bytes()
        seconds = self.seconds(words)
        whole = {path.name: path.stat().st_size for path in out.rglob("*") if path.is_file()}
        for number in range(kills):
            if time.monotonic() > self.until:
                break
            self.kill(name, words, self.places[number % 2], seconds)
            self.nothing_touched(name)
            if (run / jsonl.NAME).read_bytes() != before:
                self.problems.append(f"{name} changed the record that it read")
            found = {p.name: p.stat().st_size for p in out.rglob("*") if p.is_file() and p.name in whole}
            if found != whole:
                self.problems.append(f"{name} left half a file: {found} and {whole}")

    def check(self, name: str, path: Path, held: bytes) -> bytes:
        """What the record holds now, which begins with all that it held before."""
        self.nothing_touched(name)
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if not whole.startswith(held):
            self.problems.append(f"{name}: lines that were complete are gone")
        if whole:
            try:
                jsonl.read(path)
            except PsubenchError as error:
                self.problems.append(f"{name}: {error}")
        return whole

    def nothing_touched(self, name: str) -> None:
        """Files of others are as they were, and no process is left."""
        texts = {path.name: path.read_text() for path in self.victims.iterdir()}
        if texts != {f"{number}.txt": "somebody else's" for number in range(3)}:
            self.problems.append(f"{name} touched the files of others: {texts}")
        if left := self.left_processes():
            self.problems.append(f"{name} left processes: {left}")

    def left_processes(self) -> list[str]:
        """Processes of this sweep that are alive, some seconds after they should have ended."""
        mark, left = f"{MARK}={self.folder}".encode(), []
        for _ in range(100):
            left = [p for p in Path("/proc").iterdir() if p.name.isdecimal() and mark in _read(p / "environ")]
            if not left:
                return []
            time.sleep(0.1)
        return [_read(process / "cmdline").replace(b"\0", b" ").decode()[:120] for process in left]

    def compare(self, name: str, whole: list[Record], resumed: list[Record]) -> None:
        """Every case was measured as often as in a run that was let end; references at least."""
        times = [_measured(records) for records in (whole, resumed)]
        if times[0].keys() != times[1].keys():
            self.problems.append(f"{name} lost or invented {times[0].keys() ^ times[1].keys()}")


def _measured(records: list[Record]) -> Counter[tuple]:
    found: Counter[tuple] = Counter()
    for one in records:
        if isinstance(one, Epoch | Trained):
            found[type(one), one.key, getattr(one, "epoch", None)] += 1
        elif not isinstance(one, Run | End):
            for case in getattr(one, "cases", ()):
                if case.status == "ok":
                    found[type(one), case.key, getattr(one, "process", None)] += 1
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def sweep(
    kills: int, folder: Path, seed: int, names: list[str] | None = None, max_seconds: float = 1e9
) -> Sweep:
    """Kills that many times in all, spread over the commands; `problems` of the result must be empty."""
    made = Sweep(folder, random.Random(seed), time.monotonic() + max_seconds)
    chosen = [name for name in (*MEASURING, *READING) if names is None or name in names]
    for place, name in enumerate(chosen):
        # Some end before they are killed; the next commands get what is missing.
        share = -(-(kills - sum(made.kills[name] for name in chosen)) // (len(chosen) - place))
        if name in MEASURING:
            made.measuring(name, MEASURING[name], share)
        else:
            made.reading(name, READING[name], share)
        print(f"{name}: {made.kills[name]} kills", flush=True)
    return made


def main() -> None:
    """Sweeps, and exits with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", help="comma-separated; all by default")
    parser.add_argument("--max-seconds", type=float, default=1e9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = given.commands.split(",") if given.commands else None
        made = sweep(given.kills, Path(folder), given.seed, names, given.max_seconds)
    print(dict(made.kills))
    for problem in made.problems:
        print(f"problem: {problem}")
    sys.exit(bool(made.problems))


if __name__ == "__main__":
    main()
