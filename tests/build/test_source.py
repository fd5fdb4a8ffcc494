"""A source says what it means or is refused with words that help."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

import cs_utils.exercises
from autograder import source
from cs_utils.checking.answers import canonical, slow_hash
from tests.build.conftest import ANSWERS

MISTAKES = [
    # replaced text, new text, what the message must contain
    (
        'check="twice" points=4',
        'check="twice" points=5',
        ["cell 5", "points=5", "add up to 4"],
    ),
    ('check="twice" points=4', 'check="twice"', ['cell 5 (check="twice")', "points=NUMBER"]),
    ('# %% check="twice" points=4\ncheck(twice)', "", ["cell 4", "no check cell"]),
    ("check(twice)", "check(twice); print(1)", ["exactly `check(twice)`"]),
    ("check(weights=weights)", "check(weights)", ["exactly `check(weights=weights)`"]),
    ("    ### END SOLUTION\n", "", ['exercise="twice"', "exactly one"]),
    ("    ### BEGIN SOLUTION\n    return SCALE * x\n    ### END SOLUTION\n", "", ["found 0 and 0"]),
    ("    ### BEGIN SOLUTION", "### BEGIN SOLUTION", ["inside twice"]),
    ("def twice", "def thrice", ["define twice"]),
    ("weights = None  # your answer\n", "", ["weights = None"]),
    ('exercise="weights"', 'exercise="twice"', ["define twice"]),
    ("print(", "### BEGIN SOLUTION\nprint(", ["belongs into an answer cell"]),
    ('tags=["needed"]', 'tags=["neded"]', ['the only tag is "needed"']),
    ('written="why_two" points=3', 'written="why_two"', ["points=NUMBER"]),
    ('[markdown] written="why_two"', 'written="why_two"', ["written cells are Markdown cells"]),
    ('written="why_two"', 'writen="why_two"', ["unknown attribute writen"]),
    ('written="why_two"', 'written="why two"', ["must be a Python name"]),
    ("# # A sample", "# A sample", ["cell 1", "# Title"]),
]


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES, ids=[old[:30] for old, _, _ in MISTAKES])
def test_a_mistake_in_a_source_is_refused_with_file_cell_and_remedy(
    write: Callable[..., Path], old: str, new: str, words: list[str]
) -> None:
    with pytest.raises(source.SourceError) as caught:
        source.read(write(old, new))
    for word in ["99_sample.py", "cell", *words]:
        assert word in str(caught.value)


def test_an_unknown_exercise_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(source.SourceError, match=r"'weights' is neither an exercise .* nor a question"):
        source.read(write(answers=""))


def test_an_exercise_left_out_of_the_source_is_refused(write: Callable[..., Path]) -> None:
    extra = ANSWERS + "\n[parameters]\nanswer = 1\n"
    with pytest.raises(source.SourceError, match="no cells for parameters"):
        source.read(write(answers=extra))


def test_a_name_is_given_once(write: Callable[..., Path]) -> None:
    again = '# %% exercise="twice"\ndef twice(x):\n    ### BEGIN SOLUTION\n    ### END SOLUTION\n\n'
    with pytest.raises(source.SourceError, match=r"'twice' was used in cell 4"):
        source.read(write('# %% check="weights"', again + '# %% check="weights"'))


def test_a_file_without_cells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "99_sample.py"
    path.write_text("print(1)\n")
    with pytest.raises(source.SourceError, match="no cell found"):
        source.read(path)


def test_a_cell_that_scrolls_is_found(write: Callable[..., Path]) -> None:
    lines = "\n".join(f"print({number})" for number in range(source.LONGEST_CELL))
    path = write('print("an', lines + '\nprint("an')
    assert [cell.number for cell in source.long_cells(source.read(path))] == [3]
    assert source.long_cells(source.read(write())) == []


def test_the_release_has_stubs_markers_and_no_solution(write: Callable[..., Path], course: Path) -> None:
    released = source.build(source.read(write()), course)
    cells = {cell.id: cell for cell in nbformat.read(released, as_version=4).cells}
    assert cells["twice"].source == (
        '# exercise: twice\ndef twice(x):\n    """Double x."""\n    raise NotImplementedError("write twice")'
    )
    assert cells["weights"].source == "# exercise: weights\nweights = None  # your answer"
    assert cells["why_two"].source == "<!-- answer: why_two -->\n\nYOUR ANSWER HERE"
    text = released.read_text()
    for hidden in ("SCALE * x", "17 * 31", "humour", "SOLUTION", "maintainers"):
        assert hidden not in text


def test_the_instructor_sees_solution_and_rubric(write: Callable[..., Path], course: Path) -> None:
    source.build(source.read(write()), course)
    original = (course / "source" / "99_sample" / "99_sample.ipynb").read_text()
    assert "SCALE * x" in original and "humour" in original


def test_the_assignment_is_registered_with_its_points(write: Callable[..., Path], course: Path) -> None:
    for _ in range(2):  # building again changes nothing
        source.build(source.read(write()), course)
        with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
            notebook = gradebook.find_notebook("99_sample", "99_sample")
            points = {cell.name: cell.max_score for cell in notebook.grade_cells}
            assert points == {"check_twice": 4, "check_weights": 1, "why_two": 3}
            assert {cell.name for cell in notebook.solution_cells} == {"twice", "weights", "why_two"}


def test_loading_runs_definitions_only(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    module = source.load(write())
    assert module.twice(4) == 8 and module.weights == 527
    assert capsys.readouterr().out == ""
    assert not hasattr(source.load(write(), ["weights"]), "twice")


def test_solving_fills_the_cells_asked_for(write: Callable[..., Path], course: Path) -> None:
    released = nbformat.read(source.build(source.read(write()), course), as_version=4)
    solved = {
        cell.id: cell for cell in source.solve(released, {"weights": "weights = 5", "why_two": "So."}).cells
    }
    assert solved["weights"].source == "# exercise: weights\nweights = 5"
    assert solved["why_two"].source == "<!-- answer: why_two -->\n\nSo."
    assert "NotImplementedError" in solved["twice"].source
    with pytest.raises(KeyError):
        source.solve(released, {"unknown": ""})


def test_questions_hold_hashes_of_right_and_known_wrong_answers(write: Callable[..., Path]) -> None:
    entry = source.hashed_questions([source.read(write())])["weights"]
    assert entry["right"] == [slow_hash(str(canonical(answer)), entry["salt"]) for answer in (527, 527.5)]
    known = entry["wrong"][slow_hash("510", entry["salt"])]
    assert known == {"name": "the bias is missing", "hint": "Every filter has a bias."}
    assert (entry["notebook"], entry["points"]) == ("99_sample", 1)


def test_an_answer_with_two_meanings_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(source.SourceError, match="listed twice"):
        source.hashed_questions([source.read(write(answers=ANSWERS.replace("510", "527.0")))])


def test_snippets_are_cells_with_exercise_and_title(tmp_path: Path) -> None:
    path = tmp_path / "01_correlation.py"
    path.write_text(
        "# a note\n\n# %% corr2d: stride=2 [always]\nimport re\n\nx = 1\n\n# %% corr1d: loops\ny = 2\n"
    )
    assert source.snippets(path) == [
        source.Snippet("corr2d", "stride=2 [always]", "import re\n\nx = 1"),
        source.Snippet("corr1d", "loops", "y = 2"),
    ]
    path.write_text("# %% corr2d\nx = 1\n")
    with pytest.raises(source.SourceError, match="exercise: title"):
        source.snippets(path)


def test_the_release_id_follows_what_students_see_not_the_solution(write: Callable[..., Path]) -> None:
    before = source.release_id(source.read(write()))
    assert source.release_id(source.read(write("SCALE * x", "x + x"))) == before
    assert source.release_id(source.read(write("Double x.", "Double the x."))) != before
    assert source.release_id(source.read(write(answers=ANSWERS.replace("527\n", "528\n")))) != before


def test_building_one_notebook_leaves_the_others_alone(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    (tmp_path / "98_half_written.py").write_text("def broken(\n")
    questions = tmp_path / "out" / "cs_utils" / "exercises" / "questions.json"
    questions.parent.mkdir(parents=True)
    other = {"notebook": "98_half_written", "points": 1, "salt": "", "right": [], "wrong": {}}
    questions.write_text(json.dumps({"of_the_other": other}))
    monkeypatch.setattr(source, "sources", lambda: sorted(tmp_path.glob("*.py")))
    monkeypatch.setattr(cs_utils.exercises, "QUESTIONS_FILE", questions)
    written = source.build_named(["99_sample"], tmp_path / "out")
    assert [path.name for path in written] == ["questions.json", "99_sample.ipynb"]
    kept = json.loads(questions.read_text())
    assert kept["of_the_other"] == other and kept["weights"]["notebook"] == "99_sample"
    assert source.build_named(["99_sample"], tmp_path / "out") == []
    with pytest.raises(source.SourceError, match="the notebooks are: 98_half_written, 99_sample"):
        source.build_named(["99_smaple"], tmp_path / "out")


def test_two_notebooks_do_not_share_the_name_of_a_question(write: Callable[..., Path]) -> None:
    parsed = source.read(write())
    with pytest.raises(source.SourceError, match="99_sample has a question called 'weights' too"):
        source.hashed_questions([parsed, parsed])
