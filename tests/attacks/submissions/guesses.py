"""Hard-coded answers, guesses, and code that behaves otherwise when it is graded."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from cs_utils.checking import Exercise
from cs_utils.checking.notebook import PUBLIC_SEED
from tests.attacks.attack import TARGET, Attack, exercises
from tests.attacks.submissions.worker import FUNCTIONS, instead

LOOKED_UP = """
def _key(value):
    if isinstance(value, np.ndarray): return repr(value.tolist())
    if isinstance(value, (list, tuple)): return [_key(one) for one in value]
    if isinstance(value, dict): return {{key: _key(one) for key, one in value.items()}}
    return value
TABLE_{name} = {table}
def {name}(*args, **kwargs):
    found = TABLE_{name}[repr([_key(args), _key(kwargs)])]
    if found == "raise": raise ValueError
    return np.array(found) if {arrays} else found
"""


def _key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    if isinstance(value, list | tuple):
        return [_key(one) for one in value]
    if isinstance(value, dict):
        return {key: _key(one) for key, one in value.items()}
    return value


def _visible(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    for group in exercise.groups:
        for given in exercise.cases(group, PUBLIC_SEED):
            assert exercise.reference is not None
            right = group.expected(exercise.reference, given)
            value = right.value.tolist() if isinstance(right.value, np.ndarray) else right.value
            yield repr([_key(given.args), _key(given.kwargs)]), "raise" if right.failure else value


@functools.cache
def looked_up(name: str) -> str:
    """Code that knows the answers to the cases of the notebook, and no others."""
    table = dict(_visible(exercises()[name]))
    return LOOKED_UP.format(name=name, table=repr(table), arrays=name == TARGET)


RIGHT = """
def right(x, padding, mode):
    h, w = (padding, padding) if isinstance(padding, int) else padding
    ways = {"zeros": "constant", "replicate": "edge", "reflect": "reflect"}
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(h, h), (w, w)], mode=ways[mode])
"""


def sometimes(
    name: str, tries: str, when: str, happens: str = "a group counts when all of its cases are right"
) -> Attack:
    code = f"{RIGHT}\ncalls = []\ndef pad2d(x, padding, *, mode='zeros'):\n    calls.append(1)\n"
    return instead(
        name, tries, f"{code}    return right(x, padding, mode) if {when} else np.zeros(3)", happens
    )


def leaking(
    name: str,
    tries: str,
    how: str,
    happens: str = "reports are made in a process that never saw a secret case",
    **more: Any,
) -> Attack:
    return instead(name, tries, f"import os\ndef pad2d(x, padding, *, mode='zeros'):\n{how}", happens, **more)


ATTACKS = (
    Attack(
        "visible-cases",
        "looks up the answers to the cases that the notebook shows",
        "no group counts by what the notebook shows alone",
        {name: looked_up(name) for name in FUNCTIONS},
        loses=(*FUNCTIONS, "lenet_1998"),  # the latter is the solution's call of trace_shapes
        worst=True,
    ),
    instead(
        "constant",
        "returns what is most often right",
        "def pad2d(x, padding, *, mode='zeros'):\n    return x",
    ),
    instead(
        "random",
        "guesses",
        f"{RIGHT}\ndef pad2d(x, padding, *, mode='zeros'):\n"
        "    return np.random.randint(-2, 3, right(x, padding, mode).shape)",
    ),
    sometimes("right-once", "is right in the first call and never again", "len(calls) == 1"),
    sometimes(
        "right-later",
        "is wrong until the tenth call, in the hope for another try",
        "len(calls) > 10 and False",
    ),
    sometimes(
        "not-when-graded",
        "is right in the notebook and wrong when graded",
        "__import__('os').environ.get('CS_UTILS_GRADING') is None",
        "it is graded by what it does when graded",
    ),
    sometimes(
        "not-in-a-sandbox",
        "is wrong where it finds a sandbox",
        "'inside.worker' not in __import__('sys').modules",
        "it is graded by what it does when graded",
    ),
    sometimes(
        "by-the-clock",
        "is right in odd nanoseconds",
        "__import__('time').perf_counter_ns() % 2 and len(calls) % 3",
    ),
    sometimes(
        "small-only",
        "is right for what has as few numbers as in the notebook's example",
        "x.size <= 4 and x.ndim == 2",
    ),
    leaking(
        "leak-by-error",
        "puts what is asked into an error",
        "    raise ValueError('SEEN' + repr(x.tolist()))",
        worst=True,
    ),
    leaking("leak-by-value", "puts what is asked into a value", "    return ('SEEN', repr(x.tolist()))"),
    leaking(
        "leak-by-type",
        "puts what is asked into the name of a type",
        "    return type('SEEN' + repr(x.tolist()), (), {})()",
    ),
    leaking(
        "leak-by-variable",
        "puts what is asked into the answer to a question",
        "    global padded_output\n    padded_output = repr(x.tolist())\n    return x",
    ),
    leaking(
        "leak-by-print",
        "prints as many characters as the numbers that are asked",
        "    print('x' * 1770177)\n    return x",
    ),
    leaking("leak-by-status", "ends with a status that tells something", "    os._exit(177)"),
    leaking(
        "leak-by-signal",
        "ends by a signal that tells something",
        "    import signal\n    os.kill(os.getpid(), signal.SIGRTMIN + 5)\n    os._exit(177)",
        worst=True,
    ),
    leaking(
        "leak-by-state",
        "keeps what is asked for a later call",
        "    globals().setdefault('kept', []).append(repr(x.tolist()))\n    raise ValueError(kept)",
    ),
    leaking(
        "leak-by-file",
        "keeps what is asked in a file for a later process",
        "    open('/tmp/kept', 'a').write(repr(x.tolist()))\n    raise ValueError(open('/tmp/kept').read())",
    ),
)
