"""The class's leaderboard from a notebook: get the pictures, save predictions, send them, see where you are.

    competition = data()    # the competition's pictures, or, where there is no server, one to practise with
    save(labels)            # predictions.npz beside the notebook
    submit()                # send it; where the server is away the file stays, and submit() sends it later
    standing()              # your row, who is just ahead, and your uploads

The server's address is an argument, or CS_LEADERBOARD_ADDRESS; the team's token is CS_LEADERBOARD_TOKEN. Both
may be environment variables or secrets in Colab. A token that is typed in is remembered until the kernel
ends; it is never printed or written to a file. Nothing here decides a score: what is shown is what the server
sent.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import http.client
import io
import json
import os
import re
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cs_utils.checking.notebook import under_grading
from cs_utils.data import store
from cs_utils.data.progress import Progress

ADDRESS, TOKEN = "CS_LEADERBOARD_ADDRESS", "CS_LEADERBOARD_TOKEN"
FILE = "predictions.npz"
PRACTICE_SEED, PRACTICE_DIFFICULTY = 12_000, 0.95
SECONDS = 30.0  # of silence before a server is taken to be away
PAUSES = (1.0, 4.0)  # seconds before an upload that was cut off is sent again
LONG = 500_000  # bytes; from here on a bar says how far it is
MOST_BYTES = 4_000_000_000  # of one file that a server sends
# What reading an answer raises that is not as it should be; nested too deeply is one way.
ODD = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)
HAND_IN = f"Hand {FILE} in beside the notebook: it is scored with it."
UPDATE = "install cs_utils again (in Colab: run the first cell in a fresh runtime)"

STRANGE = (
    "The server answers in a way that this notebook does not know: it is older or newer than cs_utils. "
    f"{UPDATE.capitalize()}, and if that does not help, tell your instructor."
)

Interval = Callable[[int, int], Any]


class LeaderboardError(Exception):
    """Something a person can put right; the message says what was found and what to do."""


class Away(LeaderboardError):
    """The server cannot be reached, or cannot answer at the moment."""


class NotPredictions(LeaderboardError, ValueError):
    """What was to be saved or sent are no predictions for this competition."""


# --- the competition ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pictures:
    """images: uint8 (n, height, width, 3). labels: int64 (n,), None for test pictures. ids: int64 (n,), of
    test pictures."""

    images: np.ndarray
    labels: np.ndarray | None = None
    ids: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Competition:
    """What students get. baseline: the public score to beat, from 0 to 1, if there is one yet.

    own_training_data: whether the rules allow training pictures from elsewhere. rules: in words, Markdown.
    address: of its server; None without one. practice: of a practice competition, the right labels and which
    of them are public.
    """

    title: str
    classes: tuple[str, ...]
    train: Pictures
    test: Pictures
    baseline: float | None = None
    own_training_data: bool = False
    daily_limit: int | None = None
    deadline: str | None = None
    rules: str = ""
    address: str | None = None
    practice: tuple[np.ndarray, np.ndarray] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        height, width = self.test.images.shape[1:3]
        lines = [
            f"{self.title}: {len(self.train):,} training and {len(self.test):,} test pictures of "
            f"{len(self.classes)} classes, {height} x {width} pixels."
        ]
        if self.baseline is not None:
            lines.append(f"To beat: {self.baseline:.1%} of the public half.")
        if self.daily_limit:
            lines.append(f"Uploads a day: {self.daily_limit}.")
        if self.deadline:
            lines.append(f"Deadline: {self.deadline}.")
        if not self.practice:
            allowed = "allowed" if self.own_training_data else "not allowed"
            lines.append(f"Training pictures from elsewhere, or networks trained on such: {allowed}.")
        return "\n".join(lines)


class _Session:
    """What this kernel knows: the competition at hand, a token that was typed in, practice uploads."""

    competition: Competition | None = None
    token: str | None = None
    practised: list[tuple[str, np.ndarray]] = []  # noqa: RUF012
    refused: dict[Path, str] = {}  # noqa: RUF012  # file -> why the last save() left it as it was


def data(
    address: str | None = None, folder: str | os.PathLike[str] | None = None, *, show: bool = True
) -> Competition:
    """The competition: from a folder, from a server, or, where there is neither, one to practise with.

    address: of the server, such as ``"https://board.example.org"``; without it CS_LEADERBOARD_ADDRESS. What
    was downloaded is kept, and taken again as long as the server has nothing else. folder: with the files
    that the server would send (train.npz, test.npz, competition.json).

    Raises:
        LeaderboardError: the folder, or what the server sent, is no competition.
    """
    if under_grading():
        found = _practice(show=False)
    elif folder is not None:
        found = _read(Path(folder).expanduser(), _address(address, ask=False))
    elif where := _address(address):
        found = _from_server(where)
    else:
        if show:
            print(
                "No address and no folder were given: this is a PRACTICE competition, made on this machine.\n"
                f"What you save now is for practice. For the real one: data('https://...'), or {ADDRESS}."
            )
        found = _practice(show)
    _Session.competition = found
    if show:
        print(found)
    return found


def current() -> Competition | None:
    """The competition that `data` gave last."""
    return _Session.competition


def _address(given: str | None, ask: bool = True) -> str | None:
    """An address without a slash at its end."""
    found = given or (_secret(ADDRESS) if ask else None)
    if not found:
        return None
    found = found.strip().rstrip("/")
    found = found if "://" in found else f"https://{found}"
    parts = urllib.parse.urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise LeaderboardError(
            f"{_clean(found)!r} is no address of a leaderboard; it looks like https://board.example.org"
        )
    return found


def _secret(name: str) -> str | None:
    """An environment variable, or a secret in Colab that this notebook may read."""
    if os.environ.get(name, "").strip():
        return os.environ[name].strip()
    if "google.colab" not in sys.modules:
        return None
    try:
        from google.colab import userdata

        return str(userdata.get(name) or "").strip() or None
    except Exception:  # there is no such secret, or the notebook was not given access
        return None


def _in_a_hurry() -> bool:
    return under_grading() or os.environ.get("CS_UTILS_QUICK", "0") not in ("", "0")


def _practice(show: bool = True) -> Competition:
    from cs_utils.shapes import CLASSES, make_images

    train, test = (300, 200) if _in_a_hurry() else (6_000, 2_000)
    if show and not _in_a_hurry():
        print(f"Making {train + test:,} pictures ...", flush=True)
    images, labels = make_images(train + test, difficulty=PRACTICE_DIFFICULTY, seed=PRACTICE_SEED)
    rng = np.random.default_rng(PRACTICE_SEED)
    public = np.zeros(test, bool)
    public[rng.permutation(test)[: test // 2]] = True
    return Competition(
        "Practice",
        CLASSES,
        Pictures(images[:train], labels=labels[:train]),
        Pictures(images[train:], ids=1 + rng.permutation(test)),
        baseline=0.02 if _in_a_hurry() else 0.55,  # in a hurry nothing is learned
        rules="There are none: nothing is sent anywhere, and you may try whatever you like.\n",
        practice=(labels[train:], public),
    )


def _read(folder: Path, address: str | None) -> Competition:
    """The competition in a folder, or in the folder `public` in it."""
    if (folder / "public" / "test.npz").is_file():
        folder = folder / "public"
    try:
        told = json.loads((folder / "competition.json").read_text(encoding="utf-8"))
        train = _arrays(folder / "train.npz", "images", "labels")
        test = _arrays(folder / "test.npz", "images", "ids")
        classes = tuple(_clean(name, 40) for name in told["classes"])
        rules = folder / "RULES.md"
        found = Competition(
            _clean(told["title"], 80),
            classes,
            Pictures(train["images"], labels=train["labels"]),
            Pictures(test["images"], ids=test["ids"]),
            baseline=None if told.get("baseline") is None else float(told["baseline"]),
            own_training_data=bool(told.get("own_training_data", False)),
            daily_limit=told.get("daily_limit"),
            deadline=_clean(told["deadline"], 40) if told.get("deadline") else None,
            rules=rules.read_text(encoding="utf-8") if rules.is_file() else "",
            address=address or _address(told.get("address") or None, ask=False) or _address(None),
        )
    except FileNotFoundError as error:
        raise LeaderboardError(
            f"{folder} is no competition: {Path(str(error.filename)).name} is missing. Name the folder with "
            "train.npz, test.npz and competition.json."
        ) from None
    except (*ODD, OSError, EOFError, zipfile.BadZipFile) as error:
        raise LeaderboardError(
            f"The competition in {folder} cannot be read ({type(error).__name__}: {error}). Remove the "
            "folder "
            "and get the files again."
        ) from None
    shapes = found.train.images.shape[1:], found.test.images.shape[1:]
    fits = shapes[0] == shapes[1] and len(shapes[0]) == 3 and train["labels"].shape == (len(found.train),)
    if not fits or test["ids"].shape != (len(found.test),):
        raise LeaderboardError(f"The files in {folder} do not go together. Get all of them again.")
    return found


def _arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in names}


# --- from the server ----------------------------------------------------------------------------------------

NEEDED = ("competition.json", "train.npz", "test.npz")


def _from_server(address: str) -> Competition:
    """The files of a server, downloaded where they are not here already."""
    host = re.sub(r"[^\w.-]+", "_", address.split("://", 1)[1])
    folder = store.writable(store.homes(), f"leaderboard/{host}")
    if folder is None:
        raise LeaderboardError("No folder can be written to; set CS_DATA to one.")
    try:
        address = _settled(address)
        for name in (*NEEDED, "RULES.md"):
            _keep(f"{address}/data/{name}", folder / name, needed=name in NEEDED)
    except Away as problem:
        if all((folder / name).is_file() for name in NEEDED):
            print(f"{problem} The pictures are here from an earlier time, so go on.")
            return _read(folder, address)
        print(
            f"{problem}\nUntil it is back this is a PRACTICE competition, made on this machine. Run the cell "
            "again later."
        )
        return _practice()
    return _read(folder, address)


def _settled(address: str) -> str:
    """The address, or the https one of the same host that the server points to; says when it is no board."""
    try:
        _known(_ask("GET", f"{address}/api/competition"), "title", "test_size")
    except _Moved as moved:
        old, new = urllib.parse.urlsplit(address), urllib.parse.urlsplit(moved.target)
        if old.scheme == "http" and new.scheme == "https" and old.hostname == new.hostname:
            secure = f"https://{new.netloc}{old.path}".rstrip("/")
            _known(_ask("GET", f"{secure}/api/competition"), "title", "test_size")
            return secure
        raise LeaderboardError(
            f"{address} sends us on to {_clean(moved.target)}. If that is the leaderboard, give its address."
        ) from None
    return address


def _keep(url: str, path: Path, needed: bool) -> None:
    """Bring a file here unless the one that is here is the server's: it has the same tag and size."""
    mark = path.with_name(f"{path.name}.tag")
    try:
        with _open(urllib.request.Request(url, headers=_headers())) as answer:
            declared = answer.headers.get("Content-Length") or ""
            size = int(declared) if declared.isdecimal() else 0
            tag = f"{answer.headers.get('ETag')} {size}"
            if path.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == tag:
                return
            _copy(answer, path, size)
        mark.write_text(tag, encoding="utf-8")
    except _Refused as problem:
        if needed:
            raise LeaderboardError(
                f"The server has no {path.name} ({problem.told}). Tell your instructor."
            ) from None
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"{path.name} broke off ({_reason(error)}).") from None


