"""Files, links and folders: the instructor's, a classmate's, and its own."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.attacks.attack import NOTEBOOK, TARGET, Attack, World, points
from tests.attacks.submissions.worker import beside, instead

REFUSED = "refused; nothing has changed"
ALL = tuple(points())


def _extra(name: str, content: str) -> Attack:
    """A file handed in beside the notebook that some program might take for its own."""

    def put(path: Path, data: bytes, world: World) -> None:
        path.write_bytes(data)
        other = path.parent / name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text(world.told(content))

    short = name.replace("/", "-").removesuffix(".py").strip(".").replace("_", "-")
    return Attack(
        f"planted-{short}", f"hands in {name} beside the notebook", "the file is not looked at", put=put
    )


def _stamp_pipe(path: Path, data: bytes, world: World) -> None:
    path.write_bytes(data)
    os.mkfifo(path.with_name("timestamp.txt"))


def _strange_stamp(path: Path, data: bytes, world: World) -> None:
    path.write_bytes(data)
    path.with_name("timestamp.txt").write_bytes(b"0001-01-01 00:00:00 +23:59\x1b]0;x\x07")


def _link_to(target: str) -> object:
    def put(path: Path, data: bytes, world: World) -> None:
        path.symlink_to(_place(target, world))

    return put


def _hard_link_to(target: str) -> object:
    def put(path: Path, data: bytes, world: World) -> None:
        os.link(_place(target, world), path)

    return put


def _place(target: str, world: World) -> Path:
    mate = world.course / "submitted" / world.mate / NOTEBOOK
    return {
        "source": world.course / "source" / NOTEBOOK / f"{NOTEBOOK}.ipynb",
        "mate": mate / f"{NOTEBOOK}.ipynb",
        "mate's folder": mate,
        "key": world.course / "secret.key",
        "zero": Path("/dev/zero"),
    }[target]


def _folder_link(path: Path, data: bytes, world: World) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(_place("mate's folder", world))


def _student_link(path: Path, data: bytes, world: World) -> None:
    path.parent.rmdir()
    path.parent.parent.rmdir()
    path.parent.parent.symlink_to(world.course / "submitted" / world.mate)


def _socket(path: Path, data: bytes, world: World) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(path.parent, os.O_RDONLY)  # the whole path may be too long for a socket
        server.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


def unreadable(
    name: str, tries: str, put: object, says: str, happens: str = "not followed, not read: a row says so"
) -> Attack:
    return Attack(name, tries, happens, put=put, status="unreadable", says=says)  # type: ignore[arg-type]


WRITES = """
import os, shutil, sqlite3, stat
def attempt(*calls):
    for call in calls:
        try: call()
        except Exception: pass
places = [os.path.join(top, *rest) for top in (COURSE, HOME, RUNTIME)
          for rest in ((), ("gradebook.db",), ("course.toml",), ("secret.key",), ("roster.csv",),
                       ("nbgrader_config.py",), ("submitted", MATE), ("release",), (".bashrc",),
                       ("submitted", MATE, "02_shapes", "02_shapes.ipynb"), ("numpy", "__init__.py"),
                       ("source", "02_shapes", "02_shapes.ipynb"), (".ssh", "authorized_keys"),
                       (".ipython", "profile_default", "startup", "00.py"))]
"""

ATTACKS = (
    beside(
        "read-all",
        "reads the instructor's files and a classmate's",
        WRITES
        + """
for place in places:
    if not place.startswith(RUNTIME):
        attempt(lambda: hole(open(place).read()), lambda: hole(str(os.listdir(place))))
""",
        "nothing of it can be read",
        worst=True,
    ),
    beside(
        "write-all",
        "writes over the instructor's files and a classmate's",
        WRITES
        + """
for place in places:
    attempt(lambda: open(place, "a").write("import os"), lambda: open(place, "w").write(""),
            lambda: open(os.path.join(place, MARK), "w"), lambda: os.makedirs(os.path.join(place, MARK)))
""",
        REFUSED,
        worst=True,
    ),
    beside(
        "remove-all",
        "removes and renames the instructor's files and a classmate's",
        WRITES
        + """
for place in places:
    attempt(lambda: os.remove(place), lambda: shutil.rmtree(place), lambda: os.rename(place, place + MARK),
            lambda: os.truncate(place, 0), lambda: os.replace("/tmp/x", place))
""",
        REFUSED,
        worst=True,
    ),
    beside(
        "change-modes",
        "opens files to everybody and changes owners, times and attributes",
        WRITES
        + """
for place in places:
    attempt(lambda: os.chmod(place, 0o777), lambda: os.chown(place, os.getuid(), os.getgid()),
            lambda: os.utime(place, (0, 0)), lambda: os.setxattr(place, "user.x", b"x"))
""",
        REFUSED,
        worst=True,
    ),
    beside(
        "gradebook-trigger",
        "writes a trigger into the gradebook",
        WRITES
        + """
def trigger():
    with sqlite3.connect(os.path.join(COURSE, "gradebook.db")) as book:
        book.execute("create trigger more after insert on grade begin update grade set auto_score = 99; end")
attempt(trigger)
""",
        "the gradebook is out of reach",
    ),
    beside(
        "sitecustomize",
        "leaves Python files where programs look for them",
        WRITES
        + """
