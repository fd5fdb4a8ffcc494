"""Nothing a student wrote runs, loads or misleads in the instructor's browser; the pages are nbgrader's."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from autograder.gradebook import autograded_notebook
from autograder.results import GradedSubmission, Intake, Note
from autograder.sanitise import (
    INVISIBLE,
    MAX_FORMATTED,
    MAX_LENGTH,
    as_plain_text,
    is_harmless,
    sanitise,
    visible,
)
from tests.formgrader.browser import TEMPLATES, chromium, render, requests
from tests.formgrader.payloads import PAYLOADS
from tests.gradebook.sample import A, graded

MATHJAX = Path("/usr/share/javascript/mathjax/MathJax.js")
LOCAL_MATHJAX = f"{MATHJAX.as_uri()}?config=TeX-AMS_CHTML-full"
ANSWERS = ".rendered_html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def release() -> NotebookNode:
    """A notebook with one written question for every payload."""
    cells = []
    for number, _ in enumerate(PAYLOADS):
        cell = nbformat.v4.new_markdown_cell("YOUR ANSWER HERE", id=f"w{number}")
        cell.metadata.nbgrader = {
            "grade": True,
            "grade_id": f"w{number}",
            "locked": False,
            "points": 1,
            "schema_version": 3,
            "solution": True,
            "task": False,
        }
        cells.append(cell)
    code = nbformat.v4.new_code_cell("", id="check_double")
    code.metadata.nbgrader = {**cells[0].metadata.nbgrader, "grade": False, "grade_id": "code"}
    check = nbformat.v4.new_code_cell("check(double)", id="code")
    check.metadata.nbgrader = {**cells[0].metadata.nbgrader, "solution": False, "grade_id": "check_double"}
    return nbformat.v4.new_notebook(cells=[code, check, *cells])


def attack() -> GradedSubmission:
    """All payloads at once: as written answers, as code, as added cells, as notes and as the problem."""
    everything = "\n".join(PAYLOADS)
    intake = Intake(
        answers={"code": everything},
        added=((7, everything),),
        written={f"w{number}": payload for number, payload in enumerate(PAYLOADS)},
        notes=tuple(Note("flag", payload) for payload in PAYLOADS),
        problem=everything,
    )
    return GradedSubmission("ada", A, "unreadable", intake=intake)


def open_page(browser: webdriver.Chrome, path: Path, page: str) -> set[str]:
    """Show `page`, move over and click what can be clicked, and return what was asked for on the way."""
    path.write_text(page, encoding="utf-8")
    browser.get("about:blank")
    requests(browser)
    browser.get(path.as_uri())
    browser.execute_script(
        "for (const one of document.querySelectorAll(arguments[0] + ' *')) "
        "for (const kind of ['mouseover', 'focus', 'toggle']) one.dispatchEvent(new Event(kind))",
        ANSWERS,
    )
    return {address for address in requests(browser) if address != path.as_uri()}


def pwned(browser: webdriver.Chrome) -> bool:
    return bool(
        browser.execute_script("return window.pwned || document.querySelector('[href^=\"javascript\"]')")
    )


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_of_a_submission_runs_or_loads_in_nbgraders_pages(browser, release, tmp_path, template):
    quiet = graded(written=None)
    expected = open_page(
        browser, tmp_path / "quiet.html", render(autograded_notebook(release, quiet), template)
    )
    page = render(autograded_notebook(release, attack()), template)
    asked = open_page(browser, tmp_path / "attack.html", page)
    assert asked == expected
    assert not pwned(browser)
    links = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' a[href]')].map(a => a.getAttribute('href'))",
        ANSWERS,
    )
    assert links and all(link.startswith(("https://", "http://", "mailto:", "#%E2%80%8B")) for link in links)
    attributes = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' *')].flatMap(e => e.getAttributeNames())",
        ANSWERS,
    )
    assert not [name for name in attributes if name.startswith("on") or name in ("srcdoc", "style", "src")]
    tags = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' *')].map(e => e.localName)", ANSWERS
    )
    assert not {"script", "style", "img", "iframe", "svg", "math", "form", "base", "meta", "link"} & set(tags)


@pytest.mark.needs("chromium")
def test_no_answer_takes_the_place_of_a_part_of_formgrader(browser, release, tmp_path):
    page = render(autograded_notebook(release, attack()), "formgrade")
    open_page(browser, tmp_path / "page.html", page)
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    for own in ("statusmessage", "check_double", "w0", "w0-comment"):
        assert ids.count(own) == 1, own


@pytest.mark.needs("chromium")
def test_these_payloads_do_harm_where_nothing_is_done_about_them(browser, release, tmp_path):
    """Otherwise the tests above would prove nothing."""
    notebook = copy.deepcopy(release)
    for cell, payload in zip(notebook.cells[2:], PAYLOADS, strict=True):
        cell.source = payload
    breaks = ("attachment:", "http-equiv")  # these stop the page, or leave it, so that the others do nothing
    notebook.cells = [cell for cell in notebook.cells if not any(word in cell.source for word in breaks)]
    asked = open_page(browser, tmp_path / "raw.html", render(notebook, "formgrade"))
    assert pwned(browser) and any("evil.example" in address for address in asked)


@pytest.mark.needs("chromium")
@pytest.mark.skipif(
    not MATHJAX.exists(), reason="MathJax not found; get it with: apt-get install libjs-mathjax"
)
def test_formulas_are_typeset_and_make_no_links_styles_or_ids(browser, release, tmp_path):
    formulas = "Good: $\\frac{1}{2} \\sum_{i=1}^n x_i$.\n\n$$\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}$$"
    submission = attack()
    submission.intake.written["w0"] = formulas
    page = render(autograded_notebook(release, submission), "formgrade")
    # the installed MathJax in place of the one on the internet, without its "Safe" extension
    page, replaced = re.subn(r'(?<=src=")https://[^"]*/mathjax/[^"]*', LOCAL_MATHJAX, page)
    assert replaced == 1
    asked = open_page(browser, tmp_path / "math.html", page)
    browser.set_script_timeout(60)
    WebDriverWait(browser, 30).until(lambda driver: driver.execute_script("return !!window.MathJax?.Hub"))
    browser.execute_async_script("const done = arguments[0]; MathJax.Hub.Queue(() => { done(true) })")
    asked |= requests(browser)
    assert not pwned(browser) and not [address for address in asked if "evil.example" in address]
    assert browser.execute_script("return document.querySelectorAll('.mjx-chtml').length") >= 2
    assert browser.execute_script("return document.querySelectorAll('.mjx-mfrac, .mjx-mtable').length") >= 2
    found = browser.execute_script(
        "return [...document.querySelectorAll('.mjx-chtml a, .mjx-chtml [style*=url], .mjx-chtml .score,"
        " .mjx-chtml #statusmessage')].map(e => e.outerHTML)"
    )
    assert not found


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_payload_is_harmless_after_sanitising_and_can_still_be_read(payload):
    safe = sanitise(payload)
    assert is_harmless(safe) and is_harmless(as_plain_text(payload))
    if not safe.startswith("<pre>"):
        assert safe.replace(INVISIBLE, "") == visible(payload)


def test_the_audit_refuses_what_is_not_disarmed():
    refused = [payload for payload in PAYLOADS if not is_harmless(payload)]
    assert len(refused) > len(PAYLOADS) / 2  # formulas are text to the audit


FORMATTED = """\
A **bold** claim with $a_{ij} = \\frac{1}{2}$ and `code`, see [the book](https://example.org/a?b=1&c=2).

1. one
2. two

| $x$ | y |
|-----|--:|
| 1   | 2 |

```python
x[i](j) if a < b else c
```

> a quote, x < y, 3 > 2 & so on

- [x] done
"""


def test_ordinary_formatting_stays():
    safe = sanitise(FORMATTED)
    assert safe.replace(INVISIBLE, "") == FORMATTED and not safe.startswith("<pre>")
    shown = render(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(safe)]), "feedback")
    for expected in (
        "<strong>bold</strong>",
        'href="https://example.org/a?b=1&amp;c=2"',
        "<ol>",
        "<table>",
        "<h",
    ):
        assert expected in shown


LETTERS = "<>[]()!&#\\$`:/\"'x-=|*_^ \n\x00\u200b\ud800"
WORDS = """``` ~~~ <!-- --> &lt; &#60; javascript: https://a.b attachment:a script src=x onerror=x
<img href mermaid $$ \\href ]( ![ ]: <svg"""
PIECES = st.sampled_from([*LETTERS, *WORDS.split(), "\n\n", "    "])


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_whatever_is_written_comes_out_harmless(text):
    safe = sanitise(text)
    assert is_harmless(safe)
    safe.encode("utf-8")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_comes_out_harmless_as_markdown_and_as_plain_text(text):
    assert is_harmless(sanitise(text)) and is_harmless(as_plain_text(text))


@pytest.mark.parametrize(
    "piece", ["[", "*a **b ", ">", "- ", "`", "$", "[a](", "![", "|", "_", "<", "\\", "# ", "((("]
)
def test_endless_repetitions_are_cut_and_do_not_hang_the_page(piece):
    for length in (MAX_FORMATTED, 2 * MAX_LENGTH):
        text = sanitise((piece * length)[:length])
        assert len(text) < 40 * MAX_LENGTH and is_harmless(text)
