"""What student code cannot reach: the network, the instructor's files, other processes, other runs."""

from __future__ import annotations

import os
import platform
import resource
import socket
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import pytest
import torch

from autograder.sandbox import Level, Limits, Sandbox, runtime
from autograder.sandbox.inside import kernel
from tests.sandbox.conftest import call, cells, is_root

# Which of these folders can be listed, and what is in the folder to work in.
LISTED = """
import os
def answer():
    found = [os.listdir('.')]
    for folder in '/ /dev /tmp /proc /proc/self/fd /etc /home /root /usr /var ..'.split():
        try:
            found.append((folder, os.listdir(folder)))
        except OSError:
            pass
    return found
"""


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


def test_instructor_files_cannot_be_read(run, level, tmp_path):
    secrets = [tmp_path / name for name in ("secret.key", "gradebook.db", "source/01/01.ipynb")]
    for path in secrets:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the answer")
        path.chmod(0o644)
    paths = [*map(str, secrets), str(Path(__file__).resolve()), "/etc/passwd", "/etc/hostname"]
    above = [f"/..{path}" for path in paths]  # what lay above the new root is gone, too
    result = run(*[f"open({path!r}).read()" for path in paths + above])
    refusal = "FileNotFoundError" if level is Level.NAMESPACES else "PermissionError"
    assert [trouble.failure.type for trouble in result.troubles] == [refusal] * 12


def test_the_tree_holds_the_runtime_and_nothing_else(ask, sandbox, level):
    if level is not Level.NAMESPACES:
        assert ask(LISTED) == [[]]
        return
    folders = sandbox._runtime.folders
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
        "import glob, sys\ndef answer():\n    found = []\n"
        "    for path in glob.glob('/**/torch/__init__.py', recursive=True) + [TORCH]:\n        try:\n"
        "            open(path)\n            found.append(path)\n"
        "        except OSError:\n            pass\n    return found"
    )
    assert ask(source.replace("TORCH", repr(torch.__file__))) == []


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
        "syscall(56, 0x10000011, 0, 0, 0, 0)",  # clone with CLONE_NEWUSER
        "syscall(56, 0x10010900, 0, 0, 0, 0)",  # the same as a thread
        "ioctl(0, 0x40086602, 0)",  # attributes of a file
        "fcntl(0, 8, 1)",  # signals to others, by input and output
        "inotify_init1(0)",
        "semget(0, 1, 0o1600)",
        "msgget(0, 0o1600)",
        "syscall(240, b'x', 0o102, 0o600, 0)",  # mq_open
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


def test_no_capability_is_left(ask, sandbox, level):
    source = (
        "import ctypes\ndef answer():\n    head = (ctypes.c_uint32 * 2)(0x20080522, 0)\n"
        "    sets = (ctypes.c_uint32 * 6)()\n    ctypes.CDLL(None).capget(head, sets)\n    return list(sets)"
    )
    left = ask(source)
    needed = [Path(sysconfig.get_path("stdlib")), sandbox._runtime.folders[0]]
    closed = any(not above.stat().st_mode & 0o001 for path in needed for above in path.parents)
    if level is Level.LANDLOCK and is_root() and closed:
        # Without namespaces it takes a capability to read below root's closed home; Landlock still holds.
        left = [one & ~(1 << kernel.CAP_DAC_READ_SEARCH) for one in left]
    assert left == [0] * 6
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
        "    folders = ['/', '/dev', '/dev/shm', '/usr', '/home', '..', '/var/tmp', library]\n"
        "    for folder in [*folders, os.path.dirname(numpy.__file__)]:\n"
        "        try:\n            open(folder + '/x', 'w')\n            written.append(folder)\n"
        "        except OSError:\n            pass\n"
        "    open('x', 'w').write('x')\n    return written"
    )
    assert ask(source) == []


