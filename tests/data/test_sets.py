"""From files to arrays: local places, checks, formats, what is kept, and processes that meet or die."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_utils.data import DataError, decode, load, made, names, registry, store
from cs_utils.data.registry import DataSet
from cs_utils.data.sources import load_set
from tests.data.conftest import STEADY, Web, cifar, idx, python2_pickle, tar_gz

ROOT = Path(__file__).parents[2]


def put(folder: Path, packed: dict[str, bytes], **changed: bytes) -> Path:
    """Files by hand, some of them changed: name (without .gz, _ for -) -> bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in packed.items():
        (folder / name).write_bytes(changed.get(name.removesuffix(".gz").replace("-", "_"), data))
    return folder


# --- local places -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["home/tiny", "home", "data", "elsewhere", "home/Tiny/raw"])
def test_files_on_this_machine_are_used(
    data_set: DataSet, home: Path, tmp_path: Path, packed: dict, place: str
) -> None:
    put(tmp_path / place, packed)
    known = replace(data_set, local=(str(tmp_path / "elsewhere"), "Tiny/raw"))
    assert len(load_set(known, [home], download=False).train) == 90


def test_packed_anew_or_unpacked_is_as_good(
    data_set: DataSet, home: Path, values: dict, packed: dict
) -> None:
    anew = {name: gzip.compress(gzip.decompress(data), 1) for name, data in packed.items()}
    put(home, anew)
    assert len(load_set(data_set, [home], download=False).train) == 90
    other = home / "unpacked"
    other.mkdir()
    for role, array in values.items():
        (other / role).write_bytes(idx(array))
    assert len(load_set(data_set, [other], download=False).train) == 90


def test_a_shared_folder_that_only_the_instructor_writes(
    data_set: DataSet, packed: dict, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, own = tmp_path / "shared", tmp_path / "cache" / "cs_utils"
    put(shared, packed)
    monkeypatch.setenv("CS_DATA", str(shared))
    assert store.homes() == [shared, own]
    real = store.tempfile.TemporaryFile  # root may write everywhere, so a refusal is played

    def refusing(dir: Path) -> object:
        if shared in dir.parents:
            raise PermissionError
        return real(dir=dir)

    monkeypatch.setattr(store.tempfile, "TemporaryFile", refusing)
    load_set(data_set, store.homes(), download=False)
    assert (own / "tiny" / "arrays").is_dir() and not (shared / "tiny" / "arrays").exists()
    monkeypatch.undo()
    load_set(data_set, [shared], download=False)
    for path in shared.glob("*.gz"):
        path.unlink()
    assert len(load_set(data_set, [shared, own], download=False).train) == 90


def test_without_any_place_to_write_it_still_works(
    data_set: DataSet, packed: dict, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "data", packed)
    (tmp_path / "file").write_text("no folder")
    assert len(load_set(data_set, [tmp_path / "file" / "home"]).train) == 90
    assert "nothing can be written to" in capsys.readouterr().out
    (tmp_path / "data" / "test-images.gz").unlink()
    with pytest.raises(DataError, match="name a folder that can be written"):
        load_set(data_set, [tmp_path / "file" / "home"])


# --- wrong files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-9], "it is cut off"),
        (lambda data: b"", "it is cut off, or another file: 0 bytes"),
        (lambda data: data[:40] + b"\0\0\0\0" + data[44:], "it is damaged"),
        (lambda data: gzip.compress(bytes(len(gzip.decompress(data)))), "its sha256 begins with"),
        (lambda data: gzip.compress(gzip.decompress(data) + b"!"), "more than the"),
        (lambda data: gzip.compress(bytes(300_000_000), 1), "it is another file: more than the"),
        (lambda data: b"<!DOCTYPE html>", "it is a web page, saved in place of the file"),
        (lambda data: pickle.dumps(print), "cut off, or another file"),
    ],
)
def test_a_wrong_file_is_refused_and_replaced_by_a_download(
    online: DataSet, web: Web, home: Path, packed: dict, capsys: pytest.CaptureFixture[str], change, said: str
) -> None:
    wrong = change(packed["train-images.gz"])
    put(home / "tiny", packed, train_images=wrong)
    with pytest.raises(DataError) as refused:
        load_set(online, [home], download=False)
    path = home / "tiny" / "train-images.gz"
    message = str(refused.value)
    assert f"{path} is not used: it is" in message and said in message
    assert path.read_bytes() == wrong
    capsys.readouterr()
    assert len(load_set(online, [home], patience=STEADY).train) == 90
    assert f"Tiny: {path} is not used: it is" in capsys.readouterr().out
    assert path.read_bytes() == packed["train-images.gz"] and len(web.requests) == 1


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 0.999), how=st.sampled_from(["cut", "flip", "insert"]), byte=st.integers(1, 255))
def test_no_change_of_a_file_goes_unnoticed(packed: dict, data_set, at: float, how: str, byte: int) -> None:
    """Except where gzip itself does not care: what is unpacked is what was meant, or it is refused."""
    file, right = data_set.file("train-labels"), packed["train-labels.gz"]
    place = int(at * len(right))
    rest = {"cut": b"", "flip": bytes([right[place] ^ byte]) + right[place + 1 :]}.get(how)
    changed = right[:place] + (bytes([byte]) + right[place:] if rest is None else rest)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "changed.gz")
        path.write_bytes(changed)
        try:
            assert decode.contents(path, file) == gzip.decompress(right)
        except decode.Refused as refused:
            assert str(refused).startswith("it is ")


