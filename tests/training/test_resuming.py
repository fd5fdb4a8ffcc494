"""A training that is stopped in any way goes on to the result that it would have had."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import signal
import time
from multiprocessing.process import BaseProcess

import pytest
import torch

from cs_utils.training import Augment, History, checkpoint
from tests.training.small import assert_same_state, network, spots, state
from tests.training.worker import EPOCHS, STEPS, run, train


@pytest.fixture(autouse=True)
def ctrl_c_raises():
    """As in a terminal: what is started in the background has Ctrl-C turned off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole():
    """The training that nobody stops: its weights and its history."""
    model, history = train(None)
    return state(model), history


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have PyTorch already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.worker"])
    return context


def started(processes, path, seconds) -> BaseProcess:
    process = processes.Process(target=run, args=(str(path), seconds))
    process.start()
    return process


def steps_in(path) -> int:
    return torch.load(path, weights_only=True)["parts"]["history"]["step"] if path.exists() else 0


def wait_for_step(path, process, step) -> None:
    end = time.monotonic() + 60
    while steps_in(path) < step and process.is_alive() and time.monotonic() < end:
        time.sleep(0.002)
    assert steps_in(path) >= step


def assert_as_whole(model, history, whole) -> None:
    weights, uninterrupted = whole
    assert_same_state(state(model), weights)
    assert history.losses == uninterrupted.losses
    for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
        assert getattr(history, name) == getattr(uninterrupted, name)


def test_a_training_that_is_killed_again_and_again_ends_with_the_same_weights(tmp_path, processes, whole):
    path, rng, kills = tmp_path / "runs" / "net.pt", random.Random(0), 0
    while kills < 4 and steps_in(path) < STEPS * EPOCHS - 8:
        process = started(processes, path, 0.002)
        wait_for_step(path, process, steps_in(path) + 1)
        time.sleep(rng.uniform(0, 0.1))
        assert process.is_alive() or steps_in(path) == STEPS * EPOCHS
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
    assert kills >= 3 and steps_in(path) < STEPS * EPOCHS
    assert_as_whole(*train(path), whole)


def test_ctrl_c_finishes_the_step_and_keeps_it(tmp_path, processes, whole):
    path = tmp_path / "net.pt"
    process = started(processes, path, 0.02)
    wait_for_step(path, process, STEPS + 3)
    os.kill(process.pid, signal.SIGINT)
    process.join(30)
    assert process.exitcode == 1  # an error was raised; a process that SIGINT ended would say -2
    assert STEPS + 3 <= steps_in(path) < 2 * STEPS + 3
    assert_as_whole(*train(path), whole)


@pytest.mark.parametrize("step", [1, STEPS - 1, STEPS, STEPS + 5, 3 * STEPS - 1])
def test_a_training_stopped_after_any_step_goes_on_from_it(tmp_path, whole, monkeypatch, step):
    record = History.record

    def record_and_stop(history, *args):
        record(history, *args)
        if history.step == step:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(History, "record", record_and_stop)
        train(tmp_path / "net.pt", save_every=1e9)
    assert steps_in(tmp_path / "net.pt") == step
    assert_as_whole(*train(tmp_path / "net.pt"), whole)


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    class Stuck:
        def __call__(self, x):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "net.pt", augment=Stuck())
    assert not (tmp_path / "net.pt").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_training_that_is_over_is_not_repeated(tmp_path, whole, capsys):
    train(tmp_path / "net.pt")
    model, history = train(tmp_path / "net.pt", show=True)
    assert_as_whole(model, history, whole)
    said = capsys.readouterr().out
    assert "is over; its weights are back" in said and "delete this file" in said
    assert not model.training


