"""Notebook 06: batch norm forward and backward, running statistics, folding, layer, instance and group norm.

Source of the formulas and claims: UCLA CS163 lecture 7. All numbers were recomputed.
"""
# %% [markdown]
# # 06 · Normalisation

# %% tags=["needed"]
import numpy as np
from cs_utils import check, plots, when_done


# %% exercise="batchnorm_forward"
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    """Normalise every feature."""
    ### BEGIN SOLUTION
    mean, var = running_mean, running_var
    if training:
        n = len(x)
        if n == 1:
            raise ValueError("training needs more than one value per feature; this batch has one")
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean) / np.sqrt(var + eps)
    cache = x_hat, gamma, var, eps
    return gamma * x_hat + beta, cache, running_mean, running_var
    ### END SOLUTION


# %% check="batchnorm_forward" points=8
check(batchnorm_forward)


# %% exercise="batchnorm_backward"
def batchnorm_backward(dout, cache):
    """Through the graph."""
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps = cache
    n = len(x_hat)
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    dx_hat = dout * gamma
    dstd = -(dx_hat * centred).sum(axis=0) / std**2
    dvar = dstd / (2 * std)
    dcentred = dx_hat / std + 2 * centred / n * dvar
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward" points=5
check(batchnorm_backward)


# %% exercise="batchnorm_backward_closed_form"
def batchnorm_backward_closed_form(dout, cache):
    """In one formula."""
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps = cache
    n = len(x_hat)
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - (dbeta + x_hat * dgamma) / n)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward_closed_form" points=4
check(batchnorm_backward_closed_form)


# %% exercise="batchnorm2d_forward"
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    """Normalise every channel."""
    ### BEGIN SOLUTION
    if training:
        n = x.size // x.shape[1]
        if n == 1:
            raise ValueError("training needs more than one value per channel; this batch has one")
        mean = x.mean(axis=(0, 2, 3))
        x_hat = x - mean[:, None, None]
        var = np.square(x_hat).mean(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        x_hat, var = x - running_mean[:, None, None], running_var
    x_hat /= np.sqrt(var + eps)[:, None, None]
    out = gamma[:, None, None] * x_hat
    out += beta[:, None, None]
    return out, (x_hat, gamma, var, eps), running_mean, running_var
    ### END SOLUTION


# %% check="batchnorm2d_forward" points=6
check(batchnorm2d_forward)


# %% exercise="batchnorm2d_backward"
def batchnorm2d_backward(dout, cache):
    """The gradients of `batchnorm2d_forward`."""
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps = cache
    n = x_hat.size // len(gamma)
    dgamma, dbeta = np.einsum("nchw,nchw->c", dout, x_hat), dout.sum(axis=(0, 2, 3))
    dx = dout - x_hat * (dgamma / n)[:, None, None]
    dx -= (dbeta / n)[:, None, None]
    dx *= (gamma / np.sqrt(var + eps))[:, None, None]
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm2d_backward" points=4
check(batchnorm2d_backward)


# %% exercise="fold_batchnorm"
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    """Weight and bias of one layer."""
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(running_var + eps)
    per_filter = scale.reshape(-1, *[1] * (w.ndim - 1))
    return w * per_filter, (b - running_mean) * scale + beta
    ### END SOLUTION


# %% check="fold_batchnorm" points=4
check(fold_batchnorm)


# %% exercise="layernorm_forward"
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    """Normalise every row."""
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, var, eps)
    ### END SOLUTION


# %% check="layernorm_forward" points=4
check(layernorm_forward)


# %% exercise="layernorm_backward"
def layernorm_backward(dout, cache):
    """The gradients of `layernorm_forward`."""
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps = cache
    dx_hat = dout * gamma
    dx = dx_hat - dx_hat.mean(axis=1, keepdims=True)
    dx -= x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True)
    return dx / np.sqrt(var + eps), (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    ### END SOLUTION


# %% check="layernorm_backward" points=4
check(layernorm_backward)


# %% exercise="instancenorm_forward"
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    """Normalise every channel of every image."""
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, gamma, var, eps)
    ### END SOLUTION


# %% check="instancenorm_forward" points=3
check(instancenorm_forward)


# %% exercise="groupnorm_forward"
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    """Normalise every group of channels."""
    ### BEGIN SOLUTION
    grouped = x.reshape(len(x), groups, -1)
    mean, var = grouped.mean(axis=2, keepdims=True), grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = gamma[:, None, None] * x_hat + beta[:, None, None]
    return out, (x_hat, gamma, var, eps, groups)
    ### END SOLUTION


# %% check="groupnorm_forward" points=5
check(groupnorm_forward)


# %% exercise="groupnorm_backward"
def groupnorm_backward(dout, cache):
    """The gradients of `groupnorm_forward`."""
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps, groups = cache
    dgamma, dbeta = (dout * x_hat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
    shape = len(x_hat), groups, -1
    z, dz = x_hat.reshape(shape), (dout * gamma[:, None, None]).reshape(shape)
    dx = dz - dz.mean(axis=2, keepdims=True) - z * (dz * z).mean(axis=2, keepdims=True)
    dx /= np.sqrt(var + eps)
    return dx.reshape(x_hat.shape), dgamma, dbeta
    ### END SOLUTION


# %% check="groupnorm_backward" points=4
check(groupnorm_backward)