def _copy(answer: Any, path: Path, size: int) -> None:
    progress = Progress(path.name, size) if size > LONG else None
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        arrived = 0
        with open(part, "wb") as file:
            while block := answer.read(1 << 17):
                file.write(block)
                arrived += len(block)
                if arrived > MOST_BYTES:
                    raise LeaderboardError(f"{path.name} is too large; is the address right?")
                if progress:
                    progress.advance(len(block))
        if size and arrived != size:
            raise http.client.IncompleteRead(b"", size - arrived)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
        if progress:
            progress.close()


# --- predictions --------------------------------------------------------------------------------------------


def save(predictions: Any, path: str | os.PathLike[str] = FILE) -> Path:
    """Write predictions.npz beside the notebook, and say what is in it.

    predictions: for the test pictures in their order, labels (n,), whole numbers; or scores or probabilities
    (n, classes), of which the highest counts. Arrays, lists or tensors.

    Raises:
        NotPredictions: they do not fit the competition; nothing was written.
        LeaderboardError: there is no competition yet.
    """
    competition, target = _needed(), Path(path)
    try:
        values = _plain(predictions)
        name = "scores" if values.ndim == 2 and values.dtype.kind == "f" else "labels"
        _must_fit(values, name, competition)
    except NotPredictions as refused:
        _Session.refused[target.resolve()] = str(refused)
        raise
    kept = values.astype(np.float32) if name == "scores" else values.astype(np.int64)
    content = io.BytesIO()
    held: dict[str, Any] = {"ids": np.asarray(competition.test.ids), name: kept}
    np.savez_compressed(content, **held)
    _write(target, content.getvalue())
    _Session.refused.pop(target.resolve(), None)
    where = "PRACTICE" if competition.practice else competition.title
    print(f"{target.name}: {name} for {len(values):,} test pictures of {where!r}, {content.tell():,} bytes.")
    return target


