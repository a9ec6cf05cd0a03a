"""Published files: read as written, compared with slow obvious frames."""

import sys

import h5py
import numpy as np
import pytest
import torch
from support import published
from support.data_epochs import epoch

from psubench.data import aedat4, cifar10_dvs, count, currents, note, parse, shape
from psubench.errors import PsubenchError


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path))
    return tmp_path


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


UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


@pytest.mark.parametrize(("unit", "kind"), [
    ("seconds", np.float64), ("milliseconds", np.float32), ("milliseconds", np.uint16),
    ("microseconds", np.float64), ("microseconds", np.int32), ("nanoseconds", np.int64),
])  # fmt: skip
def test_times_in_any_unit_give_the_same_frames(root, unit, kind):
    draw = np.random.default_rng(0)
    times = [np.sort(draw.integers(0, 1370, 50)) / 1000 for _ in range(100)]  # of whole milliseconds
    times[3], times[60] = np.array([0.1]), np.array([])
    units, labels = [draw.integers(0, 700, len(one)) for one in times], np.arange(100) % 20
    published.heidelberg_set(root)
    given = [np.rint(one * UNITS[unit]) if unit != "seconds" else one for one in times]
    published.heidelberg(root / "shd" / "shd_test.h5", given, units, labels, kind)
    x, _ = epoch("shd", T=10)
    for sample in range(100):
        expected = np.zeros((10, 700))
        for t, u in zip(times[sample], units[sample], strict=True):
            if t < 0.9:
                expected[min(int(t * 10 / 0.9), 9), u] += 1
        assert (x[:, sample] == expected).all()


def told_of(root, times, kind=np.float64):
    published.heidelberg_set(root)
    path = root / "shd" / "shd_test.h5"
    published.heidelberg(path, times, [[1] * len(one) for one in times], [0] * len(times), kind)
    with pytest.raises(PsubenchError) as error:
        epoch("shd")
    assert str(path) in str(error.value)
    return str(error.value)


def test_times_in_no_unit_or_in_two_are_refused(root):
    minutes = [[0.1, 0.9], [30.0, 42.0]]
    assert "holds times to 42, which fits no unit; expected times in one of seconds," in told_of(
        root, minutes
    )
    assert "holds times to 1e+12, which fits no unit" in told_of(root, [[0.1], [1e12]])
    assert "holds integers to 1, which fits no unit" in told_of(root, [[0, 1], [1, 1]], np.int64)
    some = [[0.1, 1.2]] * 200
    one_of_them = [*some[:100], [100.0, 1200.0], *some[100:]]
    assert "sample 100 ends at 1200, where others are in seconds" in told_of(root, one_of_them)
    milliseconds = [[1000 * t for t in one] for one in some]
    one_of_them = [*milliseconds[:100], [0.1, 1.2], *milliseconds[100:]]
    assert "sample 100 ends at 1.2, where others are in milliseconds" in told_of(root, one_of_them)
    assert "sample 1 has times below 0, NaN or infinite" in told_of(root, [[0.5], [np.inf]])


def test_recordings_without_spikes_and_labels_in_a_column_are_read(root):
    published.heidelberg_set(root)
    path = root / "shd" / "shd_test.h5"
    published.heidelberg(path, [[]] * 3, [[]] * 3, [[1], [2], [3]])
    x, labels = epoch("shd")
    assert x.sum() == 0
    assert labels.tolist() == [1, 2, 3]
    late = [[]] * 100 + [[200.0]] + [[]] * 100  # the one that tells the unit is none of those looked at first
    published.heidelberg(path, late, [[7] * len(one) for one in late], [0] * len(late))
    x, _ = epoch("shd", batch=300)
    assert x.sum() == x[2, 100, 7] == 1


def test_recordings_as_rows_of_numbers_are_read(root):
    published.heidelberg_set(root)
    with h5py.File(root / "shd" / "shd_test.h5", "w") as file:
        file["spikes/times"], file["spikes/units"] = (
            np.array([[0.15, 0.25], [0.35, 0.45]]),
            np.array([[1, 2], [3.0, 4]]),
        )
        file["labels"] = np.array([1.0, 19])
    x, labels = epoch("shd", T=9)
    assert labels.tolist() == [1, 19]
    assert [index.tolist() for index in x.nonzero()] == [[1, 2, 3, 4], [0, 0, 1, 1], [1, 2, 3, 4]]


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


