"""bench/layers.py: its last line, its table, and that it compares like with like."""

from __future__ import annotations

import functools
import importlib.util
import json
import runpy
import subprocess
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from autograder import source
from cs_utils.plots import measured

SCRIPT = source.ROOT / "bench" / "layers.py"
KEYS = {
    "conv_forward": 3,
    "conv_backward": 3,
    "max_pool_forward": None,
    "max_pool_backward": None,
    "batchnorm_forward": None,
    "batchnorm_backward": None,
}


@functools.cache
def script() -> ModuleType:
    """The script as a module; loading it once keeps the solutions that it has read."""
    spec = importlib.util.spec_from_file_location("bench_layers", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script with settings so small that nothing can be learned from the numbers."""
    module = script()
    small = tuple(replace(setting, n=2, size=8, filters=4) for setting in module.SETTINGS)
    monkeypatch.setattr(module, "SETTINGS", small)
    monkeypatch.setattr(module, "FEWEST", 3)
    return module


def test_the_last_line_is_json_with_a_ratio_for_every_layer(bench, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench/layers.py", "--seconds", "0"])
    bench.main()
    told = capsys.readouterr()
    lines = told.out.splitlines()
    found = json.loads(lines[-1])
    assert {key: len(each) if isinstance(each, list) else None for key, each in found.items()} == KEYS
    assert all(ratio > 0 for each in found.values() for ratio in (each if isinstance(each, list) else [each]))
    assert sum(line.startswith("| ") for line in lines) == 1 + 3 * len(KEYS)
    assert "18 of 18" in told.err


def test_the_table_is_written_where_it_belongs(bench, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["bench/layers.py", "--seconds", "0", "--write"])
    monkeypatch.setattr(bench, "TABLE", tmp_path / "table.md")
    monkeypatch.setattr(bench, "DRAWN", tmp_path / "measured.py")
    monkeypatch.setattr(source, "ROOT", tmp_path)
    bench.main()
    assert (tmp_path / "table.md").read_text().count("\n| ") == 1 + 3 * len(KEYS)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])
    drawn = runpy.run_path(str(tmp_path / "measured.py"))
    assert drawn["SETTINGS"] == tuple(tuple(vars(setting).values()) for setting in bench.SETTINGS)
    assert set(drawn["RATIOS"]) == {"conv_loops", *KEYS}
    assert all(ratio > 0 for each in drawn["RATIOS"].values() for ratio in each)


def test_a_wrong_layer_is_not_measured(bench, monkeypatch):
    right = bench._solution
    monkeypatch.setattr(bench, "_solution", lambda *which: lambda *a, **k: _off(right(*which)(*a, **k)))
    with pytest.raises(AssertionError, match="conv_forward: NumPy and PyTorch differ"):
        for pair in bench.comparisons(bench.SETTINGS[0]):
            bench.measured(pair, bench.SETTINGS[0], 0)


def _off(returned):
    out, *more = returned
    return (out + 1, *more)


def test_help_says_what_it_does():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "--write" in done.stdout and "One thread" in done.stdout


def test_the_published_table_has_every_row_and_no_target_is_missed():
    text = (source.ROOT / "docs" / "layers-benchmark.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(("| conv", "| max", "| batch"))]
    assert len(rows) == 3 * len(KEYS)
    assert "missed" not in text


def test_what_the_notebook_draws_is_the_published_table():
    text = (source.ROOT / "docs" / "layers-benchmark.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]
    published: dict[str, list[float]] = {}
    for _, layer, _, ratio, *_ in rows:
        published.setdefault(layer.strip(), []).append(float(ratio))
    drawn = {label: list(measured.RATIOS[name]) for name, label in script().LAYERS.items()}
    assert drawn == published
    assert [tuple(vars(setting).values()) for setting in script().SETTINGS] == list(measured.SETTINGS)
