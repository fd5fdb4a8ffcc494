"""Folders and zips of one's own pictures: what they may look like, and what is refused."""

from __future__ import annotations

import io
import os
import shutil
import stat
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cs_utils.data import DataError, load, load_folder

RED, BLUE = (220, 30, 20), (10, 40, 230)


def picture(
    colour: object = RED, size: tuple[int, int] = (20, 16), mode: str = "RGB", format: str = "PNG"
) -> bytes:
    """A file of one colour; size is (width, height)."""
    Image.new(mode, size, colour).save(buffer := io.BytesIO(), format=format)  # type: ignore[arg-type]
    return buffer.getvalue()


def cats_and_dogs(count: int = 10, before: str = "") -> dict[str, bytes]:
    """Red cats and blue dogs: name -> file."""
    colours = (("cats", RED), ("dogs", BLUE))
    return {f"{before}{name}/{at}.png": picture(colour) for name, colour in colours for at in range(count)}


def as_folder(where: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(data)
    return where


def as_zip(where: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return where


@pytest.fixture(params=["folder", "zip"])
def packed(request: pytest.FixtureRequest, tmp_path: Path):
    """files -> the folder or the zip that holds them."""
    if request.param == "zip":
        return lambda files: as_zip(tmp_path / "pets.zip", files)
    return lambda files: as_folder(tmp_path / "pets", files)


def assert_red_cats_and_blue_dogs(images) -> None:
    assert images.classes == ("cats", "dogs")
    for split in (images.train, images.test):
        for colour, label in ((RED, 0), (BLUE, 1)):
            assert np.abs(split.images[split.labels == label].astype(int) - colour).max() < 12


# --- what it may look like --------------------------------------------------------------------------------


def test_a_folder_for_each_class(packed, home: Path) -> None:
    images = load_folder(packed(cats_and_dogs()), folder=home)
    assert images.train.images.shape == (16, 16, 20, 3) and len(images.test) == 4
    assert np.bincount(images.test.labels).tolist() == [2, 2]
    assert_red_cats_and_blue_dogs(images)
    assert 0 < images.train.labels[:8].sum() < 8  # in no order of classes


def test_one_folder_train_alone_is_divided_like_any_other(packed, home: Path) -> None:
    images = load_folder(packed(cats_and_dogs(5, "train/")), folder=home)
    assert (len(images.train), len(images.test)) == (8, 2)
    assert_red_cats_and_blue_dogs(images)


@pytest.mark.parametrize("halves", [("train", "test"), ("Training", "validation"), ("train", "val")])
@pytest.mark.parametrize("above", ["", "pets/", "a/b/"])
def test_halves_that_are_given_are_kept(packed, home: Path, halves: tuple[str, str], above: str) -> None:
    files = cats_and_dogs(3, f"{above}{halves[0]}/") | cats_and_dogs(2, f"{above}{halves[1]}/")
    images = load_folder(packed(files), folder=home)
    assert len(images.train) == 6 and len(images.test) == 4
    assert_red_cats_and_blue_dogs(images)


def test_a_test_half_without_labels_gives_way_to_the_one_for_validation(packed, home: Path) -> None:
    unlabelled = {f"test/{at}.png": picture() for at in range(5)}
    files = cats_and_dogs(3, "train/") | cats_and_dogs(2, "val/") | unlabelled
    assert len(load_folder(packed(files), folder=home).test) == 4


def test_miniplaces(packed, home: Path) -> None:
    """Its images lie in images/train/a/abbey/ and in images/val/, and lists name the labels."""
    train = {
        f"images/train/{k[0]}/{k}/{at}.jpg": picture(c, format="JPEG")
        for k, c in (("abbey", RED), ("zoo", BLUE))
        for at in range(3)
    }
    val = {f"images/val/{at:08}.jpg": picture((RED, BLUE)[at % 2], format="JPEG") for at in range(4)}
    lists = {
        "train.txt": "".join(f"{name.removeprefix('images/')} {int('zoo' in name)}\n" for name in train),
        "val.txt": "".join(f"val/{at:08}.jpg {at % 2}\n" for at in range(4)),
        "test.txt": "test/00000001.jpg\n",
    }
    files = train | val | {f"data/{name}": text.encode() for name, text in lists.items()}
    images = load_folder(packed(files), folder=home)
    assert images.classes == ("abbey", "zoo") and len(images.train) == 6 and len(images.test) == 4
    assert images.test.images[images.test.labels == 1][..., 2].min() > 200
    files["data/val.txt"] += b"val/99999999.jpg 1\n"
    with pytest.raises(
        DataError, match=r"names val/99999999\.jpg, which is not there: was everything unpacked"
    ):
        load_folder(packed(files), folder=home)


def test_what_systems_leave_in_folders_is_no_picture(packed, home: Path) -> None:
    junk = {
        "__MACOSX/cats/._1.png": b"\0",
        "cats/.DS_Store": b"\0",
        "cats/Thumbs.db": b"",
        ".git/x.png": b"",
        "notes.txt": b"",
    }
    assert_red_cats_and_blue_dogs(load_folder(packed(cats_and_dogs() | junk), folder=home))


@pytest.mark.parametrize(
    ("mode", "colour", "format", "seen"),
    [
        ("L", 90, "PNG", (90, 90, 90)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("P", 0, "PNG", (0, 0, 0)),
        ("RGBA", (200, 0, 0, 0), "PNG", (255, 255, 255)),
        ("LA", (10, 0), "PNG", (255, 255, 255)),
        ("I;16", 128 * 256, "PNG", (128, 128, 128)),
        ("CMYK", (0, 0, 0, 255), "JPEG", (0, 0, 0)),
        ("RGB", RED, "BMP", RED),
        ("RGB", RED, "WEBP", RED),
        ("L", 77, "GIF", (77, 77, 77)),
    ],
)
def test_every_kind_of_picture_becomes_rgb(
    home: Path, tmp_path: Path, mode, colour, format: str, seen
) -> None:
    files = cats_and_dogs(3, "train/") | cats_and_dogs(1, "test/")
    ending = {"JPEG": "jpg"}.get(format, format.lower())
    files[f"train/odd/1.{ending}"] = picture(colour, mode=mode, format=format)
    images = load_folder(as_folder(tmp_path / "pets", files), folder=home)
    odd = images.train.images[images.train.labels == images.classes.index("odd")]
    assert odd.shape == (1, 16, 20, 3) and np.abs(odd.astype(int) - seen).max() < 6


def test_a_camera_on_its_side(home: Path, tmp_path: Path) -> None:
    lying = np.zeros((16, 20, 3), np.uint8)
    lying[:, :10] = RED
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(lying).save(buffer := io.BytesIO(), format="JPEG", exif=exif, quality=95)
    files = {f"{half}/{k}/1.jpg": buffer.getvalue() for half in ("train", "test") for k in "ab"}
    images = load_folder(as_folder(tmp_path / "pets", files), folder=home)
    assert images.train.images.shape[1:] == (20, 16, 3)
    assert images.train.images[0, :8, :, 0].min() > 150 > images.train.images[0, 12:, :, 0].max()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=3),
    size=st.integers(1, 80),
)
def test_pictures_of_any_size_become_the_size_that_is_asked_for(
    home: Path, tmp_path: Path, sizes, size: int
) -> None:
    shutil.rmtree(tmp_path / "pets", ignore_errors=True)
    files = {
        f"{half}/{k}/{at}.png": picture(c, s)
        for half in ("train", "test")
        for k, c in (("cats", RED), ("dogs", BLUE))
        for at, s in enumerate(sizes)
    }
    images = load_folder(as_folder(tmp_path / "pets", files), size=size, folder=home)
    assert images.train.images.shape == (2 * len(sizes), size, size, 3)
    assert_red_cats_and_blue_dogs(images)


def test_different_sizes_become_64_and_that_is_said(
    packed, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = cats_and_dogs() | {"cats/large.jpg": picture(size=(900, 600), format="JPEG")}
    assert load_folder(packed(files), folder=home).train.images.shape[1:] == (64, 64, 3)
    assert "all become 64x64; for another size, load_folder(..., size=...)" in capsys.readouterr().out


def test_it_is_decoded_once_and_again_when_something_changed(
    packed, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = cats_and_dogs()
    path = packed(files)
    load_folder(path, folder=home)
    assert "decoding" in capsys.readouterr().out
    assert_red_cats_and_blue_dogs(load(f"folder:{path}", folder=home))
    assert capsys.readouterr().out == ""
    files["cats/11.png"] = picture()
    again = load_folder(packed(files), folder=home)
    assert len(again.train) + len(again.test) == 21


def test_links_of_a_folder_are_followed_but_not_in_circles(home: Path, tmp_path: Path) -> None:
    as_folder(tmp_path / "big_disk", cats_and_dogs())
    (tmp_path / "pets").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).symlink_to(tmp_path / "big_disk" / name)
    (tmp_path / "pets" / "cats" / "back").symlink_to(tmp_path / "pets")
    (tmp_path / "pets" / "cats" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pets" / "dogs" / "pipe.png")
    images = load_folder(tmp_path / "pets", folder=home)
    assert len(images.train) + len(images.test) == 20


# --- what is refused, or left out -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (picture(format="JPEG", size=(300, 300))[:-200], "truncated"),
        (b"", "no picture"),
        (b"<html>", "no picture"),
        (picture()[:30], ""),
        (b"%!PS-Adobe-3.0\n(no program is started)", "no picture"),
    ],
)
def test_a_picture_that_cannot_be_read_is_left_out_by_name(
    packed, home: Path, capsys: pytest.CaptureFixture[str], data: bytes, why: str
) -> None:
    images = load_folder(packed(cats_and_dogs() | {"cats/bad.jpg": data}), folder=home)
    assert len(images.train) + len(images.test) == 20
    assert_red_cats_and_blue_dogs(images)
    printed = capsys.readouterr().out
    assert "left out, since they cannot be read: cats/bad.jpg (" in printed and why in printed


def test_many_that_cannot_be_read_are_an_error(packed, home: Path) -> None:
    files = cats_and_dogs() | {f"cats/bad{at}.png": b"?" for at in range(5)}
    with pytest.raises(
        DataError, match=r"5 of 25 pictures in .* cannot be read: cats/bad\d\.png \(no picture\)"
    ):
        load_folder(packed(files), folder=home)


def png_bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in a few hundred bytes."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def test_a_picture_that_would_fill_the_memory_is_left_out(
    packed, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    load_folder(packed(cats_and_dogs() | {"cats/bomb.png": png_bomb()}), folder=home)
    assert "cats/bomb.png (" in capsys.readouterr().out and time.monotonic() - began < 5


def evil(kind: str, path: Path) -> None:
    """A zip that does harm where it is unpacked without care."""
    as_zip(path, cats_and_dogs())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        if kind == "link":
            info = zipfile.ZipInfo("cats/link.png")
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        elif kind == "large file":
            archive.writestr("cats/bomb.bmp", bytes(101_000_000))
        elif kind == "twice":
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("cats/1.png", picture(BLUE))
        else:
            archive.writestr(kind, picture())


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("../outside.png", "leads out of the zip"),
        ("/etc/outside.png", "leads out of the zip"),
        ("cats/../../outside.png", "leads out of the zip"),
        ("C:/outside.png", "leads out of the zip"),
        ("cats\\..\\outside.png", "/ is what belongs between folders"),
        ("link", "is a link"),
        ("large file", "unpacks to 101.0 MB"),
        ("twice", "holds 'cats/1.png' twice"),
    ],
)
def test_a_zip_that_could_do_harm_is_refused(home: Path, tmp_path: Path, kind: str, said: str) -> None:
    evil(kind, tmp_path / "pets.zip")
    with pytest.raises(DataError, match=r"pets\.zip is refused: ") as refused:
        load_folder(tmp_path / "pets.zip", folder=home)
    assert said in str(refused.value) and "Make the zip anew" in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["pets.zip"]