def _needed() -> Competition:
    if _Session.competition is None:
        raise LeaderboardError("There is no competition yet: run the cell with leaderboard.data() first.")
    return _Session.competition


def _plain(values: Any) -> np.ndarray:
    """A NumPy array of a tensor, a list or an array."""
    if values is None:
        raise NotPredictions("There are no predictions, only None: a `return` is missing in your function.")
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError:
        raise NotPredictions(
            "The rows have different lengths; one label, or one row of scores, per picture."
        ) from None
    if array.dtype.kind not in "iuf":
        what = {"O": "Python objects", "U": "text", "b": "true or false"}.get(
            array.dtype.kind, str(array.dtype)
        )
        raise NotPredictions(
            f"`labels` holds {what}; plain numbers are expected, such as labels.astype(int)."
        )
    return array


def _must_fit(values: np.ndarray, name: str, competition: Competition) -> None:
    """Refuse, in the server's own words, what the server would refuse."""
    n, classes = len(competition.test), len(competition.classes)
    if name == "scores":
        if values.shape != (n, classes):
            raise NotPredictions(
                f"`scores` has shape {_shape(values.shape)}; expected {_shape((n, classes))}, one row per "
                "test image "
                "and one column per class."
            )
        finite = np.isfinite(values)
        if not finite.all():
            row = int(finite.all(1).argmin())
            word = "nan" if np.isnan(values[row]).any() else "infinity"
            raise NotPredictions(
                f"`scores` holds {word} (first in row {row}); every score must be a finite number, so look "
                "at "
                "where the model's output is not."
            )
        return
    if values.dtype.kind == "f":
        raise NotPredictions(
            f"`labels` holds numbers of type {values.dtype.name}; expected whole numbers, so save "
            "labels.astype(int)"
            " (or save class scores under the name `scores`)."
        )
    if values.shape != (n,):
        raise NotPredictions(
            f"`labels` has shape {_shape(values.shape)}; expected {_shape((n,))}, one number for each of the "
            f"{n:,} "
            "test images in test.npz."
        )
    outside = np.flatnonzero((values < 0) | (values >= classes))
    if len(outside):
        raise NotPredictions(
            f"Label {values[outside[0]]} (prediction {outside[0] + 1}) is no class; there are {classes} "
            "classes, so "
            f"labels are from 0 to {classes - 1}."
        )


