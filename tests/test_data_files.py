"""Published files: read as written, compared with slow obvious frames; broken ones told in one line."""

import pickle

import numpy as np
import published
import pytest
import torch

from psubench.data import batches, count, currents, note, parse, shape
from psubench.data.aedat import read_aedat4
from psubench.errors import PsubenchError

ONE_LINE = r"^[^\n]*$"


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path))
    return tmp_path


def epoch(name, T=10, batch=4, seed=0, split="test"):
    parts = list(batches(parse(name), T=T, batch=batch, seed=seed, split=split))
    assert all(x.dtype == torch.float32 and labels.dtype == torch.int64 for x, labels in parts)
    x, labels = (torch.cat(p, dim=d).numpy() for p, d in zip(zip(*parts, strict=True), (1, 0), strict=True))
    assert x.shape[2:] == shape(parse(name), T)[0]
    return x, labels


def told(name, **how):
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        epoch(name, **how)
    return str(error.value)


@pytest.mark.parametrize("T", [1, 15, 100])
def test_shd_frames_count_the_spikes_of_900_ms(root, T):
    times, units, labels = published.heidelberg_set(root)["test"]
    x, got = epoch("shd", T=T)
    assert got.tolist() == labels.tolist()
    for sample in range(6):
        expected = np.zeros((T, 700))
        for t, u in zip(times[sample], units[sample], strict=True):
            for step in range(T):
                if step * 0.9 / T <= float(t) < (step + 1) * 0.9 / T:
                    expected[step, u] += 1
        assert expected.sum() < len(times[sample])  # some spikes come after 900 ms
        assert (x[:, sample] == expected).all()
    assert note(parse("shd"), T) == f"clipped or padded to 900 ms, spikes counted in {T} bins"


def test_ssc_has_three_splits_and_35_classes(root):
    written = published.heidelberg_set(root, "ssc", ("train", "valid", "test"), n=5, classes=35)
    assert [count(parse("ssc"), split) for split in written] == [5, 5, 5]
    assert shape(parse("ssc"), 15) == ((700,), 35)
    _, labels = epoch("ssc", split="valid", seed=3)
    assert labels.tolist() == written["valid"][2].tolist()  # file order, whatever the seed


