"""The worker's own objects, modules and frames.

From the first cell on, everything in the worker may be changed by student code. Nothing of it decides, so
nothing is gained: whoever breaks it loses what was to be asked of it.
"""

from __future__ import annotations

from tests.attacks.attack import TARGET, Attack, exercises, points


def instead(
    name: str, tries: str, body: str, happens: str = "no points without the right padding", **more: object
) -> Attack:
    """`body` stands in the cell of the padding, and defines pad2d or not."""
    return Attack(name, tries, happens, {TARGET: body}, **{"loses": (TARGET,), **more})  # type: ignore[arg-type]


def beside(
    name: str, tries: str, body: str, happens: str = "all answers are right and count", **more: object
) -> Attack:
    """Everything is answered; `body` stands in a cell of its own at the end."""
    return Attack(name, tries, happens, cells=[HOLE, body], **more)  # type: ignore[arg-type]


# What an attack calls when it has got what it must not get: then its answers are gone, and its test fails.
HOLE = "def hole(found):\n    globals().update(dict.fromkeys(['pad2d', 'padded_output'], found))"
WRONG = """
def pad2d(x, padding, *, mode="zeros"):
    return x
"""
ALL = tuple(points())
FUNCTIONS = tuple(name for name in ALL if name in exercises())
EQUAL = """
class Right({base}):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array_function__(self, *_): return True
    def __array_ufunc__(self, *_, **__): return np.zeros(self.shape, bool)
    __hash__ = None
def pad2d(x, padding, *, mode="zeros"):
    return {made}
"""

