"""A small data set on a web server that can be told to misbehave, and places of a student's own."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cs_utils.data.download import Patience
from cs_utils.data.registry import DataSet, File

HURRIED = Patience(silence=0.5, window=0.3, slowest=2_000, cuts=3, pause=0)
# Where the download is to succeed, or to fail for another reason than time, however busy the machine is.
STEADY = replace(HURRIED, silence=60, window=60, slowest=1)


@dataclass
class Web:
    """A web server. files: path -> bytes. misbehave: path -> how; see `_Handler`."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    misbehave: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def address(self, place: str = "a") -> str:
        return f"http://127.0.0.1:{self.port}/{place}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        web = self.web
        asked = self.headers.get("Range", "")
        web.requests.append((self.path, asked))
        how = web.misbehave.get(self.path, "")
        data = web.files.get("/files/" + self.path.rpartition("/")[2])
        if how == "redirect":
            return self._answer(302, b"", Location=self.path.replace("/a/", "/elsewhere/"))
        if how == "loop":
            return self._answer(302, b"", Location=self.path)
        if data is None or how == "missing":
            return self._answer(404, b"no such file")
        if how == "login page":
            return self._answer(200, b"<html>Please log in</html>", Content_Type="text/html")
        if how == "wrong bytes":
            data = bytes(len(data))
        if how == "wrong size":
            data = data + b"more"
        if how == "silent":
            time.sleep(1.2)
            return None
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0) if how != "no ranges" else 0
        if asked and start >= len(data):
            return self._answer(416, b"")
        headers = {}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if how == "wrong range":
            headers["Content_Range"] = f"bytes 0-{len(data) - 1}/{len(data)}"
        self._answer(206 if headers else 200, data[start:], how, **headers)
        return None

    def _answer(self, status: int, body: bytes, how: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            if how == "cut":  # a third of what is asked for, then the connection is closed
                self.wfile.write(body[: max(len(body) // 3, 1)])
                self.close_connection = True
                self.wfile.flush()
                self.connection.shutdown(2)
            elif how == "drip":
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    time.sleep(0.02)
            elif how == "slow":  # some 1 s for a file of the tests
                step = max(len(body) // 20, 1)
                for at in range(0, len(body), step):
                    self.wfile.write(body[at : at + step])
                    time.sleep(0.05)
            else:
                self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client has left


@pytest.fixture
def web(data_set: DataSet, packed: dict[str, bytes]) -> Iterator[Web]:
    """A server at whose addresses /a/, /b/, ... the files of `data_set` lie."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.web = web = Web(server.server_port, {f"/files/{name}": data for name, data in packed.items()})  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield web
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where data is kept; nothing of the machine's own is seen."""
    monkeypatch.delenv("CS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def entry(role: str, name: str, packed: bytes, unpacked: bytes = b"") -> File:
    found = hashlib.sha256(packed).hexdigest()
    if not unpacked:
        return File(role, name, len(packed), found)
    return File(role, name, len(packed), found, len(unpacked), hashlib.sha256(unpacked).hexdigest())


@pytest.fixture(scope="session")
def values() -> dict[str, np.ndarray]:
    """Role -> what the small data set of the tests holds."""
    rng = np.random.default_rng(0)
    return {
        "train-images": rng.integers(0, 256, (90, 12, 11), np.uint8),
        "train-labels": np.arange(90, dtype=np.uint8) % 3,
        "test-images": rng.integers(0, 256, (30, 12, 11), np.uint8),
        "test-labels": np.arange(30, dtype=np.uint8) % 3,
    }


@pytest.fixture(scope="session")
def packed(values: dict[str, np.ndarray]) -> dict[str, bytes]:
    """Name of a file -> its bytes."""
    return {f"{role}.gz": gzip.compress(idx(array), mtime=0) for role, array in values.items()}


@pytest.fixture(scope="session")
def data_set(values: dict[str, np.ndarray], packed: dict[str, bytes]) -> DataSet:
    """A data set in the format of MNIST, without addresses."""
    return DataSet(
        name="tiny",
        title="Tiny",
        shape=(12, 11, 1),
        images=(90, 30),
        licence="none needed",
        source="the tests",
        format="idx",
        classes=("cat", "dog", "owl"),
        files=tuple(entry(role, f"{role}.gz", packed[f"{role}.gz"], idx(values[role])) for role in values),
    )


@pytest.fixture
def online(data_set: DataSet, web: Web) -> DataSet:
    """The same with two addresses on the server."""
    return replace(data_set, addresses=(web.address("a"), web.address("b")))


# --- CIFAR ------------------------------------------------------------------------------------------------


def python2_pickle(value: object) -> bytes:
    """What Python 2 wrote at protocol 2 for values as in CIFAR's files: text as bytes, NumPy's old names."""

    def write(value: object) -> bytes:
        if isinstance(value, dict):
            return b"}(" + b"".join(write(key) + write(item) for key, item in value.items()) + b"u"
        if isinstance(value, list):
            return b"](" + b"".join(map(write, value)) + b"e"
        if isinstance(value, str):
            return b"U" + bytes([len(value)]) + value.encode()
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        assert isinstance(value, np.ndarray) and value.dtype == np.uint8
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        shape = b"(" + b"".join(map(write, value.shape)) + b"t"
        dtype = (
            b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )
        data = b"T" + struct.pack("<i", value.size) + value.tobytes()
        return made + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"

    return b"\x80\x02" + write(value) + b"."


def tar_gz(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def cifar(members: dict[str, bytes], **fields: object) -> tuple[DataSet, bytes]:
    """A data set in the format of CIFAR-10 with two training batches of 10 pictures, and its archive."""
    archive = tar_gz(members)
    data_set = DataSet(
        name="photos",
        title="Photos",
        shape=(4, 4, 3),
        images=(20, 10),
        licence="none needed",
        source="the tests",
        format="cifar",
        classes=("plane", "truck"),
        files=(entry("archive", "photos.tar.gz", archive),),
        folder="batches",
        train=("one", "two"),
        test=("test",),
        labels="labels",
    )
    return replace(data_set, **fields), archive  # type: ignore[arg-type]
