"""Processes, programs, signals and threads."""

from __future__ import annotations

from tests.attacks.submissions.worker import beside, instead

REFUSED = "refused; the rest is graded"

ATTACKS = (
    instead(
        "fork-and-answer",
        "forks; parent and child both answer",
        """
        import os
        def pad2d(x, padding, *, mode="zeros"):
            os.fork()
            return x
    """,
        "no new process can be made",
        worst=True,
    ),
    beside(
        "fork-bomb",
        "forks without end",
        """
        import os
        while True:
            try: hole(os.fork())
            except OSError: break
    """,
        REFUSED,
        worst=True,
    ),
    beside(
        "daemon",
        "starts a process that outlives grading and writes files",
        """
        import os, subprocess
        for start in (lambda: subprocess.Popen(["sh", "-c", "sleep 600 # " + MARK], start_new_session=True),
                      lambda: os.posix_spawn("/bin/sleep", ["sleep", "600", MARK], {}),
                      lambda: os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")):
            try: hole(str(start()))
            except OSError: pass
    """,
        REFUSED,
        worst=True,
    ),
    beside(
        "other-program",
        "replaces itself by another program",
        """
        import os
        for program in ("/bin/sh", "/usr/bin/python3", "/proc/self/exe"):
            try: os.execv(program, [program, "-c", "sleep 600"])
            except OSError: pass
    """,
        REFUSED,
    ),
    beside(
        "multiprocessing",
        "starts a pool of processes",
        """
        import multiprocessing
        for method in ("fork", "spawn", "forkserver"):
            try: hole(str(multiprocessing.get_context(method).Process(target=print).start()))
            except OSError: pass
    """,
        REFUSED,
    ),
    beside(
        "kill-all",
        "sends SIGKILL to every process number",
        """
        import os, signal
        for pid in (-1, 0, os.getppid(), *range(2, 70_000)):
            if pid not in (os.getpid(), -os.getpid(), 0):
                try: os.kill(pid, signal.SIGKILL)
                except OSError: pass
    """,
        REFUSED,
        worst=True,
    ),
    beside(
        "kill-groups",
        "sends signals to process groups and queues",
        """
        import ctypes, os, signal
        libc = ctypes.CDLL(None)
        for pid in (os.getppid(), 1, 2, 3):
            for call in (lambda: os.killpg(pid, signal.SIGKILL),
                         lambda: libc.sigqueue(pid, 9, 0),
                         lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9),
                         lambda: libc.syscall(200, pid, 9)):
                try: call()
                except OSError: pass
    """,
        REFUSED,
    ),
    beside(
        "ptrace",
        "traces the grader",
        """
        import ctypes, os
        libc = ctypes.CDLL(None)
        for pid in (os.getppid(), 1, *range(2, 3000)):
            if libc.ptrace(16, pid, 0, 0) == 0 or libc.ptrace(0x4206, pid, 0, 0) == 0: hole("traced")
        buffer = ctypes.create_string_buffer(64)
        libc.process_vm_readv(os.getppid(), buffer, 1, buffer, 1, 0)
    """,
        REFUSED,
        worst=True,
    ),
    beside(
        "proc",
        "reads and writes everything in /proc",
        """
        import glob
        for path in glob.glob("/proc/[0-9]*/*"):
            for how in ("r", "w"):
                try: open(path, how).write("1")
                except (OSError, ValueError): pass
    """,
        "there is no /proc, or it is closed",
    ),
    beside(
        "lower-priority",
        "takes priority, processors and limits from other processes",
        """
        import os, resource
        for pid in (0, os.getppid(), *range(2, 2000)):
            for call in (lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
                         lambda: os.setpriority(os.PRIO_USER, pid, 19),
                         lambda: os.sched_setaffinity(pid, {0}) if pid else None,
                         lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)) if pid else None):
                try: call()
                except OSError: pass
    """,
        REFUSED,
    ),
    beside(
        "higher-limits",
        "raises its own limits",
        """
        import resource
        for name in dir(resource):
            if name.startswith("RLIMIT_"):
                try: resource.setrlimit(getattr(resource, name), (-1, -1))
                except (OSError, ValueError): pass
        held = []
        try:
            while True: held.append(bytearray(1 << 26))
        except MemoryError: del held
    """,
        "limits cannot be raised, and memory ends where it did",
    ),
    instead(
        "kills-itself",
        "sends itself a signal that tells something",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import ctypes, os, signal, sys
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGUSR1)
            os.abort()
    """,
        "the exercise is lost; which signal it was is not told",
        worst=True,
    ),
    instead(
        "stops-itself",
        "stops itself without ending",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import os, signal, threading
            os.kill(os.getpid(), signal.SIGSTOP)
            threading.Event().wait()
    """,
        "the exercise is lost when its time is over",
        says="pad2d",
    ),
    instead(
        "deaf",
        "ignores all signals and never ends",
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        def pad2d(x, padding, *, mode="zeros"):
            while True: pass
    """,
        "it is killed when its time is over, and the exercise is lost",
        says="pad2d",
        worst=True,
    ),
    beside(
        "threads-left",
        "leaves fifty threads running",
        """
        import threading, time
        for _ in range(50):
            threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(int, 1)], daemon=True).start()
    """,
        "threads are allowed, and end with the process",
    ),
    beside(
        "ten-thousand-threads",
        "starts threads until it cannot",
        """
        import threading
        stop, started = threading.Event(), []
        try:
            for _ in range(10_000):
                started.append(threading.Thread(target=stop.wait, daemon=True)); started[-1].start()
        except RuntimeError: pass
        stop.set()
    """,
        "the limit of threads is kept; when it is passed by much the cell is left out",
        worst=True,
    ),
    instead(
        "late-thread",
        "a thread that ends the process while another exercise is asked",
        """
        import os, threading, time
        def pad2d(x, padding, *, mode="zeros"):
            threading.Thread(target=lambda: (time.sleep(0.001), os._exit(0))).start()
            time.sleep(0.1)
            return x
    """,
        "the exercise is lost and a fresh process answers for the others",
    ),
    beside(
        "shared-memory",
        "leaves shared memory and queues behind",
        """
        import ctypes, mmap
        libc = ctypes.CDLL(None)
        for found in (libc.shmget(0x5eed, 1 << 20, 0o1666), libc.msgget(0x5eed, 0o1666)):
            if found >= 0: hole("shared memory")
        libc.shm_open(("/" + MARK).encode(), 0o102, 0o666)
        libc.mq_open(("/" + MARK).encode(), 0o102, 0o666, None)
        libc.memfd_create(MARK.encode(), 0)
    """,
        REFUSED,
    ),
    beside(
        "network",
        "sends the answers to a friend",
        """
        import socket, urllib.request
        for family, address in ((socket.AF_INET, ("127.0.0.1", 22)), (socket.AF_UNIX, "/run/docker.sock")):
            try: hole(str(socket.socket(family)))
            except OSError: pass
        try: urllib.request.urlopen("https://example.org")
        except OSError: pass
    """,
        REFUSED,
        worst=True,
    ),
    beside(
        "new-namespaces",
        "makes namespaces and mounts of its own",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000):
            if libc.unshare(flag) == 0: hole("a namespace")
        if libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0 or libc.chroot(b"/tmp") == 0: hole("a mount")
    """,
        REFUSED,
    ),
    beside(
        "become-root",
        "becomes another user",
        """
        import os
        for call in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
            try: call()
            except OSError: pass
        if os.geteuid() == 0: hole("root")
    """,
        REFUSED,
    ),
    beside(
        "alarm",
        "lets signals interrupt the worker all the time",
        """
        import signal
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    """,
        "interrupted calls are taken up again",
    ),
)
