"""The levels of isolation, strongest first, and which of them this machine allows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Level(Enum):
    """How a run is walled in. The value is what is written into results, and what course.toml may ask for.

    NAMESPACES: a file system, process numbers, network and IPC of its own, and a filter on system calls.
    LANDLOCK: the same files, processes and network as everybody, closed by the kernel's Landlock and a
    stricter filter. NONE: all the rights of whoever grades; only limits are kept.
    """

    NAMESPACES = "namespaces"
    LANDLOCK = "landlock"
    NONE = "none"


PROTECTED = (Level.NAMESPACES, Level.LANDLOCK)


class SandboxUnavailable(RuntimeError):
    """There is no way to run student code as asked for; the message says what failed and what to do."""


GIVEN_UP = (
    "student code can read, change and delete whatever you can, use the network, start programs and reach "
    "your other programs"
)
_HELP = f"""\
Student code is not run without protection. What can be done:
  - Landlock needs Linux 5.13 or later, and landlock in the kernel's list of security modules (lsm=).
  - In a container: start it with --privileged, or with --cap-add SYS_ADMIN --security-opt seccomp=unconfined.
  - As an ordinary user, let users make namespaces (as root, then try again):
      sysctl -w user.max_user_namespaces=10000
      sysctl -w kernel.unprivileged_userns_clone=1               (Debian kernels)
      sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   (Ubuntu 23.10 and later)
  - Or grade as root on a machine of its own.
  - If you trust every submission, add --unprotected. Then {GIVEN_UP}."""


def probe() -> list[tuple[Level, bool, str]]:
    """Try every level, strongest first, on an empty submission: (level, available, why not)."""
    return [(level, not why, why) for level in Level for why in [why_not(level)]]


def best_level(allow_unprotected: bool = False, asked: Level | None = None) -> Level:
    """The strongest level that works here, or the one asked for.

    Raises:
        SandboxUnavailable: the level asked for does not work here; or only `Level.NONE` is left and
            `allow_unprotected` is false.
    """
    if asked is not None and asked is not Level.NONE:
        if why := why_not(asked):
            raise SandboxUnavailable(f"The level {asked.value} does not work on this machine: {why}\n{_HELP}")
        return asked
    if asked is Level.NONE:
        if not allow_unprotected:
            raise SandboxUnavailable(f"Level none needs --unprotected as well: {GIVEN_UP}.")
        return asked
    tried = []
    for level in PROTECTED:
        why = why_not(level)
        if not why:
            return level
        tried.append((level, False, why))
    if allow_unprotected:
        return Level.NONE
    raise SandboxUnavailable(no_level(tried))


def no_level(tried: Iterable[tuple[Level, bool, str]]) -> str:
    """What to tell when none of the levels tried works."""
    reasons = [f"  - {level.value}: {why}" for level, _, why in tried]
    return "\n".join(["No sandbox works on this machine:", *reasons, _HELP])


def why_not(level: Level) -> str:
    """Start an empty run at `level`: why that fails, or "" when it works."""
    from autograder.sandbox.inside import landlock
    from autograder.sandbox.run import Sandbox

    if level is Level.LANDLOCK and (why := landlock.why_not()):
        return why
    try:
        with Sandbox(level, allow_unprotected=True) as sandbox, sandbox.start([]) as run:
            return "" if run.alive else f"an empty submission fails: {run.failure}"
    except (SandboxUnavailable, OSError, RuntimeError) as error:
        return str(error)
