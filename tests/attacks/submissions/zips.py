"""What the zip of an LMS can hold. These come by `autograder collect`."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable

from tests.attacks.attack import NOTEBOOK, Attack

FILE = f"{NOTEBOOK}.ipynb"
Writer = Callable[[zipfile.ZipFile, bytes], object]


def entry(
    name: str, *, mode: int = stat.S_IFREG | 0o644, kind: int = zipfile.ZIP_DEFLATED
) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name, (2026, 10, 1, 12, 0, 0))
    found.external_attr = mode << 16
    found.compress_type = kind
    return found


def missing(
    name: str, tries: str, happens: str, write: Writer, says: str = "nothing was handed in"
) -> Attack:
    return Attack(name, tries, happens, zipped=write, status="missing", says=says)


def collected(name: str, tries: str, happens: str, write: Writer, **more: object) -> Attack:
    return Attack(name, tries, happens, zipped=write, **more)  # type: ignore[arg-type]


def under(name: str) -> str:
    return f"{name}/{FILE}"


def _link(archive: zipfile.ZipFile, data: bytes) -> None:
    archive.writestr(entry(under("zip-link"), mode=stat.S_IFLNK | 0o777), f"../ada/{FILE}")


def _encrypted(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-encrypted"))
    archive.writestr(found, data)
    found.flag_bits |= 0x1  # written into the list of contents at the end


def _broken(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-wrong-sum"), kind=zipfile.ZIP_STORED)
    archive.writestr(found, data)
    found.CRC ^= 1


def _lying(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-lying-size"))
    archive.writestr(found, data)
    found.file_size = 2**32 - 2


def _no_lzma(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-bad-lzma"), kind=zipfile.ZIP_STORED)
    archive.writestr(found, b"\x09\x14\x05\x00\xff\xff\xff\xff\xff" + data)
    found.compress_type = zipfile.ZIP_LZMA


def _huge_lzma(archive: zipfile.ZipFile, data: bytes) -> None:
    """A stream that asks for a dictionary of 4 GB."""
    found = entry(under("zip-huge-lzma"), kind=zipfile.ZIP_STORED)
    archive.writestr(found, b"\x09\x14\x05\x00\x5d" + struct.pack("<I", 2**32 - 1) + b"\0" + data)
    found.compress_type = zipfile.ZIP_LZMA


def _no_bzip2(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-bad-bzip2"), kind=zipfile.ZIP_STORED)
    archive.writestr(found, data)
    found.compress_type = zipfile.ZIP_BZIP2


def _unknown(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-unknown-kind"), kind=zipfile.ZIP_STORED)
    archive.writestr(found, data)
    found.compress_type = 97


def _strange_times(archive: zipfile.ZipFile, data: bytes) -> None:
    found = entry(under("zip-strange-times"))
    found.date_time = (2107, 15, 31, 31, 63, 62)
    found.extra = struct.pack("<HHBi", 0x5455, 5, 1, -(2**31)) + b"\x01"
    archive.writestr(found, data)


def _twice(archive: zipfile.ZipFile, data: bytes) -> None:
    archive.writestr(entry(under("zip-twice")), b"{}")
    other = entry(under("zip-twice").replace(".ipynb", "-2.ipynb"))
    archive.writestr(other, data)


def _bomb(archive: zipfile.ZipFile, data: bytes) -> None:
    archive.writestr(entry(under("zip-bomb")), b" " * (300 << 20))


def _astray(name: str) -> Writer:
    return lambda archive, data: archive.writestr(entry(name), data)


ATTACKS = (
    collected(
        "zip-honest",
        "nothing: it shows that this way works",
        "all answers count",
        lambda archive, data: archive.writestr(entry(under("zip-honest")), data),
    ),
    missing(
        "zip-up",
        "a path that leads up into a classmate's folder",
        "not taken, and listed",
        _astray(f"zip-up/../../submitted/ben/{NOTEBOOK}/{FILE}"),
    ),
    missing(
        "zip-root",
        "a path that begins at the root",
        "not taken, and listed",
        _astray(f"/tmp/zip-root/{FILE}"),
    ),
    missing(
        "zip-drive",
        "a path with a drive and backslashes",
        "not taken, and listed",
        _astray(f"C:\\zip-drive\\..\\ben\\{FILE}"),
    ),
    missing(
        "zip-mate",
        "a file named as a classmate inside its own folder",
        "the outer folder decides, and it has no notebook for the assignment",
        lambda archive, data: archive.writestr(entry("zip-mate/ben.txt"), data),
    ),
    missing("zip-link", "a link in the archive", "not followed: a row says so", _link),
    missing("zip-encrypted", "an encrypted entry", "not read: a row says so", _encrypted),
    missing("zip-wrong-sum", "an entry whose sum is wrong", "a row says that it is damaged", _broken),
    missing("zip-bad-lzma", "an LZMA entry that is none", "a row says that it is damaged", _no_lzma),
    missing(
        "zip-huge-lzma",
        "an LZMA entry that asks for 4 GB of memory",
        "a row says that it is damaged",
        _huge_lzma,
    ),
    missing("zip-bad-bzip2", "a bzip2 entry that is none", "a row says that it is damaged", _no_bzip2),
    missing(
        "zip-unknown-kind", "a way to compress that nobody knows", "a row says that it is damaged", _unknown
    ),
    missing(
        "zip-in-zip",
        "an archive in the archive",
        "not opened, and listed",
        lambda archive, data: archive.writestr(entry("zip-in-zip/all.zip"), data),
    ),
    collected(
        "zip-lying-size", "an entry that says it is 4 GB large", "what is there is read, and no more", _lying
    ),
    collected(
        "zip-strange-times",
        "the 31st of the 15th month of 2107",
        "no time is known; all answers count",
        _strange_times,
    ),
    collected("zip-twice", "two attempts", "the later one counts, and the row says so", _twice),
    collected(
        "zip-bomb",
        "300 MB of blanks in 300 KB",
        "no more than 20 MiB are unpacked: a row says so",
        _bomb,
        status="unreadable",
        says="larger than 20 MiB",
    ),
)
