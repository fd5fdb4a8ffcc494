"""From solutions/NN_topic.py to notebooks: the one hand-written form becomes what students and nbgrader get.

`read` parses and checks a source, `build` lets nbgrader's own machinery make the release and register the
assignment, `build_all` is ``make notebooks``, and `build_named` builds some notebooks and reads nothing of
the others. `load` and `snippets` give the solutions as code to proofs and to the demo class; `solve` puts
code into a released notebook. No student code runs here.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import json
import linecache
import logging
import os
import re
import secrets
import shutil
import sys
import tempfile
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jupytext
import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from traitlets.config import Config

import cs_utils.checking
import cs_utils.exercises
from cs_utils.checking.answers import canonical, slow_hash

if TYPE_CHECKING:
    from autograder.course import Course

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS = ROOT / "solutions"
NOTEBOOKS = ROOT / "notebooks"
COURSE = ROOT / "build" / "course"

LONGEST_CELL = 15
BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
# What decides a grade: a change in one of these makes another release.
ENGINE_FILES = ("answers.py", "compare.py", "evaluate.py", "exercise.py", "outcome.py", "probes.py")
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}

FIRST_CELL = """\
import importlib.util
if importlib.util.find_spec("cs_utils") is None:  # on Colab; numpy and torch stay as they are
    %pip install -q --no-deps "git+{address}"\