def _shape(shape: Sequence[int]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: an interrupt leaves the file that was there."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def problem(path: str | os.PathLike[str] = FILE) -> str | None:
    """What is wrong with a file of predictions, in one sentence, or None, as far as it can be known here."""
    path = Path(path)
    if path.is_file() and (why := _Session.refused.get(path.resolve())):
        return f"the last save() wrote nothing ({why.rstrip('.')}), and {path.name} is an older one"
    try:
        labels_in(path)
    except LeaderboardError as found:
        return str(found)
    return None


def practice_score(path: str | os.PathLike[str] = FILE) -> tuple[float | None, float | None]:
    """Of a file for practice: the share of the public pictures that are right, and the one to beat.

    (None, None) where the labels are not here.
    """
    competition = _Session.competition
    if competition is None or competition.practice is None:
        return None, None
    labels, public = competition.practice
    return float((labels_in(path) == labels)[public].mean()), competition.baseline


def labels_in(path: str | os.PathLike[str] = FILE) -> np.ndarray:
    """The labels in a file that `save` wrote, int64 (n,), in the order of the test pictures.

    Raises:
        NotPredictions: it is no such file, or belongs to another competition.
    """
    path, competition = Path(path), _Session.competition
    if not path.is_file():
        raise NotPredictions(f"there is no {path.name} beside the notebook")
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise NotPredictions(
            f"{path.name} is damaged, or no file that save() wrote ({type(error).__name__})"
        ) from None
    name = "scores" if "scores" in held else "labels"
    if name not in held or "ids" not in held:
        raise NotPredictions(
            f"{path.name} holds {', '.join(map(_clean, held)) or 'nothing'}; save() writes ids and labels"
        )
    values, ids = held[name], held["ids"]
    if competition is not None:
        if not np.array_equal(ids, np.asarray(competition.test.ids)):
            raise NotPredictions(
                f"{path.name} belongs to another competition (its ids are not those of the test pictures): "
                "save again"
            )
        _must_fit(values, name, competition)
    return np.asarray(values.argmax(1) if name == "scores" else values, dtype=np.int64)


# --- sending ------------------------------------------------------------------------------------------------


def submit(
    predictions: Any = None, *, token: str | None = None, address: str | None = None
) -> Mapping[str, Any] | None:
    """Send predictions to the leaderboard, and say what became of them.

    predictions: labels or scores as for `save`, or the path of a file; by default predictions.npz beside the
    notebook. The same file is counted once however often it is sent, so after any trouble: submit() again.

    Returns what the server answered, or None where it did not take the file; why, and what to do, is printed.

    Raises:
        NotPredictions: they do not fit the competition; nothing was sent.
    """
    if under_grading():
        return None
    path = _file_of(predictions)
    competition = _needed()
    if wrong := problem(path):
        raise NotPredictions(f"Nothing was sent: {wrong}.")
    where = _address(address, ask=False) or competition.address
    if where is None:
        return _practised(path, competition)
    try:
        receipt = _sent(path, _settled(where), _token(token))
        with _understood():
            _say(receipt)
    except Away as trouble:
        print(
            f"{trouble}\n{path.name} is kept. submit() sends it later; if it was counted already, it is not "
            f"counted again. {_keep_in_colab(path)}{HAND_IN}"
        )
        return None
    except LeaderboardError as trouble:
        print(trouble)
        return None
    return receipt


def _file_of(predictions: Any) -> Path:
    if predictions is None:
        return Path(FILE)
    if isinstance(predictions, (str, os.PathLike)):
        return Path(predictions)
    return save(predictions)


def _keep_in_colab(path: Path) -> str:
    if "google.colab" not in sys.modules:
        return ""
    return f"Colab forgets files: from google.colab import files; files.download({path.name!r}). "


def _sent(path: Path, address: str, token: str) -> Mapping[str, Any]:
    content = path.read_bytes()
    name = urllib.parse.quote(path.name)
    more = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(content)),
        "Idempotency-Key": hashlib.sha256(content).hexdigest(),
    }
    for pause in (*PAUSES, None):
        try:
            answer = _ask(
                "POST", f"{address}/api/uploads?filename={name}", _Body(content), token=token, more=more
            )
            return _known(answer, "upload", "score", "improved", "rank")
        except Away as trouble:
            if pause is None:
                raise
            print(f"{trouble} Trying again in {pause:g} s ...", flush=True)
            time.sleep(pause)
        except _Refused as refused:
            raise LeaderboardError(_advice(refused, path)) from None
    raise AssertionError("the last try returns or raises")