@pytest.mark.parametrize("T", [1, 4, 10, 60])
def test_dvs_frames_hold_equally_many_events_of_the_upright_picture(root, T):
    published.dvs_set(root)
    x, labels = epoch("cifar10-dvs", T=T, split="train", batch=90)
    assert np.bincount(labels).tolist() == [9] * 10
    x, labels = epoch("cifar10-dvs", T=T)
    assert labels.tolist() == list(range(10))
    for label in range(10):
        events = published.random_events(37, seed=100 * label + 9)  # number 9, the last tenth
        expected = np.zeros((T, 2, 48, 48))
        for k, (row, column, on) in enumerate(events):
            step = min(k // (37 // T), T - 1) if T <= 37 else T - 1
            expected[step, on, int(row * 48 / 128), int(column * 48 / 128)] += 1
        assert (x[:, label] == expected).all()
    assert "48x48" in note(parse("cifar10-dvs"), T)


def test_recordings_are_split_by_their_number_not_by_their_spelling(root):
    for name in published.CLASSES:
        for number in (0, 1, 2, 10, 11, 3, 4, 5, 6, 7):
            path = root / "cifar10-dvs" / name / f"cifar10_{name}_{number}.aedat"
            published.aedat2(path, [(number, 0, 1)])
    x, _ = epoch("cifar10-dvs", T=1)
    assert x[0, :, 1, 11 * 48 // 128, 0].tolist() == [1] * 10


def test_aedat4_gives_the_same_frames_as_aedat2(root):
    pytest.importorskip("aedat")
    published.dvs_set(root)
    x, labels = epoch("cifar10-dvs")
    for path in root.rglob("*.aedat"):
        name, number = path.parent.name, int(path.stem.rpartition("_")[2])
        events = published.random_events(37, seed=100 * published.CLASSES.index(name) + number)
        published.aedat4(path.with_suffix(".aedat4"), [events[:20], events[20:]])
        path.unlink()
    from psubench.data import cifar10_dvs

    cifar10_dvs.files.cache_clear()
    again, same = epoch("cifar10-dvs")
    assert (x == again).all()
    assert (labels == same).all()


def test_aedat4_without_its_package_is_told(root, monkeypatch):
    published.aedat4(root / "one.aedat4", [[(1, 2, 1)]])
    monkeypatch.setitem(__import__("sys").modules, "aedat", None)
    with pytest.raises(PsubenchError, match=r'one.aedat4 is AEDAT4.*pip install "psubench\[aedat4\]"'):
        read_aedat4(root / "one.aedat4")


def test_cifar_repeats_the_normalised_image(root):
    pictures, labels = published.cifar_set(root)["test"]
    x, got = epoch("cifar10", T=3)
    assert got.tolist() == labels.tolist()
    mean, deviation = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]
    for sample in range(4):
        for channel in range(3):
            expected = (pictures[sample, channel] / 255 - mean[channel]) / deviation[channel]
            for step in range(3):
                assert np.allclose(x[step, sample, channel], expected, atol=1e-6)
    assert count(parse("cifar10"), "train") == 20
    assert note(parse("cifar10"), 3) == "normalised, the image repeated 3 times"


def test_sequential_cifar_gives_one_column_per_step(root):
    published.cifar_set(root)
    whole, labels = epoch("cifar10", T=1)
    x, same = epoch("seqcifar10", T=32)
    assert labels.tolist() == same.tolist()
    for step in range(32):
        assert np.allclose(x[step], whole[0, :, :, :, step], atol=1e-6)
    halves, _ = epoch("seqcifar10", T=16)
    assert np.allclose(halves, (x[0::2] + x[1::2]) / 2, atol=1e-5)
    assert note(parse("seqcifar10"), 32) == "normalised"
    assert "32 columns resampled to 16" in note(parse("seqcifar10"), 16)


def test_cifar100_takes_the_fine_labels(root):
    draw = np.random.default_rng(0)
    for name in ("train", "test"):
        pictures = draw.integers(0, 256, (5, 3072), np.uint8)
        path = root / "cifar100" / "cifar-100-python" / name
        published.cifar_pickle(path, pictures, [99, 0, 1, 2, 3], label_key=b"fine_labels")
    assert epoch("cifar100")[1].tolist() == [99, 0, 1, 2, 3]
    assert shape(parse("seqcifar100"), 32) == ((3, 32), 100)


def test_the_full_fashion_mnist_is_the_users_copy(root):
    written = published.fashion_set(root)
    for name in ("fashion-mnist(full=true)", "fashion-mnist-events(full=true)"):
        assert count(parse(name), "train") == 12
    x, labels = epoch("fashion-mnist(full=true)", T=28)
    assert labels.tolist() == written["test"][1].tolist()
    assert np.allclose(x.transpose(1, 0, 2), written["test"][0] / 255, atol=1e-7)


def test_one_layer_takes_every_set(root):
    published.heidelberg_set(root)
    published.dvs_set(root)
    published.cifar_set(root)
    published.fashion_set(root)
    for name in ("shd", "cifar10-dvs", "cifar10", "seqcifar10", "fashion-mnist(full=true)"):
        x, what = currents(name, T=4, batch=3, size=5, seed=1)
        assert x.shape == (4, 3, 5)
        assert x.square().mean().sqrt().item() == pytest.approx(1.5, rel=0.8)
        assert what is None or what.startswith(note(parse(name), 4))
        assert torch.equal(currents(name, T=4, batch=3, size=5, seed=1)[0], x)


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
    import h5py

    with h5py.File(path, "w") as file:
        file["lables"] = [1]
    assert "has /lables; expected" in told("shd")
    published.heidelberg(path, [[0.1]], [[3]], [20])
    assert "has labels to 20; expected classes 0 to 19" in told("shd")
    published.heidelberg(path, [[0.1]], [[700]], [2])
    assert "sample 0 has channels to 700" in told("shd")
    published.heidelberg(path, [[0.1, 0.2]], [[7]], [2])
    assert "sample 0 has 2 times for 1 channels" in told("shd")
    published.heidelberg(path, [[np.nan]], [[7]], [2])
    assert "times below 0 or NaN" in told("shd")
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
    from psubench.data import cifar10_dvs

    cifar10_dvs.files.cache_clear()
    assert "airplane: holds recordings twice" in told("cifar10-dvs")


def test_broken_aedat4_is_told_in_one_line(root):
    pytest.importorskip("aedat")
    path = root / "one.aedat4"
    published.aedat4(path, [[(1, 2, 1)], [(3, 4, 0)]])
    whole = path.read_bytes()
    assert [part.tolist() for part in read_aedat4(path)] == [[1, 3], [2, 4], [1, 0]]
    for content in (b"", b"no event file", whole[:60], whole[:-5]):
        path.write_bytes(content)
        with pytest.raises(PsubenchError, match=ONE_LINE) as error:
            read_aedat4(path)
        assert str(path) in str(error.value)
        assert "expected an AEDAT4 file with events of 128x128 pixels" in str(error.value)
    published.aedat4(path, [[(1, 128, 1)]])
    with pytest.raises(PsubenchError, match=r"has events at \(128, 1\)"):
        read_aedat4(path)
    published.aedat4(path, [[]])
    with pytest.raises(PsubenchError, match="has no events"):
        read_aedat4(path)


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
        (b"", "EOFError"),
        (b"GIF89a", "UnpicklingError"),
        (whole[: len(whole) // 2], "UnpicklingError: pickle data was truncated"),
        (whole.replace(b"U\x06labels", b"U\x06lebels"), "b'lebels'"),
        (whole.replace(b"U\x02u1", b"U\x02O8"), "holds an array of type b'O8'"),
        (pickle.dumps([1, 2], protocol=2), "holds list"),
        (objects, "_codecs.encode"),
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
    import gzip

    published.fashion_set(root)
    path = root / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    plain = gzip.decompress(whole)
    for content, says in (
        (b"", "is empty"),
        (plain, "BadGzipFile"),
        (whole[: len(whole) // 2], "EOFError"),
        (gzip.compress(b"\0\0\x0d" + plain[3:]), "does not begin as an idx file"),
        (gzip.compress(plain[:-1]), f"holds {12 * 784 - 1} values for sizes [12, 28, 28]"),
        (gzip.compress(plain[:5]), "ends after 5 bytes"),
    ):
        path.write_bytes(content)
        message = told("fashion-mnist(full=true)")
        assert f"{path}: " in message
        assert says in message
    published.idx(path, np.zeros((11, 28, 28)))
    assert "[11, 28, 28] for 12 labels" in told("fashion-mnist(full=true)")
