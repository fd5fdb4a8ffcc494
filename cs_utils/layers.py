"""The layers of notebooks 03 to 07 with PyTorch inside: NumPy arrays in, NumPy arrays out.

Later notebooks build networks from these where your own layers are not at hand. Signatures, values and caches
are those of the notebooks; how to compute them in NumPy is not to be learned here. Results have the dtype
that NumPy's rules give: float32 stays float32, and a float64 among the inputs makes them float64.

A cache is a tuple of the fields that the notebooks prescribe. Besides, it keeps what PyTorch recorded of the
forward pass; a plain tuple of the same fields, such as your own forward's cache, does as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

Array = np.ndarray
Size = int | tuple[int, int]  # a number for both axes, or (height, width)
Gradients = tuple[Array, ...]  # in the order of the forward's inputs


class Record:
    """A forward pass that PyTorch has recorded."""

    def __init__(self, function: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> None:
        with torch.enable_grad():
            self._inputs = [tensor.requires_grad_() for tensor in inputs]
            self._out = function(*self._inputs)

    @property
    def out(self) -> Array:
        """What came out, as an array of its own: whoever changes it does not change the record."""
        return self._out.detach().numpy().copy()

    def gradients(self, dout: Array) -> Gradients:
        """Gradients with respect to the inputs, in their order; can be asked for any number of times."""
        upstream = torch.from_numpy(np.array(dout, order="C")).to(self._out.dtype)
        found = torch.autograd.grad(self._out, self._inputs, upstream, retain_graph=True)
        return tuple(gradient.numpy() for gradient in found)


class Cache(tuple):
    """The prescribed fields, and the record of the forward pass that they come from."""

    record: Record

    @classmethod
    def of(cls, record: Record, *fields: Any) -> Cache:
        cache = cls(fields)
        cache.record = record
        return cache


def _record_of(cache: Sequence[Any], forward: Callable[..., Record], fields: int) -> Record:
    """The record in `cache`; where there is none, `forward` makes it from the first fields."""
    return cache.record if isinstance(cache, Cache) else forward(*cache[:fields])


def _tensors(*arrays: Array) -> list[torch.Tensor]:
    """Copies of the arrays as tensors of one floating-point type."""
    dtype = np.result_type(*arrays)
    dtype = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)
    return [torch.from_numpy(np.array(array, dtype=dtype, order="C")) for array in arrays]


def _pair(size: Size) -> tuple[int, int]:
    height, width = np.broadcast_to(size, 2).tolist()
    return height, width


# --- convolution ------------------------------------------------------------------------------------------


def conv2d_forward(
    x: Array, w: Array, b: Array, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> tuple[Array, Cache]:
    """Cross-correlate every image with every filter.

    x: (N, C, H, W). w: (D, C, kh, kw). b: (D,).
    Returns out: (N, D, oh, ow), and cache: (x, w, stride, padding, dilation), as they were handed in.
    """
    record = _conv2d(x, w, stride, padding, dilation, b)
    return record.out, Cache.of(record, x, w, stride, padding, dilation)


def conv2d_backward(dout: Array, cache: Sequence[Any]) -> Gradients:
    """Gradients (dx, dw, db) for dout: (N, D, oh, ow), the upstream gradient."""
    return _record_of(cache, _conv2d, 5).gradients(dout)


def _conv2d(
    x: Array, w: Array, stride: Size, padding: Size, dilation: Size, b: Array | None = None
) -> Record:
    bias = np.zeros(len(w), dtype=w.dtype) if b is None else b
    options = _pair(stride), _pair(padding), _pair(dilation)
    return Record(lambda x, w, b: F.conv2d(x, w, b, *options), *_tensors(x, w, bias))


def numeric_gradient(f: Callable[[Array], float], x: Array, *, h: float = 1e-5) -> Array:
    """Gradient of a function of an array by central differences; float64, in the shape of x.

    f: takes an array like x and returns a number. x: is not changed.
    """
    (at,) = _tensors(np.asarray(x, dtype=np.float64))
    ends = torch.zeros(at.numel(), 2, dtype=torch.float64)
    for place, both in enumerate(ends):
        step = torch.zeros(at.numel(), dtype=torch.float64).index_fill_(0, torch.tensor(place), h)
        for side, point in enumerate((at - step.reshape(at.shape), at + step.reshape(at.shape))):
            both[side] = float(f(point.numpy()))
    slopes = torch.gradient(ends, spacing=2 * h, dim=1)[0][:, 0]
    return slopes.reshape(at.shape).numpy()


# --- pooling ----------------------------------------------------------------------------------------------


def max_pool2d_forward(
    x: Array, kernel_size: Size, *, stride: Size | None = None, padding: Size = 0
) -> tuple[Array, Cache]:
    """The largest number of every window; padding never wins.

    x: (N, C, H, W). stride: the kernel size when None.
    Returns out: (N, C, oh, ow), and cache: (x, kernel_size, stride, padding), all as pairs.
    """
    return _pooled(_max_pool2d, x, kernel_size, stride, padding)


def max_pool2d_backward(dout: Array, cache: Sequence[Any]) -> Array:
    """Gradient dx: (N, C, H, W); where numbers of a window tie, the first one gets it."""
    return _record_of(cache, _max_pool2d, 4).gradients(dout)[0]


def avg_pool2d_forward(
    x: Array, kernel_size: Size, *, stride: Size | None = None, padding: Size = 0
) -> tuple[Array, Cache]:
    """The mean of every window, zeros of the padding counted in.

    x: (N, C, H, W). stride: the kernel size when None.
    Returns out: (N, C, oh, ow), and cache: (x, kernel_size, stride, padding), all as pairs.
    """
    return _pooled(_avg_pool2d, x, kernel_size, stride, padding)


def avg_pool2d_backward(dout: Array, cache: Sequence[Any]) -> Array:
    """Gradient dx: (N, C, H, W)."""
    return _record_of(cache, _avg_pool2d, 4).gradients(dout)[0]


def global_avg_pool(x: Array) -> Array:
    """The mean of every channel's map: (N, C, H, W) -> (N, C)."""
    return Record(lambda images: F.adaptive_avg_pool2d(images, 1).flatten(1), *_tensors(x)).out


