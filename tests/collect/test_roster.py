"""The roster is read as spreadsheets write it, and every mistake in it is named by file and line."""

from __future__ import annotations

import pytest

from autograder.roster import Student, read_roster

HEADER = "id,first_name,last_name,email\n"


def write(tmp_path, content):
    path = tmp_path / "roster.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "ada,Ada,Lovelace,ada@uni.edu\n",
        "\ufeff" + HEADER + "ada,Ada,Lovelace,ada@uni.edu\r\n\r\n",
        HEADER.replace(",", ";") + "ada;Ada;Lovelace;ada@uni.edu\n",
        "Email,ID,Last Name,First Name,Group\nada@uni.edu, ada ,Lovelace,Ada,7\n",
    ],
)
def test_a_roster_is_read_as_spreadsheets_write_it(tmp_path, content):
    assert read_roster(write(tmp_path, content)) == {"ada": Student("ada", "Ada", "Lovelace", "ada@uni.edu")}


def test_a_roster_in_latin_1_keeps_its_names(tmp_path):
    roster = read_roster(write(tmp_path, (HEADER + "jm,Jörg,Müller,\n").encode("latin-1")))
    assert roster["jm"].name == "Jörg Müller"


def test_students_keep_the_order_of_the_file(tmp_path):
    assert list(read_roster(write(tmp_path, HEADER + "zoe,,,\nada,,,\n"))) == ["zoe", "ada"]


def test_a_second_entry_that_differs_names_both_lines(tmp_path):
    path = write(tmp_path, HEADER + "ada,Ada,Lovelace,\nbob,,,\nada,Ada,Byron,\n")
    with pytest.raises(ValueError, match=r"roster\.csv: lines 2 and 4 are both about ada"):
        read_roster(path)


def test_ids_that_one_folder_would_hold_are_one_id(tmp_path):
    with pytest.raises(ValueError, match="lines 2 and 3"):
        read_roster(write(tmp_path, HEADER + "ada,,,\nAda,,,\n"))


def test_a_second_entry_that_is_the_same_is_kept_once_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="line 3: ada stands in line 2 too"):
        assert len(read_roster(write(tmp_path, HEADER + "ada,,,\nada,,,\n"))) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("id,first_name\nada,Ada\n", "line 1: no column last_name, email"),
        ("ada,Ada,Lovelace,a@b\n", "line 1: no column"),
        (HEADER + "\nada,Ada\n", "line 3: 2 fields where 4"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path, content, said):
    with pytest.raises(ValueError, match=said) as error:
        read_roster(write(tmp_path, content))
    assert "roster.csv" in str(error.value)


def test_a_missing_roster_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"roster\.csv cannot be read"):
        read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize(
    "name", ["../x", "a/b", ".hidden", "a+b", "a b", "a\x1b", "", "-x", "a..b", "x" * 101]
)
def test_an_id_that_is_no_folder_name_is_refused_by_name(tmp_path, name):
    with pytest.raises(ValueError, match="line 2: the id") as error:
        read_roster(write(tmp_path, HEADER + f"{name},Ada,Lovelace,\n"))
    assert "\x1b" not in str(error.value)
