"""Correct answers of notebook 06 in other styles; each must get full points."""


# %% batchnorm_forward: one branch for each mode, sums by hand
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if not training:
        std = np.sqrt(running_var + eps)
        x_hat = (x - running_mean) / std
        return gamma * x_hat + beta, (x_hat, gamma, running_var, eps), running_mean.copy(), running_var.copy()
    N, D = x.shape
    if N < 2:
        raise ValueError(f"batch norm in training needs two rows or more, not {N}")
    mu = x.sum(axis=0) / N
    xmu = x - mu
    var = (xmu**2).sum(axis=0) / N
    ivar = 1.0 / np.sqrt(var + eps)
    x_hat = xmu * ivar
    running_mean = running_mean + momentum * (mu - running_mean)
    running_var = running_var + momentum * ((xmu**2).sum(axis=0) / (N - 1) - running_var)
    return gamma * x_hat + beta, (x_hat, gamma, var, eps, xmu, ivar, x), running_mean, running_var


# %% batchnorm_forward: a loop over the features
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    new_mean, new_var = running_mean.copy(), running_var.copy()
    out, x_hat, used = np.empty(x.shape), np.empty(x.shape), np.empty(x.shape[1])
    if training and x.shape[0] == 1:
        raise ValueError("cannot normalise over a single row")
    for j in range(x.shape[1]):
        column = x[:, j]
        mean, var = running_mean[j], running_var[j]
        if training:
            mean, var = column.mean(), column.var()
            new_mean[j] = (1 - momentum) * new_mean[j] + momentum * mean
            new_var[j] = (1 - momentum) * new_var[j] + momentum * column.var(ddof=1)
        for i in range(x.shape[0]):
            x_hat[i, j] = (x[i, j] - mean) / (var + eps) ** 0.5
            out[i, j] = gamma[j] * x_hat[i, j] + beta[j]
        used[j] = var
    return out, (x_hat, gamma, used, eps), new_mean, new_var


# %% batchnorm_forward: float32 and Fortran order, in a list
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        if np.size(x, 0) <= 1:
            raise ValueError("more than one value per channel expected")
        mean, var = np.average(x, axis=0), np.var(x, axis=0)
        running_mean = momentum * mean + (1 - momentum) * running_mean
        running_var = momentum * np.var(x, axis=0, ddof=1) + (1 - momentum) * running_var
    scale = np.asarray(gamma) * np.power(var + eps, -0.5)
    out = np.asfortranarray((x - mean) * scale + beta, dtype=np.float32)
    cache = (x - mean) * np.power(var + eps, -0.5), gamma, var, eps
    return [out, cache, running_mean.astype(np.float32), running_var.astype(np.float32)]


# %% batchnorm_forward: updated in place, on copies
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    running_mean, running_var = running_mean.copy(), running_var.copy()
    if training:
        n = x.shape[0]
        if n == 1:
            raise ValueError("n == 1")
        mean, var = x.mean(0), x.var(0)
        running_mean *= 1 - momentum
        running_mean += momentum * mean
        running_var *= 1 - momentum
        running_var += momentum * var * (n / (n - 1))
    else:
        mean, var = running_mean, running_var
    out = x - mean
    out /= np.sqrt(var + eps)
    x_hat = out.copy()
    out *= gamma
    out += beta
    return out, {"x_hat": x_hat, "var": var}, running_mean, running_var


# %% batchnorm_backward: the graph in twelve small steps
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps, *_ = cache
    N, D = dout.shape
    sqrtvar = np.sqrt(var + eps)
    ivar = 1 / sqrtvar
    xmu = x_hat * sqrtvar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / (sqrtvar**2) * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    return dxmu1 + dxmu2 + dx2, dgamma, dbeta


# %% batchnorm_backward: the three formulas of the paper
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache[:4]
    m = len(dout)
    centred = x_hat * np.sqrt(var + eps)
    dx_hat = gamma * dout
    dvar = np.sum(dx_hat * centred * -0.5 * (var + eps) ** -1.5, axis=0)
    dmean = np.sum(dx_hat * -1 / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2 * centred, axis=0)
    dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * centred / m + dmean / m
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


