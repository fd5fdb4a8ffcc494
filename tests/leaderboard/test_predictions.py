"""Uploads are read without trust: right files give their labels, everything else one helpful sentence."""

from __future__ import annotations

import csv
import io
import pickle
import resource
import struct
import time
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.leaderboard.competition import sample_submission
from autograder.leaderboard.predictions import Predictions, Refused, most_bytes, read
from tests.leaderboard.fixtures import npz

IDS = np.array([17, 5, 90, 33, 61], dtype=np.int64)
LABELS = np.array([0, 3, 1, 2, 2], dtype=np.int64)
CLASSES = 4


def parsed(data: bytes, name: str = "predictions.npz", **options: Any) -> Predictions:
    return read(data, name, **({"ids": IDS, "n_classes": CLASSES} | options))


def refusal(data: bytes, name: str = "predictions.npz", **options: Any) -> str:
    """The sentence with which an upload is refused."""
    with pytest.raises(Refused) as refused:
        parsed(data, name, **options)
    return str(refused.value)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy(descr: str, shape: str, data: bytes = b"", fortran: bool = False, version: int = 1) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def text(*lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


PLAIN_CSV = text("id,label", "17,0", "5,3", "90,1", "33,2", "61,2")


# --- what is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i4", "<i8", ">u8", "u4"])
def test_labels_of_every_whole_number_type_are_read(dtype):
    found = parsed(npz(ids=IDS.astype(dtype), labels=LABELS.astype(dtype)))
    assert found.labels.dtype == np.int64 and found.labels.tolist() == LABELS.tolist()
    assert found.ranked is None


def test_ids_may_come_in_any_order_or_not_at_all():
    order = np.array([3, 1, 4, 0, 2])
    assert parsed(npz(ids=IDS[order], labels=LABELS[order])).labels.tolist() == LABELS.tolist()
    assert parsed(npz(labels=LABELS)).labels.tolist() == LABELS.tolist()
    shuffled = text("id,label", *(f"{IDS[i]},{LABELS[i]}" for i in order))
    assert parsed(shuffled, "a.csv").labels.tolist() == LABELS.tolist()


def test_compressed_files_and_other_arrays_beside_are_read():
    file = io.BytesIO()
    np.savez_compressed(file, ids=IDS, labels=LABELS, note=np.array("mine"))
    assert parsed(file.getvalue()).labels.tolist() == LABELS.tolist()


def test_scores_become_the_best_classes_and_of_equal_ones_the_lower_number():
    scores = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [1, 1, 1, 1], [0, 5, 5, 0], [-1, -2, 0, 0]])
    expected = [[3, 2], [0, 1], [0, 1], [1, 2], [2, 3]]
    for dtype in ("f2", "f4", ">f8", "i4"):
        found = parsed(npz(ids=IDS, scores=scores.astype(dtype)), top_k=2)
        assert found.ranked is not None and found.ranked.tolist() == expected
        assert found.labels.tolist() == [row[0] for row in expected]
    assert parsed(npz(scores=scores.astype("f4"))).ranked is None


def test_fortran_order_is_the_same_predictions():
    scores = np.random.default_rng(0).normal(size=(5, CLASSES))
    both = [parsed(npz(scores=order(scores)), top_k=3) for order in (np.asfortranarray, np.ascontiguousarray)]
    assert both[0].ranked is not None and both[0].ranked.tolist() == both[1].ranked.tolist()


def test_several_labels_per_image_are_guesses_best_first():
    ranked = np.array([[0, 1, 2], [3, 0, 1], [1, 2, 3], [2, 1, 0], [2, 3, 1]])
    lines = [f"{one},{' '.join(map(str, guesses))}" for one, guesses in zip(IDS, ranked, strict=True)]
    for data, name in ((npz(labels=ranked), "a.npz"), (text("id,label", *lines), "a.csv")):
        found = parsed(data, name, top_k=2)
        assert found.labels.tolist() == LABELS.tolist()
        assert found.ranked is not None and found.ranked.tolist() == ranked[:, :2].tolist()