@pytest.mark.parametrize("suffix", [".aedat4", ".AEDAT4", ".aedat"])
def test_aedat4_gives_the_same_frames_as_aedat2_whatever_its_name(root, suffix):
    published.dvs_set(root)
    x, labels = epoch("cifar10-dvs")
    for path in list(root.rglob("*.aedat")):
        name, number = path.parent.name, int(path.stem.rpartition("_")[2])
        events = published.random_events(37, seed=100 * published.CLASSES.index(name) + number)
        path.unlink()
        published.aedat4(path.with_suffix(suffix), [events[:20], events[20:]])
    cifar10_dvs.files.cache_clear()
    again, same = epoch("cifar10-dvs")
    assert (x == again).all()
    assert (labels == same).all()


@pytest.mark.parametrize(("number", "package"), [(1, "lz4"), (4, "zstandard")])
def test_packed_aedat4_without_its_package_is_told(root, monkeypatch, number, package):
    published.aedat4(root / "one.aedat4", [[(1, 2, 1)]], number, lambda content: content)
    monkeypatch.setitem(sys.modules, package, None)
    says = rf'one.aedat4 is AEDAT4 that is packed.*package {package}.*pip install "psubench\[aedat4\]"'
    with pytest.raises(PsubenchError, match=says):
        aedat4.read(root / "one.aedat4")


@pytest.mark.parametrize(
    ("number", "package"), [(0, None), (1, "lz4"), (2, "lz4"), (3, "zstandard"), (4, "zstandard")]
)
def test_aedat4_is_read_as_the_package_aedat_reads_it(root, number, package):
    theirs = pytest.importorskip("aedat")
    pack = packing(package)
    path, events = root / "one.aedat4", published.random_events(500)
    published.aedat4(path, [events[:200], [], events[200:]], number, pack)
    whole = np.concatenate([packet["events"] for packet in theirs.Decoder(path) if "events" in packet])
    ours = aedat4.read(path)
    assert ours.row.tolist() == whole["y"].tolist() == [row for row, _, _ in events]
    assert ours.column.tolist() == whole["x"].tolist()
    assert ours.on.tolist() == whole["on"].tolist()


def packing(package):
    """What packs as a compression of AEDAT4 does."""
    if package is None:
        return lambda content: content
    if package == "lz4":
        return pytest.importorskip("lz4.frame").compress
    return pytest.importorskip("zstandard").ZstdCompressor().compress


@pytest.mark.parametrize(("number", "package"), [(1, "lz4"), (3, "zstandard")])
def test_packed_aedat4_is_unpacked_to_a_limit(root, monkeypatch, number, package):
    pack, path = packing(package), root / "one.aedat4"
    published.aedat4(path, [[(1, 2, 1)] * 10_000] * 2, number, pack)
    assert path.stat().st_size < 170_000
    assert len(aedat4.read(path).row) == 20_000
    monkeypatch.setattr(aedat4, "LARGEST", 200_000)
    with pytest.raises(PsubenchError, match="unpacks to more than 200,000 bytes"):
        aedat4.read(path)
    published.aedat4(path, [[(1, 2, 1)]], number, lambda content: pack(content)[:-9])
    with pytest.raises(PsubenchError, match=r"one\.aedat4: "):
        aedat4.read(path)


def test_foreign_files_beside_recordings_are_passed_over(root):
    published.dvs_set(root)
    before, _ = epoch("cifar10-dvs")
    for name in published.CLASSES:
        folder = root / "cifar10-dvs" / name
        for number in range(10):
            (folder / f"._cifar10_{name}_{number}.aedat").write_bytes(b"\0\5\26\7" + bytes(100))
        for foreign in (".DS_Store", "Thumbs.db", "README.txt", "cifar10_5.npz", "cifar10_5.aedat.part"):
            (folder / foreign).write_bytes(b"foreign")
        (folder / "more.aedat").mkdir()
        (folder / f"cifar10_{name}_3.aedat").rename(folder / f"cifar10_{name}_3.AEDAT")
    cifar10_dvs.files.cache_clear()
    after, labels = epoch("cifar10-dvs")
    assert (after == before).all()
    assert labels.tolist() == list(range(10))
    assert count(parse("cifar10-dvs"), "train") == 90


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
