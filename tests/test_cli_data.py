"""psubench data: the list with its states, getting, showing; and the figure of examples."""

import io
import json

import numpy as np
import pytest
from support import published
from support.command_line import here

from psubench.data import TABLE, examples, parse, state
from psubench.errors import PsubenchError
from psubench.render.download_bar import bar
from psubench.render.figures.dataset_examples import figure


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


def test_the_states_of_all_sets(root):
    published.fashion_set(root)
    published.heidelberg_set(root, n=5)
    published.cifar_set(root)
    (root / "cifar10" / "cifar-10-batches-py" / "test_batch").write_bytes(b"broken")
    states = {name: state(name) for name in TABLE}
    assert {name: one.state for name, one in states.items()} == {
        "spoken-digits": "shipped",
        "fashion-mnist": "shipped",
        "fashion-mnist-events": "shipped",
        "shd": "found",
        "ssc": "missing",
        "cifar10": "broken",
        "cifar100": "missing",
        "seqcifar10": "broken",
        "seqcifar100": "missing",
        "cifar10-dvs": "missing",
        "synthetic:shd": "synthetic",
        "synthetic:dvscifar10": "synthetic",
        "normal": "synthetic",
        "spikes": "synthetic",
    }
    assert str(states["shd"]) == f"found in {root / 'shd'}: 5 train, 5 test"
    assert str(states["spoken-digits"]) == "shipped: 2,400 train, 600 test"
    assert str(states["fashion-mnist"]) == "shipped: 5,000 train, 1,000 test"  # the full set is there
    assert str(states["ssc"]) == (
        f"missing; psubench data get ssc, or put ssc_train.h5, ssc_valid.h5, ssc_test.h5 into {root / 'ssc'}"
    )
    assert str(states["cifar10-dvs"]).startswith("missing; unpack the ten archives of doi.org/10.6084/")
    assert "test_batch: " in str(states["cifar10"])