@pytest.mark.parametrize(
    "data",
    [
        PLAIN_CSV,
        b"\xef\xbb\xbf" + PLAIN_CSV,
        PLAIN_CSV.replace(b"\n", b"\r\n"),
        PLAIN_CSV.rstrip(b"\n"),
        PLAIN_CSV + b"\n\r\n  \n",
        PLAIN_CSV.replace(b"id,label", b'"id","label"').replace(b"90,1", b'"90","1"'),
        PLAIN_CSV.replace(b",", b" , "),
        PLAIN_CSV.replace(b"\n", b"\r"),
    ],
    ids=["plain", "BOM", "CRLF", "no last line end", "blank lines", "quotes", "blanks", "old Mac"],
)
def test_csv_as_kaggle_pandas_excel_and_r_write_it_is_read(data):
    assert parsed(data, "Predictions.CSV").labels.tolist() == LABELS.tolist()


def test_the_sample_submission_is_valid():
    assert parsed(sample_submission(IDS).encode(), "sample_submission.csv").labels.tolist() == [0] * 5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_numpy_or_the_csv_module_writes_is_what_is_read(data):
    n = data.draw(st.integers(1, 40), label="n")
    classes = data.draw(st.integers(2, 300), label="classes")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32), label="seed"))
    ids = rng.choice(10**6, n, replace=False)
    labels = rng.integers(0, classes, n)
    order = rng.permutation(n)
    file = io.StringIO()
    csv.writer(file).writerows([("id", "label"), *zip(ids[order], labels[order], strict=True)])
    for blob, name in (
        (npz(ids=ids[order], labels=labels[order]), "a.npz"),
        (file.getvalue().encode(), "a.csv"),
    ):
        assert read(blob, name, ids=ids, n_classes=classes).labels.tolist() == labels.tolist()


# --- what is refused --------------------------------------------------------------------------------------

GOOD = npz(ids=IDS, labels=LABELS)


