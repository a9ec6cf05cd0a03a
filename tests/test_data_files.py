"""Published files: read as written, compared with slow obvious frames."""

import numpy as np
import published
import pytest
import torch

from psubench.data import batches, cifar10_dvs, count, currents, note, parse, shape
from psubench.data.aedat import read_aedat4
from psubench.errors import PsubenchError


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
