"""Downloads from a server on this machine: checksum, resume, and nothing half-written under a final name."""

import hashlib
import io
import re
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from support import published

from psubench.data import TABLE, count, parse
from psubench.data.download import get, unpack
from psubench.data.spec import Download
from psubench.errors import PsubenchError

ONE_LINE = r"^[^\n]*$"


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; breaks off after `server.cut` bytes; knows ranges if `server.ranges`."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.server.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.cut, server.ranges, server.asked = {}, None, True, []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def shd(server, root, tmp_path):
    """A small SHD on the server, one zip archive per split as published, and its entry of the table."""
    published.heidelberg_set(tmp_path / "made")
    downloads = []
    for split in ("train", "test"):
        name = f"shd_{split}.h5"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(tmp_path / "made" / "shd" / name, name)
            archive.writestr("padding", np.random.default_rng(0).bytes(200_000))
        server.files[f"{name}.zip"] = packed.getvalue()
        md5 = hashlib.md5(packed.getvalue()).hexdigest()
        downloads.append(Download(f"{server.url}/{name}.zip", md5, (name,)))
    return replace(TABLE["shd"], downloads=tuple(downloads))


def quiet(name, here, of):
    pass


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def refused(spec, **how):
    with pytest.raises(PsubenchError, match=ONE_LINE) as error:
        get(spec, quiet, **how)
    return str(error.value)


def test_a_set_is_downloaded_unpacked_and_read(server, root, shd):
    told = []
    paths = get(shd, lambda *what: told.append(what))
    assert [path.name for path in paths] == ["shd_train.h5", "shd_test.h5"]
    assert files(root) == ["shd/shd_test.h5", "shd/shd_train.h5"]
    assert count(parse("shd"), "train") == 6
    size = len(server.files["shd_train.h5.zip"])
    assert ("shd_train.h5.zip", size, size) in told
    get(shd, quiet)
    assert len(server.asked) == 2  # what is there is not asked for again


def test_only_the_missing_file_is_fetched(server, root, shd):
    get(shd, quiet)
    (root / "shd" / "shd_test.h5").unlink()
    get(shd, quiet)
    assert [path for path, _ in server.asked] == ["/shd_train.h5.zip", "/shd_test.h5.zip", "/shd_test.h5.zip"]


def test_a_wrong_checksum_leaves_nothing(server, root, shd):
    server.files["shd_train.h5.zip"] += b"!"
    message = refused(shd)
    assert f"{server.url}/shd_train.h5.zip is not the file that was published" in message
    assert files(root) == []


def test_a_broken_download_goes_on_where_it_broke_off(server, root, shd):
    server.cut = 150_000
    message = refused(shd)
    assert "131,072 bytes have been received; run it again to continue" in message
    assert files(root) == ["shd/shd_train.h5.zip.part"]
    server.cut = None
    get(shd, quiet)
    assert server.asked[:2] == [("/shd_train.h5.zip", None), ("/shd_train.h5.zip", "bytes=131072-")]
    assert files(root) == ["shd/shd_test.h5", "shd/shd_train.h5"]
    assert count(parse("shd"), "train") == 6


def test_a_server_without_ranges_sends_all_of_it_again(server, root, shd):
    server.cut, server.ranges = 150_000, False
    refused(shd)
    server.cut = None
    get(shd, quiet)
    assert count(parse("shd"), "train") == 6


def test_a_part_that_is_no_beginning_is_thrown_away(server, root, shd):
    part = root / "shd" / "shd_train.h5.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 10**6)  # longer than the file
    get(shd, quiet)
    assert count(parse("shd"), "train") == 6
    (root / "shd" / "shd_train.h5").unlink()
    part.write_bytes(b"x" * 100)  # of another file: the checksum tells
    assert "is not the file that was published" in refused(shd)
    assert files(root) == ["shd/shd_test.h5"]


def test_a_refused_connection_and_a_missing_file_are_told(server, root, shd):
    del server.files["shd_test.h5.zip"]
    assert "404" in refused(shd)
    assert files(root) == ["shd/shd_train.h5"]
    closed = replace(shd, downloads=(replace(shd.downloads[1], url="http://127.0.0.1:9/shd_test.h5.zip"),))
    message = refused(closed)
    assert "http://127.0.0.1:9/shd_test.h5.zip: ConnectionError" in message
    assert f"put the file into {root / 'shd'}" in message
    assert files(root) == ["shd/shd_train.h5"]


