"""`earlier.own`: the student's own function where it can be had, else that of `cs_utils.layers`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from autograder import source
from autograder.results import Cell
from autograder.sandbox import Level, Sandbox
from cs_utils import earlier, layers
from cs_utils.exercises import exercises

NAME = "numeric_gradient"
NOTEBOOK = exercises()[NAME].notebook
HERE = "05_pooling"
OWN = f"def {NAME}(f, x, *, h=1e-5):\n    return 'mine'"
STUB = f'def {NAME}(f, x, *, h=1e-5):\n    """Measure."""\n    raise NotImplementedError("write {NAME}")'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`write(cell, ...)` puts an earlier notebook beside the folder that the test works in."""
    (tmp_path / HERE).mkdir()
    monkeypatch.chdir(tmp_path / HERE)

    def notebook(*cells: str, path: str = f"{NOTEBOOK}/{NOTEBOOK}.ipynb") -> Path:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        written = tmp_path / path
        written.parent.mkdir(exist_ok=True)
        written.write_text(nbformat.writes(book), encoding="utf-8")
        return written

    return notebook


def is_own(capsys: pytest.CaptureFixture[str]) -> bool:
    """Calls `own`; what it returns and what it says must agree."""
    capsys.readouterr()
    found = earlier.own(NAME)
    said = capsys.readouterr().out
    mine = found is not layers.numeric_gradient
    assert said.count("\n") == 1
    assert said.startswith(
        f"{NAME}: your own, from notebook 04" if mine else f"{NAME}: that of cs_utils.layers ("
    )
    assert not mine or found(None, None) == "mine"
    return mine


# --- taken ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{NOTEBOOK}/{NOTEBOOK}.ipynb", f"{HERE}/{NOTEBOOK}.ipynb"])
def test_the_students_own_function_is_taken_from_beside_or_from_the_same_folder(write, capsys, path):
    write("import numpy as np", OWN, path=path)
    assert is_own(capsys)


def test_what_it_needs_comes_with_it(write, capsys):
    write(
        "import numpy as np\nfrom math import *",
        "ANSWERS = {}\nANSWERS['here'] = 'mine'",
        "def helper(x):\n    return tail(x)",
        f"def {NAME}(f, x, *, h=np.float64(floor(1.5))):\n    return helper(x)",
        "def tail(x):\n    return ANSWERS['here']",
    )
    assert is_own(capsys)


def test_the_last_definition_counts(write, capsys):
    write(STUB, f"def {NAME}(*_):\n    return 'an early attempt'", OWN)
    assert is_own(capsys)
    write(OWN, f"from math import sqrt as {NAME}")
    assert earlier.own(NAME)(4) == 2


@pytest.mark.parametrize(
    "other",
    [
        "from cs_utils import check\ncheck(numeric_gradient)",
        "raise RuntimeError",
        "open('trace', 'w').write('ran')",
        "trace = open('trace', 'w').write('ran')",
        "with open('trace', 'w') as file:\n    file.write('ran')",
        "%pip install trace",
        "!touch trace",
        "files = !touch trace",
        "%%bash\ntouch trace",
        "%%html\n<b>bold</b>",
        "%timeit open('trace', 'w')",
        "numeric_gradient?",
        "def broken(:",
        "from cs_utils import plots\nplots.explore_windows()",
        "import sys\nsys.exit()",
        "while True:\n    pass",
    ],
)
def test_nothing_else_is_run(write, capsys, other):
    write(other, OWN, other)
    assert is_own(capsys)
    assert not Path("trace").exists()


@pytest.mark.parametrize(
    "cell",
    [
        f"{OWN}\n\ncheck({NAME})\nplots.show({NAME})",
        f"%matplotlib inline\n{OWN}\n!ls\n%pip install x",
        f"%%time\n{OWN}",
        f"\n\n%%time\n{OWN}",
        f"print('loud')\nimport warnings\n{OWN}",
        f"{NAME} = lambda f, x, *, h=1e-5: 'mine'",
        f"if True:\n    {NAME} = lambda *_: 'mine'",
        f"class Mine:\n    def __call__(self, *_):\n        return 'mine'\n{NAME} = Mine()",
    ],
)
def test_a_cell_with_more_in_it_gives_its_function(write, capsys, cell):
    write(cell)
    assert is_own(capsys)


def test_printing_and_warning_while_it_is_read_stays_unseen(write, capfd):
    write(
        "import warnings\ndef loud(f):\n    print('LOUD')\n    warnings.warn('LOUD')\n    return f",
        f"@loud\n{OWN}",
    )
    earlier.own(NAME)
    told = capfd.readouterr()
    assert "LOUD" not in told.out + told.err


