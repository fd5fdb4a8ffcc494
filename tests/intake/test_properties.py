"""Whatever happens to a notebook, intake does not raise, and what was not touched is not lost."""

from __future__ import annotations

import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.results import Intake
from tests.intake.notebooks import CORR1D, CORR2D, WHY, keeps_all_answers, namespace, solved, take

unhurried = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))

ANSWERS = {"corr2d": CORR2D, "corr1d": CORR1D, "size_out": "size_out = 7"}
odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def is_sound(intake: Intake) -> bool:
    """Either one sentence says why nothing was read, or there is a notebook; all text can be stored."""
    for text in [note.message for note in intake.notes] + [intake.problem or ""]:
        assert text.isprintable()
    for text in [item.source for item in intake.cells] + list(intake.written.values()):
        text.encode()
    if intake.problem is not None:
        return not intake.cells and not intake.answers and not intake.written
    return intake.cells[0].source == "import numpy as np"


@unhurried
@given(st.data())
def test_a_mutated_cell_costs_at_most_itself(data):
    """One cell has any of its parts replaced by anything; all answers in other cells arrive."""
    notebook = solved()
    index = data.draw(st.integers(0, len(notebook["cells"]) - 1))
    hit = notebook["cells"][index]
    key = data.draw(st.sampled_from(["source", "metadata", "id", "cell_type", "outputs", "attachments", "x"]))
    hit[key] = data.draw(odd_values)
    intake = take(json.dumps(notebook))
    assert is_sound(intake) and intake.problem is None
    last = namespace(intake)
    for name, answer in ANSWERS.items():
        if hit.get("id") != name and not (key == "id" and index in (3, 5, 8)):
            assert answer in last[name]
    if index != 11:
        assert intake.written == {"why_flip": WHY}


@unhurried
@given(st.data())
def test_any_value_anywhere_in_the_notebook_is_survived(data):
    notebook = solved()
    place = notebook
    for _ in range(data.draw(st.integers(0, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        inner = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
        if not inner:
            break
        place = place[data.draw(st.sampled_from(inner))]
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    place[data.draw(st.sampled_from(keys))] = data.draw(odd_values)
    assert is_sound(take(json.dumps(notebook)))


@unhurried
@given(st.data())
def test_damaged_bytes_never_raise(data):
    content = bytearray(json.dumps(solved()).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 40))
        content[at : at + length] = data.draw(st.binary(max_size=20))
    assert is_sound(take(bytes(content)))


@unhurried
@given(st.binary(max_size=200))
def test_any_bytes_never_raise(content):
    assert is_sound(take(content))


@unhurried
@given(st.text(max_size=200))
def test_any_text_in_an_added_cell_costs_no_answer(text):
    notebook = solved()
    notebook["cells"].insert(0, {"cell_type": "code", "metadata": {}, "source": text, "outputs": []})
    intake = take(json.dumps(notebook))
    assert is_sound(intake) and keeps_all_answers(intake)


@unhurried
@given(
    st.randoms(use_true_random=False),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_shuffled_stripped_and_recoded_notebooks_give_the_same_answers(
    chance: random.Random, shuffle: bool, strip_ids: bool, strip_metadata: bool, encoding: str
):
    notebook = solved()
    if shuffle:
        chance.shuffle(notebook["cells"])
    for entry in notebook["cells"]:
        if strip_ids:
            del entry["id"]
        if strip_metadata:
            entry["metadata"] = {"id": "x"}
    intake = take(json.dumps(notebook).encode(encoding))
    assert keeps_all_answers(intake)
    assert intake.answers == take(solved()).answers
