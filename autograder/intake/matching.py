"""Which cell of a submission is whose: answers, the student's own cells, written answers, given cells.

An answer cell is known by its nbgrader id, else by its marker line, else by the name it defines. Given cells
that were not changed are dropped: the ones that grading needs are taken from the instructor's notebook.
"""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import nbformat

from autograder.intake.code import Code, Translator, squeeze
from autograder.intake.reading import Page, PageCell
from autograder.results import Cell, Intake, Note
from autograder.text import listed, printable

EXERCISE_MARKER = re.compile(r"^[ \t]*#[ \t]*exercise:[ \t]*(\w+)[ \t]*$", re.MULTILINE)
WRITTEN_MARKER = re.compile(r"<!--[ \t]*answer:[ \t]*([\w-]+)[ \t]*-->")
POWERLESS_TAGS = frozenset({"skip-execution", "raises-exception", "hide-cell", "remove-cell"})
PICTURE = re.compile(r"data:image/[\w.+-]+;base64,[\w+/=]{100,}")  # as Colab pastes them into a text
MAX_NOTES = 200
MAX_WRITTEN = 100_000  # characters of a written answer


@dataclass(frozen=True)
class Given:
    """A code cell of the instructor's that is no answer. role: ``needed``, ``check`` or ``shown``."""

    name: str
    role: str
    code: Code


@dataclass(frozen=True)
class Written:
    """A written question: the text that stands in its cell at release, and the prompt above it."""

    stub: str
    prompt: str


