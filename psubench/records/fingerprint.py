"""Records of the work that calls do: what two revisions are compared by before any clock."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from psubench.records.bounds import Amount, Count
from psubench.records.outcomes import Outcome


class Digests(Struct, frozen=True, kw_only=True):
    """Hashes of what two calls did, one on each input; equal ones mean equal work.

    Attributes:
        operators: every operator with shapes, strides, dtypes and scalars, in order.
        allocations: sizes of what operators allocated, in order, and the peak.
        python: code objects, how often each ran and how many bytecodes of it.
        values: what this code reads besides its operators: arguments, globals, and the state of the module.
        libraries: shared libraries that are not installed packages, such as C++ of a plug-in.
        settings: of the process: threads, allocator, garbage collector, denormal numbers.
        input, output: the numbers that went in and came out, gradients included.
    """

    operators: str
    allocations: str
    python: str
    values: str
    libraries: str
    settings: str
    input: str
    output: str


class Fingerprint(Struct, frozen=True, kw_only=True):
    """The work of a case.

    Attributes:
        operators: number of calls by name, of one call on the first input.
        allocations, allocated_bytes, peak_bytes: of the tensors that these operators give.
        functions, bytecodes: calls of Python functions, and bytecodes executed in them.
        uncounted: what could not be counted, in words; then equal hashes do not mean equal work.
    """

    operators: dict[str, Count]
    allocations: Count
    allocated_bytes: Count
    peak_bytes: Count
    functions: Count
    bytecodes: Count
    digests: Digests
    uncounted: list[str] = []


class FingerprintOutcome(Outcome, kw_only=True):
    """One case; its work is None if it could not be called."""

    work: Annotated[Fingerprint | None, Meta(description="null if it could not be called")] = None


class Fingerprints(Struct, frozen=True, kw_only=True, tag_field="type", tag="fingerprint"):
    """The work of all cases of a run; each is counted once."""

    cases: list[FingerprintOutcome]
    elapsed_s: Amount | None = None