def test_the_same_seed_gives_the_same_training_and_another_one_another(whole):
    again, history = train(None)
    assert_as_whole(again, history, whole)
    other, _ = train(None, seed=1)
    assert not torch.equal(other[0].weight, again[0].weight)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "net.pt"
    train(path)
    with pytest.raises(ValueError, match=r"label_smoothing was 0\.1 and is 0\.2.*delete the file"):
        train(path, label_smoothing=0.2)
    with pytest.raises(ValueError, match=r"epochs was 3 and is 4"):
        train(path, epochs=4)
    state_dict = torch.load(path, weights_only=True)
    state_dict["parts"]["model"].popitem()
    torch.save(state_dict, path)
    with pytest.raises(ValueError, match="another network"):
        train(path)


class Spy:
    """Unpickling it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("damage", ["empty", "half", "text", "pickle"])
def test_a_file_that_is_no_checkpoint_is_refused_and_runs_nothing(tmp_path, damage):
    path, proof = tmp_path / "net.pt", tmp_path / "proof"
    checkpoint.write_whole({"settings": {}, "parts": {}}, path)
    content = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "half": content[: len(content) // 2],
            "text": b"not a checkpoint",
            "pickle": pickle.dumps(Spy(proof), protocol=2),
        }[damage]
    )
    with pytest.raises(ValueError, match=r"no checkpoint that can be read.*delete the file"):
        train(path)
    assert not proof.exists()


def test_writing_leaves_the_old_file_when_it_fails_and_removes_what_others_left(tmp_path, monkeypatch):
    path = tmp_path / "net.pt"
    checkpoint.write_whole({"number": 1}, path)
    old, young = tmp_path / "net.pt.1.part", tmp_path / "net.pt.2.part"
    for left in (old, young):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))

    def full(state, file):
        file.write(b"half")
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(torch, "save", full)
        checkpoint.write_whole({"number": 2}, path)
    assert torch.load(path, weights_only=True) == {"number": 1}
    assert not old.exists() and young.exists()


class Stopping:
    """Leaves the batch alone, and presses Ctrl-C at one call."""

    def __init__(self, at: int = -1) -> None:
        self.left = at

    def __call__(self, x):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return x

    def __repr__(self) -> str:
        return "none"  # no other training for stopping elsewhere


def test_a_function_is_the_same_one_in_the_next_process(tmp_path):
    """Its address is not."""
    train(tmp_path / "net.pt", augment=lambda x: x)
    train(tmp_path / "net.pt", augment=lambda x: x)
    with pytest.raises(ValueError, match=r"augment was '<function .*<lambda>>' and is 'Augment\(crop=2,"):
        train(tmp_path / "net.pt", augment=Augment(2))


def test_other_data_are_another_training(tmp_path):
    train(tmp_path / "net.pt")
    with pytest.raises(ValueError, match=r"data was '131 images .*' and is '130 images"):
        train(tmp_path / "net.pt", data=spots(130))
    with pytest.raises(ValueError, match="checksum"):
        train(tmp_path / "net.pt", data=spots(131, seed=3))


def test_an_optimiser_of_ones_own_goes_on_too(tmp_path):
    def trained(path, stopping):
        model = network()
        groups = [{"params": model[0].parameters(), "lr": 0.001}, {"params": model[6].parameters()}]
        optimiser = torch.optim.AdamW(groups, lr=0.01)
        train(path, model=model, optimiser=optimiser, augment=stopping)
        return state(model)

    expected = trained(None, Stopping())
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "net.pt", Stopping(STEPS + 2))
    assert_same_state(trained(tmp_path / "net.pt", Stopping()), expected)


def test_half_precision_goes_on_with_its_scale(tmp_path):
    def trained(path, stopping):
        model = network()
        train(path, model=model, augment=stopping, precision=torch.float16)
        return state(model)

    expected = trained(None, Stopping())
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "net.pt", Stopping(5))
    saved = torch.load(tmp_path / "net.pt", weights_only=True)
    assert saved["parts"]["scaler"]["scale"] > 1
    assert_same_state(trained(tmp_path / "net.pt", Stopping()), expected)
