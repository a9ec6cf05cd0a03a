"""`record-TYPE` and `rows-KIND`: JSON Schemas of every line of `run.jsonl`, and of rows that JSON holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from psubench.errors import PsubenchError, nearest
from psubench.experiments.registry import KINDS
from psubench.records import schema as records_schema
from psubench.records.structs import RECORDS
from psubench.render.export import fields


def names() -> list[str]:
    """All that there are."""
    return [*(f"record-{name}" for name in RECORDS), *(f"rows-{name}" for name in KINDS)]


def schema(name: str) -> dict[str, Any]:
    """The schema of a name.

    Raises:
        PsubenchError: there is no such name.
    """
    what, _, kind = name.partition("-")
    if name not in names():
        raise PsubenchError(f'schema "{name}" does not exist', nearest(name, names()))
    if what == "record":
        return records_schema.record(kind)
    row = _exported(KINDS[kind].row_type)
    return records_schema.of(name, list[row])  # type: ignore[valid-type]


def _exported(row: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The struct of what JSON holds of a row: no field is hidden, and none may be missing."""
    config, names = row.__struct_config__, fields(row)
    kept: Sequence[tuple[str, Any]] = [
        (one.name, one.type) for one in msgspec.structs.fields(row) if one.name in names
    ]
    return msgspec.defstruct(
        row.__name__, kept, namespace={"__doc__": row.__doc__}, kw_only=True, forbid_unknown_fields=True,
        tag_field=config.tag_field, tag=config.tag,
    )  # fmt: skip