def test_a_mirror_serves_the_same_files(server, root, shd):
    closed = [replace(d, url=d.url.replace(server.url, "http://127.0.0.1:9")) for d in shd.downloads]
    spec = replace(shd, downloads=tuple(closed))
    get(spec, quiet, mirror=f"{server.url}/")
    assert files(root) == ["shd/shd_test.h5", "shd/shd_train.h5"]


def test_an_archive_that_is_broken_or_lacks_a_file_leaves_nothing(server, root, shd):
    whole = server.files["shd_train.h5.zip"]
    spoiled = whole[:500] + bytes(200) + whole[700:]
    for content, says in ((b"no archive", "BadZipFile"), (spoiled, "shd_train.h5")):
        server.files["shd_train.h5.zip"] = content
        md5 = hashlib.md5(content).hexdigest()
        spec = replace(shd, downloads=(replace(shd.downloads[0], md5=md5),))
        message = refused(spec)
        assert "shd_train.h5.zip: " in message
        assert says in message
        assert files(root) == []
    lacking = replace(shd, downloads=(replace(shd.downloads[1], members=("shd_best.h5",)),))
    assert "expected an archive with shd_best.h5" in refused(lacking)
    assert files(root) == []


def test_cifar_is_taken_out_of_its_tar(server, root, tmp_path):
    published.cifar_set(tmp_path / "made")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar10" / "cifar-10-batches-py", "cifar-10-batches-py")
        stranger = tarfile.TarInfo("../../stranger")
        archive.addfile(stranger, io.BytesIO())
    server.files["cifar-10-python.tar.gz"] = packed.getvalue()
    md5 = hashlib.md5(packed.getvalue()).hexdigest()
    spec = replace(TABLE["seqcifar10"], downloads=(replace(TABLE["cifar10"].downloads[0], md5=md5),))
    assert len(get(spec, quiet, mirror=server.url)) == 6
    assert count(parse("cifar10"), "train") == 20
    assert not list(tmp_path.rglob("stranger"))
    packed.seek(len(packed.getvalue()) // 2)
    (tmp_path / "half.tar.gz").write_bytes(packed.getvalue()[:-3000])
    with pytest.raises(PsubenchError, match=r"half.tar.gz: EOFError"):
        unpack(tmp_path / "half.tar.gz", TABLE["cifar10"].downloads[0].members, tmp_path / "target")
    assert not [path for path in (tmp_path / "target").rglob("*") if path.name.startswith("tmp")]


def test_fashion_mnist_is_used_as_it_comes(server, root, tmp_path):
    published.fashion_set(tmp_path / "made")
    downloads = []
    for download in TABLE["fashion-mnist"].downloads:
        name = download.url.rpartition("/")[2]
        server.files[name] = (tmp_path / "made" / "fashion-mnist" / name).read_bytes()
        downloads.append(replace(download, md5=hashlib.md5(server.files[name]).hexdigest()))
    get(replace(TABLE["fashion-mnist"], downloads=tuple(downloads)), quiet, mirror=server.url)
    assert len(files(root)) == 4
    assert count(parse("fashion-mnist(full=true)"), "train") == 12


def test_what_cannot_be_downloaded_says_where_to_get_it(root, tmp_path, monkeypatch):
    assert f"figshare.4724671 into {root / 'cifar10-dvs'}" in refused(TABLE["cifar10-dvs"])
    assert "it is shipped with psubench" in refused(TABLE["spoken-digits"])
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("PSUBENCH_DATA", str(blocked))
    assert "set PSUBENCH_DATA to another folder" in refused(TABLE["shd"])


def test_every_download_has_its_checksum_and_every_set_its_files():
    for spec in TABLE.values():
        for download in spec.downloads:
            assert re.fullmatch(r"[0-9a-f]{32}", download.md5)
            assert download.url.startswith("https://")
        offered = [file for d in spec.downloads for file in d.members or (d.url.rpartition("/")[2],)]
        assert not spec.downloads or sorted(offered) == sorted(spec.files)
        assert not spec.files or spec.downloads or spec.obtain
    assert len({d.md5 for spec in TABLE.values() for d in spec.downloads}) == 4 + 5 + 2
    assert np.unique([d.url for spec in TABLE.values() for d in spec.downloads]).size == 11
