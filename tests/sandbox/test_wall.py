"""What student code cannot reach: the network, the instructor's files, other processes, other runs."""

from __future__ import annotations

import os
import socket
import sysconfig
import threading
from pathlib import Path

import pytest

from autograder.sandbox import Level, Limits, Sandbox, runtime
from tests.sandbox.conftest import call, cells


@pytest.fixture
def listener():
    """A server on the loopback address that would note every visitor."""
    visitors = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                visitors.append(1)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], visitors
        stop.set()
        thread.join()


def test_no_network_not_even_the_loopback_address(run, listener):
    port, visitors = listener
    result = run(
        f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)",
        "import socket\nsocket.getaddrinfo('pytorch.org', 80)",
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import socket\nsocket.socket(socket.AF_UNIX)",
    )
    assert len(result.troubles) == 4
    with socket.create_connection(("127.0.0.1", port), 2):
        pass  # the listener does listen
    for _ in range(50):
        if visitors:
            break
        threading.Event().wait(0.05)
    assert visitors == [1]


def test_instructor_files_are_not_there(run, tmp_path):
    secrets = [tmp_path / name for name in ("secret.key", "gradebook.db", "source/01/01.ipynb")]
    for path in secrets:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the answer")
        path.chmod(0o644)
    paths = [*map(str, secrets), str(Path(__file__).resolve()), "/etc/passwd", "/etc/hostname"]
    above = [f"/..{path}" for path in paths]  # what lay above the new root is gone, too
    result = run(*[f"open({path!r}).read()" for path in paths + above])
    assert [trouble.failure.type for trouble in result.troubles] == ["FileNotFoundError"] * 12


def test_the_tree_holds_the_runtime_and_nothing_else(ask):
    folders = runtime.prepare().folders
    listing = "import os\ndef answer():\n    return [sorted(os.listdir(p)) for p in {}]".format
    top, dev, tmp, cache = ask(listing(["/", "/dev", "/tmp", str(runtime.cache_folder())]))
    shown = {Path(os.path.realpath(path)).parts[1] for path in [*folders, sysconfig.get_path("stdlib")]}
    assert set(top) <= shown | {"dev", "lib", "lib64", "tmp", "usr"}
    assert dev == ["null", "random", "urandom", "zero"]
    assert tmp == []
    assert cache == sorted(folder.name for folder in folders)
    assert ask("import os\ndef answer():\n    return os.getcwd(), os.path.exists('/proc')") == ("/tmp", False)


def test_no_reference_and_no_pytorch_can_be_imported(run):
    modules = ["torch", "scipy", "nbgrader", "pytest", "cs_utils.exercises", "autograder", "pip"]
    result = run(*[f"import {module}" for module in modules])
    assert [trouble.failure.type for trouble in result.troubles] == ["ModuleNotFoundError"] * len(modules)


def test_no_pytorch_behind_any_path(ask):
    source = (
        "import os\ndef answer():\n    return [d for d, dirs, files in os.walk('/')"
        " if 'torch' in dirs and '__init__.py' in os.listdir(d + '/torch')]"
    )
    assert ask(source) == []


@pytest.mark.parametrize(
    "attempt",
    [
        "import os\nos.fork()",
        "import os\nos.posix_spawn('/bin/true', ['true'], {})",
        "import subprocess\nsubprocess.run(['true'], check=True)",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()",
        "import os\nassert os.system('true') == 0",
        "import os, sys\nos.execv(sys.executable, ['python'])",
        "import ctypes\nassert ctypes.CDLL(None).vfork() >= 0",
    ],
)
def test_no_new_process(run, attempt):
    result = run(attempt, "n = 1")
    assert len(result.troubles) == 1
    assert result.value("n").value == 1


