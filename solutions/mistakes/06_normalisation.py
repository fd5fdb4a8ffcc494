"""Known mistakes of notebook 06 as code; each must be named by the report with exactly its title."""


# %% batchnorm_forward: eps is added outside the root
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / (np.sqrt(var) + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: eps is missing
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: in evaluation eps is added outside the root
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        var = running_var
        x_hat = (x - running_mean) / (np.sqrt(var) + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: in evaluation eps is missing
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        var = running_var
        x_hat = (x - running_mean) / np.sqrt(var)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the root is missing: divided by the variance
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / (var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the unbiased variance normalises the batch
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0, ddof=1)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: gamma and beta are left out
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    return x_hat, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: gamma and beta are forgotten in evaluation
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if not training:
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return x_hat, (x_hat, gamma, running_var, eps), running_mean, running_var
    n = len(x)
    if n == 1:
        raise ValueError("one row only")
    mean = x.sum(axis=0) / n
    var = ((x - mean) ** 2).sum(axis=0) / n
    running_mean = running_mean + momentum * (mean - running_mean)
    running_var = running_var + momentum * (var * n / (n - 1) - running_var)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: beta is multiplied by gamma, too
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * (x_hat + beta)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the batch's own statistics are used in evaluation
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running statistics are used in training
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        if len(x) == 1:
            raise ValueError("one row only")
        running_mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, running_var, eps), running_mean, running_var


# %% batchnorm_forward: the running statistics are updated in evaluation
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training and len(x) == 1:
        raise ValueError("one row only")
    mean, var = x.mean(axis=0), x.var(axis=0)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    if not training:
        mean, var = running_mean, running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, var, eps), new_mean, new_var


# %% batchnorm_forward: in evaluation the running statistics are updated first, then used
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training and len(x) == 1:
        raise ValueError("one row only")
    mean, var = x.mean(axis=0), x.var(axis=0)
    running_mean = (1 - momentum) * running_mean + momentum * mean
    running_var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    if not training:
        mean, var = running_mean, running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running variance averages biased variances
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running variance averages standard deviations
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * np.std(x, axis=0)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: momentum weighs the old value instead of the new one
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the old running value is not scaled by 1 - momentum
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = running_mean + momentum * mean
        running_var = running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running statistics are replaced by the batch's
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = mean
        running_var = var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: training returns the running statistics as they came
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        new_mean = (1 - momentum) * running_mean + momentum * mean
        new_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running statistics have shape (1, D)
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0, keepdims=True)
        var = np.var(x, axis=0, keepdims=True)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: one row in training is normalised instead of refused
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: one row in training ends in a division by n - 1 = 0
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * n / (n - 1) * var
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: one row is refused in evaluation, too
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if len(x) == 1:
        raise ValueError("batch norm needs more than one row")
    if training:
        n = x.shape[0]
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the variance is computed as E[x²] − E[x]²
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.mean(x**2, axis=0) - mean**2
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: eps is missing && the running variance averages biased variances
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: gamma and beta are forgotten in evaluation && momentum weighs the old value instead of the new one
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta if training else x_hat
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: gamma is left out
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: beta is left out
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running statistics are used in training, as they came in
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    old_mean, old_var = running_mean, running_var
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - old_mean) / np.sqrt(old_var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, old_var, eps), running_mean, running_var


