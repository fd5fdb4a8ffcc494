"""Downloads: whatever a server does, the right file arrives, or none does and the message says what to do."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cs_utils.data.download import DownloadFailed, fetch
from cs_utils.data.problems import DataError
from cs_utils.data.registry import DataSet, File
from cs_utils.data.sources import load_set
from tests.data.conftest import HURRIED, STEADY, Web

NAME = "train-images.gz"


@pytest.fixture
def file(data_set: DataSet) -> File:
    return data_set.file("train-images")


def test_a_set_is_downloaded_decoded_and_kept(online: DataSet, web: Web, home: Path, values: dict) -> None:
    images = load_set(online, [home], patience=STEADY)
    assert (images.train.images[..., 0] == values["train-images"]).all()
    assert (images.test.labels == values["test-labels"]).all() and images.test.labels.dtype == "int64"
    asked = len(web.requests)
    assert asked == 4
    again = load_set(online, [home], patience=STEADY)
    assert len(web.requests) == asked and (again.train.images == images.train.images).all()
    assert not again.train.images.flags.writeable and type(again.train.images).__name__ == "memmap"


@pytest.mark.parametrize("how", ["cut", "redirect", "slow", "no ranges"])
def test_one_address_with_flaws_is_enough(
    file: File, web: Web, tmp_path: Path, packed: dict, how: str
) -> None:
    web.misbehave[f"/a/{NAME}"] = how
    patience = replace(STEADY, cuts=40)
    fetch(file, [web.address() + NAME], tmp_path / NAME, patience=patience)
    assert (tmp_path / NAME).read_bytes() == packed[NAME]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "answered 404"),
        ("login page", "a web page and no file; does this network want a login"),
        ("wrong bytes", "its checksum is wrong"),
        ("wrong size", "has another file"),
        ("drip", "is too slow"),
        ("silent", "does not answer"),
        ("loop", "answered 302"),
    ],
)
def test_a_bad_address_is_left_for_the_next_and_named_when_there_is_none(
    file: File, web: Web, tmp_path: Path, packed: dict, how: str, said: str
) -> None:
    web.misbehave[f"/a/{NAME}"] = how
    addresses = [web.address(place) + NAME for place in ("a", "b")]
    slow = how in ("drip", "silent")
    with pytest.raises(DownloadFailed, match=said) as failed:
        fetch(file, addresses[:1], tmp_path / NAME, patience=HURRIED if slow else STEADY)
    assert not (tmp_path / NAME).exists() and addresses[0] in str(failed.value)
    fetch(
        file, addresses, tmp_path / NAME, patience=replace(HURRIED, silence=2, window=2) if slow else STEADY
    )
    assert (tmp_path / NAME).read_bytes() == packed[NAME]


def test_nobody_there(file: File, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1:1/x: no connection \(Connection refused\)"):
        fetch(file, ["http://127.0.0.1:1/x"], tmp_path / NAME, patience=STEADY)


def test_only_the_rest_is_asked_for(file: File, web: Web, tmp_path: Path, packed: dict) -> None:
    web.misbehave[f"/a/{NAME}"] = "cut"
    with pytest.raises(DownloadFailed, match="broke") as failed:
        fetch(file, [web.address() + NAME], tmp_path / NAME, patience=replace(STEADY, cuts=0))
    here = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < here == failed.value.kept < file.size
    fetch(file, [web.address("b") + NAME], tmp_path / NAME, patience=replace(STEADY, cuts=0))
    assert web.requests[-1] == (f"/b/{NAME}", f"bytes={here}-")
    assert (tmp_path / NAME).read_bytes() == packed[NAME]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left=st.one_of(st.binary(max_size=60), st.integers(0, 20_000), st.just(-1)), tail=st.binary(max_size=4)
)
def test_whatever_an_earlier_attempt_left_the_right_file_arrives(
    file: File, web: Web, tmp_path: Path, packed: dict, left: bytes | int, tail: bytes
) -> None:
    whole = packed[NAME]
    begun = left if isinstance(left, bytes) else whole if left < 0 else whole[:left]
    (tmp_path / NAME).unlink(missing_ok=True)
    (tmp_path / f"{NAME}.part").write_bytes(begun + tail)
    fetch(file, [web.address() + NAME], tmp_path / NAME, patience=STEADY)
    assert (tmp_path / NAME).read_bytes() == whole and not (tmp_path / f"{NAME}.part").exists()


def test_a_server_that_sends_another_part_than_was_asked_for(file: File, web: Web, tmp_path: Path) -> None:
    web.misbehave[f"/a/{NAME}"] = "wrong range"
    (tmp_path / f"{NAME}.part").write_bytes(b"begun")
    with pytest.raises(DownloadFailed, match="did not send the part that was asked for"):
        fetch(file, [web.address() + NAME], tmp_path / NAME, patience=STEADY)


def test_the_message_says_what_was_tried_and_what_to_do(online: DataSet, web: Web, home: Path) -> None:
    web.misbehave = {f"/{place}/test-images.gz": "missing" for place in "ab"}
    with pytest.raises(DataError) as failed:
        load_set(replace(online, debian="dataset-tiny"), [home], patience=STEADY)
    message = str(failed.value)
    assert message.startswith("Tiny is not on this machine, and cannot be downloaded now.")
    for part in (
        f"{web.address('b')}test-images.gz: answered 404",
        "check the network, then run this cell again",
        f"put them into {home / 'tiny'}",
        f"{web.address('a')}test-images.gz ({online.file('test-images').size:,} bytes)",
        "apt-get install dataset-tiny",
        'load("fashion-mnist-small")',
    ):
        assert part in message
    assert "train-images" not in message  # has arrived
    assert not (home / "tiny" / "arrays").exists()


def test_without_download_nothing_is_asked_for(online: DataSet, web: Web, home: Path) -> None:
    with pytest.raises(DataError, match="run this without download=False"):
        load_set(online, [home], download=False)
    assert web.requests == []


def test_progress_is_a_line_that_changes_only_where_it_can(
    file: File, web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # other tests have kernels
    web.misbehave[f"/a/{NAME}"] = "slow"
    fetch(file, [web.address() + NAME], tmp_path / "one", patience=STEADY)
    printed = capsys.readouterr().out
    assert printed == f"{NAME} from 127.0.0.1:{web.port}: {file.size:,} bytes\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    fetch(file, [web.address() + NAME], tmp_path / "two", patience=STEADY)
    last = capsys.readouterr().out.rstrip("\n").split("\r")[-1]
    assert last.startswith("  100%") and "a second" in last


def test_a_full_disk_is_said(online: DataSet, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = type("Usage", (), {"free": 10})()
    monkeypatch.setattr("cs_utils.data.store.shutil.disk_usage", lambda _: full)
    with pytest.raises(DataError, match=r"no room in .*: [\d,]+ bytes are needed, and 10 bytes are free"):
        load_set(online, [home], patience=STEADY)