@pytest.mark.parametrize(
    "call_and_arguments",
    [
        "unshare(0x10000000)",
        "setns(0, 0)",
        "mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
        "umount2(b'/tmp', 2)",
        "chroot(b'/tmp')",
        "ptrace(0, 0, 0, 0)",
        "syscall(435, 0, 0)",  # clone3
        "syscall(425, 1, 0)",  # io_uring_setup
        "syscall(321, 0, 0, 0)",  # bpf
        "syscall(248, 0, 0, 0, 0, 0)",  # add_key
        "syscall(0x40000000 + 39)",  # getpid in the x32 numbering
        "syscall(9999)",
        "memfd_create(b'x', 0)",
        "shmget(0, 4096, 0o1600)",
        "socketpair(1, 1, 0, 0)",
        "prctl(1, 0, 0, 0, 0)",  # outlive the keeper
        "prctl(4, 1, 0, 0, 0)",  # be traceable
        "ioctl(0, 0x5412, b'x')",  # type into a terminal
        "kill(-1, 9)",
        "setuid(0)",
    ],
)
def test_dangerous_system_calls_are_refused(ask, call_and_arguments):
    source = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"def answer():\n    return libc.{call_and_arguments}, ctypes.get_errno()"
    )
    result, error = ask(source)
    assert result == -1
    assert error in (1, 38, 22)  # EPERM, ENOSYS; EINVAL for a user id that does not exist inside


def test_no_capability_is_left(ask):
    source = (
        "import ctypes\ndef answer():\n    head = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "    sets = (ctypes.c_uint32 * 6)()\n    ctypes.CDLL(None).capget(head, sets)\n    return list(sets)"
    )
    assert ask(source) == [0] * 6
    assert ask("import os\ndef answer():\n    return os.getuid() != 0 and os.getgroups() == []") or ask(
        "import os\ndef answer():\n    return os.getuid() == 1000"
    )


def test_only_the_way_to_the_judge_is_open(ask):
    source = (
        "import os, stat\ndef answer():\n    found = {}\n    for n in range(256):\n        try:\n"
        "            found[str(n)] = stat.S_IFMT(os.fstat(n).st_mode)\n"
        "        except OSError:\n            pass\n"
        "    return found"
    )
    kinds = ask(source)
    assert len(kinds) == 4
    assert [kinds[n] for n in "012"] == [0o020000] * 3  # character devices: /dev/null
    assert sorted(kinds.values()) == [0o020000] * 3 + [0o140000]


def test_nothing_can_be_written_but_tmp(ask):
    source = (
        "import os, numpy\ndef answer():\n    written = []\n    library = os.path.dirname(os.__file__)\n"
        "    for folder in ['/', '/dev', '/usr', library, os.path.dirname(numpy.__file__)]:\n"
        "        try:\n            open(folder + '/x', 'w')\n            written.append(folder)\n"
        "        except OSError:\n            pass\n"
        "    open('/tmp/x', 'w').write('x')\n    return written"
    )
    assert ask(source) == []


def test_two_runs_do_not_see_each_other(run):
    first = run("open('/tmp/note', 'w').write('the answer is 42')")
    second = run("import os\nfiles = os.listdir('/tmp')")
    assert first.troubles == second.troubles == ()
    assert second.value("files").value == []


def test_the_environment_tells_nothing_of_the_instructor(monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "seed 1234")
    with (
        Sandbox(Level.NAMESPACES, Limits()) as sandbox,
        sandbox.start(cells("import os\nnames = dict(os.environ)")) as result,
    ):
        assert "COURSE_SECRET" not in result.value("names").value
        assert "seed 1234" not in result.value("names").value.values()


def test_threads_are_allowed_and_die_with_the_run(run):
    result = run(
        "import threading, time\ndef loop():\n    while True:\n        time.sleep(0.01)\n"
        "for _ in range(4):\n    threading.Thread(target=loop).start()\nn = 1"
    )
    assert result.troubles == ()
    assert result.value("n").value == 1
    assert call(result, "nothing").failure.kind == "missing"