"""

Kind = Literal["prose", "shown", "needed", "answer", "check", "written"]


class SourceError(ValueError):
    """A source that cannot be built; the message names the file, the cell and what to do."""


@dataclass(frozen=True)
class SourceCell:
    """One cell of a source. name: of the exercise, question or written question, else "".

    number: position in the source, counted from 1. points: of check and written cells.
    """

    kind: Kind
    source: str
    number: int
    name: str = ""
    points: float = 0


@dataclass(frozen=True)
class Source:
    """A parsed and checked solutions/NN_topic.py."""

    path: Path
    cells: tuple[SourceCell, ...]

    @property
    def name(self) -> str:
        """Of the notebook and of the assignment, such as ``01_correlation``."""
        return self.path.stem

    def points(self, kind: Kind = "check") -> dict[str, float]:
        """Points by name, in order, of the check cells or of the written cells."""
        return {cell.name: cell.points for cell in self.cells if cell.kind == kind}


@dataclass(frozen=True)
class Snippet:
    """What a student would put into the answer cell of `exercise`; title: of the style or the mistake."""

    exercise: str
    title: str
    source: str


# --- reading ----------------------------------------------------------------------------------------------


def read(path: Path) -> Source:
    """Parse and check a source.

    Text before the first ``# %%`` is a note to maintainers and goes nowhere.

    Raises:
        SourceError: something in it would make a broken notebook or a wrong grade.
    """
    text = path.read_text(encoding="utf-8")
    start = re.search(r"^# %%", text, re.MULTILINE)
    if start is None:
        raise SourceError(f"{path}: no cell found; cells begin with a line `# %%` (Jupytext percent format)")
    notebook = jupytext.reads(text[start.start() :], fmt="py:percent")
    cells = tuple(_cell(path, number, cell) for number, cell in enumerate(notebook.cells, 1))
    source = Source(path, cells)
    _check_order(source)
    _check_points(source)
    return source


ATTRIBUTES: dict[str, Kind] = {"exercise": "answer", "check": "check", "written": "written"}


def _cell(path: Path, number: int, cell: NotebookNode) -> SourceCell:
    metadata = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
    role = next((key for key in ATTRIBUTES if key in metadata), "")
    name = str(metadata.pop(role, ""))
    points = metadata.pop("points", 0)
    tags = metadata.pop("tags", [])

    def wrong(what: str) -> SourceError:
        label = f' ({role}="{name}")' if role else ""
        return SourceError(f"{path}, cell {number}{label}: {what}")

    if metadata:
        raise wrong(
            f"unknown attribute {', '.join(metadata)}; known are exercise, check, written, points, tags"
        )
    if role and not name.isidentifier():
        raise wrong("the name must be a Python name")
    if cell.cell_type != ("markdown" if role == "written" else "code") and role:
        raise wrong(f"{role} cells are {'Markdown' if role == 'written' else 'code'} cells")
    if (role in ("check", "written")) != bool(points) or not isinstance(points, int | float) or points < 0:
        raise wrong("check and written cells, and only these, have points=NUMBER above 0")
    if tags not in ([], ["needed"]) or (tags and (role or cell.cell_type != "code")):
        raise wrong(f'found tags={tags}; the only tag is "needed", on shown code cells')
    kind: Kind = "shown" if cell.cell_type == "code" else "prose"
    kind = ATTRIBUTES.get(role, "needed" if tags else kind)
    if problem := _problem(kind, name, cell.source):
        raise wrong(problem)
    return SourceCell(kind, cell.source, number, name, points)


def _problem(kind: Kind, name: str, source: str) -> str | None:
    """What is wrong with the text of one cell."""
    regions = source.count(BEGIN), source.count(END)
    if kind not in ("answer", "written"):
        return "a solution region belongs into an answer cell (# %% exercise=...)" if any(regions) else None
    several = kind == "answer" and re.search(rf"^class {name}\b", source, re.MULTILINE)  # one for a method
    if regions[0] != regions[1] or not regions[0] or (regions[0] > 1 and not several):
        return f"write exactly one ### {BEGIN} ... ### {END}; found {regions[0]} and {regions[1]}"
    if kind == "written":
        return None
    if re.search(rf"^(def|class) {name}\b", source, re.MULTILINE):
        if _at_margin(source):
            return f"put the solution region inside {name}, indented like its body"
    elif not re.search(rf"^{name} = None\b", source, re.MULTILINE) or not _at_margin(source):
        return (
            f"define {name}; a short question has `{name} = None  # your answer` and then the solution region"
        )
    return None


def _at_margin(source: str) -> bool:
    """Does the solution region start at the left margin (a short question)?"""
    return any(BEGIN in line and not line[0].isspace() for line in source.splitlines())


def _check_order(source: Source) -> None:
    """Every name once, every answer followed by its check, a title to start with."""
    first = source.cells[0]
    if first.kind != "prose" or not first.source.startswith("# "):
        raise SourceError(f"{source.path}, cell 1: start with a Markdown cell whose first line is `# Title`")
    seen: dict[tuple[Kind, str], int] = {}
    for cell in source.cells:
        if not cell.name:
            continue
        where = f"{source.path}, cell {cell.number}"
        if (cell.kind, cell.name) in seen:
            earlier = seen[cell.kind, cell.name]
            raise SourceError(f"{where}: {cell.name!r} was used in cell {earlier}; names are given once")
        if cell.kind == "check" and ("answer", cell.name) not in seen:
            raise SourceError(
                f'{where}: no answer cell before it; add one headed # %% exercise="{cell.name}"'
            )
        seen[cell.kind, cell.name] = cell.number
    for kind, name in seen:
        if kind == "answer" and ("check", name) not in seen:
            raise SourceError(
                f'{source.path}, cell {seen[kind, name]}: no check cell; add # %% check="{name}" points=...'
            )


def _check_points(source: Source) -> None:
    """Check cells must agree with `cs_utils.exercises` and the answers, and nothing may be left out."""
    asked = set(answers(source))
    described = cs_utils.exercises.of_notebook(source.name), cs_utils.exercises.files_of_notebook(source.name)
    known = {one.name: one for found in described for one in found}
    for cell in source.cells:
        if cell.kind != "check":
            continue
        where = f"{source.path}, cell {cell.number}"
        if cell.name in known:
            call = f"check({cell.name})"
            if cell.points != known[cell.name].points:
                raise SourceError(
                    f"{where}: points={cell.points:g}, but the groups of {cell.name} in cs_utils.exercises"
                    f" add up to {known[cell.name].points:g}; change one of them"
                )
        elif cell.name in asked:
            call = f"check({cell.name}={cell.name})"
        else:
            raise SourceError(
                f"{where}: {cell.name!r} is neither an exercise of {source.name} in cs_utils.exercises"
                f" nor a question in {answers_file(source)}; add it there or correct the name"
            )
        if cell.source != call:
            raise SourceError(f"{where}: a check cell holds exactly `{call}`; found {cell.source!r}")
    if missing := (asked | set(known)) - set(source.points()):
        raise SourceError(
            f"{source.path}: no cells for {', '.join(sorted(missing))}; add them or remove them"
        )


def answers_file(source: Source) -> Path:
    """Where the answers of a notebook's short questions are: answers/NN_topic.toml beside the source."""
    return source.path.parent / "answers" / f"{source.name}.toml"


def answers(source: Source) -> dict[str, dict[str, Any]]:
    """The short questions of this notebook: right and known wrong answers, by name."""
    path = answers_file(source)
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{path}: {error}") from error


def without_solution(text: str) -> str:
    """`text` without its solution region, delimiters included."""
    return re.sub(rf"^[^\n]*{BEGIN}.*?{END}[^\n]*\n?", "", text, flags=re.DOTALL | re.MULTILINE)