def test_an_error_in_it_points_to_the_line_of_the_earlier_notebook(write):
    import traceback

    write("import numpy as np", f"def {NAME}(f, x, *, h=1e-5):\n    return x[7]  # here")
    try:
        earlier.own(NAME)(None, np.zeros(3))
    except IndexError as error:
        text = "".join(traceback.format_exception(error))
    assert 'File "<cell 2 of notebook 04>", line 2' in text and "return x[7]  # here" in text


def test_the_solved_notebook_gives_its_function(write, capsys):
    path = write()
    path.write_text(nbformat.writes(source.solved(NOTEBOOK)), encoding="utf-8")
    measured = earlier.own(NAME)
    assert "your own" in capsys.readouterr().out
    np.testing.assert_allclose(measured(lambda x: (x**2).sum(), np.array([1.0, 2])), [2, 4], rtol=1e-8)


# --- not taken --------------------------------------------------------------------------------------------


def test_without_the_notebook_the_layers_stand_in(write, capsys):
    assert earlier.own(NAME) is layers.numeric_gradient
    said = capsys.readouterr().out
    assert said == f"{NAME}: that of cs_utils.layers (notebook 04 is not beside this one).\n"


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ((), "does not define it"),
        (("import numpy as np",), "does not define it"),
        ((STUB,), "is not written yet, or not saved"),
        ((f"{NAME} = None",), "is not written yet, or not saved"),
        (("import no_such_package\n", f"@no_such_package.fast\n{OWN}"), "ends in ModuleNotFoundError"),
        ((f"import sys\n@sys.exit\n{OWN}",), "ends in SystemExit"),
        ((f"raise ValueError\n{OWN}", "def (:"), "your own"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(write, capsys, cells, why):
    write(*cells)
    earlier.own(NAME)
    said = capsys.readouterr().out
    assert why in said and said.count("\n") == 1


def test_the_released_notebook_is_not_written_yet(write, capsys):
    path = write()
    path.write_text(nbformat.writes(source.released(NOTEBOOK)), encoding="utf-8")
    assert not is_own(capsys)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"cells": [3]}',
        b'{"cells": [{"cell_type": "code", "source": 3}]}',
    ],
)
def test_a_broken_file_stops_nobody(write, capsys, content):
    write().write_bytes(content)
    earlier.own(NAME)
    assert "the file of notebook 04 cannot be read" in capsys.readouterr().out


def test_files_of_other_editors_are_read(write, capsys):
    path = write(OWN)
    book = json.loads(path.read_text())
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
    path.write_text("\ufeff" + json.dumps(book), encoding="utf-8")
    assert is_own(capsys)


def test_a_notebook_that_asks_for_its_own_function_is_not_read_for_ever(write):
    write(f"from cs_utils import earlier\n{NAME} = earlier.own('{NAME}')")
    assert earlier.own(NAME) is layers.numeric_gradient


def test_an_unknown_name_is_refused_and_so_is_what_nobody_has(write):
    with pytest.raises(ValueError, match="there is no exercise called 'numeric_gradiant'"):
        earlier.own("numeric_gradiant")
    with pytest.raises(earlier.NotThere, match="corr1d: notebook 01 is not beside this one, and cs_utils"):
        earlier.own("corr1d")


# --- when grading -----------------------------------------------------------------------------------------

NEEDED = Cell(f'from cs_utils import earlier\n{NAME} = earlier.own("{NAME}")', "needed")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Level.NONE, allow_unprotected=True) as sandbox:
        yield sandbox


def asked(sandbox: Sandbox, answer: str, name: str = "answer") -> Any:
    run = sandbox.start([NEEDED, Cell(answer, "answer", 1, "answer")])
    try:
        assert not run.troubles
        return run.call(name, (), {}, (), 5)
    finally:
        run.close()


def test_when_grading_there_is_nothing_but_a_clear_error(sandbox):
    failure = asked(sandbox, f"def answer():\n    return {NAME}(sum, 1)").failure
    assert failure.type == "NoSuchFunction"
    assert "an answer that calls numeric_gradient needs a copy of it in this notebook" in failure.message


def test_when_grading_the_students_own_definition_counts(sandbox):
    assert asked(sandbox, f"{OWN}\ndef answer():\n    return {NAME}(sum, 1)").value == "mine"


def test_when_grading_nothing_heavy_is_imported():
    code = (
        "import sys; from cs_utils import earlier; earlier.own('conv2d_forward');"
        "print({'torch', 'cs_utils.layers', 'cs_utils.exercises'} & set(sys.modules))"
    )
    given = os.environ | {"CS_UTILS_GRADING": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
