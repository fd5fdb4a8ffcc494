"""Reading: whatever state the file is in, there is a notebook or one sentence that says what to do."""

from __future__ import annotations

import json
import os
import socket

import pytest

from autograder.intake import take_in
from autograder.intake.reading import MAX_BYTES, MAX_CELLS, MAX_SOURCE
from autograder.text import printable
from tests.intake.notebooks import (
    CORR1D,
    CORR2D,
    added,
    cell,
    keeps_all_answers,
    messages,
    released,
    solved,
    take,
)


def put(tmp_path, data: bytes):
    folder = tmp_path / "submitted/ada/01_correlation"
    folder.mkdir(parents=True)
    path = folder / "01_correlation.ipynb"
    path.write_bytes(data)
    return path


# Files


def test_a_file_is_read(tmp_path):
    assert keeps_all_answers(take_in(put(tmp_path, json.dumps(solved()).encode()), released()))


def test_a_missing_file_is_said(tmp_path):
    problem = take_in(tmp_path / "x.ipynb", released()).problem
    assert problem == "there is no file x.ipynb; nothing was handed in"


def test_a_link_is_not_followed(tmp_path):
    real = put(tmp_path, json.dumps(solved()).encode())
    link = tmp_path / "x.ipynb"
    link.symlink_to(real)
    intake = take_in(link, released())
    assert "is a symbolic link" in intake.problem and intake.sha256 == ""


@pytest.mark.parametrize("level", [0, 1])
def test_a_linked_folder_is_not_followed(tmp_path, level):
    real = put(tmp_path, json.dumps(solved()).encode())
    folder = real.parents[level]
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in take_in(real, released()).problem


def test_pipes_sockets_devices_and_folders_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    assert "is a pipe" in take_in(tmp_path / "pipe.ipynb", released()).problem
    assert "is a folder" in take_in(tmp_path / "folder.ipynb", released()).problem
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(tmp_path)  # the path of a socket may be 108 bytes long
        server.bind("s.ipynb")
        assert take_in(tmp_path / "s.ipynb", released()).problem
    assert "is a device" in take_in(type(tmp_path)("/dev/zero"), released()).problem


def test_a_hard_link_is_flagged(tmp_path):
    path = put(tmp_path, json.dumps(solved()).encode())
    os.link(path, tmp_path / "other")
    intake = take_in(path, released())
    assert keeps_all_answers(intake)
    assert "hard link" in messages(intake, "flag")[0]


def test_an_oversized_file_is_said_and_not_read_whole(tmp_path):
    path = put(tmp_path, b"{")
    os.truncate(path, 10**12)  # a sparse terabyte: reading it whole would not end
    assert "larger than 20 MiB; ask the student to clear all outputs" in take_in(path, released()).problem


def test_bytes_beyond_the_cap_are_refused():
    assert "larger than 20 MiB" in take(b" " * (MAX_BYTES + 1)).problem


# Encodings


@pytest.mark.parametrize(
    "encoding",
    ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"],
)
def test_other_encodings_are_read_and_said(encoding):
    notebook = solved()
    notebook["cells"].append(added("# für"))
    intake = take(json.dumps(notebook, ensure_ascii=False).encode(encoding))
    assert keeps_all_answers(intake)
    assert any("the file is written in" in message for message in messages(intake, "repaired"))


def test_zero_bytes_after_the_end_are_taken_out():
    intake = take(json.dumps(solved()).encode() + b"\0" * 512)
    assert keeps_all_answers(intake)
    assert any("zero bytes" in message for message in messages(intake, "repaired"))


def test_half_surrogates_and_zero_characters_in_code_do_no_harm():
    text = json.dumps(solved()).replace("return x * k", "return x * k # \\ud800 \\u0000")
    intake = take(text)
    assert keeps_all_answers(intake)
    for item in intake.cells:
        item.source.encode()
        assert "\0" not in item.source


# What is no notebook


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty (0 bytes)"),
        (b"\0" * 4096, "nothing but zero bytes"),
        (b" \n\t ", "nothing but blanks"),
        (b"\xef\xbb\xbf", "nothing but blanks"),
        (b"%PDF-1.7", "is a PDF"),
        (b"  <!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04....", "is a zip archive"),
        (b"# %%\nimport numpy", "is a Python script"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"[1, 2]", "holds a JSON list, not a notebook"),
        (b"null", "holds a JSON null"),
        (b"NaN", "holds a JSON number"),
        (b"{}", "has no list of cells"),
        (b'{"cells": {}}', "has no list of cells"),
        (b'{"worksheets": 3}', "has no list of cells"),
        (b"{'cells': []}", "not valid JSON"),
        (b'{"cells": [\n  {"a": ]}', "not valid JSON (Expecting value, line 2, column 9)"),
        (b'{"cells": []}{"cells": []}', "Extra data, line 1, column 14"),
        (b'{"cells": [], "x": "abc', "ends in the middle (line 1, column 20)"),
        (b'{"cells": [\n', "ends in the middle"),
        (b'{"a": 1,\n<<<<<<< HEAD\n"b": 2,\n=======\n"b": 3,\n>>>>>>> x\n}', "Git merge conflict in line 2"),
        (b"\xff\xfe\x00", "the file"),
    ],
)
def test_what_is_no_notebook_is_said_in_one_sentence_with_what_to_do(data, said):
    intake = take(data)
    assert said in intake.problem
    assert "hand" in intake.problem and "\n" not in intake.problem
    assert intake.cells == () and intake.sha256


