"""A competition's folder: what students get holds no label of the test set, and settings are checked."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.leaderboard.competition import (
    DATABASE,
    PUBLIC,
    Competition,
    LeaderboardError,
    Rules,
    create,
    settings_text,
    update_description,
)
from autograder.leaderboard.predictions import read
from tests.leaderboard.fixtures import CLASSES, N, small_competition, small_sets

BERLIN = ZoneInfo("Europe/Berlin")


def with_settings(competition: Competition, text: str) -> Competition:
    (competition.path / "leaderboard.toml").write_text(text, encoding="utf-8")
    return Competition(competition.path)


# --- what is written --------------------------------------------------------------------------------------


def test_what_students_get_holds_no_label_and_no_order_of_the_test_set(competition):
    sets = small_sets()
    assert sorted(path.name for path in competition.public_dir.iterdir()) == sorted(PUBLIC)
    with np.load(competition.public_dir / "test.npz") as test:
        assert sorted(test) == ["ids", "images"]
        images, ids = test["images"], test["ids"]
    assert images.shape == (N, 8, 8, 3) and images.dtype == np.uint8 and len(set(ids.tolist())) == N
    task = competition.task()
    assert task.ids.tolist() == ids.tolist() and not (np.diff(ids) > 0).all()
    # each picture still has its own label, and pictures and labels left the order they were given in
    given = {picture.tobytes(): label for picture, label in zip(*sets["test"], strict=True)}
    assert [given[picture.tobytes()] for picture in images] == task.labels.tolist()
    assert task.labels.tolist() != sets["test"][1].tolist()
    with np.load(competition.public_dir / "train.npz") as train:
        assert train["labels"].tolist() == sets["train"][1].tolist()
        assert (train["images"] == sets["train"][0]).all()


def test_half_of_the_test_set_is_public_and_which_half_differs_each_time(competition, tmp_path):
    other = small_competition(tmp_path / "other")
    first, second = competition.task(), other.task()
    assert first.n_public == first.n_private == N // 2
    assert first.public.tolist() != second.public.tolist()
    assert set(first.public_at) | set(first.private_at) == set(range(N))
    assert (first.public_labels == first.labels[first.public]).all()


def test_the_public_part_may_be_given(tmp_path):
    sets = small_sets()
    made = create(tmp_path / "c", title="x", public=sets["test"][1] == 2, **sets).task()
    assert (made.public == (made.labels == 2)).all()


def test_only_the_owner_can_look_at_labels_and_seed(competition):
    for path in (competition.private_dir, *competition.private_dir.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert len(bytes.fromhex((competition.private_dir / "seed.key").read_text())) == 16
    competition.private_dir.chmod(0o755)
    with pytest.raises(LeaderboardError, match="chmod 700"):
        competition.task()


def test_what_students_are_told_is_in_competition_json(tmp_path):
    made = small_competition(
        tmp_path / "c", deadline=dt.datetime(2026, 12, 1, 18, tzinfo=BERLIN), daily_limit=3
    )
    assert json.loads((made.public_dir / "competition.json").read_text()) == {
        "title": "Ten shapes",
        "classes": list(CLASSES),
        "train_size": 20,
        "test_size": N,
        "image_size": [8, 8],
        "deadline": "2026-12-01T18:00:00+01:00",
        "timezone": "UTC",
        "daily_limit": 3,
        "top_k": [1, 3],
        "own_training_data": False,
        "address": "",
        "baseline": None,
    }
    update_description(made, baseline=0.34)
    assert made.description["baseline"] == Competition(made.path).description["baseline"] == 0.34
    assert made.classes == CLASSES


def test_the_sample_submission_can_be_uploaded(competition):
    data = (competition.public_dir / "sample_submission.csv").read_bytes()
    task = competition.task()
    assert read(data, "s.csv", ids=task.ids, n_classes=len(CLASSES)).labels.tolist() == [0] * N


def test_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "c").mkdir()  # an empty folder is as good as none

    def cut(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("autograder.leaderboard.competition.os.fsync", cut)
        with pytest.raises(OSError, match="No space"):
            small_competition(tmp_path / "c")
    assert os.listdir(tmp_path) == ["c"] and not os.listdir(tmp_path / "c")
    small_competition(tmp_path / "c")
    assert os.listdir(tmp_path) == ["c"]
    before = (tmp_path / "c" / "private" / "labels.npz").read_bytes()
    with pytest.raises(LeaderboardError, match="not empty"):
        small_competition(tmp_path / "c")
    assert (tmp_path / "c" / "private" / "labels.npz").read_bytes() == before


@pytest.mark.parametrize(
    "change, words",
    [
        ({"classes": CLASSES[:2]}, "from 0 to 1"),
        ({"test": (np.zeros((9, 8, 8), np.uint8), np.zeros(9, int))}, "test images must be uint8"),
        ({"test": (np.zeros((9, 8, 8, 3), np.uint8), np.zeros(8, int))}, "test labels must be 9"),
        ({"train": (np.zeros((9, 8, 8, 3)), np.zeros(9, int))}, "train images must be uint8"),
        ({"test": (np.zeros((3, 8, 8, 3), np.uint8), np.zeros(3, int))}, "too few"),
        ({"seed_hex": "12"}, "32 hexadecimal digits"),
        ({"settings": {"dayly_limit": 3}}, "no setting dayly_limit"),
    ],
)
def test_sets_that_do_not_fit_are_refused(tmp_path, change, words):
    with pytest.raises(LeaderboardError, match=words):
        create(tmp_path / "c", title="x", **(small_sets() | change))
    assert not os.listdir(tmp_path)


# --- settings ---------------------------------------------------------------------------------------------


def test_the_settings_that_are_written_are_the_defaults(competition):
    rules = competition.rules
    assert rules == Rules(timezone=ZoneInfo("UTC"))
    assert competition.pseudonyms and not competition.own_training_data and competition.address == ""
    assert competition.database_url == f"sqlite:///{competition.path}/leaderboard.db"
    (competition.path / "leaderboard.toml").write_text("")
    assert Competition(competition.path).rules == rules


@settings(deadline=None)
@given(st.text(max_size=50).filter(lambda title: "\x7f" not in title and title.isprintable()))
def test_every_title_can_be_written_and_read(title):
    assert tomllib.loads(settings_text({"title": title}))["title"] == title


@pytest.mark.parametrize(
    "text, deadline",
    [
        ("deadline = 2026-12-01T18:00:00+01:00", dt.datetime(2026, 12, 1, 17, tzinfo=dt.UTC)),
        ("deadline = 2026-12-01T18:00:00", dt.datetime(2026, 12, 1, 17, tzinfo=dt.UTC)),
        ('deadline = "2026-12-01T18:00"', dt.datetime(2026, 12, 1, 17, tzinfo=dt.UTC)),
        ("deadline = 2026-12-01", dt.datetime(2026, 12, 1, 22, 59, 59, tzinfo=dt.UTC)),
        ("", None),
    ],
)
def test_a_deadline_is_by_the_clock_of_its_zone_or_else_of_the_competitions(competition, text, deadline):
    assert with_settings(competition, f'timezone = "Europe/Berlin"\n{text}').deadline == deadline


@pytest.mark.parametrize(
    "text, words",
    [
        ("daily_limit = 0", "daily_limit must be a whole number"),
        ("daily_limit = true", "daily_limit must be a whole number"),
        ('daily_limit = "5"', "daily_limit must be a whole number of at least 1, not '5'"),
        ('ladder = "none"', "one of parameter-free, step, exact"),
        ("step = 2", "between 0 and 1"),
        ("step = nan", "between 0 and 1"),
        ('timezone = "Mars/Olympus"', "time zone, such as Europe/Berlin"),
        ('timezone = "../../etc/passwd"', "time zone"),
        ('deadline = "tomorrow"', "2026-12-18T18:00:00"),
        ("deadline = 5", "2026-12-18T18:00:00"),
        ("top_k = 3", "a list such as"),
        ("top_k = [0]", "a list such as"),
        ('pseudonyms = "no"', "true or false"),
        ("title = 3", "text in quotes"),
        ("title = ", "cannot be read"),
        ('database = "mysql://localhost/x"', "sqlite:/// or postgresql://"),
        ('database = "nonsense"', "must be written like"),
        ('database = "postgresql://u:secret@h/d"', "leave the password out"),
        ('database = "postgresql://u@h/d?password=secret"', "leave the password out"),
    ],
)
def test_a_setting_that_cannot_be_understood_says_what_is_expected(competition, text, words):
    with pytest.raises(LeaderboardError, match=words) as refused:
        with_settings(competition, text)
    assert "secret" not in str(refused.value) and "leaderboard.toml" in str(refused.value)


def test_a_server_with_a_password_comes_from_the_environment(competition, monkeypatch):
    found = with_settings(competition, 'database = "postgresql://u@h/d"')
    assert found.database_url == "postgresql+psycopg://u@h/d"
    monkeypatch.setenv(DATABASE, "postgresql://u:p%40ss@h/d")
    assert Competition(found.path).database_url == "postgresql+psycopg://u:p%40ss@h/d"


def test_a_folder_without_a_competition_is_said_to_be_none(tmp_path):
    with pytest.raises(LeaderboardError, match="leaderboard new"):
        Competition(tmp_path)


def test_damaged_files_say_to_take_a_backup(competition):
    (competition.private_dir / "labels.npz").write_bytes(b"no zip")
    with pytest.raises(LeaderboardError, match="backup"):
        competition.task()
    (competition.private_dir / "labels.npz").unlink()
    with pytest.raises(LeaderboardError, match="backup"):
        competition.task()
    (competition.public_dir / "competition.json").write_text("[]")
    with pytest.raises(LeaderboardError, match="backup"):
        _ = Competition(competition.path).classes


# --- the clock --------------------------------------------------------------------------------------------


def test_a_day_begins_at_midnight_of_the_competitions_zone_also_when_clocks_change():
    rules = Rules(timezone=BERLIN)
    for moment, day, following in (
        (dt.datetime(2026, 11, 21, 22, 59, tzinfo=dt.UTC), "2026-11-21", "2026-11-22T00:00:00+01:00"),
        (dt.datetime(2026, 11, 21, 23, 0, tzinfo=dt.UTC), "2026-11-22", "2026-11-23T00:00:00+01:00"),
        (dt.datetime(2026, 3, 28, 23, 30, tzinfo=dt.UTC), "2026-03-29", "2026-03-30T00:00:00+02:00"),
        (dt.datetime(2026, 10, 24, 22, 30, tzinfo=dt.UTC), "2026-10-25", "2026-10-26T00:00:00+01:00"),
    ):
        assert rules.day(moment) == day and rules.next_day_at(moment).isoformat() == following
    noon = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    assert not Rules(deadline=noon).over(noon) and Rules(deadline=noon).over(noon + dt.timedelta(seconds=1))


def test_the_path_of_a_competition_may_have_any_characters(tmp_path: Path):
    made = small_competition(tmp_path / "Übung 12 %20 #1?")
    from autograder.leaderboard.store import Store

    store = Store(made.database_url)
    store.upgrade()
    assert (made.path / "leaderboard.db").is_file()
    store.backup(made.path / "copy")
    store.restore(made.path / "copy")
    store.close_connections()
