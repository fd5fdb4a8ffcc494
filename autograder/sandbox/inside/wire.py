"""The only language spoken across the wall: plain data in frames, no pickle, every size checked first.

A frame is a fixed head (magic, version, length of the header, length of the payload), a JSON header, and the
arrays as .npy files one after another. Both sides use this file. What the worker sends is hostile: whatever
is wrong with a frame, `read_frame` raises `WireError` and nothing else, and reads no more than its caps.

In the header every value is a pair of a tag and its content::

    ["n", null]  ["b", true]  ["i", "-12"]  ["f", "0x1.8p+1"]  ["s", "text"]  ["o", "pandas.DataFrame"]
    ["t", [...]]  ["l", [...]]  ["d", {"key": ...}]  ["a", 0]  ["r", "7"]
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs_utils.checking.outcome import Failure, Odd, Outcome, Seed

MAGIC = b"cnvg"
VERSION = 1
HEAD = struct.Struct("<4sBxxxIQ")
MAX_DEPTH = 12
MAX_DIGITS = 1000
MAX_ARRAYS = 10_000
CLAIMED_KINDS = ("raised", "missing")  # the other kinds of failure are for the trusted side to tell

_NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|=](?:[biu][1248]|f[248]|c8|c16))', 'fortran_order': False, "
    rb"'shape': \(([\d, ]{0,400})\), \} *\n"
)
_INTEGER = re.compile(rf"-?\d{{1,{MAX_DIGITS}}}", re.ASCII)
_FLOAT = re.compile(r"-?(0x[01]\.[0-9a-f]{1,13}p[+-]\d{1,4}|inf)|nan", re.ASCII)


class WireError(Exception):
    """The bytes are no frame of ours, or the value does not fit into one."""


@dataclass(frozen=True)
class Caps:
    """The most that a reader accepts and a writer sends, in bytes."""

    header: int = 1 << 20
    payload: int = 64 << 20


# --- writing -------------------------------------------------------------------------------------------


def encode(value: Any, caps: Caps) -> bytes:
    """One frame holding `value`: plain data as `cs_utils.checking.outcome.plain` makes it.

    Raises:
        WireError: the value is not plain data, or is larger than `caps`.
    """
    arrays: list[bytes] = []
    tree = _pack(value, arrays, caps, 0)
    header = json.dumps({"value": tree, "arrays": [len(array) for array in arrays]}).encode()
    size = sum(map(len, arrays))
    if len(header) > caps.header:
        raise WireError(f"{len(header):,} bytes without the arrays; no more than {caps.header:,} can be sent")
    _check_payload(size, caps)
    return b"".join([HEAD.pack(MAGIC, VERSION, len(header), size), header, *arrays])


def _pack(value: Any, arrays: list[bytes], caps: Caps, depth: int) -> list[Any]:
    if depth > MAX_DEPTH:
        raise WireError(f"nested more than {MAX_DEPTH} deep")
    match value:
        case None:
            return ["n", None]
        case bool():
            return ["b", value]
        case int():
            if value.bit_length() > 3 * MAX_DIGITS:
                raise WireError(f"an integer with more than {MAX_DIGITS} digits")
            return ["i", str(value)]
        case float():
            return ["f", value.hex()]
        case str():
            return ["s", value.encode("utf-8", "replace").decode()]
        case Odd():
            return ["o", value.type_name.encode("utf-8", "replace").decode()]
        case Seed():
            return ["r", str(value.value)]
        case np.ndarray():
            arrays.append(_npy(value, caps))
            return ["a", len(arrays) - 1]
        case tuple():
            return ["t", [_pack(item, arrays, caps, depth + 1) for item in value]]
        case list():
            return ["l", [_pack(item, arrays, caps, depth + 1) for item in value]]
        case dict():
            return ["d", {_key(key): _pack(item, arrays, caps, depth + 1) for key, item in value.items()}]
    raise WireError(f"a value of type {type(value).__name__}")


def _key(key: Any) -> str:
    if type(key) is not str:
        raise WireError(f"a key of type {type(key).__name__}")
    return key.encode("utf-8", "replace").decode()


def _npy(array: np.ndarray, caps: Caps) -> bytes:
    """The array as a .npy file of version 1.0 in C order."""
    if array.dtype.kind not in "biufc":
        raise WireError(f"an array of dtype {array.dtype}")
    _check_payload(array.nbytes, caps)
    text = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {tuple(array.shape)}, }}"
    padding = -(len(text) + 11) % 64
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + padding + 1)
    return head + text.encode() + b" " * padding + b"\n" + array.tobytes("C")


def _check_payload(size: int, caps: Caps) -> None:
    if size > caps.payload:
        raise WireError(f"arrays of {size:,} bytes; no more than {caps.payload:,} can be sent")


# --- reading -------------------------------------------------------------------------------------------


def read_frame(read: Callable[[int], bytes], caps: Caps) -> Any:
    """The value of the next frame. `read(n)` gives between 1 and n bytes, or none at the end.

    Raises:
        WireError: malformed in whatever way, or larger than `caps`.
        EOFError: the other side is gone.
    """
    magic, version, header_size, payload_size = HEAD.unpack(_exactly(read, HEAD.size))
    if magic != MAGIC or version != VERSION:
        raise WireError("not a frame of this grader")
    if header_size > caps.header or payload_size > caps.payload:
        raise WireError("a frame larger than allowed")  # no sizes: a student could tell secrets with them
    return _decode(_exactly(read, header_size), _exactly(read, payload_size))


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    parts = []
    while size > 0:
        part = read(min(size, 1 << 20))
        if not part:
            raise EOFError("the other side closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _decode(header: bytes, payload: bytes) -> Any:
    try:
        content = json.loads(header)
        if type(content) is not dict or content.keys() != {"value", "arrays"}:
            raise WireError("the header has other parts than value and arrays")
        return _unpack(content["value"], _arrays(content["arrays"], payload), 0)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, nested too deep
        raise WireError(f"unreadable header: {type(error).__name__}") from None


def _arrays(sizes: Any, payload: bytes) -> list[np.ndarray]:
    if type(sizes) is not list or len(sizes) > MAX_ARRAYS:
        raise WireError("the sizes of the arrays are no list")
    if any(type(size) is not int or size < 0 for size in sizes) or sum(sizes) != len(payload):
        raise WireError("the sizes of the arrays do not add up to the payload")
    arrays, start = [], 0
    for size in sizes:
        arrays.append(_array(memoryview(payload)[start : start + size]))
        start += size
    return arrays


def _array(file: memoryview) -> np.ndarray:
    """One .npy file -> an array of its own, or `WireError`. Takes only what `_npy` writes."""
    if bytes(file[:8]) != b"\x93NUMPY\x01\x00" or len(file) < 10:
        raise WireError("not a .npy file")
    (length,) = struct.unpack("<H", file[8:10])
    match = _NPY_HEADER.fullmatch(bytes(file[10 : 10 + length]))
    if match is None:
        raise WireError("not a .npy header of ours")
    try:
        dtype = np.dtype(match[1].decode())
        shape = tuple(int(size) for size in match[2].decode().split(",") if size.strip())
    except (TypeError, ValueError):
        raise WireError("no such dtype or shape") from None
    data = file[10 + length :]
    if dtype.kind not in "biufc" or dtype.itemsize == 0:
        raise WireError("no such dtype")
    if len(shape) > 32 or math.prod(shape) * dtype.itemsize != len(data) or max(shape, default=0) >= 1 << 31:
        raise WireError("the shape does not fit the bytes")
    try:
        return np.frombuffer(data, dtype).reshape(shape).copy()
    except ValueError:  # an empty array whose other sizes are beyond all measure
        raise WireError("the shape does not fit the bytes") from None


def _unpack(node: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if type(node) is not list or len(node) != 2 or type(node[0]) is not str or depth > MAX_DEPTH:
        raise WireError("not a value of ours")
    tag, content = node
    match tag, content:
        case "n", None:
            return None
        case "b", bool():
            return content
        case "i", str() if _INTEGER.fullmatch(content):
            return int(content)
        case "f", str() if _FLOAT.fullmatch(content):
            return _float(content)
        case "s", str():
            return _text(content)
        case "r", str() if _INTEGER.fullmatch(content):
            return Seed(int(content))
        case "o", str():
            return Odd(_text(content))
        case "a", int() if type(content) is int and 0 <= content < len(arrays):
            return arrays[content]
        case "t", list():
            return tuple(_unpack(item, arrays, depth + 1) for item in content)
        case "l", list():
            return [_unpack(item, arrays, depth + 1) for item in content]
        case "d", dict():
            return {_text(key): _unpack(item, arrays, depth + 1) for key, item in content.items()}
    raise WireError("not a value of ours")


def _float(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        raise WireError("no such float") from None


def _text(text: str) -> str:
    """Refuses lone surrogates, which nobody could print or store later."""
    text.encode()  # UnicodeEncodeError is a ValueError, which `_decode` turns into WireError
    return text


# --- failures and outcomes as plain data -----------------------------------------------------------------


def from_failure(failure: Failure) -> dict[str, Any]:
    return {
        "kind": failure.kind,
        "type": failure.type,
        "message": failure.message,
        "line_number": failure.line_number,
        "line": failure.line,
        "function": failure.function,
    }


def to_failure(data: Any) -> Failure:
    """Raises `WireError` unless `data` is what `from_failure` gives for an exception or a missing name."""
    texts = dict.fromkeys(("kind", "type", "message", "line", "function"), str)
    check(data, texts | {"line_number": int | None})
    if data["kind"] not in CLAIMED_KINDS:
        raise WireError("no such kind of failure")
    return Failure(**data)


def from_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "value": outcome.value,
        "failure": None if outcome.failure is None else from_failure(outcome.failure),
        "changed": outcome.changed,
        "printed": outcome.printed,
    }


def to_outcome(data: Any, seconds: float) -> Outcome:
    """Raises `WireError` unless `data` is what `from_outcome` gives. `seconds`: by the reader's own clock."""
    check(data, {"value": object, "failure": dict | None, "changed": tuple, "printed": int})
    if any(type(name) is not str for name in data["changed"]) or data["printed"] < 0:
        raise WireError("not an outcome")
    failure = None if data["failure"] is None else to_failure(data["failure"])
    return Outcome(data["value"], failure, data["changed"], data["printed"], seconds)


def check(data: Any, fields: Mapping[str, Any]) -> None:
    """Raise `WireError` unless `data` is a dict with just these keys, each of its type."""
    if type(data) is not dict or data.keys() != fields.keys():
        raise WireError("a message with other fields than expected")
    for key, kind in fields.items():
        if not isinstance(data[key], kind) or (type(data[key]) is bool and kind is not object):
            raise WireError(f"the field {key} has the wrong type")