def test_a_notebook_cut_off_anywhere_is_said():
    data = json.dumps(solved(), indent=1).encode()
    for end in range(1, len(data) - 2, 37):
        assert "ends in the middle" in take(data[:end]).problem


def test_too_many_cells_or_too_much_text_are_said():
    assert f"more than {MAX_CELLS}" in take({"cells": [{}] * (MAX_CELLS + 1)}).problem
    assert f"more than {MAX_SOURCE}" in take({"cells": [added("x" * (MAX_SOURCE + 1))]}).problem


# Odd but honest notebooks


def test_deeply_nested_outputs_cost_nothing():
    notebook = json.dumps(solved())
    deep = "[" * 100_000 + '"]}"' + "]" * 100_000
    intake = take(notebook.replace('"outputs": []', f'"outputs": {deep}'))
    assert keeps_all_answers(intake)


def test_brackets_without_end_are_said():
    assert "nested more than" in take(b'{"cells": ' + b"[" * 1_000_000).problem


@pytest.mark.parametrize("number", ["1" * 5000, "NaN", "-Infinity", "1e999"])
def test_odd_numbers_cost_nothing(number):
    text = json.dumps(solved()).replace('"execution_count": null', f'"execution_count": {number}')
    assert keeps_all_answers(take(text))


def test_raw_line_ends_in_strings_are_read():
    assert keeps_all_answers(take(json.dumps(solved()).replace("\\n", "\n")))


def test_a_key_that_stands_twice_counts_as_jupyter_reads_it():
    text = json.dumps(solved())
    assert keeps_all_answers(take(text[:-1] + ', "metadata": 7}'))
    assert keeps_all_answers(take('{"cells": 5, ' + text[1:]))


@pytest.mark.parametrize("minor", [0, 1, 4, 99, "5", None])
def test_every_minor_format_is_read(minor):
    notebook = solved()
    notebook["nbformat_minor"] = minor
    notebook["nbformat"] = 7 if minor == 99 else 4
    assert keeps_all_answers(take(notebook))


def test_the_old_format_with_worksheets_is_read():
    notebook = solved()
    for entry in notebook["cells"]:
        entry.pop("id")
        if entry["cell_type"] == "code":
            entry["input"] = entry.pop("source")
    sheets = [{"cells": notebook["cells"][:5]}, {"cells": notebook["cells"][5:]}]
    assert keeps_all_answers(take({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": sheets}))


def test_sources_as_lists_and_windows_line_ends_are_read():
    notebook = solved()
    for entry in notebook["cells"]:
        entry["source"] = [*entry["source"].replace("\n", "\r\n").splitlines(keepends=True), 7, None]
    assert keeps_all_answers(take(notebook))


def test_cells_without_a_type_are_read_by_what_they_have():
    notebook = solved()
    for entry in notebook["cells"]:
        del entry["cell_type"]
    assert keeps_all_answers(take(notebook))


def test_entries_that_are_no_cells_are_left_out_and_counted():
    notebook = solved()
    notebook["cells"] += [None, 5, "x", [], {}, {"source": {"a": 1}}, {"metadata": []}]
    intake = take(notebook)
    assert keeps_all_answers(intake)
    assert "4 entries in the list of cells are no cells" in messages(intake, "ignored")


def test_duplicate_ids_cost_nothing():
    notebook = solved()
    for entry in notebook["cells"]:
        entry["id"] = "same"
    assert keeps_all_answers(take(notebook))


@pytest.mark.parametrize(
    "odd", [None, 5, [], "x", {"nbgrader": 3}, {"nbgrader": {"grade_id": []}, "tags": 9}]
)
def test_odd_metadata_costs_nothing(odd):
    notebook = solved()
    for entry in notebook["cells"]:
        entry["metadata"] = entry["attachments"] = odd
    notebook["metadata"] = odd
    assert keeps_all_answers(take(notebook))


def test_cells_are_counted_as_the_student_sees_them():
    notebook = solved()
    notebook["cells"].insert(0, 7)
    numbers = {item.exercise: item.number for item in take(notebook).cells if item.exercise}
    assert numbers == {"corr2d": 5, "corr1d": 7, "size_out": 10}


def test_the_same_bytes_give_the_same_intake():
    assert take(solved()) == take(solved())
    cell_text = cell(solved(), "corr2d")["source"]
    assert CORR2D in cell_text and CORR1D not in cell_text


# Text for people


def test_text_of_a_submission_is_printed_harmlessly():
    assert printable("a\x1b[31m\n\u202eb\u200b\ud800\x00 ü") == "a\\x1b[31m\\n\\u202eb\\u200b\\ud800\\x00 ü"
    assert printable("x" * 100, 10) == "x" * 10 + "…"