def test_both_lists_are_one(root):
    published.heidelberg_set(root, n=5)
    done = here("data", "list", "--json")
    assert done.stderr == ""
    entries = {entry["data"]: entry for entry in json.loads(done.stdout)}
    assert list(entries) == list(TABLE)
    assert here("list", "data", "--json").stdout == done.stdout
    assert entries["shd"]["samples"] == {"train": 5, "test": 5}
    assert entries["shd"]["state"] == "found"
    assert entries["normal"]["classes"] is None
    shown = here("data", "list").stdout
    assert " ".join(shown.split()).count("psubench data get ssc, or put ssc_train.h5") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["get", "shdd"], 2, 'unknown data set "shdd"; did you mean "shd"?'),
        (["get", "cifar10-dvs"], 2, "unpack the ten archives"),
        (["get", "shd", "--mirror", "http://127.0.0.1:9"], 4, "127.0.0.1:9/shd_train.h5.zip: Connection"),
        (["show", "shd"], 2, "shd_train.h5 and 1 more; psubench data get shd"),
        (["show", "normal"], 2, "is noise for one layer"),
        (["show", "spoken-digits", "--T", "0"], 2, "--T"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(root, arguments, code, says):
    done = here("data", *arguments)
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert says in done.stderr


def test_show_tells_facts_and_draws(root, tmp_path):
    done = here("data", "show", "fashion-mnist", "--T", "14", "--out", str(tmp_path / "f"), "--json")
    assert done.returncode == 0, done.stderr
    (facts,) = json.loads(done.stdout)
    assert (facts["T"], facts["classes"], facts["licence"]) == (14, 10, "MIT")
    assert facts["done"] == "28 rows resampled to 14 steps"
    assert "over 256 training samples" in facts["density"]
    assert [path.rpartition("/")[2] for path in facts["figures"]] == ["examples.pdf", "examples.png"]
    assert (tmp_path / "f" / "examples.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "f" / "examples.pdf").read_bytes().startswith(b"%PDF")


def test_examples_are_the_first_of_each_class_and_the_density_is_that_of_the_input(root):
    times, _, labels = published.heidelberg_set(root, n=30)["train"]
    drawn = examples.draw(parse("shd"), 5)
    found = sorted(set(labels.tolist()))
    assert drawn.classes == [f"class {label}" for label in found]
    inside = [(np.array(t, float) < 0.9).sum() for t in times]
    first = [labels.tolist().index(label) for label in found]
    assert drawn.x.sum(axis=(0, 2)).tolist() == [inside[number] for number in first]
    assert drawn.samples == 30
    assert drawn.mean == pytest.approx(sum(inside) / (30 * 5 * 700))
    assert 0 < drawn.nonzero <= drawn.mean
    assert examples.draw(parse("spoken-digits")).x.shape == (32, 10, 26)
    assert examples.draw(parse("fashion-mnist-events")).classes[9] == "boot"


def test_a_plugin_can_be_shown(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "def make(T, batch, seed, split):\n"
        "    yield torch.eye(4).repeat(T, 1, 1), torch.tensor([3, 1, 3, 0])\n"
    )
    drawn = examples.draw(parse("mine.py:make"))
    assert drawn.classes == ["class 0", "class 1", "class 3"]
    assert drawn.x[0].tolist() == np.eye(4)[[3, 1, 0]].tolist()
    assert (drawn.samples, drawn.mean, drawn.nonzero, drawn.note) == (4, 0.25, 0.25, None)
    (tmp_path / "mine.py").write_text("make = 3")
    with pytest.raises(PsubenchError):
        examples.draw(parse("./mine.py:make(a=1)"))


def images(made):
    return [axes.get_images()[0].get_array() for axes in made.axes if axes.get_images()]


def test_a_raster_has_time_to_the_right_and_rows_go_down():
    x = np.zeros((7, 3, 5), np.float32)
    x[2, 1, 4] = 3
    made = figure(x, ["a", "b", "c"], "a title")
    assert [axes.get_title() for axes in made.axes] == ["a", "b", "c"]
    shown = images(made)[1]
    assert shown.shape == (5, 7)
    assert np.argwhere(shown).tolist() == [[4, 2]]
    assert made.axes[1].get_ylim()[0] < made.axes[1].get_ylim()[1]
    assert made.get_suptitle() == "a title"
    down = figure(x, ["a", "b", "c"], "a title", rows=True)
    assert np.argwhere(images(down)[1]).tolist() == [[2, 4]]
    assert down.axes[1].get_ylim()[0] > down.axes[1].get_ylim()[1]


def test_frames_are_red_where_it_became_brighter_and_blue_where_darker():
    x = np.zeros((30, 2, 2, 4, 4), np.float32)
    x[:, :, 0, 0, 0] = x[:, :, 1, 1, 1] = x[:, :, :, 2, 2] = 1
    x[5, 0, 0, 0, 0] = 2  # or else it would stand still
    made = figure(x, ["a", "b"], "events")
    assert len(images(made)) == 2 * 10
    assert [axes.get_title() for axes in made.axes[:10]][::9] == ["step 1", "step 30"]
    frame = images(made)[10]
    assert frame[0, 0].tolist() == [0, 0, 1]
    assert frame[1, 1].tolist() == [1, 0, 0]
    assert frame[2, 2].tolist() == [0, 0, 0]
    assert frame[3, 3].tolist() == [1, 1, 1]
    assert made.get_supxlabel().startswith("red: ON events, blue: OFF events")


def test_pictures_stand_still_and_columns_make_a_picture():
    picture = np.random.default_rng(0).standard_normal((2, 3, 6, 8)).astype(np.float32)
    still = figure(np.repeat(picture[None], 4, axis=0), ["a", "b"], "images")
    assert len(images(still)) == 2
    columns = figure(picture.transpose(3, 0, 1, 2), ["a", "b"], "columns")
    for made in (still, columns):
        for shown, one in zip(images(made), picture, strict=True):
            expected = one.transpose(1, 2, 0)
            expected = (expected - expected.min()) / (expected.max() - expected.min())
            assert np.allclose(shown, expected, atol=1e-6)
    assert len(images(figure(np.zeros((3, 35, 4), np.float32), [str(c) for c in range(35)], "many"))) == 20


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_download_is_told_once_in_a_log_and_as_a_bar_in_a_terminal():
    streams = [io.StringIO(), Terminal(), Terminal()]
    for stream, quiet in zip(streams, (False, False, True), strict=True):
        with bar(stream, quiet=quiet) as tell:
            for here in (1_000_000, 2_000_000):
                tell("one.zip", here, 2_000_000)
            tell("two.zip", 5, None)
    assert streams[0].getvalue() == "one.zip: 2.0 MB\ntwo.zip\n"
    assert "2.0/2.0 MB" in streams[1].getvalue()
    assert streams[2].getvalue() == ""
