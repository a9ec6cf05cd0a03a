"""`run.jsonl`: one record per line, each with a checksum of its own.

A line is complete once its newline is on the disk. The reader drops a torn last line and the writer cuts it
off, so a killed run loses no complete line.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from sys import intern
from typing import Any

from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.records import origins
from psubench.records.counted import Activity
from psubench.records.run import Run, kind_of_case
from psubench.records.structs import Record, build, plain, without_results

SCHEMA = 2
NAME = "run.jsonl"
MEMORY = "memory"
"""In place of the number of the process, in the pass that measures peak memory."""
WORK = "work"
"""Likewise, in the pass that counts the work of each case."""
_CHECKSUM = b',"crc32":"%08x"}'
_CHECKSUM_BYTES = len(_CHECKSUM % 0)


def case_key(case: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that name a case: the same fields and values give the same key."""
    canonical = json.dumps(case, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def locate(run: Path) -> Path:
    """The record of a run given as its folder or as the record itself."""
    try:
        path = run / NAME if run.is_dir() else run
        found = path.is_file()
    except OSError as error:
        raise PsubenchError(f"cannot look at {run}: {error.strerror}", "check the path") from None
    if not found:
        raise PsubenchError(
            f"no record at {path}", f"give the folder of a run, the one that holds {NAME}, or that file"
        )
    return path


def begun(path: Path) -> bool:
    """Whether a file holds at least one complete record; a run killed at its very start has none."""
    try:
        return path.is_file() and b"\n" in path.read_bytes()
    except OSError as error:
        raise PsubenchError(
            f"cannot read {path}: {error.strerror}", "give a folder that can be read and written with --out"
        ) from None


def line_of(record: Record) -> bytes:
    """A record as its line: JSON, the CRC-32 of every byte before that field, and a newline.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    text = json.dumps(plain(record), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return sealed(text) + b"\n"


def sealed(text: str) -> bytes:
    """A JSON object with its checksum as last field."""
    # Names of files may contain bytes that are not text: each becomes a question mark.
    held = text.encode(errors="replace")[:-1]
    return held + _CHECKSUM % zlib.crc32(held)


def read(path: Path) -> list[Record]:
    """All complete records of a file, in order. Schema 1, which has no checksums, is read as schema 2.

    Raises:
        PsubenchError: the file is empty, damaged before its last line, or of another schema.
    """
    records: list[Record] = []
    schema = SCHEMA
    for number, line in enumerate(_lines(path), start=1):
        value = _parsed(line, path, number)
        if value.get("type") == "run" or number == 1:
            schema = _schema(value, path, number)
        if schema == 1:
            value = _upgraded(value)
        elif not _intact(line):
            raise _damaged(path, number, "its checksum is wrong")
        try:
            records.append(build(value))
        except ValueError as error:
            raise _damaged(path, number, str(error)) from None
    if not records:
        raise PsubenchError(f"{path} has no complete record", "measure again with another --out")
    apart = _disagreement(records) or origins.disagreement(records)
    if apart is not None:
        raise _damaged(path, apart[0] + 1, apart[1])
    return records


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]
    except OSError as error:
        raise PsubenchError(f"cannot read {path}: {error.strerror}", "check the path") from None


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of duplicate keys it is unknown which one is right.

    Its words are kept once each: large records repeat keys and axes hundreds of thousands of times.
    """
    found = {key: intern(value) if type(value) is str else value for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("an object has a duplicate key")
    return found


_decode = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_once).decode


def _parsed(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = _decode(line.decode())
        if b"\\u" in line:  # half of a surrogate pair, which no file and no terminal accepts
            json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        raise _damaged(path, number, "it is not a record of psubench")
    return record


def _intact(line: bytes) -> bool:
    held, checksum = line[:-_CHECKSUM_BYTES], line[-_CHECKSUM_BYTES:]
    return checksum == _CHECKSUM % zlib.crc32(held)


def _damaged(path: Path, number: int, problem: str) -> PsubenchError:
    return PsubenchError(
        f"{path}, line {number} is damaged: {problem}",
        "the file was changed after it was written; restore it or measure again",
        NOT_COMPARABLE,
    )


def _schema(header: Mapping[str, Any], path: Path, number: int) -> int:
    if header["type"] != "run":
        raise _damaged(path, number, f"a run begins with a record of type run, not {header['type']:.20}")
    schema = header.get("schema")
    if type(schema) is not int or schema not in (1, SCHEMA):
        raise PsubenchError(
            f"{path} has schema {schema!r:.40}, this psubench reads 1 and {SCHEMA}",
            "read it with the version that wrote it",
            NOT_COMPARABLE,
        )
    return schema


def _upgraded(value: dict[str, Any]) -> dict[str, Any]:
    """A record of schema 1 as one of schema 2: there, a dead worker left a `block` for any kind of run."""
    if value["type"] == "run":
        return {**value, "schema": SCHEMA}
    if value["type"] not in ("block", "energy") or "wall_ns" in value or "windows" in value:
        return value
    case = value.get("case")
    return without_results(case.get("kind") if isinstance(case, dict) else None, value)


def _disagreement(records: Sequence[Record]) -> tuple[int, str] | None:
    """The place of a record that does not match those before it, and why; None if all match."""
    kind: str | None = None
    maps: dict[str, Any] = {}
    for place, record in enumerate(records):
        if isinstance(record, Run) and record.cases:
            found = kind_of_case(record.cases[0].case)
            if kind not in (None, found):
                return place, f"cases are of kind {found} instead of {kind}"
            kind = found
        elif isinstance(record, Activity):
            # A figure has a column per channel and a row per neuron.
            for outcome in (one for one in record.cases if one.maps):
                shown = [(one.layer, one.channels) for one in outcome.maps or ()]
                if maps.setdefault(record.case.model, shown) != shown:
                    return place, f"maps of {outcome.key} are of other layers than those of earlier cases"
    return None
