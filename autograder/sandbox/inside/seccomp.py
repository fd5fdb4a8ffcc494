"""The system-call filter of a run: what a NumPy notebook never needs is refused with an ordinary error.

No new processes or programs, no sockets, no mounts or namespaces, no memory that the limits do not count,
nothing that reaches another process by its number, none of the calls through which kernels have been
attacked. Threads are allowed. Calls that are newer than the table get ENOSYS, and so does x86's second
numbering of the calls (x32).

Without a file system of its own (`shared_files`) a run might change modes, owners, times or attributes of
files, or empty them, which Landlock does not watch, so these calls are refused too; and it removes nothing,
so that its use of the disk can be seen: removing and changing modes or times do nothing and report success,
which honest code can live with.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from collections.abc import Mapping, Sequence

_NEWEST_KNOWN = 462
_CLONE_THREAD = 0x10000
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # terminals asked, FIONREAD, FIONBIO, FIO(N)CLEX
_FCNTLS = (8, 10, 15, 1024, 1026)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others; F_SETLEASE, F_NOTIFY
_O_TRUNC, _O_TMPFILE = 0o1000, 0o20000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4

# Call -> number on (x86_64, aarch64); None where the machine has no such call.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # processes and programs
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "process_madvise": (440, 440), "tkill": (200, 130),
    "process_mrelease": (448, 448), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "ioprio_set": (251, 30),
    # namespaces, mounts, names of files beyond the tree
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "mknod": (133, None), "mknodat": (259, 33), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262), "inotify_init": (253, None), "inotify_init1": (294, 26),
    "statmount": (457, 457), "listmount": (458, 458),
    # the network, and sockets of any kind
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "recvfrom": (45, 207), "sendmsg": (46, 211), "recvmsg": (47, 212), "sendmmsg": (307, 269),
    "recvmmsg": (299, 243),
    # memory outside the limit on the address space
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196),
    "shmctl": (31, 195), "shmdt": (67, 197), "msgget": (68, 186), "msgsnd": (69, 189),
    "msgrcv": (70, 188), "msgctl": (71, 187), "semget": (64, 190), "semop": (65, 193),
    "semctl": (66, 191), "semtimedop": (220, 192), "mq_open": (240, 180), "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182), "mq_timedreceive": (243, 183), "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185), "vmsplice": (278, 75),
    # the machine and the kernel
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "acct": (163, 89), "personality": (135, 92), "syslog": (103, 116),
    "sethostname": (170, 161), "setdomainname": (171, 162), "vhangup": (153, 58),
    "lookup_dcookie": (212, 18), "nfsservctl": (180, 42), "uselib": (134, None), "_sysctl": (156, None),
    "modify_ldt": (154, None), "iopl": (172, None), "ioperm": (173, None),
}  # fmt: skip
# With shared files: what Landlock does not watch is refused, or does nothing.
_REFUSED_ON_FILES: dict[str, tuple[int | None, int | None]] = {
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "truncate": (76, 45), "openat2": (437, 437),
}  # fmt: skip
_PRETENDED_ON_FILES: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None),
}  # fmt: skip
_OPEN = ((2, None, 1), (257, 56, 2))  # open and openat, and which argument holds the flags
_CLONE = (56, 220)
_CLONE3 = (435, 435)  # its flags lie in memory where a filter cannot look; libc falls back to clone
_IOCTL = (16, 29)
_FCNTL = (72, 25)
_SETPRIORITY = (141, 140)
_PRCTL = (157, 167)
_SIGNALS = ((62, 129), (234, 131), (129, 138), (297, 240))  # kill, tgkill, rt_(tg)sigqueueinfo
# Calls whose first argument names a process, 0 being the caller: prlimit64, sched_set(param, scheduler,
# affinity, attr).
_ON_PROCESSES = ((302, 261), (142, 118), (144, 119), (203, 122), (314, 274))

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH

_LOAD, _IF_EQUAL, _IF_GREATER, _IF_BITS, _RETURN, _AND = 0x20, 0x15, 0x25, 0x45, 0x06, 0x54
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; little-endian arguments
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


def supported() -> bool:
    """Whether the filter knows this machine's system calls."""
    return platform.machine() in _MACHINES


