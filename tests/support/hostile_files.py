"""Files as an attacker or a bad disk leaves them: torn, flipped, linked, encrypted, of huge sizes."""

import os
import pickle
import struct

import h5py
import numpy as np
from support import published

MANY = 151
"""So many files of every kind."""


class Payload:
    """Makes the folder `owned` in the current one when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("owned",)


def mutations(whole, draw, number):
    """`number` damaged copies of a file: cut off, bits flipped, zeroed, repeated, of largest lengths."""
    yield b""
    yield draw.bytes(len(whole))
    for k in range(number - 2):
        content = bytearray(whole)
        at = int(draw.integers(len(content)))
        match k % 6:
            case 0:
                del content[at:]
            case 1:
                for place in draw.integers(len(content) * 8, size=1 + k % 9):
                    content[place // 8] ^= 1 << int(place % 8)
            case 2:
                content[at : at + 16] = bytes(16)
            case 3:
                content[at:at] = content[at : at + 64]
            case 4:
                content[at : at + 4] = draw.choice([b"\xff\xff\xff\x7f", b"\xff" * 4, b"\0\0\0\x80"])
            case 5:  # near the beginning, where the headers are
                content[at % min(len(content), 256)] = int(draw.integers(256))
        yield bytes(content)


def many(whole, crafted, seed=0):
    """The crafted files, then mutations of the whole one, `MANY` together."""
    made = list(crafted)
    return [*made, *mutations(whole, np.random.default_rng(seed), MANY - len(made))]


def hdf5(path, victim):
    """Contents of HDF5 files in SHD's layout; those of `LINKED` lead to `victim`, or to another place."""
    times, units = [[0.1, 0.2], [0.3]], [[1, 2], [3]]
    published.heidelberg(path, times, units, [0, 1])
    whole = path.read_bytes()
    published.heidelberg(victim, times, units, [0, 1])
    crafted = []
    for change in HDF5_CHANGES:
        path.write_bytes(whole)
        with h5py.File(path, "r+") as file:
            change(file, victim)
        crafted.append(path.read_bytes())
    return many(whole, crafted)


def _instead(name, make):
    def change(file, victim):
        del file[name]
        make(file, name, victim)

    return change


def _external_storage(file, name, victim):
    file.create_dataset(name, (2,), np.uint16, external=[(str(victim), 0, 4)])


def _virtual(file, name, victim):
    layout = h5py.VirtualLayout((2,), np.uint16)
    layout[:] = h5py.VirtualSource(str(victim), "labels", (2,))
    file.create_virtual_dataset(name, layout)


def _unknown_filter(file, name, victim):
    space, plist = h5py.h5s.create_simple((2,)), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((2,))
    plist.set_filter(40_000, h5py.h5z.FLAG_OPTIONAL, (1, 2))
    kept = h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_UINT16, space, plist)
    kept.write_direct_chunk((0,), b"\1\0\2\0")


def _of_shape(shape, dtype=np.uint16, **how):
    return lambda file, name, victim: file.create_dataset(name, shape, dtype, **how)


def _of(values):
    def make(file, name, victim):
        file[name] = values

    return make


def _lists(dtype, values):
    def make(file, name, victim):
        kept = file.create_dataset(name, (2,), h5py.vlen_dtype(dtype))
        for number, one in enumerate(values):
            kept[number] = np.asarray(one, dtype)

    return make


def _all_of_shape(*shape):
    def change(file, victim):
        for name in LISTS:
            del file[name]
            file.create_dataset(name, shape[: 1 if name == "labels" else None], np.uint16, chunks=True)

    return change


def _replaced_group(target):
    def change(file, victim):
        del file["spikes"]
        file["spikes"] = target(victim)

    return change


LISTS = ("labels", "spikes/times", "spikes/units")
HDF5_CHANGES = [
    *(
        _instead(name, make)
        for name in LISTS
        for make in (
            lambda file, name, victim: file.__setitem__(name, h5py.ExternalLink(str(victim), name)),
            lambda file, name, victim: file.__setitem__(name, h5py.SoftLink("/extra/speaker")),
            lambda file, name, victim: file.__setitem__(name, h5py.SoftLink("/nowhere")),
            lambda file, name, victim: file.__setitem__(name, h5py.SoftLink(f"/{name}")),
            lambda file, name, victim: file.__setitem__(name, file["extra"]),
            _external_storage, _virtual, _unknown_filter,
            _of_shape((2**62,), chunks=(2**16,)), _of_shape((2**33,), chunks=(2**16,)),
            _of_shape((2, 2**40), chunks=(1, 2**16)), _of_shape((2**40, 2), chunks=(2**16, 2)),
            _of_shape(()), _of_shape((2, 2, 2)), _of_shape((0,)), _of_shape(None),
            _of("text"), _of(np.array([1.5, np.nan])), _of(np.array([np.inf, 1])), _of(np.array([-1, 2])),
            _of(np.array([1j, 2])), _of(np.array([True, False])), _of([b"a", b"b"]),
            _of(np.array([(1, 2.0), (3, 4.0)], [("a", "i4"), ("b", "f8")])),
            _of_shape((2,), h5py.string_dtype()), _of_shape((2,), h5py.ref_dtype),
            _lists(np.float64, [[0.5, 700.5], [3]]), _lists(np.float64, [[np.nan, 1], [np.inf]]),
            _lists(np.int64, [[2**62, -5], [-1]]), _lists(np.int64, [[], []]),
        )
    ),
    _replaced_group(lambda victim: h5py.ExternalLink(str(victim), "/spikes")),
    _replaced_group(lambda victim: h5py.ExternalLink(str(victim), "/")),
    _replaced_group(lambda victim: h5py.SoftLink("/extra")),
    _replaced_group(lambda victim: h5py.SoftLink("/")),
    _all_of_shape(2**40, 2**20), _all_of_shape(2**33, 1), _all_of_shape(1, 2**44), _all_of_shape(2, 2**33),
]  # fmt: skip


