# Notebook 03: the convolution layer, forward. `make notebooks` builds it.
# The exercises' references, cases and known mistakes are in cs_utils/exercises/nb03_convolution.py.

# %% [markdown]
# # 03 · The convolution layer

# %% tags=["needed"]
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cs_utils import check, plots, when_done


# %% tags=["needed"]
def pair(value):
    """The pair (for the rows, for the columns) that an option stands for: 2 means (2, 2)."""
    return value if isinstance(value, tuple) else (value, value)


# %% exercise="im2col"
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    """Every window of a batch of images as a column.

    Returns an array of shape (N, C * kh * kw, oh * ow).
    """
    ### BEGIN SOLUTION
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (pair(v) for v in (kernel_size, stride, padding, dilation))
    N, C = x.shape[:2]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * kh * kw, -1)
    ### END SOLUTION


# %% check="im2col" points=1
check(im2col)


# %% exercise="conv2d_forward"
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    """The convolution layer, forward.

    Returns (out, cache); cache = (x, w, stride, padding, dilation).
    """
    ### BEGIN SOLUTION
    D, C, kh, kw = w.shape
    columns = im2col(x, (kh, kw), stride=stride, padding=padding, dilation=dilation)
    out = w.reshape(D, C * kh * kw) @ columns
    out += b[:, None]
    (sh, _), (ph, _), (dh, _) = pair(stride), pair(padding), pair(dilation)
    oh = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    return out.reshape(len(x), D, oh, -1), (x, w, stride, padding, dilation)
    ### END SOLUTION


# %% check="conv2d_forward" points=1
check(conv2d_forward)
