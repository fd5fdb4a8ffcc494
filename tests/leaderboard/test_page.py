"""The page: for everybody who can read, whatever teams call themselves, and kept live without disturbing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from autograder.leaderboard import pages
from tests.formgrader.browser import chromium
from tests.leaderboard import served, stage
from tests.leaderboard.stage import HOSTILE, TOKEN, Stage, closed, made_up, performed, ranked, row

VOID = ("meta", "link", "input", "br", "img")


class Reader(HTMLParser):
    """A page as elements: (tag, attributes, text directly in it)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[int] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self.elements[self._open[-1]][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.elements[self._open[-1]][2].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(text)) for name, attributes, text in self.elements if name == tag]


def made(rows: list[stage.Row], **more: Any) -> str:
    shown = Stage(rows, **more)
    return pages.board_page(shown.board(), shown.competition)


# --- what the server writes ---------------------------------------------------------------------------------


def test_what_a_team_calls_itself_is_text_and_nothing_else() -> None:
    plain, hostile = Reader(made(made_up(10))), Reader(made(made_up(10, hostile=True)))
    assert [tag for tag, _, _ in hostile.elements] == [tag for tag, _, _ in plain.elements]
    assert {text for _, text in hostile.all("bdi")} >= set(HOSTILE)


@pytest.mark.parametrize("is_closed", [False, True])
def test_no_script_or_style_stands_in_the_page_itself(is_closed: bool) -> None:
    rows = closed(made_up(5)) if is_closed else made_up(5)
    page = Reader(made(rows, is_closed=is_closed))
    assert not page.all("style")
    assert all(attributes.get("src") and not text for attributes, text in page.all("script"))
    assert not [
        (tag, name)
        for tag, attributes, _ in page.elements
        for name in attributes
        if name == "style" or name.startswith("on")
    ]


def test_the_table_says_its_roles_itself() -> None:
    """On a phone its rows are laid out as cards, and some browsers then forget that it is a table."""
    page = made(made_up(3))
    board = Reader(page[page.index('<table id="ranks"') : page.index("</table>", page.index('id="ranks"'))])
    parts = [one for one in board.elements if one[0] in ("table", "thead", "tbody", "tr", "th", "td")]
    assert len(parts) > 40
    assert not [tag for tag, attributes, _ in parts if not attributes.get("role")]


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = Reader(made(made_up(3)))
    addresses = [one[key] for _, one, _ in page.elements for key in ("src", "href", "action") if one.get(key)]
    assert addresses
    assert not [address for address in addresses if re.match(r"[a-z]+:|/", address or "")]


def test_the_page_of_500_teams_takes_well_under_100_ms() -> None:
    rows = made_up(500)
    made(rows)  # templates are compiled once
    times = []
    for _ in range(5):
        start = time.process_time()
        made(rows)
        times.append(time.process_time() - start)
    assert min(times) < 0.06


def test_one_failed_upload_does_not_squeeze_everybody_else() -> None:
    scale = pages.Scale.of([row(f"team {k}", 0.9) for k in range(30)] + [row("failed", 0.1)])
    assert (scale.low, scale.high) == (0.85, 0.95)


@pytest.mark.parametrize("scores", [(), (0.0,), (1.0,), (0.0, 1.0), (0.5,), (0.31, 0.62, 0.97), (0.52, 0.83)])
def test_the_scale_has_a_few_round_ticks_and_room(scores: tuple[float, ...]) -> None:
    scale = pages.Scale.of([row(f"team {k}", score) for k, score in enumerate(scores)])
    ticks = scale.ticks()
    assert 3 <= len(ticks) <= 6
    assert (ticks[0], ticks[-1]) == (scale.low, scale.high)
    assert 0 <= scale.low < scale.high <= 1
    assert all(scale.at(score) == "0.00%" or scale.low <= score for score in scores)