def test_many_files_that_are_each_small_are_a_bomb_too(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cs_utils.data.pictures._LARGE", 1_000_000)
    files = {f"cats/{at}.bmp": bytes(200_000) for at in range(30)}
    with pytest.raises(DataError, match=r"unpacks to 6\.0 MB, [\d,]+ times its size"):
        load_folder(as_zip(tmp_path / "pets.zip", files), folder=home)


def test_an_encrypted_zip(home: Path, tmp_path: Path) -> None:
    path = as_zip(tmp_path / "pets.zip", cats_and_dogs())
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # flag in the directory
    path.write_bytes(data)
    with pytest.raises(DataError, match="is encrypted"):
        load_folder(path, folder=home)


def test_a_file_whose_declared_size_is_a_lie_is_left_out(home: Path, tmp_path: Path) -> None:
    """It says 100 bytes and holds 60 MB; no more than it says is ever unpacked."""
    files = cats_and_dogs() | {"cats/bomb.bmp": bytes(60_000_000)}
    path = as_zip(tmp_path / "pets.zip", files)
    data = bytearray(path.read_bytes())
    at = data.index(b"cats/bomb.bmp", data.index(b"PK\x01\x02")) - 46
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    images = load_folder(path, folder=home)
    assert len(images.train) + len(images.test) == 20


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 0.9999), how=st.sampled_from(["cut", "flip"]), bit=st.integers(0, 7))
def test_no_change_of_a_zip_does_more_than_a_message(
    home: Path, tmp_path: Path, at: float, how: str, bit: int
) -> None:
    path = as_zip(tmp_path / "pets.zip", cats_and_dogs(3))
    data = bytearray(path.read_bytes())
    place = int(at * len(data))
    path.write_bytes(
        data[:place] if how == "cut" else data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
    )
    try:
        images = load_folder(path, folder=home)
    except DataError as error:
        assert str(tmp_path) in str(error) or "pets.zip" in str(error)
    else:
        for split in (images.train, images.test):
            reddish = split.images[..., 0] > split.images[..., 2]
            assert (reddish == reddish[:, :1, :1]).all()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no pictures"),
        ({"notes.txt": b"none"}, "holds no pictures"),
        ({"1.png": picture(), "2.png": picture()}, "lies in no class's folder"),
        ({"cats/1.png": picture(), "cats/2.png": picture()}, "one class only"),
        ({"cats/1.png": picture(), "dogs/2.png": picture()}, "has one picture"),
        (cats_and_dogs(2, "train/") | {"test/1.png": picture()}, "no folder test or val"),
        (
            cats_and_dogs(2, "train/") | {"test/owls/1.png": picture()},
            "the class 'owls' has pictures for testing",
        ),
    ],
)
def test_what_is_missing_is_said_with_what_is_needed(packed, home: Path, files: dict, said: str) -> None:
    path = packed(files)
    path.mkdir(exist_ok=True) if path.suffix == "" else None
    with pytest.raises(DataError) as refused:
        load_folder(path, folder=home)
    assert said in str(refused.value) and str(path) in str(refused.value)


def test_a_path_that_is_not_there_or_no_zip(home: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    with pytest.raises(DataError, match=r"is not there\. .* holds holiday\. In Colab"):
        load_folder(tmp_path / "holidays", folder=home)
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and so on")
    with pytest.raises(DataError, match="no whole zip file"):
        load_folder(tmp_path / "a.zip", folder=home)
    (tmp_path / "data.tar.gz").write_bytes(b"")
    with pytest.raises(DataError, match="is a tar archive: unpack it"):
        load_folder(tmp_path / "data.tar.gz", folder=home)
    with pytest.raises(DataError, match="size=0"):
        load_folder(tmp_path / "holiday", size=0)
