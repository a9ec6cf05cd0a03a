"""Event files AEDAT4 (docs.inivation.com, file formats), read without trusting a number in them.

After a line come a flatbuffer with the kind of compression and the place of the table of packets, which
ends them; then packets, each with its stream and its length, whose content is a flatbuffer again. Every
offset is checked against the bytes that are there, and nothing is unpacked beyond `LARGEST`: the package
`aedat` ends the process over a wrong length.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import cache
from psubench.data.aedat import SENSOR, Events
from psubench.errors import PsubenchError

MAGIC = b"#!AER-DAT4.0\r\n"
LARGEST = 2**30
"""Bytes of all packets of a file, unpacked; 64 million events."""
_EXPECTED = f"an AEDAT4 file with events of {SENSOR}x{SENSOR} pixels"
_EVENT = np.dtype(
    {"names": ["x", "y", "on"], "formats": ["<i2", "<i2", "u1"], "offsets": [8, 10, 12], "itemsize": 16}
)
"""Of the 16 bytes of an event; the first 8 are its time."""

Unpack = Callable[[bytes, int], bytes]
"""The content of a packet, and the bytes that it may become at most."""


class _WrongError(ValueError):
    """The bytes contradict the format."""


def read(path: Path) -> Events:
    """Events of an AEDAT4 file, rows and columns as in the file.

    Raises:
        PsubenchError: the file is broken, or packed in a way that needs a package that is not installed.
    """
    content = path.read_bytes()
    try:
        packets = list(_packets(path, content))
    except PsubenchError:
        raise
    except Exception as error:  # of struct and of what unpacks, of many types
        what = str(error) if isinstance(error, _WrongError) else plugins.one_line(error)
        raise cache.broken(path, what, _EXPECTED) from None
    if not any(map(len, packets)):
        raise cache.broken(path, "has no events", _EXPECTED)
    events = np.concatenate(packets)
    row, column = events["y"].astype(np.int64), events["x"].astype(np.int64)
    if min(row.min(), column.min()) < 0 or max(row.max(), column.max()) >= SENSOR:
        raise cache.broken(path, f"has events at ({column.max()}, {row.max()})", _EXPECTED)
    return Events(row, column, (events["on"] != 0).astype(np.int64))


def _packets(path: Path, content: bytes) -> Iterator[NDArray[np.void]]:
    """The events of each packet that has some, [N] of `_EVENT`."""
    if not content.startswith(MAGIC):
        raise _WrongError("does not begin with #!AER-DAT4.0" if content else "is empty")
    head = _buffer(content[len(MAGIC) :])
    compression, table = _field(head, 0, "<i", 0), _field(head, 1, "<q", -1)
    unpack = _unpack(path, compression)
    at = len(MAGIC) + 4 + len(head)
    end = len(content) if table < 0 else table
    if not at <= end <= len(content):
        raise _WrongError(f"has its table of packets at {table} of {len(content)} bytes")
    left = LARGEST
    while at < end:
        if at + 8 > end:
            raise _WrongError("ends within the header of a packet")
        (length,) = struct.unpack_from("<I", content, at + 4)
        at += 8
        if at + length > end:
            raise _WrongError(f"ends within a packet of {length} bytes")
        packet = _buffer(unpack(content[at : at + length], left))
        at, left = at + length, left - len(packet)
        if packet[4:8] == b"EVTS":
            yield _events(packet)


def _unpack(path: Path, compression: int) -> Unpack:
    """What undoes the compression of a file."""
    if compression == 0:
        return lambda content, _: content
    if compression not in (1, 2, 3, 4):
        raise _WrongError(f"is packed by an unknown method, {compression}")
    try:
        if compression in (1, 2):
            import lz4.frame

            return lambda content, most: _bounded(lz4.frame.LZ4FrameDecompressor(), content, most)
        import zstandard
    except ModuleNotFoundError as error:
        raise PsubenchError(
            f"{path} is AEDAT4 that is packed, which needs the package {error.name}",
            'install it: pip install "psubench[aedat4]"',
        ) from None
    return lambda content, most: _whole(
        zstandard.ZstdDecompressor().stream_reader(content).read(most + 1), most
    )


def _bounded(decompressor: Any, content: bytes, most: int) -> bytes:
    """A packet of LZ4, which must end where it says."""
    unpacked: bytes = decompressor.decompress(content, most + 1)
    if not decompressor.eof and len(unpacked) <= most:
        raise _WrongError("has a packet that is cut off")
    return _whole(unpacked, most)


def _whole(unpacked: bytes, most: int) -> bytes:
    if len(unpacked) > most:
        raise _WrongError(f"unpacks to more than {LARGEST:,} bytes")
    return unpacked


def _buffer(content: bytes) -> bytes:
    """A flatbuffer preceded by its length."""
    (length,) = struct.unpack_from("<I", content)
    if not 8 <= length <= len(content) - 4:
        raise _WrongError(f"holds a buffer of {length} bytes in {max(len(content) - 4, 0)}")
    return content[4 : 4 + length]


def _place(buffer: bytes, number: int) -> int | None:
    """Where a field of the outermost table begins; None if it is absent, so that its default holds."""
    table = _inside(buffer, *struct.unpack_from("<I", buffer))
    fields = _inside(buffer, table - struct.unpack_from("<i", buffer, table)[0])
    (size,) = struct.unpack_from("<H", buffer, fields)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", buffer, fields + 4 + 2 * number)
    return table + offset if offset else None


def _inside(buffer: bytes, place: int) -> int:
    if not 0 <= place <= len(buffer) - 4:
        raise _WrongError(f"points to byte {place} of {len(buffer)}")
    return place


def _field(buffer: bytes, number: int, kind: str, default: int) -> int:
    place = _place(buffer, number)
    if place is None:
        return default
    value: int = struct.unpack_from(kind, buffer, place)[0]
    return value


def _events(buffer: bytes) -> NDArray[np.void]:
    place = _place(buffer, 0)
    if place is None:
        return np.zeros(0, _EVENT)
    begin = _inside(buffer, place + struct.unpack_from("<I", buffer, place)[0])
    (count,) = struct.unpack_from("<I", buffer, begin)
    if count * _EVENT.itemsize > len(buffer) - begin - 4:
        raise _WrongError(f"has a packet of {count} events in {len(buffer)} bytes")
    return np.frombuffer(buffer, _EVENT, count, begin + 4)
