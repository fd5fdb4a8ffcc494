"""Reading Python and IPython without running them: translation, names, sameness, and what to flag."""

from __future__ import annotations

import ast
import contextlib
import re
import symtable
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from IPython.core.inputtransformer2 import TransformerManager

MAX_CELL = 200_000  # characters; longer cells are kept as they are
# Characters that translating one notebook may read; IPython reads a cell anew for every magic in it.
WORK = 1_000_000

FLAGGED_MODULES = {"torch", "tensorflow", "jax", "scipy", "cv2", "skimage"}
FLAGGED_NUMPY = {"correlate", "convolve"}
# What no exercise needs and what reaches into the process that answers the grader. It gains no points where
# values are compared; how many lines ran, though, is counted in that very process.
FLAGGED_REACH = {"settrace", "setprofile", "_getframe", "_current_frames", "get_objects", "get_referrers"}
FLAGGED_PARTS = ("cs_utils.checking", "inside", "ctypes")
# Magics that only watch their body: the body is the student's code and must count.
_BODY_CELL_MAGIC = re.compile(r"\A(\s*)(%%(?:time|capture|prun)\b)")
_BODY_LINE_MAGIC = re.compile(r"^([ \t]*)%time[ \t]+(?=\S)", re.MULTILINE)
_SHELL_CALLS = {"system", "getoutput"}
_SHELL_MAGICS = {
    "bash",
    "sh",
    "script",
    "run",
    "load",
    "loadpy",
    "sx",
    "system",
    "!",
    "perl",
    "ruby",
    "pip",
    "conda",
}


class Translator:
    """IPython's own translation of its syntax to Python, with a bound on the work for one notebook."""

    def __init__(self, work: int = WORK) -> None:
        self._manager = TransformerManager()
        self._left = work

    def translate(self, source: str) -> str:
        """Plain Python for a cell with magics.

        Raises:
            RuntimeError: the work is used up. And whatever IPython raises for text that it cannot read.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # IPython warns of odd line ends
            return "".join(self._translated(source.splitlines(keepends=True), len(source)))

    def _translated(self, lines: list[str], length: int) -> list[str]:
        lines[-1:] = [f"{line.rstrip(chr(10))}\n" for line in lines[-1:]]
        for transform in (*self._manager.cleanup_transforms, *self._manager.line_transforms):
            lines = transform(lines)  # type: ignore[operator]
        changed = True
        while changed:
            self._left -= length + 200
            if self._left < 0:
                raise RuntimeError("more magics than are translated")
            changed, lines = self._manager.do_one_token_transform(lines)
        return lines


@dataclass(frozen=True)
class Code:
    """A cell's source as written, read lazily. Never runs it; everything here is safe on hostile text."""

    source: str
    translator: Translator = field(default_factory=Translator, compare=False, repr=False)

    def read(self) -> None:
        """Find out everything now, so that what is kept does not depend on how much memory is left later."""
        _ = self.fingerprint, self.names, self.reads

    @cached_property
    def python(self) -> str:
        """Plain Python: IPython's own syntax turned into ``get_ipython()`` calls where that can be done."""
        if _parse(self.source) is not None or len(self.source) > MAX_CELL:
            return self.source
        text = _BODY_CELL_MAGIC.sub(r"\1# \2", self.source)
        text = _BODY_LINE_MAGIC.sub(r"\1", text)
        if _parse(text) is not None:
            return text
        blank = len(text) - len(text.lstrip("\n"))  # IPython drops these, and line numbers would shift
        try:
            return "\n" * blank + self.translator.translate(text)
        except (
            Exception
        ):  # hostile or broken text: the cell will fail where it runs, with Python's own message
            return self.source

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, or None when this is not Python."""
        return _parse(self.python)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that running the cell would bind at the top level."""
        if self.tree is None:
            found = re.findall(
                r"^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*=(?!=)", self.source, re.MULTILINE
            )
            return frozenset(name for pair in found for name in pair if name)
        return frozenset(_bound(self.tree))

    @cached_property
    def reads(self) -> frozenset[str]:
        """Names that the cell reads at the top level or, in its functions, as globals."""
        try:
            tables = [symtable.symtable(self.python, "cell", "exec")] if self.tree is not None else []
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset()
        found = set()
        while tables:
            table = tables.pop()
            top = table.get_type() == "module"
            found |= {
                s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())
            }
            tables += table.get_children()
        return frozenset(found)

    @cached_property
    def fingerprint(self) -> str:
        """Equal for cells that do the same: comments and layout do not count where the cell is Python."""
        if self.tree is not None:
            with contextlib.suppress(RecursionError, ValueError):  # ValueError: an integer too long to print
                return ast.dump(self.tree)
        return squeeze(self.source)

    @property
    def empty(self) -> bool:
        """True when there is nothing to run."""
        return self.tree is not None and not self.tree.body

    @property
    def only_checks(self) -> bool:
        """True when the cell does nothing but call ``check(...)``, which has no effect when grading."""
        return self.tree is not None and all(_is_check(statement) for statement in self.tree.body)

    def flags(self) -> list[str]:
        """What an instructor may want to look at, such as ``uses np.correlate``; costs no points."""
        return list(dict.fromkeys(_flags(self.tree))) if self.tree is not None else []


def squeeze(text: str) -> str:
    """`text` without any blanks, for comparing what layout may have changed."""
    return "".join(text.split())


def _parse(source: str) -> ast.Module | None:
    if len(source) > MAX_CELL:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "invalid escape sequence" is the student's business
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _bound(tree: ast.AST) -> Iterator[str]:
    """Names bound by statements, also inside ``if``, ``try``, ``with`` and loops, not inside functions."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            pending.extend(ast.iter_child_nodes(node))


def _is_check(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "check"
    )


def _flags(tree: ast.Module) -> Iterator[str]:
    aliases = {"np", "numpy"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {alias.asname for alias in node.names if alias.name == "numpy" and alias.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots = {alias.name.partition(".")[0] for alias in node.names}
            yield from (f"imports {root}" for root in sorted(roots & FLAGGED_MODULES))
            yield from _parts(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            root = node.module.partition(".")[0]
            yield from _parts([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
            if root in FLAGGED_MODULES:
                yield f"imports {root}"
            elif root == "numpy":
                yield from (f"uses np.{alias.name}" for alias in node.names if alias.name in FLAGGED_NUMPY)
        elif isinstance(node, ast.Attribute) and node.attr in FLAGGED_REACH:
            yield f"uses {node.attr}, which reaches beyond the notebook"
        elif isinstance(node, ast.Attribute) and node.attr in FLAGGED_NUMPY:
            if isinstance(node.value, ast.Name) and node.value.id in aliases:
                yield f"uses np.{node.attr}"
        elif isinstance(node, ast.Call):
            yield from _shell(node)


def _parts(modules: Iterable[str]) -> Iterator[str]:
    """The parts of the grader among the modules that are imported."""
    for name in modules:
        yield from (f"imports {part}" for part in FLAGGED_PARTS if f"{name}.".startswith(f"{part}."))


def _shell(call: ast.Call) -> Iterator[str]:
    """Calls that IPython's ``!`` and shell-like magics were translated to."""
    method = call.func
    if not (isinstance(method, ast.Attribute) and isinstance(method.value, ast.Call)):
        return
    if not (isinstance(method.value.func, ast.Name) and method.value.func.id == "get_ipython"):
        return
    first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
    if method.attr in _SHELL_CALLS:
        yield f"runs the shell command {first!r}"
    elif method.attr in ("run_line_magic", "run_cell_magic") and first in _SHELL_MAGICS:
        yield f"uses the magic %{first}"
