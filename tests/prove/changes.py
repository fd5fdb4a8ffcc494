"""Small changes of a piece of code, one at a time: the slips that people make in code like ours.

A change is told by the statement that it is in, before and after; where that is the same twice, by a number.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.Div),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.USub: (ast.UAdd,),
    ast.Invert: (ast.UAdd,),
}
# Functions and methods that are taken for each other.
CONFUSED = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "maximum": "minimum",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "var": "std",
    "std": "var",
    "sqrt": "square",
    "square": "sqrt",
    "ceil": "floor",
    "uniform": "normal",
    "normal": "uniform",
    "random": "standard_normal",
    "standard_normal": "random",
    "repeat": "tile",
}
# Functions and methods that are forgotten.
FORGOTTEN = frozenset(CONFUSED) | {"exp", "log", "abs", "flip", "copy", "astype", "transpose", "reshape"}
# Heights and widths that are taken for each other, where a piece of code has both names.
_SIDES = [("h", "w"), ("H", "W"), ("height", "width"), ("rows", "columns"), ("row", "column"), ("i", "j")]
_SIDES += [(f"{letter}h", f"{letter}w") for letter in "ksopd"]
SIDES = {**dict(_SIDES), **{other: one for one, other in _SIDES}}


@dataclass(frozen=True)
class Change:
    """Code with one change. text: the changed statement before and after."""

    text: str
    code: str


def changes(code: str) -> Iterator[Change]:
    """Every small change of `code`; those that give the same code come once."""
    tree = ast.parse(code)
    statements = _statements(tree)
    bound = _bound(tree)
    seen = {_in_any_order(tree)}
    told: Counter[str] = Counter()
    for node in _walk(tree):
        for other in (*_other_expressions(node, bound), *_other_statements(node, bound)):
            edited = _replaced(tree, node, other)
            changed = ast.unparse(edited)
            if changed in seen or _in_any_order(edited) in seen:
                continue
            seen.add(changed)
            statement = statements[node]
            text = f"{_shown(statement)}  ->  {_shown(_replaced(statement, node, other))}"
            told[text] += 1
            yield Change(f"{text}  (number {told[text]})" if told[text] > 1 else text, changed)


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but ``strict=`` of zip, which only says what is so anyway."""
    waiting = [tree]
    while waiting:
        node = waiting.pop(0)
        if not (isinstance(node, ast.keyword) and node.arg == "strict"):
            yield node
            waiting += ast.iter_child_nodes(node)