class _Body:
    """Bytes to be sent, with a bar where there are many."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self._progress = Progress("sending", len(content)) if len(content) > LONG else None

    def read(self, count: int = -1) -> bytes:
        block = self._file.read(count)
        if self._progress:
            self._progress.advance(len(block))
            if not block:
                self._progress.close()
                self._progress = None
        return block


def _advice(refused: _Refused, path: Path) -> str:
    """The server's own sentence, and what to do."""
    told, status = refused.told, refused.status
    if status == 401:
        _Session.token = None
        return f"{told} Nothing was sent. Put the right token into {TOKEN}, or run this again and type it in."
    if status in (404, 405):
        return (
            f"There is no leaderboard at this address that takes uploads ({status}). It may be too old: ask "
            f"your instructor. {HAND_IN}"
        )
    if status == 403:  # closed, or the deadline has passed
        return f"{told} {HAND_IN}"
    if status == 429 and "today" in told:
        return f"{told} {path.name} is kept: submit() sends it then."
    return f"{told} Nothing was counted."


def _say(receipt: Mapping[str, Any]) -> None:
    low, high = receipt.get("low"), receipt.get("high")
    sure = f" (95 % interval {low:.1%} to {high:.1%})" if low is not None and high is not None else ""
    print(
        f"Upload {receipt['upload']} has arrived. Shown for your team: {receipt['score']:.1%}{sure}, rank "
        f"{receipt['rank']}."
    )
    if receipt.get("replayed"):
        print("This very file had arrived before; it was not counted again.")
    elif not receipt["improved"]:
        print(
            "It did not change what is shown: it is not better than your best by more than chance explains."
        )
    if receipt.get("left_today") is not None:
        print(f"Uploads left today: {receipt['left_today']}.")


