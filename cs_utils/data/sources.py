"""From a data set's name to its arrays: what is kept, what lies on this machine, what has to be
downloaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cs_utils.data import decode, store
from cs_utils.data.download import DownloadFailed, Patience, fetch
from cs_utils.data.images import Images
from cs_utils.data.lock import locked
from cs_utils.data.problems import DataError, megabytes
from cs_utils.data.registry import DataSet, File, registry_folder


def load_set(
    data_set: DataSet, homes: Sequence[Path], *, download: bool = True, patience: Patience | None = None
) -> Images:
    """The pictures of `data_set`; see `cs_utils.data.load`."""
    if data_set.shipped:
        return _shipped(data_set)
    source = " ".join(file.fingerprint for file in data_set.files)
    for home in homes:
        if kept := store.read(home / data_set.name, source, data_set.title):
            return kept
    target = store.writable(homes, data_set.name)
    if target is None:
        return _without_keeping(data_set, homes)
    waiting = f"{data_set.title}: another process is getting it ready; waiting for that ..."
    with locked(target / ".lock", waiting) as alone:
        if kept := store.read(target, source, data_set.title):  # made by another process meanwhile
            return kept
        files = _Search(data_set, homes, target, alone, download, patience or Patience()).contents()

        def make(folder: Path) -> tuple[str, ...]:
            store.save(folder, decode.arrays(data_set, files))
            return data_set.classes

        needed = _decoded_size(data_set)
        print(f"{data_set.title}: decoding it, once, into {target} ({megabytes(needed)}).", flush=True)
        return store.keep(target, source, data_set.title, make, needed=needed, alone=alone)


def _decoded_size(data_set: DataSet) -> int:
    height, width, channels = data_set.shape
    return sum(data_set.images) * (height * width * channels + 8)


def _shipped(data_set: DataSet) -> Images:
    """A set that comes with the course: small, so it is decoded each time and nothing is written."""
    folder = registry_folder() / data_set.name
    files = {}
    for file in data_set.files:
        try:
            files[file.role] = decode.contents(folder / file.name, file)
        except (OSError, decode.Refused) as why:
            raise DataError(
                f"{data_set.title}: {folder / file.name} is not as it was delivered ({why}). "
                "Install cs_utils again: the first cell of a notebook does."
            ) from None
    return store.images(data_set.title, decode.arrays(data_set, files), data_set.classes)


def _without_keeping(data_set: DataSet, homes: Sequence[Path]) -> Images:
    """When nothing can be written anywhere: from files on this machine, into memory."""
    places = " or ".join(map(str, homes))
    search = _Search(data_set, homes, None, True, False, Patience())
    print(
        f"{data_set.title}: nothing can be written to {places}, so it is decoded anew each time.", flush=True
    )
    return store.images(data_set.title, decode.arrays(data_set, search.contents()), data_set.classes)


class _Search:
    """Gets the files of one data set, from this machine or else from the web."""

    def __init__(
        self,
        data_set: DataSet,
        homes: Sequence[Path],
        target: Path | None,
        alone: bool,
        download: bool,
        patience: Patience,
    ) -> None:
        self.data_set, self.homes, self.target = data_set, homes, target
        self.alone, self.download, self.patience = alone, download, patience
        self.refused: list[str] = []

    def contents(self) -> dict[str, bytes]:
        """Role -> checked contents, of every file.

        Raises:
            DataError: a file is nowhere to be had; says where it was looked for and what to do.
        """
        found = {file.role: self._on_this_machine(file) for file in self.data_set.files}
        missing = [file for file in self.data_set.files if found[file.role] is None]
        if missing and (self.target is None or not self.download):
            raise DataError(self._nowhere(missing, ()))
        for file in missing:
            found[file.role] = self._downloaded(file, missing)
        return {role: data for role, data in found.items() if data is not None}

    def _on_this_machine(self, file: File) -> bytes | None:
        for path in self._candidates(file):
            try:
                return decode.contents(path, file)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except decode.Refused as why:
                self._refuse(f"{path} is not used: {why}.")
            except OSError as error:
                self._refuse(f"{path} cannot be read: {error.strerror}.")
        return None

    def _refuse(self, sentence: str) -> None:
        self.refused.append(sentence)
        print(f"{self.data_set.title}: {sentence}", flush=True)

    def _candidates(self, file: File) -> Iterator[Path]:
        names = [file.name, *([file.name.removesuffix(".gz")] if file.unpacked_sha256 else [])]
        for folder in self._folders():
            yield from (folder / name for name in names)

    def _folders(self) -> Iterator[Path]:
        """The set's own folder in a home, the home itself, and where other packages put such files."""
        for base in (*self.homes, Path.cwd() / "data"):
            yield base / self.data_set.name
            yield base
            yield from (base / place for place in self.data_set.local if not os.path.isabs(place))
        yield from (Path(place) for place in self.data_set.local if os.path.isabs(place))

    def _downloaded(self, file: File, missing: Sequence[File]) -> bytes:
        assert self.target is not None
        path = self.target / file.name
        addresses = [address + file.name for address in self.data_set.addresses]
        try:
            store.must_have_room(self.target, file.size)
            fetch(file, addresses, path, alone=self.alone, patience=self.patience)
            return decode.contents(path, file)
        except DownloadFailed as failed:
            still = missing[missing.index(file) :]
            raise DataError(self._nowhere(still, failed.reasons, failed.kept)) from None
        except OSError as error:
            if store.disk_is_full(error):
                raise DataError(store.no_room(self.target, file.size)) from None
            raise DataError(f"{self.data_set.title}: {path} cannot be written: {error.strerror}") from None

    def _nowhere(self, missing: Sequence[File], reasons: Sequence[str], kept: int = 0) -> str:
        """The message when files cannot be had."""
        title = self.data_set.title
        lines = [f"{title} is not on this machine" + (", and cannot be downloaded now." if reasons else ".")]
        lines += [f"  {line}" for line in (*self.refused, *reasons)]
        lines.append("What you can do:")
        if self.target is not None:
            again = f" The {megabytes(kept)} that have arrived are kept." if kept else ""
            lines.append(f"  - {self._run_again(reasons)}{again}")
            lines.append(f"  - or get these files by hand and put them into {self.target}:")
            address = next(iter(self.data_set.addresses), "")
            lines += [f"      {address}{file.name} ({file.size:,} bytes)" for file in missing]
        else:
            lines.append("  - name a folder that can be written: set CS_DATA to it, or load(..., folder=...)")
        if self.data_set.debian:
            lines.append(f"  - or, on Debian and Ubuntu: sudo apt-get install {self.data_set.debian}")
        lines.append('  - or go on with a small set that is always here: load("fashion-mnist-small")')
        return "\n".join(lines)

    def _run_again(self, reasons: Sequence[str]) -> str:
        if reasons:
            return "check the network, then run this cell again."
        return "run this without download=False, to download it."