def test_right_sums_of_wrong_contents_are_refused_too(data_set: DataSet, home: Path, packed: dict) -> None:
    put(home, packed)
    with pytest.raises(DataError, match=r"cannot be decoded \(train images of shape \(90, 12, 11, 1\)"):
        load_set(replace(data_set, images=(91, 30)), [home], download=False)
    with pytest.raises(DataError, match="labels from 0 to 2"):
        load_set(replace(data_set, classes=("cat", "dog")), [home], download=False)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_an_idx_file_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError, decode.struct.error):
        assert decode.idx(data).dtype == np.uint8


# --- what is kept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["train-images.npy", "test-labels.npy", "manifest.json"])
@pytest.mark.parametrize("how", ["cut", "changed", "gone", "pickle"])
def test_damaged_arrays_are_made_anew(
    data_set: DataSet, home: Path, packed: dict, values: dict, name: str, how: str
) -> None:
    put(home, packed)
    load_set(data_set, [home], download=False)
    path = home / "tiny" / "arrays" / name
    whole = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        np.save(other := io.BytesIO(), np.array([print], dtype=object), allow_pickle=True)
        changed = {"cut": whole[:-5], "changed": whole[:-5] + b"?" + whole[-4:], "pickle": other.getvalue()}
        path.write_bytes(changed[how])
    images = load_set(data_set, [home], download=False)
    assert (images.train.images[..., 0] == values["train-images"]).all()
    assert sorted(each.name for each in (home / "tiny").iterdir()) == [".lock", "arrays"]


def test_arrays_of_other_files_are_not_taken_for_these(data_set: DataSet, home: Path, packed: dict) -> None:
    put(home, packed)
    load_set(data_set, [home], download=False)
    other = replace(
        data_set, files=(*data_set.files[:3], replace(data_set.files[3], unpacked_sha256="0" * 64))
    )
    with pytest.raises(DataError, match="not on this machine"):
        load_set(other, [home], download=False)


# --- CIFAR ------------------------------------------------------------------------------------------------


def batch(count: int, seed: int, **more: object) -> tuple[np.ndarray, bytes]:
    rows = np.random.default_rng(seed).integers(0, 256, (count, 48), np.uint8)
    labels = [at % 2 for at in range(count)]
    return rows, python2_pickle({"data": rows, "labels": labels, "batch_label": "one of three", **more})


def test_cifars_rows_are_planes_of_red_green_and_blue(home: Path) -> None:
    rows, batches = zip(*(batch(10, seed, filenames=["a.png"]) for seed in range(3)), strict=True)
    names = ("batches/one", "batches/two", "batches/test")
    photos, archive = cifar(dict(zip(names, batches, strict=True)) | {"batches/readme.html": b"<html>"})
    home.mkdir()
    (home / "photos.tar.gz").write_bytes(archive)
    images = load_set(photos, [home], download=False)
    expected = np.concatenate(rows[:2]).reshape(20, 3, 4, 4).transpose(0, 2, 3, 1)
    assert (images.train.images == expected).all() and images.train.images.flags.c_contiguous
    assert images.test.labels.tolist() == [0, 1] * 5


