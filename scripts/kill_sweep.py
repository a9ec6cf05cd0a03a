"""Ends every command again and again while it measures: is anything lost, doubled, mixed or touched?

    python scripts/kill_sweep.py --kills 200

A command is killed at a random moment between the first call of a neuron, or the first epoch, and its end.
Commands with --resume are continued after each kill, with two temporary folders in turn, and sometimes by two
processes at once; once they are through, they begin anew. Links to files of somebody else lie wherever a file
is written. After every kill, what the record held is still in it, the record can be read, the files of others
are as they were, and no process is left; at last every case has been measured once, with the values of a run
that nobody killed. Commands that read are killed a few
times more, on top.
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
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from kill_sweep_commands import ONCE, READING, RESUMED, count, git, repository
from kill_sweep_records import ended, exact, measured, read, size, works

from psubench.errors import PsubenchError
from psubench.records import jsonl
from psubench.records.structs import Record

MARK = "PSUBENCH_KILL_SWEEP"
EXAMPLE = Path(__file__).parent.parent / "reports" / "example" / jsonl.NAME
LONGEST = 5.0
"""Seconds of work within which most kills fall: what is continued comes to its later parts by and by."""
_SIGNALS = (signal.SIGKILL,) * 4 + (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


@dataclass
class Sweep:
    """One folder with everything that a sweep makes.

    Attributes:
        until: `time.monotonic()` after which no more is killed.
        problems: what went wrong, in words.
        kills: by command, those of a command at work; by signal; and the "early" ones.
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
        self.repository, self.host = self.folder / "repository", self.folder / "host"
        repository(self.repository)
        self.before = self.state()
        self.stopped = threading.Event()
        threading.Thread(target=count, args=(self.host, self.stopped), daemon=True).start()

    def state(self) -> list[str]:
        """All of the user's repository that a comparison must not change, but for its worktrees."""
        return [git(self.repository, *one) for one in (("status", "--porcelain", "--branch"), ("show-ref",))]

    def start(self, command: list[str], place: Path) -> subprocess.Popen[bytes]:
        """A command with a temporary folder, marked so that its processes can be found."""
        environment = {
            **os.environ,
            "TMPDIR": str(place),
            MARK: str(self.folder),
            "PSUBENCH_LOCKS": str(self.folder / "locks"),
            "PSUBENCH_HOST_ROOT": str(self.host),
            # A plug-in's compiled file would be a change of the repository.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "psubench", *command],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            cwd=self.repository,
        )  # fmt: skip

    def seconds(self, command: list[str], record: Path | None = None, *, reads: bool = False) -> float:
        """How long a command is at work if it is let end."""
        place = self.places[0]
        process, before = self.start(command, place), size(record)
        while not (reads or works(place, record, before)) and process.poll() is None:
            time.sleep(0.02)
        began = time.monotonic()
        _, told = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"{command} ends with {process.returncode}: {told.decode()}")
        return time.monotonic() - began

    def kill(
        self,
        name: str,
        command: list[str],
        place: Path,
        seconds: float,
        record: Path | None = None,
        beside: subprocess.Popen[bytes] | None = None,
    ) -> bool:
        """Starts a command and ends it at its work; False if it had ended before.

        Args:
            seconds: how long it is at work.
            record: that it writes.
            beside: another one that would write it too, and ends with it.
        """
        process, before = self.start(command, place), size(record)
        while name not in READING and not works(place, record, before) and process.poll() is None:
            time.sleep(0.02)
        longest = seconds if self.draw.random() < 0.1 else min(LONGEST, seconds / 2)
        number = None
        try:
            process.wait(self.draw.uniform(0.1 if name in READING else 0.0, 1.0) * longest)
        except subprocess.TimeoutExpired:
            number = self.draw.choice(_SIGNALS)
            self.kills[name if not ended(record) else f"{name}, drawing"] += 1
            self.kills[number.name] += 1
            process.send_signal(number)
        if beside is not None:
            beside.kill()
            beside.communicate()
        self._end(name, process, number)
        return number is not None

    def _end(self, name: str, process: subprocess.Popen[bytes], number: int | None) -> None:
        try:
            _, told = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.problems.append(f"{name} did not end")
            process.kill()
            _, told = process.communicate()
        if b"Traceback" in told:
            self.problems.append(f"{name}: {told.decode()[-600:]}")
        # It may have done its work before the signal came.
        if process.returncode not in ({0} if number is None else {0, 128 + number, -number}):
            self.problems.append(f"{name} ended with {process.returncode}: {told.decode()[-300:]}")
        self.nothing_touched(name)
        for place in self.places:  # what only SIGKILL leaves
            for left in place.glob("psubench-*"):
                if not left.is_symlink() and not left.name.startswith("psubench-compare-"):
                    shutil.rmtree(left, ignore_errors=True)

    def resumed(self, name: str, kills: int) -> None:
        """Kills and continues one command, over and over again."""
        whole, run = self.folder / f"{name}-whole", 0
        command = RESUMED[name]
        seconds = self.seconds([*command, "--out", str(whole)], whole / jsonl.NAME)
        while self.kills[name] < kills and time.monotonic() < self.until:
            out, run = self.folder / f"{name}-{run}", run + 1
            out.mkdir()
            for number, file in enumerate((f"{command[0]}.csv", "time.pdf")):
                (out / file).symlink_to(self.victims / f"{number}.txt")
            again = [*command, "--out", str(out), "--resume"]
            held, killed = b"", True
            while killed and self.kills[name] < kills:
                number = self.kills[name]
                two = number % 5 == 4 and name != "selftest"  # which refuses a second one
                beside = self.start(again, self.places[(number + 1) % 2]) if two else None
                killed = self.kill(name, again, self.places[number % 2], seconds, out / jsonl.NAME, beside)
                held = self.check(name, out / jsonl.NAME, held)
            if killed:
                self.seconds(again)
            self.check(name, out / jsonl.NAME, held)
            self.compare(name, jsonl.read(whole / jsonl.NAME), jsonl.read(out / jsonl.NAME))

    def once(self, name: str, kills: int) -> None:
        """Kills a command that begins anew each time; what it had made stays until it is through."""
        seconds = self.seconds(ONCE[name])
        kept = self.folder / "baseline" / jsonl.NAME
        while self.kills[name] < kills and time.monotonic() < self.until:
            before = kept.read_bytes() if kept.exists() else b""
            out = (
                ["--out", str(self.folder / f"{name}-{self.kills[name]}")] if name == "compare --git" else []
            )
            killed = self.kill(name, [*ONCE[name], *out], self.places[self.kills[name] % 2], seconds)
            if kept.exists() and killed and kept.read_bytes() != before:
                jsonl.read(kept)
            for record in Path(*out[1:]).glob(f"*/{jsonl.NAME}") if out else ():
                jsonl.read(record)
        self.seconds(ONCE[name])
        if trees := git(self.repository, "worktree", "list").splitlines()[1:]:
            self.problems.append(f"{name} left {trees}")

    def reading(self, name: str, kills: int) -> None:
        """Kills a command that reads a record, which stays as it is; what it writes is whole or not there."""
        run, out = self.folder / "example", self.folder / name
        run.mkdir(exist_ok=True)
        shutil.copy(EXAMPLE, run)
        words = [word.replace("RUN", str(run)).replace("OUT", str(out)) for word in READING[name]]
        before = (run / jsonl.NAME).read_bytes()
        seconds = self.seconds(words, reads=True)
        whole = {path.name: path.stat().st_size for path in out.rglob("*") if path.is_file()}
        while self.kills[name] < kills and time.monotonic() < self.until:
            self.kill(name, words, self.places[self.kills[name] % 2], seconds)
            if (run / jsonl.NAME).read_bytes() != before:
                self.problems.append(f"{name} changed the record that it read")
            found = {p.name: p.stat().st_size for p in out.rglob("*") if p.is_file() and p.name in whole}
            if found != whole:
                self.problems.append(f"{name} left half a file: {found} and {whole}")

    def check(self, name: str, path: Path, held: bytes) -> bytes:
        """What the record holds now, which begins with all that it held before."""
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
        """Files of others and the user's repository are as they were, and no process is left."""
        texts = {path.name: path.read_text() for path in self.victims.iterdir()}
        if texts != {f"{number}.txt": "somebody else's" for number in range(3)}:
            self.problems.append(f"{name} touched the files of others: {texts}")
        if self.state() != self.before:
            self.problems.append(f"{name} changed the repository: {self.state()} from {self.before}")
        if left := self.left_processes():
            self.problems.append(f"{name} left processes: {left}")

    def left_processes(self) -> list[str]:
        """Processes of this sweep that are alive, some seconds after they should have ended."""
        mark, left = f"{MARK}={self.folder}".encode(), []
        for _ in range(100):
            left = [p for p in Path("/proc").iterdir() if p.name.isdecimal() and mark in read(p / "environ")]
            if not left:
                return []
            time.sleep(0.1)
        return [read(process / "cmdline").replace(b"\0", b" ").decode()[:120] for process in left]

    def compare(self, name: str, whole: list[Record], resumed: list[Record]) -> None:
        """Every case was measured as often as in a run that was let end, with the same exact values."""
        times = [measured(records) for records in (whole, resumed)]
        if times[0] != times[1]:
            self.problems.append(f"{name} lost or invented {times[0] - times[1]} {times[1] - times[0]}")
        if exact(whole) != exact(resumed):
            self.problems.append(f"{name} has other values: {exact(whole)} and {exact(resumed)}")