def _pooled(
    pool: Callable[..., Record], x: Array, kernel_size: Size, stride: Size | None, padding: Size
) -> tuple[Array, Cache]:
    fields = x, _pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding)
    record = pool(*fields)
    return record.out, Cache.of(record, *fields)


def _max_pool2d(x: Array, kernel_size: Size, stride: Size, padding: Size) -> Record:
    return Record(lambda images: F.max_pool2d(images, kernel_size, stride, padding), *_tensors(x))


def _avg_pool2d(x: Array, kernel_size: Size, stride: Size, padding: Size) -> Record:
    return Record(lambda images: F.avg_pool2d(images, kernel_size, stride, padding), *_tensors(x))


# --- normalisation ----------------------------------------------------------------------------------------


def batchnorm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Cache, Array, Array]:
    """Normalise every feature: in training over the batch, else with the running statistics.

    x: (N, D). gamma, beta, running_mean, running_var: (D,). momentum weighs the new value.
    Returns out: (N, D), cache: (x_hat, gamma, var, eps), and running_mean and running_var as they are now.

    Raises ValueError in training when there is only one value per feature.
    """
    batch, scale, shift, mean, var = _tensors(x, gamma, beta, running_mean, running_var)
    normalise = partial(F.batch_norm, training=training, momentum=momentum, eps=eps)
    x_hat = normalise(batch, mean.clone(), var.clone())
    used = batch.transpose(0, 1).flatten(1).var(1, correction=0) if training else var.clone()
    record = Record(lambda x, gamma, beta: normalise(x, mean, var, gamma, beta), batch, scale, shift)
    cache = Cache.of(record, x_hat.numpy(), gamma, used.numpy(), eps)
    return record.out, cache, mean.numpy().copy(), var.numpy().copy()


def batchnorm_backward(dout: Array, cache: Sequence[Any]) -> Gradients:
    """Gradients (dx, dgamma, dbeta) for dout, the upstream gradient."""
    return _record_of(cache, _batchnorm, 4).gradients(dout)


def batchnorm_backward_closed_form(dout: Array, cache: Sequence[Any]) -> Gradients:
    """The same as `batchnorm_backward`."""
    return batchnorm_backward(dout, cache)


