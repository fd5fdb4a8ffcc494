"""Lies on the line to the grader.

The worker's only open door is a socket. Student code runs in the same process, so it can find the socket,
read the number of the question from the frames above it, and write what it likes.
"""

from __future__ import annotations

import textwrap

from tests.attacks.attack import TARGET, Attack, points

LINE = '''
import json, os, stat, struct, sys, threading, time
def line():
    """The descriptor that leads to the grader."""
    for descriptor in range(3, 300):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                return descriptor
        except OSError:
            pass
def write(data):
    while data:
        data = data[os.write(line(), data):]
def frame(header, payload=b"", magic=b"cnvg", version=1, sizes=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    sizes = sizes or (len(header), len(payload))
    return struct.pack("<4sBxxxIQ", magic, version, *sizes) + header + payload
def number():
    """The number of the question that is being answered."""
    above = sys._getframe()
    while "question" not in above.f_locals:
        above = above.f_back
    return above.f_locals["question"]["number"]
def answer(value, *arrays, kind="answer", this=None, **other):
    outcome = {"value": value, "failure": ["n", None], "changed": ["t", []], "printed": ["i", "0"]} | other
    this = number() if this is None else this
    said = {"kind": ["s", kind], "number": ["i", str(this)], "outcome": ["d", outcome]}
    return frame({"value": ["d", said], "arrays": [len(array) for array in arrays]}, b"".join(arrays))
def failure(kind):
    texts = dict.fromkeys(("type", "message", "line", "function"), ["s", ""])
    return ["d", texts | {"kind": ["s", kind], "line_number": ["n", None]}]
def npy(header, data=b""):
    header = header.encode() + b"\\n"
    return b"\\x93NUMPY\\x01\\x00" + struct.pack("<H", len(header)) + header + data
'''
UNREADABLE = "no value could be read, so the exercise is lost; a fresh process answers for the others"
OTHERS = tuple(name for name in points() if name != TARGET)


def saying(name: str, tries: str, body: str, happens: str = UNREADABLE, *, worst: bool = False) -> Attack:
    """`body` runs when the grader asks for the padding, after which the process ends."""
    code = f"{LINE}\ndef pad2d(x, padding, *, mode='zeros'):\n    {body}\n    os._exit(0)"
    return Attack(name, tries, happens, {TARGET: code}, loses=(TARGET,), worst=worst)


def with_array(name: str, tries: str, header: str, data: str = "b''") -> Attack:
    return saying(name, tries, f'write(answer(["a", 0], npy("""{header}""", {data})))')


def in_a_cell(name: str, tries: str, body: str, happens: str, **more: object) -> Attack:
    return Attack(name, tries, happens, cells=[LINE + textwrap.dedent(body)], **more)  # type: ignore[arg-type]


LEFT_OUT = "the cell is no more believed: it is left out, the row says so, and all answers count"

