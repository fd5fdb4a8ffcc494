"""Which cell is whose: no answer is lost, whatever a notebook went through before it was handed in."""

from __future__ import annotations

import copy
import json
import random

import pytest

from autograder.intake import take_in_bytes
from tests.intake.notebooks import (
    CORR1D,
    CORR2D,
    CORR2D_STUB,
    WHY,
    WRITTEN,
    added,
    cell,
    keeps_all_answers,
    messages,
    namespace,
    released,
    solved,
    take,
)


def test_a_solved_notebook_is_taken_as_it_is():
    intake = take(solved())
    assert keeps_all_answers(intake)
    assert intake.notes == ()
    assert [(item.origin, item.number, item.exercise) for item in intake.cells] == [
        ("needed", 0, None),
        ("answer", 4, "corr2d"),
        ("answer", 6, "corr1d"),
        ("answer", 9, "size_out"),
    ]


def test_an_untouched_notebook_answers_nothing_but_keeps_its_stubs():
    import nbformat

    intake = take(nbformat.writes(released()))
    assert intake.problem is None
    assert intake.written == {}
    assert intake.answers["corr2d"] == CORR2D_STUB
    assert intake.notes == ()


def test_stripped_metadata_and_ids_lose_nothing():
    notebook = solved()
    notebook["metadata"] = {}
    for entry in notebook["cells"]:
        entry["metadata"] = {}
        del entry["id"]
    assert keeps_all_answers(take(notebook))


def test_without_marker_and_metadata_the_name_of_the_function_finds_the_answer():
    notebook = solved()
    for entry in notebook["cells"]:
        entry["metadata"] = {}
        entry["source"] = (
            entry["source"].partition("\n")[2] if "exercise:" in entry["source"] else entry["source"]
        )
        del entry["id"]
    intake = take(notebook)
    assert keeps_all_answers(intake)
    assert any("has no label but defines corr2d" in message for message in messages(intake, "repaired"))


def test_an_answer_that_is_no_python_is_still_found_by_its_name():
    notebook = solved()
    notebook["cells"] = [added("def corr2d(x, k):\n    return x *")]
    intake = take(notebook)
    assert "corr2d" in intake.answers
    assert any(message.startswith("corr1d: no cell") for message in messages(intake, "missing"))


def test_cells_in_another_order_give_the_same_answers():
    for seed in range(5):
        notebook = solved()
        random.Random(seed).shuffle(notebook["cells"])
        assert keeps_all_answers(take(notebook))


def test_an_untouched_duplicate_never_wins_over_the_answer():
    notebook = solved()
    stub = copy.deepcopy(cell(notebook, "corr2d"))
    stub["source"] = CORR2D_STUB
    for place in (0, len(notebook["cells"])):
        changed = copy.deepcopy(notebook)
        changed["cells"].insert(place, stub)
        intake = take(changed)
        assert keeps_all_answers(intake)
        assert any("untouched copy" in message for message in messages(intake, "duplicate"))


def test_of_two_answers_both_run_and_the_last_one_counts():
    notebook = solved()
    second = added("def corr2d(x, k):\n    return 'second'")
    notebook["cells"].append(second)
    intake = take(notebook)
    assert "second" in namespace(intake)["corr2d"]
    assert CORR2D in intake.answers["corr2d"] and "second" in intake.answers["corr2d"]
    assert any("cells 4 and 13" in message for message in messages(intake, "duplicate"))


def test_an_answer_in_the_wrong_cell_is_taken_for_what_it_defines():
    notebook = solved()
    cell(notebook, "corr2d")["source"] = CORR1D
    cell(notebook, "corr1d")["source"] = CORR2D
    intake = take(notebook)
    assert keeps_all_answers(intake)
    assert any("stood for corr2d but defines corr1d" in message for message in messages(intake, "repaired"))


def test_all_answers_pasted_into_one_cell_count():
    notebook = solved()
    notebook["cells"] = [added(f"{CORR2D}\n{CORR1D}\nsize_out = 7"), cell(notebook, "why_flip")]
    assert keeps_all_answers(take(notebook))