def batchnorm2d_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Cache, Array, Array]:
    """Normalise every channel of x: (N, C, H, W), otherwise as `batchnorm_forward`."""
    statistics = running_mean, running_var
    return batchnorm_forward(x, gamma, beta, *statistics, training=training, momentum=momentum, eps=eps)


def batchnorm2d_backward(dout: Array, cache: Sequence[Any]) -> Gradients:
    """Gradients (dx, dgamma, dbeta) for dout: (N, C, H, W)."""
    return batchnorm_backward(dout, cache)


def layernorm_forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5) -> tuple[Array, Cache]:
    """Normalise every row of x: (N, D).

    Returns out: (N, D), and cache: (x_hat, gamma, var, eps), with var of shape (N, 1).
    """
    record, x_hat, var = _normalised(x, gamma, beta, 1, eps)
    return record.out, Cache.of(record, x_hat, gamma, var, eps)


def layernorm_backward(dout: Array, cache: Sequence[Any]) -> Gradients:
    """Gradients (dx, dgamma, dbeta) for dout: (N, D)."""
    return _record_of(cache, _groupnorm, 4).gradients(dout)


def instancenorm_forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5) -> tuple[Array, Cache]:
    """Normalise every channel of every image of x: (N, C, H, W).

    Returns out, and cache: (x_hat, gamma, var, eps), with var of shape (N, C, 1, 1).
    """
    record, x_hat, var = _normalised(x, gamma, beta, x.shape[1], eps)
    return record.out, Cache.of(record, x_hat, gamma, var[..., None, None], eps)


def groupnorm_forward(
    x: Array, gamma: Array, beta: Array, *, groups: int, eps: float = 1e-5
) -> tuple[Array, Cache]:
    """Normalise every group of neighbouring channels of every image of x: (N, C, H, W).

    Returns out, and cache: (x_hat, gamma, var, eps, groups), with var of shape (N, groups, 1).
    """
    record, x_hat, var = _normalised(x, gamma, beta, groups, eps)
    return record.out, Cache.of(record, x_hat, gamma, var[..., None], eps, groups)


def groupnorm_backward(dout: Array, cache: Sequence[Any]) -> Gradients:
    """Gradients (dx, dgamma, dbeta) for dout: (N, C, H, W)."""
    return _record_of(cache, _groupnorm, 5).gradients(dout)


def _normalised(x: Array, gamma: Array, beta: Array, groups: int, eps: float) -> tuple[Record, Array, Array]:
    """The record, x_hat, and var: (N, groups). One group is layer norm, C groups are instance norm."""
    batch, scale, shift = _tensors(x, gamma, beta)
    normalise = partial(F.group_norm, num_groups=groups, eps=eps)
    x_hat, var = normalise(batch), batch.unflatten(1, (groups, -1)).flatten(2).var(2, correction=0)
    record = Record(lambda x, gamma, beta: normalise(x, weight=gamma, bias=beta), batch, scale, shift)
    return record, x_hat.numpy(), var.numpy()


def _batchnorm(x_hat: Array, gamma: Array, var: Array, eps: float) -> Record:
    """A batch norm in training that gives this x_hat and has this var."""
    normal, scale, spread = _tensors(x_hat, gamma, np.asarray(var) + eps)
    batch = normal.movedim(1, -1).mul(spread.flatten().sqrt()).movedim(-1, 1)
    normalise = partial(F.batch_norm, running_mean=None, running_var=None, training=True, eps=eps)
    return Record(
        lambda x, gamma, beta: normalise(x, weight=gamma, bias=beta),
        batch,
        scale,
        scale.new_zeros(len(scale)),
    )


def _groupnorm(x_hat: Array, gamma: Array, var: Array, eps: float, groups: int = 1) -> Record:
    """A group norm that gives this x_hat and has this var."""
    normal, scale, spread = _tensors(x_hat, gamma, np.asarray(var) + eps)
    stretched = normal.unflatten(1, (groups, -1)).flatten(2).mul(spread.view(-1, groups, 1).sqrt())
    return Record(
        lambda x, gamma, beta: F.group_norm(x, groups, gamma, beta, eps),
        stretched.view_as(normal),
        scale,
        scale.new_zeros(len(scale)),
    )


# --- dropout, linear layer, ReLU, loss, first weights -----------------------------------------------------


