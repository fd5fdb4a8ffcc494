"""Writing the bundle never costs anybody a file, and a bundle is replaced as a whole or not at all."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pytest

from autograder import source
from autograder.release import MARKER, ReleaseError, release


def test_a_second_release_gives_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    again = release(tmp_path / "again")
    names = [str(name) for name in again.files]
    assert filecmp.cmpfiles(bundle, again.folder, names, shallow=False)[0] == names
    compiled = set(bundle.rglob("__pycache__/*"))  # by tests that import from it
    there = (path for path in bundle.rglob("*") if path.is_file() and path not in compiled)
    assert names == sorted(str(path.relative_to(bundle)) for path in there)
    assert again.notebooks == tuple(path.stem for path in source.sources())


def test_a_folder_that_is_no_bundle_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("five years")
    with pytest.raises(ReleaseError, match=r"thesis\.txt.*name a new or empty folder"):
        release(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReleaseError, match="is a file"):
        release(tmp_path / "file")


def test_an_earlier_bundle_is_replaced_and_its_git_history_kept(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "students"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    release(folder)  # a clone of a repository that is still empty
    (folder / "notebooks" / "00_withdrawn.ipynb").write_text("{}")
    release(folder)
    assert not (folder / "notebooks" / "00_withdrawn.ipynb").exists()
    assert (folder / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert [path.name for path in tmp_path.iterdir()] == ["students"]


def test_a_release_that_fails_leaves_the_earlier_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "students"
    folder.mkdir()
    (folder / MARKER).write_text("the earlier one")

    def full_disk(*_: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source, "build_all", full_disk)
    with pytest.raises(OSError, match="No space left"):
        release(folder)
    assert (folder / MARKER).read_text() == "the earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["students"]
