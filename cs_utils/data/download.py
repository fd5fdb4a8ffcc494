"""Fetch one file over HTTP: resumed where it stopped, from the next address when one fails, checked before
use.

What has arrived lies in NAME.part; NAME appears only when its checksum is right, in one step.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cs_utils.data.problems import DataError, megabytes
from cs_utils.data.progress import Progress
from cs_utils.data.registry import File

_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Patience:
    """How long a server may take.

    silence: seconds without a byte. window, slowest: over `window` seconds at least `slowest` bytes a second
    must come. cuts: how often one address may break off after it has sent something. pause: seconds before it
    is tried again.
    """

    silence: float = 20
    window: float = 30
    slowest: float = 2_000
    cuts: int = 10
    pause: float = 1


class _Failed(Exception):
    """An address did not give the file; the message says why, as the end of a sentence."""


class DownloadFailed(DataError):
    """No address gave the file. reasons: one line for each address. kept: bytes that wait to be completed."""

    def __init__(self, file: File, reasons: Sequence[str], kept: int) -> None:
        super().__init__(f"{file.name} could not be downloaded:\n" + "\n".join(reasons))
        self.reasons, self.kept = tuple(reasons), kept


def fetch(
    file: File,
    addresses: Sequence[str],
    target: Path,
    *,
    alone: bool = True,
    patience: Patience | None = None,
) -> None:
    """Download `file` from the first of `addresses` (whole URLs) that has it, to the path `target`.

    alone: no other process writes here, so what an earlier attempt left is used.

    Raises:
        DownloadFailed: none has it; what has arrived is kept for the next time.
        OSError: the disk cannot be written.
    """
    part = target.with_name(f"{target.name}.part" if alone else f"{target.name}.{os.getpid()}.part")
    patience = patience or Patience()
    reasons = []
    for address in addresses:
        try:
            _from_address(file, address, part, patience)
        except _Failed as why:
            reasons.append(f"{address}: {why}")
        else:
            os.replace(part, target)
            return
    raise DownloadFailed(file, reasons, _size(part))


def _from_address(file: File, address: str, part: Path, patience: Patience) -> None:
    """Fill `part` and check it; bytes of an earlier attempt are trusted until the checksum says otherwise."""
    resumed = _size(part) > 0
    _complete(file, address, part, patience)
    if digest(part) == file.sha256:
        return
    part.unlink()
    if not resumed:
        raise _Failed("sent another file (its checksum is wrong), which was thrown away")
    _from_address(file, address, part, patience)  # perhaps only what lay here was wrong


def _complete(file: File, address: str, part: Path, patience: Patience) -> None:
    """Append to `part` until it has the size of the file, again after each cut as long as something comes."""
    for _ in range(patience.cuts + 1):
        before = _size(part)
        if before == file.size:
            return
        if before > file.size:
            part.unlink()
            before = 0
        try:
            _append(file, address, part, patience)
        except _Failed as why:
            reason = why
        else:
            reason = _Failed(f"broke off after {megabytes(_size(part))} of {megabytes(file.size)}")
        if _size(part) == file.size:
            return
        if before and not _size(part):
            continue  # what lay here was thrown away, so from the beginning
        if _size(part) <= before:
            raise reason
        time.sleep(patience.pause)
    raise reason


def _append(file: File, address: str, part: Path, patience: Patience) -> None:
    """One request. Returns when the server has nothing more; raises _Failed when it fails or is too slow."""
    start = _size(part)
    with _answer(address, start, patience) as answer:
        if answer.status == 416:  # what lies here does not fit what the server has
            part.unlink()
            raise _Failed("has fewer bytes than what lay here")
        start = _begins_at(answer, start)
        _must_be_a_file(answer, file, start)
        with open(part, "r+b" if start else "wb") as out:
            out.seek(start)
            _copy(answer, out, file, start, patience)


def _answer(address: str, start: int, patience: Patience) -> http.client.HTTPResponse:
    """The server's answer to a request for the file from byte `start` on."""
    headers = {"User-Agent": "convnet-course", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=patience.silence)  # type: ignore[no-any-return]
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:
            return error  # type: ignore[return-value]
        error.close()
        raise _Failed(f"answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Failed(_no_connection(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Failed(_no_connection(error)) from None


def _begins_at(answer: http.client.HTTPResponse, asked: int) -> int:
    """Where in the file the answer begins: a server may send everything although only the rest was asked
    for."""
    if answer.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != asked:
        raise _Failed("did not send the part that was asked for")
    return asked


def _must_be_a_file(answer: http.client.HTTPResponse, file: File, start: int) -> None:
    if answer.headers.get_content_type() == "text/html":
        raise _Failed("sent a web page and no file; does this network want a login in the browser first?")
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and start + int(length) != file.size:
        raise _Failed(f"has another file: {start + int(length):,} bytes, and it should be {file.size:,}")


def _copy(
    answer: http.client.HTTPResponse, out: BinaryIO, file: File, start: int, patience: Patience
) -> None:
    progress = Progress(f"{file.name} from {_host(answer.url)}", file.size, done=start)
    began, arrived = time.monotonic(), 0
    try:
        while block := _next(answer, min(_AT_ONCE, file.size - progress.done)):
            out.write(block)
            progress.advance(len(block))
            arrived += len(block)
            seconds = time.monotonic() - began
            if seconds > patience.window:
                if arrived < patience.slowest * seconds:
                    raise _Failed(f"is too slow: {arrived:,} bytes in {seconds:.0f} s")
                began, arrived = time.monotonic(), 0
    finally:
        progress.close()


def _next(answer: http.client.HTTPResponse, most: int) -> bytes:
    """The bytes that come next, b"" at the end."""
    try:
        return answer.read1(most) if most else b""
    except (OSError, http.client.HTTPException) as error:
        raise _Failed(_no_connection(error)) from None


def _host(address: str) -> str:
    return re.sub(r"^\w+://([^/]+)/.*$", r"\1", address)


def _no_connection(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "does not answer"
    if isinstance(reason, (ConnectionResetError, http.client.IncompleteRead, http.client.RemoteDisconnected)):
        return "broke the connection"
    text = str(getattr(reason, "strerror", None) or reason).rstrip(".")
    return f"no connection ({text})"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def digest(path: Path) -> str:
    """The sha256 of a file."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
