"""The baselines: measured on pictures they never saw, clearly apart, and loaded from the very files made."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autograder.leaderboard import baselines, sets
from autograder.leaderboard.competition import Competition, LeaderboardError
from autograder.leaderboard.store import Store
from cs_utils.shapes import CLASSES

SEED = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Competition:
    path = tmp_path_factory.mktemp("drawn") / "shapes"
    return sets.procedural(path, title="Shapes", train=5, test=1200, seed_hex=SEED)


@pytest.fixture(scope="module")
def rows(drawn: Competition) -> list[baselines.Baseline]:
    return baselines.measure(drawn)


def test_the_three_are_clearly_apart_on_pictures_that_nobody_has_seen(
    drawn: Competition, rows: list[baselines.Baseline]
) -> None:
    labels = drawn.task().labels
    resnet, lenet, linear = (100 * float((row.predictions == labels).mean()) for row in rows)
    assert linear < 40 and 60 < lenet < 80 and resnet > 90
    assert lenet - linear > 12 and resnet - lenet > 12


def test_the_board_has_their_rows_and_notebook_12_the_better_of_the_two_simple_ones(
    drawn: Competition, rows: list[baselines.Baseline], tmp_path: Path
) -> None:
    store, task = Store(f"sqlite:///{tmp_path / 'board.db'}"), drawn.task()
    store.upgrade()
    scores = {row.name: store.record_baseline(row.name, row.predictions, task) for row in rows}
    assert list(scores) == ["Small ResNet", "LeNet", "Linear classifier"]
    assert scores["LeNet"] == pytest.approx(baselines.to_beat(rows, task))
    assert scores["Small ResNet"] > scores["LeNet"] > scores["Linear classifier"]
    assert [(row.name, row.kind) for row in store.board().rows] == [(name, "baseline") for name in scores]


@pytest.mark.parametrize("network", baselines.NETWORKS, ids=lambda network: network.name)
def test_weights_are_small_and_those_that_were_made(network: baselines.Network) -> None:
    content = (baselines.WEIGHTS / network.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == network.checksum
    assert len(content) <= 1_500_000
    with np.load(baselines.WEIGHTS / network.file, allow_pickle=False) as stored:
        assert {stored[name].dtype for name in stored.files} == {np.dtype(np.float16)}
    parameters = dict(baselines.shipped(network).named_parameters())
    assert all(values.abs().sum() > 0 for name, values in parameters.items() if name.endswith("weight"))
    assert set(parameters) <= set(stored.files)


@pytest.mark.parametrize("damage", ["gone", "cut off", "another file"])
def test_weights_that_are_not_those_that_were_made_are_refused(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "WEIGHTS", tmp_path)
    content = (Path(baselines.__file__).with_name("weights") / "linear.npz").read_bytes()
    if damage != "gone":
        (tmp_path / "linear.npz").write_bytes(content[:900] if damage == "cut off" else content + b"!")
    with pytest.raises(LeaderboardError, match="install the course again"):
        baselines.shipped(baselines.LINEAR)


def test_predictions_stand_in_the_order_of_the_test_pictures(drawn: Competition) -> None:
    with np.load(drawn.public_dir / "test.npz") as file:
        images = file["images"][:300]
    net, order = baselines.shipped(baselines.LENET), np.random.default_rng(0).permutation(300)
    first = baselines.predict(net, images, "LeNet")
    assert first.shape == (300,) and first.dtype == np.int64 and set(first) <= set(range(len(CLASSES)))
    assert (baselines.predict(net, images[order], "LeNet") == first[order]).all()


def test_pictures_of_another_size_are_brought_to_the_size_of_the_networks(tmp_path: Path) -> None:
    made = sets.procedural(tmp_path / "large", title="t", train=5, test=100, size=64, difficulty=0.3)
    resnet = baselines.measure(made)[0]
    assert (resnet.predictions == made.task().labels).mean() > 0.8


def test_on_own_pictures_two_are_trained_with_its_training_pictures_and_the_third_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    for label, name in enumerate(("dawn", "noon", "dusk")):
        (folder := tmp_path / "pictures" / name).mkdir(parents=True)
        for n in range(40):
            pixels = rng.integers(0, 90, (20, 30, 3)) + 80 * label
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{n}.png")
    made = sets.from_images(tmp_path / "new", tmp_path / "pictures", title="Sky", size=20)
    found = baselines.measure(made)
    assert [row.name for row in found] == ["LeNet", "Linear classifier"]
    right = [(row.predictions == made.task().labels).mean() for row in found]
    assert right[0] > 0.9 and right[1] > 0.7  # by chance: a third
    assert "Small ResNet: no row, since its weights are for drawn shapes" in capsys.readouterr().out
    assert baselines.to_beat(found, made.task()) > 0.9


@pytest.mark.parametrize("damage", ["gone", "cut off", "no archive"])
def test_pictures_that_cannot_be_read_are_said(damage: str, tmp_path: Path) -> None:
    made = sets.procedural(tmp_path / "new", title="t", train=5, test=10)
    path = made.public_dir / "test.npz"
    if damage == "gone":
        path.unlink()
    elif damage == "cut off":
        os.truncate(path, 5000)
    else:
        path.write_bytes(b"no archive")
    with pytest.raises(LeaderboardError, match=r"test\.npz cannot be read"):
        baselines.measure(made)