def test_a_missing_answer_is_said():
    notebook = solved()
    notebook["cells"].remove(cell(notebook, "corr1d"))
    intake = take(notebook)
    assert "corr1d" not in intake.answers
    assert len(messages(intake, "missing")) == 1


def test_an_answer_cell_turned_into_markdown_still_counts():
    notebook = solved()
    cell(notebook, "corr2d")["cell_type"] = "markdown"
    intake = take(notebook)
    assert keeps_all_answers(intake)
    assert any("is a markdown cell" in message for message in messages(intake, "repaired"))


def test_a_students_own_cells_run_in_their_order():
    notebook = solved()
    notebook["cells"].insert(0, added("def helper():\n    return 1"))
    notebook["cells"].append(added("after = helper()"))
    intake = take(notebook)
    assert [item.origin for item in intake.cells] == [
        "needed",
        "added",
        "answer",
        "answer",
        "answer",
        "added",
    ]
    assert intake.added == ((1, "def helper():\n    return 1"), (14, "after = helper()"))


def test_the_instructors_imports_run_even_when_deleted():
    notebook = solved()
    notebook["cells"].remove(cell(notebook, "imports"))
    assert take(notebook).cells[0].source == "import numpy as np"


def test_a_changed_given_cell_runs_after_the_original():
    notebook = solved()
    cell(notebook, "imports")["source"] = "import numpy as np\nimport math"
    intake = take(notebook)
    assert [item.source for item in intake.cells[:2]] == [
        "import numpy as np",
        "import numpy as np\nimport math",
    ]
    assert intake.cells[1].origin == "added"
    assert any("the original ran first" in message for message in messages(intake, "repaired"))


def test_blanks_and_comments_do_not_make_a_given_cell_a_changed_one():
    notebook = solved()
    cell(notebook, "imports")["source"] = "\n\nimport  numpy as np  # NumPy\n"
    cell(notebook, "demo")["source"] = "%matplotlib inline\n\nphoto = np.ones( (3, 3) )\n"
    assert take(notebook).added == ()


@pytest.mark.parametrize(
    "source", ["4.0", "check(corr2d, corr1d)", "# gone", "check = lambda *f: 4.0\ncheck(corr2d)"]
)
def test_an_edited_check_cell_is_flagged(source):
    notebook = solved()
    cell(notebook, "check_corr2d")["source"] = source
    intake = take(notebook)
    assert "the check under corr2d was edited; it has no effect on the grade" in messages(intake, "flag")
    assert keeps_all_answers(intake)


def test_an_answer_written_into_the_check_cell_counts():
    notebook = solved()
    cell(notebook, "corr2d")["source"] = CORR2D_STUB
    cell(notebook, "check_corr2d")["source"] = f"{CORR2D}\ncheck(corr2d)"
    assert keeps_all_answers(take(notebook))


def test_tags_that_would_skip_a_cell_have_no_effect():
    notebook = solved()
    cell(notebook, "corr2d")["metadata"]["tags"] = ["skip-execution", "raises-exception"]
    intake = take(notebook)
    assert keeps_all_answers(intake)
    assert any("skip-execution" in message for message in messages(intake, "ignored"))


# Written answers


def test_a_written_answer_is_found_by_its_hidden_marker():
    notebook = solved()
    cell(notebook, "why_flip")["metadata"] = {}
    assert take(notebook).written == {"why_flip": WHY}


def test_a_written_answer_without_any_label_is_found_under_its_question():
    notebook = solved()
    entry = cell(notebook, "why_flip")
    entry["metadata"], entry["source"] = {}, WHY
    intake = take(notebook)
    assert intake.written == {"why_flip": WHY}
    assert any("stands where the answer" in message for message in messages(intake, "repaired"))


