"""Pictures of a competition: labels stay hidden, and of a file nothing reaches students but its picture."""

from __future__ import annotations

import hashlib
import json
import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autograder.leaderboard import sets
from autograder.leaderboard.competition import Competition, LeaderboardError
from autograder.leaderboard.copies import copies
from cs_utils.shapes import CLASSES, make_images

SEED = "00112233445566778899aabbccddeeff"
Drawn = tuple[Competition, dict[str, np.ndarray], dict[str, np.ndarray]]


def halves(competition: Competition) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    train, test = (
        dict(np.load(competition.public_dir / f"{half}.npz", allow_pickle=False))
        for half in ("train", "test")
    )
    return train, test


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    path = tmp_path_factory.mktemp("drawn") / "shapes"
    made = sets.procedural(path, title="Shapes", train=300, test=400, seed_hex=SEED)
    return made, *halves(made)


def lines(images: np.ndarray) -> list[bytes]:
    return [hashlib.sha256(image.tobytes()).digest() for image in images]


# --- drawn shapes -----------------------------------------------------------------------------------------


def test_students_get_labelled_training_pictures_and_test_pictures_without_labels(drawn: Drawn) -> None:
    made, train, test = drawn
    assert train["images"].shape == (300, 32, 32, 3) and train["images"].dtype == np.uint8
    assert train["labels"].shape == (300,) and made.classes == CLASSES
    assert set(test) == {"images", "ids"} and test["images"].shape == (400, 32, 32, 3)
    assert len(set(test["ids"].tolist())) == 400
    assert {file.name for file in made.public_dir.iterdir()} == {
        "train.npz", "test.npz", "competition.json", "sample_submission.csv", "RULES.md"
    }  # fmt: skip


def test_labels_belong_to_their_pictures_and_half_of_them_are_public(drawn: Drawn) -> None:
    made, _, test = drawn
    task = made.task()
    images, labels = sets._drawn(SEED, "test", 400, 32, sets.DIFFICULTY)
    label_of = dict(zip(lines(images), labels.tolist(), strict=True))
    assert [label_of[line] for line in lines(test["images"])] == task.labels.tolist()
    assert (task.ids == test["ids"]).all() and task.public.sum() == 200


def test_order_and_ids_tell_nothing_of_how_the_test_pictures_were_drawn(drawn: Drawn) -> None:
    made, _, test = drawn
    images, _ = sets._drawn(SEED, "test", 400, 32, sets.DIFFICULTY)
    place_of = {line: place for place, line in enumerate(lines(images))}
    places = np.array([place_of[line] for line in lines(test["images"])])
    task = made.task()
    for one, other in [
        (places, np.arange(400)),
        (places, test["ids"]),
        (places, task.public),
        (task.labels, task.public),
        (task.labels, test["ids"]),
    ]:
        assert abs(np.corrcoef(one, other)[0, 1]) < 6 / np.sqrt(400)


def test_the_seed_is_in_no_file_that_students_get(drawn: Drawn) -> None:
    made, _, _ = drawn
    assert (made.private_dir / "seed.key").read_text().strip() == SEED
    assert stat.S_IMODE(made.private_dir.stat().st_mode) == 0o700
    secrets = [SEED.encode(), bytes.fromhex(SEED), str(int(SEED, 16)).encode(), SEED[:16].encode()]
    for file in made.public_dir.iterdir():
        content = file.read_bytes()
        assert not any(secret in content for secret in secrets), file


def test_the_two_halves_come_of_seeds_of_their_own(drawn: Drawn) -> None:
    _, train, test = drawn
    assert not set(lines(train["images"])) & set(lines(test["images"]))
    purposes = [f"{half} pictures from {start}" for half in ("training", "test") for start in (0, 2000, 4000)]
    streams = {sets.stream(SEED, purpose) for purpose in purposes}
    assert len(streams) == 6 and min(streams).bit_length() > 100
    assert not streams & {sets.stream(SEED[:-1] + "e", purpose) for purpose in purposes}
    training = sets._drawn(SEED, "training", 300, 32, sets.DIFFICULTY)[0]
    assert (training == train["images"]).all()  # whatever the number of test pictures