def with_solution(text: str) -> str:
    """`text` with its solution, without the lines of the delimiters."""
    return re.sub(rf"^[^\n]*(?:{BEGIN}|{END})[^\n]*\n?", "", text, flags=re.MULTILINE).rstrip()


def code_lines(cell: SourceCell) -> int:
    """Lines a student sees in a code cell, without blank lines and docstrings."""
    shown = re.sub(r'""".*?"""', "", without_solution(cell.source), flags=re.DOTALL)
    return sum(bool(line.strip()) for line in shown.splitlines())


def long_cells(source: Source) -> list[SourceCell]:
    """Code cells that scroll."""
    code = (cell for cell in source.cells if cell.kind not in ("prose", "written"))
    return [cell for cell in code if code_lines(cell) > LONGEST_CELL]


# --- building ---------------------------------------------------------------------------------------------


class NamedStubs(ClearSolutions):
    """nbgrader's own clearing of solutions, with a stub that names the function.

    A short question, whose region starts at the left margin, gets no stub: ``name = None`` stays above it.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        stub = "" if _at_margin(cell.source) else f'raise NotImplementedError("write {name}")'
        self.code_stub = {"python": stub}
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        cell.source = cell.source.rstrip()
        return cell, resources


def to_notebook(source: Source) -> NotebookNode:
    """The instructor's version, solutions included, with nbgrader's metadata."""
    cells = [_notebook_cell(cell) for cell in source.cells]
    cells.insert(1, nbformat.v4.new_code_cell(FIRST_CELL.format(address=address()), id="first"))
    seen: dict[str, int] = {}
    for cell in cells:
        seen[cell.id] = seen.get(cell.id, 0) + 1
        if seen[cell.id] > 1:
            cell.id = f"{cell.id}-{seen[cell.id]}"
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "colab": {"name": f"{source.name}.ipynb", "provenance": [], "toc_visible": True},
            "convnet_course": {"notebook": source.name, "release": release_id(source)},
            "kernelspec": KERNELSPEC,
            "language_info": {"name": "python"},
        },
    )


def _notebook_cell(cell: SourceCell) -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if cell.kind in ("prose", "written") else nbformat.v4.new_code_cell
    grade_id = f"check_{cell.name}" if cell.kind == "check" else cell.name
    text = cell.source
    if cell.kind == "answer":
        text = f"# exercise: {cell.name}\n{text}"
    elif cell.kind == "written":
        text = f"<!-- answer: {cell.name} -->\n\n{text}"
    node = make(text, id=grade_id or _digest(text)[:8])
    if cell.kind == "needed":
        node.metadata["tags"] = ["needed"]
    if cell.name:
        node.metadata["nbgrader"] = {
            "grade": cell.kind != "answer",
            "grade_id": grade_id,
            "locked": cell.kind == "check",
            "schema_version": 3,
            "solution": cell.kind != "check",
            "task": False,
        }
        if cell.points:
            node.metadata["nbgrader"]["points"] = cell.points
    return node


def address() -> str:
    """Where students install ``cs_utils`` from: ``[tool.convnet-course] address`` in pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["convnet-course"]["address"]


def release_id(source: Source) -> str:
    """Twelve hex digits over what students see and what grades it; prose of solutions does not count."""
    shown = [
        f"{cell.kind} {cell.name} {cell.points:g}\n{without_solution(cell.source)}" for cell in source.cells
    ]
    engine = Path(cs_utils.checking.__file__).parent
    described = Path(cs_utils.exercises.__file__).with_name(f"nb{source.name}.py")
    files = [engine / name for name in ENGINE_FILES] + [described] * described.exists()
    return _digest(
        *shown, *(path.read_text(encoding="utf-8") for path in files), json.dumps(answers(source))
    )[:12]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def build(source: Source, course_dir: Path, register: bool = True, course: Course | None = None) -> Path:
    """Write the instructor's notebook, make the release and register the assignment, as nbgrader does it.

    Returns the path of the released notebook. An assignment that was built before is replaced. Without
    `register` no gradebook is touched, which saves seconds where only the notebook is wanted. course: the
    one that the folder belongs to, whose gradebook may be on a server.

    Raises:
        SourceError: nbgrader refused; its own words are in the message.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import SaveCells
    from nbgrader.utils import capture_log

    original = course_dir / "source" / source.name / f"{source.name}.ipynb"
    original.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(to_notebook(source), original)
    config = Config()
    config.CourseDirectory.root = str(course_dir.resolve())
    config.CourseDirectory.assignment_id = source.name
    if course is not None:
        config.CourseDirectory.course_id = course.course_id
        config.CourseDirectory.db_url = course.db_url
    config.GenerateAssignment.no_database = not register
    config.GenerateAssignment.preprocessors = [
        NamedStubs if step is ClearSolutions else step
        for step in GenerateAssignment().preprocessors
        if register or step is not SaveCells
    ]
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    converter.force = True
    with alembic_on_path(), _quiet(converter.log):
        result = capture_log(converter)
    if not result["success"]:
        log = result.get("log") or result["error"]
        raise SourceError(f"{source.path}: nbgrader could not make the release:\n{log}")
    return course_dir / "release" / source.name / f"{source.name}.ipynb"


@contextlib.contextmanager
def alembic_on_path() -> Iterator[None]:
    """nbgrader calls the command ``alembic`` when it creates a database; it lives beside this Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _quiet(log: logging.Logger) -> Iterator[None]:
    """nbgrader reports every step on the terminal; keep it for the error message only."""
    handlers, propagate = log.handlers[:], log.propagate
    log.handlers[:], log.propagate = [], False
    try:
        yield
    finally:
        log.handlers[:], log.propagate = handlers, propagate