OWNED = """
import ctypes, os, shutil
path = {path!r}
def tries():
    yield lambda: open(path, 'w')
    yield lambda: open(path, 'a')
    yield lambda: os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
    yield lambda: os.truncate(path, 0)
    yield lambda: os.chmod(path, 0o777)
    yield lambda: os.chown(path, os.getuid(), -1)
    yield lambda: os.utime(path, (0, 0))
    yield lambda: os.setxattr(path, 'user.x', b'x')
    yield lambda: os.unlink(path)
    yield lambda: os.rename(path, path + '2')
    yield lambda: os.replace(path, 'mine')
    yield lambda: os.link(path, 'mine')
    yield lambda: os.rename('own', path)
    yield lambda: os.mkdir(path + '3')
    yield lambda: os.symlink('own', path + '4')
    yield lambda: os.mkfifo(path + '5')
    yield lambda: os.rmdir(os.path.dirname(path) + '/empty')
    yield lambda: ctypes.CDLL(None).creat(path.encode(), 0o600)
def answer():
    open('own', 'w').write('x')
    for attempt in tries():
        try:
            attempt()
        except OSError:
            pass
"""


@pytest.mark.parametrize("where", ["course", "runtime"])
def test_files_of_the_instructor_cannot_be_changed(ask, sandbox, tmp_path, where):
    """Not even where the operating system alone would let this user: open to all, or the user's own."""
    if where == "course":
        path = tmp_path / "gradebook.db"
        path.write_text("the points")
        (tmp_path / "empty").mkdir()
        for one in [path, *path.parents[:3]]:
            one.chmod(0o777)
    else:
        path = sandbox._runtime.folders[0] / "cs_utils" / "__init__.py"
    before = path.stat(), path.read_bytes(), sorted(path.parent.iterdir())
    ask(OWNED.format(path=str(path)))
    after = path.stat(), path.read_bytes(), sorted(path.parent.iterdir())
    assert after[1:] == before[1:]
    assert [getattr(after[0], name) for name in KEPT] == [getattr(before[0], name) for name in KEPT]


KEPT = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_nlink")


def test_what_honest_code_does_with_files_works(patient):
    result = patient(
        "import os, tempfile, shutil, pathlib, numpy as np\n"
        "np.savez('a.npz', x=np.ones(3))\nx = np.load('a.npz')['x']\nshutil.copy('a.npz', 'b.npz')\n"
        "os.makedirs('figures/small', exist_ok=True)\npathlib.Path('figures/note').write_text('n')\n"
        "with tempfile.TemporaryFile() as file:\n    file.write(b'x')\n"
        "with tempfile.NamedTemporaryFile() as file:\n    file.write(b'x')\n"
        "with tempfile.TemporaryDirectory() as folder:\n    open(folder + '/x', 'w').close()\n"
        "os.remove('b.npz')\npathlib.Path('touched').touch()\npathlib.Path('touched').touch()\n"
        "open(os.path.expanduser('~/x'), 'w').close()"
    )
    assert result.troubles == ()


REACH = """
import ctypes, fcntl, os, resource, signal
libc = ctypes.CDLL(None, use_errno=True)
pid = {pid}
def tries():
    yield lambda: os.kill(pid, signal.SIGTERM)
    yield lambda: libc.syscall(234, pid, pid, signal.SIGTERM)
    yield lambda: libc.syscall(200, pid, signal.SIGTERM)
    yield lambda: libc.syscall(129, pid, signal.SIGTERM, ctypes.create_string_buffer(128))
    yield lambda: os.pidfd_open(pid)
    yield lambda: libc.ptrace(16, pid, 0, 0)
    yield lambda: libc.syscall(310, pid, 0, 0, 0, 0, 0)
    yield lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))
    yield lambda: os.setpriority(os.PRIO_PROCESS, pid, 19)
    yield lambda: os.setpriority(os.PRIO_USER, os.getuid(), 19)
    yield lambda: os.sched_setaffinity(pid, [0])
    yield lambda: open(f'/proc/{{pid}}/environ')
    yield lambda: open(f'/proc/{{pid}}/mem', 'r+b')
    for descriptor in range(3, 9):
        yield lambda: fcntl.fcntl(descriptor, fcntl.F_SETOWN, pid)
        yield lambda: fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGTERM)
        yield lambda: fcntl.ioctl(descriptor, 0x8901, pid.to_bytes(4, 'little'))
def answer():
    reached = 0
    for attempt in tries():
        try:
            result = attempt()
            reached += result not in (-1,)
        except OSError:
            pass
    return reached
"""