def test_all_128_bits_of_a_seed_count_and_each_competition_has_its_own(tmp_path: Path) -> None:
    last = SEED[:-1] + "e", "8" + SEED[1:]
    seeds = [SEED, *last, None, None]
    made = [
        sets.procedural(tmp_path / str(n), title="t", train=5, test=4, size=8, seed_hex=seed)
        for n, seed in enumerate(seeds)
    ]
    assert len({halves(one)[0]["images"].tobytes() for one in made}) == 5
    assert len({(one.private_dir / "seed.key").read_text() for one in made}) == 5


@pytest.mark.parametrize(
    "wrong", [{"train": 0}, {"test": 0}, {"test": 3}, {"size": 4}, {"difficulty": 2}, {"seed_hex": "12"}]
)
def test_what_cannot_be_leaves_no_folder(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(LeaderboardError):
        sets.procedural(tmp_path / "new", **({"title": "t", "train": 5, "test": 4, "size": 8} | wrong))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("allowed", [False, True])
def test_the_rules_say_whether_own_training_pictures_are_allowed(tmp_path: Path, allowed: bool) -> None:
    made = sets.procedural(
        tmp_path / "new", title="T", train=5, test=4, size=8, settings={"own_training_data": allowed}
    )
    rules = (made.public_dir / "RULES.md").read_text()
    assert "the seed is not" in rules and "cs_utils.pretrained" in rules
    assert ("are not allowed" in rules) == (not allowed) and (
        "as many with it as you like" in rules
    ) == allowed
    told = json.loads((made.public_dir / "competition.json").read_text())
    assert told["own_training_data"] is allowed and told["pictures"] == "shapes"


# --- own pictures -----------------------------------------------------------------------------------------


def scene(seed: int, size: int = 48) -> Image.Image:
    """A picture like no other: large soft patches."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def class_folders(where: Path, each: int = 30) -> Path:
    for label, name in enumerate(("cat", "dog", "Ente & <b>")):
        (where / name).mkdir(parents=True)
        for n in range(each):
            scene(1000 * label + n).save(where / name / f"private-name-{n}.png")
    return where


def test_own_pictures_become_arrays_and_nothing_else_of_their_files(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pictures")
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "taken at home", "Jane Doe"
    scene(77).save(folder / "cat" / "jane.jpg", exif=exif, comment=b"from my phone")
    made = sets.from_images(tmp_path / "new", folder, title="Pets", size=24)
    train, test = halves(made)
    assert train["images"].shape[1:] == test["images"].shape[1:] == (24, 24, 3)
    assert (
        len(train["images"]) + len(test["images"]) == 91 and made.task().public.sum() == len(test["ids"]) // 2
    )
    for file in made.public_dir.iterdir():
        content = file.read_bytes()
        for told in (b"private-name", b"jane", b"Jane Doe", b"taken at home", b"from my phone", b"Exif"):
            assert told not in content, file


def test_labels_of_own_pictures_belong_to_them(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pictures")
    made = sets.from_images(tmp_path / "new", folder, title="Pets", test=40)
    train, test = halves(made)
    assert len(test["ids"]) == 40 and len(train["labels"]) == 50
    label_of = {
        lines(np.asarray(Image.open(file))[None])[0]: made.classes.index(file.parent.name)
        for file in folder.glob("*/*.png")
    }
    assert [label_of[line] for line in lines(test["images"])] == made.task().labels.tolist()
    assert [label_of[line] for line in lines(train["images"])] == train["labels"].tolist()
    assert (np.diff(train["labels"]) < 0).any()  # not class after class


def test_decoded_pictures_with_labels_are_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("CS_DATA", str(kept := tmp_path / "kept"))
    sets.from_images(tmp_path / "new", class_folders(tmp_path / "pictures"), title="Pets")
    assert not list(scratch.iterdir()) and not kept.exists()


def test_a_zip_with_halves_of_its_own_keeps_them(tmp_path: Path) -> None:
    for half, first in (("train", 0), ("test", 500)):
        for label, name in enumerate("ab"):
            (folder := tmp_path / "p" / half / name).mkdir(parents=True)
            for n in range(8):
                scene(1000 * label + first + n).save(folder / f"{n}.png")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for file in (tmp_path / "p").rglob("*.png"):
            archive.write(file, file.relative_to(tmp_path / "p"))
    made = sets.from_images(tmp_path / "new", tmp_path / "p.zip", title="P")
    tested = {
        lines(np.asarray(Image.open(file))[None])[0] for file in (tmp_path / "p" / "test").rglob("*.png")
    }
    assert set(lines(halves(made)[1]["images"])) == tested


def test_a_test_picture_that_students_have_with_its_label_is_taken_from_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for half, first in (("train", 0), ("test", 500)):
        for label, name in enumerate("ab"):
            (folder := tmp_path / "p" / half / name).mkdir(parents=True)
            for n in range(20):
                scene(1000 * label + first + n).save(folder / f"{n}.png")
    train = tmp_path / "p" / "train"
    scene(500).save(train / "a" / "again.png")
    scene(501, size=96).save(train / "a" / "larger.jpg", quality=70)
    scene(1502).save(train / "a" / "in another class.webp", quality=80)
    made = sets.from_images(tmp_path / "new", tmp_path / "p", title="P", size=48)
    assert len(halves(made)[0]["labels"]) == 40 and len(halves(made)[1]["ids"]) == 40
    assert "3 training pictures are among the test pictures, too" in capsys.readouterr().out


def test_a_test_picture_that_is_there_twice_counts_once_and_with_two_labels_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for half, first in (("train", 0), ("test", 500)):
        for label, name in enumerate("ab"):
            (folder := tmp_path / "p" / half / name).mkdir(parents=True)
            for n in range(20):
                scene(1000 * label + first + n).save(folder / f"{n}.png")
    test = tmp_path / "p" / "test"
    scene(500).save(test / "a" / "again.jpg", quality=90)
    scene(1501).save(test / "a" / "in another class.png")
    made = sets.from_images(tmp_path / "new", tmp_path / "p", title="P")
    assert len(halves(made)[1]["ids"]) == 39
    assert "2 test pictures are there twice" in (said := capsys.readouterr().out)
    assert "3 left out, of those with two labels both" in said
    left = np.asarray(scene(1501))
    assert not (np.abs(halves(made)[1]["images"].astype(int) - left).mean(axis=(1, 2, 3)) < 6).any()


def test_pictures_that_cannot_be_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = class_folders(tmp_path / "pictures")
    (folder / "cat" / "cut-off.png").write_bytes((folder / "cat" / "private-name-0.png").read_bytes()[:200])
    made = sets.from_images(tmp_path / "new", folder, title="Pets")
    assert "cut-off.png" in capsys.readouterr().out
    assert sum(len(half["images"]) for half in halves(made)) == 90


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"test": 88}, "90 pictures of 3 classes: at most 87"),
        ({"train": 1}, "No training picture is left of"),
        ({"size": 5000}, "name a number of pixels"),
    ],
)
def test_what_own_pictures_are_too_few_for_is_said(tmp_path: Path, given: dict, said: str) -> None:
    folder = class_folders(tmp_path / "pictures")
    with pytest.raises(LeaderboardError, match=said):
        sets.from_images(tmp_path / "new", folder, title="Pets", **given)
    assert not (tmp_path / "new").exists()


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for wrong in ("empty", "nowhere"):
        with pytest.raises(LeaderboardError, match=wrong):
            sets.from_images(tmp_path / "new", tmp_path / wrong, title="Pets")


def test_pictures_of_one_kind_are_not_taken_for_one_another() -> None:
    images = make_images(1500, difficulty=1, seed=5)[0]
    assert (copies(images[:500], images[500:]) == -1).all() and (
        copies(images, images, earlier=True) == -1
    ).all()
    assert (copies(images[:500], images) == np.arange(500)).all()
