#!/usr/bin/env python3
"""Makes psubench/data/fashion_mnist.npz from Debian's package dataset-fashion-mnist.

usage: scripts/make_fashion_mnist.py [DEB]    (without DEB, apt-get downloads it into a temporary folder;
                                               `apt-get update` must have been run on that machine)

The file holds
    images   uint8 [6000, 28, 28]   brightness, 0 is the background; rows from top to bottom
    labels   uint8 [6000]           the class, 0-9
    test     bool [6000]            100 images of each class, from the test set that the data set proposes
The other 500 of each class are from its training set. Both are drawn with a fixed seed and keep the order
of the data set. The same package gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

PACKAGE = "dataset-fashion-mnist"
FOLDER = "usr/share/datasets/fashion-mnist"
SHA256 = {  # of the unpacked files: Debian packs them anew
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
TARGET = Path(__file__).resolve().parent.parent / "psubench" / "data" / "fashion_mnist.npz"
SEED = 2402
TRAIN_PER_CLASS, TEST_PER_CLASS = 500, 100


def main(arguments: list[str]) -> None:
    """Writes the file and tells its size."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(arguments[0]) if arguments else download(Path(folder))
        subprocess.run(["dpkg-deb", "--extract", str(package), folder], check=True)
        files = {name: unpacked(Path(folder) / FOLDER / f"{name}.gz", package) for name in SHA256}
    draw = np.random.default_rng(SEED)
    train = chosen(files, "train", TRAIN_PER_CLASS, draw)
    test = chosen(files, "t10k", TEST_PER_CLASS, draw)
    images, labels = (np.concatenate(pair) for pair in zip(train, test, strict=True))
    write(TARGET, {"images": images, "labels": labels, "test": np.arange(len(labels)) >= len(train[1])})
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


def download(folder: Path) -> Path:
    """The package, fetched by apt-get."""
    subprocess.run(["apt-get", "download", "--quiet", PACKAGE], check=True, cwd=folder)
    return next(folder.glob("*.deb"))


def unpacked(path: Path, package: Path) -> bytes:
    """The content of an idx file, which must be the known one."""
    content = gzip.decompress(path.read_bytes())
    if (found := hashlib.sha256(content).hexdigest()) != SHA256[path.stem]:
        sys.exit(f"error: {path.stem} in {package} has SHA-256 {found}; take {PACKAGE} 0.0~git20200523")
    return content


def chosen(files: dict[str, bytes], part: str, per_class: int, draw: np.random.Generator) -> list[np.ndarray]:
    """Images and labels of `per_class` members of each class, in the order of the files.

    idx: a big-endian header of 16 bytes (images) or 8 (labels), then one byte per value.
    """
    images = np.frombuffer(files[f"{part}-images-idx3-ubyte"], np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(files[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8)
    drawn = [draw.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in range(10)]
    index = np.sort(np.concatenate(drawn))
    return [images[index], labels[index]]


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
