"""Notebook 05: max pooling, average pooling, and what a shift of the picture does to them.

Sources of the worked numbers: UCLA CS163 lecture 7, Georgia Tech CS 7643 (convolution lecture), and A. Jain's
building blocks. All of them were recomputed.
"""
# %% [markdown]
# # 05 · Pooling

# %% tags=["needed"]
import numpy as np
from cs_utils import check, plots, when_done


def pair(value):
    """A number as a pair of it: 2 -> (2, 2). A pair stays as it is."""
    return (value, value) if isinstance(value, int) else tuple(value)


# %% exercise="max_pool2d_forward"
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    """The largest number of each window.

    x: (N, C, H, W), floats; it is not changed. kernel_size, stride, padding: each an int or a pair (h, w).
    Returns (out, cache).
    """
    ### BEGIN SOLUTION
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    out = np.full((*x.shape[:2], oh, ow), -np.inf, dtype=x.dtype)
    for i, j in np.ndindex(kh, kw):  # number (i, j) of all windows at once
        np.maximum(out, padded[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw], out=out)
    return out, (x, (kh, kw), (sh, sw), (ph, pw))
    ### END SOLUTION


# %% check="max_pool2d_forward" points=8
check(max_pool2d_forward)


# %% exercise="max_pool2d_backward"
def max_pool2d_backward(dout, cache):
    """Gradient of max pooling with respect to its input.

    dout: (N, C, oh, ow). cache: what max_pool2d_forward returned. Neither is changed.
    Returns dx: (N, C, H, W).
    """
    ### BEGIN SOLUTION
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    (H, W), (oh, ow) = x.shape[2:], dout.shape[2:]
    out, _ = max_pool2d_forward(x, (kh, kw), stride=(sh, sw), padding=(ph, pw))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dpadded = np.zeros_like(padded)
    left = dout.copy()  # what each window has not handed on yet
    for i, j in np.ndindex(kh, kw):
        inputs = np.s_[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw]
        share = left * (padded[inputs] == out)
        dpadded[inputs] += share
        left -= share
    return dpadded[:, :, ph : ph + H, pw : pw + W]
    ### END SOLUTION


# %% check="max_pool2d_backward" points=8
check(max_pool2d_backward)


# %% exercise="avg_pool2d_forward"
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    """The mean of each window; padded zeros count.

    x: (N, C, H, W), floats; it is not changed. kernel_size, stride, padding: each an int or a pair (h, w).
    Returns (out, cache).
    """
    ### BEGIN SOLUTION
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    out = np.zeros((*x.shape[:2], oh, ow), dtype=x.dtype)
    for i, j in np.ndindex(kh, kw):
        out += padded[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw]
    return out / (kh * kw), (x, (kh, kw), (sh, sw), (ph, pw))
    ### END SOLUTION


# %% check="avg_pool2d_forward" points=5
check(avg_pool2d_forward)


# %% exercise="avg_pool2d_backward"
def avg_pool2d_backward(dout, cache):
    """Gradient of average pooling with respect to its input.

    dout: (N, C, oh, ow). cache: what avg_pool2d_forward returned. Neither is changed.
    Returns dx: (N, C, H, W).
    """
    ### BEGIN SOLUTION
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    (N, C, H, W), (oh, ow) = x.shape, dout.shape[2:]
    dpadded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=dout.dtype)
    for i, j in np.ndindex(kh, kw):
        dpadded[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw] += dout / (kh * kw)
    return dpadded[:, :, ph : ph + H, pw : pw + W]
    ### END SOLUTION


# %% check="avg_pool2d_backward" points=5
check(avg_pool2d_backward)


# %% exercise="global_avg_pool"
def global_avg_pool(x):
    """The mean of every channel: (N, C, H, W) -> (N, C)."""
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3))
    ### END SOLUTION


# %% check="global_avg_pool" points=2
check(global_avg_pool)


# %% exercise="shift_errors"
def shift_errors(before, after, *, shift):
    """How far a response is from moving along with the picture, and how far from staying as it was."""
    ### BEGIN SOLUTION
    W = before.shape[3]
    moves = np.abs(after[..., shift:] - before[..., : W - shift]).mean()
    stays = np.abs(after - before).mean()
    return moves, stays
    ### END SOLUTION


# %% check="shift_errors" points=2
check(shift_errors)


# %% exercise="average_kernel"
def average_kernel(channels, kernel_size):
    """The weight of a convolution that does what average pooling does."""
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size)
    w = np.zeros((channels, channels, kh, kw))
    w[range(channels), range(channels)] = 1 / (kh * kw)
    return w
    ### END SOLUTION


# %% check="average_kernel" points=3
check(average_kernel)
