"""No small change of a solution goes unnoticed without a reason. Run by ``make prove``."""

from __future__ import annotations

import functools

import pytest

from tests.prove import mutations

ENOUGH = 0.9
pytestmark = pytest.mark.prove
run = functools.cache(mutations.run)
each_notebook = pytest.mark.parametrize("notebook", mutations.notebooks())


@each_notebook
def test_the_checks_notice_small_changes_of_the_solutions(notebook):
    found = run(notebook)
    assert found.made > 50
    assert found.share >= ENOUGH


@each_notebook
def test_every_change_that_goes_unnoticed_is_explained(notebook):
    found = run(notebook)
    assert [survivor for survivor in found.survivors if not survivor.why] == []
    gone = set(mutations.survivors(notebook)) - set(found.survivors)
    assert gone == set(), "these are noticed now, or made no more: take them out of survivors/"


def test_the_published_page_is_up_to_date():
    runs = [run(notebook) for notebook in mutations.notebooks()]
    assert mutations.PAGE.read_text(encoding="utf-8") == mutations.page(runs), "run `make mutations`"
