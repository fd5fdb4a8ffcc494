"""`check` and `when_done`: what a student calls in a notebook.

`check(corr2d)` runs the exercise's cases in this process with the public seed, shows the report, and returns
the points as a plain float, which stock ``nbgrader autograde`` records as partial credit.
"""

from __future__ import annotations

import contextlib
import inspect
import linecache
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from cs_utils.checking.evaluate import Verdict

PUBLIC_SEED = 0
_failing: dict[str, Any] = {}  # exercise -> the function whose latest check in this notebook failed
_passed: set[str] = set()  # exercises and questions whose latest check in this notebook passed


def under_grading() -> bool:
    """True in the sandbox that runs submissions: checks are made by the judge there, not by this process."""
    return bool(os.environ.get("CS_UTILS_GRADING"))


def check(*functions: Callable[..., Any], **answers: Any) -> float:
    """Check one exercise, show the report, and return the points.

    ``check(corr2d)`` checks a function, ``check(parameters=parameters)`` a short question. Never raises
    for anything the student's code does.

    Raises:
        TypeError: not exactly one thing to check.
        ValueError: there is no exercise of that name.
    """
    if len(functions) + len(answers) != 1:
        raise TypeError("check one thing at a time: check(corr2d), or check(parameters=parameters)")
    if under_grading():
        return 0.0
    if functions:
        frame = inspect.currentframe()
        caller = frame.f_back if frame is not None else None
        around = caller.f_globals if caller is not None else {}
        return _check_function(_name_of(functions[0], caller), functions[0], around)
    ((name, value),) = answers.items()
    if not callable(value):
        return _check_question(name, value)
    return _check_function(name, value, getattr(value, "__globals__", {}))


def _check_function(name: str, function: Any, around: Mapping[str, Any]) -> float:
    """`around`: the names of the notebook, where a probe looks for the student's other functions."""
    from cs_utils.checking import probes
    from cs_utils.checking.evaluate import evaluate
    from cs_utils.checking.exercise import Case, Exercise
    from cs_utils.checking.outcome import Outcome
    from cs_utils.exercises import exercises, files

    if name in files():
        return _report(files()[name].seen_in_the_notebook(function))
    if name not in exercises():
        raise ValueError(f"there is no exercise called {name!r}; the exercises are: {', '.join(exercises())}")

    student = probes.find_in({**around, name: function})

    def call(exercise: Exercise, given: Case) -> Outcome:
        names = given.names or exercise.parameters
        with _time_limit(exercise.seconds_per_call):
            outcome = probes.run(given.probe, exercise.name, student, given.args, given.kwargs, names)
        failure = outcome.failure
        if failure is not None and failure.type == _TooSlow.__name__:
            message = f"still running after {exercise.seconds_per_call:g} s"
            outcome = replace(outcome, failure=replace(failure, kind="timeout", type="", message=message))
        return outcome

    asked = exercises()[name]
    ready_made = {asked.forward} if _is_ready_made(around.get(asked.forward)) else ()
    verdict = evaluate(asked, PUBLIC_SEED, call, ready_made=ready_made)
    _remember(name, verdict.passed)
    if verdict.passed:
        _failing.pop(name, None)
    else:
        verdict = _with_suspects(verdict, function)
        _failing[name] = function
    return _report(verdict)


def _report(verdict: Verdict) -> float:
    from cs_utils.checking import report

    _show(report.to_html(verdict), report.to_text(verdict))
    return plain_points(verdict.points, verdict.max_points)


def _is_ready_made(function: Any) -> bool:
    """Does it come with the course, as what stands for an earlier notebook's function does?"""
    return isinstance(function, FunctionType) and function.__module__ == "cs_utils.layers"


def _remember(name: str, passed: bool) -> None:
    (_passed.add if passed else _passed.discard)(name)


