"""`cs_utils.layers` does what the notebooks' solutions do: same signatures, same values, caches that mix."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from autograder import source
from cs_utils import layers
from cs_utils.exercises import exercises
from tests.bundle.test_contents import hidden_lines, squeezed


@dataclass(frozen=True)
class Call:
    """A call of a forward, or of a function that has no backward."""

    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def norm(*shape: int, **options: Any) -> Call:
    """x, gamma, beta; no gamma is 1 and no beta 0."""
    return Call((draw(*shape), draw(shape[1]) + 3, draw(shape[1] + 1)[1:]), options)


def batchnorm(*shape: int, **options: Any) -> Call:
    statistics = draw(shape[1] + 2)[2:], np.linspace(0.5, 2, shape[1])
    return Call((*norm(*shape).args, *statistics), options)


CONVOLUTIONS = [
    Call((draw(2, 3, 6, 7), draw(4, 3, 3, 2), draw(4))),
    Call((draw(2, 3, 8, 7), draw(4, 3, 3, 3), draw(4)), {"stride": 2, "padding": 1}),
    Call(
        (draw(1, 1, 9, 8), draw(2, 1, 2, 3), draw(2)),
        {"stride": (3, 2), "padding": (0, 2), "dilation": (2, 1)},
    ),
]
POOLINGS = [
    Call((draw(2, 3, 6, 4), 2)),
    Call((draw(2, 3, 7, 8), 3), {"stride": 2, "padding": 1}),
    Call((draw(1, 2, 7, 9) - 9, (3, 2)), {"stride": (1, 3), "padding": (1, 0)}),
]
ROWS = [
    batchnorm(6, 3, training=True),
    batchnorm(5, 4, training=True, momentum=0.4, eps=0.3),
    batchnorm(1, 3, training=False, eps=0.3),
]
IMAGES = [
    batchnorm(4, 3, 2, 5, training=True),
    batchnorm(2, 4, 3, 3, training=True, momentum=0.4, eps=0.3),
    batchnorm(1, 3, 2, 2, training=False, eps=0.3),
]
DROPOUTS = [
    Call((draw(40, 5),), {"p": 0.3, "training": True}),
    Call((draw(2, 3, 4, 5),), {"p": 0.5, "training": False}),
    Call((draw(7),), {"p": 0.0, "training": True}),
]
FORWARDS = {
    "conv2d_forward": CONVOLUTIONS,
    "max_pool2d_forward": POOLINGS,
    "avg_pool2d_forward": POOLINGS,
    "batchnorm_forward": ROWS,
    "batchnorm2d_forward": IMAGES,
    "layernorm_forward": [norm(4, 5), norm(1, 3, eps=0.3)],
    "instancenorm_forward": [norm(2, 3, 4, 2), norm(1, 2, 3, 3, eps=0.3)],
    "groupnorm_forward": [norm(2, 6, 3, 2, groups=3), norm(1, 4, 2, 2, groups=1, eps=0.3)],
    "dropout_forward": DROPOUTS,
    "linear_forward": [Call((draw(4, 3), draw(2, 3), draw(2)))],
    "relu_forward": [Call((draw(3, 4).round(),)), Call((draw(2, 3, 4, 5),))],
}
BACKWARDS = {
    name.replace("forward", "backward"): name for name in FORWARDS if not name.startswith("instance")
} | {"batchnorm_backward_closed_form": "batchnorm_forward"}
OTHERS = {
    "global_avg_pool": [Call((draw(2, 3, 4, 5),))],
    "softmax_cross_entropy": [
        Call((draw(4, 3), np.array([0, 2, 2, 1]))),
        Call((draw(2, 3) * 1000, np.array([1, 0]))),
    ],
    "numeric_gradient": [
        Call((lambda x: float((x**3).sum()), draw(2, 3))),
        Call((lambda x: np.sin(x).prod(), draw(4)), {"h": 1e-3}),
    ],
}
INITIALISERS = ("xavier_init", "kaiming_init")
FUNCTIONS = [*FORWARDS, *BACKWARDS, *OTHERS, *INITIALISERS]


def calls(table: dict[str, list[Call]]) -> Any:
    """Parametrise a test by ``name`` and ``call``."""
    cases = [(name, call) for name, each in table.items() for call in each]
    return pytest.mark.parametrize(("name", "call"), cases, ids=lambda value: getattr(value, "id", None))


def solution(name: str) -> Callable[..., Any]:
    path = source.SOLUTIONS / f"{exercises()[name].notebook}.py"
    function: Callable[..., Any] = getattr(source.load(path), name)
    return function


def run(function: Callable[..., Any], call: Call) -> Any:
    """The call on copies; a function that draws gets a generator in a known state."""
    args = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in call.args]
    rng = {"rng": np.random.default_rng(7)} if "rng" in inspect.signature(function).parameters else {}
    return function(*args, **call.options, **rng)


def without_cache(returned: Any) -> tuple[Any, ...]:
    """(out, cache, more ...) -> (out, more ...)."""
    out, _, *more = returned
    return (out, *more)


def assert_equal(ours: Any, theirs: Any) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


# --- signatures and values --------------------------------------------------------------------------------


def test_every_function_is_compared():
    public = {
        name
        for name, value in vars(layers).items()
        if inspect.isfunction(value) and value.__module__ == layers.__name__ and not name.startswith("_")
    }
    assert public == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_are_those_of_the_notebooks(name):
    def plain(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
        parameters = inspect.signature(function).parameters.values()
        return [(each.name, each.kind, each.default) for each in parameters]

    assert plain(getattr(layers, name)) == plain(solution(name))


@calls(FORWARDS)
def test_forwards_give_the_values_of_the_notebooks(name, call):
    assert_equal(without_cache(run(getattr(layers, name), call)), without_cache(run(solution(name), call)))


@calls(OTHERS)
def test_functions_without_a_backward_give_the_values_of_the_notebooks(name, call):
    ours, theirs = run(getattr(layers, name), call), run(solution(name), call)
    assert_equal(*((value if isinstance(value, tuple) else (value,)) for value in (ours, theirs)))


BACKWARD_CALLS = {
    name: [call for call in FORWARDS[forward] if "norm" not in name or call.options.get("training", True)]
    for name, forward in BACKWARDS.items()
}


@calls(BACKWARD_CALLS)
@pytest.mark.parametrize("cache_of", ["layers", "solution"])
def test_backwards_give_the_values_of_the_notebooks_with_either_cache(name, call, cache_of):
    """A student may have written one half of a layer, and take the other from here."""
    forwards = {"layers": getattr(layers, BACKWARDS[name]), "solution": solution(BACKWARDS[name])}
    out, cache, *_ = run(forwards[cache_of], call)
    dout = np.random.default_rng(3).normal(size=out.shape)
    ours, theirs = getattr(layers, name)(dout, cache), solution(name)(dout, cache)
    assert_equal(*((value if isinstance(value, tuple) else (value,)) for value in (ours, theirs)))


@pytest.mark.parametrize("name", ["batchnorm_backward", "batchnorm2d_backward"])
def test_batchnorm_backward_knows_evaluation_too(name):
    x, gamma, beta, mean, var = (ROWS if name == "batchnorm_backward" else IMAGES)[2].args
    out, cache, *_ = getattr(layers, BACKWARDS[name])(x, gamma, beta, mean, var, training=False, eps=0.3)
    dx, _, dbeta = getattr(layers, name)(np.ones_like(out), cache)
    slope = (gamma / np.sqrt(var + 0.3)).reshape(-1, *[1] * (x.ndim - 2))
    np.testing.assert_allclose(dx, np.broadcast_to(slope, x.shape))
    np.testing.assert_allclose(dbeta, x.size / x.shape[1])


@pytest.mark.parametrize("name", ["batchnorm_forward", "batchnorm2d_forward"])
def test_one_value_per_channel_cannot_be_trained_on(name):
    one = batchnorm(*(1, 3) if name == "batchnorm_forward" else (1, 3, 1, 1), training=True)
    for function in (getattr(layers, name), solution(name)):
        with pytest.raises(ValueError):
            run(function, one)


@pytest.mark.parametrize("name", INITIALISERS)
@pytest.mark.parametrize("shape", [(300, 200), (40, 30, 3, 5)])
def test_initialisers_draw_from_the_distribution_of_the_notebooks(name, shape):
    one, other = (
        each(shape, rng=np.random.default_rng(1)) for each in (getattr(layers, name), solution(name))
    )
    assert one.shape == other.shape == shape and one.dtype == other.dtype
    np.testing.assert_allclose(one.std(), other.std(), rtol=0.03)
    np.testing.assert_allclose(*(np.quantile(w, [0.05, 0.25, 0.75, 0.95]) for w in (one, other)), rtol=0.06)
    assert abs(one.mean()) < 6 * one.std() / np.sqrt(one.size)
    assert (abs(one).max() > 2 * one.std()) == (abs(other).max() > 2 * other.std())


@pytest.mark.parametrize("name", INITIALISERS)
def test_initialisers_draw_from_the_generator_that_is_handed_in(name):
    rng = np.random.default_rng(1)
    first, second = (getattr(layers, name)((5, 4), rng=rng) for _ in range(2))
    again = getattr(layers, name)((5, 4), rng=np.random.default_rng(1))
    assert (first == again).all() and (first != second).any()


def test_in_tests_of_a_network_dropout_draws_nothing():
    rng = np.random.default_rng(1)
    layers.dropout_forward(np.ones((3, 4)), p=0.5, training=False, rng=rng)
    assert rng.bit_generator.state == np.random.default_rng(1).bit_generator.state


# --- kind ways with arrays --------------------------------------------------------------------------------


def single(call: Call) -> Call:
    arrays = [
        a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in call.args
    ]
    return Call(tuple(arrays), call.options)


@calls(FORWARDS)
def test_float32_stays_float32(name, call):
    out, cache, *more = run(getattr(layers, name), single(call))
    backward = getattr(layers, name.replace("forward", "backward"), None)
    gradients = backward(np.ones_like(out), cache) if backward else ()
    results = [out, *more, *(gradients if isinstance(gradients, tuple) else (gradients,))]
    assert {array.dtype for array in results} == {np.dtype(np.float32)}


@calls(FORWARDS)
def test_arrays_of_any_layout_are_taken_and_none_is_changed(name, call):
    arrays = [argument for argument in call.args if isinstance(argument, np.ndarray)]
    views = [np.repeat(array, 2, axis=-1)[..., ::2][..., ::-1][..., ::-1] for array in arrays]
    for view in views:
        view.flags.writeable = False
    backwards = [np.asfortranarray(array[::-1])[::-1] for array in arrays]
    rest = call.args[len(arrays) :]
    expected = run(getattr(layers, name), call)
    for given in (views, backwards):
        out, cache, *more = getattr(layers, name)(*given, *rest, **call.options, **rng_for(name))
        assert_equal((out, *more), without_cache(expected))
        backward = getattr(layers, name.replace("forward", "backward"), None)
        dout = np.broadcast_to(np.float64(2), out.shape)
        if backward is not None:
            assert_equal(as_tuple(backward(dout, cache)), as_tuple(backward(dout, expected[1])))
        assert_equal(given, arrays)


def rng_for(name: str) -> dict[str, Any]:
    return {"rng": np.random.default_rng(7)} if name == "dropout_forward" else {}


def as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@calls(FORWARDS)
def test_what_is_returned_is_not_part_of_what_was_given_or_kept(name, call):
    """Whoever changes a result in place changes neither the input nor the backward that follows."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in call.args]
    out, cache, *more = getattr(layers, name)(*args, **call.options, **rng_for(name))
    backward = getattr(layers, name.replace("forward", "backward"), None)
    dout = np.ones_like(out)
    before = as_tuple(backward(dout, cache)) if backward else ()
    for array in (out, *more, *(as_tuple(backward(dout, cache)) if backward else ())):
        array += 1000
    assert_equal(args, call.args)
    assert_equal(dout.ravel(), np.ones(dout.size))
    assert_equal(as_tuple(backward(dout, cache)) if backward else (), before)


def test_whole_numbers_are_taken_as_float64():
    out, _ = layers.conv2d_forward(np.ones((1, 1, 2, 2), int), np.ones((1, 1, 2, 2), int), np.ones(1, int))
    assert out.dtype == np.float64 and out.item() == 5


def test_layers_work_where_pytorch_records_nothing():
    with torch.no_grad():
        _, cache = layers.relu_forward(np.array([1.0, -1, 0]))
        assert layers.relu_backward(np.ones(3), cache).tolist() == [1, 0, 0]


# --- and gives nothing away -------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["layers", "earlier"])
def test_no_line_of_a_solution_is_in_the_module(module):
    text = squeezed((source.ROOT / "cs_utils" / f"{module}.py").read_text(encoding="utf-8"))
    assert not {line for line in hidden_lines() if squeezed(line) in text}


def test_no_function_but_its_helpers_computes_with_numpy():
    """NumPy is there to take arrays in and to hand them out; what is computed, PyTorch computes."""
    import ast

    tree = ast.parse(inspect.getsource(layers))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }
    assert used <= {
        *("array", "asarray", "broadcast_to", "dtype", "float32", "float64", "ndarray"),
        *("ones", "random", "result_type", "zeros"),
    }