def sources(folder: Path = SOLUTIONS) -> list[Path]:
    """The sources of all notebooks, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def named_sources(names: Iterable[str]) -> list[Path]:
    """The sources of these notebooks.

    Raises:
        SourceError: there is no source of that name; the message says which there are.
    """
    there = {path.stem: path for path in sources()}
    if unknown := [name for name in names if name not in there]:
        raise SourceError(
            f"there is no notebook called {', '.join(unknown)}; the notebooks are: {', '.join(there)}"
        )
    return [there[name] for name in names]


def build_all(root: Path = ROOT, course_dir: Path = COURSE, register: bool = True) -> list[Path]:
    """Build every notebook and the questions' hashes below `root`; returns the files that changed."""
    found = [read(path) for path in sources()]
    shutil.rmtree(course_dir, ignore_errors=True)  # a gradebook keeps cells that no longer exist
    questions = root / "cs_utils" / "exercises" / cs_utils.exercises.QUESTIONS_FILE.name
    changed = _write(questions, _to_json(hashed_questions(found)))
    return changed + _build_into(root, found, course_dir, register)


def build_named(names: Iterable[str], root: Path = ROOT) -> list[Path]:
    """Build these notebooks only; the others, their questions and the gradebook stay as they are.

    Nothing of the other notebooks is read: one of them may be half written.
    """
    found = [read(path) for path in named_sources(names)]
    fresh = hashed_questions(found)
    built = {source.name for source in found}
    others = {name: entry for name, entry in _hashed_before().items() if entry["notebook"] not in built}
    if twice := set(fresh) & set(others):
        raise SourceError(f"{', '.join(sorted(twice))}: another notebook has a question of that name")
    questions = root / "cs_utils" / "exercises" / cs_utils.exercises.QUESTIONS_FILE.name
    changed = _write(questions, _to_json(others | fresh))
    with tempfile.TemporaryDirectory() as course_dir:
        return changed + _build_into(root, found, Path(course_dir), register=False)


def _build_into(root: Path, found: Iterable[Source], course_dir: Path, register: bool) -> list[Path]:
    changed: list[Path] = []
    for source in found:
        released = build(source, course_dir, register).read_bytes()
        changed += _write(root / "notebooks" / source.name / f"{source.name}.ipynb", released)
    return changed


def _write(path: Path, content: bytes) -> list[Path]:
    """Write a file only when it changed, so that nothing looks newer than it is."""
    if path.exists() and path.read_bytes() == content:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return [path]


def _to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def hashed_questions(found: Iterable[Source]) -> dict[str, Any]:
    """The content of questions.json: no answer, but salted slow hashes of the right and known wrong ones.

    A question keeps the salt it has, so that the file changes only when a question does.

    Raises:
        SourceError: an answer cannot be one, has two meanings, or two notebooks share a question's name.
    """
    existing = _hashed_before()
    hashed: dict[str, Any] = {}
    for source in found:
        for name, entry in answers(source).items():
            if name in hashed:
                raise SourceError(
                    f"{answers_file(source)}: {hashed[name]['notebook']} has a question called {name!r} too;"
                    " rename one of them"
                )
            salt = existing.get(name, {}).get("salt") or secrets.token_hex(8)
            hashed[name] = _hashed(source, name, entry, salt)
    return hashed


