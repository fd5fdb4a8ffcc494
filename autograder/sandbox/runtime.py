"""What student code can import: an allow-list of distributions, laid out in folders of its own.

Two folders under the user's cache: the installed packages (large, changes with their versions), and the
course's own code (small, changes with every edit): `cs_utils` without the exercises, and `inside`.
Each is named by a hash of what is in it, built beside its final name and renamed, so that two processes may
build at once and a half-built folder is never used. A folder's time of change is when it was last asked for;
one that nobody has asked for in a month is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata as metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cs_utils
from autograder.sandbox import inside
from cs_utils.data.registry import registry_folder

_IMPORTED = (
    "numpy",
    "numpy.random",
    "numpy.linalg",
    "numpy.fft",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "cs_utils",
)

OLD_DAYS = 30

# Runtime -> (distributions, each with what it requires; modules that the fork server imports beforehand).
RUNTIMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "numpy": (
        ("numpy", "matplotlib", "ipython", "ipywidgets"),
        _IMPORTED,
    ),
    "torch": (
        ("numpy", "matplotlib", "ipython", "ipywidgets", "torch"),
        (*_IMPORTED, "torch", "torch._dynamo"),  # the first optimizer imports it, which takes a second
    ),
}


@dataclass(frozen=True)
class Runtime:
    """Folders to put on the path, in this order, and modules to import before the first run."""

    folders: tuple[Path, ...]
    modules: tuple[str, ...]


def environment(runtime: Runtime) -> dict[str, str]:
    """The whole environment of the fork server: nothing of the instructor's own."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(threads, "1") | {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/tmp",
        "PYTHONHASHSEED": "0",
        "CS_UTILS_GRADING": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(runtime.folders[-1] / "matplotlib-cache"),
        "MPL_IGNORE_SYSTEM_FONTS": "1",
    }


def prepare(name: str = "numpy") -> Runtime:
    """The runtime `name`, built if it is not there yet (some seconds, once per version of the packages).

    Raises:
        RuntimeError: a distribution is not installed, or was installed without a list of its files.
        OSError: the cache folder cannot be written.
    """
    wanted, modules = RUNTIMES[name]
    distributions = closure(wanted)
    versions = [f"{distribution.name}=={distribution.version}" for distribution in distributions]
    with _cache_lock(fcntl.LOCK_SH):
        packages = _build(
            f"packages-{_digest([sys.version, sys.prefix, *versions])}",
            lambda to: _copy_all(distributions, to),
        )
        course = _build(f"course-{_digest_of_course()}", _copy_course)
    _remove_old()
    return Runtime((course, packages), modules)


@contextlib.contextmanager
def _cache_lock(kind: int) -> Iterator[None]:
    """Held by all who look for a folder or build one, together; by who removes one, alone."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):  # somebody else's cache, which we neither build in nor clean
        yield
        return
    with open(folder / ".lock", "a") as lock:
        fcntl.flock(lock, kind)
        yield


def _remove_old() -> None:
    """Remove what nobody has asked for in a month, and what a killed build left; not now, if others build.

    A folder that was found under the lock has just been asked for, so no grader that is at work loses its own
    unless it has been at work for a month.
    """
    if not os.access(cache_folder(), os.W_OK):
        return
    oldest = time.time() - OLD_DAYS * 24 * 3600
    with contextlib.suppress(BlockingIOError), _cache_lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
        for folder in cache_folder().iterdir():
            if re.fullmatch(r"\.?(course|packages)-.*", folder.name) and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def cache_folder() -> Path:
    """Where runtimes are kept: ``$XDG_CACHE_HOME/convnet-grader``, else ``~/.cache/convnet-grader``.

    For root below /var/cache: runs of root's have users of their own, who mostly cannot enter root's home.
    """
    default = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or default) / "convnet-grader"


def closure(names: Iterable[str]) -> list[metadata.Distribution]:
    """The distributions `names` and all they require here, without extras, sorted by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise RuntimeError(
                f"the sandbox needs the package {name}, which is not installed; run: pip install {name}"
            ) from None
        waiting.extend(_required(found[name]))
    return [found[name] for name in sorted(found)]


def _required(distribution: metadata.Distribution) -> list[str]:
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in distribution.requires or ()]
    return [each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@functools.cache  # as it was when this process first looked: it runs what it imported, and so do its runs
def _digest_of_course() -> str:
    files = sorted(file for _, files in _course_sources().values() for file in files)
    return _digest(
        [sys.version, *(f"{file}:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)]
    )


def _course_sources() -> dict[str, tuple[Path, list[Path]]]:
    """Name of a folder to make -> the folder to copy, and its files.

    `cs_utils` is copied without the exercises, whose references a student could call, and with the registry
    of the data sets, whose small one is always there.
    """
    sources = {}
    (package,), (untrusted,) = cs_utils.__path__, inside.__path__
    folders: dict[str, str | Path] = {
        "cs_utils": package,
        "cs_utils/registry": registry_folder(),
        "inside": untrusted,
    }
    for name, folder in folders.items():
        files = Path(folder).rglob("*")
        kept = [
            f
            for f in files
            if f.is_file() and not {"__pycache__", "exercises"} & {*f.relative_to(folder).parts}
        ]
        sources[name] = (Path(folder), kept)
    return sources


def _copy_course(target: Path) -> None:
    for name, (folder, files) in _course_sources().items():
        for file in files:
            _copy(file, target / name / file.relative_to(folder))


def _copy_all(distributions: Iterable[metadata.Distribution], target: Path) -> None:
    for distribution in distributions:
        if distribution.files is None:
            raise RuntimeError(
                f"{distribution.name} was installed without a list of its files (RECORD), so it cannot be "
                "copied into the sandbox; install it with pip into a virtual environment"
            )
        for file in distribution.files:
            inside_packages = ".." not in file.parts and not file.is_absolute()
            if inside_packages and not {"tests", "__pycache__"} & {*file.parts[:-1]}:
                source = Path(str(file.locate()))
                if source.is_file():
                    _copy(source, target / file)
    _build_font_list(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _build_font_list(packages: Path) -> None:
    """Matplotlib's list of fonts takes a second to make, so it is made here and not in every run."""
    code = f"import sys; sys.path.append({str(packages)!r}); import matplotlib.font_manager"
    subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],
        env=environment(Runtime((packages,), ())),
        check=True,
        capture_output=True,
    )


def _build(name: str, fill: Callable[[Path], None]) -> Path:
    """The folder `name` in the cache, filled by `fill` if it is not there."""
    final = cache_folder() / name
    if final.is_dir():
        with contextlib.suppress(OSError):  # somebody else's cache
            os.utime(final)
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=final.parent) as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        fill(folder)
        _compile(folder)
        _make_readable(folder)
        try:
            folder.rename(final)
        except OSError:
            if not final.is_dir():  # otherwise another process was faster, and built the same
                raise
    return final


def _compile(folder: Path) -> None:
    """Compile ahead, so that no run has to; -s and -p keep the scratch folder out of tracebacks."""
    final = cache_folder() / folder.name
    command = [
        sys.executable,
        "-I",
        "-m",
        "compileall",
        "-q",
        "-s",
        str(folder),
        "-p",
        str(final),
        str(folder),
    ]
    subprocess.run(command, check=False, capture_output=True)  # some packages carry files that do not compile


def _make_readable(folder: Path) -> None:
    """Readable for the user of a run, whatever the umask."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