# %% batchnorm_forward: the running variance averages biased variances times (n - 1)/n
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * (n - 1) / n
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: the running variance averages standard deviations, with n - 1 in them
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * np.std(x, axis=0, ddof=1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: momentum is 0.1, whatever is asked for
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = 0.9 * running_mean + 0.1 * mean
        running_var = 0.9 * running_var + 0.1 * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_forward: eps is 0.00001, whatever is asked for
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.shape[0]
        if n < 2:
            raise ValueError("batch norm needs more than one row in training")
        mean = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean = running_mean
        var = running_var
    x_hat = (x - mean) / np.sqrt(var + 1e-5)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm_backward: the path through the mean is forgotten
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dx = dcentred
    return dx, dgamma, dbeta


# %% batchnorm_backward: the path through the variance is forgotten
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: mean and variance are taken for constants
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dx = dx_hat / std
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: gamma is forgotten
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: eps is missing
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dgamma: x_hat is forgotten
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dgamma and dbeta are exchanged
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dbeta, dgamma


# %% batchnorm_backward: dx: the mean's share is not divided by N
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: the variance's share is not divided by N
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: the 1/2 of the root's derivative is forgotten
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: the 2 of the square's derivative is forgotten
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: the variance's share has the wrong sign
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: eps is missing in the variance's share
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = len(dout)
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * centred, axis=0) * -0.5 * var**-1.5
    dmean = np.sum(-dx_hat / std, axis=0)
    dx = dx_hat / std + dvar * 2 * centred / n + dmean / n
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


# %% batchnorm_backward: dgamma and dbeta are summed over the features
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=1)
    dgamma = np.sum(dout * x_hat, axis=1)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dgamma and dbeta are averaged instead of summed
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.mean(axis=0)
    dgamma = np.mean(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dgamma and dbeta have shape (1, D)
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0, keepdims=True)
    dgamma = np.sum(dout * x_hat, axis=0, keepdims=True)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: the 1/2 of the root's derivative is forgotten && dgamma and dbeta are averaged instead of summed
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.mean(axis=0)
    dgamma = np.mean(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.sum(-dx_hat * centred / std**2, axis=0)
    dvar = dstd / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: what comes back to s is averaged over the rows instead of summed
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = np.mean(-dx_hat * centred / std**2, axis=0)
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward: dx: what comes back to s is not summed over the rows
def batchnorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dcentred = dx_hat / std
    dstd = -dx_hat * centred / std**2
    dvar = dstd * 0.5 / std
    dcentred = dcentred + dvar * 2 * centred / n
    dmean = -dcentred.sum(axis=0)
    dx = dcentred + dmean / n
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: the path through the mean is forgotten
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) / n * (n * dout - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: the path through the variance is forgotten
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) / n * (n * dout - dbeta)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: mean and variance are taken for constants
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = dout * gamma / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: gamma is forgotten
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = 1 / np.sqrt(var + eps) / n * (n * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: eps is missing
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var) / n * (n * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dgamma: x_hat is forgotten
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout, axis=0)
    dx = gamma / np.sqrt(var + eps) / n * (n * dout - dbeta - x_hat * np.sum(dout * x_hat, axis=0))
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dgamma and dbeta are exchanged
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) / n * (n * dout - dbeta - x_hat * dgamma)
    return dx, dbeta, dgamma


# %% batchnorm_backward_closed_form: dx: the two sums are not divided by N
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: divided by the variance instead of its root
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / (var + eps) / n * (n * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: the term with x_hat is added instead of subtracted
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) / n * (n * dout - dbeta + x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: gamma multiplies only the first term
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = 1 / np.sqrt(var + eps) / n * (n * dout * gamma - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dgamma and dbeta are averaged instead of summed
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.mean(axis=0)
    dgamma = np.mean(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dgamma and dbeta have shape (1, D)
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0, keepdims=True)
    dgamma = np.sum(dout * x_hat, axis=0, keepdims=True)
    dx = gamma / np.sqrt(var + eps) / n * (n * dout - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: A is a sum instead of an average
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta - x_hat * dgamma / n)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: B is a sum instead of an average
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta / n - x_hat * dgamma)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: the x_hat in front of B is forgotten
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta / n - dgamma / n)
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: A and B are averages of the whole array
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dout.mean() - x_hat * (dout * x_hat).mean())
    return dx, dgamma, dbeta


