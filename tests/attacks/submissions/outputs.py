"""Outputs without end, and nesting without bottom."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode

from tests.attacks.attack import TARGET, Attack, World
from tests.attacks.submissions.worker import beside, instead


def _nested_outputs(data: bytes) -> bytes:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    return data.replace(
        b'"outputs": []', b'"outputs": [{"output_type": "display_data", "data": ' + deep + b"}]", 1
    )


def _large_outputs(notebook: NotebookNode, world: World) -> None:
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="x" * (15 << 20))]


def _odd_outputs(notebook: NotebookNode, world: World) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                7,
                None,
                {"output_type": "evil"},
                {"data": {"text/html": "<script>window.pwned=1</script>"}},
            ]


def _many_cells(notebook: NotebookNode, world: World) -> None:
    notebook.cells += [nbformat.v4.new_code_cell("pass") for _ in range(4000)]


ATTACKS = (
    beside(
        "print-500-mb",
        "prints 500 MB",
        'for _ in range(500): print("x" * (1 << 20))',
        "nobody keeps it; all answers count",
        worst=True,
    ),
    instead(
        "print-in-answer",
        "prints 500 MB in a call and returns nothing",
        """
        import sys
        def pad2d(x, padding, *, mode="zeros"):
            for _ in range(0 if "printed" in globals() else 500): print("x" * (1 << 20), file=sys.stderr)
            globals()["printed"] = True
    """,
        "nobody keeps it",
    ),
    beside(
        "write-500-mb",
        "writes 500 MB past Python to the standard output",
        """
import os
for _ in range(500):
    os.write(1, b"x" * (1 << 20)); os.write(2, b"x" * (1 << 20))
""",
        "nobody keeps it; all answers count",
    ),
    beside(
        "close-outputs",
        "closes all three standard streams",
        """
import os, sys
sys.stdout.close(); sys.stderr.close(); sys.stdin.close()
for number in range(3): os.close(number)
sys.stdout = sys.stderr = sys.stdin = None
""",
        "nobody needs them; all answers count",
    ),
    beside(
        "warnings-flood",
        "warns a hundred thousand times",
        """
import warnings
warnings.simplefilter("always")
for number in range(100_000): warnings.warn(str(number))
""",
        "nobody keeps them; all answers count",
    ),
    beside(
        "display",
        "displays HTML, JavaScript and pictures",
        """
from IPython.display import HTML, Javascript, SVG, display as show
show(HTML("<script>window.pwned=1</script>"), Javascript("window.pwned=1"))
display(HTML("<img src=x onerror=window.pwned=1>"))
""",
        "nobody is looking; all answers count",
    ),
    beside(
        "asks-for-input",
        "waits for somebody to type",
        """
import getpass, sys
for ask in (input, getpass.getpass, sys.stdin.read, breakpoint):
    try: ask()
    except BaseException: pass
""",
        "input ends at once; all answers count",
    ),
    instead(
        "deep-list",
        "returns lists in lists, 100,000 deep",
        """
        def pad2d(x, padding, *, mode="zeros"):
            found = []
            for _ in range(100_000): found = [found]
            return found
    """,
        "no answer, and no harm",
        worst=True,
    ),
    instead(
        "endless-list",
        "returns a list that holds itself",
        """
        def pad2d(x, padding, *, mode="zeros"):
            found = []
            found.append(found)
            return (found, {"self": found})
    """,
        "no answer, and no harm",
    ),
    instead(
        "wide-list",
        "returns a list of ten million",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return [0] * 10_000_000
    """,
        "no answer, and no harm",
    ),
    instead(
        "large-array",
        "returns an array of 800 MB",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return np.zeros((10_000, 10_000))
    """,
        "too large to be sent, and it says so",
        worst=True,
    ),
    instead(
        "large-text",
        "returns a text of 100 MB",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return "x" * 100_000_000
    """,
        "too large to be sent, and it says so",
    ),
    instead(
        "thousand-texts",
        "returns a thousand long texts",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return {"k" * 500 + str(number): "v" * 500 for number in range(900)}
    """,
        "no answer; the report shows the beginning",
    ),
    instead(
        "long-line",
        "raises an error with a message of 100 MB in a line of 100,000 letters",
        '''
        def pad2d(x, padding, *, mode="zeros"):
            raise ValueError("m" * 100_000_000 + "'''
        + "l" * 100_000
        + """")
    """,
        "message and line are cut",
    ),
    instead(
        "long-integer",
        "returns an integer with a million digits",
        """
        def pad2d(x, padding, *, mode="zeros"):
            return 1 << 3_000_000
    """,
        "no answer, and no harm",
    ),
    Attack(
        "nested-outputs",
        "an output nested 100,000 deep in the file",
        "outputs are not read; all answers count",
        raw=_nested_outputs,
    ),
    Attack(
        "large-outputs",
        "15 MB of saved output",
        "outputs are not read; all answers count",
        edit=_large_outputs,
    ),
    Attack(
        "odd-outputs",
        "outputs that are no outputs",
        "outputs are not read; all answers count",
        edit=_odd_outputs,
    ),
    Attack("many-cells", "four thousand cells more", "all answers count", edit=_many_cells),
)
assert TARGET
