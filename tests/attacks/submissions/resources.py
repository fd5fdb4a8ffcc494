"""Memory, disk, time and threads."""

from __future__ import annotations

from tests.attacks.attack import TARGET, Attack
from tests.attacks.submissions.worker import beside, instead

LOST = "the exercise is lost and a fresh process answers for the others"
IN_TIME = "the exercise is lost when its time is over"


def hangs(name: str, tries: str, body: str, **more: object) -> Attack:
    return instead(name, tries, body, IN_TIME, says="pad2d", **more)


ATTACKS = (
    hangs(
        "endless-loop",
        "never returns",
        """
        def pad2d(x, padding, *, mode="zeros"):
            while True: pass
    """,
        worst=True,
    ),
    hangs(
        "long-sleep",
        "sleeps for an hour",
        """
        import time
        def pad2d(x, padding, *, mode="zeros"):
            time.sleep(3600)
    """,
    ),
    hangs(
        "endless-number",
        "computes a number that never lets another thread go on",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return 10 ** 10 ** 9
    """,
    ),
    hangs(
        "endless-pattern",
        "matches a pattern that takes for ever",
        """
        import re
        def pad2d(x, padding, *, mode="zeros"):
            return re.match("(a+)+$", "a" * 60 + "b")
    """,
    ),
    beside(
        "endless-cell",
        "never ends a cell",
        """
        while True: pass
    """,
        "the cell is left out, the row says so, and all answers count",
        says="did not finish in time",
        worst=True,
    ),
    instead(
        "endless-answer-cell",
        "never ends the cell of an answer",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return x
        import time
        time.sleep(3600)
    """,
        "the cell is left out and its exercise lost",
        says="did not finish in time",
    ),
    instead(
        "endless-generator",
        "returns values without end",
        """
        import itertools
        def pad2d(x, padding, *, mode="zeros"):
            return itertools.count()
    """,
        "a generator is no answer, and nobody asks it",
    ),
    instead(
        "memory-list",
        "holds more and more memory",
        """
        def pad2d(x, padding, *, mode="zeros"):
            held = []
            while True: held.append(bytearray(1 << 24))
    """,
        "a MemoryError in its own code",
        worst=True,
    ),
    instead(
        "memory-array",
        "makes an array of a petabyte",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return np.ones((1 << 25, 1 << 25))
    """,
        "a MemoryError in its own code",
    ),
    beside(
        "memory-map",
        "maps memory in ways that are seldom counted",
        """
        import ctypes, mmap
        held = []
        try:
            while len(held) < 100:
                held.append(mmap.mmap(-1, 1 << 26, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
                held[-1].write(b"x" * (1 << 26))
        except (OSError, MemoryError, ValueError): pass
        held.clear()
    """,
        "the limit on memory holds; when it is passed the cell is left out",
        worst=True,
    ),
    beside(
        "disk-files",
        "fills its folder with large files",
        """
        import os
        try:
            for number in range(100):
                with open(MARK + str(number), "wb") as file:
                    for _ in range(60): file.write(b"x" * (1 << 20))
        except OSError: pass
    """,
        "the disk is full at 64 MiB, or the cell is left out for it",
        worst=True,
    ),
    beside(
        "disk-names",
        "makes files without end",
        """
        try:
            for number in range(50_000): open(MARK + str(number), "w").close()
        except OSError: pass
    """,
        "there are no more names at some 5000, or the cell is left out for it",
    ),
    beside(
        "disk-hole",
        "makes a file of an exabyte with nothing in it",
        """
        import os
        try:
            with open(MARK, "wb") as file: os.ftruncate(file.fileno(), 1 << 60)
        except OSError: pass
    """,
        "a file has a largest size",
    ),
    beside(
        "open-files",
        "opens files until it cannot",
        """
        import os
        held = []
        try:
            while True: held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError: pass
        for one in held: os.close(one)
    """,
        "the limit of open files is kept",
    ),
    beside(
        "deep-recursion",
        "calls itself until the stack is full",
        """
        import sys
        sys.setrecursionlimit(10 ** 9)
        def down(): return down()
        try: down()
        except RecursionError: pass
    """,
        "the process may die of it; then the cell is left out and the row says so",
    ),
    beside(
        "signal-flood",
        "asks for a million timers",
        """
        import ctypes
        libc, timer = ctypes.CDLL(None), ctypes.c_void_p()
        for _ in range(100_000):
            if libc.timer_create(1, None, ctypes.byref(timer)): break
    """,
        "the kernel's limit is its own",
    ),
    instead(
        "changes-its-input",
        "changes what it is given",
        """
        def pad2d(x, padding, *, mode="zeros"):
            x[...] = 7
            x.resize((1, 1), refcheck=False)
            return x
    """,
        "it changes a copy",
    ),
    Attack(
        "slow-import",
        "works for two seconds in every cell",
        "slow is not wrong: all answers count",
        first=["import time\nend = time.monotonic() + 0.5\nwhile time.monotonic() < end: pass"],
    ),
)
assert TARGET