def aedat2():
    """Contents of AEDAT 2 files."""
    whole = published.AEDAT2_HEADER + np.arange(1, 33, dtype=">u4").tobytes()
    return many(
        whole, [b"#!AER-DAT2.0", b"#!AER-DAT2.0\n" + b"#" * 1000, b"#!AER-DAT3.1\r\n", b"#!AER-DAT4.0\r\n"]
    )


def aedat4(path):
    """Contents of AEDAT4 files."""
    published.aedat4(path, [published.random_events(20), published.random_events(20, seed=1)])
    whole = path.read_bytes()
    begin = 18 + struct.unpack("<I", whole[14:18])[0]
    lengths = [
        whole[: begin + 4] + struct.pack("<I", length) + whole[begin + 8 :]
        for length in (0, 1, 7, 8, 2**31 - 1, 2**31, 2**32 - 1)
    ]
    inside = [
        whole[: begin + at] + struct.pack("<I", value) + whole[begin + at + 4 :]
        for at in range(8, 48, 4)
        for value in (0, 2**20, 2**31 - 1, 2**32 - 1)
    ]
    head = [
        whole[:at] + struct.pack("<I", value) + whole[at + 4 :]
        for at in (14, 18, 22, 26, 30, 34)
        for value in (0, 2**31 - 1, 2**32 - 1)
    ]
    return many(whole, [b"#!AER-DAT4.0\r\n", b"#!AER-DAT4.0\r\n" + bytes(200), *lengths, *inside, *head])


def idx():
    """Contents of gzip idx files."""
    import gzip

    def packed(sizes, values=bytes(784)):
        return gzip.compress(bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + values)

    crafted = [
        packed(s) for s in ((), (2**32 - 1,) * 3, (2**32 - 1, 2**32 - 1), (2**31, 2**31, 4), (2**16,) * 4)
    ]
    crafted += [
        packed((0, 28, 28)),
        packed((1, 784)),
        packed((1, 28, 28), bytes(2**26)),
        packed((2**31,), b""),
    ]
    crafted += [packed((2**16, 2**16, 2**16, 2**16), b""), packed((1,) * 255), packed((1, 28, 28)) + b"more"]
    return many(packed((1, 28, 28)), crafted)


def pickles():
    """Contents of pickles where CIFAR's belong."""
    data = np.zeros((2, 3072), np.uint8)

    def packed(*pairs, protocol=4):
        return pickle.dumps(dict([("data", data), ("labels", [1, 2]), *pairs]), protocol)

    crafted = [packed(("data", value)) for value in (
        Payload(), [1], None, data.astype(float), data.astype(object), data.astype("U1"), data[0],
        data.tolist(), np.zeros((2, 3072), [("a", "u1")]), np.zeros((), np.uint8), np.ma.masked_array(data),
        range(2), b"ab", {1}, data.astype("datetime64[s]"), np.zeros((2, 3073), np.uint8),
    )]  # fmt: skip
    crafted += [packed(("labels", value)) for value in (
        Payload(), None, 5, [1, "a"], [1, [2]], [1, None], [1, 2.5], [1, Payload()], {1: 2}, [1, -1],
        [1, 2**70], np.array([1.0, 2]), np.array([1, 10]), np.array([[1], [2]]), np.array([Payload(), 1]),
        [1], [], "ab", np.array([1, 2], "M8[s]"), [[1, 2], [1, 2]],
    )]  # fmt: skip
    crafted += [packed(("more", Payload()), protocol=protocol) for protocol in range(6)]
    crafted += [packed((Payload, 1)), pickle.dumps(Payload()), pickle.dumps([data]), pickle.dumps(data)]
    crafted += [
        b"cos\nsystem\n(S'mkdir owned'\ntR.", b"cbuiltins\neval\n(S'1'\ntR.", b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\ntR.",
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.",
        b"\x80\x04]r\xff\xff\xff\x7f.", b"\x80\x05\x96" + b"\xff" * 7 + b"\x0f.",
        b"\x80\x04B\xff\xff\xff\x7f.", b"\x80\x04})" + b"\x85" * 300_000 + b"K\1s.",
        b"(" * 100_000 + b"l" * 100_000 + b".", b"\x80\x04" + b"]" * 50_000 + b"a" * 49_999 + b".",
        b"\x80\x02c__builtin__\nbytes\nK\x64\x85R.", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        b"\x80\x05\x97.", b"\x80\x02\x82\x01.", b"\x80\x02P1\n.", b"\x80\x04N.",
        b"\x8a\xff" + b"\x7f" * 255 + b".",
    ]  # fmt: skip
    return many(packed(), crafted)
