"""Missing, broken and foreign files: one line each with the file's name and what was expected."""

import gzip
import pickle

import h5py
import numpy as np
import pytest
from support import published

from psubench.data import aedat4, batches, cifar10_dvs, parse
from psubench.errors import PsubenchError

ONE_LINE = r"^[^\n]*$"


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path))
    return tmp_path


def told(name):
    """What the user reads who wants the test split."""
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        list(batches(parse(name), T=10, batch=4, seed=0, split="test"))
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shd", "shd/shd_train.h5 and 1 more; psubench data get shd, put it there yourself, or set PSUBENCH"),
        ("seqcifar10", "cifar10/cifar-10-batches-py/data_batch_1 and 5 more; psubench data get cifar10"),
        ("cifar10-dvs", "cifar10-dvs/airplane and 9 more; unpack the ten archives of doi.org/10.6084"),
        (
            "fashion-mnist(full=true)",
            "train-images-idx3-ubyte.gz and 3 more; psubench data get fashion-mnist",
        ),
    ],
)
def test_missing_files_say_which_goes_where(name, says):
    assert says in told(name)


def test_broken_hdf5_is_told_in_one_line(root):
    published.heidelberg_set(root, n=40)
    path = root / "shd" / "shd_test.h5"
    whole = path.read_bytes()
    expected = "expected the published HDF5 with /labels, /spikes/times and /spikes/units"
    for content in (b"", b"PK\x03\x04 something else", whole[: len(whole) // 2]):
        path.write_bytes(content)
        message = told("shd")
        assert str(path) in message
        assert expected in message
    with h5py.File(path, "w") as file:
        file["lables"] = [1]
    assert "has /lables, but no list /labels; expected" in told("shd")
    published.heidelberg(path, [[0.1]], [[3]], [20])
    assert "has labels from 20 to 20; expected classes 0 to 19" in told("shd")
    published.heidelberg(path, [[0.1]], [[700]], [2])
    assert "sample 0 has channels from 700 to 700" in told("shd")
    published.heidelberg(path, [[0.1, 0.2]], [[7]], [2])
    assert "sample 0 has 2 times for 1 channels" in told("shd")
    published.heidelberg(path, [[np.nan]], [[7]], [2])
    assert "times below 0, NaN or infinite" in told("shd")
    published.heidelberg(path, [[0.1]], [[7]], [2, 3])
    assert "lists of unequal length" in told("shd")


def test_broken_aedat_is_told_in_one_line(root):
    published.dvs_set(root)
    path = root / "cifar10-dvs" / "airplane" / "cifar10_airplane_9.aedat"
    whole = path.read_bytes()
    for content, says in (
        (b"", "is empty"),
        (b"\x89PNG\r\n", "does not begin with #!AER-DAT2.0"),
        (whole[:-3], "ends within an event"),
        (published.AEDAT2_HEADER, "has no events"),
        (published.AEDAT2_HEADER[:30], "has no events"),
        (whole + b"\x00\x40\x00\x00\x00\x00\x00\x01", "has address 0x400000"),
    ):
        path.write_bytes(content)
        message = told("cifar10-dvs")
        assert f"{path}: " in message
        assert says in message
        assert "expected an AEDAT 2 file of a DVS128" in message
    (path.parent / "again.aedat4").write_bytes(b"")
    cifar10_dvs.files.cache_clear()
    assert "airplane: holds two formats of recordings" in told("cifar10-dvs")


def test_broken_aedat4_is_told_in_one_line(root):
    path = root / "one.aedat4"
    published.aedat4(path, [[(1, 2, 1)], [(3, 4, 0)]])
    whole = path.read_bytes()
    assert [part.tolist() for part in aedat4.read(path)] == [[1, 3], [2, 4], [1, 0]]
    for content in (b"", b"no event file", whole[:60], whole[:-5]):
        path.write_bytes(content)
        with pytest.raises(PsubenchError, match=ONE_LINE) as error:
            aedat4.read(path)
        assert str(path) in str(error.value)
        assert "expected an AEDAT4 file with events of 128x128 pixels" in str(error.value)
    published.aedat4(path, [[(1, 128, 1)]])
    with pytest.raises(PsubenchError, match=r"has events at \(128, 1\)"):
        aedat4.read(path)
    published.aedat4(path, [[]])
    with pytest.raises(PsubenchError, match="has no events"):
        aedat4.read(path)


class Payload:
    """What an attacker would put into a pickle."""

    def __reduce__(self):
        return exec, ("import pathlib; pathlib.Path('owned').touch()",)


def test_a_pickle_with_a_payload_is_refused(root, monkeypatch):
    monkeypatch.chdir(root)
    published.cifar_set(root)
    path = root / "cifar10" / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(pickle.dumps({"data": Payload(), "labels": [1]}, protocol=2))
    message = told("cifar10")
    assert f"{path}: " in message
    assert "__builtin__.exec, which no CIFAR file needs: do not trust it" in message
    assert not (root / "owned").exists()
    for asked in (
        b"cos\nsystem\n(S'true'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\ntR.",
    ):
        path.write_bytes(asked)
        assert f"{path}: " in told("cifar10")


def test_broken_pickles_are_told_in_one_line(root):
    published.cifar_set(root)
    path = root / "cifar10" / "cifar-10-batches-py" / "test_batch"
    whole = path.read_bytes()
    objects = pickle.dumps({b"data": [1], b"labels": [1]}, protocol=0)
    for content, says in (
        (b"", "pickle exhausted before seeing STOP"),
        (b"GIF89a", "ValueError"),
        (whole[: len(whole) // 2], "ValueError: expected"),
        (whole.replace(b"U\x06labels", b"U\x06lebels"), "'lebels'"),
        (whole.replace(b"U\x02u1", b"U\x02O8"), "holds an array of type b'O8'"),
        (pickle.dumps([1, 2], protocol=2), "holds list"),
        (objects, "holds data of list for 1 labels"),
    ):
        path.write_bytes(content)
        message = told("cifar10")
        assert f"{path}: " in message
        assert says in message
    published.cifar_pickle(path, np.zeros((2, 3072), np.uint8), [3, 10])
    assert "expected classes 0 to 9" in told("cifar10")
    published.cifar_pickle(path, np.zeros((0, 3072), np.uint8), [])
    assert f"{path}: holds" in told("cifar10")


def test_broken_idx_files_are_told_in_one_line(root):
    published.fashion_set(root)
    path = root / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    plain = gzip.decompress(whole)
    for content, says in (
        (b"", "is empty"),
        (plain, "BadGzipFile"),
        (whole[: len(whole) // 2], "EOFError"),
        (gzip.compress(b"\0\0\x0d" + plain[3:]), "does not begin as an idx file"),
        (gzip.compress(plain[:-1]), f"contains {12 * 784 - 1} values for sizes [12, 28, 28]"),
        (gzip.compress(plain[:5]), "ends after 5 bytes"),
    ):
        path.write_bytes(content)
        message = told("fashion-mnist(full=true)")
        assert f"{path}: " in message
        assert says in message
    published.idx(path, np.zeros((11, 28, 28)))
    assert "[11, 28, 28] for 12 labels" in told("fashion-mnist(full=true)")