def test_times_are_those_of_the_competition() -> None:
    page = made([row("team", 0.5, stage.START)])
    assert "Saturday 28 November 2026, 23:59 (Europe/Berlin)" in page
    assert ">21 Nov 10:00</time>" in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_enough(scheme: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for what is drawn."""
    style = (pages.STATIC / "board.css").read_text()
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", style.split("@media (prefers-color-scheme: dark)")[0]))
    if scheme == "dark":
        dark = style.split("@media (prefers-color-scheme: dark)")[1].split("}")[0]
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", dark))
    grounds = [colours[name] for name in ("paper", "card", "wash", "mine")]
    for ground in grounds:
        for text in ("ink", "quiet", "accent", "wrong", "mine-edge"):
            assert contrast(colours[text], ground) >= 4.5, (text, ground)
        assert contrast(colours["edge"], ground) >= 3, ground
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["accent"], colours["range"]) >= 3


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# --- in a browser -------------------------------------------------------------------------------------------


class Browser:
    """Chromium with the words these tests need."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, seconds: float = 20) -> Any:
        """Wait until the expression `script` holds, and give its value."""
        end = time.monotonic() + seconds
        while not (value := self.js(f"return {script}")):
            assert time.monotonic() < end, (script, self.js("return document.body.innerText"))
            time.sleep(0.03)
        return value

    def text(self, selector: str) -> str:
        found: str = self.js("return document.querySelector(arguments[0]).innerText", selector)
        return " ".join(found.split())

    def says(self, selector: str, words: str) -> None:
        found = json.dumps(words)
        self.until(f"(document.querySelector('{selector}')?.textContent ?? '').includes({found})")

    def open(self, address: str) -> None:
        self.driver.get(address)
        self.says("#state", "Live.")

    def sign_in(self, token: str = TOKEN) -> None:
        self.driver.find_element(By.ID, "token").send_keys(token, Keys.ENTER)

    def media(self, **features: str) -> None:
        found = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": found})

    def width(self, pixels: int) -> None:
        size = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def complaints(self) -> list[str]:
        """What the console holds about the policy, or about errors in our script."""
        found = [one["message"] for one in self.driver.get_log("browser")]
        return [one for one in found if "Content Security Policy" in one or "Uncaught" in one]

    def choose_file(self, path: Path) -> None:
        self.driver.find_element(By.ID, "file").send_keys(str(path))
        self.until("!document.getElementById('send').disabled")

    def press(self, identity: str) -> None:
        self.js("document.getElementById(arguments[0]).click()", identity)


@pytest.fixture(scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield Browser(driver)


@pytest.fixture
def browser(_browser: Browser) -> Iterator[Browser]:
    _browser.width(1400)
    _browser.media(prefers_reduced_motion="no-preference")
    yield _browser
    assert not _browser.complaints()
    _browser.driver.get("about:blank")


BOARD = """
const board = document.getElementById('ranks').cloneNode(true);
for (const one of board.querySelectorAll('.mine')) one.classList.remove('mine');
return board.outerHTML.replace(/>\\s+/g, '>').replace(/\\s+</g, '<');
"""

COUNT_WORDS = """
window.said = 0;
new MutationObserver(() => window.said++).observe(document.getElementById('announce'), {childList: true});
"""

COUNT_MOVES = """
window.moved = 0;
const animate = Element.prototype.animate;
Element.prototype.animate = function (...all) { window.moved++; return animate.apply(this, all); };
"""

DROP = """
const dropped = new DataTransfer();
dropped.items.add(new File(['id,label\\n'], 'dropped.csv'));
for (const kind of ['dragenter', 'dragover', 'drop'])
  document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: dropped, bubbles: true, cancelable: true}));
"""

# Roles that say nothing without a name.
USED = ("button", "textbox", "radio", "checkbox", "link", "image", "img", "DisclosureTriangle")

needs_chromium = pytest.mark.needs("chromium")


def changed_rows(rows: list[stage.Row]) -> list[stage.Row]:
    """Two new teams, one gone, others better than before."""
    kept = [row(one["name"], one["score"], kind=one["kind"], uploads=one["uploads"]) for one in rows[1:]]
    for k, one in enumerate(kept):
        if one["kind"] == "team":
            kept[k] = row(one["name"], min(1.0, one["score"] + 0.07 * (k % 3)), uploads=k)
    return ranked([*kept, row("newcomer", 0.951), row("<b>late</b>", 0.02)])


@needs_chromium
def test_the_script_draws_the_board_that_the_server_would(browser: Browser) -> None:
    """Open, changed and closed: after each change the live table is that of a page loaded anew."""
    play = Stage(made_up(12, hostile=True))
    steps: list[Callable[[], Any]] = [
        lambda: setattr(play, "rows", changed_rows(play.rows)),
        lambda: setattr(play, "rows", ranked(play.rows[:1])),
        lambda: setattr(play, "rows", ranked(made_up(30))),
        lambda: (setattr(play, "rows", closed(play.rows)), setattr(play, "is_closed", True)),
    ]
    with performed(play) as address:
        browser.open(address)
        loads = browser.js("window.untouched = true; return performance.timeOrigin")
        for step in steps:
            step()
            play.tell()
            browser.until(f"document.getElementById('ranks').dataset.version === '{play.version}'")
            live = browser.js(BOARD)
            assert browser.js("return window.untouched") and loads == browser.js(
                "return performance.timeOrigin"
            )
            new = browser.js(
                "const request = new XMLHttpRequest(); request.open('GET', '.', false); request.send();"
                "const page = new DOMParser().parseFromString(request.responseText, 'text/html');"
                + BOARD.replace("document.", "page.")
            )
            assert live == new
        assert browser.text("#board-title") == "Final board"
        assert browser.text("#announce").startswith("The competition is closed.")


@needs_chromium
def test_names_that_arrive_while_the_page_is_open_are_text_too(browser: Browser) -> None:
    play = Stage(made_up(2))
    with performed(play) as address:
        browser.open(address)
        play.rows = made_up(10, hostile=True)
        play.tell()
        browser.until(f"document.querySelectorAll('#ranks tbody tr').length === {len(play.rows)}")
        names = browser.js(
            "return [...document.querySelectorAll('#ranks bdi')].map((one) => one.textContent)"
        )
        assert set(names) >= set(HOSTILE)
        assert browser.js("return document.title") == "Ten shapes under heavy nuisance: leaderboard"
        assert not browser.js("return document.querySelectorAll('#ranks :is(script, img, b)').length")


@needs_chromium
def test_a_team_finds_its_row_and_the_token_stays_in_the_tab(browser: Browser) -> None:
    play = Stage(made_up(40), mine="brisk otter 1")
    with performed(play) as address:
        browser.open(address)
        browser.sign_in()
        browser.until("document.querySelectorAll('tr.mine').length === 1")
        assert browser.text("tr.mine bdi") == "brisk otter 1"
        assert browser.driver.find_element(By.CSS_SELECTOR, "tr.mine .you").is_displayed()
        assert browser.js("return document.activeElement.id") == "you-title"
        browser.press("show-row")
        assert browser.js("return document.activeElement.className") == "team mine"
        browser.driver.refresh()
        browser.until("document.querySelectorAll('tr.mine').length === 1")
        assert not [url for _, url in play.requests if TOKEN in url]
        assert TOKEN not in browser.js(
            "return JSON.stringify(localStorage) + document.cookie + location.href"
        )
        assert TOKEN not in browser.js("return document.documentElement.outerHTML")
        browser.press("sign-out")
        assert not browser.js("return document.querySelectorAll('tr.mine').length")
        assert TOKEN not in browser.js("return JSON.stringify(sessionStorage)")


@needs_chromium
def test_a_wrong_token_is_answered_beside_its_field(browser: Browser) -> None:
    with performed(Stage(made_up(3))) as address:
        browser.open(address)
        browser.sign_in("nothing")
        browser.says("#token-answer", "This token is not valid")
        assert browser.js("return document.activeElement.id") == "token"
        assert browser.js("return sessionStorage.length") == 0


@needs_chromium
def test_an_own_new_rank_is_announced_and_focus_stays(browser: Browser) -> None:
    rows = [row(f"team {k}", 0.9 - 0.1 * k) for k in range(5)]
    play = Stage(ranked(rows), mine="team 3")
    with performed(play) as address:
        browser.open(address)
        browser.sign_in()
        browser.until("document.querySelector('tr.mine')")
        browser.press("show-row")
        browser.js(COUNT_WORDS)
        play.rows = ranked([*rows[:3], row("team 3", 0.95, uploads=2), rows[4]])
        play.tell()
        browser.says("#announce", "Your rank is now 1; it was 4.")
        assert browser.js("return document.activeElement.className") == "team mine"
        assert browser.js("return document.querySelector('#ranks tbody tr').className") == "team mine"
        play.rows = ranked([*rows[:3], row("team 3", 0.95, uploads=2), row("team 4", 0.65)])
        play.tell()
        browser.until(f"document.getElementById('ranks').dataset.version === '{play.version}'")
        assert browser.js("return window.said") == 1  # what others do is not read out


@needs_chromium
def test_rows_glide_only_for_those_who_do_not_mind(browser: Browser) -> None:
    rows = [row(f"team {k}", 0.9 - 0.1 * k) for k in range(5)]
    for motion in ("no-preference", "reduce"):
        browser.media(prefers_reduced_motion=motion)
        play = Stage(ranked(rows))
        with performed(play) as address:
            browser.open(address)
            browser.js(COUNT_MOVES)
            play.rows = ranked([*rows[:4], row("team 4", 0.95)])
            play.tell()
            browser.until(f"document.getElementById('ranks').dataset.version === '{play.version}'")
            assert (browser.js("return window.moved") > 0) is (motion == "no-preference")


@needs_chromium
def test_the_page_says_when_it_is_not_connected_and_comes_back(browser: Browser) -> None:
    play = Stage(made_up(3))
    with performed(play) as address:
        browser.open(address)
        play.broken = True
        browser.says("#state", "Not connected")
        play.broken = False
        play.rows = made_up(4)
        play.tell()
        browser.until("document.querySelectorAll('#ranks tbody tr').length === 7")
        browser.says("#state", "Live.")


@needs_chromium
def test_without_events_the_board_is_asked_for_from_time_to_time(browser: Browser) -> None:
    play = Stage(made_up(3), refuses_events=True)
    with performed(play) as address:
        browser.driver.get(address)
        browser.says("#state", "Asking for news every few seconds.")
        assert browser.js("return document.querySelectorAll('#ranks tbody tr').length") == 6


@needs_chromium
def test_a_refused_upload_is_explained_where_one_looks(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "<img src=x>.csv"
    file.write_text("id,label\n1,2\n")
    play = Stage(made_up(3), mine="amber lynx 1", refusal="The file holds 1 prediction; 10,000 are needed.")
    with performed(play) as address:
        browser.open(address)
        browser.sign_in()
        browser.until("!document.getElementById('team').hidden")
        browser.choose_file(file)
        assert not play.uploads  # choosing sends nothing
        browser.press("send")
        browser.says("#upload-answer", play.refusal)
        assert browser.js("return document.activeElement.id") == "upload-answer"
        assert browser.js("return document.getElementById('upload-answer').className") == "answer refused"
        assert [name for name, _ in play.uploads] == [file.name]


@needs_chromium
def test_a_file_can_be_dropped_anywhere(browser: Browser) -> None:
    play = Stage(made_up(3), mine="amber lynx 1")
    with performed(play) as address:
        browser.open(address)
        browser.sign_in()
        browser.until("!document.getElementById('team').hidden")
        browser.js(DROP)
        assert "dropped.csv" in browser.text("#drop-note")
        assert browser.js("return document.activeElement.id") == "send"
        browser.press("send")
        browser.says("#upload-answer", "Your public score is now")
        assert play.uploads == [("dropped.csv", b"id,label\n")]


@needs_chromium
@pytest.mark.parametrize("is_closed", [False, True])
def test_on_a_phone_nothing_sticks_out_and_the_table_stays_a_table(browser: Browser, is_closed: bool) -> None:
    rows = made_up(9, hostile=True)
    play = Stage(closed(rows) if is_closed else rows, is_closed=is_closed, mine=HOSTILE[3])
    with performed(play) as address:
        browser.width(360)
        browser.open(address)
        browser.sign_in()
        browser.until("!document.getElementById('team').hidden")
        browser.js("for (const one of document.querySelectorAll('details')) one.open = true")
        assert browser.js("return document.documentElement.scrollWidth") <= 360
        tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        roles = [one["role"]["value"] for one in tree if not one["ignored"]]
        assert roles.count("columnheader") >= (7 if is_closed else 5)
        assert roles.count("rowheader") == len(rows)
        tables = [one for one in tree if one["role"]["value"] == "table" and not one["ignored"]]
        assert any("9 teams and 3 baselines." in one["name"]["value"] for one in tables)


@needs_chromium
def test_with_the_keyboard_alone_one_gets_to_the_board(browser: Browser) -> None:
    with performed(Stage(made_up(3))) as address:
        browser.open(address)
        browser.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        assert browser.js("return document.activeElement.className") == "skip"
        browser.until("document.activeElement.getBoundingClientRect().top >= 0")
        browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
        assert browser.js("return document.activeElement.id") == "board"


@needs_chromium
def test_every_field_and_button_has_a_name(browser: Browser) -> None:
    play = Stage(made_up(3), mine="amber lynx 1")
    with performed(play) as address:
        browser.open(address)
        browser.sign_in()
        browser.until("!document.getElementById('team').hidden")
        browser.js("for (const one of document.querySelectorAll('details')) one.open = true")
        tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        used = [one for one in tree if not one["ignored"] and one["role"]["value"] in USED]
        assert len(used) >= 20
        assert not [one["role"]["value"] for one in used if not one.get("name", {}).get("value")]


@needs_chromium
def test_without_javascript_the_board_can_be_read(browser: Browser) -> None:
    with performed(Stage(made_up(5))) as address:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            browser.driver.get(address)
            shown = browser.driver.find_element(By.TAG_NAME, "main").text
        finally:
            browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "5 teams and 3 baselines." in shown and "allow JavaScript" in shown
    assert "Small ResNet" in shown and "91.2%" in shown
    assert "Your team’s token" not in shown


@needs_chromium
def test_a_team_uploads_selects_and_renames_itself_on_the_real_service(
    browser: Browser, tmp_path: Path
) -> None:
    competition = served.competition(tmp_path / "demo")
    token = served.team(competition, "Ada and Grace")
    for name, right in (("first.npz", 0.5), ("second.npz", 0.9), ("third.npz", 0.2)):
        (tmp_path / name).write_bytes(served.upload_file(competition, right))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 cut short")
    with served.serving(competition) as client:
        browser.open(client.address + "/")
        assert browser.js("return !document.getElementById('nobody').hidden")
        browser.sign_in(token)
        browser.says("#my-gap", "Not on the board yet")
        browser.choose_file(tmp_path / "broken.npz")
        browser.press("send")
        browser.until("document.getElementById('upload-answer').classList.contains('refused')")
        for count, name in enumerate(("first.npz", "second.npz", "third.npz"), 1):
            browser.choose_file(tmp_path / name)
            browser.press("send")
            browser.until(f"document.querySelectorAll('#history tbody tr').length === {count}")
            browser.until("document.getElementById('upload-answer').classList.contains('good')")
        assert browser.text("#my-left") == "2"  # the broken one cost nothing
        browser.until("document.querySelector('tr.mine .uploads').textContent.startsWith('3')")
        radios = browser.driver.find_elements(By.CSS_SELECTOR, "#history input")
        assert [one.is_selected() for one in radios] == [False, True, False]
        radios[0].click()
        browser.says("#selection-answer", "counts now.")
        client.token = token
        kept = client.get("/api/me").json["history"]
        assert [one["file_name"] for one in kept if one["selected"]] == ["third.npz"]
        browser.js("document.getElementById('name-part').open = true")
        browser.driver.find_element(By.ID, "new-name").send_keys("Gradient descenders", Keys.ENTER)
        browser.says("tr.mine .name", "Gradient descenders")
        assert browser.text("#my-name") == "Gradient descenders"
