"""Archives as an attacker or a bad disk leaves them: linked, encrypted, of huge sizes."""

import io
import struct
import tarfile
import zipfile

from support.hostile_files import many


def zips(victim):
    """Contents of zip archives where one with the member "wanted" belongs."""

    def packed(method=zipfile.ZIP_DEFLATED, name="wanted", content=b"content" * 99, mode=0):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as archive:
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr = method, mode << 16
            archive.writestr(entry, content)
        return made.getvalue()

    def changed(content, at, values):  # at: offsets in the local header and in the central directory
        made = bytearray(content)
        central = content.index(b"PK\1\2")
        for place, value in ((at[0], values), (central + at[1], values)):
            made[place : place + len(value)] = value
        return bytes(made)

    whole = packed()
    crafted = [packed(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)]
    for content in [*crafted, whole]:  # encrypted, and of methods that nobody knows
        crafted.append(changed(content, (6, 8), b"\1\0"))
        crafted += [
            changed(content, (8, 10), struct.pack("<H", method)) for method in (1, 6, 8, 9, 12, 14, 93, 99)
        ]
    huge = struct.pack("<I", 2**32 - 2)
    crafted += [
        changed(whole, (22, 24), huge),
        changed(whole, (18, 20), huge),
        changed(whole, (18, 20), huge * 2),
    ]
    crafted += [
        packed(content=str(victim).encode(), mode=0o120777),
        packed(name="wanted/"),
        packed(name="../wanted"),
    ]
    return many(whole, crafted[3:])


def tars(victim):
    """Contents of tar archives where one with the member "wanted" belongs."""

    def packed(mode="w:gz", **values):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode=mode) as archive:
            other = tarfile.TarInfo("other")
            other.size = 4
            archive.addfile(other, io.BytesIO(b"else"))
            entry = tarfile.TarInfo("wanted")
            content = values.pop("content", b"content" * 99)
            entry.size = len(content)
            for name, value in values.items():
                setattr(entry, name, value)
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
        return made.getvalue()

    crafted = []
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            for target in (str(victim), "other", "wanted", "../../etc/passwd", ""):
                crafted.append(packed(mode, type=kind, linkname=target, size=0))
        for kind in (tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE):
            crafted.append(packed(mode, type=kind, size=0))
        crafted += [packed(mode)[:-30], packed(mode)[:200], packed(mode, pax_headers={"size": "9" * 30})]
        crafted.append(packed(mode, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}))
        crafted.append(packed(mode, pax_headers={"GNU.sparse.map": "0,1,2", "GNU.sparse.size": str(2**50)}))
        crafted.append(packed(mode, pax_headers={"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**50)}))
    return many(packed("w"), crafted)