class _TooSlow(BaseException):
    """Raised inside a student's function that runs for too long. No ``except Exception`` catches it."""


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """End the block with `_TooSlow` after `seconds`, where the system has such an alarm (not on Windows)."""
    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _with_suspects(verdict: Verdict, function: Any) -> Verdict:
    """`verdict` with a remark when the function calls another one that failed its own check."""
    from cs_utils.checking.diagnose import calls_failing

    if not isinstance(function, FunctionType):
        return verdict
    suspects = {
        name
        for name in set(function.__code__.co_names) - {verdict.exercise.name}
        if name in _failing and function.__globals__.get(name) is _failing[name]
    }
    if not suspects or verdict.untouched:
        return verdict
    return replace(verdict, remarks=(calls_failing(suspects), *verdict.remarks))


def _check_question(name: str, value: Any) -> float:
    from cs_utils.checking import report
    from cs_utils.checking.answers import check_answer
    from cs_utils.checking.outcome import plain
    from cs_utils.exercises import questions

    if name not in questions():
        raise ValueError(
            f"there is no question called {name!r}; write check(name=name) with the name asked for"
        )
    question = questions()[name]
    right, known = check_answer(question, value)
    _remember(name, right)
    _show(
        report.question_to_html(question, plain(value), right, known),
        report.question_to_text(question, plain(value), right, known),
    )
    return plain_points(question.points if right else 0.0, question.points)


def plain_points(points: float, max_points: float) -> float:
    """Points as stock nbgrader can read them: a Python float between 0 and the maximum, never NaN."""
    return float(min(points, max_points)) if points > 0 else 0.0  # NaN is not above 0


def _name_of(function: Any, caller: Any) -> str:
    """The exercise meant by ``check(expression)``: the expression's own name first, then ``__name__``.

    The expression comes first because ``conv1d = corr1d`` and lambdas have another ``__name__``.
    """
    if caller is not None:
        line = linecache.getline(caller.f_code.co_filename, caller.f_lineno)
        written = re.search(r"\bcheck\(\s*([A-Za-z_]\w*)\s*\)", line)
        if written and caller.f_globals.get(written[1]) is function:
            return written[1]
    return str(getattr(function, "__name__", type(function).__name__))


def _show(html: str, text: str) -> None:
    """Show HTML where a notebook can show it, text elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import display

        display({"text/html": html, "text/plain": text}, raw=True)
    else:
        print(text)


@contextlib.contextmanager
def when_done(*names: str) -> Iterator[None]:
    """Run an experiment with the student's functions, and say kindly what they still lack.

    ::

        with when_done("corr2d"):
            plots.show_edges(photo, corr2d(photo, sobel))

    `names` are the functions that the block needs. With one that does not pass its check the block runs,
    and a line says so. Any error inside is told in one line and does not stop the notebook.
    """
    from cs_utils.checking.report_values import listed

    try:
        yield
        if failing := [name for name in names if name in _failing]:
            checks = "its check" if len(failing) == 1 else "their checks"
            print(f"{listed(failing)} did not pass {checks} yet: this may differ from what the text says.")
    except NotImplementedError:
        missing = [name for name in names if name not in _passed] or names
        passed = "it passes its check" if len(missing) == 1 else "they pass their checks"
        print(f"This needs {listed(missing)}: come back when {passed}.")
    except Exception as error:
        if _lacks_an_earlier_cell(error):
            waits = " or ".join(name for name in names if name not in _passed)
            first = f"; one of them may wait for {waits}" if waits else ""
            print(f"This needs {error.name}, which the cells above make: run them first{first}.")
            return
        from cs_utils.checking.outcome import describe_exception

        failure = describe_exception(error)
        at = f" (line {failure.line_number}: {failure.line})" if failure.line else ""
        doubted = [name for name in names if name not in _passed] or names
        print(f"{' or '.join(doubted)} is not right yet: {failure.type}: {failure.message}{at}")


def _lacks_an_earlier_cell(error: Exception) -> TypeGuard[NameError]:
    """Is a name missing in the cell itself, and not in a function that it calls?"""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        isinstance(error, NameError) and trace is not None and trace.tb_frame.f_code.co_name.startswith("<")
    )
