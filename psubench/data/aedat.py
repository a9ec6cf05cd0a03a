"""Event files of the 128x128 camera DVS128, AEDAT 2."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from psubench.data.cache import broken

SENSOR = 128
MAGIC = b"#!AER-DAT2."


class Events(NamedTuple):
    """A stream of events in the order of their time, all [N].

    Attributes:
        row: from the top of the upright picture, 0..127.
        column: from its left.
        on: 1 where it became brighter, 0 where darker.
    """

    row: NDArray[np.integer]
    column: NDArray[np.integer]
    on: NDArray[np.integer]


def read_aedat2(path: Path) -> Events:
    """Events of an AEDAT 2 file: header lines that begin with #, then pairs of big-endian uint32.

    A pair is an address and a time in microseconds. Bit 0 of the address is 0 for ON, bits 1-7 count the
    columns of the chip and bits 8-14 its rows, both from the far end; the camera lay on its side, so
    that rows and columns of the picture are swapped. SpikingJelly reads the files in the same way.
    """
    expected = "an AEDAT 2 file of a DVS128"
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise broken(path, "does not begin with #!AER-DAT2.0" if content else "is empty", expected)
    begin = 0
    while content[begin : begin + 1] == b"#":
        begin = content.find(b"\n", begin) + 1 or len(content)
    if (len(content) - begin) % 8:
        raise broken(path, f"ends within an event ({len(content)} bytes)", expected)
    address = np.frombuffer(content, ">u4", offset=begin)[::2].astype(np.uint32)
    if len(address) == 0:
        raise broken(path, "has no events", expected)
    if (address > 0x7FFF).any():
        raise broken(path, f"has address {address.max():#x}", f"{expected}, addresses to 0x7fff")
    return Events(127 - (address >> 1 & 0x7F), 127 - (address >> 8 & 0x7F), 1 - (address & 1))
