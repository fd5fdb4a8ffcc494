"""The few Linux calls that Python's standard library lacks, each raising `OSError` when it fails."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 1, 2, 4, 8
_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
PR_SET_KEEPCAPS = 8
CAP_DAC_READ_SEARCH, CAP_SETUID, CAP_SETPCAP = 2, 7, 8

_NR_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_NR_MOUNT_SETATTR = 442
_CAPABILITY_VERSION_3 = 0x20080522
_NR_LANDLOCK_CREATE, _NR_LANDLOCK_ADD, _NR_LANDLOCK_RESTRICT = 444, 445, 446


def _done(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _long(value: int) -> ctypes.c_ulong:
    return ctypes.c_ulong(value)


def unshare(flags: int) -> None:
    _done(_libc.unshare(flags), "unshare")


def sethostname(name: str) -> None:
    _done(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def prctl(option: int, a: int = 0, b: int = 0) -> None:
    _done(_libc.prctl(option, _long(a), _long(b), _long(0), _long(0)), f"prctl {option}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), _long(flags), options.encode())
    _done(result, f"mount {source} on {target}")


def restrict_mount(path: str, attributes: int, recursive: bool = True) -> None:
    """mount_setattr(2), Linux 5.12: set `attributes` on the mount at `path` and those below it."""
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    result = _libc.syscall(
        ctypes.c_long(_NR_MOUNT_SETATTR), _AT_FDCWD, path.encode(), flags, ctypes.byref(wanted), size
    )
    _done(result, f"mount_setattr {path}")


def pivot_root(new: str, old: str) -> None:
    number = ctypes.c_long(_NR_PIVOT_ROOT[platform.machine()])
    _done(_libc.syscall(number, new.encode(), old.encode()), "pivot_root")


def detach(path: str) -> None:
    _done(_libc.umount2(path.encode(), MNT_DETACH), f"umount {path}")


def has_capability(capability: int) -> bool:
    """Whether this thread may use `capability` now."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same for 32 and above
    _done(_libc.capget(header, sets), "capget")
    return bool(sets[0] >> capability & 1)


def drop_bounding_set() -> None:
    """No program started later could ever have a capability. Needs CAP_SETPCAP."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL:  # EINVAL: beyond the last capability of this kernel
                raise
            break


def drop_capabilities(keep: int | None = None) -> None:
    """Empty the ambient, inheritable, permitted and effective sets of this thread, but for `keep`."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    kept = 0 if keep is None else 1 << keep
    _done(_libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept)), "capset")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _syscall(number: int, *arguments: object) -> int:
    return _libc.syscall(ctypes.c_long(number), *arguments)


def landlock_version() -> int:
    """The version of Landlock's interface that this kernel offers. Raises `OSError` if there is none."""
    return _done(_syscall(_NR_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1), "landlock")


def landlock_ruleset(files: int, network: int, scopes: int, size: int) -> int:
    """A descriptor of a new ruleset; `size`: bytes of the structure that this kernel's version knows."""
    wanted = _Ruleset(files, network, scopes)
    return _done(
        _syscall(_NR_LANDLOCK_CREATE, ctypes.byref(wanted), ctypes.c_size_t(size), 0), "landlock ruleset"
    )


def landlock_allow(ruleset: int, path: str, rights: int) -> None:
    """Allow `rights` on what is at `path` and below it."""
    parent = os.open(path, os.O_PATH)
    try:
        rule = _PathBeneath(rights, parent)
        _done(_syscall(_NR_LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0), f"landlock rule for {path}")
    finally:
        os.close(parent)


def landlock_restrict(ruleset: int) -> None:
    """Confine this thread and those it starts, for good. Needs PR_SET_NO_NEW_PRIVS."""
    _done(_syscall(_NR_LANDLOCK_RESTRICT, ruleset, 0), "landlock restrict")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install_filter(program: bytes) -> None:
    """Put a seccomp filter (8 bytes an instruction) on this thread and on those it starts."""
    holder = _Program(len(program) // 8, program)
    result = _libc.prctl(PR_SET_SECCOMP, _long(2), ctypes.byref(holder), _long(0), _long(0))
    _done(result, "seccomp")
