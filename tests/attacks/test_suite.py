"""Every attack, beside honest classmates, graded by the real command at the best level of isolation."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from autograder import gradebook
from autograder.judge import unseen_seed
from cs_utils.checking.notebook import PUBLIC_SEED
from tests.attacks import table
from tests.attacks.arena import BESIDE, EARLIER, Arena, fight, fingerprints, records_of, rows_of
from tests.attacks.attack import NOTEBOOK, TARGET, Attack, World, exercises, points
from tests.attacks.submissions import ATTACKS

NOT_PYTHON = {"syntax-error"}  # these are meant to be none
# What a terminal gets from us: colours and attributes, and the moves of the progress bar.
OURS = re.compile(r"\x1b\[[\d;]*m|\x1b\[\?25[lh]|\x1b\[\d?[AK]|\r")


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    return fight(tmp_path_factory.mktemp("arena"), ATTACKS)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_the_points_that_it_deserves(arena, name):
    attack, row = ATTACKS[name], arena.row(name)
    assert row["status"] == attack.status, row
    assert row["exercises"] == attack.earned(points()), row["findings"]
    assert attack.says in arena.problem(name)


def test_honest_classmates_lose_nothing(arena):
    for name in (*EARLIER, *BESIDE):
        row = arena.row(name)
        assert (row["points"], row["status"]) == (row["max_points"], "graded") and row["points"] > 0, row


def test_nothing_that_an_honest_classmate_has_is_touched(arena):
    assert rows_of(arena.course, EARLIER) == arena.before["rows"]
    assert records_of(arena.course, EARLIER) == arena.before["records"]


def test_no_file_of_the_course_the_home_or_the_runtime_has_changed(arena):
    now = fingerprints(arena)
    assert not [name for name, digest in arena.before["files"].items() if now[name] != digest]


def test_no_process_and_no_file_is_left(arena):
    assert arena.survivors == set()
    assert arena.marked() == []


def test_the_whole_batch_is_graded_in_one_run(arena):
    assert len(arena.report["submissions"]) == len(ATTACKS) + len(EARLIER) + len(BESIDE)
    assert {one["status"] for one in arena.report["submissions"]} <= {"graded", "missing", "unreadable"}
    assert arena.commands["grade"].code == 1  # something needs attention, and is listed
    assert "Traceback" not in arena.commands["grade"].err
    assert "ERROR" not in arena.told()[f"logs/grade-{NOTEBOOK}.log"]


def test_every_failure_is_a_row_with_the_file_what_happened_the_points_and_what_to_do(arena):
    rows = {one["student"]: one for one in arena.report["problems"]}
    for one in arena.report["submissions"]:
        if one["status"] == "graded":
            continue
        row = rows[one["student"]]
        assert row["file"] == f"submitted/{one['student']}/{NOTEBOOK}/{NOTEBOOK}.ipynb"
        assert row["what"] and row["todo"] and row["points"] == one["max_points"]
    lost = rows["endless-loop"]
    assert lost["points"] == points()[TARGET] and "did not finish in time" in lost["what"]
    assert not {*EARLIER, *BESIDE} & rows.keys()


def test_the_rows_are_printed_too(arena):
    shown = OURS.sub("", arena.commands["again"].terminal)
    for row in arena.report["problems"]:
        assert re.search(rf"\b{re.escape(row['student'][:8])}", shown), row


def secrets_of(arena: Arena) -> Iterator[str]:
    yield (arena.course.path / "secret.key").read_text().strip()
    yield str(arena.course.seed(NOTEBOOK))
    exercise = exercises()[TARGET]
    seen = shown_inputs()
    for group in exercise.groups:
        for given in exercise.cases(group, unseen_seed(TARGET, arena.course.seed(NOTEBOOK))):
            text = repr(given.args[0].tolist())
            if text not in seen and np.size(given.args[0]) >= 6:
                yield text[:36]


def shown_inputs() -> set[str]:
    exercise = exercises()[TARGET]
    cases = (given for group in exercise.groups for given in exercise.cases(group, PUBLIC_SEED))
    return {repr(given.args[0].tolist()) for given in cases}


def test_no_secret_is_told_to_anybody(arena):
    told = arena.told()
    secrets = {text for text in secrets_of(arena) if not any(text in shown for shown in shown_inputs())}
    assert len(secrets) >= 5
    assert not [(secret, where) for secret in secrets for where, text in told.items() if secret in text]
    # the same way leads to what students may see, or the lines above would prove nothing
    assert any(shown in told[f"results/{NOTEBOOK}/leak-by-error.json"] for shown in shown_inputs())


@pytest.mark.parametrize("name", ["leak-by-status", "leak-by-signal", "leak-by-print"])
def test_a_number_of_the_students_choice_is_not_told(arena, name):
    (grade,) = [one for one in records_of(arena.course, [name])[0]["grades"] if one["name"] == TARGET]
    told = " ".join([grade["html"], grade["text"], *grade["findings"], grade["lost"]])
    assert not re.search(r"177|SIGRT|signal \d|\b39\b", told)


def test_no_escape_sequence_or_direction_mark_of_a_submission_is_printed(arena):
    for name, command in arena.commands.items():
        for text in (command.out, command.err, OURS.sub("", command.terminal)):
            odd = {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {
                "\n"
            }
            assert not odd, (name, odd)
    assert "\\x1b" in arena.commands["grade"].out.replace("\\\\", "\\")  # they were there


def test_the_log_can_be_read_in_a_terminal(arena):
    text = arena.told()[f"logs/grade-{NOTEBOOK}.log"]
    assert not {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ ", line) for line in text.splitlines())


def test_the_triggers_and_tables_of_the_gradebook_are_ours(arena):
    with gradebook.open_gradebook(arena.course) as book:
        assert len(book.students) == len(ATTACKS) + len(EARLIER) + len(BESIDE)


# --- the suite itself ---------------------------------------------------------------------------------------


def test_there_are_more_than_a_hundred_attacks():
    assert len(ATTACKS) >= 100


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_says_what_it_tries_and_its_code_is_code(name):
    attack = ATTACKS[name]
    assert attack.tries and attack.happens and not attack.tries.endswith(".")
    world = World(Path("/course"), Path("/home/me"), Path("/runtime"), "mate", "mark")
    for cell in own_code(attack, world):
        if name not in NOT_PYTHON:
            ast.parse(TransformerManager().transform_cell(cell))


def own_code(attack: Attack, world: World) -> list[str]:
    """The cells that an attack adds or puts in the place of answers, as it hands them in."""
    changed = attack.notebook(world).cells
    wanted = len(attack.cells) + len(attack.first)
    own = [cell.source for cell in changed if "nbgrader" not in cell.metadata and cell.cell_type == "code"]
    answers = [
        cell.source for cell in changed if cell.metadata.get("nbgrader", {}).get("grade_id") in attack.answers
    ]
    return [*(own[-len(attack.cells) :] if attack.cells else []), *answers][: wanted + len(answers)]


def test_the_table_of_attacks_is_up_to_date():
    assert table.PAGE.read_text(encoding="utf-8") == table.page(), "run `make attacks`"