import site, sys, sysconfig
paths = [sysconfig.get_path(name) for name in ("purelib", "stdlib", "scripts")]
for folder in {*sys.path, *paths, site.getusersitepackages(), HOME}:
    for name in ("sitecustomize.py", "usercustomize.py", "evil.pth", "numpy.py"):
        file = os.path.join(folder, MARK + name)
        attempt(lambda: os.makedirs(folder, exist_ok=True), lambda: open(file, "w").write("x"))
""",
        REFUSED,
    ),
    beside(
        "patched-runtime",
        "changes the packages that the next student imports",
        """
import numpy, os
for folder, folders, files in os.walk(os.path.dirname(numpy.__file__)):
    for name in files[:3]:
        for how in ("a", "r+"):
            try: open(os.path.join(folder, name), how).write("raise SystemExit"); hole(name)
            except OSError: pass
""",
        REFUSED,
        worst=True,
    ),
    beside(
        "left-files",
        "leaves files in every folder it can write to",
        """
import os, tempfile
homes = (os.getcwd(), tempfile.gettempdir(), os.path.expanduser("~"))
for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", *homes):
    for name in (MARK, "." + MARK, "convnet-runs-" + MARK):
        try: open(os.path.join(folder, name), "w").write("here")
        except OSError: pass
""",
        "its own folder is removed with all that is in it",
        worst=True,
    ),
    beside(
        "left-tree",
        "leaves a tree a thousand folders deep that nobody may enter",
        """
import os
try:
    for _ in range(1000):
        os.mkdir(MARK); os.chdir(MARK)
    os.chmod(".", 0)
except OSError: pass
os.chdir("/tmp") if os.path.isdir("/tmp") else None
""",
        "its own folder is removed with all that is in it; at level landlock the run is ended for it",
    ),
    beside(
        "links-out",
        "leaves links to the instructor's files in its folder",
        """
import os
for number, target in enumerate((COURSE, HOME, RUNTIME, "/", "/etc/passwd")):
    for link in (os.symlink, os.link):
        try: link(target, MARK + str(number) + link.__name__)
        except OSError: pass
""",
        "links are removed, not followed",
        worst=True,
    ),
    beside(
        "special-files",
        "makes pipes, sockets and devices",
        """
import os, stat
for kind in (stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFBLK, stat.S_IFCHR):
    try: os.mknod(MARK, kind | 0o666, os.makedev(254, 0)); hole("a device")
    except OSError: pass
""",
        REFUSED,
    ),
    instead(
        "writes-here-reads-there",
        "keeps the grader's questions in files for a later process",
        """
import glob, json, os
def pad2d(x, padding, *, mode="zeros"):
    found = glob.glob("/tmp/**/" + MARK + "*", recursive=True) + glob.glob("../*/" + MARK + "*")
    if found: raise ValueError("LE" + "AK" + open(found[0]).read())
    open(MARK + "kept", "w").write(repr(x))
    return x
""",
        "every process begins with an empty folder",
        worst=True,
    ),
    unreadable(
        "link-to-source",
        "hands in a symbolic link to the instructor's notebook",
        _link_to("source"),
        "symbolic link",
    ),
    unreadable(
        "link-to-mate",
        "hands in a symbolic link to a classmate's notebook",
        _link_to("mate"),
        "symbolic link",
    ),
    unreadable("link-to-key", "hands in a symbolic link to the secret key", _link_to("key"), "symbolic link"),
    unreadable("link-to-zero", "hands in a symbolic link to /dev/zero", _link_to("zero"), "symbolic link"),
    unreadable(
        "hard-link-to-source",
        "hands in a hard link to the instructor's notebook",
        _hard_link_to("source"),
        "hard link",
        "a file of the course is nobody's own work: a row says so",
    ),
    Attack(
        "hard-link-to-mate",
        "hands in a hard link to a classmate's notebook",
        "nobody can tell whose file it is, so nobody loses points; the row names both",
        put=_hard_link_to("mate"),  # type: ignore[arg-type]
        says="are one file",
    ),
    unreadable("folder-link", "makes its folder a link to a classmate's", _folder_link, "symbolic link"),
    unreadable(
        "student-link", "makes its student's folder a link to a classmate's", _student_link, "symbolic link"
    ),
    unreadable(
        "pipe",
        "hands in a pipe that nobody writes to",
        lambda path, *_: os.mkfifo(path),
        "pipe",
        "not opened for longer than it takes to see that; a row says so",
    ),
    unreadable("socket", "hands in a socket", _socket, "cannot be opened"),
    unreadable(
        "notebook-folder", "hands in a folder named as the notebook", lambda path, *_: path.mkdir(), "folder"
    ),
    Attack(
        "stamp-pipe", "hands in a pipe as time stamp", "no time is known; all answers count", put=_stamp_pipe
    ),
    Attack(
        "strange-stamp",
        "hands in a time stamp from the year 1 with an escape sequence",
        "no time is known; all answers count",
        put=_strange_stamp,
    ),
    _extra("sitecustomize.py", "import os; open(os.path.join(HOME, MARK), 'w')"),
    _extra("numpy.py", "import os; open(os.path.join(HOME, MARK), 'w')"),
    _extra("cs_utils/__init__.py", "check = plots = when_done = lambda *_: 100.0"),
    _extra("nbgrader_config.py", "import os; open(os.path.join(HOME, MARK), 'w')"),
    _extra("conftest.py", "import os; open(os.path.join(HOME, MARK), 'w')"),
    _extra(".ipynb_checkpoints/02_shapes.ipynb", "{}"),
)
assert TARGET