@pytest.mark.parametrize(
    ("evil", "said"),
    [
        (b"cos\nsystem\n(U\x08touch xxtR.", "asks for os.system"),
        (b"cbuiltins\neval\n(U\x031+1tR.", "asks for builtins.eval"),
        (b"cnumpy.core.multiarray\nscalar\n.", "asks for numpy.core.multiarray.scalar"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "asks for numpy.ndarray.dump"),
        (b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R.", "pixels of type b'O8'"),
        (b"U\x01xQ.", "refers to something outside"),
        (b"\x80\x02K\x01.", "holds no dictionary"),
        (b"\x80\x02", "no pickle of CIFAR's"),
        (b"", "no pickle of CIFAR's"),
        (b"}q\x00(U\x04dataU\x01xU\x06labels](K\x01eu.", "its pixels are no array"),
        (b"}.", "b'data'"),
    ],
)
def test_a_pickle_that_wants_anything_else_is_refused(home: Path, evil: bytes, said: str) -> None:
    good = batch(10, 0)[1]
    photos, archive = cifar({"batches/one": good, "batches/two": evil, "batches/test": good})
    home.mkdir()
    (home / "photos.tar.gz").write_bytes(archive)
    with pytest.raises(DataError, match="Photos: its files cannot be decoded") as refused:
        load_set(photos, [home], download=False)
    assert said in str(refused.value)
    assert not Path("xx").exists() and not (home / "photos" / "arrays").exists()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_of_a_pickle_does_more_than_fail(data: st.DataObject) -> None:
    right = batch(4, 0)[1]
    at = data.draw(st.integers(0, len(right) - 1))
    changed = right[:at] + data.draw(st.binary(min_size=1, max_size=3)) + right[at + 1 :]
    with contextlib.suppress(ValueError, KeyError, TypeError):
        decode._batch(changed, replace(cifar({})[0], images=(4, 4)))


def test_an_archive_is_only_opened_when_its_sum_is_right(home: Path) -> None:
    photos, _ = cifar({"batches/one": b"this one"})
    home.mkdir()
    (home / "photos.tar.gz").write_bytes(tar_gz({"batches/one": b"cos\nsystem\n(U\x08touch xxtR."}))
    with pytest.raises(DataError, match="is not used: it is"):
        load_set(photos, [home], download=False)


# --- processes --------------------------------------------------------------------------------------------

# What a student's process does; `slow`: decoding takes as long as the tests need to look at it.
SCRIPT = """
import pickle, sys, time
from pathlib import Path
from cs_utils.data import decode, sources, store
data_set, home, slow = pickle.loads(bytes.fromhex(sys.argv[1]))
whole = store.save
def save(folder, arrays):
    (folder / "begun").touch()
    time.sleep(slow)
    (folder / "begun").unlink()
    whole(folder, arrays)
store.save = save
images = sources.load_set(data_set, [home])
print(int(images.train.images.sum()), len(images.test))
"""


def process(data_set: DataSet, home: Path, slow: float = 0) -> subprocess.Popen[str]:
    arguments = pickle.dumps((data_set, home, slow)).hex()
    command = [sys.executable, "-c", SCRIPT, arguments]
    environment = {**os.environ, "CS_UTILS_GRADING": "1", "PYTHONPATH": str(ROOT)}  # without PyTorch: quick
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=home.parent)