def dropout_forward(x: Array, *, p: float, training: bool, rng: np.random.Generator) -> tuple[Array, Cache]:
    """Inverted dropout: in training each number is dropped with probability p and the others grow.

    Returns out in the shape of x, and cache: (keep, p); otherwise keep is True everywhere and p is 0.
    """
    if not training:
        p = 0.0
    keep = torch.as_tensor(rng.random(x.shape)).ge(p) if training else torch.ones(x.shape, dtype=torch.bool)
    record = _dropout(keep.numpy(), p, x)
    return record.out, Cache.of(record, keep.numpy(), p)


def dropout_backward(dout: Array, cache: Sequence[Any]) -> Array:
    """Gradient dx in the shape of dout."""
    return _record_of(cache, _dropout, 2).gradients(dout)[0]


def linear_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """A fully connected layer. x: (N, inputs). w: (outputs, inputs). b: (outputs,).

    Returns out: (N, outputs), and cache: (x, w).
    """
    record = _linear(x, w, b)
    return record.out, Cache.of(record, x, w)


def linear_backward(dout: Array, cache: Sequence[Any]) -> Gradients:
    """Gradients (dx, dw, db) for dout: (N, outputs)."""
    return _record_of(cache, _linear, 2).gradients(dout)


def relu_forward(x: Array) -> tuple[Array, Cache]:
    """Negative numbers become 0. Returns out in the shape of x, and cache: (x,)."""
    record = _relu(x)
    return record.out, Cache.of(record, x)


def relu_backward(dout: Array, cache: Sequence[Any]) -> Array:
    """Gradient dx in the shape of dout; 0 where x = 0."""
    return _record_of(cache, _relu, 1).gradients(dout)[0]


def softmax_cross_entropy(scores: Array, labels: Array) -> tuple[float, Array]:
    """Mean loss of a batch and its gradient.

    scores: (N, classes). labels: (N,), whole numbers. Returns loss, a float, and dscores: (N, classes).

    Raises:
        ValueError: the labels have another shape, or one of them is no class.
    """
    classes = torch.tensor(np.asarray(labels), dtype=torch.long)
    if classes.shape != scores.shape[:1]:
        shapes = f"found {tuple(classes.shape)} for scores {tuple(scores.shape)}"
        raise ValueError(f"labels are whole numbers, one for each row of scores (not one-hot); {shapes}")
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < scores.shape[1]:
        found = f"labels go from {int(classes.min())} to {int(classes.max())}"
        raise ValueError(f"{found}, but there are {scores.shape[1]} classes: 0 to {scores.shape[1] - 1}")
    record = Record(lambda scores: F.cross_entropy(scores, classes), *_tensors(scores))
    return float(record.out), record.gradients(np.ones(()))[0]


def xavier_init(shape: tuple[int, ...], *, rng: np.random.Generator) -> Array:
    """First weights (Glorot and Bengio 2010, uniform) of the shape (outputs, inputs) or (D, C, kh, kw)."""
    return nn.init.xavier_uniform_(_empty(shape), generator=_generator(rng)).numpy()


def kaiming_init(shape: tuple[int, ...], *, rng: np.random.Generator) -> Array:
    """First weights (He et al. 2015, normal, fan in) of the shape (outputs, inputs) or (D, C, kh, kw)."""
    weights = _empty(shape)
    return nn.init.kaiming_normal_(weights, nonlinearity="relu", generator=_generator(rng)).numpy()


def _dropout(keep: Array, p: float, x: Array | None = None) -> Record:
    """What F.dropout does once it has drawn; its own generator is another one."""
    mask, scale = torch.tensor(keep), 1 / (1 - p) if p < 1 else 0.0
    given = np.zeros(mask.shape) if x is None else x
    return Record(lambda x: torch.ops.aten.native_dropout_backward(x, mask, scale), *_tensors(given))


def _linear(x: Array, w: Array, b: Array | None = None) -> Record:
    return Record(F.linear, *_tensors(x, w, np.zeros(len(w), dtype=w.dtype) if b is None else b))


def _relu(x: Array) -> Record:
    return Record(F.relu, *_tensors(x))


def _empty(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.empty(tuple(shape), dtype=torch.float64)


def _generator(rng: np.random.Generator) -> torch.Generator:
    """A generator of PyTorch's that goes on where NumPy's is."""
    return torch.Generator().manual_seed(int(rng.integers(2**62)))
