"""Published files of pictures: CIFAR and Fashion-MNIST, read as written."""

import pickle

import numpy as np
import pytest
from support import published
from support.data_epochs import epoch

from psubench.data import cifar, count, note, parse, shape


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path))
    return tmp_path


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


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", ["bytes", "text", "numpy", "scalars", "fortran", "bytearray"])
def test_cifar_is_read_as_python_3_pickles_it(root, protocol, form):
    pictures, labels = published.cifar_set(root)["test"]
    before, _ = epoch("cifar10", T=1)
    data, kept = pictures.reshape(-1, 3072), labels.tolist()
    if form == "numpy":
        kept = labels.astype(">i2")
    if form == "scalars":
        kept = list(labels.astype(np.uint8))
    if form == "fortran":
        data = np.asfortranarray(data)
    if form == "bytearray":
        data = np.frombuffer(bytearray(data.tobytes()), np.uint8).reshape(-1, 3072)
    content = {
        "data": data,
        "labels": kept,
        "filenames": [b"a.png", b""],
        "batch_label": "testing batch 1 of 1",
    }
    if form != "text":
        content = {key.encode(): value for key, value in content.items()}
    path = root / "cifar10" / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(pickle.dumps(content, protocol))
    cifar.load.cache_clear()
    x, got = epoch("cifar10", T=1)
    assert got.tolist() == labels.tolist()
    assert (x == before).all()


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
