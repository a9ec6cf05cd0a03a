"""JSON Schemas, generated from the structs: for every record, and for the rows that are printed as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from psubench.errors import PsubenchError, nearest
from psubench.records.rows import ROWS
from psubench.records.structs import RECORDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def names() -> list[str]:
    """`record-TYPE` of every line of `run.jsonl`, `rows-KIND` of every kind of run."""
    return [*(f"record-{name}" for name in RECORDS), *(f"rows-{name}" for name in ROWS)]


def schema(name: str) -> dict[str, Any]:
    """The schema of a name.

    Raises:
        PsubenchError: there is no such name.
    """
    what, _, kind = name.partition("-")
    if name not in names():
        raise PsubenchError(f'schema "{name}" does not exist', nearest(name, names()))
    struct = RECORDS[kind] if what == "record" else ROWS[kind]
    made = msgspec.json.schema(struct if what == "record" else list[struct])  # type: ignore[valid-type]
    if what == "record":  # a line has its checksum in addition to its fields
        made["$defs"][struct.__name__]["properties"]["crc32"] = {"type": "string", "pattern": "^[0-9a-f]{8}$"}
    return {"$schema": DRAFT, "$id": f"urn:psubench:{name}", **made}