ATTACKS = (
    saying("short-frame", "promises 100 bytes and sends 10", "write(frame(b'x' * 10, sizes=(100, 0)))"),
    saying(
        "long-frame",
        "sends more than the frame says",
        'write(answer(["n", None]) + b"x" * 1000); time.sleep(0.2)',
    ),
    saying("wrong-length", "sizes of arrays that do not add up", 'write(answer(["n", None])[:-1] + b"]")'),
    saying("other-magic", "another first word", "write(frame({}, magic=b'GIF8'))"),
    saying("other-version", "a version that does not exist yet", "write(frame({}, version=2))"),
    saying("other-kind", "a message of the wrong name", 'write(answer(["i", "1"], kind="verdict"))'),
    saying(
        "full-points",
        "a message that says that all is right",
        'write(frame({"points": 5, "passed": True}))',
        worst=True,
    ),
    saying("boasting-frame", "promises an exabyte", "write(frame(b'', sizes=(0, 2**60)))", worst=True),
    saying("boasting-header", "promises a header of 4 GB", "write(frame(b'', sizes=(2**32 - 1, 0)))"),
    saying("other-number", "an answer to another question", 'write(answer(["n", None], this=7))'),
    saying(
        "two-answers", "a wrong answer, and a second one", 'write(answer(["n", None]) + answer(["i", "1"]))'
    ),
    saying("deep-header", "a header nested 100,000 deep", "write(frame(b'[' * 100_000))"),
    saying("huge-integer", "an integer with 900,000 digits", "write(frame(b'[' + b'9' * 900_000 + b']'))"),
    saying(
        "half-letters",
        "text with half a letter",
        """write(frame(b'{"value": ["s", "\\\\ud800"], "arrays": []}'))""",
    ),
    saying("no-number", "true where a number belongs", 'write(frame({"value": ["i", True], "arrays": []}))'),
    saying(
        "twelve-dots",
        "Infinity and NaN in JSON",
        'write(frame(b\'{"value": ["f", NaN], "arrays": [Infinity]}\'))',
    ),
    saying(
        "own-death",
        "claims that it ran out of time",
        'write(answer(["n", None], failure=failure("timeout")))',
    ),
    saying(
        "negative-output",
        "printed fewer than no characters",
        'write(answer(["n", None], printed=["i", "-5"]))',
    ),
    saying(
        "ten-thousand-arrays",
        "more arrays than anybody needs",
        'write(frame({"value": ["n", None], "arrays": [0] * 20_000}))',
    ),
    with_array(
        "pickled-array",
        "an array of objects, to be unpickled",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "b'cos\\nabort\\n(tR.'",
    ),
    with_array(
        "structured-array",
        "an array of records",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }",
        "b'x' * 8",
    ),
    with_array(
        "date-array",
        "an array of dates",
        "{'descr': '<M8[D]', 'fortran_order': False, 'shape': (1,), }",
        "b'x' * 8",
    ),
    with_array(
        "trillion-array",
        "an array of 10^12 numbers in 8 bytes",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "b'x' * 8",
    ),
    with_array(
        "empty-giant",
        "an empty array of 0 by 2^62",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904), }",
    ),
    with_array(
        "code-in-header",
        "Python code in the header of an array",
        "{'descr': '<f8', 'fortran_order': __import__('os').abort(), 'shape': (), }",
        "b'x' * 8",
    ),
    with_array(
        "forty-axes",
        "an array with 40 axes",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 40 + "), }",
        "b'x' * 8",
    ),
    saying(
        "slow-drip",
        "a frame that comes byte by byte",
        'for byte in answer(["n", None]): write(bytes([byte])); time.sleep(0.3)',
        "bytes that drip in gain no time: the exercise is lost when its time is over",
    ),
    saying(
        "flood",
        "a gigabyte of noise",
        "os.set_blocking(line(), True)\n    while True: write(b'x' * 2**20)",
        worst=True,
    ),
    saying(
        "closed-line",
        "closes the line",
        "os.close(line()); time.sleep(60)",
        "the process is ended at once and the exercise lost",
    ),
    saying(
        "other-end",
        "puts another file in the place of the line",
        "os.dup2(os.open('/dev/null', os.O_RDWR), line())\n    return None",
        "nobody hears it any more: the exercise is lost when its time is over",
    ),
    in_a_cell(
        "early-answers",
        "answers before anything is asked",
        "for this in range(1000): write(answer(['i', '1'], this=this))",
        LEFT_OUT,
        says="was left out",
        worst=True,
    ),
    in_a_cell(
        "early-ready",
        "says in its own cell that all cells are done",
        "write(frame({'value': ['d', {'kind': ['s', 'ready']}], 'arrays': []}) * 2)",
        "the grader takes what follows for answers, which it is not: everything is lost",
        loses=tuple(points()),
    ),
    in_a_cell(
        "waits-for-questions",
        "reads the grader's questions in a cell",
        """
        while True: os.read(line(), 1 << 20)
    """,
        "nothing is asked before the cells are done: the cell is left out, and all answers count",
        says="was left out",
    ),
    in_a_cell(
        "own-worker",
        "takes the place of the worker and answers 1 to everything",
        """
        sys.path[:0] = []
        from inside import wire
        from cs_utils.checking.outcome import Outcome
        caps = wire.Caps(header=256 << 20, payload=1 << 30)
        write(wire.encode({"kind": "ready"}, caps))
        while True:
            asked = wire.read_frame(lambda size: os.read(line(), size), caps)
            said = {"kind": "answer", "number": asked["number"], "outcome": wire.from_outcome(Outcome(1))}
            write(wire.encode(said, caps))
    """,
        "an answer of 1 is right where 1 is the answer, and nowhere else",
        loses=tuple(points()),
        worst=True,
    ),
    in_a_cell(
        "troubles",
        "the same trouble ten thousand times",
        """
        above = sys._getframe()
        while "index" not in above.f_locals: above = above.f_back
        said = {"kind": ["s", "trouble"], "index": ["i", str(above.f_locals["index"])]}
        write(frame({"value": ["d", said | {"failure": failure("raised")}], "arrays": []}) * 10_000)
    """,
        LEFT_OUT,
        says="was left out",
    ),
)
