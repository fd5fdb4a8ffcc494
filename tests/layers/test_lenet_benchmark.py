"""bench/lenet.py: its last line, its page, and that it compares like with like."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType

import pytest

from autograder import source


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_lenet", source.ROOT / "bench" / "lenet.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_last_line_is_json_and_the_page_says_the_same(bench, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bench, "BATCH", 2)
    monkeypatch.setattr(bench, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(bench.source, "ROOT", tmp_path)
    taken = bench.measured(3, 2)
    monkeypatch.setattr(bench, "measured", lambda rounds: taken)
    monkeypatch.setattr(sys, "argv", ["bench/lenet.py", "--rounds", "3", "--write"])
    bench.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["ratio"] == pytest.approx(bench.ratio(taken), abs=1e-3) and found["target"] == 1.5
    assert set(found["milliseconds"]) == {"numpy", "pytorch"}
    assert f"| {bench.ratio(taken):.2f} |" in (tmp_path / "page.md").read_text()


def test_a_wrong_step_is_not_measured(bench, monkeypatch):
    monkeypatch.setattr(bench, "steps", lambda batch: (lambda: 1.0, lambda: 2.0))
    with pytest.raises(AssertionError, match=r"the loss is 1\.0 in NumPy and 2\.0 in PyTorch"):
        bench.measured(3)


def test_the_published_ratio_is_within_the_target(bench):
    row = next(
        line for line in bench.PAGE.read_text().splitlines() if line.startswith("| ") and "at most" in line
    )
    assert float(row.split("|")[1]) <= bench.TARGET