# %% batchnorm_backward_closed_form: dx: gamma is multiplied twice
def batchnorm_backward_closed_form(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    dx_hat = dout * gamma
    dx = gamma / np.sqrt(var + eps) * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    return dx, dgamma, dbeta


# %% batchnorm2d_forward: x is reshaped to (-1, C) without moving the channels to the end first
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    flat = x.reshape(-1, x.shape[1])
    out, cache, running_mean, running_var = batchnorm_forward(
        flat, gamma, beta, running_mean, running_var, training=training, momentum=momentum, eps=eps
    )
    x_hat, gamma, var, eps = cache
    return out.reshape(x.shape), (x_hat.reshape(x.shape), gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: the result is reshaped to (N, C, H, W) without moving the channels back
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    flat = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    out, cache, running_mean, running_var = batchnorm_forward(
        flat, gamma, beta, running_mean, running_var, training=training, momentum=momentum, eps=eps
    )
    x_hat, gamma, var, eps = cache
    return out.reshape(x.shape), (x_hat.reshape(x.shape), gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: every image has a mean and a variance of its own
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.size // x.shape[1]
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(2, 3), keepdims=True)
        var = x.var(axis=(2, 3), keepdims=True)
        running_mean = (1 - momentum) * running_mean + momentum * mean[:, :, 0, 0]
        running_var = (1 - momentum) * running_var + momentum * var[:, :, 0, 0] * n / (n - 1)
    else:
        mean, var = running_mean[:, None, None], running_var[:, None, None]
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma[:, None, None] * x_hat + beta[:, None, None]
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: gamma and beta run along the columns, not along the channels
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: n counts the images, not the values of a channel
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        n = len(x)
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: eps is added outside the root
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / (np.sqrt(var) + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: eps is missing
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: the unbiased variance normalises the batch
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3), ddof=1)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: the running variance averages biased variances
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: momentum weighs the old value instead of the new one
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: the running statistics have shape (1, C, 1, 1)
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        n = x.size // x.shape[1]
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3), keepdims=True)
        var = x.var(axis=(0, 2, 3), keepdims=True)
        running_mean = (1 - momentum) * running_mean.reshape(1, -1, 1, 1) + momentum * mean
        running_var = (1 - momentum) * running_var.reshape(1, -1, 1, 1) + momentum * var * n / (n - 1)
    else:
        mean, var = running_mean.reshape(1, -1, 1, 1), running_var.reshape(1, -1, 1, 1)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma.reshape(1, -1, 1, 1) * x_hat + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(-1), eps), running_mean, running_var


# %% batchnorm2d_forward: the batch's own statistics are used in evaluation
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean = x.mean(axis=(0, 2, 3))
    var = x.var(axis=(0, 2, 3))
    if training:
        n = x.size // x.shape[1]
        if n == 1:
            raise ValueError("one value per channel")
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None]
    out = gamma[:, None, None] * x_hat + beta[:, None, None]
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: gamma and beta are forgotten in evaluation
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    if not training:
        return x_hat, None, running_mean, running_var
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: one value per channel in training is normalised instead of refused
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: momentum is 0.1, whatever is asked for
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    flat = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    out, cache, running_mean, running_var = batchnorm_forward(
        flat, gamma, beta, running_mean, running_var, training=training, eps=eps
    )
    x_hat, gamma, var, eps = cache
    N, C, H, W = x.shape

    def back(flat):
        return flat.reshape(N, H, W, C).transpose(0, 3, 1, 2)

    return back(out), (back(x_hat), gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: eps is 0.00001, whatever is asked for
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    flat = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    out, cache, running_mean, running_var = batchnorm_forward(
        flat, gamma, beta, running_mean, running_var, training=training, momentum=momentum
    )
    x_hat, gamma, var, eps = cache
    N, C, H, W = x.shape

    def back(flat):
        return flat.reshape(N, H, W, C).transpose(0, 3, 1, 2)

    return back(out), (back(x_hat), gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: the variance is computed as E[x²] − E[x]²
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = (x**2).mean(axis=(0, 2, 3)) - mean**2
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var + eps).reshape(1, -1, 1, 1)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_forward: the mean and the variance run along the columns of x, not along the channels
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, var = running_mean, running_var
    if training:
        N, C, H, W = x.shape
        n = N * H * W
        if n == 1:
            raise ValueError("one value per channel")
        mean = x.mean(axis=(0, 2, 3))
        var = x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps), running_mean, running_var


