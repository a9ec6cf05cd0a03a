"""The interface to all data sets: epochs, shapes, counts, notes; what is shipped and what is synthetic."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from psubench.data import TABLE, batches, count, fashion_mnist, note, parse, shape
from psubench.data.event_camera import SIZE, THRESHOLD, events
from psubench.data.examples import draw
from psubench.data.resample import resample
from psubench.data.synthetic_events import SETS
from psubench.errors import PsubenchError

READY = [name for name, spec in TABLE.items() if spec.step and (spec.shipped or not spec.real)]
ONE_LINE = r"^[^\n]*$"


def epoch(name, T=4, batch=400, seed=0, split="train"):
    parts = list(batches(parse(name), T=T, batch=batch, seed=seed, split=split))
    return torch.cat([x for x, _ in parts], dim=1), torch.cat([labels for _, labels in parts])


@pytest.mark.parametrize("name", READY)
def test_every_set_that_needs_no_files_keeps_the_contract(name):
    ref = parse(name)
    step, classes = shape(ref, 3)
    sizes = {split: count(ref, split) for split in TABLE[name].splits}
    x, labels = next(batches(ref, T=3, batch=7, seed=0, split="train"))
    assert (x.shape, x.dtype, labels.dtype) == ((3, 7, *step), torch.float32, torch.int64)
    assert x.is_contiguous()
    assert labels.min() >= 0
    assert labels.max() < classes
    assert torch.equal(next(batches(ref, T=3, batch=7, seed=0, split="train"))[0], x)
    assert not torch.equal(next(batches(ref, T=3, batch=7, seed=1, split="train"))[0], x)
    in_order, first = next(batches(ref, T=3, batch=7, seed=0, split="test"))
    again, same = next(batches(ref, T=3, batch=7, seed=1, split="test"))
    assert torch.equal(in_order, again)
    assert torch.equal(first, same)
    assert sizes["train"] > sizes["test"] > 0
    with pytest.raises(PsubenchError, match=f'{name} has no split "valid"; known: train, test'):
        batches(ref, T=3, batch=7, seed=0, split="valid")


def test_an_epoch_has_every_sample_once_and_a_smaller_last_batch():
    parts = list(batches(parse("fashion-mnist"), T=28, batch=1024, seed=3, split="train"))
    assert [len(labels) for _, labels in parts] == [1024] * 4 + [904]
    x, labels = (torch.cat(p, dim=d).numpy() for p, d in zip(zip(*parts, strict=True), (1, 0), strict=True))
    images, classes = fashion_mnist.images(None, "train")
    order = np.random.default_rng(3).permutation(5000)
    assert (x.transpose(1, 0, 2) == (images[order] / 255).astype(np.float32)).all()
    assert (labels == classes[order]).all()


def test_noise_has_no_samples():
    for name in ("normal(mu=2)", "spikes"):
        assert note(parse(name), 4) is None
        for call in (lambda ref: shape(ref, 4), lambda ref: count(ref, "train")):
            with pytest.raises(PsubenchError, match="is noise for one layer, without samples") as error:
                call(parse(name))
            assert "fashion-mnist" in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fashion-mnist(full=1)", 'data set "fashion-mnist": full=1; full is true or false'),
        ("fashion-mnist(ful=true)", 'has no parameter "ful"; did you mean "full"?'),
        ("synthetic:ssd", 'unknown data set "synthetic:ssd"; did you mean "synthetic:shd"?'),
        ("synthetic:shd(T=4)", "it has none"),
    ],
)
def test_wrong_names_are_told(text, says):
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        parse(text)
    assert says in str(error.value)


def test_names_of_new_sets_are_canonical():
    assert parse("fashion-mnist(full=false)").name == "fashion-mnist"
    assert parse("fashion-mnist(full=true)").name == "fashion-mnist(full=true)"
    assert not parse("synthetic:shd").is_plugin


def test_the_shipped_images_are_a_balanced_part_of_the_published_ones():
    images, labels = fashion_mnist.images(None, "train")
    test, test_labels = fashion_mnist.images(None, "test")
    assert np.bincount(labels).tolist() == [500] * 10
    assert np.bincount(test_labels).tolist() == [100] * 10
    assert not {image.tobytes() for image in images} & {image.tobytes() for image in test}
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_the_clothes_can_be_told_from_the_rows():
    x, labels = epoch("fashion-mnist", T=28)
    test, test_labels = epoch("fashion-mnist", T=28, split="test")
    flat = [
        torch.cat([y.transpose(0, 1).flatten(1), torch.ones(y.shape[1], 1)], 1).double() for y in (x, test)
    ]
    gram = flat[0].T @ flat[0] + 50 * torch.eye(785)
    weights = torch.linalg.solve(gram, flat[0].T @ torch.nn.functional.one_hot(labels).double())
    right = ((flat[1] @ weights).argmax(1) == test_labels).double().mean()
    assert right > 0.78  # a linear reading; chance is 0.1


@given(st.integers(1, 9), st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_resampling_is_averaging_over_shares(lines, T, seed):
    images = np.random.default_rng(seed).integers(0, 256, (2, lines, 3), np.uint8)
    got = resample(images, T)
    fine = np.repeat(images / 255, T, axis=1)  # lines * T equal pieces, of which a step has `lines`
    for step in range(T):
        assert np.allclose(got[step], fine[:, step * lines : (step + 1) * lines].mean(axis=1), atol=1e-6)
    assert got.dtype == np.float32


def slow_camera(image, T, positions):
    """OFF and ON counts of one image, pixel by pixel: bilinear, natural logarithm, levels of a threshold."""
    x = np.zeros((T, 2, SIZE, SIZE))
    padded = np.zeros((90, 90))
    padded[30:58, 30:58] = image / 255

    def brightness(row, column, angle):
        r = (row + 0.5 - 4 - 4 * np.sin(angle)) * 28 / 40 - 0.5 + 30
        c = (column + 0.5 - 4 - 4 * np.cos(angle)) * 28 / 40 - 0.5 + 30
        i, j = int(np.floor(r)), int(np.floor(c))
        top = padded[i, j] * (1 - c + j) + padded[i, j + 1] * (c - j)
        low = padded[i + 1, j] * (1 - c + j) + padded[i + 1, j + 1] * (c - j)
        return np.log(top * (1 - r + i) + low * (r - i) + 0.1)

    for row in range(0, SIZE, 3):
        for column in range(0, SIZE, 3):
            start, level = brightness(row, column, 0.0), 0
            for k in range(1, positions + 1):
                change = (brightness(row, column, 2 * np.pi * k / positions) - start) / THRESHOLD
                frame = x[(k - 1) * T // positions]
                while change - level >= 1 - 1e-9:  # back to black is a whole number of thresholds
                    level, frame[1, row, column] = level + 1, frame[1, row, column] + 1
                while level - change >= 1 - 1e-9:
                    level, frame[0, row, column] = level - 1, frame[0, row, column] + 1
    return x[:, :, ::3, ::3]


def test_the_camera_sees_what_a_slow_one_sees():
    images, _ = fashion_mnist.images(None, "train")
    for number in (0, 1, 2):
        fast = events(images[number : number + 1], 8)[:, 0, :, ::3, ::3]
        slow = slow_camera(images[number], 8, 40)
        assert slow.sum() > 200
        # weights are rounded to 1/256 and the brightness to 12 bits: a crossing may come a position later
        assert (fast == slow).mean() > 0.995
        assert fast.sum() == pytest.approx(slow.sum(), rel=0.005)


def test_the_path_is_closed_so_that_on_and_off_events_cancel():
    images, _ = fashion_mnist.images(None, "test")
    x = events(images[:50], 10)
    assert np.abs(x[:, :, 1].sum(axis=0) - x[:, :, 0].sum(axis=0)).max() <= 1
    assert 0.05 < (x > 0).mean() < 0.2
    assert (x == x.round()).all()


def test_more_frames_are_the_same_events_in_finer_bins():
    images, _ = fashion_mnist.images(None, "test")
    fine = events(images[:5], 40)
    for T in (1, 2, 5, 10, 20):
        assert (events(images[:5], T) == fine.reshape(T, 40 // T, *fine.shape[1:]).sum(axis=1)).all()


def test_without_a_picture_there_is_no_event():
    for value in (0, 1):
        assert not events(np.full((1, 28, 28), value, np.uint8), 4).any()


@pytest.mark.parametrize("name", SETS)
def test_a_twin_is_the_same_sample_in_any_bins_and_any_batch(name):
    fine, labels = next(batches(parse(name), T=20, batch=6, seed=1, split="train"))
    for T in (1, 4, 10):
        x, same = next(batches(parse(name), T=T, batch=3, seed=1, split="train"))
        assert torch.equal(same, labels[:3])
        assert torch.equal(x, fine[:, :3].unflatten(0, (T, 20 // T)).sum(dim=1))
    assert fine.sum(dim=(0, *range(2, fine.dim()))).mean().item() == pytest.approx(
        SETS[name].events, rel=0.03
    )
    assert "synthetic" in note(parse(name), 10)
    assert "assumed" in note(parse(name), 10)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(body, after=""):
        lines = [f"    {line}" for line in body.splitlines()]
        text = "\n".join(["import torch", "def make(T, batch, seed, split):", *lines, after])
        (tmp_path / f"mine{len(list(tmp_path.iterdir()))}.py").write_text(text)
        return parse(f"mine{len(list(tmp_path.iterdir())) - 1}.py:make")

    return write


def test_a_plugin_is_counted_and_its_shape_is_found(plugin):
    body = (
        "n = {'train': 700, 'test': 3}[split]\n"
        "for start in range(0, n, batch):\n"
        "    b = min(batch, n - start)\n"
        "    yield torch.ones(T, b, 2, 5, dtype=torch.float64), torch.arange(start, start + b) % 9"
    )
    ref = plugin(body)
    assert shape(ref, 4) == ((2, 5), 9)
    assert (count(ref, "train"), count(ref, "test", T=9, batch=2)) == (700, 3)
    assert note(ref, 4) is None
    x, labels = next(batches(ref, T=4, batch=2, seed=0, split="test"))
    assert (x.shape, x.dtype, labels.tolist(), labels.dtype) == (
        (4, 2, 2, 5),
        torch.float32,
        [0, 1],
        torch.int64,
    )
    declared = plugin(body, "make.classes = 12")
    assert shape(declared, 4) == ((2, 5), 12)


@pytest.mark.parametrize(
    ("body", "after", "says"),
    [
        ("yield torch.ones(T, 2, 3), torch.tensor([0, -1])", "", "labels from -1 to 0; labels are"),
        ("yield torch.ones(T, 2, 3), torch.tensor([0, 4])", "make.classes = 4", "labels from 0 to 4"),
        ("yield torch.ones(T, 2, 3), torch.tensor([0.5, 1])", "", "labels from 0.5 to 1"),
        ("yield torch.ones(T, 2, 3), torch.tensor([0.0, torch.nan])", "", "labels from nan to nan"),
        ("yield torch.ones(T, 2, 3), torch.zeros(2, 1)", "", "labels of shape [2, 1] for 2 samples"),
        ("yield torch.ones(T, 2, 3), torch.zeros(2)", "make.classes = 0", "has classes=0"),
        (
            "yield torch.ones(T, 2, 3), torch.zeros(2)\nyield torch.ones(T, 2, 4), torch.zeros(2)",
            "",
            "yields steps of shape [4] after [3]",
        ),
        ("yield torch.ones(T, 2, 3), torch.zeros(2)\nraise OSError('gone')", "", "raises OSError: gone"),
        ("for v in (1, torch.nan): yield torch.full((T, 2, 3), v), torch.zeros(2)", "", "NaN"),
    ],
)  # fmt: skip
def test_a_plugin_that_breaks_the_contract_later_is_told(plugin, body, after, says):
    ref = plugin(body, after)
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        list(batches(ref, T=4, batch=2, seed=0, split="train"))
    assert says in str(error.value)


def test_a_plugin_of_full_batches_is_asked_for_batches_that_it_has(plugin):
    body = (
        "for start in range(0, 60 // batch * batch, batch):\n"
        "    yield torch.ones(T, batch, 2, 5), torch.arange(start, start + batch) % 9"
    )
    ref = plugin(body)
    assert shape(ref, 4, batch=16) == shape(ref, 4) == ((2, 5), 9)
    assert (count(ref, "train"), count(ref, "train", T=4, batch=16)) == (60, 48)
    with pytest.raises(PsubenchError, match="yields nothing for T=4, batch=61"):
        shape(ref, 4, batch=61)
    assert draw(ref).samples == 16


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "uint64", "bool", "float16", "bfloat16"])
def test_labels_of_every_type_are_numbers_of_classes(plugin, kind):
    ref = plugin(f"yield torch.ones(T, 2, 3), torch.tensor([0, 1]).to(torch.{kind})")
    assert next(batches(ref, T=4, batch=2, seed=0, split="train"))[1].tolist() == [0, 1]
    ref = plugin(f"yield torch.ones(T, 2, 3), torch.tensor([0, 1]).to(torch.{kind})", "make.classes = 1")
    with pytest.raises(PsubenchError, match="labels from 0 to 1"):
        next(batches(ref, T=4, batch=2, seed=0, split="train"))


def test_the_archive_is_what_its_script_says():
    path = fashion_mnist.resources.files("psubench.data") / "fashion_mnist.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        shapes = {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}
    assert shapes == {
        "images": ((6000, 28, 28), "uint8"),
        "labels": ((6000,), "uint8"),
        "test": ((6000,), "bool"),
    }
    assert path.stat().st_size < 3e6
    assert "Zalando" in (fashion_mnist.resources.files("psubench.data") / "fashion_mnist.LICENSE").read_text()