def _hashed_before() -> dict[str, Any]:
    """The content of questions.json as it is."""
    path = cs_utils.exercises.QUESTIONS_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _hashed(source: Source, name: str, entry: Mapping[str, Any], salt: str) -> dict[str, Any]:
    def digest(answer: Any) -> str:
        text = canonical(answer)
        if text is None:
            raise SourceError(
                f"{answers_file(source)}, {name}: {answer!r} can be no answer; use numbers, texts or lists"
            )
        return _cached_hash(text, salt)

    right = [digest(answer) for answer in (entry["answer"], *entry.get("also", []))]
    wrong = {
        digest(known["answer"]): {"name": known["name"], "hint": known["hint"]}
        for known in entry.get("wrong", [])
    }
    if set(right) & set(wrong) or len(wrong) < len(entry.get("wrong", [])):
        raise SourceError(
            f"{answers_file(source)}, {name}: the same answer is listed twice; every answer has one meaning"
        )
    points = source.points()[name]
    return {"notebook": source.name, "points": points, "salt": salt, "right": right, "wrong": wrong}


_cached_hash = functools.cache(slow_hash)


# --- solutions as code ------------------------------------------------------------------------------------


def load(path: Path, names: Iterable[str] | None = None) -> types.ModuleType:
    """The solutions of a source as a module: its needed and answer cells, and no experiment.

    names: only these exercises; all of them by default.
    """
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    wanted = None if names is None else set(names)
    for cell in read(path).cells:
        if cell.kind == "needed" or (cell.kind == "answer" and (wanted is None or cell.name in wanted)):
            run_cell(with_solution(cell.source), f"{path.name} {cell.number}", module.__dict__)
    return module


def run_cell(code: str, name: str, names: dict[str, Any]) -> None:
    """Run our own code as a notebook runs a cell: counted as a student's, and with lines in tracebacks."""
    filename = f"<cell {name}>"
    linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    exec(compile(code, filename, "exec"), names)


def snippets(path: Path) -> list[Snippet]:
    """The cells of a file in solutions/styles or solutions/mistakes, headed ``# %% exercise: title``."""
    parts = re.split(r"^# %% ?(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for header, source in zip(parts[1::2], parts[2::2], strict=True):
        exercise, colon, title = header.partition(": ")
        if not colon or not exercise.isidentifier() or not title.strip():
            raise SourceError(f"{path}: found `# %% {header}`; a snippet is headed `# %% exercise: title`")
        found.append(Snippet(exercise, title.strip(), source.strip()))
    return found


def solve(notebook: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """A copy of a released notebook with `answers`, name -> text, in its answer cells.

    Raises:
        KeyError: the notebook has no answer cell of that name.
    """
    solved = copy.deepcopy(notebook)
    cells = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in solved.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    for name, answer in answers.items():
        cell = cells[name]
        marker = f"# exercise: {name}\n" if cell.cell_type == "code" else f"<!-- answer: {name} -->\n\n"
        cell.source = marker + answer.strip("\n")
    return solved


def released(name: str) -> NotebookNode:
    """The committed notebook as students get it, such as ``released("01_correlation")``."""
    return nbformat.read(NOTEBOOKS / name / f"{name}.ipynb", as_version=4)


def solutions(name: str) -> dict[str, str]:
    """The instructor's solution of every exercise and short question of a notebook, by name."""
    return {
        cell.name: with_solution(cell.source)
        for cell in read(SOLUTIONS / f"{name}.py").cells
        if cell.kind == "answer"
    }


def solved(name: str) -> NotebookNode:
    """The released notebook with all exercises and short questions solved; written questions stay open."""
    return solve(released(name), solutions(name))


def main(arguments: list[str] | None = None) -> int:
    """``python -m autograder.source [NAME ...]``: build notebooks, or say which are out of date."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m autograder.source", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, such as 05_pooling")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when notebooks are out of date"
    )
    options = parser.parse_args(arguments)
    try:
        if options.check:
            return _report_stale()
        changed = build_named(options.names) if options.names else build_all()
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    for path in changed:
        print(f"wrote {path.relative_to(ROOT)}")
    if not changed:
        print(f"{', '.join(options.names) or 'all notebooks'}: up to date")
    return 0


def _report_stale() -> int:
    stale = stale_files()
    for path in stale:
        print(f"{path} is out of date; run `make notebooks`", file=sys.stderr)
    return 1 if stale else 0


def stale_files() -> list[str]:
    """Generated files, relative to the project, that differ from what the sources give, or have no source."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        made = {str(path.relative_to(fresh)) for path in build_all(fresh, fresh / "course", register=False)}
        differ = {
            name
            for name in made
            if not (ROOT / name).exists() or (ROOT / name).read_bytes() != (fresh / name).read_bytes()
        }
    present = {str(path.relative_to(ROOT)) for path in NOTEBOOKS.glob("*/*.ipynb")}
    return sorted(differ | (present - made))


if __name__ == "__main__":
    sys.exit(main())
