"""What you wrote in earlier notebooks, for use in later ones.

`own("conv2d_forward")` is your own function when your notebook lies beside this one, and otherwise the one of
`cs_utils.layers`; it says which. Of your notebook only those statements are run that the function needs:
its definition, the helpers and imports that it uses. No check, no figure, no magic.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import re
import symtable
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cs_utils.checking.notebook import under_grading
from cs_utils.checking.probes import NoSuchFunction

_being_read: set[str] = set()  # notebooks that ask for their own functions must not be read for ever
# Cell magics that only watch their body, and lines that are no Python.
_WATCHING_MAGIC = re.compile(r"\A\s*%%(?:time|capture|prun)\b")
_NO_PYTHON = re.compile(r"^([ \t]*)(?:[%!]|[\w, \t]+=[ \t]*[%!]).*$", re.MULTILINE)


class NotThere(LookupError):
    """There is no function of the student's own to be had; the message says why."""


def own(name: str) -> Callable[..., Any]:
    """Your own function `name` of an earlier notebook, else that of `cs_utils.layers`; prints which, and why.

    When grading there are no other notebooks, and the function that is returned only raises an error.

    Raises:
        ValueError: no exercise has this name.
        NotThere: it is not to be had, and `cs_utils.layers` has none of this name.
    """
    if under_grading():
        return _out_of_reach(name)
    from cs_utils.exercises import exercises

    if name not in exercises():
        raise ValueError(f"there is no exercise called {name!r}")
    notebook = exercises()[name].notebook
    try:
        function = find(name, notebook)
    except NotThere as why:
        function = _ready_made(name, why)
        print(f"{name}: that of cs_utils.layers ({why}).")
    else:
        print(f"{name}: your own, from notebook {_number(notebook)}.")
    return function


def find(name: str, notebook: str) -> Callable[..., Any]:
    """The student's own function `name` of the notebook, such as ``03_convolution``.

    Raises:
        NotThere: no such notebook beside this one, the function is not written yet, or it cannot be run.
    """
    number = _number(notebook)
    if notebook in _being_read:
        raise NotThere(f"notebook {number} is being read")
    statements = list(_statements(_file_of(notebook), number))
    _must_be_written(name, statements, number)
    _being_read.add(notebook)
    try:
        function = _run(_needed_for(name, statements))[name]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a cell may call sys.exit(), or worse
        raise NotThere(f"what notebook {number} has for it ends in {type(error).__name__}") from error
    finally:
        _being_read.discard(notebook)
    if not callable(function):
        raise NotThere(f"in notebook {number} it is not written yet, or not saved")
    return function  # type: ignore[no-any-return]


def _ready_made(name: str, why: NotThere) -> Callable[..., Any]:
    from cs_utils import layers

    if not hasattr(layers, name):
        raise NotThere(f"{name}: {why}, and cs_utils.layers has none") from None
    function: Callable[..., Any] = getattr(layers, name)
    return function


def _out_of_reach(name: str) -> Callable[..., Any]:
    """What stands for an earlier notebook's function when grading: this notebook is graded by itself."""

    def out_of_reach(*_: Any, **__: Any) -> Any:
        raise NoSuchFunction(
            f"{name} belongs to an earlier notebook, and this one is graded by itself; "
            f"an answer that calls {name} needs a copy of it in this notebook"
        )

    out_of_reach.__name__ = name
    return out_of_reach


def _number(notebook: str) -> str:
    return notebook.partition("_")[0]


# --- reading the notebook ---------------------------------------------------------------------------------


def _file_of(notebook: str) -> Path:
    here = Path.cwd()
    for folder in (here.parent / notebook, here):
        path = folder / f"{notebook}.ipynb"
        if path.is_file():
            return path
    raise NotThere(f"notebook {_number(notebook)} is not beside this one")


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell. file: what tracebacks call the cell."""

    tree: ast.stmt
    file: str

    @cached_property
    def binds(self) -> frozenset[str]:
        """Names that it binds, or changes by an assignment to a part of them."""
        return frozenset(_bound(self.tree))

    @cached_property
    def reads(self) -> frozenset[str]:
        """Names that it looks up at the top level, when it runs or when what it defines is called."""
        found: set[str] = set()
        tables = [symtable.symtable(ast.unparse(self.tree), "statement", "exec")]
        while tables:
            table = tables.pop()
            top = table.get_type() == "module"
            symbols = table.get_symbols()
            found |= {s.get_name() for s in symbols if s.is_referenced() and (top or s.is_global())}
            tables += table.get_children()
        return frozenset(found)


def _bound(tree: ast.AST) -> Iterator[str]:
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield from (part.id for part in ast.walk(node.value) if isinstance(part, ast.Name))
        elif not isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            pending.extend(ast.iter_child_nodes(node))


def _statements(path: Path, number: str) -> Iterator[Statement]:
    """Every statement of every code cell that is Python, but none that only computes: checks and figures."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
        sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in cells]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotThere(f"the file of notebook {number} cannot be read") from error
    for index, source in enumerate(sources, 1):
        text, tree = _parsed(source)
        file = f"<cell {index} of notebook {number}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        yield from (Statement(part, file) for part in tree.body if not isinstance(part, ast.Expr))


def _parsed(source: str) -> tuple[str, ast.Module]:
    """The cell and its syntax tree, magics left out; an empty tree when it is no Python."""
    body = _WATCHING_MAGIC.sub("# ", source)
    for text in (body, "" if body.lstrip().startswith("%%") else _NO_PYTHON.sub(r"\1pass", body)):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return text, ast.parse(text)
    return "", ast.Module([], [])


def _must_be_written(name: str, statements: Sequence[Statement], number: str) -> None:
    makers = [statement.tree for statement in statements if name in statement.binds]
    if not makers:
        raise NotThere(f"notebook {number} does not define it")
    if isinstance(makers[-1], ast.FunctionDef) and _is_stub(makers[-1]):
        raise NotThere(f"in notebook {number} it is not written yet, or not saved")


def _is_stub(function: ast.FunctionDef) -> bool:
    """Does it do nothing but raise NotImplementedError, as the notebook was handed out?"""
    last = function.body[-1]
    documented = ast.get_docstring(function) is not None
    return (
        len(function.body) == 1 + documented
        and isinstance(last, ast.Raise)
        and last.exc is not None
        and "NotImplementedError" in ast.dump(last.exc)
    )


# --- running what is needed -------------------------------------------------------------------------------


def _needed_for(name: str, statements: Sequence[Statement]) -> list[Statement]:
    """The statements that bind `name`, those that bind what these read, and so on, in their order."""
    wanted, known = {name, "*"}, set[str]()
    needed: set[int] = set()
    while wanted:
        known |= wanted
        found = {at for at, statement in enumerate(statements) if statement.binds & wanted} - needed
        wanted = {read for at in found for read in statements[at].reads} - known
        needed |= found
    return [statements[at] for at in sorted(needed)]


def _run(statements: Sequence[Statement]) -> dict[str, Any]:
    """The names after running the statements, what they print or warn of swallowed."""
    names = types.ModuleType("earlier").__dict__
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for statement in statements:
            exec(compile(ast.Module([statement.tree], []), statement.file, "exec"), names)
    return names
