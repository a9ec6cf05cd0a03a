"""Gets the files of a data set from their publisher: checksum first, then unpacked under their own names.

Nothing is ever half-written under a final name. What has arrived of a file when the connection breaks stays
as NAME.part, and the next attempt goes on from there; a file with a wrong checksum is deleted.
"""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from psubench import plugins
from psubench.data import cache
from psubench.data.spec import DataSpec
from psubench.errors import CASE_FAILED, PsubenchError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress = Callable[[str, int, int | None], None]
"""Called with the name of a file, the bytes received so far, and their total if it is known."""
_CHUNK = 2**16  # bytes; what is less than one is lost when a connection breaks
LARGEST = 2**33
"""Bytes that a member may unpack to, and more than any published one does."""
_TIMEOUT = 30.0  # seconds without a byte


def get(spec: DataSpec, progress: Progress, mirror: str | None = None) -> list[Path]:
    """Downloads the files of a data set that are missing in the cache; returns all its files.

    Args:
        mirror: address of a folder with the same files, instead of their publisher's.

    Raises:
        PsubenchError: the files are not offered for download, the connection fails, the checksum is wrong,
            or the folder cannot be written to.
    """
    if not spec.downloads:
        reason = (
            f"{spec.obtain} into {cache.folder(spec)}"
            if spec.folder
            else "it is shipped with psubench, or synthetic"
        )
        raise PsubenchError(f'data set "{spec.name}" cannot be downloaded', reason)
    folder = cache.folder(spec)
    for download in spec.downloads:
        name = download.url.rpartition("/")[2]
        wanted = download.members or (name,)
        if all((folder / file).exists() for file in wanted):
            continue
        url = f"{mirror.rstrip('/')}/{name}" if mirror else download.url
        try:
            folder.mkdir(parents=True, exist_ok=True)
            archive = _fetch(url, name, download.md5, folder, progress)
            if download.members:
                try:
                    unpack(archive, download.members, folder)
                finally:
                    archive.unlink()
        except OSError as error:  # of the disk; those of the connection are dealt with below
            raise PsubenchError(
                f"{folder}: {plugins.one_line(error)}",
                f"make room, or set {cache.VARIABLE} to another folder",
            ) from None
    return [folder / file for file in spec.files]


def unpack(archive: Path, members: tuple[str, ...], folder: Path) -> None:
    """Takes members out of a zip or tar archive, each written in full before it gets its name.

    A member must be a file: no link is followed.

    Raises:
        PsubenchError: the archive is broken or encrypted, or lacks a member.
        OSError: of the disk that is written to.
    """
    expected = f"an archive with {', '.join(members)}"
    try:
        with _opened(archive) as read:
            for member in members:
                with written(folder / member) as target, read(member) as source:
                    _copy(source, target)
    except Exception as error:  # a broken archive may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise
        what = error.args[0] if isinstance(error, _WrongError) else plugins.one_line(error)
        raise cache.broken(archive, one_line(f"{what:.300}"), expected) from None


class _WrongError(Exception):
    """A member is not a file that may be taken out of an archive."""


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    left = LARGEST
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise _WrongError(f"unpacks to more than {LARGEST:,} bytes")
        target.write(chunk)


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that gets the name `path` when the block succeeds, and is removed otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            yield file
            file.flush()
            Path(file.name).chmod(0o644)  # temporary files are for their owner alone
            os.replace(file.name, path)
        except BaseException:  # Ctrl-C too: no half a file is left behind
            Path(file.name).unlink(missing_ok=True)
            raise


@contextmanager
def _opened(archive: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """A function from the name of a member to its open file."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            yield lambda name: packed.open(_of_zip(packed.getinfo(name)))
    else:
        with tarfile.open(archive) as tar:
            yield lambda name: _of_tar(tar, tar.getmember(name))


def _of_zip(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    if entry.flag_bits & 1:
        raise _WrongError(f"{entry.filename} is encrypted")
    if entry.is_dir() or stat.S_ISLNK(entry.external_attr >> 16):
        raise _WrongError(f"{entry.filename} is a folder or a link, which is not followed")
    _check_size(entry.filename, entry.file_size)
    return entry


def _of_tar(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    if not entry.isreg() or entry.issparse():
        raise _WrongError(f"{entry.name} is not a regular file; links are not followed")
    _check_size(entry.name, entry.size)
    file = tar.extractfile(entry)
    assert file is not None  # it is None for links and folders only
    return file


def _check_size(name: str, size: int) -> None:
    if not 0 <= size <= LARGEST:
        raise _WrongError(f"{name} declares {size:,} bytes, more than {LARGEST:,}")


def _fetch(url: str, name: str, md5: str, folder: Path, progress: Progress) -> Path:
    """A file under its name, if its checksum is right, which pooch verifies."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # it would report on stderr what `progress` reports
    resume = _Resuming(folder / f"{name}.part", lambda here, of: progress(name, here, of))
    try:
        return Path(pooch.retrieve(url, f"md5:{md5}", name, folder, downloader=resume))
    except requests.RequestException as error:
        here = resume.part.stat().st_size if resume.part.exists() else 0
        again = f"; {here:,} bytes have been received; run it again to continue" if here else ""
        raise PsubenchError(
            f"{url}: {plugins.one_line(error)}",
            f"check the connection, or put the file into {folder}{again}",
            CASE_FAILED,
        ) from None
    except ValueError:  # what pooch raises for a wrong checksum
        raise PsubenchError(
            f"{url} is not the file that was published: its MD5 is not {md5}",
            "it was deleted; try again, or another --mirror",
            CASE_FAILED,
        ) from None


class _Resuming:
    """Downloads for pooch; keeps what has arrived in a separate file, and requests only the rest."""

    def __init__(self, part: Path, progress: Callable[[int, int | None], None]) -> None:
        self.part = part
        self.progress = progress

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        """Writes `url` to `output_file`, the name that pooch checks."""
        import requests

        here = self.part.stat().st_size if self.part.exists() else 0
        ask = {"Accept-Encoding": "identity", **({"Range": f"bytes={here}-"} if here else {})}
        with requests.get(url, headers=ask, stream=True, timeout=_TIMEOUT) as response:
            if here and response.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink()  # as long as the file, or longer: it cannot be right
                return self(url, output_file, _pooch)
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                here = 0  # the server sends all of it
            length = response.headers.get("Content-Length")
            total = here + int(length) if length else None
            with self.part.open("ab" if here else "wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    here += file.write(chunk)
                    self.progress(here, total)
        os.replace(self.part, output_file)
        return None
