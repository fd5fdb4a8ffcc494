"""Names with line breaks, escape sequences and marks that turn the writing direction."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode

from tests.attacks.attack import TARGET, Attack, World, answer_cell
from tests.attacks.submissions.worker import instead

ODD = "a\nb\x1b[31m\u202egpj\u2066\x07\ud800"


def _file_called(name: str) -> object:
    def put(path: Path, data: bytes, world: World) -> None:
        path.with_name(name).write_bytes(data)

    return put


def _odd_ids(notebook: NotebookNode, world: World) -> None:
    for cell in notebook.cells:
        cell["id"] = ODD
    answer_cell(notebook, TARGET).metadata.nbgrader.grade_id = ODD
    notebook.metadata[ODD] = ODD
    notebook.cells[-1].metadata["tags"] = [ODD, None, 7]


def wrong_file(name: str, tries: str, called: str, says: str) -> Attack:
    happens = "nothing is graded; the row names the file in harmless letters"
    return Attack(name, tries, happens, put=_file_called(called), status="missing", says=says)  # type: ignore[arg-type]


ATTACKS = (
    wrong_file(
        "newline-name",
        "a file name with a line break that passes for a row of the report",
        "x.ipynb\nben graded 0 of 39",
        "\\n",
    ),
    wrong_file(
        "turned-name", "a file name with a mark that turns the direction", "02_shapes\u202ebnypi", "\\u202e"
    ),
    wrong_file(
        "escape-name",
        "a file name that clears the terminal and sets its title",
        "\x1b[2J\x1b]0;PWNED\x07.ipynb",
        "\\x1b",
    ),
    wrong_file("not-utf8-name", "a file name that is no UTF-8", "\udcff\udcfe.ipynb", "\\udcff"),
    wrong_file(
        "markup-name",
        "a file name with the terminal's markup",
        "[red]pwned[link=file:x]y.ipynb",
        "[red]",
    ),
    wrong_file("long-name", "a file name of 255 letters", "n" * 249 + ".ipynb", "nnn"),
    Attack(
        "odd-ids",
        "line breaks and escape sequences in ids, marks and metadata",
        "answers are known by their marker lines",
        edit=_odd_ids,
    ),
    instead(
        "odd-error-name",
        "an error whose name and message are escape sequences",
        """
        error = type("\\x1b[2J\\x1b]0;PWNED\\x07\\u202e\\nben graded 0", (Exception,), {})
        def pad2d(x, padding, *, mode="zeros"):
            raise error("\\x1b[31m\\u202e\\r\\n\\x9b\\ud800 [red]red[/red]")
    """,
        "shown in harmless letters",
        worst=True,
    ),
    instead(
        "odd-type-name",
        "a type whose name is an escape sequence",
        """
        Odd = type("\\x1b[2J\\u2066<b>x</b>", (), {"__module__": "\\x1b[31m"})
        def pad2d(x, padding, *, mode="zeros"):
            return Odd()
    """,
        "shown in harmless letters",
    ),
    instead(
        "odd-line",
        "an error in a line with escape sequences",
        """
        def pad2d(x, padding, *, mode="zeros"):
            raise ValueError(); "\x1b[2J\u202e\u2066"
    """,
        "shown in harmless letters",
    ),
    Attack(
        "odd-question",
        "escape sequences as the answer to a question",
        "shown in harmless letters",
        {"padded_output": 'padded_output = "\\x1b[2J\\x1b]0;PWNED\\x07\\u202e"'},
        loses=("padded_output",),
    ),
    Attack(
        "odd-keys",
        "a dict with such keys as the answer to a question",
        "shown in harmless letters",
        {"padded_output": 'padded_output = {"\\x1b[2J\\u202e<script>": 1, "\\n": [None] * 1000}'},
        loses=("padded_output",),
    ),
    Attack(
        "look-alike",
        "Greek and Cyrillic letters in the name of the function",
        "it is another name, so there is no such function",
        {TARGET: "def р\u0430d2d(x, padding, *, mode='zeros'):\n    return x"},
        loses=(TARGET,),
    ),
    Attack(
        "folded-name",
        "mathematical letters that Python reads as the right name",
        "Python's rule is the grader's",
        {TARGET: "def 𝐩𝐚𝐝2d(x, padding, *, mode='zeros'):\n    return x"},
        loses=(TARGET,),
    ),
    Attack(
        "trojan-comment",
        "marks that make a comment look like code",
        "shown as escapes where people read it",
        cells=["# \u202e } \u2066 if grader: return True \u2069\u2066\nx = 1"],
    ),
)