def test_a_written_answer_in_a_cell_of_its_own_under_the_stub_counts():
    notebook = solved()
    cell(notebook, "why_flip")["source"] = WRITTEN
    notebook["cells"].append(added(WHY, "markdown"))
    assert take(notebook).written == {"why_flip": WHY}


@pytest.mark.parametrize("kind", ["code", "raw"])
def test_a_written_answer_in_a_cell_of_another_type_is_taken_as_text(kind):
    notebook = solved()
    cell(notebook, "why_flip")["cell_type"] = kind
    intake = take(notebook)
    assert keeps_all_answers(intake)
    assert intake.added == ()
    assert any(f"is a {kind} cell" in message for message in messages(intake, "repaired"))


def test_an_answer_under_the_placeholder_counts_and_the_placeholder_alone_does_not():
    notebook = solved()
    cell(notebook, "why_flip")["source"] = f"{WRITTEN}\n\n{WHY}"
    assert WHY in take(notebook).written["why_flip"]
    cell(notebook, "why_flip")["source"] = f"{WRITTEN}  \n\n"
    assert take(notebook).written == {}


def test_two_written_answers_are_joined_and_a_copy_of_the_stub_is_not():
    notebook = solved()
    first = cell(notebook, "why_flip")
    notebook["cells"] += [{**first, "source": WRITTEN}, {**first, "source": "Also because."}]
    intake = take(notebook)
    assert intake.written == {"why_flip": f"{WHY}\n\nAlso because."}
    assert any("joined" in message for message in messages(intake, "duplicate"))


def test_a_deleted_written_cell_is_said():
    notebook = solved()
    notebook["cells"].remove(cell(notebook, "why_flip"))
    assert any("why_flip" in message for message in messages(take(notebook), "missing"))


# Releases


def test_another_release_is_said():
    notebook = solved()
    notebook["metadata"]["convnet_course"]["release"] = "r0\x1b[31m"
    (message,) = messages(take(notebook), "release")
    assert message == "made from release r0\\x1b[31m; graded with the current one, r1"


def test_the_wrong_notebook_is_said():
    notebook = solved()
    notebook["metadata"]["convnet_course"]["notebook"] = "02_shapes"
    assert any(
        "02_shapes, handed in as 01_correlation" in message for message in messages(take(notebook), "flag")
    )


# Demo cells that the student's code leans on


def test_a_demo_cell_runs_when_the_students_code_reads_what_it_binds():
    notebook = solved()
    cell(notebook, "size_out")["source"] = "# exercise: size_out\nsize_out = len(photo) + 4"
    intake = take(notebook)
    assert [(item.origin, item.number) for item in intake.cells] == [
        ("needed", 0),
        ("needed", 3),
        ("answer", 4),
        ("answer", 6),
        ("answer", 9),
    ]
    assert messages(intake, "repaired") == [
        "cell 3, which came with the notebook, ran too: the student's code uses photo"
    ]


def test_a_demo_cell_does_not_run_for_a_name_that_only_lives_in_a_function():
    notebook = solved()
    cell(notebook, "corr2d")["source"] = "def corr2d(photo, k):\n    x = photo\n    return x * k"
    assert take(notebook).notes == ()
    cell(notebook, "corr2d")["source"] = "def corr2d(x, k):\n    return x * photo"
    assert len(take(notebook).notes) == 1


def test_what_a_demo_cell_did_at_release_is_not_held_against_a_student_who_edits_it():
    notebook = solved()
    master = released()
    master.cells[2].source = "photo = np.convolve([1], [2])"
    cell(notebook, "demo")["source"] = "photo = np.convolve([1], [2])  # mine\nphoto = 1"
    intake = take_in_bytes(json.dumps(notebook).encode(), master)
    assert messages(intake, "flag") == []
    assert len(intake.added) == 1


def test_the_receipt_stays_readable():
    notebook = solved()
    notebook["cells"] += [added("import torch\n" + CORR2D) for _ in range(1000)]
    intake = take(notebook)
    assert len(intake.notes) <= 201 and all(len(note.message) < 400 for note in intake.notes)
