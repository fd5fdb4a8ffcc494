"""Grading on a real Dask cluster: workers that die, differ or come without a scheduler change no grade."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from distributed import Client

import autograder
import cs_utils
from autograder import basis, cluster
from autograder.cli import USAGE, main
from autograder.cluster import Cluster
from autograder.executors import ExecutorLost, Local, chosen
from autograder.grading import grade_class
from autograder.work import handed_in, unpacked
from tests.grading.small import NOTEBOOK, outcome
from tests.sandbox.conftest import descendants
from tests.scale.cluster import LocalCluster


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A scheduler and three workers. Tests that end some of them come last."""
    with LocalCluster(tmp_path_factory.mktemp("dask")) as started:
        for number in range(3):
            started.add_worker(f"w{number}")
        started.wait_for_workers(3)
        yield started


def test_ctrl_c_stops_the_workers_too_and_the_next_run_goes_on(workers, course, grades_here):
    def ctrl_c(student: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade_class(course, NOTEBOOK, executor=Cluster(workers.address), progress=ctrl_c)
    assert not any(descendants(worker.pid) for worker in workers.workers.values())
    report = grade_class(course, NOTEBOOK, executor=Cluster(workers.address))
    assert report.kept == 1
    assert outcome(course) == grades_here


def test_results_of_a_cluster_are_kept_by_a_run_on_this_machine(workers, course, grades_here):
    hand_in_nothing(course, "s1")
    report = grade_class(course, NOTEBOOK, ["s0", "s1"], executor=Cluster(workers.address, jobs=1))
    assert [one.status for one in report.submissions] == ["graded", "missing"]
    assert grade_class(course, NOTEBOOK, ["s0"]).kept == 1


def hand_in_nothing(course, student: str) -> None:
    shutil.rmtree(course.submitted(student, NOTEBOOK))


def test_a_worker_with_other_code_is_refused_by_name_with_what_was_found(workers, course, tmp_path):
    for package in (autograder, cs_utils):
        folder = Path(package.__file__).parent
        shutil.copytree(folder, tmp_path / "older" / folder.name)
    with open(tmp_path / "older" / "autograder" / "judge.py", "a") as judge:
        judge.write("\n# one line more\n")
    older = workers.add_worker("older", path=str(tmp_path / "older"))
    workers.wait_for_workers(4)
    try:
        with pytest.raises(ExecutorLost) as refused:
            grade_class(course, NOTEBOOK, executor=Cluster(workers.address))
    finally:
        older.kill()
        older.wait()
    message = str(refused.value)
    assert message.count("worker tcp://127.0.0.1:") == 1
    assert re.search(rf"code of the course \w{{16}}, expected {basis.of_code()}", message)
    assert not list((course.path / "results").rglob("*.json"))


def test_a_worker_that_comes_later_with_other_versions_ends_the_run(workers, course, monkeypatch):
    """As if a worker had other versions than those that were examined at the start."""
    real = cluster.versions()
    with Cluster(workers.address) as executor:
        executor.level(None, False)
        monkeypatch.setattr(cluster, "versions", lambda: real | {"numpy": "1.0"})
        monkeypatch.setattr(executor, "level", lambda *_: cluster.Level.NAMESPACES)
        with pytest.raises(ExecutorLost, match=r"worker tcp://\S+ numpy \S+, expected 1\.0"):
            grade_class(course, NOTEBOOK, ["s0"], executor=executor)


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(workers, course, grades_here):
    told: Counter[str] = Counter()

    def kill(student: str, done: int, total: int) -> None:
        told[student] += 1
        if done == 1:
            with Client(workers.address, set_as_default=False) as client:
                busy = client.processing()
                (address,) = [
                    a for a, info in client.scheduler_info(-1)["workers"].items() if info["name"] == "w0"
                ]
            assert busy[address], "it should die at work"
            workers.kill("w0")

    report = grade_class(course, NOTEBOOK, executor=Cluster(workers.address), progress=kill)
    assert workers.workers["w0"].wait(10) == -9
    assert [one.status for one in report.submissions] == ["graded"] * 6
    assert set(told.values()) == {1} and len(told) == 6
    assert outcome(course) == grades_here


def test_when_the_scheduler_is_gone_what_was_graded_is_kept(workers, course, grades_here, monkeypatch):
    told: list[str] = []

    def kill(student: str, done: int, total: int) -> None:
        told.append(student)
        if done == 1:
            workers.scheduler.kill()
            workers.scheduler.wait()

    with pytest.raises(ExecutorLost, match=r"scheduler at tcp://\S+ is gone\. What was graded is kept"):
        grade_class(course, NOTEBOOK, executor=Cluster(workers.address), progress=kill)
    assert 0 < len(told) < 6
    assert [row for row in grades_here["scores"] if row[0] in told] == outcome(course)["scores"]
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ExecutorLost, match=r"scheduler at tcp://\S+ does not answer.*Is it running"):
        grade_class(course, NOTEBOOK, executor=Cluster(workers.address))


# --- without a cluster --------------------------------------------------------------------------------------


def test_what_travels_is_plain_data_and_arrives_whole(course):
    from autograder.grading import Setup

    work = Setup.make(course, NOTEBOOK, Local(1)).work
    assert unpacked(work.packed()) == work
    assert handed_in("s0", course.submitted("s0", NOTEBOOK) / f"{NOTEBOOK}.ipynb").data is not None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--executor", "dask"], "--scheduler tcp://HOST:8786"),
        (["--scheduler", "tcp://127.0.0.1:1"], "add --executor dask"),
        (["--executor", "spark"], "known are: local, dask"),
    ],
)
def test_half_an_address_is_wrong_usage(course, options, says, capsys):
    assert main(["grade", NOTEBOOK, "--course", str(course.path), *options]) == USAGE
    assert says in " ".join(capsys.readouterr().err.split())


def test_a_course_may_name_its_cluster_and_keeps_its_results_when_it_does(course):
    from autograder.course import Course

    before = basis.of_class(course, NOTEBOOK, "namespaces")
    settings = course.path / "course.toml"
    text = settings.read_text().replace('# executor = "dask"', 'executor = "dask"')
    settings.write_text(text.replace("# scheduler =", "scheduler ="))
    named = Course(course.path)
    assert isinstance(chosen(named), Cluster)
    assert isinstance(chosen(named, "local"), Local)
    assert basis.of_class(named, NOTEBOOK, "namespaces") == before