@dataclass
class Released:
    """What the instructor's notebook holds, by grade id; `given` also by cell id and by fingerprint.

    codes: every code cell by its text, so that cells a student left alone need not be read again.
    """

    stubs: dict[str, Code] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    needed: list[Code] = field(default_factory=list)
    given: dict[str, Given] = field(default_factory=dict)
    prose: set[str] = field(default_factory=set)
    tags: dict[str, frozenset[str]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    notebook: str = ""
    release: str = ""


def read_release(instructor: nbformat.NotebookNode) -> Released:
    """Sort the cells of the instructor's notebook by what they are for; done once for a class."""
    return _read_release(pickle.dumps(instructor))


@functools.lru_cache(maxsize=4)
def _read_release(pickled: bytes) -> Released:
    instructor: nbformat.NotebookNode = pickle.loads(pickled)
    course = instructor.metadata.get("convnet_course", {})
    released = Released(notebook=course.get("notebook", ""), release=course.get("release", ""))
    prompt = ""
    for cell in instructor.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        grade_id = nbgrader.get("grade_id", "")
        graded, solution = nbgrader.get("grade", False), nbgrader.get("solution", False)
        if cell.cell_type == "markdown":
            if graded and solution:
                released.written[grade_id] = Written(cell.source, squeeze(prompt))
            else:
                released.prose.add(squeeze(cell.source))
            prompt = cell.source
        elif cell.cell_type == "code":
            code = released.codes[cell.source] = Code(cell.source)
            code.read()
            if solution:
                released.stubs[grade_id] = code
            else:
                _add_given(released, cell, code, grade_id, graded)
    return released


def _add_given(
    released: Released, cell: nbformat.NotebookNode, code: Code, grade_id: str, graded: bool
) -> None:
    needed = "needed" in cell.metadata.get("tags", ())
    if needed:
        released.needed.append(code)
    role = "check" if graded else "needed" if needed else "shown"
    given = Given(grade_id or cell.get("id", ""), role, code)
    for key in (grade_id, cell.get("id", ""), code.fingerprint):
        if key:
            released.given.setdefault(key, given)


@dataclass(frozen=True)
class Piece:
    """A cell of the submission that may run. exercises: those that it answers; none for an added cell."""

    cell: PageCell
    code: Code
    exercises: tuple[str, ...] = ()


def match(page: Page, released: Released, *, sha256: str, notes: Sequence[Note]) -> Intake:
    """Take the student's code and written answers out of `page`, and say in notes what was put right."""
    receipt = [*notes, *page.notes, *_release_notes(page, released), *_tag_notes(page)]
    written, text_cells = _written_answers(page, released, receipt)
    translator = Translator()
    read = [
        Piece(cell, released.codes.get(cell.source) or Code(cell.source, translator))
        for cell in page.cells
        if cell.number not in text_cells
    ]
    pieces = [piece for found in read if (piece := _sorted(found, released, receipt)) is not None]
    pieces = _without_spare_stubs(pieces, released, receipt)
    borrowed = _borrowed(read, pieces, released, receipt)
    receipt += _flag_notes(pieces, released)
    own = [
        *map(_to_run, pieces),
        *(Cell(piece.code.python, "needed", piece.cell.number) for piece in borrowed),
    ]
    return Intake(
        cells=(
            *(Cell(code.python, "needed") for code in released.needed),
            *sorted(own, key=lambda cell: cell.number),
        ),
        answers=_answers(pieces, released),
        added=tuple((piece.cell.number, piece.cell.source) for piece in pieces if not piece.exercises),
        written=written,
        notes=_shortened(receipt),
        sha256=sha256,
    )


def _shortened(receipt: Sequence[Note]) -> tuple[Note, ...]:
    """Each note once, and no more than a person would read."""
    notes = tuple(dict.fromkeys(receipt))
    if len(notes) <= MAX_NOTES:
        return notes
    return (*notes[:MAX_NOTES], Note("ignored", f"{len(notes) - MAX_NOTES} notes more were left out"))


def _to_run(piece: Piece) -> Cell:
    exercise = piece.exercises[0] if piece.exercises else None
    return Cell(piece.code.python, "answer" if exercise else "added", piece.cell.number, exercise)


def _answers(pieces: Sequence[Piece], released: Released) -> dict[str, str]:
    """Exercise -> source as written; the parts of an answer given in several cells, in their order."""
    found: dict[str, str] = {}
    for name in released.stubs:
        parts = [piece.cell.source for piece in pieces if name in piece.exercises]
        if parts:
            found[name] = "\n\n".join(parts)
    return found


def _release_notes(page: Page, released: Released) -> list[Note]:
    if page.notebook and page.notebook != released.notebook:
        message = (
            f"this is the notebook {printable(page.notebook)}, handed in as {released.notebook}; "
            "ask the student for the right one"
        )
        return [Note("flag", message)]
    if page.release and page.release != released.release:
        message = (
            f"made from release {printable(page.release)}; graded with the current one, {released.release}"
        )
        return [Note("release", message)]
    return []


def _tag_notes(page: Page) -> list[Note]:
    found = {tag: [cell.number for cell in page.cells if tag in cell.tags] for tag in POWERLESS_TAGS}
    return [
        Note("ignored", f"the tag {tag} has no effect on grading (cell {listed(numbers)})")
        for tag, numbers in sorted(found.items())
        if numbers
    ]


# Code cells


def _sorted(piece: Piece, released: Released, receipt: list[Note]) -> Piece | None:
    """The cell with the exercises it answers, or None: prose, an unchanged given cell, or nothing to run."""
    cell, code = piece.cell, piece.code
    if cell.kind != "code":
        return _answer_in_a_text_cell(cell, code, released, receipt)
    if code.fingerprint in released.given:
        return None
    if code.empty or code.only_checks:
        receipt += [note for note in _changed_given(cell, released) if note.kind == "flag"]
        return None
    claimed = _claims(cell, released)
    defined = [name for name in released.stubs if name in code.names]
    if claimed and defined and not set(claimed) & set(defined):
        message = (
            f"cell {cell.number} stood for {listed(claimed)} but defines {listed(defined)}; taken for that"
        )
        receipt.append(Note("repaired", message))
        claimed = []
    elif defined and not claimed:
        message = f"cell {cell.number} has no label but defines {listed(defined)}; taken as the answer"
        receipt.append(Note("repaired", message))
    exercises = tuple(dict.fromkeys([*claimed, *defined]))
    if not exercises:
        receipt += _changed_given(cell, released)
    return Piece(cell, code, exercises)


def _claims(cell: PageCell, released: Released) -> list[str]:
    """Exercises that the cell says it answers, by nbgrader id and by marker lines."""
    claims = [cell.grade_id, *EXERCISE_MARKER.findall(cell.source)]
    return [name for name in dict.fromkeys(claims) if name in released.stubs]


def _answer_in_a_text_cell(
    cell: PageCell, code: Code, released: Released, receipt: list[Note]
) -> Piece | None:
    """An answer whose cell was turned into Markdown or raw text: it must say so *and* define the name."""
    names = tuple(name for name in _claims(cell, released) if name in code.names)
    if not names:
        return None
    message = f"cell {cell.number}, the answer to {listed(list(names))}, is a {cell.kind} cell; taken as code"
    receipt.append(Note("repaired", message))
    return Piece(cell, code, names)


def _changed_given(cell: PageCell, released: Released) -> list[Note]:
    given = released.given.get(cell.grade_id) or released.given.get(cell.id)
    if given is None:
        return []
    if given.role == "check":
        under = given.name.removeprefix("check_")
        return [Note("flag", f"the check under {under} was edited; it has no effect on the grade")]
    if given.role == "needed":
        message = f"cell {cell.number}, which came with the notebook, was changed; the original ran first"
        return [Note("repaired", message)]
    return [
        Note("ignored", f"cell {cell.number}, which came with the notebook, was changed; it ran as added")
    ]


def _without_spare_stubs(pieces: list[Piece], released: Released, receipt: list[Note]) -> list[Piece]:
    """Drop untouched copies of a stub where the exercise is answered; note what is missing or twofold."""
    dropped: set[int] = set()
    for name, stub in released.stubs.items():
        candidates = [piece for piece in pieces if name in piece.exercises]
        real = [piece for piece in candidates if piece.code.fingerprint != stub.fingerprint]
        untouched = [piece for piece in candidates if piece.code.fingerprint == stub.fingerprint]
        spare = untouched if real else untouched[1:]
        dropped |= {piece.cell.number for piece in spare}
        if not candidates:
            receipt.append(
                Note("missing", f"{name}: no cell answers it, by its id, its marker line or its name")
            )
        elif len(real) > 1:
            numbers = [piece.cell.number for piece in real]
            message = (
                f"{name} is answered in cells {listed(numbers)}; they run in this order, the last one counts"
            )
            receipt.append(Note("duplicate", message))
        if spare:
            numbers = [piece.cell.number for piece in spare]
            message = f"{name}: an untouched copy of its cell was left out (cell {listed(numbers)})"
            receipt.append(Note("duplicate", message))
    return [piece for piece in pieces if piece.cell.number not in dropped]


def _borrowed(
    read: Sequence[Piece], pieces: Sequence[Piece], released: Released, receipt: list[Note]
) -> list[Piece]:
    """Unchanged demo cells that the student's code cannot do without, because it reads a name they bind.

    From the last cell to the first: a name is looked for in the nearest cell above the one that reads it.
    """
    own = {piece.cell.number for piece in pieces}
    always = {name for code in released.needed for name in code.names}
    wanted: set[str] = set()
    borrowed = []
    for piece in reversed(read):
        code = piece.code
        given = released.given.get(code.fingerprint) if piece.cell.kind == "code" else None
        if piece.cell.number not in own:
            used = code.names & wanted if given is not None and given.role == "shown" else frozenset()
            if not used:
                continue
            borrowed.append(piece)
            message = (
                f"cell {piece.cell.number}, which came with the notebook, ran too: the student's code uses "
            )
            receipt.append(Note("repaired", message + printable(listed(sorted(used)), 200)))
        wanted = (wanted - code.names | code.reads) - always
    return borrowed


def _flag_notes(pieces: Sequence[Piece], released: Released) -> list[Note]:
    notes = []
    for piece in pieces:
        given = released.given.get(piece.cell.grade_id) or released.given.get(piece.cell.id)
        allowed = given.code.flags() if given else []  # what an edited demo cell did already at release
        where = f"cell {piece.cell.number}"
        if piece.exercises:
            where += f" (exercise {listed(list(piece.exercises))})"
        notes += [
            Note("flag", printable(f"{flag} in {where}", 200))
            for flag in piece.code.flags()
            if flag not in allowed
        ]
    return notes


# Written answers


def _written_answers(page: Page, released: Released, receipt: list[Note]) -> tuple[dict[str, str], set[int]]:
    """Question -> the student's text, and the numbers of all cells that belong to written questions."""
    answers: dict[str, str] = {}
    taken: set[int] = set()
    for name, question in released.written.items():
        labelled = [cell for cell in page.cells if _written_name(cell, released.written) == name]
        taken |= {cell.number for cell in labelled}
        candidates = [cell for cell in labelled if _answered(cell, question)]
        if not candidates and (nearby := _text_nearby(page, labelled, question, released)) is not None:
            message = f"cell {nearby.number} stands where the answer to {name} belongs and was taken as such"
            receipt.append(Note("repaired", message))
            candidates = [nearby]
        taken |= {cell.number for cell in candidates}
        if candidates:
            text = "\n\n".join(_without_marker(cell.source).strip() for cell in candidates)
            answers[name] = _readable(name, text, receipt)
        elif not labelled:
            receipt.append(Note("missing", f"{name}: the cell for the written answer is gone"))
        receipt += _written_notes(name, candidates)
    return answers, taken


def _readable(name: str, text: str, receipt: list[Note]) -> str:
    """A written answer without the bytes of pasted pictures, and no longer than a person would read."""
    text, pictures = PICTURE.subn("a-picture", text)
    if pictures:
        receipt.append(Note("ignored", f"{name}: pasted pictures ({pictures}) show in the notebook only"))
    if len(text) > MAX_WRITTEN:
        message = f"{name}: of {len(text)} characters only the first {MAX_WRITTEN} were taken"
        receipt.append(Note("ignored", message))
    return text[:MAX_WRITTEN]


def _written_notes(name: str, candidates: Sequence[PageCell]) -> list[Note]:
    notes = [
        Note(
            "repaired",
            f"cell {cell.number}, the written answer to {name}, is a {cell.kind} cell; taken as text",
        )
        for cell in candidates
        if cell.kind != "markdown"
    ]
    if len(candidates) > 1:
        numbers = listed([cell.number for cell in candidates])
        notes.append(Note("duplicate", f"{name} is answered in cells {numbers}; their texts were joined"))
    return notes


def _written_name(cell: PageCell, written: Mapping[str, Written]) -> str:
    """The written question that the cell says it answers, or ""."""
    if cell.grade_id in written:
        return cell.grade_id
    found = WRITTEN_MARKER.search(cell.source)
    return found[1] if found and found[1] in written else ""


def _answered(cell: PageCell, question: Written) -> bool:
    """True when something stands in the cell that the released one did not hold."""
    stub_lines = {squeeze(line) for line in _without_marker(question.stub).splitlines()}
    return any(squeeze(line) not in stub_lines | {""} for line in _without_marker(cell.source).splitlines())


def _without_marker(source: str) -> str:
    return WRITTEN_MARKER.sub("", source)


def _text_nearby(
    page: Page, labelled: Sequence[PageCell], question: Written, released: Released
) -> PageCell | None:
    """The student's own text cell right under the untouched answer cell, else under the question itself."""
    numbers = {cell.number for cell in labelled}
    above = numbers or {
        cell.number for cell in page.cells if question.prompt and squeeze(cell.source) == question.prompt
    }
    for cell in page.cells:
        own = cell.kind != "code" and squeeze(cell.source) and squeeze(cell.source) not in released.prose
        if cell.number - 1 in above and own and not _labelled(cell, released):
            return cell
    return None


def _labelled(cell: PageCell, released: Released) -> bool:
    return bool(_written_name(cell, released.written) or _claims(cell, released))
