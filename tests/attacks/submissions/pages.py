"""HTML, SVG and scripts aimed at the pages that instructors and students read."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode

from tests.attacks.attack import TARGET, Attack, World, answer_cell
from tests.attacks.submissions.worker import instead
from tests.formgrader.payloads import PAYLOADS

SCRIPT = "<script>window.pwned=1</script>"
IMAGE = '\\"><img src=x onerror=window.pwned=1><svg onload=window.pwned=1>'
TEXT = "shown as text; nothing of it runs"


def _written(text: str) -> object:
    def edit(notebook: NotebookNode, world: World) -> None:
        answer_cell(notebook, "diet").source = f"<!-- answer: diet -->\n\n{text}"

    return edit


def _attached(notebook: NotebookNode, world: World) -> None:
    cell = answer_cell(notebook, "diet")
    cell.source = f"<!-- answer: diet -->\n\n![x](attachment:x.svg) {SCRIPT}"
    cell["attachments"] = {
        "x.svg": {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>"}
    }


def _markdown_cells(notebook: NotebookNode, world: World) -> None:
    notebook.cells += [nbformat.v4.new_markdown_cell(payload) for payload in PAYLOADS]
    notebook.cells += [
        nbformat.v4.new_raw_cell(payload, metadata={"format": "text/html"}) for payload in PAYLOADS
    ]


def _page_title(notebook: NotebookNode, world: World) -> None:
    notebook.metadata.title = notebook.metadata["name"] = f"</title>{SCRIPT}"
    notebook.metadata.authors = [{"name": SCRIPT}]
    notebook.cells[0].source = f"# {SCRIPT}"


ATTACKS = (
    *(
        Attack(
            f"written-{number}",
            f"a written answer with {what}",
            TEXT,
            edit=_written("\n\n".join(some)),
            worst=not number,
        )  # type: ignore[arg-type]
        for number, (what, some) in enumerate(
            (
                ("raw HTML", PAYLOADS[:33]),
                ("links and images", PAYLOADS[33:60]),
                ("code, formulas and headings", PAYLOADS[60:]),
            )
        )
    ),
    Attack("attached-svg", "a script in an attached picture", TEXT, edit=_attached),
    Attack("markdown-cells", "scripts in text cells of its own", "they are not shown", edit=_markdown_cells),
    Attack("page-title", "scripts in the title of the notebook", TEXT, edit=_page_title),
    Attack(
        "code-html",
        "scripts in comments and texts of its code",
        TEXT,
        cells=[f"x = '''</pre></code>{SCRIPT}{IMAGE}'''  # --> ]]> {SCRIPT}"],
        edit=None,
    ),
    instead(
        "answer-html",
        "scripts in the code of an answer",
        f"""
        def pad2d(x, padding, *, mode="zeros"):
            return '''{SCRIPT}</pre></div>{IMAGE}'''
    """,
        TEXT,
    ),
    instead(
        "error-html",
        "scripts in the name, message and line of an error",
        f"""
        error = type('''{SCRIPT}''', (Exception,), {{}})
        def pad2d(x, padding, *, mode="zeros"):
            raise error('''{IMAGE}{SCRIPT}''')  # {SCRIPT}{IMAGE}
    """,
        TEXT,
        worst=True,
    ),
    instead(
        "type-html",
        "scripts in the name of a type",
        f"""
        Odd = type('''{SCRIPT}''', (), {{"__module__": "</td><img src=x onerror=window.pwned=1>"}})
        def pad2d(x, padding, *, mode="zeros"):
            return (Odd(), [Odd()], {{'''{IMAGE}''': Odd()}})
    """,
        TEXT,
    ),
    instead(
        "argument-html",
        "scripts in the names of functions that call each other",
        f"""
        def helper(): raise KeyError('''{IMAGE}''')
        helper.__code__ = helper.__code__.replace(co_name='''{SCRIPT}''')
        def pad2d(x, padding, *, mode="zeros"):
            return helper()
    """,
        TEXT,
    ),
    Attack(
        "question-html",
        "scripts as the answer to a question",
        TEXT,
        {"padded_output": f'padded_output = """{SCRIPT}{IMAGE} """'},
        loses=("padded_output",),
    ),
    Attack(
        "many-questions-html",
        "scripts in a list as the answer to a question",
        TEXT,
        {"weight_shape": f'weight_shape = ["""{SCRIPT} """, {{"""{IMAGE} """: 1}}]'},
        loses=("weight_shape",),
    ),
)
assert TARGET