def _token(given: str | None) -> str:
    found = given or _secret(TOKEN) or _Session.token or _typed()
    found = found.strip()
    if not re.fullmatch(r"[\x21-\x7e]{8,200}", found):  # and it is not shown
        _Session.token = None
        raise LeaderboardError(
            f"What was given as a token ({len(found)} characters) cannot be one: letters, digits and signs "
            "without "
            "spaces. Copy it again from your instructor's message."
        )
    return found


def _typed() -> str:
    hint = (
        f"No token. Set the environment variable {TOKEN}, or in Colab make a secret of that name (the key on "
        "the "
        "left) and give this notebook access."
    )
    if "ipykernel" not in sys.modules and not sys.stdin.isatty():
        raise LeaderboardError(hint)
    try:
        _Session.token = getpass.getpass("Your team's token (it is not shown): ")
    except Exception:  # a kernel that nobody sits in front of
        raise LeaderboardError(hint) from None
    return _Session.token


# --- where you stand ----------------------------------------------------------------------------------------


def standing(
    *, token: str | None = None, address: str | None = None, plot: bool = True
) -> Mapping[str, Any] | None:
    """Your row of the board, up to three just ahead, and your uploads; the whole board without a token.

    Returns what the server sent, or None where it could not be asked; why is printed.
    """
    if under_grading():
        return None
    competition = _needed()
    where = _address(address, ask=False) or competition.address
    if where is None:
        _practice_standing(competition)
        return None
    try:
        where = _settled(where)
        answer = _ask("GET", f"{where}/api/me", token=_token(token))
        me = _known(answer, "row", "ahead", "history")
        with _understood():
            _show(me, plot)
    except _Refused as refused:
        if refused.status == 401:
            _Session.token = None
        print(f"{refused.told} The board itself is at {where}.")
        return None
    except LeaderboardError as trouble:
        print(trouble)
        return None
    return me


def _show(me: Mapping[str, Any], plot: bool) -> None:
    rows = [row for row in (*me["ahead"], me["row"]) if row and row.get("score") is not None]
    _print_rows(rows, me["row"])
    if not rows or not me["row"]:
        print("Your team has no upload yet.")
    if me.get("left_today") is not None:
        print(
            f"Uploads left today: {me['left_today']}. The next day begins at {_clean(me.get('next_day_at'))}."
        )
    if plot and rows:
        from cs_utils import plots

        plots.show_standing(rows, me["row"], me["history"])


def _print_rows(rows: Sequence[Mapping[str, Any]], own: Mapping[str, Any] | None) -> None:
    private = any(row.get("private") for row in rows)
    print(f"  {'rank':>4}  {'team':24} {'public':>7}  {'95 % interval':16}{'private' if private else ''}")
    for row in rows:
        mark = ">" if row == own else " "
        print(
            f"{mark} {row['rank']:>4}  {_clean(row['name'], 24):24} {row['score']:>7.1%}  "
            f"{row['low']:.1%} to {row['high']:.1%}  {_private(row)}".rstrip()
        )


def _private(row: Mapping[str, Any]) -> str:
    if not row.get("private"):
        return ""
    climbed = row.get("shake_up") or 0
    moved = f", {abs(climbed)} {'up' if climbed > 0 else 'down'}" if climbed else ""
    return f"{row['private']['score']:.1%} (rank {row['private']['rank']}{moved})"


