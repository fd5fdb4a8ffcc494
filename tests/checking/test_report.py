"""The report says what happened, to every reader and on every page, whatever a student's code gave back."""

from __future__ import annotations

import ast
import runpy
import shutil
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cs_utils.checking import Odd, Outcome, Question
from cs_utils.checking.answers import canonical
from cs_utils.checking.compare import Difference, compare
from cs_utils.checking.evaluate import CaseResult, Finding, GroupResult, Verdict
from cs_utils.checking.exercise import Case, Exercise, Group, case
from cs_utils.checking.outcome import Failure
from cs_utils.checking.report import question_to_html, question_to_text, to_html, to_text
from cs_utils.checking.report_html import STYLE
from cs_utils.checking.report_values import MAX_SIDE, number_format, safe, write_call
from tests.checking import sample
from tests.checking.report_samples import CORR2D, FLIPPED, answered, failing, samples, windows, wrong_border

TAGS = {
    *("style", "section", "div", "p", "span", "strong", "bdi", "pre", "code"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"class", "scope", "role", "aria-hidden", "aria-label", "aria-level"}
HOSTILE = [
    "<script>alert(1)</script>\"'&amp;</td></style><img src=x onerror=alert(1)>",
    "\x00\x1b[31mred\x1b[0m\r\n\t\x7f\x9b",
    "\ud800 lone \udfff",
    "\u202eright to left\u2066\u200b\u2028",
    "x" * 5000,
    "]]>--><!--",
]


class Page(HTMLParser):
    """Collects tags, attributes and texts; complains about tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.classes: set[str] = set()
        self.texts: list[str] = []
        self.strange: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.classes |= {word for name, value in attrs if name == "class" for word in (value or "").split()}

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.strange.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def assert_safe_html(html: str) -> Page:
    page = Page(html)
    assert page.open == [] and page.strange == []
    assert page.tags <= TAGS
    assert page.attributes <= ATTRIBUTES
    assert all(word.startswith("cs-") for word in page.classes)
    assert html.count("<style>") == 1 and f"<style>{STYLE}</style>" in html
    assert_printable("".join(page.texts).replace("\n", ""))
    return page


def assert_printable(text: str) -> None:
    bad = [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert bad == []
    text.encode("utf-8")


def assert_safe_text(text: str, width: int = 100) -> None:
    assert text.endswith("\n")
    assert_printable(text.replace("\n", ""))
    assert max(map(len, text.split("\n"))) <= width


# --- whatever comes back -----------------------------------------------------------------------------------

strings = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=60), st.text(st.characters(codec=None), max_size=9)
)
any_array = arrays.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, np.complex128]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=11),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), strings, st.builds(Odd, strings))
values = st.recursive(
    st.one_of(any_array, scalars),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(strings, inner, max_size=2),
    ),
    max_leaves=4,
)
failures = st.builds(
    Failure,
    st.sampled_from(["raised", "missing", "timeout", "crashed", "unreadable"]),
    strings,
    strings,
    st.none() | st.integers(1, 400),
    strings,
)
wanted = st.builds(
    Outcome, st.one_of(any_array, st.booleans(), st.integers(), st.floats(), st.text(max_size=9))
)
outcomes = st.one_of(st.builds(Outcome, values), st.builds(Outcome, st.none(), failures))
pairs = st.tuples(outcomes, wanted | st.builds(Outcome, st.none(), failures))
findings = st.builds(Finding, st.sampled_from(["misconception", "values", "raised"]), strings, strings)


@st.composite
def same_shape_pairs(draw: Any) -> tuple[Outcome, Outcome]:
    """Two arrays of one shape, so that heat maps of every kind are drawn."""
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=11))
    kinds = st.sampled_from([np.float64, np.float32, np.int64])
    return (
        Outcome(draw(arrays.arrays(draw(kinds), shape))),
        Outcome(draw(arrays.arrays(np.float64, shape))),
    )


@st.composite
def verdicts(draw: Any) -> Verdict:
    groups = []
    names = draw(st.lists(strings, min_size=1, max_size=3))
    exercise = Exercise("f", "nb", "x", tuple(Group(n, 1, lambda rng: ()) for n in names), lambda x, k=1: x)
    for group in exercise.groups:
        results = []
        for actual, expected in draw(st.lists(st.one_of(pairs, same_shape_pairs()), max_size=2)):
            asked = Case(
                tuple(draw(st.lists(values, max_size=3))), draw(st.just({}) | st.builds(dict, k=values))
            )
            judged = draw(st.none() | strings)
            if judged is not None:
                results.append(CaseResult(asked, None, actual, Difference("judged", judged)))
                continue
            difference = compare(actual, expected, exercise.tolerance)
            results.append(CaseResult(asked, expected, actual, difference))
        skipped = draw(st.just("") | strings)
        groups.append(
            GroupResult(group, tuple(results), tuple(draw(st.lists(findings, max_size=2))), skipped)
        )
    return Verdict(
        exercise,
        tuple(groups),
        draw(st.none() | failures.filter(lambda failure: failure.fatal)),
        draw(st.booleans()),
        tuple(draw(st.lists(strings, max_size=2))),
    )


@settings(max_examples=300, deadline=None)
@given(verdicts(), st.booleans(), st.integers(60, 140))
def test_any_verdict_gives_a_safe_report(verdict: Verdict, show_inputs: bool, width: int) -> None:
    assert_safe_html(to_html(verdict, show_inputs=show_inputs))
    assert_safe_text(to_text(verdict, show_inputs=show_inputs, width=width), width)


@settings(max_examples=100, deadline=None)
@given(values, st.booleans(), st.none() | st.tuples(strings, strings), values)
def test_any_answer_to_a_question_gives_a_safe_report(
    value: Any, right: bool, known: tuple[str, str] | None, reveal: Any
) -> None:
    question = Question("parameters", "02_shapes", 1, "salt", ())
    assert_safe_html(question_to_html(question, value, right, known, reveal))
    assert_safe_text(question_to_text(question, value, right, known, reveal))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (np.array([[2, 4], [7, 3]]), "you answered [[2, 4], [7, 3]]."),
        ("19, 13", "you answered '19, 13'. That is a text; numbers are written without quotes."),
        ("left", "you answered 'left'."),
        (np.zeros((5, 5)), "you answered shape (5, 5)."),
    ],
)
def test_a_wrong_answer_is_shown_as_it_was_given(answer: Any, said: str) -> None:
    question = Question("parameters", "02_shapes", 1, "salt", ())
    state = question_to_text(question, answer, False, None).splitlines()[1]
    assert state == f"Not right yet: {said}"


@given(strings)
def test_safe_text_is_printable_short_and_on_one_line(text: str) -> None:
    assert_printable(safe(text))
    assert len(safe(text)) <= 201


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_error_messages_stay_text(hostile: str) -> None:
    verdict = failing(Failure("raised", hostile, hostile, 3, hostile), Finding("raised", hostile, hostile))
    page = assert_safe_html(to_html(replace(verdict, remarks=(hostile,))))
    assert "img" not in page.tags and "script" not in page.tags


# --- what a student reads -----------------------------------------------------------------------------------


def both(verdict: Verdict) -> list[str]:
    """The report's words in HTML and in text, on one line each."""
    return [Page(to_html(verdict)).text, " ".join(to_text(verdict).split())]


@pytest.mark.parametrize("name", samples())
def test_every_sample_is_safe_on_narrow_and_wide_terminals(name: str) -> None:
    verdict = samples()[name]
    assert_safe_html(to_html(verdict))
    for width in (60, 80, 100):
        assert_safe_text(to_text(verdict, width=width), width)


def test_a_right_answer_is_told_in_one_sentence_and_a_table() -> None:
    for report in both(answered(windows)):
        assert "All 5 groups pass." in report
        assert "7 of 7 points" in report
        assert "Smallest failing case" not in report and "What to look at" not in report


def test_an_untouched_exercise_says_what_to_do_and_nothing_else() -> None:
    for report in both(samples()["untouched"]):
        assert "Not started yet: write corr2d in the cell above." in report
        assert "NotImplementedError" not in report and "✗" not in report


def test_a_failure_shows_both_arrays_and_the_largest_difference() -> None:
    for report in both(samples()["border"]):
        assert "4 of 5 groups pass." in report
        assert "You returned" in report and "Expected" in report and "Where they differ" in report
        assert "12 of 16 numbers differ; the largest difference is 161, at row 3, column 0." in report
    heat = to_html(samples()["border"]).split("Where they differ")[1]
    assert heat.count("<td>0</td>") == 4  # the inside is right and is not marked
    assert heat.count('class="cs-wrong') == 12


def test_the_call_can_be_pasted_and_gives_the_case() -> None:
    rng = np.random.default_rng(0)
    asked = case(
        rng.normal(size=(3, 4)), np.array([np.nan, -np.inf, 1e-300]), np.zeros((0, 2)),
        [("a", {"stride": 2, "bias": True})] * 5, mode="same",
        y=rng.integers(-5, 5, (2, 1, 2)), z=rng.normal(size=(2, 2)).astype(np.float32),
    )  # fmt: skip
    exercise = Exercise("f", "nb", "x", (Group("g", 1, lambda rng: ()),), lambda x, k, e, t, **more: x)
    seen: list[Any] = []
    code = write_call(exercise, asked)
    ast.parse(code)
    exec(code, {"np": np, "f": lambda *args, **kwargs: seen.append((args, kwargs))})
    ((args, kwargs),) = seen
    for mine, wanted in zip([*args, *kwargs.values()], [*asked.args, *asked.kwargs.values()], strict=True):
        np.testing.assert_array_equal(mine, wanted)
        assert getattr(mine, "dtype", None) == getattr(wanted, "dtype", None)


def test_the_smallest_failing_case_names_its_group_and_options() -> None:
    for report in both(samples()["border"]):
        assert "from the group “padding on both sides”" in report
        assert "corr2d(x, k, padding=1)" in report


def test_an_error_is_told_with_type_message_line_and_source() -> None:
    for report in both(samples()["raises"]):
        assert "raised IndexError in line 7 of your cell" in report
        assert "index 3 is out of bounds for axis 0 with size 3" in report
        assert "out[i, j] = (x[i:i+kh, j:j+kw] * k).sum()" in report


def test_an_expected_error_is_named() -> None:
    def never_refuses(x: np.ndarray, k: np.ndarray, **options: int) -> np.ndarray:
        return windows(x, k, **options) if k.shape[0] <= x.shape[0] else np.zeros((0, 0))

    for report in both(answered(never_refuses)):
        assert "ValueError is raised" in report
        assert "shape (0, 0), no numbers in it" in report


def test_a_tuple_says_which_value_and_which_slice_differ() -> None:
    for report in both(samples()["gradients"]):
        assert "You returned as value 2" in report
        assert "slice [0, 1]" in report
        assert "6 of 36 numbers differ; the largest difference is 0.89, at [0, 1, 0, 1]." in report
        assert "… 3 more slices" in report


def test_each_finding_is_said_once_misconceptions_first() -> None:
    seen = Finding("values", "3 of 4 numbers differ", "Look at one of them by hand.")
    verdict = answered(lambda x, k, **more: windows(x, k, **more) + 1, seen)
    first, *others = verdict.groups
    others = [replace(group, findings=(seen, FLIPPED)) if group.findings else group for group in others]
    verdict = replace(verdict, groups=(first, *others))
    for report in both(verdict):
        notes = report[report.index("numbers differ; the largest") :]
        assert notes.count(FLIPPED.title) == 1 and notes.count(seen.title) == 1
        assert notes.index(FLIPPED.title) < notes.index(seen.title)
        assert "in all 4 failing groups" in notes.split(seen.title)[1]


def test_a_finding_of_some_groups_names_them() -> None:
    verdict = answered(wrong_border)
    first = replace(verdict.groups[0], findings=(FLIPPED,), skipped="differs")
    verdict = replace(verdict, groups=(first, *verdict.groups[1:]))
    for report in both(verdict):
        assert "in “no padding”" in report


def test_a_crash_costs_the_exercise_and_says_what_to_look_for() -> None:
    for report in both(samples()["crash"]):
        assert "0 of 7 points" in report
        assert "No points: corr2d ended the whole Python process. Look for exit()" in report
        assert "not run" in report and "2 of 2" not in report


def test_remarks_are_told_to_cost_nothing() -> None:
    for report in both(samples()["flipped"]):
        assert "costs nothing" in report and "It printed 1,204 characters" in report


def test_a_judge_s_sentence_stands_for_the_expected_value() -> None:
    exercise = replace(sample.CORR, reference=None, judge=lambda given, outcome: "the mean is not 0")
    for report in both(sample.run(sample.correct, exercise)):
        assert "the mean is not 0" in report
        assert "You returned" in report and "Expected" not in report


def test_real_findings_reach_the_report() -> None:
    verdict = sample.run(lambda x, k, *, stride=1: sample.correct(x, k[::-1, ::-1], stride=stride))
    for report in both(verdict):
        assert "the kernel is flipped" in report and "No flip here." in report


def test_a_passed_group_without_shown_cases_still_passes() -> None:
    verdict = answered(windows)
    hidden = replace(verdict, groups=tuple(replace(group, results=()) for group in verdict.groups))
    assert to_text(hidden) == to_text(verdict)


def test_a_hidden_case_shows_no_number_and_nothing_the_student_chose() -> None:
    def tells(x: np.ndarray, k: np.ndarray, **options: int) -> np.ndarray:
        raise RuntimeError(f"secret input {x[0, 1]}")

    verdict = answered(tells, Finding("raised", "raised RuntimeError: secret input 1.0"))
    for report in (to_html(verdict, show_inputs=False), to_text(verdict, show_inputs=False)):
        assert "secret" not in report and "np.array" not in report and "RuntimeError" not in report
    verdict = samples()["flipped"]
    for report in (to_html(verdict, show_inputs=False), to_text(verdict, show_inputs=False)):
        assert "np.array" not in report and "cs-grid" not in report.replace(STYLE, "")
        assert "the kernel is flipped" in report


def test_a_question_names_the_known_mistake() -> None:
    question = Question("parameters", "02_shapes", 1, "salt", ())
    known = ("the bias is forgotten", "Each filter has one more number.")
    for report in (question_to_html, question_to_text):
        assert "Not answered yet: set parameters" in Page(report(question, None, False, None)).text
        wrong = Page(report(question, 750, False, known)).text
        assert (
            "you answered 750" in wrong
            and known[0] in wrong
            and known[1] in wrong
            and "0 of 1 point" in wrong
        )
        assert "1 of 1 point" in Page(report(question, 760, True, None)).text
        assert "The right answer is 760." in Page(report(question, 750, False, known, 760)).text
        assert (
            "type torch.Tensor cannot be an answer"
            in Page(report(question, Odd("torch.Tensor"), False, None)).text
        )


def test_a_number_too_long_to_print_is_described() -> None:
    for report in both(sample.run(lambda x, k, *, stride=1: 10**6000)):
        assert "You returned: an object of type int with 19932 bits" in report.replace(
            "returned :", "returned:"
        )
    assert canonical(10**6000) is None


# --- numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ([1, -2, 300], ["1", "-2", "300"]),
        ([1.0, -2.0, 0.0], ["1", "-2", "0"]),
        ([1.5, -0.0, 2.25], ["1.50", "0.00", "2.25"]),
        ([1 / 3, 200.0], ["0.333", "200.000"]),
        ([np.nan, np.inf, -np.inf, 2.0], ["nan", "inf", "-inf", "2"]),
        ([1e-300, 0.0], ["1.000e-300", "0.000e+00"]),
        ([1e20, 1.0], ["1.000e+20", "1.000e+00"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_numbers_of_an_array_share_their_decimals(numbers: list[float], written: list[str]) -> None:
    array = np.array(numbers)
    assert [number_format(array)(number) for number in array] == written


def test_a_small_difference_is_not_rounded_away() -> None:
    expected = np.array([[1.0, 2.0]])
    outcome = Outcome(np.array([[1.0, 2.0004]]))
    difference = compare(outcome, Outcome(expected), CORR2D.tolerance)
    result = CaseResult(case(expected), Outcome(expected), outcome, difference)
    verdict = Verdict(CORR2D, (GroupResult(CORR2D.groups[0], (result,)),))
    assert "2.0004" in to_text(verdict) and "2.0000" in to_text(verdict)


def test_a_million_numbers_are_cropped_to_the_first_wrong_ones() -> None:
    expected = np.zeros((1000, 1000))
    wrong = expected.copy()
    wrong[700, 3] = wrong[998, 999] = 5
    difference = compare(Outcome(wrong), Outcome(expected), CORR2D.tolerance)
    result = CaseResult(case(expected), Outcome(expected), Outcome(wrong), difference)
    html = to_html(Verdict(CORR2D, (GroupResult(CORR2D.groups[0], (result,)),)))
    assert len(html) < 30_000
    assert '<th scope="row">700</th>' in html and f"{1000 - MAX_SIDE} more rows" in html
    assert "too large to write out" in html
    assert (
        "2 of 1000000 numbers differ; the largest difference is 5, at row 700, column 3." in Page(html).text
    )


def test_every_style_rule_stays_inside_the_report() -> None:
    selectors = [part for rule in STYLE.split("}")[:-1] for part in rule.split("{")[0].split(",")]
    assert all(selector.strip().startswith(".cs-report") for selector in selectors)
    assert "url(" not in STYLE and "@import" not in STYLE


def test_the_picture_in_the_readme_can_be_drawn_again(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "docs" / "images" / "make_report_picture.py"
    drawing = SimpleNamespace(**runpy.run_path(str(script)))
    browser = next((found for name in drawing.BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    drawing.photograph(to_html(samples()["border"]), tmp_path / "report.png", browser)
    assert 10_000 < (tmp_path / "report.png").stat().st_size < 150_000
    assert 10_000 < drawing.PICTURE.stat().st_size < 150_000
