"""Too little memory, and too little disk: what is said, what would fit, and that nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from cs_utils.training import NotEnoughMemory, fit
from tests.training.small import assert_same_state, network, spots, state
from tests.training.worker import train

SETTINGS = {"epochs": 1, "batch_size": 64, "max_lr": 0.05, "show": False}


class Cramped(nn.Module):
    """A network on a device with room for so many pictures at a time."""

    def __init__(self, room: int, error: Exception) -> None:
        super().__init__()
        self.net, self.room, self.error = network(), room, error
        self.asked: list[int] = []

    def forward(self, x):
        self.asked.append(len(x))
        if self.training and len(x) > self.room:
            raise self.error
        return self.net(x)


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 5.2 GB)"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
]


@pytest.mark.parametrize("error", ERRORS, ids=["NVIDIA", "Apple", "CPU"])
def test_the_batch_size_that_fits_is_found_and_offered(error):
    model = Cramped(20, error)
    before = state(model)
    with pytest.raises(
        NotEnoughMemory, match=r"with 64 pictures\. 16 fit.*fit\(\.\.\., batch_size=16\)"
    ) as said:
        fit(model, spots(128), **SETTINGS)
    assert said.value.batch_size == 16 and said.value.__cause__ is error
    assert model.asked == [2, 64, 64, 32, 16]  # a look at two, the step, and the trials
    assert_same_state(state(model), before)  # the norm's running statistics, too
    assert all(weights.grad is None for weights in model.parameters())
    fit(model, spots(128), **{**SETTINGS, "batch_size": said.value.batch_size})


def test_one_picture_may_be_too_many():
    with pytest.raises(NotEnoughMemory, match=r"a single picture.*device='cpu'") as said:
        fit(Cramped(0, ERRORS[0]), spots(64), **SETTINGS)
    assert said.value.batch_size == 0


def test_memory_that_is_there_again_is_no_reason_for_smaller_batches():
    class Once(Cramped):
        def forward(self, x):
            self.room = 1000 if len(self.asked) > 1 else 0
            return super().forward(x)

    with pytest.raises(NotEnoughMemory, match="64 pictures fits when it is tried again") as said:
        fit(Once(0, ERRORS[0]), spots(64), **SETTINGS)
    assert said.value.batch_size == 64


def test_an_error_of_another_kind_stays_what_it_is():
    with pytest.raises(RuntimeError, match="another") as said:
        fit(Cramped(20, RuntimeError("another error")), spots(128), **SETTINGS)
    assert not isinstance(said.value, NotEnoughMemory)


REALLY = """
import resource, torch
from torch import nn
from cs_utils.training import NotEnoughMemory, fit
torch.set_num_threads(1)
wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 20_000), nn.ReLU(), nn.Linear(20_000, 4))
data = torch.rand(1024, 1, 8, 8), torch.arange(1024) % 4
settings = dict(epochs=1, max_lr=0.01, show=False)
fit(wide, (data[0][:8], data[1][:8]), batch_size=4, **settings)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 150 * 2**20, resource.RLIM_INFINITY))
try:
    fit(wide, data, batch_size=1024, **settings)
except NotEnoughMemory as error:
    print(error.batch_size, error)
    fit(wide, (data[0][:256], data[1][:256]), batch_size=error.batch_size, **settings)
    print("trained")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are those of Linux")
def test_a_real_lack_of_memory_is_told_and_what_is_offered_fits():
    """On a CPU: a step with 1,024 pictures needs more than 240 MB, and 150 are allowed."""
    done = subprocess.run([sys.executable, "-c", REALLY], capture_output=True, text=True, check=True)
    offered, *said, trained = done.stdout.split()
    assert 16 <= int(offered) < 1024 and f"batch_size={offered})," in said and trained == "trained"


# --- disk -------------------------------------------------------------------------------------------------


class Full:
    """A disk with room for so many files."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, file: int) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_is_said_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", Full(0))
    model = network()
    before = state(model)
    with pytest.raises(OSError, match=r"no checkpoint can be written to .*net\.pt: .*No space left"):
        train(tmp_path / "net.pt", model=model)
    assert_same_state(state(model), before)
    assert not [*tmp_path.iterdir()]


def test_a_disk_that_gets_full_costs_the_checkpoint_and_not_the_training(tmp_path, monkeypatch, capsys):
    expected, _ = train(None)
    monkeypatch.setattr(os, "fsync", Full(2))
    model, _ = train(tmp_path / "net.pt", show=True)
    assert_same_state(state(model), state(expected))
    said = capsys.readouterr().out
    assert said.count("No space left on device. The training goes on; the one before is whole.") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt"]
    monkeypatch.undo()
    again, _ = train(tmp_path / "net.pt")
    assert_same_state(state(again), state(expected))
