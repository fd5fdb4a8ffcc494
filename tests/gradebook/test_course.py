"""A course folder: made once, never overwritten, with a secret of its own."""

import datetime as dt
import stat

import pytest

from autograder import course as courses
from autograder.course import Course, CourseError, WrongUsage, init
from tests.gradebook.sample import A


def test_init_makes_a_course_and_running_it_again_keeps_what_was_edited(tmp_path):
    first = init(tmp_path / "c", sources=())
    key = (first.path / "secret.key").read_bytes()
    (first.path / "course.toml").write_text('name = "Mine"\n')
    (first.path / "roster.csv").write_text("id,first_name,last_name,email\nada,,,\n")
    again = init(tmp_path / "c", sources=())
    assert again.name == "Mine"
    assert (again.path / "roster.csv").read_text().endswith("ada,,,\n")
    assert (again.path / "secret.key").read_bytes() == key


def test_the_key_is_for_its_owner_only_from_the_first_moment(tmp_path):
    path = init(tmp_path / "c", sources=()).path / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(bytes.fromhex(path.read_text())) == 32


def test_init_leaves_a_folder_with_other_things_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(WrongUsage, match="not empty and is no course"):
        init(tmp_path, sources=())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("at", range(4))
def test_an_init_that_was_cut_short_can_be_run_again(tmp_path, monkeypatch, at):
    write, count = courses.write_atomically, iter(range(9))

    def fails(path, text):
        if next(count) == at:
            raise KeyboardInterrupt
        write(path, text)

    monkeypatch.setattr(courses, "write_atomically", fails)
    with pytest.raises(KeyboardInterrupt):
        init(tmp_path / "c", sources=())
    monkeypatch.undo()
    done = init(tmp_path / "c", sources=())
    assert {"course.toml", "roster.csv", "nbgrader_config.py", "secret.key"} <= {
        path.name for path in done.path.iterdir()
    }


def test_a_course_is_found_from_a_folder_inside_it_and_nowhere_else(course, tmp_path):
    assert Course(course.path / "release" / A).path == course.path
    with pytest.raises(WrongUsage, match="autograder init"):
        Course(tmp_path)


def test_seeds_differ_by_assignment_and_by_course_and_stay_the_same(course, tmp_path):
    other = init(tmp_path / "other", sources=())
    assert course.seed(A) == Course(course.path).seed(A)
    assert len({course.seed(A), course.seed("02"), other.seed(A)}) == 3
    assert 0 <= course.seed(A) < 2**63


@pytest.mark.parametrize("content", ["", "abcd", "not hex at all", "é"])
def test_a_damaged_key_is_said_to_be_damaged(course, content):
    (course.path / "secret.key").write_text(content)
    with pytest.raises(CourseError, match=r"secret\.key is damaged"):
        course.seed(A)


def test_an_unknown_assignment_lists_the_known_ones(course):
    with pytest.raises(WrongUsage, match=A):
        course.assignment("99_nothing")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-10-02T18:00:00+02:00", dt.datetime(2026, 10, 2, 16, tzinfo=dt.UTC)),
        ("2026-10-02", dt.datetime(2026, 10, 2, 23, 59, 59).astimezone()),
        ("2026-10-02T12:00:00", dt.datetime(2026, 10, 2, 12).astimezone()),
    ],
)
def test_a_due_date_has_a_time_zone(course, written, expected):
    (course.path / "course.toml").write_text(f"[assignments.{A}]\ndue = {written}\n")
    assert Course(course.path).assignment(A).due == expected


@pytest.mark.parametrize(
    "settings", ["name = ", '[late]\nbank_days = "three"', f'[assignments.{A}]\ndue = "soon"']
)
def test_a_mistake_in_the_settings_is_named(course, settings):
    (course.path / "course.toml").write_text(settings)
    with pytest.raises(CourseError, match=r"course\.toml"):
        found = Course(course.path)
        assert found.late and found.assignments