def results(interval: Interval | None = None) -> list[dict[str, Any]] | None:
    """Public and private score of every row, once the board is closed; None, with a line that says so,
    before.

    Each has name, own, and public and private: (score, low, high). For practice the board is closed at once:
    a row for each upload, with intervals by ``interval(correct, n)``.
    """
    competition = _needed()
    if competition.practice is not None:
        return _practice_results(competition, interval)
    if under_grading() or competition.address is None:
        return None
    try:
        where = _settled(competition.address)
        board = _known(_ask("GET", f"{where}/api/board"), "closed", "rows")
    except LeaderboardError as trouble:
        print(trouble)
        return None
    if not board["closed"]:
        print("The board is not closed yet, so nobody knows a private score. Come back after the deadline.")
        return None
    own = _own_name(where)
    return [
        {
            "name": _clean(row["name"], 24),
            "own": row["name"] == own,
            "public": (row["score"], row["low"], row["high"]),
            "private": tuple(row["private"][key] for key in ("score", "low", "high")),
        }
        for row in board["rows"]
        if row.get("private")
    ]


def _own_name(where: str) -> str | None:
    """The team's name on the board, where a token is at hand."""
    token = _secret(TOKEN) or _Session.token
    try:
        row = _ask("GET", f"{where}/api/me", token=token).get("row") if token else None
    except LeaderboardError:
        return None
    return row["name"] if row else None


# --- practice -----------------------------------------------------------------------------------------------


def _practised(path: Path, competition: Competition) -> Mapping[str, Any] | None:
    if competition.practice is None:
        print(
            f"No address is known, so nothing was sent: submit(address='https://...'). {path.name} is kept. "
            f"{HAND_IN}"
        )
        return None
    labels, public = competition.practice
    right = labels_in(path) == labels
    known = any(np.array_equal(right, before) for _, before in _Session.practised)
    if not known:
        _Session.practised.append((f"upload {len(_Session.practised) + 1}", right))
    score = float(right[public].mean())
    print(
        f"Practice: {score:.1%} of the {public.sum():,} public pictures are right. Nothing was sent anywhere."
        + " These answers were uploaded before and are counted once." * known
    )
    return {"upload": len(_Session.practised), "score": score, "practice": True}


def _practice_standing(competition: Competition) -> None:
    if competition.practice is None:
        print("No address is known: standing(address='https://...').")
        return
    _, public = competition.practice
    print("Practice: there is no board, only your uploads.")
    for name, right in _Session.practised:
        print(f"  {name:12} {right[public].mean():.1%} of the public pictures")
    if competition.baseline is not None:
        print(f"  {'to beat':12} {competition.baseline:.1%}")


def _practice_results(competition: Competition, interval: Interval | None) -> list[dict[str, Any]] | None:
    assert competition.practice is not None
    _, public = competition.practice
    rows = []
    for name, right in _Session.practised:
        row: dict[str, Any] = {"name": name, "own": True}
        for half, chosen in (("public", public), ("private", ~public)):
            correct, n = int(right[chosen].sum()), int(chosen.sum())
            low, high = interval(correct, n) if interval else (np.nan, np.nan)
            row[half] = correct / n, float(low), float(high)
        rows.append(row)
    if not rows:
        print("Practice: nothing was uploaded yet.")
    return rows or None


# --- speaking with the server -------------------------------------------------------------------------------


class _Refused(LeaderboardError):
    """The server's no. told: its sentence."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(f"The server refused ({status}): {told}")
        self.status, self.told = status, told


class _Moved(LeaderboardError):
    def __init__(self, target: str) -> None:
        super().__init__(f"The leaderboard has moved to {_clean(target)}; give that address.")
        self.target = target


class _StayHere(urllib.request.HTTPRedirectHandler):
    """No redirection is followed: it could take the token to another host, and turn an upload into a look."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _headers(token: str | None = None) -> dict[str, str]:
    known = {"User-Agent": "convnet-course", "Accept": "application/json, */*", "Accept-Encoding": "identity"}
    return known | ({"Authorization": f"Bearer {token}"} if token else {})