class Evil:
    """Would run code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("an upload was unpickled",))


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def encrypted(data: bytes) -> bytes:
    """The same archive with the bit set that says a member is encrypted, in both headers."""
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    data = data[: local + 6] + b"\x01\x00" + data[local + 8 :]
    return data[: central + 8] + b"\x01\x00" + data[central + 10 :]


# what was uploaded -> (bytes, file name, words that the sentence must have)
HOSTILE: dict[str, tuple[bytes, str, tuple[str, ...]]] = {
    "nothing": (b"", "predictions.npz", ("empty",)),
    "too long": (b"x" * (most_bytes(5, CLASSES) + 1), "a.csv", ("bytes", "at most")),
    "no ending": (GOOD, "predictions", ("no ending", ".npz or .csv")),
    "another ending": (GOOD, "predictions.pt", ("'.pt'", ".npz or .csv")),
    "a name with escapes": (GOOD, "a.\x1b[31mx", ("\\x1b", ".npz or .csv")),
    "csv named npz": (PLAIN_CSV, "predictions.npz", ("named .npz", "not a zip")),
    "npz named csv": (GOOD, "predictions.csv", ("named .csv", "zip")),
    "a bare array": (npy("'<i8'", "(5,)", LABELS.tobytes()), "predictions.npz", (".npy", "np.savez")),
    "a bare array named npy": (npy("'<i8'", "(5,)", LABELS.tobytes()), "labels.npy", (".npy", "np.savez")),
    "a pickle": (pickle.dumps({"labels": [1]}), "predictions.npz", ("not a zip",)),
    "an empty zip": (zipped({}), "predictions.npz", ("empty or damaged",)),
    "a truncated zip": (GOOD[:-30], "predictions.npz", ("cut short",)),
    "half a zip": (GOOD[: len(GOOD) // 2], "predictions.npz", ("cut short",)),
    "something behind the zip": (GOOD + b"\0", "predictions.npz", ("cut short or damaged",)),
    "a zip with a wrong directory": (GOOD[:-6] + b"\xff\xff\0\0\0\0", "predictions.npz", ("damaged",)),
    "a zip with many members": (
        zipped({f"a{i}.npy": b"" for i in range(300)}),
        "predictions.npz",
        ("too many arrays",),
    ),
    "a damaged member": (damaged(GOOD, 60), "predictions.npz", ("damaged",)),
    "an encrypted member": (encrypted(GOOD), "predictions.npz", ("encrypted",)),
    "another compression": (
        zipped({"labels.npy": npy("'<i8'", "(5,)", LABELS.tobytes())}, zipfile.ZIP_LZMA),
        "predictions.npz",
        ("packed in a way",),
    ),
    "a zip bomb": (
        zipped({"labels.npy": npy("'<i8'", "(5,)", bytes(10**7))}, zipfile.ZIP_DEFLATED),
        "predictions.npz",
        ("10,000,0", "at most"),
    ),
    "arrays without names": (npz(a=LABELS), "predictions.npz", ("holds a", "`labels`")),
    "positional arrays": (
        zipped({"arr_0.npy": npy("'<i8'", "(5,)", LABELS.tobytes())}),
        "predictions.npz",
        ("arr_0", "np.savez("),
    ),
    "labels and scores": (
        npz(labels=LABELS, scores=np.zeros((5, CLASSES))),
        "predictions.npz",
        ("only one",),
    ),
    "not an array": (zipped({"labels.npy": b"0,1,2"}), "predictions.npz", ("not a NumPy array",)),
    "a header of 10^12 elements": (
        zipped({"labels.npy": npy("'<i8'", "(1000000000000,)")}),
        "predictions.npz",
        ("(1000000000000,)", "(5,)"),
    ),
    "a header that overflows": (
        zipped({"labels.npy": npy("'<i8'", f"({2**61}, 8)")}),
        "predictions.npz",
        ("(5,)",),
    ),
    "a header with a negative length": (
        zipped({"labels.npy": npy("'<i8'", "(-5,)", LABELS.tobytes())}),
        "predictions.npz",
        ("header",),
    ),
    "a header that is code": (
        zipped({"labels.npy": npy("__import__('os').system('false')", "(5,)")}),
        "predictions.npz",
        ("header",),
    ),
    "a deep header": (
        zipped({"labels.npy": npy("[" * 400 + "]" * 400, "(5,)")}),
        "predictions.npz",
        ("numbers are expected",),
    ),
    "a long header": (
        zipped({"labels.npy": b"\x93NUMPY\x02\0" + struct.pack("<I", 2**32 - 1)}),
        "predictions.npz",
        ("header",),
    ),
    "less data than the header says": (
        zipped({"labels.npy": npy("'<i8'", "(5,)", bytes(39))}),
        "predictions.npz",
        ("40 bytes", "39"),
    ),
    "more data than the header says": (
        zipped({"labels.npy": npy("'<i8'", "(5,)", bytes(41))}),
        "predictions.npz",
        ("40 bytes", "41"),
    ),
    "objects": (npz(labels=np.array([Evil()] * 5, dtype=object)), "predictions.npz", ("pickled", "numbers")),
    "a pickle in the zip": (zipped({"labels.npy": pickle.dumps([1])}), "predictions.npz", ("not a NumPy",)),
    "a structured array": (
        npz(labels=np.zeros(5, dtype=[("id", "i8"), ("label", "i8")])),
        "predictions.npz",
        ("named columns",),
    ),
    "text labels": (npz(labels=np.array(["ring"] * 5)), "predictions.npz", ("holds text", "numbers")),
    "bytes labels": (npz(labels=np.array([b"ring"] * 5)), "predictions.npz", ("holds bytes",)),
    "true and false": (npz(labels=np.array([True] * 5)), "predictions.npz", ("true or false",)),
    "complex": (npz(labels=LABELS * 1j), "predictions.npz", ("complex",)),
    "dates": (npz(labels=LABELS.astype("M8[D]")), "predictions.npz", ("dates",)),
    "long doubles": (npz(scores=np.zeros((5, CLASSES), np.longdouble)), "predictions.npz", ("numbers",)),
    "float labels": (npz(labels=LABELS * 1.0), "predictions.npz", ("float64", "labels.astype(int)")),
    "nan labels": (npz(labels=LABELS * np.nan), "predictions.npz", ("float64", "whole numbers")),
    "float ids": (npz(ids=IDS * 1.0, labels=LABELS), "predictions.npz", ("`ids`", "ids.astype(int)")),
    "negative labels": (npz(labels=LABELS - 1), "predictions.npz", ("-1", "0 to 3")),
    "labels from 1": (npz(labels=LABELS + 1), "predictions.npz", ("Label 4", "0 to 3")),
    "huge labels": (npz(labels=LABELS.astype("u8") + 2**63), "predictions.npz", ("9223372036854775808",)),
    "0-d labels": (npz(labels=np.int64(3)), "predictions.npz", ("shape ()", "(5,)")),
    "too few": (npz(labels=LABELS[:-1]), "predictions.npz", ("(4,)", "(5,)")),
    "none": (npz(labels=LABELS[:0]), "predictions.npz", ("(0,)", "(5,)")),
    "as a row": (npz(labels=LABELS[None]), "predictions.npz", ("(1, 5)", "(5,)")),
    "three axes": (npz(labels=LABELS[:, None, None]), "predictions.npz", ("(5, 1, 1)", "(5,)")),
    "no guesses": (npz(labels=np.zeros((5, 0), int)), "predictions.npz", ("(5, 0)", "(5,)")),
    "one-hot labels": (
        npz(labels=np.eye(CLASSES, dtype=int)[LABELS]),
        "predictions.npz",
        ("names a class twice", "scores"),
    ),
    "scores of other classes": (npz(scores=np.zeros((5, 10))), "predictions.npz", ("(5, 10)", "(5, 4)")),
    "transposed scores": (npz(scores=np.zeros((CLASSES, 5))), "predictions.npz", ("(4, 5)", "(5, 4)")),
    "nan scores": (
        npz(scores=np.where(np.arange(20).reshape(5, 4) == 9, np.nan, 1.0)),
        "predictions.npz",
        ("nan", "row 2"),
    ),
    "infinite scores": (npz(scores=np.full((5, 4), -np.inf)), "predictions.npz", ("infinity", "finite")),
    "an unknown id": (npz(ids=IDS + (IDS == 33), labels=LABELS), "predictions.npz", ("Id 34", "test.npz")),
    "a huge id": (npz(ids=IDS.astype("u8") + 2**63, labels=LABELS), "predictions.npz", ("Id 9223",)),
    "an id twice": (npz(ids=np.full(5, 17), labels=LABELS), "predictions.npz", ("Id 17", "twice")),
    "ids of another length": (npz(ids=IDS[:3], labels=LABELS), "predictions.npz", ("`ids`", "(3,)", "(5,)")),
    "ids as a table": (npz(ids=IDS[:, None], labels=LABELS), "predictions.npz", ("`ids`", "(5, 1)")),
    "csv: no header": (PLAIN_CSV.split(b"\n", 1)[1], "a.csv", ("begins with '17,0'", "id,label")),
    "csv: only a header": (b"id,label\n", "a.csv", ("no predictions",)),
    "csv: other columns": (PLAIN_CSV.replace(b"label", b"class"), "a.csv", ("'id,class'", "id,label")),
    "csv: semicolons": (PLAIN_CSV.replace(b",", b";"), "a.csv", ("semicolons", "commas")),
    "csv: tabs": (PLAIN_CSV.replace(b",", b"\t"), "a.csv", ("tabs", "commas")),
    "csv: pandas' index": (b",id,label\n0,17,0\n", "a.csv", ("index=False",)),
    "csv: an open quote": (PLAIN_CSV.replace(b"90", b'"90'), "a.csv", ("Line", "cannot be read")),
    "csv: latin-1": (PLAIN_CSV.replace(b"90", b"9\xe90"), "a.csv", ("UTF-8",)),
    "csv: UTF-16": (PLAIN_CSV.decode().encode("utf-16"), "a.csv", ("UTF-16", "UTF-8")),
    "csv: nothing but zeros": (bytes(100), "a.csv", ("UTF-8",)),
    "csv: a word": (PLAIN_CSV.replace(b"90,1", b"90,ring"), "a.csv", ("Line 4", "'ring'", "0 to 3")),
    "csv: an escape": (PLAIN_CSV.replace(b"90,1", b"90,\x1b[2J"), "a.csv", ("\\x1b",)),
    "csv: a float": (PLAIN_CSV.replace(b"90,1", b"90,1.0"), "a.csv", ("Line 4", "'1.0'", "whole number")),
    "csv: nan": (PLAIN_CSV.replace(b"90,1", b"90,nan"), "a.csv", ("Line 4", "'nan'")),
    "csv: no label": (PLAIN_CSV.replace(b"90,1", b"90,"), "a.csv", ("Line 4", "no label")),
    "csv: one column": (PLAIN_CSV.replace(b"90,1", b"90"), "a.csv", ("Line 4", "1 column;")),
    "csv: three columns": (PLAIN_CSV.replace(b"90,1", b"90,1,2"), "a.csv", ("Line 4", "3 columns")),
    "csv: negative": (PLAIN_CSV.replace(b"90,1", b"90,-1"), "a.csv", ("-1", "0 to 3")),
    "csv: out of range": (PLAIN_CSV.replace(b"90,1", b"90,4"), "a.csv", ("Label 4", "0 to 3")),
    "csv: huge": (PLAIN_CSV.replace(b"90,1", b"90," + b"9" * 200), "a.csv", ("Line 4", "whole number")),
    "csv: a huge id": (PLAIN_CSV.replace(b"90,", b"9" * 25 + b","), "a.csv", ("Line 4", "id")),
    "csv: a short line": (PLAIN_CSV.replace(b"90,1\n", b""), "a.csv", ("4 lines", "5")),
    "csv: a line too many": (PLAIN_CSV + b"1,2\n", "a.csv", ("6 lines", "5")),
    "csv: a line too many in quotes": (PLAIN_CSV + b'"1",2\n', "a.csv", ("more than 5 lines",)),
    "csv: blank lines without end": (b"id,label\n" + b"\n" * 1000, "a.csv", ("more than 5 lines",)),
    "csv: an id twice": (PLAIN_CSV.replace(b"90", b"17"), "a.csv", ("Id 17", "twice")),
    "csv: an unknown id": (PLAIN_CSV.replace(b"90", b"91"), "a.csv", ("Id 91", "test.npz")),
    "csv: many labels": (PLAIN_CSV.replace(b"90,1", b"90,1 2 3 0 1"), "a.csv", ("5 labels", "4 classes")),
    "csv: a label twice": (PLAIN_CSV.replace(b"\n5,3", b"\n5,3 3"), "a.csv", ("1 label", "2")),
    "csv: other digits": (PLAIN_CSV.replace(b"90,1", "90,\u0663".encode()), "a.csv", ("Line 4",)),
    "csv: a formula": (PLAIN_CSV.replace(b"90,1", b"90,=1+1"), "a.csv", ("Line 4", "'=1+1'")),
    "a spreadsheet": (zipped({"xl/workbook.xml": b"<x/>"}), "predictions.csv", ("zip", ".xlsx")),
    "a web page": (b"<!doctype html><title>x</title>", "predictions.csv", ("begins with", "id,label")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_upload_is_refused_with_what_was_found_and_what_to_do(name):
    data, filename, words = HOSTILE[name]
    sentence = refusal(data, filename)
    for word in words:
        assert word in sentence, sentence
    assert sentence.endswith(".") and "\n" not in sentence and sentence.isprintable()
    assert len(sentence) < 400


def test_no_refusal_costs_memory_or_time():
    """All of them together, also those that ask for terabytes or unpack to 1000 times their size."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    for data, filename, _ in HOSTILE.values():
        refusal(data, filename)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB
    assert time.process_time() - started < 2


