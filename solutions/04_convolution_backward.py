"""Notebook 04: measured gradients, the backward pass of a convolution, transposed convolution.

Sources of the worked numbers: Georgia Tech CS 7643 (convolution lecture: the derivation of both gradients) and
A. Jain's building blocks (the transposed convolution). All of them were recomputed.
"""
# %% [markdown]
# # 04 · The convolution layer, backward

# %% tags=["needed"]
import numpy as np

from cs_utils import check, plots, when_done


# %% tags=["needed"]
def pair(value):
    """`value` as a pair (h, w): a number stands for both."""
    return value if isinstance(value, tuple) else (value, value)


# %% exercise="numeric_gradient"
def numeric_gradient(f, x, *, h=1e-5):
    ### BEGIN SOLUTION
    x = np.array(x, dtype=float)  # a copy of our own: f may be looking at the caller's x
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        middle = x[index]
        x[index] = middle + h
        above = f(x)
        x[index] = middle - h
        below = f(x)
        x[index] = middle
        gradient[index] = (above - below) / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numeric_gradient" points=6
check(numeric_gradient)


# %% exercise="kernel_gradient"
def kernel_gradient(x, dout):
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(x, dout.shape)
    return (windows * dout).sum(axis=(2, 3))
    ### END SOLUTION


# %% check="kernel_gradient" points=3
check(kernel_gradient)


# %% exercise="input_gradient"
def input_gradient(w, dout):
    ### BEGIN SOLUTION
    kh, kw = w.shape
    wide = np.pad(dout, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, w.shape)
    return (windows * w[::-1, ::-1]).sum(axis=(2, 3))
    ### END SOLUTION


# %% check="input_gradient" points=4
check(input_gradient)


# %% exercise="col2im"
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    ### BEGIN SOLUTION
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), cols.dtype)
    for a in range(kh):
        for b in range(kw):
            rows = slice(a * dh, a * dh + (oh - 1) * sh + 1, sh)
            columns = slice(b * dw, b * dw + (ow - 1) * sw + 1, sw)
            padded[:, :, rows, columns] += cols[:, :, a, b]
    return padded[:, :, ph : ph + H, pw : pw + W]
    ### END SOLUTION


# %% check="col2im" points=6
check(col2im)


# %% exercise="conv2d_backward"
def conv2d_backward(dout, cache):
    ### BEGIN SOLUTION
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw) = map(pair, (stride, padding, dilation))
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    views = np.lib.stride_tricks.sliding_window_view(padded, span, axis=(2, 3))
    patches = views[:, :, ::sh, ::sw, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)  # N, C, kh, kw, oh, ow

    options = {"stride": stride, "padding": padding, "dilation": dilation}
    flat = w.reshape(D, -1)
    kind = np.result_type(dout, x, w)
    dx, dflat = np.empty(x.shape, kind), np.zeros(flat.T.shape, kind)
    for n, upstream in enumerate(dout.reshape(len(x), D, -1)):  # one image: its columns fit the cache
        cols = patches[n].reshape(C * kh * kw, -1)
        dflat += cols @ upstream.T
        dx[n] = col2im(flat.T @ upstream, (1, *x.shape[1:]), (kh, kw), **options)[0]
    return dx, dflat.T.reshape(w.shape), dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% check="conv2d_backward" points=8
check(conv2d_backward)


# %% exercise="conv_transpose2d"
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    N, C, H, W = x.shape
    kh, kw = w.shape[2:]
    out_shape = N, w.shape[1], (H - 1) * sh + kh - 2 * ph, (W - 1) * sw + kw - 2 * pw
    stamps = w.reshape(C, -1).T @ x.reshape(N, C, -1)
    out = col2im(stamps, out_shape, (kh, kw), stride=(sh, sw), padding=(ph, pw))
    return out + b[:, None, None]
    ### END SOLUTION


# %% check="conv_transpose2d" points=5
check(conv_transpose2d)