# %% batchnorm_backward: the Jacobian of one column as a matrix
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = len(x_hat)
    dx = np.zeros(dout.shape)
    for j in range(dout.shape[1]):
        z = x_hat[:, j]
        jacobian = (np.eye(n) - 1 / n - np.outer(z, z) / n) / np.sqrt(var[j] + eps)
        dx[:, j] = jacobian.T @ (gamma[j] * dout[:, j])
    dgamma = np.array([dout[:, j] @ x_hat[:, j] for j in range(dout.shape[1])])
    return dx, dgamma, np.ones(n) @ dout


# %% batchnorm_backward: with more in the cache
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = (x.mean(0), x.var(0)) if training else (running_mean, running_var)
    xmu, ivar = x - mean, 1 / np.sqrt(var + eps)
    if training:
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (x.var(0, ddof=1) - running_var)
    out = gamma * xmu * ivar + beta
    return out, (xmu * ivar, gamma, var, eps, xmu, ivar, {"training": training}), running_mean, running_var


def batchnorm_backward(dout, cache):
    x_hat, gamma, _, _, xmu, ivar, _ = cache
    n = len(dout)
    dxhat = dout * gamma
    divar = (dxhat * xmu).sum(0)
    dxmu = dxhat * ivar - xmu * ivar**3 * divar / n
    return dxmu - dxmu.mean(0), (dout * x_hat).sum(0), dout.sum(0)


# %% batchnorm_backward: dout is used as scratch paper
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dgamma = np.einsum("nd,nd->d", dout, x_hat)
    dbeta = np.einsum("nd->d", dout)
    dout = dout.copy()
    dout -= dbeta / len(dout)
    dout -= x_hat * dgamma / len(dout)
    dout *= gamma / np.sqrt(var + eps)
    return [dout.astype(np.float32), dgamma.astype(np.float32), dbeta.astype(np.float32)]


# %% batchnorm_backward_closed_form: means
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    g = gamma / (var + eps) ** 0.5
    dx = g * (dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0))
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


# %% batchnorm_backward_closed_form: one fraction
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps, *_ = cache
    N = dout.shape[0]
    dbeta, dgamma = np.sum(dout, 0), np.sum(x_hat * dout, 0)
    dx = gamma * (N * dout - dbeta - x_hat * dgamma) / (N * np.sqrt(var + eps))
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: gamma first
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = (np.asarray(field) for field in cache)
    dx_hat = dout * gamma
    dx = dx_hat - dx_hat.mean(0, keepdims=True) - x_hat * np.mean(dx_hat * x_hat, 0, keepdims=True)
    return np.divide(dx, np.sqrt(var + eps), order="F"), np.sum(dout * x_hat, 0), np.sum(dout, 0)


# %% batchnorm2d_forward: by way of batchnorm_forward
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(N * H * W, C)
    options = {"training": training, "momentum": momentum, "eps": eps}
    out, cache, running_mean, running_var = batchnorm_forward(
        rows, gamma, beta, running_mean, running_var, **options
    )
    x_hat, *rest = cache
    back = (0, 3, 1, 2)
    out, x_hat = out.reshape(N, H, W, C).transpose(back), x_hat.reshape(N, H, W, C).transpose(back)
    return out, (x_hat, *rest), running_mean, running_var


# %% batchnorm2d_forward: keepdims
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean.reshape(1, -1, 1, 1), running_var.reshape(1, -1, 1, 1)
    if training:
        n = x[:, 0].size
        if n <= 1:
            raise ValueError("only one value")
        mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        running_mean = (1 - momentum) * running_mean + momentum * mean.squeeze((0, 2, 3))
        running_var = (1 - momentum) * running_var + momentum * (var * n / (n - 1)).squeeze((0, 2, 3))
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma.reshape(1, -1, 1, 1) * x_hat + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: a loop over the channels
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    new_mean, new_var = np.array(running_mean), np.array(running_var)
    x_hat, out = np.zeros_like(x), np.zeros_like(x, dtype=np.float32)
    var = np.zeros(x.shape[1])
    for c in range(x.shape[1]):
        channel = x[:, c, :, :]
        if training:
            if channel.size == 1:
                raise ValueError("training on one value")
            m, var[c] = np.mean(channel), np.var(channel)
            new_mean[c] += momentum * (m - new_mean[c])
            new_var[c] += momentum * (np.var(channel, ddof=1) - new_var[c])
        else:
            m, var[c] = running_mean[c], running_var[c]
        x_hat[:, c] = (channel - m) / np.sqrt(var[c] + eps)
        out[:, c] = gamma[c] * x_hat[:, c] + beta[c]
    return out, (x_hat, gamma, var, eps), new_mean, new_var