def _in_any_order(tree: ast.AST) -> str:
    """The code with sets written as tuples in order: ``axis=(3, 2)`` is ``axis=(2, 3)``."""
    tree = ast.parse(ast.unparse(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "axis":
            sets: list[ast.expr] = [node.value]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            sets = node.comparators
        else:
            continue
        for one in sets:
            if isinstance(one, ast.Tuple):
                one.elts.sort(key=ast.unparse)
    return ast.unparse(tree)


def _statements(tree: ast.AST) -> dict[ast.AST, ast.stmt]:
    """node -> the innermost statement that it stands in."""
    found: dict[ast.AST, ast.stmt] = {}
    for node in ast.walk(tree):  # outer ones first
        if isinstance(node, ast.stmt):
            found |= dict.fromkeys(ast.walk(node), node)
    return found


def _bound(tree: ast.AST) -> Counter[str]:
    """How often each name is given a value, as an argument or in a statement."""
    names = Counter(node.arg for node in ast.walk(tree) if isinstance(node, ast.arg))
    stored = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    names.update(node.id for node in stored if isinstance(node.ctx, ast.Store))
    return names


def _replaced(here: Any, node: ast.AST, other: ast.AST) -> Any:
    """A copy of `here` with `other` in the place of `node`."""
    if here is node:
        return other
    if isinstance(here, list):
        return [_replaced(item, node, other) for item in here]
    if isinstance(here, ast.AST):
        fields = {name: _replaced(value, node, other) for name, value in ast.iter_fields(here)}
        return ast.fix_missing_locations(type(here)(**fields))
    return here


def _with(node: Any, **fields: Any) -> Any:
    return type(node)(**(dict(ast.iter_fields(node)) | fields))


def _shown(statement: ast.stmt) -> str:
    """A statement on one line; of a block its head."""
    if isinstance(statement, ast.FunctionDef | ast.For | ast.While | ast.If | ast.With):
        head = _with(statement, body=[ast.Pass()], **({"orelse": []} if hasattr(statement, "orelse") else {}))
        return ast.unparse(ast.fix_missing_locations(head)).removesuffix("\n    pass")
    return ast.unparse(statement)


# --- expressions ------------------------------------------------------------------------------------------


def _other_expressions(node: Any, bound: Counter[str]) -> Iterator[ast.AST]:
    kind: type = type(getattr(node, "op", None))
    for operator in OPERATORS.get(kind, ()):
        yield _with(node, op=operator())
    match node:
        case ast.Compare(ops=[first, *rest]):
            yield from (_with(node, ops=[other(), *rest]) for other in OPERATORS.get(type(first), ()))
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value - 1), ast.Constant(value + 1))
        case ast.Constant(value=float(value)):
            yield ast.Constant(2 * value if value else 1.0)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Slice():
            yield from (
                _with(node, **{end: None}) for end in ("lower", "upper", "step") if getattr(node, end)
            )
        case ast.Tuple(elts=elements, ctx=ast.Load()):
            yield from (_with(node, elts=swapped) for swapped in _neighbours_exchanged(elements))
        case ast.Name(id=name, ctx=ast.Load()) if SIDES.get(name) in bound:
            yield ast.Name(SIDES[name], ast.Load())
        case ast.Attribute(value=value, attr="T"):
            yield value
        case ast.Call():
            yield from _other_calls(node)


def _other_calls(node: ast.Call) -> Iterator[ast.AST]:
    yield from (_with(node, args=swapped) for swapped in _neighbours_exchanged(node.args))
    for index, keyword in enumerate(node.keywords):
        if keyword.arg == "strict":
            continue
        yield _with(node, keywords=[*node.keywords[:index], *node.keywords[index + 1 :]])
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Tuple):
            for left_out in range(len(keyword.value.elts)):
                elements = [axis for at, axis in enumerate(keyword.value.elts) if at != left_out]
                fewer = ast.keyword("axis", _with(keyword.value, elts=elements))
                yield _with(node, keywords=[*node.keywords[:index], fewer, *node.keywords[index + 1 :]])
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name == "range":
        one_less = ast.BinOp(node.args[-1], ast.Sub(), ast.Constant(1))
        yield _with(node, args=[*node.args[:-1], one_less])
    if name in CONFUSED:
        renamed = {"attr" if isinstance(node.func, ast.Attribute) else "id": CONFUSED[name]}
        yield _with(node, func=_with(node.func, **renamed))
    if name in FORGOTTEN and isinstance(node.func, ast.Attribute):
        of_module = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
        yield node.args[0] if of_module and node.args else node.func.value


def _neighbours_exchanged(items: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for index in range(len(items) - 1):
        yield [*items[:index], items[index + 1], items[index], *items[index + 2 :]]


# --- statements -------------------------------------------------------------------------------------------


def _other_statements(node: Any, bound: Counter[str]) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test, orelse=other) | ast.While(test=test, orelse=other):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
            if not other:
                yield ast.Pass()
        case ast.AugAssign(target=target, op=operator, value=value):
            if not isinstance(operator, ast.Add):
                yield _with(node, op=ast.Add())
            yield ast.Assign([target], value)
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            yield ast.AugAssign(target, ast.Add(), value)
            yield ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)]) if bound[name] > 1:
            yield ast.Pass()
        case ast.Raise() | ast.Expr(value=ast.Call()):
            yield ast.Pass()
