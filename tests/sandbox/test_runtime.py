"""The folder of what students can import: built once, readable, without the exercises."""

from __future__ import annotations

import fcntl
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from autograder.sandbox import Sandbox, runtime
from tests.sandbox.conftest import cells


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "convnet-grader"


def _prepare(cache_home: str) -> list[str]:
    os.environ["XDG_CACHE_HOME"] = cache_home
    os.umask(0o077)
    return [str(folder) for folder in runtime.prepare().folders]


def test_two_processes_may_build_it_at_once(cache):
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        first, second = pool.map(_prepare, [str(cache.parent)] * 2)
    assert first == second
    assert sorted(path.name for path in cache.iterdir()) == sorted([".lock", *(Path(f).name for f in first)])
    for folder in map(Path, first):
        assert all(path.stat().st_mode & 0o444 == 0o444 for path in [folder, *folder.rglob("*")])


def test_a_build_that_fails_leaves_nothing_behind(cache, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(runtime, "_copy", fail)
    with pytest.raises(OSError, match="disk full"):
        runtime.prepare()
    assert [path.name for path in cache.iterdir()] == [".lock"]


@pytest.fixture
def aged(cache, monkeypatch):
    """A cache with folders that were last asked for so many days ago; building one takes no time."""
    monkeypatch.setattr(runtime, "_copy_all", lambda _, target: None)
    monkeypatch.setattr(runtime, "_compile", lambda folder: None)
    for name, days in (("course-old", 31), ("packages-old", 31), (".course-half", 31), ("course-new", 29)):
        (cache / name / "inside").mkdir(parents=True)
        os.utime(cache / name, (0, time.time() - days * 24 * 3600))
    return cache


def test_what_nobody_asked_for_in_a_month_is_removed_and_nothing_else(aged):
    course, packages = runtime.prepare().folders
    assert {path.name for path in aged.iterdir()} == {".lock", "course-new", course.name, packages.name}
    for folder in (course, packages):
        os.utime(folder, (0, 0))
    assert runtime.prepare().folders == (course, packages), "asked for again, it is young again"
    assert course.is_dir() and packages.is_dir()


def test_nothing_is_removed_while_another_grader_looks_for_its_folders(aged):
    with runtime._cache_lock(fcntl.LOCK_SH):
        runtime.prepare()
    assert (aged / "course-old").is_dir()
    runtime.prepare()
    assert not (aged / "course-old").exists()


def test_it_holds_no_exercise_and_no_pytorch():
    course, packages = runtime.prepare().folders
    assert (course / "cs_utils" / "checking" / "outcome.py").is_file()
    assert not (course / "cs_utils" / "exercises").exists()
    assert sorted(path.name for path in course.iterdir()) == ["cs_utils", "inside"]
    assert not {"torch", "scipy", "nbgrader", "pytest", "autograder"} & {p.name for p in packages.iterdir()}


def test_an_edit_of_the_course_makes_a_new_folder(monkeypatch):
    before = runtime.prepare().folders
    monkeypatch.setattr(runtime, "_digest_of_course", lambda: "0123")
    monkeypatch.setattr(runtime, "_build", lambda name, fill: Path(name))
    assert runtime.prepare().folders[0] == Path("course-0123")
    assert runtime.prepare().folders[1].name == before[1].name


def test_a_missing_package_is_named_with_the_remedy():
    with pytest.raises(RuntimeError, match="pip install no-such-package"):
        runtime.closure(["no-such-package"])


def test_nothing_is_compiled_and_no_font_list_is_made_during_a_run(level):
    source = "import matplotlib\ncache = matplotlib.get_cachedir()\nimport os\nfonts = os.listdir(cache)"
    with Sandbox(level) as sandbox, sandbox.start(cells(source)) as run:
        assert any(name.startswith("fontlist") for name in run.value("fonts").value)
