"""The fence that a process builds around itself before it runs a line of student code.

What is inside afterwards: the interpreter's library, the runtime folder, the shared libraries, four devices,
and an empty folder to write to. No network, no /proc, no other process, no capability, no descriptor but the
one that leads to the judge, and a filter on system calls. With namespaces nothing else is there at all and
the folder is a /tmp of limited size; with Landlock nothing else can be opened.
"""

from __future__ import annotations

import glob
import os
import resource
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import kernel, landlock, seccomp

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
USER_INSIDE = 1000
_NEW_ROOT = "/proc"  # a directory that exists everywhere and that no file of ours lies under


@dataclass(frozen=True)
class Tree:
    """What a run sees of the file system. show: folders, read-only. hide: folders below that look empty."""

    show: tuple[str, ...]
    hide: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def plan_tree(runtime: Iterable[str]) -> Tree:
    """The tree for this interpreter with its loaded libraries. Other installed packages are hidden."""
    libraries = {os.path.dirname(path) for path in _mapped_libraries()}
    wanted = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), *libraries, *runtime}
    show: list[str] = []
    for folder in sorted({os.path.realpath(folder) for folder in wanted}):
        if not any(_below(folder, parent) for parent in show):
            show.append(folder)
    links = tuple((path, os.readlink(path)) for path in ("/lib", "/lib64") if os.path.islink(path))
    return Tree(
        tuple(show), tuple(sorted(_site_folders(show, [os.path.realpath(r) for r in runtime]))), links
    )


def _mapped_libraries() -> set[str]:
    with open("/proc/self/maps") as file:
        paths = {line.split(maxsplit=5)[5].strip() for line in file if len(line.split(maxsplit=5)) == 6}
    return {path for path in paths if path.startswith("/") and ".so" in os.path.basename(path)}


def _site_folders(shown: Iterable[str], runtime: Iterable[str]) -> set[str]:
    """Folders of installed packages inside what is shown: there may be a PyTorch in them."""
    found: set[str] = set()
    for folder in shown:
        for name in ("site-packages", "dist-packages"):
            for depth in ("", "*/", "*/*/"):
                found.update(glob.glob(f"{glob.escape(folder)}/{depth}{name}"))
    return {folder for folder in found if not any(_below(folder, own) for own in runtime)}


def _below(folder: str, parent: str) -> bool:
    return folder == parent or folder.startswith(parent.rstrip("/") + "/")


def enter_namespaces() -> None:
    """New mount, pid, network, IPC and host name spaces; the next child is alone in them.

    Root needs no user namespace, and its runs get a user id of their own (`drop_privileges`).
    """
    spaces = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
    spaces |= kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        kernel.unshare(spaces)
    else:
        kernel.unshare(spaces | kernel.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{USER_INSIDE} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{USER_INSIDE} {group} 1")
    kernel.sethostname("sandbox")


def build_root(tree: Tree, tmpfs_bytes: int) -> None:
    """Make `tree` the whole file system of this mount namespace, with a fresh /tmp, and go there."""
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    _tmpfs(_NEW_ROOT, "size=1m,mode=755")
    os.mkdir(f"{_NEW_ROOT}/tmp")  # before what is shown: the runtime may lie below /tmp
    _tmpfs(f"{_NEW_ROOT}/tmp", f"size={tmpfs_bytes},nr_inodes=5000,mode=1777")
    for folder in tree.show:
        _show(folder, kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV)
    for folder in tree.hide:
        _tmpfs(_NEW_ROOT + folder, "size=4k,mode=555")
    for path, target in tree.links:
        if not os.path.lexists(_NEW_ROOT + path):
            os.symlink(target, _NEW_ROOT + path)
    os.makedirs(f"{_NEW_ROOT}/dev", exist_ok=True)
    for device in DEVICES:
        Path(_NEW_ROOT + device).touch()
        kernel.mount(device, _NEW_ROOT + device, flags=kernel.MS_BIND)
        kernel.restrict_mount(_NEW_ROOT + device, kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC, recursive=False)
    os.chdir(_NEW_ROOT)
    kernel.pivot_root(".", ".")
    kernel.detach(".")
    os.chdir("/")
    kernel.restrict_mount("/", kernel.ATTR_RDONLY, recursive=False)


def _show(folder: str, attributes: int) -> None:
    os.makedirs(_NEW_ROOT + folder, exist_ok=True)
    kernel.mount(folder, _NEW_ROOT + folder, flags=kernel.MS_BIND | kernel.MS_REC)
    kernel.restrict_mount(_NEW_ROOT + folder, attributes)


def _tmpfs(folder: str, options: str) -> None:
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("tmpfs", folder, "tmpfs", flags, options)


def landlock_rules(tree: Tree, folder: str) -> int:
    """A Landlock ruleset (a descriptor): `tree` to read, `folder` to write to, four devices."""
    rules = list(landlock.around(tree.show, tree.hide))
    rules += [(device, landlock.READ_FILE | landlock.WRITE_FILE) for device in DEVICES]
    return landlock.prepare([*rules, (folder, landlock.WORK | landlock.TRUNCATE)])


def drop_privileges(user: int | None, keep: int | None = None) -> None:
    """Become `user` (root only; None: stay), with no capability but `keep` and no way to gain any."""
    if kernel.has_capability(kernel.CAP_SETPCAP):  # always with namespaces; else no_new_privs must do
        kernel.drop_bounding_set()
    if user is not None:
        kernel.prctl(kernel.PR_SET_KEEPCAPS, int(keep is not None))
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    kernel.drop_capabilities(keep)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def needed_to_read(tree: Tree, user: int | None) -> int | None:
    """The capability that a run of root's needs when the interpreter lies in a folder closed to others.

    Where there are no namespaces, nothing can be shown at another place. Landlock still keeps everything
    but `tree` closed.
    """
    if user is None:
        return None
    folders = {parent for folder in tree.show for parent in (Path(folder), *Path(folder).parents)}
    if all(folder.stat().st_mode & 0o001 for folder in folders):
        return None
    if not kernel.has_capability(kernel.CAP_DAC_READ_SEARCH):
        closed = sorted(str(folder) for folder in folders if not folder.stat().st_mode & 0o001)
        raise PermissionError(
            f"other users cannot enter {closed[0]}; install Python and the course elsewhere"
        )
    return kernel.CAP_DAC_READ_SEARCH


def user_for(number: int) -> int | None:
    """A user id that nothing else has, for the run with this number; None where we may not change ours."""
    if os.geteuid() != 0 or not kernel.has_capability(kernel.CAP_SETUID):
        return None
    mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())
    if mapped > 0x71000000:  # above the ranges that distributions and container tools give out
        return 0x70000000 + number % (1 << 22)
    half = max(mapped // 2, 1)  # a container with few ids
    return half + number % half


def limit_resources(limits: Mapping[str, int]) -> None:
    """Set rlimits: keys are names in `resource` without ``RLIMIT_``, such as ``AS``."""
    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def close_descriptors(keep: Iterable[int]) -> None:
    """Close every descriptor but `keep`, and lead 0, 1 and 2 to /dev/null."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    start = 3
    for descriptor in sorted({*keep}):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def filter_calls(pid: int, shared_files: bool) -> None:
    """From here on the system calls of `seccomp` are refused, for good."""
    kernel.install_filter(seccomp.program(pid, shared_files))


def missing() -> str:
    """Why this machine cannot have a fence at all, or ""."""
    if not sys.platform.startswith("linux"):
        return "the sandbox needs Linux"
    if not seccomp.supported():
        return f"the filter on system calls does not know {os.uname().machine}"
    return ""
