"""151 hostile files of every kind: each is read, or told in one line; nothing runs or is followed."""

import numpy as np
import pytest
from support import hostile_archives, hostile_files

from psubench.data import aedat, aedat4, cifar, fashion_mnist
from psubench.data.download import unpack
from psubench.data.heidelberg import Cochlea
from psubench.errors import PsubenchError


def verdicts(path, contents, read):
    """What becomes of each: None where it is read, else the line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = []
    for content in contents:
        path.write_bytes(content)
        try:
            read(path)
        except PsubenchError as error:
            told.append(str(error))
            assert "\n" not in told[-1]
            assert str(path) in told[-1]
            assert len(told[-1]) < 1000
        else:
            told.append(None)
    assert len(contents) >= hostile_files.MANY
    return told


@pytest.fixture(autouse=True)
def nothing_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "owned").exists()


def spoken(path):
    labels = (samples := Cochlea("shd", path.parent)).labels("test")
    return samples.frames("test", np.arange(len(labels)), 4)


@pytest.mark.filterwarnings("error")
def test_hostile_hdf5_is_read_or_told_and_no_link_is_followed(tmp_path):
    path, victim = tmp_path / "shd" / "shd_test.h5", tmp_path / "victim.h5"
    path.parent.mkdir()
    told = verdicts(path, hostile_files.hdf5(path, victim), spoken)
    crafted = told[: len(hostile_files.HDF5_CHANGES)]
    read = [number for number, line in enumerate(crafted) if line is None]
    assert read == []
    links = [line for line in crafted if "is a link, which is not followed" in line]
    assert len(links) == 3 * 4 + 4
    assert sum("is in another file, which is not opened" in line for line in crafted) == 3 * 2


def test_hostile_aedat2_is_read_or_told(tmp_path):
    assert None in verdicts(tmp_path / "one.aedat", hostile_files.aedat2(), aedat.read_aedat2)


def test_hostile_aedat4_is_read_or_told(tmp_path, capfd):
    path = tmp_path / "one.aedat"
    assert None in verdicts(path, hostile_files.aedat4(path), aedat4.read)
    assert capfd.readouterr() == ("", "")


def test_hostile_idx_files_are_read_or_told(tmp_path):
    assert None in verdicts(tmp_path / "one.gz", hostile_files.idx(), fashion_mnist.read_idx)


@pytest.mark.filterwarnings("error")
def test_hostile_pickles_are_read_or_told(tmp_path):
    def read(path):
        return cifar.read_pickle(path, "labels", 10)

    assert None in verdicts(tmp_path / "test_batch", hostile_files.pickles(), read)


@pytest.mark.parametrize(
    ("suffix", "contents"), [(".zip", hostile_archives.zips), (".tar.gz", hostile_archives.tars)]
)
def test_hostile_archives_are_unpacked_or_told_and_no_link_is_followed(tmp_path, suffix, contents):
    victim, path = tmp_path / "victim", tmp_path / f"one{suffix}"
    victim.write_text("secret")
    target = tmp_path / "out"

    def read(path):
        (target / "wanted").unlink(missing_ok=True)
        unpack(path, ("wanted",), target)
        assert (target / "wanted").stat().st_size < 2**20

    told = verdicts(path, contents(victim), read)
    assert None in told
    assert sum("not followed" in line for line in told if line) >= (1 if suffix == ".zip" else 56)
    assert victim.read_text() == "secret"
    assert {path.name for path in target.iterdir()} <= {"wanted"}
