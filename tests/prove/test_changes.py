"""The changes that `make prove` makes: each kind once, on a line of its own."""

from __future__ import annotations

import ast

import pytest

from tests.prove.changes import changes


def made(code: str) -> set[str]:
    return {change.text.split("  ->  ")[1] for change in changes(code)}


@pytest.mark.parametrize(
    ("code", "some"),
    [
        ("a = b + c", {"a = b - c"}),
        ("a = b < c", {"a = b <= c", "a = b >= c"}),
        ("a = b[1:n]", {"a = b[:n]", "a = b[1:]", "a = b[0:n]", "a = b[2:n]"}),
        (
            "a = b.sum(axis=(0, 2))",
            {"a = b.mean(axis=(0, 2))", "a = b.sum()", "a = b.sum(axis=(2,))", "a = b"},
        ),
        (
            "a = b.sum(axis=1, keepdims=True)",
            {"a = b.sum(axis=1, keepdims=False)", "a = b.sum(axis=0, keepdims=True)"},
        ),
        ("a = np.sqrt(b)", {"a = np.square(b)", "a = b"}),
        ("a = b.copy()", {"a = b"}),
        ("a = b.T @ c", {"a = b @ c", "a = b.T * c"}),
        ("a[i] += 1", {"a[i] = 1", "a[i] -= 1", "pass"}),
        ("a[i] = 1", {"a[i] += 1", "pass"}),
        ("a = 1e-5", {"a = 2e-05"}),
        ("a = f(b, c)", {"a = f(c, b)"}),
        ("def f(kh, kw):\n    return kh", {"return kw"}),
        ("def f(x):\n    x = x / 2\n    return x", {"pass", "x = x * 2"}),
        ("def f(a):\n    if a:\n        g(a)\n    return a", {"if not a:", "pass"}),
        ("for i in range(n):\n    pass", {"for i in range(n - 1):"}),
        ("def f():\n    return (a, b, c)", {"return (b, a, c)", "return (a, c, b)"}),
    ],
)
def test_a_kind_of_change(code, some):
    assert some <= made(code)


def test_every_change_is_code_and_told_once():
    found = list(
        changes("def f(x, *, axis=0):\n    x = x + 1\n    x = x + 1\n    return x.sum(axis=axis) + 1 * 2")
    )
    assert len({change.text for change in found}) == len({change.code for change in found}) == len(found)
    for change in found:
        ast.parse(change.code)