def until(happened, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_two_processes_at_once_download_once_and_both_have_it(
    online: DataSet, web: Web, home: Path, values: dict
) -> None:
    web.misbehave["/a/train-images.gz"] = "slow"
    both = [process(online, home, slow=0.3) for _ in range(2)]
    printed = [each.communicate(timeout=60)[0] for each in both]
    for text in printed:
        assert text.splitlines()[-1] == f"{values['train-images'].sum()} 30"
    assert sorted(path for path, _ in web.requests) == sorted(f"/a/{name.name}" for name in online.files)
    assert sum("another process is getting it ready; waiting" in text for text in printed) == 1
    assert len(list((home / "tiny").glob("arrays*"))) == 1


def test_a_download_that_was_killed_is_resumed(online: DataSet, web: Web, home: Path, values: dict) -> None:
    web.misbehave["/a/train-images.gz"] = "slow"
    part = home / "tiny" / "train-images.gz.part"
    killed = process(online, home)
    until(lambda: part.exists() and part.stat().st_size > 500)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (home / "tiny" / "train-images.gz").exists()
    here = part.stat().st_size
    images = load_set(online, [home], patience=STEADY)
    assert ("/a/train-images.gz", f"bytes={here}-") in web.requests
    assert (images.train.images[..., 0] == values["train-images"]).all() and not part.exists()


def test_decoding_that_was_killed_leaves_nothing(
    data_set: DataSet, home: Path, packed: dict, values: dict
) -> None:
    put(home, packed)
    killed = process(data_set, home, slow=30)
    until(lambda: list(home.glob("tiny/arrays.part-*/begun")))
    waiting = process(data_set, home)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert waiting.communicate(timeout=60)[0].splitlines()[-1] == f"{values['train-images'].sum()} 30"
    assert sorted(path.name for path in (home / "tiny").iterdir()) == [".lock", "arrays"]


@pytest.mark.prove
def test_killed_at_any_moment_the_others_still_end_well(
    online: DataSet, web: Web, tmp_path: Path, values: dict
) -> None:
    """Two of three processes are killed somewhere between their start and their end."""
    web.misbehave["/a/train-images.gz"] = "slow"
    rng = np.random.default_rng(0)
    for trial in range(40):
        home = tmp_path / str(trial)
        running = [process(online, home, slow=0.5) for _ in range(3)]
        for each, moment in zip(running, np.diff(np.sort(rng.uniform(0, 4, 2)), prepend=0), strict=False):
            time.sleep(moment)
            each.send_signal(signal.SIGKILL)
        printed = [each.communicate(timeout=60)[0] for each in running]
        assert printed[-1].splitlines()[-1] == f"{values['train-images'].sum()} 30"
        left = {path.name for path in (home / "tiny").iterdir()}
        assert left == {".lock", "arrays", *(file.name for file in online.files)}


def test_without_locks_two_at_once_still_end_well(
    data_set: DataSet, home: Path, packed: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    put(home, packed)
    monkeypatch.setattr("cs_utils.data.lock._try", no_locks)
    save = store.save

    def overtaken(folder: Path, arrays: dict) -> None:
        monkeypatch.setattr(store, "save", save)
        load_set(data_set, [home], download=False)  # another process begins and ends meanwhile
        save(folder, arrays)

    monkeypatch.setattr(store, "save", overtaken)
    assert len(load_set(data_set, [home], download=False).train) == 90
    assert [path.name for path in (home / "tiny").glob("arrays*")] == ["arrays"]


# --- the registry and what comes with the course ----------------------------------------------------------


def test_the_registry_is_toml_and_complete() -> None:
    import tomllib

    text = (ROOT / "data" / "registry.toml").read_text(encoding="utf-8")
    assert registry.parse(text) == tomllib.loads(text)
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for name in registry.known():
        known = registry.find(name)
        assert f"| `{name}` |" in readme and known.licence and known.source
        roles = ["archive"] if known.format == "cifar" else list(decode.ROLES)
        assert [file.role for file in known.files] == roles
        for file in known.files:
            sums = [file.sha256, *([file.unpacked_sha256] if file.unpacked_size else [])]
            assert all(len(bytes.fromhex(each)) == 32 for each in sums) and file.size > 0
            assert not file.md5 or len(bytes.fromhex(file.md5)) == 16
        assert len(set(known.classes)) == len(known.classes) == (100 if name == "cifar100" else 10)
        assert known.shipped or len(known.addresses) > 1
        assert all(address.startswith("http") and address.endswith("/") for address in known.addresses)


@pytest.mark.parametrize("line", ["x = 1.2.3", "x", "x = [1,", "x = {a = 1}", "x = yes"])
def test_a_registry_that_cannot_be_read_is_said(line: str) -> None:
    with pytest.raises(ValueError):
        registry.parse(f"[a]\n{line}\n")


@pytest.mark.parametrize(
    ("asked", "meant"), [("fashion_mnist", "fashion-mnist"), ("CIFAR-10", "cifar10"), ("MNIST", "mnist")]
)
def test_an_unknown_name_is_answered_with_the_likely_one(asked: str, meant: str) -> None:
    with pytest.raises(DataError, match=f"Did you mean '{meant}'"):
        load(asked)


def test_the_small_set_is_there_without_anything_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = load("fashion-mnist-small", folder=home, download=False)
    assert not home.exists()
    assert (
        repr(images) == "<Fashion-MNIST, small: 5,000 training and 1,000 test images, 28x28 grey, 10 classes>"
    )
    assert np.bincount(images.train.labels).tolist() == [500] * 10
    assert np.bincount(images.test.labels).tolist() == [100] * 10
    trousers = images.train.images[images.train.labels == images.classes.index("Trouser")].mean(axis=0)
    assert trousers[:, 13:15].mean() > 2 * trousers[:, :4].mean()  # upright, and not another class


def test_shapes_are_made_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(made, "_COUNTS", {"train": 60, "test": 30})
    images = load("shapes", folder=home)
    assert "making the pictures, once" in capsys.readouterr().out
    assert repr(images) == "<Shapes: 60 training and 30 test images, 32x32 colour, 10 classes>"
    assert (load("shapes", folder=home).train.images == images.train.images).all()
    assert capsys.readouterr().out == "" and "shapes" in names()
    (home / "file").touch()
    assert (load("shapes", folder=home / "file").test.images == images.test.images).all()


def test_a_damaged_small_set_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fashion-mnist-small").mkdir()
    monkeypatch.setattr("cs_utils.data.sources.registry_folder", lambda: tmp_path)
    with pytest.raises(DataError, match=r"not as it was delivered.*Install cs_utils again"):
        load("fashion-mnist-small")


def test_where_debian_has_fashion_mnist_it_is_the_right_one(home: Path) -> None:
    known = registry.find("fashion-mnist")
    if not Path(known.local[0], known.files[0].name).is_file():
        pytest.skip("Fashion-MNIST not on this machine; get it with: apt-get install dataset-fashion-mnist")
    images = load("fashion-mnist", folder=home, download=False)
    assert np.bincount(images.train.labels).tolist() == [6000] * 10
    began = time.monotonic()
    again = load("fashion-mnist", folder=home, download=False)
    assert time.monotonic() - began < 1 and len(again.test) == 10_000
    small = load("fashion-mnist-small")
    for label in range(10):
        first = images.train.images[images.train.labels == label][:500]
        assert (small.train.images[small.train.labels == label] == first).all()


# --- arrays and tensors -----------------------------------------------------------------------------------


def test_inputs_are_standardised_with_the_training_pictures(
    data_set: DataSet, home: Path, packed: dict
) -> None:
    put(home, packed)
    images = load_set(data_set, [home], download=False)
    x, y = images.train.arrays()
    assert x.shape == (90, 1, 12, 11) and x.dtype == np.float32 and y.dtype == np.int64
    assert abs(x.mean()) < 1e-5 and abs(x.std() - 1) < 1e-5
    raw = images.test.images.transpose(0, 3, 1, 2) / 255
    test_x, _ = images.test.arrays()
    assert np.allclose(test_x, (raw - images.train.mean[0]) / images.train.std[0], atol=1e-5)
    tensor, labels = images.test.tensors()
    assert tensor.dtype is torch.float32 and np.allclose(tensor.numpy(), test_x, atol=1e-6)
    assert labels.dtype is torch.int64 and labels.tolist() == images.test.labels.tolist()
    halves, _ = images.test.tensors(dtype=torch.float16)
    assert halves.dtype is torch.float16
    bytes_, _ = images.test.tensors(dtype=torch.uint8)
    assert bytes_.dtype is torch.uint8 and (bytes_.numpy().transpose(0, 2, 3, 1) == images.test.images).all()
    x += 1  # copies, so that nothing happens to what is kept
    tensor += 1


def test_a_part_is_a_split_again(data_set: DataSet, home: Path, packed: dict) -> None:
    put(home, packed)
    train = load_set(data_set, [home], download=False).train
    assert len(train[:10]) == 10 and np.shares_memory(train[:10].images, train.images)
    assert (train[[3, 1]].labels == train.labels[[3, 1]]).all() and len(train[train.labels == 2]) == 30
    with pytest.raises(TypeError, match=r"train\.images\[0\]"):
        train[0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans())
def test_statistics_are_those_of_numpy(seed: int, channels: int, constant: bool) -> None:
    from cs_utils.data.images import statistics

    rng = np.random.default_rng(seed)
    images = (
        np.full((5, 3, 2, channels), 7, np.uint8)
        if constant
        else rng.integers(0, 256, (5, 3, 2, channels), np.uint8)
    )
    mean, std = statistics(images)
    assert np.allclose(mean, (images / 255).mean(axis=(0, 1, 2)))
    assert np.allclose(std, np.maximum((images / 255).std(axis=(0, 1, 2)), 1 / 255))
