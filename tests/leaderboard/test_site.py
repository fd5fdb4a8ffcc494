"""The copy for a course site: one folder that works wherever it is put, and says no more than the board."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from autograder.leaderboard.pages import site
from tests.formgrader.browser import chromium, requests
from tests.leaderboard import served
from tests.leaderboard.stage import HOSTILE, Stage, closed, history, made_up


def exported(folder: Path, rows: list[dict[str, object]], **more: object) -> Path:
    play = Stage(rows, **more)  # type: ignore[arg-type]
    histories = {str(row["name"]): history(0.9) for row in rows if row["kind"] == "team"}
    return site.export(play.board(), histories, play.competition, folder)


def test_the_folder_holds_all_it_needs_and_no_file_name_of_a_team(tmp_path: Path) -> None:
    page = exported(tmp_path / "site", made_up(8)).read_text()
    assert {one.name for one in (tmp_path / "site").iterdir()} == {"index.html", *site.FILES}
    assert "predictions.npz" not in page and "token" not in page


def test_a_name_cannot_end_the_data_of_the_page(tmp_path: Path) -> None:
    rows = made_up(8, hostile=True)
    play = Stage(rows)
    histories = {name: history(0.9) for name in HOSTILE}
    page = site.export(play.board(), histories, play.competition, tmp_path)
    data = page.read_text().split('type="application/json">')[1].split("</script>")[0]
    assert set(json.loads(data)) == set(HOSTILE)
    assert "<" not in data


def test_teams_that_are_not_on_the_board_are_not_in_the_copy(tmp_path: Path) -> None:
    play = Stage(made_up(2))
    page = site.export(play.board(), {"hidden team": history(0.5)}, play.competition, tmp_path)
    assert "hidden team" not in page.read_text()


@pytest.mark.needs("chromium")
def test_the_copy_works_from_a_disk_without_any_network(tmp_path: Path) -> None:
    rows = closed(made_up(9, hostile=True))
    page = exported(tmp_path / "site", rows, is_closed=True)
    with chromium(tmp_path / "profile") as driver:
        requests(driver)
        driver.get(page.as_uri())
        assert driver.find_element(By.ID, "board-title").text == "Final board"
        ranks = driver.find_element(By.ID, "ranks")
        assert ranks.value_of_css_property("border-collapse") == "collapse"  # the style is there
        whose = Select(driver.find_element(By.ID, "whose"))
        assert len(whose.options) == 9
        whose.select_by_index(3)
        assert driver.find_element(By.CSS_SELECTOR, "#progress .path").get_attribute("d")
        mine = driver.find_element(By.CSS_SELECTOR, "tr.mine .name bdi")
        assert mine.get_property("textContent") == whose.first_selected_option.get_attribute("value")
        assert {url.split("?")[0] for url in requests(driver)} == {
            page.as_uri(),
            *(page.with_name(name).as_uri() for name in site.FILES),
        }
        assert not [one for one in driver.get_log("browser") if one["level"] == "SEVERE"]
        assert "taken" not in driver.title


def test_the_copy_is_made_from_a_real_store(tmp_path: Path) -> None:
    competition = served.competition(tmp_path / "demo")
    token = served.team(competition, "Ada")
    with served.serving(competition) as client:
        client.token = token
        assert client.upload(served.upload_file(competition, 0.6)).status == 201
    page = site.write(competition, served.store(competition), tmp_path / "site").read_text()
    assert "1 team and 0 baselines." in page
    assert '"histories"' in page
