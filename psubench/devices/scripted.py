"""A device with a fake clock, for tests, docs and dry runs. Its results are not measurements."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from psubench.devices.device import Counters, Sample

NOISE = 0.01  # standard deviation of the logarithm of a duration
DRIFT = 0.05  # how much slower everything is at the slow end of the drift
DRIFT_SAMPLES = 200  # period of the drift
SLOWDOWN = 1.5  # in a throttled round
BACKWARD = 3.0  # training over inference


class Scripted:
    """Durations from a script, or from a toy model for labels without a script. Nothing is timed.

    The toy model, in ns per call: (20,000 + 2,000 T) * base * (3 in training) * drift * noise, where base
    in [1/2, 2) is a hash of the label, the drift is a slow sine that all labels share, and the noise is
    log-normal with 1 %. The same seed gives the same durations in the same order of samples.
    """

    name = "scripted"
    torch_device = "cpu"
    min_sample_ns = 1_000_000

    def __init__(
        self,
        T: int,
        phase: str,
        seed: int,
        script: Mapping[str, int | Sequence[int]] | None = None,
        throttled_rounds: Collection[int] = (),
    ) -> None:
        """Starts the clock.

        Args:
            T, phase: of the block; the toy model's scale.
            seed: of the noise.
            script: ns per call by label, exact; of a sequence one entry per sample, again from the
                first after the last.
            throttled_rounds: rounds, counted from 0 by calls of `throttled`, that are reported as throttled
                and 1.5 times as slow.
        """
        self._scale = (20_000 + 2_000 * T) * (BACKWARD if phase == "train" else 1.0)
        self._rng = random.Random(f"{seed} {T} {phase}")
        self._script = dict(script or {})
        self._throttled_rounds = frozenset(throttled_rounds)
        self._round = 0
        self._samples = 0
        self._scripted: dict[str, int] = {}
        self._labels: dict[Callable[[], object], str] = {}

    def sample(self, label: str, call: Callable[[], object], loops: int, kept: int = 0) -> Sample:  # noqa: ARG002
        """A duration in ns. The call runs once, when it is first seen, so that it can fail.

        A call keeps the label under which it was first seen: the reference's second sample in a round is
        drawn from the same distribution as its first.
        """
        result = None
        if call not in self._labels:
            result = call()
            self._labels[call] = label
        first = self._labels[call]
        per_call = self._scripted_ns(label if label in self._script else first)
        slow = SLOWDOWN if self._round in self._throttled_rounds else 1.0
        return Sample(
            round((self._toy_ns(first) if per_call is None else per_call) * loops * slow), None, result
        )

    def _scripted_ns(self, label: str) -> int | None:
        durations = self._script.get(label)
        if durations is None or isinstance(durations, int):
            return durations
        turn = self._scripted.get(label, 0)
        self._scripted[label] = turn + 1
        return durations[turn % len(durations)]

    def _toy_ns(self, label: str) -> float:
        share = int.from_bytes(hashlib.sha256(label.encode()).digest()[:4], "big") / 2**32
        drift = 1.0 + DRIFT / 2 * (1.0 - math.cos(2 * math.pi * self._samples / DRIFT_SAMPLES))
        self._samples += 1
        return self._scale * math.exp2(2.0 * share - 1.0) * drift * math.exp(self._rng.gauss(0.0, NOISE))

    def settle(self, input_bytes: int | None) -> None:
        """Nothing to prepare."""

    def peak_memory(self, call: Callable[[], object]) -> int | None:  # noqa: ARG002
        """Unknown: a fake clock has no memory."""
        return None

    def counters(self) -> Counters:
        """Zeros, which is a fact here: nothing runs."""
        return Counters(0, 0)

    def state(self) -> dict[str, Any]:
        """Nothing changes except the drift, which is in the samples."""
        return {}

    def throttled(self) -> list[str]:
        """Asked once per round, as `measure` does: ends the round."""
        slow = self._round in self._throttled_rounds
        self._round += 1
        return ["scripted slowdown"] if slow else []

    def describe(self) -> dict[str, Any]:
        """A note that this is not a real device."""
        return {"name": "fake clock, not a measurement"}