def test_a_member_that_unpacks_to_more_than_its_directory_says_is_not_unpacked():
    data = zipped({"labels.npy": npy("'<i8'", "(5,)", bytes(10**7))}, zipfile.ZIP_DEFLATED)
    central = data.index(b"PK\x01\x02")
    lying = data[: central + 24] + struct.pack("<I", 100) + data[central + 28 :]
    started = time.process_time()
    assert "damaged" in refusal(lying)
    assert time.process_time() - started < 0.1


def test_nothing_is_believed_of_a_file_of_the_largest_size():
    """A csv file, and a zip archive, as large as is looked at, with nothing right in them."""
    ids = np.arange(10_000)
    most = most_bytes(10_000, 10)
    lines = (b"id,label\n" + b"1,2\n" * (most // 4))[:most].rpartition(b"\n")[0]
    strange = (b"id,label\n" + b'"1",2\n' * (most // 6))[:most].rpartition(b"\n")[0]
    noise = zlib.compress(np.random.default_rng(0).bytes(most), 0)[:most]
    for data, name in ((lines, "a.csv"), (strange, "a.csv"), (b"PK\x03\x04" + noise[4:], "a.npz")):
        started = time.process_time()
        with pytest.raises(Refused):
            read(data, name, ids=ids, n_classes=10)
        assert time.process_time() - started < 0.5


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["npz", "csv"]), st.data())
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(kind, data):
    good = GOOD if kind == "npz" else PLAIN_CSV
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed) - 1))
        end = data.draw(st.sampled_from([at, at + 1, at + 1, at + 1, at + 20]))
        changed[at:end] = data.draw(st.binary(max_size=4))
        if not changed:
            break
    try:
        found = parsed(bytes(changed), f"a.{kind}", top_k=2)
    except Refused as refused:
        assert str(refused)
    else:
        assert found.labels.shape == (5,) and set(found.labels.tolist()) <= set(range(CLASSES))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.npz", "a.csv", "a"]), st.booleans())