def _open(request: urllib.request.Request) -> Any:
    """The server's answer.

    Raises:
        Away, _Refused, _Moved
    """
    host = urllib.parse.urlsplit(request.full_url).netloc
    try:
        return urllib.request.build_opener(_StayHere).open(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            raise _told(error, host) from None
    except urllib.error.URLError as error:
        raise Away(f"The leaderboard at {host} cannot be reached ({_reason(error.reason)}).") from None
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"The connection to the leaderboard at {host} broke ({_reason(error)}).") from None


def _told(error: urllib.error.HTTPError, host: str) -> LeaderboardError:
    """What an answer that is no success means."""
    if 300 <= error.code < 400 and error.headers.get("Location"):
        with contextlib.suppress(ValueError):  # it points nowhere
            return _Moved(urllib.parse.urljoin(error.url, error.headers["Location"]))
    sentence = ""
    try:
        found = json.loads(error.read(100_000).decode("utf-8"))
        sentence = _clean(found["error"], 500)
    except (*ODD, OSError, http.client.HTTPException):
        pass
    if error.code >= 500:
        return Away(
            f"The leaderboard at {host} has trouble ({error.code}{': ' + sentence if sentence else ''})."
        )
    return _Refused(
        error.code, sentence or f"it answered {error.code} {_clean(error.reason)} and did not say why."
    )


def _ask(
    method: str,
    url: str,
    body: Any = None,
    *,
    token: str | None = None,
    more: Mapping[str, str] | None = None,
) -> Any:
    """What the server answers, read as JSON; no text in it moves a cursor."""
    headers = _headers(token) | dict(more or {})
    host = urllib.parse.urlsplit(url).netloc
    try:
        with _open(urllib.request.Request(url, data=body, headers=headers, method=method)) as answer:
            content = answer.read(50_000_000)
    except (OSError, http.client.HTTPException) as error:
        raise Away(f"The connection to the leaderboard at {host} broke ({_reason(error)}).") from None
    try:
        return _harmless(json.loads(content.decode("utf-8")))
    except (ValueError, RecursionError):
        raise LeaderboardError(
            f"What answers at {host} is no leaderboard (it sent a page, no JSON). Is the address right, and "
            "does this "
            "network want a login in the browser first?"
        ) from None


def _known(answer: Any, *names: str) -> Mapping[str, Any]:
    """An answer that has these entries; another server is too old, or too new."""
    if not isinstance(answer, dict) or any(name not in answer for name in names):
        raise LeaderboardError(STRANGE)
    return answer


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """For what is told of an answer, in which numbers may turn out to be something else."""
    try:
        yield
    except LeaderboardError:
        raise
    except ODD:
        raise LeaderboardError(STRANGE) from None


def _harmless(answer: Any) -> Any:
    """The same answer with every text in it cleaned."""
    if isinstance(answer, dict):
        return {_clean(name): _harmless(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_harmless(value) for value in answer]
    return _clean(answer, 2000) if isinstance(answer, str) else answer


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, (http.client.IncompleteRead, ConnectionError)) and not isinstance(
        error, ConnectionRefusedError
    ):
        return "the line was cut"
    return _clean(getattr(error, "strerror", None) or error, 120).rstrip(".")


def _clean(text: object, most: int = 200) -> str:
    """Text from elsewhere in one line, without anything that moves a cursor."""
    shown = "".join(each if each.isprintable() else " " for each in str(text))
    return shown if len(shown) <= most else shown[: most - 1] + "…"


# --- how much to train --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effort:
    """How many pictures the notebook's own networks train on, None for all, and how often."""

    said: str
    train: int | None
    epochs: int
    batch_size: int = 64

    def __str__(self) -> str:
        pictures = "all pictures" if self.train is None else f"up to {self.train:,} pictures"
        return f"{self.said}: {pictures}, {self.epochs} epoch{'s' if self.epochs > 1 else ''}."


def effort(place: str) -> Effort:
    """For a kind of device: "cpu", "cuda" or "mps"."""
    if _in_a_hurry():
        return Effort("In a hurry, so that no score means anything", 240, 2, batch_size=16)
    if place == "cpu":
        return Effort("On a CPU, about half a minute for each network", 4_800, 12)
    return Effort("On a GPU", None, 20)