def program(pid: int, shared_files: bool = False) -> bytes:
    """The filter for a process that will be `pid` to itself: it may send signals to itself only."""
    column, architecture = _MACHINES[platform.machine()]
    refuse = _give(_ERROR | errno.EPERM)
    unknown = _give(_ERROR | errno.ENOSYS)
    code = _load(_ARCHITECTURE) + _op(_IF_EQUAL, architecture, 1, 0) + _give(_KILL) + _load(_NUMBER)
    code += _op(_IF_GREATER, _NEWEST_KNOWN, 0, 1) + unknown
    code += _all_of(_REFUSED, column, refuse)
    code += _when(_CLONE3[column], unknown)
    code += _when(_CLONE[column], _load_argument(0) + _op(_IF_BITS, _CLONE_THREAD, 1, 0) + refuse)
    code += _when(_IOCTL[column], _load_argument(1) + _accept(_IOCTLS) + refuse)
    code += _when(_FCNTL[column], _refuse_values(1, _FCNTLS))
    code += _when(_PRCTL[column], _refuse_values(0, (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE)))
    for numbers in _SIGNALS:
        code += _when(numbers[column], _load_argument(0) + _op(_IF_EQUAL, pid, 1, 0) + refuse)
    for numbers in _ON_PROCESSES:
        code += _when(numbers[column], _load_argument(0) + _accept((0, pid)) + refuse)
    own_priority = _load_argument(0) + _op(_IF_EQUAL, 0, 1, 0) + refuse + _load_argument(1)
    code += _when(_SETPRIORITY[column], own_priority + _accept((0, pid)) + refuse)
    return code + (_on_shared_files(column) if shared_files else b"") + _give(_ALLOW)


def _on_shared_files(column: int) -> bytes:
    code = _all_of(_REFUSED_ON_FILES, column, _give(_ERROR | errno.EPERM))
    code += _all_of(_PRETENDED_ON_FILES, column, _give(_ERROR | 0))
    for *numbers, flags in _OPEN:
        if numbers[column] is not None:
            code += _when(numbers[column], _check_open(flags))
    return code


def _check_open(flags: int) -> bytes:
    """No files without a name, and no emptying of a file that is opened for reading (Landlock before 3)."""
    code = _load_argument(flags) + _op(_IF_BITS, _O_TMPFILE, 0, 1) + _give(_ERROR | errno.EOPNOTSUPP)
    code += _op(_IF_BITS, _O_TRUNC, 1, 0) + _give(_ALLOW)
    return code + _op(_AND, os.O_ACCMODE) + _op(_IF_EQUAL, os.O_RDONLY, 0, 1) + _give(_ERROR | errno.EACCES)


def _all_of(calls: Mapping[str, tuple[int | None, int | None]], column: int, verdict: bytes) -> bytes:
    return b"".join(
        _when(numbers[column], verdict) for numbers in calls.values() if numbers[column] is not None
    )


def _accept(values: Sequence[int]) -> bytes:
    """Allow the call when what was loaded is one of `values`; else go on."""
    return b"".join(_op(_IF_EQUAL, value, 0, 1) + _give(_ALLOW) for value in values)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _op(_LOAD, offset)


def _load_argument(index: int) -> bytes:
    return _load(_ARGUMENTS + 8 * index)


def _give(verdict: int) -> bytes:
    return _op(_RETURN, verdict)


def _when(number: int | None, block: bytes) -> bytes:
    """`block` for this call; what falls out of the block is allowed."""
    assert number is not None
    block += _give(_ALLOW)
    return _op(_IF_EQUAL, number, 0, len(block) // 8) + block


def _refuse_values(argument: int, values: Sequence[int]) -> bytes:
    refuse = _give(_ERROR | errno.EPERM)
    return _load_argument(argument) + b"".join(_op(_IF_EQUAL, value, 0, 1) + refuse for value in values)
