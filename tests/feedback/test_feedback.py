"""The page a student gets: the points as they stand, every report, and nothing that runs."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from autograder import feedback
from autograder.course import CourseError
from autograder.feedback import write_feedback
from autograder.gradebook import record
from autograder.results import GradedSubmission, Intake, Note
from tests.formgrader.browser import chromium, requests
from tests.formgrader.payloads import PAYLOADS
from tests.gradebook.sample import A, graded, hand_in, missing
from tests.gradebook.test_record import grade_by_hand


def page(course, student="ada"):
    (path,) = write_feedback(course, A, [student])
    return path.read_text(encoding="utf-8")


def text(html):
    """What a reader sees, on one line."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL).split())


def test_the_page_tells_what_is_earned_and_what_waits(course):
    hand_in(course, "ada")
    record(course, graded())
    shown = text(page(course))
    assert "Tiny" in shown and "Feedback for Ada Lovelace" in shown and "1 October 2026" in shown
    assert "Points so far 5 of 9" in shown and "Given by the checks 5" in shown
    assert "Still to be decided by hand 3" in shown and "waits for your instructor" in shown


def test_hand_given_points_and_comments_are_on_it(course):
    record(course, graded())
    grade_by_hand(course, "why", 2.5, "Say <why>.", extra=0.5)
    shown = text(page(course))
    assert "Points so far 8 of 9" in shown and "Given by hand 3" in shown
    assert "Say &lt;why&gt;." in shown and "Still to be decided" not in shown


def test_it_has_the_report_the_code_and_the_written_answer(course):
    record(course, graded())
    html = page(course)
    assert "<p>report of twice</p>" in html and "the factor is forgotten" in html
    assert 'class="code"' in html and "Because **both** are $2x$." in html
    assert "found by its marker" in html


def test_flags_for_the_instructor_are_not_told_to_the_student(course):
    one = graded()
    notes = (Note("flag", "np.correlate in cell 3"), Note("repaired", "read as UTF-16"))
    record(course, replace(one, intake=replace(one.intake, notes=notes)))
    assert "np.correlate" not in page(course) and "UTF-16" in page(course)


@pytest.mark.parametrize("status", ["missing", "unreadable", "failed"])
def test_who_has_no_points_is_told_why_and_what_to_do(course, status):
    record(course, GradedSubmission("bob", A, status, intake=Intake(problem="the file is empty")))
    shown = text(page(course, "bob"))
    expected = {
        "missing": "No notebook was found",
        "unreadable": "the file is empty",
        "failed": "not your fault",
    }
    assert expected[status] in shown


def test_a_page_is_written_for_everybody_who_was_graded_and_for_nobody_else(course):
    record(course, graded())
    record(course, missing("bob"))
    assert [path.parent.parent.name for path in write_feedback(course, A)] == ["ada", "bob"]
    assert not course.feedback("cleo", A).exists()


def test_the_same_grades_give_the_same_page(course):
    record(course, graded())
    assert page(course) == page(course)


def test_a_page_is_replaced_as_a_whole_or_not_at_all(course, monkeypatch):
    record(course, graded())
    before = page(course)
    record(course, graded(points=(0, 0)))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_feedback(course, A)
    assert course.feedback("ada", A).read_text(encoding="utf-8") == before
    assert [path.name for path in course.feedback("ada", A).parent.iterdir()] == [f"{A}.html"]


def test_a_damaged_record_is_named(course):
    record(course, graded())
    course.record("ada", A).write_text("{")
    with pytest.raises(CourseError, match=r"ada\.json is damaged.*grade ada again"):
        write_feedback(course, A)


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.headings, self.ids, self.targets, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.ids += [found["id"]] if "id" in found else []
        self.targets += [found["href"][1:]] if tag == "a" else []


def test_the_page_has_an_outline_a_language_and_links_that_lead_somewhere(course):
    record(course, graded())
    html = page(course)
    outline = _Outline()
    outline.feed(html)
    assert '<html lang="en">' in html and outline.headings[0] == 1 and outline.headings.count(1) == 1
    assert all(
        later - earlier <= 1 for earlier, later in zip(outline.headings, outline.headings[1:], strict=False)
    )
    assert set(outline.targets) <= set(outline.ids) and len(outline.ids) == len(set(outline.ids))
    assert "script" not in outline.tags and "link" not in outline.tags
    assert "default-src 'none'" in html and "prefers-color-scheme: dark" in html and "@media print" in html


def attack(student="ada"):
    everything = "\n".join(PAYLOADS)
    return replace(
        graded(student, answer=everything, written=everything),
        intake=replace(
            graded().intake,
            answers={"double": everything, "twice": everything},
            written={"why": everything},
            notes=tuple(Note("repaired", payload) for payload in PAYLOADS),
        ),
    )


@pytest.mark.needs("chromium")
def test_nothing_of_a_submission_runs_or_loads_in_the_page(course, tmp_path):
    (course.path / "roster.csv").write_text(
        'id,first_name,last_name,email\nada,"<img src=x onerror=window.pwned=1>",,\n'
    )
    record(course, attack())
    grade_by_hand(course, "check_double", 1, "<script>window.pwned=1</script>")
    html = page(course)
    # without the page's own Content-Security-Policy: escaping alone must be enough
    bare = tmp_path / "page.html"
    bare.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.get("about:blank")
        requests(browser)  # those of the browser's first page
        browser.get(bare.as_uri())
        assert browser.execute_script("return document.querySelectorAll('details .code').length") == 2
        assert not browser.execute_script("return window.pwned")
        assert requests(browser) == {bare.as_uri()}
        links = browser.execute_script(
            "return [...document.querySelectorAll('[href]')].map(e => e.getAttribute('href'))"
        )
        assert links and all(re.fullmatch(r"#part-\d+", link) for link in links)
        attributes = browser.execute_script(
            "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        )
        assert not [name for name in attributes if name.startswith("on") or name == "src"]


def test_the_template_escapes_by_default():
    assert feedback._environment().autoescape is True