def test_another_process_cannot_be_reached(ask):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) as other:
        try:
            before = os.sched_getaffinity(other.pid), os.getpriority(os.PRIO_PROCESS, other.pid)
            assert ask(REACH.format(pid=other.pid)) == 0
            assert ask(REACH.format(pid=os.getpid())) == 0
            assert other.poll() is None
            assert (os.sched_getaffinity(other.pid), os.getpriority(os.PRIO_PROCESS, other.pid)) == before
            assert resource.prlimit(other.pid, resource.RLIMIT_CPU)[0] != 1
        finally:
            other.kill()


def test_each_run_has_a_user_of_its_own_when_started_as_root(run):
    users = [run("import os\nuser = os.getuid()").value("user").value for _ in range(2)]
    if is_root():
        assert len({0, os.getuid(), *users}) == 3
    else:
        assert set(users) <= {1000, os.getuid()}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has a second way into the kernel")
def test_the_32_bit_door_into_the_kernel_is_shut(run):
    code = "b8 14 00 00 00 cd 80 c3"  # mov eax, 20 (getpid, in the other numbering); int 0x80; ret
    result = run(
        "import ctypes, mmap\nx = mmap.mmap(-1, 4096, prot=7)\n"
        f"x.write(bytes.fromhex('{code}'))\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(x)))()"
    )
    assert result.dead.failure.message == "killed by a signal"


SHARED = """
import ctypes, mmap, os
libc = ctypes.CDLL(None)
def tries():
    from multiprocessing import shared_memory
    shared_memory.SharedMemory('convnet-test', create=True, size=4096)
def answer():
    made = [libc.shm_open(b'/convnet-test', 0o102, 0o600), libc.memfd_create(b'x', 0)]
    made += [libc.shmget(12345, 4096, 0o1600), libc.mq_open(b'/convnet-test', 0o102, 0o600, 0)]
    libc.sem_open.restype = ctypes.c_void_p
    made.append(-1 if not libc.sem_open(b'/convnet-test', 0o100, 0o600, 1) else 1)
    try:
        tries()
        made.append(1)
    except (OSError, ImportError):
        made.append(-1)
    return made
"""


def test_nothing_is_left_in_shared_memory(ask):
    before = sorted(os.listdir("/dev/shm")), Path("/proc/sysvipc/shm").read_text()
    assert ask(SHARED) == [-1] * 6
    assert (sorted(os.listdir("/dev/shm")), Path("/proc/sysvipc/shm").read_text()) == before


def test_two_runs_do_not_see_each_other(run):
    first = run("import os\nopen('note', 'w').write('the answer is 42')\nhere = os.getcwd()")
    here = first.value("here").value
    second = run(
        "import os\nfiles = os.listdir()",
        f"files += [open({here!r} + '/note').read()]",
        f"files += os.listdir({here!r})\nassert files == []",
        f"open({here!r} + '/other', 'x')\nassert {here!r} == os.getcwd()",
    )
    assert first.troubles == ()
    assert second.value("files").value == []
    assert call(first, "nothing").failure.kind == "missing"
    assert [trouble.number for trouble in second.troubles if trouble.number == 2] == [2]


def test_the_environment_tells_nothing_of_the_instructor(monkeypatch, level):
    monkeypatch.setenv("COURSE_SECRET", "seed 1234")
    with (
        Sandbox(level, Limits()) as sandbox,
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


NULL = """
import IPython, os
def answer():
    with open(os.devnull, 'w') as null:
        return null.write('nothing')
"""


def test_a_narrow_umask_of_the_grader_shuts_nobody_out_of_a_run(level):
    before = os.umask(0o077)
    try:
        with Sandbox(level) as sandbox, sandbox.start(cells(NULL)) as run:
            assert call(run, "answer").value == 7
    finally:
        os.umask(before)
