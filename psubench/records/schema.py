"""JSON Schemas, generated from the structs, for every record."""

from __future__ import annotations

from typing import Any

import msgspec

from psubench.records.structs import RECORDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def of(name: str, struct: Any) -> dict[str, Any]:
    """The schema of what a struct, or a list of structs, holds."""
    return {"$schema": DRAFT, "$id": f"urn:psubench:{name}", **msgspec.json.schema(struct)}


def record(kind: str) -> dict[str, Any]:
    """The schema of a line of `run.jsonl`, which has a checksum in addition to the fields of its struct."""
    made = of(f"record-{kind}", RECORDS[kind])
    fields = made["$defs"][RECORDS[kind].__name__]["properties"]
    fields["crc32"] = {"type": "string", "pattern": "^[0-9a-f]{8}$"}
    return made