# %% batchnorm2d_backward: the path through the mean is forgotten
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: the path through the variance is forgotten
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: mean and variance are taken for constants
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dx: gamma is forgotten
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dx: eps is missing
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dgamma: x_hat is forgotten
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = dout.sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dgamma and dbeta are exchanged
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dbeta, dgamma


# %% batchnorm2d_backward: for batchnorm_backward, rows are cut without moving the channels to the end first
def batchnorm2d_backward(dout, cache):
    x_hat, *rest = cache
    C = dout.shape[1]
    dx, dgamma, dbeta = batchnorm_backward(dout.reshape(-1, C), (x_hat.reshape(-1, C), *rest))
    return dx.reshape(dout.shape), dgamma, dbeta


# %% batchnorm2d_backward: for the closed form, rows are cut without moving the channels to the end first
def batchnorm2d_backward(dout, cache):
    x_hat, *rest = cache
    C = dout.shape[1]
    dx, dgamma, dbeta = batchnorm_backward_closed_form(dout.reshape(-1, C), (x_hat.reshape(-1, C), *rest))
    return dx.reshape(dout.shape), dgamma, dbeta


# %% batchnorm2d_backward: dx: the averages divide by the number of images
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.shape[0]
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dx: the averages run over each image alone
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.mean(axis=(2, 3), keepdims=True)
    second = (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dgamma and dbeta are summed over height and width only
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(2, 3))
    dgamma = (dout * x_hat).sum(axis=(2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dgamma and dbeta are summed over the images only
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dgamma and dbeta are averaged instead of summed
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.mean(axis=(0, 2, 3))
    dgamma = (dout * x_hat).mean(axis=(0, 2, 3))
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% batchnorm2d_backward: dgamma and dbeta have shape (1, C, 1, 1)
def batchnorm2d_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.sum(axis=(0, 2, 3), keepdims=True) / n
    second = (dx_hat * x_hat).sum(axis=(0, 2, 3), keepdims=True) / n
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)[:, None, None]
    return dx, dgamma, dbeta


# %% fold_batchnorm: the bias of the layer is not scaled
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + b - factor * running_mean
    return new_w, new_b


# %% fold_batchnorm: the bias of the layer is lost
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta - factor * running_mean
    return new_w, new_b


# %% fold_batchnorm: the running mean is not subtracted
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * b
    return new_w, new_b


# %% fold_batchnorm: the running mean is added
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * (b + running_mean)
    return new_w, new_b


# %% fold_batchnorm: the running mean is not scaled
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * b - running_mean
    return new_w, new_b


# %% fold_batchnorm: beta is lost
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: gamma is lost
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = 1 / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: the root is missing: divided by the variance
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / (running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: eps is missing
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: eps is added outside the root
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / (np.sqrt(running_var) + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: w is scaled along its input channels
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = w * factor[:, None, None]
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: w is scaled along its last axis
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = w * factor
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: w of a fully connected layer comes out with four axes
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = w * factor[:, None, None, None]
    new_b = beta + factor * (b - running_mean)
    return new_w, new_b


# %% fold_batchnorm: beta is scaled, too
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    factor = gamma / np.sqrt(running_var + eps)
    new_w = np.array([filter * f for filter, f in zip(w, factor, strict=True)])
    new_b = factor * (b - running_mean + beta)
    return new_w, new_b


# %% layernorm_forward: the mean and the variance are taken over the batch
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    var = np.var(x, axis=0, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: one mean and one variance for the whole array
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x)
    var = np.var(x)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: the means of shape (N,) are laid along the columns
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1)
    var = np.var(x, axis=1)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: gamma and beta run along the rows of the batch
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma[:, None] * x_hat + beta[:, None]
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: eps is added outside the root
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    x_hat = (x - mean) / (np.sqrt(var) + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: eps is missing
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: the root is missing: divided by the variance
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    x_hat = (x - mean) / (var + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: the unbiased variance normalises
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, ddof=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: gamma and beta are left out
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: the variance is computed as E[x²] − E[x]²
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.mean(x**2, axis=1, keepdims=True) - mean**2
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat + beta
    return out, (x_hat, gamma, var, eps)


# %% layernorm_forward: beta is left out
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    mean = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = gamma * x_hat
    return out, (x_hat, gamma, var, eps)


# %% layernorm_backward: the path through the mean is forgotten
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: the path through the variance is forgotten
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: mean and variance are taken for constants
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dx: gamma is forgotten
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dx: eps is missing
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var)
    return dx, dgamma, dbeta


# %% layernorm_backward: dgamma: x_hat is forgotten
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = dout.sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dgamma and dbeta are exchanged
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dbeta, dgamma


# %% layernorm_backward: dx: gamma multiplies after the averages
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = gamma * (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dx: the averages run over the batch
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=0, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=0, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dx: the averages divide by the number of rows
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    first = dx_hat.sum(axis=1, keepdims=True) / len(dout)
    second = (dx_hat * x_hat).sum(axis=1, keepdims=True) / len(dout)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dx: eps is missing in the variance's share
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    D = dout.shape[1]
    std = np.sqrt(var + eps)
    centred = x_hat * std
    dx_hat = dout * gamma
    dvar = np.sum(dx_hat * centred, axis=1, keepdims=True) * -0.5 * var**-1.5
    dmean = np.sum(-dx_hat / std, axis=1, keepdims=True)
    dx = dx_hat / std + dvar * 2 * centred / D + dmean / D
    return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


# %% layernorm_backward: dgamma and dbeta are summed over the features
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=1)
    dgamma = (dout * x_hat).sum(axis=1)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dgamma and dbeta have shape (1, D)
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0, keepdims=True)
    dgamma = (dout * x_hat).sum(axis=0, keepdims=True)
    dx_hat = dout * gamma
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% layernorm_backward: dx: gamma multiplies after the averages && dgamma: x_hat is forgotten
def layernorm_backward(dout, cache):
    x_hat, gamma, var, eps = cache
    dbeta = dout.sum(axis=0)
    dgamma = dout.sum(axis=0)
    dx_hat = dout
    first = dx_hat.mean(axis=1, keepdims=True)
    second = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = gamma * (dx_hat - first - x_hat * second) / np.sqrt(var + eps)
    return dx, dgamma, dbeta


# %% instancenorm_forward: the mean and the variance are taken over the batch as well
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (0, 2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: the mean and the variance are taken over the channels as well
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (1, 2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: gamma and beta run along the columns, not along the channels
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: eps is added outside the root
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / (np.sqrt(var) + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: eps is missing
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: the root is missing: divided by the variance
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / (var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: the unbiased variance normalises
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, ddof=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: gamma and beta are left out
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: beta is left out
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = x.var(axis=axes, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: the variance is computed as E[x²] − E[x]²
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes, keepdims=True)
    var = (x * x).mean(axis=axes, keepdims=True) - mean**2
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% instancenorm_forward: the mean and the variance run along the columns of x, not along the channels
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    axes = (2, 3)
    mean = x.mean(axis=axes)
    var = x.var(axis=axes)
    x_hat = (x - mean) / np.sqrt(var + eps)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var, eps)


# %% groupnorm_forward: every channel is normalised by itself
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(3, 4), keepdims=True)
    var = grouped.var(axis=(3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, None


# %% groupnorm_forward: all channels of an image share a mean
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(1, 2, 3, 4), keepdims=True)
    var = grouped.var(axis=(1, 2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, None


# %% groupnorm_forward: the groups run over the batch as well
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(0, 2, 3, 4), keepdims=True)
    var = grouped.var(axis=(0, 2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, None


# %% groupnorm_forward: every G-th channel is put into a group, instead of neighbours
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, C // groups, groups, H, W)
    mean = grouped.mean(axis=(1, 3, 4), keepdims=True)
    var = grouped.var(axis=(1, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: `groups` is taken for the number of channels in a group
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, C // groups, groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, -1, 1), eps, groups)


# %% groupnorm_forward: gamma and beta run along the columns, not along the channels
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma + beta
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: eps is added outside the root
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / (np.sqrt(var) + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: eps is missing
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: the root is missing: divided by the variance
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / (var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: the unbiased variance normalises
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), ddof=1, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: gamma and beta are left out
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: the variance is computed as E[x²] − E[x]²
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = (grouped**2).mean(axis=(2, 3, 4), keepdims=True) - mean**2
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_forward: beta is left out
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    N, C, H, W = x.shape
    grouped = x.reshape(N, groups, C // groups, H, W)
    mean = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = x_hat * gamma.reshape(1, -1, 1, 1)
    return out, (x_hat, gamma, var.reshape(N, groups, 1), eps, groups)


# %% groupnorm_backward: the path through the mean is forgotten
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: the path through the variance is forgotten
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: mean and variance are taken for constants
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dx: gamma is forgotten
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dx: eps is missing
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dgamma: x_hat is forgotten
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = dout.sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dgamma and dbeta are exchanged
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dbeta, dgamma


# %% groupnorm_backward: dx: gamma multiplies after the averages
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat, z = dout.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = gamma[:, None, None] * dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dx: the averages run over each channel alone
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    std = np.repeat(np.sqrt(var + eps), len(gamma) // groups, axis=1)[..., None]
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.mean(axis=(2, 3), keepdims=True)
    second = (dx_hat * x_hat).mean(axis=(2, 3), keepdims=True)
    dx = (dx_hat - first - x_hat * second) / std
    return dx, (dout * x_hat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


# %% groupnorm_backward: dx: the averages run over the batch
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    std = np.repeat(np.sqrt(var + eps), len(gamma) // groups, axis=1)[..., None]
    dx_hat = dout * gamma[:, None, None]
    first = dx_hat.mean(axis=(0, 2, 3), keepdims=True)
    second = (dx_hat * x_hat).mean(axis=(0, 2, 3), keepdims=True)
    dx = (dx_hat - first - x_hat * second) / std
    return dx, (dout * x_hat).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))


# %% groupnorm_backward: dx: the averages divide by H · W
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3))
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.sum(axis=2, keepdims=True) / (H * W)
    second = (dx_hat * z).sum(axis=2, keepdims=True) / (H * W)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dgamma and dbeta are summed over height and width only
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(2, 3))
    dgamma = (dout * x_hat).sum(axis=(2, 3))
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta


# %% groupnorm_backward: dgamma and dbeta have shape (1, C, 1, 1)
def groupnorm_backward(dout, cache):
    x_hat, gamma, var, eps, groups = cache
    N, C, H, W = dout.shape
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    dx_hat = dout * gamma.reshape(1, C, 1, 1)
    dx_hat, z = dx_hat.reshape(N, groups, -1), x_hat.reshape(N, groups, -1)
    first = dx_hat.mean(axis=2, keepdims=True)
    second = (dx_hat * z).mean(axis=2, keepdims=True)
    dx = (dx_hat - first - z * second) / np.sqrt(var + eps)
    dx = dx.reshape(dout.shape)
    return dx, dgamma, dbeta