def sweep(
    kills: int, folder: Path, seed: int, names: list[str] | None = None, max_seconds: float = 1e9
) -> Sweep:
    """Kills that many times in all, spread over the commands that measure; `problems` must be empty."""
    made = Sweep(folder, random.Random(seed), time.monotonic() + max_seconds)
    share = -(-kills // len([name for name in (*RESUMED, *ONCE) if names is None or name in names]))
    for name in (*RESUMED, *ONCE, *READING):
        if names is not None and name not in names:
            continue
        began, told = time.monotonic(), len(made.problems)
        does = made.resumed if name in RESUMED else made.once if name in ONCE else made.reading
        does(name, share if name not in READING else share // 4)
        print(f"{name}: {made.kills[name]} kills in {time.monotonic() - began:.0f} s", flush=True)
        for problem in made.problems[told:]:
            print(f"problem: {problem}", flush=True)
    made.stopped.set()
    return made


def main() -> None:
    """Sweeps, and exits with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", help="comma-separated; all by default")
    parser.add_argument("--max-seconds", type=float, default=1e9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # counters still count
        names = given.commands.split(",") if given.commands else None
        made = sweep(given.kills, Path(folder), given.seed, names, given.max_seconds)
    print(dict(made.kills))
    sys.exit(bool(made.problems))


if __name__ == "__main__":
    main()
