"""What crosses the wall arrives exactly, and no bytes that a student can send do anything but be refused."""

from __future__ import annotations

import contextlib
import io
import json
import math
import tracemalloc
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.sandbox.inside import wire
from cs_utils.checking.outcome import Failure, Odd, Outcome

CAPS = wire.Caps(header=1 << 16, payload=1 << 20)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    texts.map(Odd),
    arrays,
    st.integers(-(10**900), 10**900),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(texts, inner, max_size=4),
    ),
    max_leaves=12,
)


def decode(frame: bytes, caps: wire.Caps = CAPS) -> Any:
    return wire.read_frame(io.BytesIO(frame).read, caps)


def identical(a: Any, b: Any) -> bool:
    """Equal with equal types, NaN equal to NaN, and 0.0 unequal to -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


@given(values)
def test_plain_data_arrives_exactly(value):
    assert identical(decode(wire.encode(value, CAPS)), value)


def test_arrays_of_any_memory_order_arrive_in_c_order():
    array = np.arange(24.0).reshape(2, 3, 4)
    for given_array in (np.asfortranarray(array), array[:, ::-1], array.transpose(2, 0, 1)):
        back = decode(wire.encode(given_array, CAPS))
        assert np.array_equal(back, given_array)
        assert back.flags.c_contiguous
        assert back.flags.writeable


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(noise):
    with pytest.raises((wire.WireError, EOFError)):
        decode(noise)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_random_bytes_behind_a_true_head_are_refused(header, payload):
    head = wire.HEAD.pack(wire.MAGIC, wire.VERSION, len(header), len(payload))
    with pytest.raises((wire.WireError, EOFError)):
        decode(head + header + payload)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(values, st.data())
def test_a_damaged_frame_is_refused_or_read_as_plain_data(value, data):
    frame = bytearray(wire.encode(value, CAPS))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(frame) - 1))
        frame[place] = data.draw(st.integers(0, 255))
    try:
        result = decode(bytes(frame))
    except (wire.WireError, EOFError):
        return
    wire.encode(result, CAPS)  # plain data, or this raises


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from("nbifsotlda"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["value", "arrays"]), inner)
    ),
    max_leaves=10,
)


@given(json_values, json_values)
def test_a_header_of_any_other_shape_raises_nothing_else(value, sizes):
    header = json.dumps({"value": value, "arrays": sizes}).encode()
    with contextlib.suppress(wire.WireError):
        decode(wire.HEAD.pack(wire.MAGIC, wire.VERSION, len(header), 0) + header)


def frame(header: bytes, payload: bytes = b"") -> bytes:
    return wire.HEAD.pack(wire.MAGIC, wire.VERSION, len(header), len(payload)) + header + payload


def npy(header: bytes, data: bytes = b"") -> bytes:
    file = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data
    return frame(b'{"value": ["a", 0], "arrays": [%d]}' % len(file), file)


@pytest.mark.parametrize(
    "bad",
    [
        frame(b"[" * 60_000),
        frame(b'{"value": ' + b'["t", [' * 5000 + b"]]" * 5000 + b', "arrays": []}'),
        frame(b'{"value": ["i", "' + b"9" * 5000 + b'"], "arrays": []}'),
        frame(b'{"value": ["i", 12], "arrays": []}'),
        frame(b'{"value": ["f", "0x1.8p+9999"], "arrays": []}'),
        frame(b'{"value": ["s", "\\ud800"], "arrays": []}'),
        frame(b'{"value": ["d", {"\\ud800": ["n", null]}], "arrays": []}'),
        frame(b'{"value": ["a", true], "arrays": []}'),
        frame(b'{"value": ["a", -1], "arrays": []}'),
        frame(b'{"value": ["n", 1], "arrays": []}'),
        frame(b'{"value": ["n", null], "arrays": [5]}'),
        frame(b'{"value": ["n", null], "arrays": [true]}', b"x"),
        frame(b'{"value": ["n", null], "arrays": [-1, 2]}', b"x"),
        frame(b'{"value": ["n", null], "arrays": [], "more": 1}'),
        frame(b'{"value": ["n", null], "arrays": ' + b"9" * 5000 + b"}"),
        npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", bytes(8)),
        npy(b"{'descr': '|c1', 'fortran_order': False, 'shape': (8,), }\n", bytes(8)),
        npy(b"{'descr': '<f3', 'fortran_order': False, 'shape': (8,), }\n", bytes(24)),
        npy(b"{'descr': '<f0', 'fortran_order': False, 'shape': (8,), }\n"),
        npy(b"{'descr': '<f8', 'fortran_order': True, 'shape': (1,), }\n", bytes(8)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", bytes(8)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000,), }\n", bytes(8)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9999999999999999999), }\n"),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 999999999, 999999999, 999999999), }\n"),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"1," * 65 + b"), }\n", bytes(8)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1 1,), }\n", bytes(8)),
        npy(b"__import__('os').abort()"),
    ],
)
def test_malicious_frames_are_refused(bad):
    with pytest.raises(wire.WireError):
        decode(bad)


@pytest.mark.parametrize("sizes", [(1 << 31, 0), (10, 1 << 60), (1 << 16, (1 << 20) + 1)])
def test_a_boasting_frame_is_refused_before_memory_is_taken(sizes):
    tracemalloc.start()
    with pytest.raises(wire.WireError):
        decode(wire.HEAD.pack(wire.MAGIC, wire.VERSION, *sizes) + bytes(100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_large_header_takes_bounded_memory():
    header = b'{"value": ["l", [' + b",".join([b'["n",null]'] * 5000) + b']], "arrays": []}'
    tracemalloc.start()
    decode(frame(header))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * CAPS.header


@pytest.mark.parametrize(
    "value",
    [
        10**4000,
        np.zeros(10**6),
        "x" * 10**6,
        {1: 2},
        {1, 2},
        object(),
        np.array([object()]),
        np.array(["text"]),
    ],
)
def test_what_cannot_cross_is_refused_by_the_sender(value):
    with pytest.raises(wire.WireError):
        wire.encode(value, CAPS)


@given(st.sampled_from(wire.CLAIMED_KINDS), texts, texts, st.none() | st.integers(1, 99), values)
def test_outcomes_arrive_exactly(kind, name, message, line_number, value):
    failure = Failure(kind, name, message, line_number, "y = x")
    outcome = Outcome(None, failure, ("x",), 7)
    assert wire.to_outcome(decode(wire.encode(wire.from_outcome(outcome), CAPS)), 0.0) == outcome
    good = wire.to_outcome(decode(wire.encode(wire.from_outcome(Outcome(value)), CAPS)), 1.5)
    assert identical(good.value, value)
    assert good.seconds == 1.5


@given(values)
def test_no_other_data_passes_for_an_outcome(value):
    for data in (value, {"value": 1, "failure": value, "changed": (), "printed": 0}):
        try:
            result = wire.to_outcome(data, 0.0)
        except wire.WireError:
            continue
        assert result == Outcome(1)


@pytest.mark.parametrize("kind", ["timeout", "crashed", "unreadable", "fine"])
def test_a_worker_cannot_claim_its_own_death(kind):
    data = wire.from_failure(Failure("raised")) | {"kind": kind}
    with pytest.raises(wire.WireError):
        wire.to_failure(data)