def test_arbitrary_bytes_are_refused(data, name, as_zip):
    with pytest.raises(Refused):
        parsed((b"PK\x03\x04" if as_zip else b"") + data, name)


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.sampled_from("{}'\"()[],: <>|=iuf8O0159-\\\n\x00descrshapefortran_orderTrueFalse"), max_size=200
    )
)
def test_arbitrary_headers_are_refused(header):
    raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + LABELS.tobytes()
    refusal(zipped({"labels.npy": raw}))


# --- how fast ---------------------------------------------------------------------------------------------


def test_ten_thousand_predictions_are_read_in_milliseconds():
    rng = np.random.default_rng(0)
    ids, labels = rng.permutation(10**6)[:10_000], rng.integers(0, 10, 10_000)
    files = {
        "a.npz": (npz(ids=ids, labels=labels), 0.004),
        "b.npz": (npz(ids=ids[::-1], labels=labels), 0.012),
        "a.csv": (text("id,label", *(f"{i},{k}" for i, k in zip(ids, labels, strict=True))), 0.008),
    }
    for name, (data, most) in files.items():
        times = []
        for _ in range(7):
            started = time.process_time()
            read(data, name, ids=ids, n_classes=10)
            times.append(time.process_time() - started)
        assert min(times) < most, (name, times)
