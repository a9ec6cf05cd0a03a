"""Writes files in the layouts in which data sets are published, without the code that reads them."""

import gzip
import struct

import h5py
import numpy as np

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def heidelberg(path, times, units, labels, kind=np.float16):
    """SHD or SSC: lists of any length, as its authors wrote them with PyTables; times of any type."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        spikes = file.create_group("spikes")
        kinds = {"times": kind, "units": np.uint16}
        for name, lists in (("times", times), ("units", units)):
            kept = spikes.create_dataset(name, (len(lists),), dtype=h5py.vlen_dtype(kinds[name]))
            for i, one in enumerate(lists):
                kept[i] = np.asarray(one, kinds[name])
        file["labels"] = np.asarray(labels, np.uint16)
        extra = file.create_group("extra")
        extra["speaker"] = np.zeros(len(labels), np.uint16)
        extra["keys"] = np.array([b"zero", b"one"])
        extra.create_group("meta_info")["gender"] = np.array([b"male"])


def heidelberg_set(root, name="shd", splits=("train", "test"), n=6, classes=20, seed=0):
    """Both files of a small SHD; gives times, units and labels per split."""
    draw = np.random.default_rng(seed)
    written = {}
    for split in splits:
        sizes = draw.integers(50, 120, n)
        times = [np.sort(draw.random(size) * 1.2).astype(np.float16) for size in sizes]
        units = [draw.integers(0, 700, size) for size in sizes]
        labels = draw.integers(0, classes, n)
        heidelberg(root / name / f"{name}_{split}.h5", times, units, labels)
        written[split] = (times, units, labels)
    return written


AEDAT2_HEADER = (
    b"#!AER-DAT2.0\r\n"
    b"# This is a raw AE data file - do not edit\r\n"
    b"# Data format is int32 address, int32 timestamp (8 bytes total), repeated for each event\r\n"
    b"# Timestamps tick is 1 us\r\n"
    b"# created Mon Nov 02 10:35:12 CST 2015\r\n"
)


def aedat2(path, events):
    """Events (row, column, on) of the upright picture, as the DVS128 on its side wrote them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = [
        struct.pack(">II", (127 - column) << 8 | (127 - row) << 1 | (1 - on), 1000 + 7 * k)
        for k, (row, column, on) in enumerate(events)
    ]
    path.write_bytes(AEDAT2_HEADER + b"".join(words))


def aedat4(path, packets, compression=0, pack=lambda content: content):
    """Packets of events (row, column, on): two size-prefixed flatbuffers by hand.

    `compression` is the number of what `pack` does to each packet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    xml = (
        b'<dv version="2.0"><node name="outInfo"><node name="0">'
        b'<attr key="typeIdentifier" type="string">EVTS</attr><node name="info">'
        b'<attr key="sizeX" type="int">128</attr><attr key="sizeY" type="int">128</attr>'
        b"</node></node></node></dv>"
    )
    text = struct.pack("<I", len(xml)) + xml + b"\0" * (4 - len(xml) % 4)
    # root offset, name, table of fields (the second is not there), the object: compression, its string
    header = struct.pack("<I4s", 20, b"IOHE") + struct.pack("<5H2x", 10, 12, 8, 0, 4)
    header += struct.pack("<iIi", 12, 8, compression) + text
    content = b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header
    time = 0
    for events in packets:
        body = struct.pack("<I4s", 16, b"EVTS") + struct.pack("<3H2x", 6, 8, 4) + struct.pack("<iI", 8, 4)
        body += struct.pack("<I", len(events))
        for row, column, on in events:
            time += 7
            body += struct.pack("<qhh?3x", time, column, row, bool(on))
        payload = pack(struct.pack("<I", len(body)) + body)
        content += struct.pack("<II", 0, len(payload)) + payload
    path.write_bytes(content)


def random_events(n, seed=0):
    draw = np.random.default_rng(seed)
    return [tuple(event) for event in draw.integers(0, [128, 128, 2], (n, 3)).tolist()]


def dvs_set(root, each=10, events=37):
    """Folders of all classes with `each` recordings, whose events are drawn from class and number."""
    for label, name in enumerate(CLASSES):
        for number in range(each):
            path = root / "cifar10-dvs" / name / f"cifar10_{name}_{number}.aedat"
            aedat2(path, random_events(events, seed=100 * label + number))


def _string(text):
    return b"U" + bytes([len(text)]) + text if len(text) < 256 else b"T" + struct.pack("<i", len(text)) + text


def cifar_pickle(path, pictures, labels, label_key=b"labels"):
    """A dictionary as Python 2 pickled it with protocol 2: pictures [N, 3072] of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    n = len(labels)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09"
        + b"(K\x01J" + struct.pack("<i", n) + b"M\x00\x0c\x86"
        + b"cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNN"
        + (b"J" + b"\xff" * 4) * 2 + b"K\x00tb"
        + b"\x89T" + struct.pack("<i", n * 3072) + pictures.tobytes() + b"tb"
    )  # fmt: skip
    content = b"\x80\x02}q\x01("
    content += _string(b"batch_label") + b"q\x02" + _string(b"training batch 1 of 5") + b"q\x03"
    content += _string(label_key) + b"q\x04]q\x05(" + b"".join(b"K" + bytes([int(v)]) for v in labels) + b"e"
    content += _string(b"data") + b"q\x06" + array
    content += (
        _string(b"filenames") + b"]q\x0c(" + b"".join(_string(b"leptodactylus_s_000004.png") for _ in labels)
    )
    path.write_bytes(content + b"eu.")


def cifar_set(root, n=4, seed=0):
    """CIFAR-10 with n images per file; gives images [N, 3, 32, 32] and labels per split."""
    draw = np.random.default_rng(seed)
    written = {"train": [], "test": []}
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        pictures, labels = draw.integers(0, 256, (n, 3072), np.uint8), draw.integers(0, 10, n)
        cifar_pickle(root / "cifar10" / "cifar-10-batches-py" / name, pictures, labels)
        written["test" if name == "test_batch" else "train"].append((pictures.reshape(n, 3, 32, 32), labels))
    return {
        split: [np.concatenate(parts) for parts in zip(*read, strict=True)] for split, read in written.items()
    }


def idx(path, values):
    """A gzip idx file of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))


def fashion_set(root, n=12, seed=0):
    """All four files of a small Fashion-MNIST; gives images and labels per split."""
    draw = np.random.default_rng(seed)
    written = {}
    for split, part in (("train", "train"), ("test", "t10k")):
        pictures, labels = draw.integers(0, 256, (n, 28, 28), np.uint8), draw.integers(0, 10, n)
        idx(root / "fashion-mnist" / f"{part}-images-idx3-ubyte.gz", pictures)
        idx(root / "fashion-mnist" / f"{part}-labels-idx1-ubyte.gz", labels)
        written[split] = (pictures, labels)
    return written