ATTACKS = (
    instead(
        "equal-to-all",
        "returns an object that equals everything",
        EQUAL.format(base="object", made="Right()"),
        "only plain data is an answer",
        worst=True,
    ),
    instead(
        "equal-array",
        "returns an array that equals everything",
        EQUAL.format(base="np.ndarray", made="np.zeros((1, 1)).view(Right)"),
        "a subclass of an array is no answer",
    ),
    instead(
        "masked-array",
        "returns an array with all numbers masked",
        """
        def pad2d(x, padding, *, mode="zeros"):
            h, w = (padding, padding) if isinstance(padding, int) else padding
            out = np.zeros((*x.shape[:-2], x.shape[-2] + 2 * h, x.shape[-1] + 2 * w))
            return np.ma.masked_array(out, mask=True)
    """,
        "a masked array is no answer",
        worst=True,
    ),
    instead(
        "lying-class",
        "returns an object that says it is an array",
        """
        class Liar:
            __class__ = np.ndarray
            dtype, shape, ndim = np.dtype(float), (1, 1), 2
            def __array__(self, *_, **__): return np.ones((1, 1))
        def pad2d(x, padding, *, mode="zeros"):
            return Liar()
    """,
        "the exact type counts, not what an object says",
    ),
    instead(
        "borrowed-name",
        "a class that says it is one of NumPy's",
        """
        class float64(np.float64):
            __module__ = "numpy"
            def __float__(self): return float("nan")
        def pad2d(x, padding, *, mode="zeros"):
            return float64(0)
    """,
        "it arrives as the number that it is",
    ),
    instead(
        "not-a-number",
        "returns nothing but NaN",
        """
        def pad2d(x, padding, *, mode="zeros"):
            h, w = (padding, padding) if isinstance(padding, int) else padding
            return np.full((*x.shape[:-2], x.shape[-2] + 2 * h, x.shape[-1] + 2 * w), np.nan)
    """,
        "NaN equals nothing that is asked for",
    ),
    instead(
        "infinite",
        "returns nothing but infinity",
        """
        def pad2d(x, padding, *, mode="zeros"):
            h, w = (padding, padding) if isinstance(padding, int) else padding
            return np.full((*x.shape[:-2], x.shape[-2] + 2 * h, x.shape[-1] + 2 * w), np.inf)
    """,
        "infinity is not near",
    ),
    instead(
        "always-raising",
        "raises every error there is",
        """
        def pad2d(x, padding, *, mode="zeros"):
            raise type("ValueError", (TypeError, IndexError, AssertionError), {})
    """,
        "an error is right where one is asked for, and nowhere else",
    ),
    instead(
        "patched-plain",
        "changes what makes plain data of an answer",
        "import cs_utils.checking.outcome as engine\nengine.plain = lambda value, depth=0: True" + WRONG,
        "True is no answer to anything that is asked of it",
        worst=True,
        loses=(*FUNCTIONS, "padded_output", "filter_shape", "weight_shape", "pooled_shape"),
    ),
    instead(
        "patched-observe",
        "changes what calls the function",
        """
        import cs_utils.checking.outcome as engine, cs_utils.checking.probes as probes
        probes.observe = engine.observe = lambda function, args, kwargs, names=(): engine.Outcome(args[0] * 0)
        def pad2d(x, padding, *, mode="zeros"):
            return x
    """,
        "no call gives a right answer any more",
        loses=FUNCTIONS,
    ),
    instead(
        "patched-compare",
        "changes the comparison",
        """
        import cs_utils.checking.compare as compare, cs_utils.checking.evaluate as evaluate
        compare.compare = evaluate.compare = lambda *_: None
        compare.wrong_mask = lambda mine, wanted, tolerance: np.zeros(1, bool)
        def pad2d(x, padding, *, mode="zeros"):
            return x
    """,
        "the comparison is made elsewhere",
    ),
    instead(
        "patched-numpy",
        "changes the helpers that compare arrays",
        """
        for name in ("allclose", "array_equal", "isclose", "array_equiv"):
            setattr(np, name, lambda *args, **kwargs: True)
        for name in dir(np.testing):
            if name.startswith("assert"): setattr(np.testing, name, lambda *args, **kwargs: None)
        def pad2d(x, padding, *, mode="zeros"):
            return x
    """,
        "the comparison is made elsewhere",
        worst=True,
    ),
    instead(
        "patched-builtins",
        "changes len, isinstance, type and abs",
        """
        import builtins
        def pad2d(x, padding, *, mode="zeros"):
            builtins.abs = builtins.len = lambda value: 0
            builtins.isinstance = lambda *_: True
            return x
    """,
        "the exercise during which the worker breaks is lost, and a fresh process answers for the others",
    ),
    instead(
        "patched-wire",
        "changes the encoding of answers",
        """
        from inside import wire, worker
        wire.from_outcome = lambda outcome: {"points": 5.0}
        worker.Student.answer = lambda *_: None
        def pad2d(x, padding, *, mode="zeros"):
            return x
    """,
        "nobody can read what it says: everything is lost",
        worst=True,
        loses=ALL,
    ),
    instead(
        "patched-student",
        "lets the worker answer with whatever was asked",
        """
        import gc
        from cs_utils.checking.outcome import Outcome
        from inside.worker import Student
        own = Student._call
        Student._call = lambda self, name, args, kwargs, names, probe: (
            Outcome(args) if name == "pad2d" else own(self, name, args, kwargs, names, probe))
        def pad2d(x, padding, *, mode="zeros"):
            return x
    """,
    ),
    instead(
        "forged-modules",
        "puts a module of its own in the place of PyTorch",
        """
        import sys, types
        torch = types.SimpleNamespace(pad=lambda x, *_, **__: x)
        sys.modules["torch"] = sys.modules["torch.nn.functional"] = torch
        sys.modules["cs_utils.exercises"] = types.SimpleNamespace(exercises=lambda: {})
        def pad2d(x, padding, *, mode="zeros"):
            return x
    """,
    ),
    instead(
        "stolen-reference",
        "imports the instructor's reference",
        """
        def pad2d(x, padding, *, mode="zeros"):
            from cs_utils.exercises.nb02_shapes import EXERCISES
            return EXERCISES["pad2d"].reference(x, padding, mode=mode)
    """,
        "the exercises are not there",
        worst=True,
    ),
    instead(
        "stolen-layers",
        "calls the course's own layers",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import cs_utils.layers as layers, torch.nn.functional as F
            return F.pad(layers.torch.from_numpy(x), (padding,) * 4).numpy()
    """,
        "there is no PyTorch",
        worst=True,
        says="imports torch",
    ),
    instead(
        "stolen-solution",
        "looks for the solution in all files it can read",
        """
        import os, re
        def pad2d(x, padding, *, mode="zeros"):
            for top in ("/", COURSE, HOME, RUNTIME, os.getcwd(), "..", "/proc/self/cwd", "/root", "/home"):
                for folder, folders, files in os.walk(top):
                    for name in files:
                        if name.endswith((".ipynb", "_shapes.py", ".toml", ".db", ".key")):
                            raise LookupError(open(os.path.join(folder, name), errors="replace").read())
            raise LookupError("nothing")
    """,
        "there is nothing to be found",
        worst=True,
    ),
    instead(
        "read-frames",
        "looks for the right answer in all frames above",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import sys
            above = sys._getframe(1)
            while above is not None:
                for name, value in above.f_locals.items():
                    if name in ("expected", "reference", "verdict", "exercise"): return value
                above = above.f_back
            return x
    """,
        "what is expected is not in this process",
    ),
    instead(
        "read-objects",
        "looks for the right answer in all objects",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import gc
            for found in gc.get_objects():
                if isinstance(found, np.ndarray) and found.ndim == x.ndim and found.shape[-1] > x.shape[-1]:
                    return np.array(found)
            return x
    """,
        "what is expected is not in this process",
    ),
    instead(
        "read-memory",
        "reads the memory of the process as a file",
        """
        def pad2d(x, padding, *, mode="zeros"):
            with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
                return memory.read(10)
    """,
        "there is no /proc",
        worst=True,
    ),
    instead(
        "raw-pointer",
        "writes over the number 1 in memory",
        """
        import ctypes
        def pad2d(x, padding, *, mode="zeros"):
            ctypes.memset(id(1) + 24, 0xff, 4)
            return x
    """,
        "the exercise is lost and a fresh process answers for the others",
    ),
    instead(
        "null-pointer",
        "reads address 0",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import ctypes
            return ctypes.string_at(0)
    """,
        "the process dies, the exercise is lost, and a fresh process answers for the others",
        worst=True,
    ),
    instead(
        "exits",
        "ends the process with a status that says all is well",
        """
        def pad2d(x, padding, *, mode="zeros"):
            import os
            os._exit(0)
    """,
        "the exercise is lost and a fresh process answers for the others",
        worst=True,
    ),
    instead(
        "system-exit",
        "raises SystemExit",
        """
        def pad2d(x, padding, *, mode="zeros"):
            raise SystemExit(0)
    """,
        "an error like any other",
    ),
    instead(
        "keyboard-interrupt",
        "raises KeyboardInterrupt",
        """
        def pad2d(x, padding, *, mode="zeros"):
            raise KeyboardInterrupt
    """,
        "an error like any other; the grader is not interrupted",
    ),
    instead(
        "evil-error",
        "raises an error that cannot be printed",
        """
        class Evil(Exception):
            def __str__(self): raise self
            __repr__ = __getattr__ = __str__
        Evil.__name__ = "E" * 100_000
        def pad2d(x, padding, *, mode="zeros"):
            raise Evil
    """,
        "an error like any other, its name cut",
    ),
    instead(
        "no-such-exercise",
        "deletes its own function when it is called",
        """
        def pad2d(x, padding, *, mode="zeros"):
            globals().pop("pad2d", None)
            return x
    """,
    ),
    beside(
        "trace",
        "traces every line and writes over the locals",
        """
        import sys, threading
        def tracer(frame, event, argument):
            for name in ("outcome", "failure", "points"):
                if name in frame.f_locals: frame.f_locals[name] = None
            return tracer
        sys.settrace(tracer); threading.settrace(tracer); sys.setprofile(tracer)
    """,
        "the worker is slow, and answers",
        says="uses settrace",
    ),
    beside(
        "at-exit",
        "leaves functions for the end of the process",
        """
        import atexit, os, threading
        def late():
            open(os.path.join(COURSE, MARK), "w")
            open(os.path.join("/tmp", MARK), "w")
        atexit.register(late)
        threading._register_atexit(late)
        class Last:
            def __del__(self): late()
        last = Last()
    """,
        "the process is killed and has no end to speak of",
        worst=True,
    ),
    beside(
        "excepthook",
        "replaces the hooks for errors and imports",
        """
        import sys
        sys.excepthook = sys.unraisablehook = sys.displayhook = lambda *_: sys.exit(0)
        sys.meta_path.insert(0, type("Finder", (), {"find_spec": lambda *_: None})())
        sys.path_hooks.clear(); sys.path[:] = []
    """,
    ),
    beside(
        "all-modules-gone",
        "empties sys.modules",
        """
        import sys
        for name in list(sys.modules):
            if name not in ("sys", "builtins", "__main__"): del sys.modules[name]
    """,
        "no function can be called any more",
        loses=FUNCTIONS,
    ),
    beside(
        "tiny-recursion",
        "sets the limit of recursion to a minimum",
        """
        import sys
        for limit in range(10, 300):
            try: sys.setrecursionlimit(limit); break
            except RecursionError: pass
    """,
        "the worker needs little; all answers count",
    ),
    beside(
        "collector",
        "makes the garbage collector destroy things",
        """
        import gc
        gc.callbacks.append(lambda phase, info: gc.freeze())
        gc.set_threshold(1, 1, 1); gc.set_debug(gc.DEBUG_SAVEALL)
    """,
    ),
    beside(
        "broken-np",
        "replaces NumPy's array and dtype functions",
        """
        np.array = np.asarray = np.frombuffer = np.errstate = None
    """,
        "nothing of its own can be answered any more",
        loses=FUNCTIONS,
    ),
    beside(
        "checks-pass",
        "patches check so that it returns 100 points",
        """
        import builtins, cs_utils
        cs_utils.check = cs_utils.checking.notebook.check = builtins.check = check = lambda *a, **k: 100.0
    """,
        "check is not asked when grading",
    ),
    beside(
        "no-main",
        "replaces the module in which it runs",
        """
        import sys, types
        sys.modules["__main__"] = types.ModuleType("elsewhere")
    """,
    ),
    Attack(
        "wrong-everywhere",
        "patches everything at once and answers nothing",
        "nothing is gained",
        {
            name: f"def {name}(*args, **kwargs):\n    return Yes()"
            if name in FUNCTIONS
            else f"{name} = Yes()"
            for name in points()
        },
        first=[
            "class Yes(float):\n    __eq__ = __ge__ = __le__ = lambda *_: True\n    __hash__ = float.__hash__"
        ],
        loses=ALL,
        worst=True,
    ),
)