# %% batchnorm2d_backward: by way of batchnorm_backward
def batchnorm2d_backward(dout, cache):
    N, C, H, W = dout.shape
    x_hat, gamma, var, eps = cache
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    x_hat = x_hat.transpose(0, 2, 3, 1).reshape(-1, C)
    dx, dgamma, dbeta = batchnorm_backward(rows, (x_hat, gamma, var, eps))
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta


# %% batchnorm2d_backward: keepdims
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    axes, shape = (0, 2, 3), (1, -1, 1, 1)
    dbeta, dgamma = dout.sum(axes), (dout * x_hat).sum(axes)
    dx = dout - dout.mean(axes, keepdims=True) - x_hat * (dout * x_hat).mean(axes, keepdims=True)
    return dx * (gamma / np.sqrt(var + eps)).reshape(shape), dgamma, dbeta


# %% batchnorm2d_backward: a loop over the channels, float32
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dx = np.empty(dout.shape, np.float32)
    dgamma, dbeta = np.empty(len(gamma), np.float32), np.empty(len(gamma), np.float32)
    for c, (g, v) in enumerate(zip(gamma, var, strict=True)):
        d, z = dout[:, c].ravel(), x_hat[:, c].ravel()
        dgamma[c], dbeta[c] = d @ z, d.sum()
        dx[:, c] = (g / np.sqrt(v + eps) * (d - d.mean() - z * (d @ z) / len(d))).reshape(dout[:, c].shape)
    return dx, dgamma, dbeta


# %% fold_batchnorm: a loop over the filters
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    w, b = np.array(w, dtype=float), np.array(b, dtype=float)
    for d in range(len(b)):
        scale = gamma[d] / np.sqrt(running_var[d] + eps)
        w[d] *= scale
        b[d] = scale * (b[d] - running_mean[d]) + beta[d]
    return w, b


# %% fold_batchnorm: as one matrix
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    scale = np.diag(gamma * (running_var + eps) ** -0.5)
    folded = scale @ w.reshape(w.shape[0], -1)
    return folded.reshape(w.shape), scale @ (b - running_mean) + beta


# %% fold_batchnorm: the axes turned round, float32
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return [(w.T * scale).T.astype(np.float32), (beta + scale * b - scale * running_mean).astype("f4")]


# %% layernorm_forward: transposed
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean, var = x.mean(axis=1), x.var(axis=1)
    x_hat = ((x.T - mean) / np.sqrt(var + eps)).T
    return x_hat * gamma + beta, (x_hat, gamma, var, eps)


# %% layernorm_forward: row by row
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    out, x_hat, var = np.empty(x.shape), np.empty(x.shape), np.empty((len(x), 1))
    for i, row in enumerate(x):
        centred = row - row.mean()
        var[i] = (centred**2).mean()
        x_hat[i] = centred / (var[i] + eps) ** 0.5
        out[i] = gamma * x_hat[i] + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: float32 in a list
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    std = np.sqrt(np.mean(np.square(centred), axis=-1, keepdims=True) + eps)
    return [(gamma * centred / std + beta).astype(np.float32), (centred / std, gamma, std**2 - eps, eps)]


# %% layernorm_backward: through the graph
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    D = dout.shape[1]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dx_hat = dout * gamma
    dvar = -0.5 * np.sum(dx_hat * centred, axis=1, keepdims=True) * std**-3
    dcentred = dx_hat / std + 2 * centred * dvar / D
    dx = dcentred - dcentred.sum(axis=1, keepdims=True) / D
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


# %% layernorm_backward: one fraction, with sums
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps, *_ = cache
    D = x_hat.shape[1]
    g = gamma * dout
    sums = g.sum(1)[:, None], (g * x_hat).sum(1)[:, None]
    dx = (D * g - sums[0] - x_hat * sums[1]) / (D * np.sqrt(var + eps))
    return dx, np.einsum("nd,nd->d", dout, x_hat), dout.sum(0)


# %% layernorm_backward: row by row
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dx, dgamma, dbeta = np.zeros(dout.shape), np.zeros(gamma.shape), np.zeros(gamma.shape)
    for i in range(len(dout)):
        g, z = gamma * dout[i], x_hat[i]
        dx[i] = (g - g.mean() - z * (g * z).mean()) / np.sqrt(np.ravel(var)[i] + eps)
        dgamma += dout[i] * z
        dbeta += dout[i]
    return dx, dgamma, dbeta


