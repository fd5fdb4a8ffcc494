"""What hostile submissions leave on the pages of feedback and formgrader, seen by a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.attacks.arena import BESIDE, Arena, fight
from tests.attacks.attack import NOTEBOOK
from tests.attacks.submissions import THEMES
from tests.formgrader.browser import chromium, requests
from tests.formgrader.server import TOKEN, Server, serving

pytestmark = pytest.mark.needs("chromium")

SEEN = {one.name: one for theme in ("pages", "names") for one in THEMES[theme][1]}
# Moves the mouse over everything and opens what can be opened; says what a script of a submission left.
PROD = """
for (const one of document.querySelectorAll('details')) one.open = true;
for (const one of document.querySelectorAll('body *'))
    for (const kind of ['mouseover', 'focus', 'toggle', 'animationstart', 'error'])
        one.dispatchEvent(new Event(kind));
const odd = (one, name) => /pwned|evil/.test(one.getAttribute(name)) &&
    !(name === 'href' && /^https?:/.test(one.getAttribute(name)));
return [String(window.pwned), ...[...document.querySelectorAll('*')].flatMap(one =>
    one.getAttributeNames().filter(name => odd(one, name)).map(name => one.localName + ' ' + name))];
"""


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    return fight(tmp_path_factory.mktemp("pages"), SEEN)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def server(arena: Arena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(arena.course.path, tmp_path_factory.mktemp("server")) as server:
        yield server


def test_nothing_of_a_submission_runs_on_a_feedback_page(arena, browser, tmp_path):
    for name in (*SEEN, *BESIDE):
        html = arena.course.feedback(name, NOTEBOOK).read_text(encoding="utf-8")
        # without the page's own Content-Security-Policy: escaping alone must be enough
        bare = tmp_path / f"{name}.html"
        bare.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html), "utf-8")
        _forget(browser)
        browser.get(bare.as_uri())
        assert browser.execute_script(PROD) == ["undefined"], name
        assert requests(browser) == {bare.as_uri()}, name
        assert not browser.execute_script("return document.querySelectorAll('script, iframe, object').length")


def test_the_feedback_pages_would_run_what_is_not_escaped(arena, browser, tmp_path):
    """Otherwise the test above would prove nothing."""
    html = arena.course.feedback("error-html", NOTEBOOK).read_text(encoding="utf-8")
    assert "&lt;script&gt;window.pwned=1" in html
    page = tmp_path / "raw.html"
    page.write_text(html.replace("&lt;", "<").replace("&gt;", ">").replace("default-src", "x-src"), "utf-8")
    browser.get(page.as_uri())
    assert browser.execute_script(PROD)[0] == "1"


def test_nothing_of_a_submission_runs_in_formgrader(arena, browser, server):
    found = json.loads(server.fetch(f"formgrader/api/submitted_notebooks/{NOTEBOOK}/{NOTEBOOK}"))
    numbers = {one["student"]: one["id"] for one in found}
    assert numbers.keys() >= {one.name for one in THEMES["pages"][1]}
    expected = _hosts(_open(browser, server, f"submissions/{numbers[BESIDE[0]]}/"))
    for name in SEEN:
        asked = _open(browser, server, f"submissions/{numbers[name]}/")
        assert browser.execute_script(PROD) == ["undefined"], name
        assert _hosts(asked) <= expected, name
        assert name in browser.page_source or name.title() in browser.page_source
    overview = ("manage_students", f"manage_submissions/{NOTEBOOK}", f"gradebook/{NOTEBOOK}/{NOTEBOOK}")
    for page in overview:
        _open(browser, server, page)
        assert browser.execute_script(PROD) == ["undefined"], page


def _open(browser: webdriver.Chrome, server: Server, page: str) -> set[str]:
    """Show a page of formgrader, and say what was asked for."""
    _forget(browser)
    browser.get(f"{server.address}/formgrader/{page}?token={TOKEN}")
    WebDriverWait(browser, 30).until(lambda driver: driver.execute_script("return !!document.body"))
    return requests(browser)


def _forget(browser: webdriver.Chrome) -> None:
    browser.get("about:blank")
    requests(browser)


def _hosts(addresses: set[str]) -> set[str]:
    return {re.match(r"\w+:(//[^/]*)?", address)[0] for address in addresses}  # type: ignore[index]


def test_the_pages_lie_where_they_belong(arena):
    for name in SEEN:
        assert arena.course.feedback(name, NOTEBOOK).is_relative_to(Path(arena.course.path))