# %% instancenorm_forward: flattened
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    N, C, H, W = x.shape
    z = x.reshape(N, C, H * W)
    z = (z - z.mean(2, keepdims=True)) / np.sqrt(z.var(2, keepdims=True) + eps)
    out = gamma[None, :, None] * z + beta[None, :, None]
    return out.reshape(N, C, H, W), None


# %% instancenorm_forward: loops
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    out = np.zeros(x.shape)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            picture = x[n, c]
            out[n, c] = gamma[c] * (picture - picture.mean()) / np.sqrt(picture.var() + eps) + beta[c]
    return out, (x, gamma, eps)


# %% instancenorm_forward: group norm with C groups
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    return groupnorm_forward(x, gamma, beta, groups=x.shape[1], eps=eps)


# %% instancenorm_forward: in float32 once the mean is gone
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.einsum("nchw->nc", x)[..., None, None] / x[0, 0].size
    centred, gamma, beta = (array.astype(np.float32) for array in (x - mean, gamma, beta))
    x_hat = centred / np.sqrt(np.var(centred, axis=(-1, -2), keepdims=True) + np.float32(eps))
    return np.asfortranarray(np.einsum("c,nchw->nchw", gamma, x_hat) + beta[:, None, None]), x_hat


# %% groupnorm_forward: five axes
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    z = x.reshape(N, groups, C // groups, H, W)
    mean, var = z.mean((2, 3, 4), keepdims=True), z.var((2, 3, 4), keepdims=True)
    x_hat = ((z - mean) / np.sqrt(var + eps)).reshape(N, C, H, W)
    return x_hat * gamma.reshape(1, C, 1, 1) + beta.reshape(1, C, 1, 1), (x_hat, gamma, var, eps, groups)


# %% groupnorm_forward: by way of layer norm
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    rows = x.reshape(x.shape[0] * groups, -1)
    ones, zeros = np.ones(rows.shape[1]), np.zeros(rows.shape[1])
    x_hat, cache = layernorm_forward(rows, ones, zeros, eps=eps)
    x_hat = x_hat.reshape(x.shape)
    out = gamma.reshape(-1, 1, 1) * x_hat + beta.reshape(-1, 1, 1)
    return out, (x_hat, gamma, cache[2].reshape(len(x), groups, 1), eps, groups)


# %% groupnorm_forward: slices of channels, float32
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    size = x.shape[1] // groups
    out = x.astype(float).copy()
    for image in out:
        for start in range(0, x.shape[1], size):
            part = image[start : start + size]
            part -= part.mean()
            part /= np.sqrt((part**2).mean() + eps)
    out = out * gamma[:, None, None] + beta[:, None, None]
    return out.astype(np.float32), None


# %% groupnorm_backward: five axes
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    five, axes = (N, groups, C // groups, H, W), (2, 3, 4)
    g = (dout * gamma.reshape(1, C, 1, 1)).reshape(five)
    z = x_hat.reshape(five)
    inner = g - g.mean(axes, keepdims=True) - z * (g * z).mean(axes, keepdims=True)
    dx = (inner / np.sqrt(np.reshape(var, (N, groups, 1, 1, 1)) + eps)).reshape(dout.shape)
    return dx, np.sum(dout * x_hat, axis=(0, 2, 3)), np.sum(dout, axis=(0, 2, 3))


# %% groupnorm_backward: by way of layer norm's backward
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    rows = len(dout) * groups
    g = (dout * gamma[:, None, None]).reshape(rows, -1)
    ones = np.ones(g.shape[1])
    dx, _, _ = layernorm_backward(g, (x_hat.reshape(rows, -1), ones, var.reshape(rows, 1), eps))
    return dx.reshape(dout.shape), np.einsum("nchw,nchw->c", dout, x_hat), np.einsum("nchw->c", dout)


# %% groupnorm_backward: image by image, group by group
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    size = len(gamma) // groups
    dx = np.zeros(dout.shape, dtype=np.float32)
    for n in range(len(dout)):
        for k in range(groups):
            part = slice(k * size, (k + 1) * size)
            g, z = dout[n, part] * gamma[part][:, None, None], x_hat[n, part]
            dx[n, part] = (g - g.mean() - z * (g * z).mean()) / np.sqrt(var[n, k, 0] + eps)
    return dx, (dout * x_hat).sum((0, 2, 3)), dout.sum((0, 2, 3))
