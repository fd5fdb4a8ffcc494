"""Known mistakes of notebook 07 as code; each must be named by the report with exactly its title."""


# %% linear_forward: the weight is not transposed
def linear_forward(x, w, b):
    return x @ w + b, (x, w)


# %% linear_forward: the bias is not added
def linear_forward(x, w, b):
    return x @ w.T, (x, w)


# %% linear_forward: the bias is added as a column
def linear_forward(x, w, b):
    return x @ w.T + b[:, None], (x, w)


# %% linear_forward: the result is transposed: (outputs, N)
def linear_forward(x, w, b):
    return w @ x.T + b[:, None], (x, w)


# %% linear_backward: dw is transposed
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w, x.T @ dout, dout.sum(axis=0)


# %% linear_backward: dx is computed with the transposed weight
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w.T, dout.T @ x, dout.sum(axis=0)


# %% linear_backward: db is a mean over the batch
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w, dout.T @ x, dout.mean(axis=0)


# %% linear_backward: dw and db are divided by the number of examples
def linear_backward(dout, cache):
    x, w = cache
    n = len(dout)
    return dout @ w, dout.T @ x / n, dout.sum(axis=0) / n


# %% linear_backward: db is summed over the outputs instead of the examples
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w, dout.T @ x, dout.sum(axis=1)


# %% linear_backward: db is dout itself, not summed
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w, dout.T @ x, dout


# %% linear_backward: db keeps an axis of length 1
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w, dout.T @ x, dout.sum(axis=0, keepdims=True)


# %% linear_backward: dx and dw are exchanged
def linear_backward(dout, cache):
    x, w = cache
    return dout.T @ x, dout @ w, dout.sum(axis=0)


# %% linear_backward: dw is transposed && db is summed over the outputs instead of the examples
def linear_backward(dout, cache):
    x, w = cache
    return dout @ w, np.dot(x.T, dout), np.sum(dout, axis=1)


# %% relu_forward: Python's max is used on a whole array
def relu_forward(x):
    return max(0, x), (x,)


# %% relu_forward: the maximum is taken along an axis
def relu_forward(x):
    return np.max(x, 0), (x,)


# %% relu_forward: 1 where x is positive, instead of x itself
def relu_forward(x):
    return (x > 0).astype(float), (x,)


# %% relu_forward: negative numbers lose their sign instead of becoming 0
def relu_forward(x):
    return np.abs(x), (x,)


# %% relu_forward: the negative numbers pass, the positive ones are cut
def relu_forward(x):
    return np.minimum(x, 0), (x,)


# %% relu_forward: the negative numbers are left out of the result
def relu_forward(x):
    return x[x > 0], (x,)


# %% relu_backward: the gradient passes at x = 0
def relu_backward(dout, cache):
    (x,) = cache
    return dout * (x >= 0)


# %% relu_backward: half of the gradient passes at x = 0
def relu_backward(dout, cache):
    (x,) = cache
    return dout * (np.sign(x) + 1) / 2


# %% relu_backward: the sign of dout decides, not the sign of x
def relu_backward(dout, cache):
    return dout * (dout > 0)


# %% relu_backward: the slope is returned without dout
def relu_backward(dout, cache):
    (x,) = cache
    return np.where(x > 0, 1.0, 0.0)


# %% relu_backward: dout passes everywhere
def relu_backward(dout, cache):
    return 1 * dout


# %% relu_backward: the gradient passes where x was negative
def relu_backward(dout, cache):
    (x,) = cache
    return dout * (x < 0)


# %% relu_backward: dout is multiplied by relu(x) instead of the slope
def relu_backward(dout, cache):
    (x,) = cache
    return dout * np.maximum(0, x)


# %% softmax_cross_entropy: exp overflows: the scores are not lowered first
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    exps = np.exp(scores)
    probs = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(n), labels]).mean()
    probs[range(n), labels] -= 1
    return loss, probs / n


# %% softmax_cross_entropy: one maximum for the whole batch is subtracted
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    lowered = scores - scores.max()
    sums = np.exp(lowered).sum(axis=1, keepdims=True)
    loss = (np.log(sums)[:, 0] - lowered[range(n), labels]).mean()
    probs = np.exp(lowered) / sums
    probs[range(n), labels] -= 1
    return loss, probs / n


# %% softmax_cross_entropy: the largest score of each class is subtracted, not that of each example
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    exps = np.exp(scores - np.max(scores, axis=0))
    probs = exps / np.sum(exps, axis=1, keepdims=True)
    loss = np.mean(-np.log(probs[np.arange(n), labels]))
    probs[np.arange(n), labels] -= 1
    return loss, probs / n


# %% softmax_cross_entropy: the logarithm of a probability that was rounded to 0
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(n), labels]).mean()
    probs[range(n), labels] -= 1
    return loss, probs / n


# %% softmax_cross_entropy: a small number in the logarithm hides the infinity
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(n), labels] + 1e-12).mean()
    probs[range(n), labels] -= 1
    return loss, probs / n


# %% softmax_cross_entropy: the loss is the sum over the batch, not the mean
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    d = np.exp(logs)
    d[range(n), labels] -= 1
    return -logs[range(n), labels].sum(), d / n


# %% softmax_cross_entropy: the loss is also divided by the number of classes
def softmax_cross_entropy(scores, labels):
    n, c = scores.shape
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    hot = np.eye(c)[labels]
    return -(hot * logs).mean(), (np.exp(logs) - hot) / n


# %% softmax_cross_entropy: the gradient is not divided by the number of examples
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    d = np.exp(logs)
    d[range(n), labels] -= 1
    return -logs[range(n), labels].mean(), d


# %% softmax_cross_entropy: the loss is the sum over the batch, not the mean && the gradient is not divided by the number of examples
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    d = np.exp(logs)
    d[range(n), labels] -= 1
    return -logs[range(n), labels].sum(), d


# %% softmax_cross_entropy: the gradient is the probabilities: nothing is subtracted at the labels
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    return -logs[range(n), labels].mean(), np.exp(logs) / n


# %% softmax_cross_entropy: 1 is subtracted in the labels' columns of every row
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    d = np.exp(logs)
    d[:, labels] -= 1
    return -logs[range(n), labels].mean(), d / n


# %% softmax_cross_entropy: the gradient has the wrong sign
def softmax_cross_entropy(scores, labels):
    n, c = scores.shape
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    return -logs[range(n), labels].mean(), (np.eye(c)[labels] - np.exp(logs)) / n


# %% softmax_cross_entropy: the loss is negative: the minus is missing
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    d = np.exp(logs)
    d[range(n), labels] -= 1
    return logs[range(n), labels].mean(), d / n


# %% softmax_cross_entropy: the softmax runs over the examples instead of the classes
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=0)
    d = np.exp(logs)
    d[range(n), labels] -= 1
    return -logs[range(n), labels].mean(), d / n


# %% softmax_cross_entropy: the gradient stops at the probabilities
def softmax_cross_entropy(scores, labels):
    n = len(labels)
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    d = np.zeros_like(scores)
    d[range(n), labels] = -1 / np.exp(logs[range(n), labels])
    return -logs[range(n), labels].mean(), d / n


# %% xavier_init: normal instead of uniform
def xavier_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    return rng.standard_normal(shape) * np.sqrt(2 / (fan_in + fan_out))


# %% xavier_init: the standard deviation is used as the bound
def xavier_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    a = np.sqrt(2 / (fan_in + fan_out))
    return rng.uniform(-a, a, shape)


# %% xavier_init: only one of the two fans is counted
def xavier_init(shape, *, rng):
    a = np.sqrt(6 / np.prod(shape[1:]))
    return rng.uniform(-a, a, shape)


# %% xavier_init: the root is not taken of the whole fraction
def xavier_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    a = 6 / (fan_in + fan_out)
    return rng.uniform(-a, a, shape)


# %% xavier_init: all weights are positive
def xavier_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    return rng.random(shape) * np.sqrt(6 / (fan_in + fan_out))


# %% xavier_init: the kernel's height and width are not counted
def xavier_init(shape, *, rng):
    a = np.sqrt(6 / (shape[0] + shape[1]))
    return rng.uniform(-a, a, shape)


# %% xavier_init: the kernel's height and width are counted in one fan only
def xavier_init(shape, *, rng):
    a = np.sqrt(6 / (np.prod(shape[1:]) + shape[0]))
    return rng.uniform(-a, a, shape)


# %% xavier_init: the numbers come from np.random, not from rng
def xavier_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    a = np.sqrt(6 / (fan_in + fan_out))
    return np.random.uniform(-a, a, shape)


# %% xavier_init: a generator is made inside the function
def xavier_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    a = np.sqrt(6 / (fan_in + fan_out))
    return np.random.default_rng(12345).uniform(-a, a, shape)


# %% kaiming_init: the fan out is used
def kaiming_init(shape, *, rng):
    fan = shape[0] * np.prod(shape[2:])
    return rng.standard_normal(shape) * np.sqrt(2 / fan)


# %% kaiming_init: the variance is used as the standard deviation
def kaiming_init(shape, *, rng):
    return rng.normal(0, 2 / np.prod(shape[1:]), shape)


# %% kaiming_init: the factor 2 for ReLU is missing
def kaiming_init(shape, *, rng):
    return rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))


# %% kaiming_init: Xavier's variance is used
def kaiming_init(shape, *, rng):
    fan_in, fan_out = np.prod(shape[1:]), shape[0] * np.prod(shape[2:])
    return rng.standard_normal(shape) * np.sqrt(2 / (fan_in + fan_out))


# %% kaiming_init: 0.01 for every shape
def kaiming_init(shape, *, rng):
    return 0.01 * rng.standard_normal(shape)


# %% kaiming_init: all weights are positive
def kaiming_init(shape, *, rng):
    return rng.random(shape) * np.sqrt(2 / np.prod(shape[1:]))


# %% kaiming_init: uniform instead of normal
def kaiming_init(shape, *, rng):
    a = np.sqrt(6 / np.prod(shape[1:]))
    return rng.uniform(-a, a, shape)


# %% kaiming_init: the kernel's height and width are not counted
def kaiming_init(shape, *, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / shape[1])


# %% kaiming_init: the numbers come from np.random, not from rng
def kaiming_init(shape, *, rng):
    return np.random.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))


# %% kaiming_init: a generator is made inside the function
def kaiming_init(shape, *, rng):
    np.random.seed(0)
    return np.random.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))


# %% standardize: other is standardised by its own statistics
def standardize(train, other, *, eps=1e-5):
    def scaled(x):
        axes = (0, *range(2, x.ndim))
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)

    return scaled(train), scaled(other)


# %% standardize: the statistics are those of both sets together
def standardize(train, other, *, eps=1e-5):
    both = np.concatenate([train, other])
    axes = (0, *range(2, both.ndim))
    mean, std = both.mean(axes, keepdims=True), np.sqrt(both.var(axes, keepdims=True) + eps)
    return (train - mean) / std, (other - mean) / std


# %% standardize: other is returned as it is
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean, std = train.mean(axes, keepdims=True), np.sqrt(train.var(axes, keepdims=True) + eps)
    return (train - mean) / std, other


# %% standardize: one mean and one spread for all features together
def standardize(train, other, *, eps=1e-5):
    mean, std = train.mean(), np.sqrt(train.var() + eps)
    return (train - mean) / std, (other - mean) / std


# %% standardize: every example is standardised by itself
def standardize(train, other, *, eps=1e-5):
    def scaled(x):
        axes = tuple(range(1, x.ndim))
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)

    return scaled(train), scaled(other)


# %% standardize: every pixel has its own mean and spread
def standardize(train, other, *, eps=1e-5):
    mean, std = train.mean(axis=0), np.sqrt(train.var(axis=0) + eps)
    return (train - mean) / std, (other - mean) / std


# %% standardize: divided by the variance
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean, var = train.mean(axes, keepdims=True), train.var(axes, keepdims=True)
    return (train - mean) / (var + eps), (other - mean) / (var + eps)


# %% standardize: divided by n - 1 in the variance
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean, std = train.mean(axes, keepdims=True), np.sqrt(train.var(axes, keepdims=True, ddof=1) + eps)
    return (train - mean) / std, (other - mean) / std


# %% standardize: the mean is not subtracted
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    std = np.sqrt(train.var(axes, keepdims=True) + eps)
    return train / std, other / std


# %% standardize: the spread is not divided out
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean = train.mean(axes, keepdims=True)
    return train - mean, other - mean


# %% standardize: eps is missing
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean, std = train.mean(axes, keepdims=True), train.std(axes, keepdims=True)
    return (train - mean) / std, (other - mean) / std


# %% standardize: 1e-5 is added, whatever eps is given
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean, std = train.mean(axes, keepdims=True), np.sqrt(train.var(axes, keepdims=True) + 1e-5)
    return (train - mean) / std, (other - mean) / std


# %% standardize: eps is added to the standard deviation, outside the root
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean, std = train.mean(axes, keepdims=True), train.std(axes, keepdims=True) + eps
    return (train - mean) / std, (other - mean) / std


# %% standardize: the variance is a difference of two large numbers
def standardize(train, other, *, eps=1e-5):
    axes = (0, *range(2, train.ndim))
    mean = train.mean(axes, keepdims=True)
    std = np.sqrt((train**2).mean(axes, keepdims=True) - mean**2 + eps)
    return (train - mean) / std, (other - mean) / std


# %% naive_dropout_forward: scaled in training already
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    if training:
        return x * keep / (1 - p), (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: not scaled at test time
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    if training:
        return x * keep, (keep, p)
    return x, (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: scaled by p at test time
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    if training:
        return x * keep, (keep, p)
    return x * p, (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: divided at test time instead of multiplied
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    if training:
        return x * keep, (keep, p)
    return x / (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: p is taken for the probability to keep
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) < p
    if training:
        return x * keep, (keep, p)
    return x * p, (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: kept where it should be dropped: the comparison is the wrong way round
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) < p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: the mask is made of normal numbers (randn) instead of uniform ones
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.standard_normal(x.shape) < 1 - p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: half of the numbers are dropped, whatever p is
def naive_dropout_forward(x, *, p, training, rng):
    if not training:
        return x * (1 - p), (np.ones(x.shape, bool), 0.0)
    keep = rng.integers(2, size=x.shape)
    return x * keep, (keep, p)


# %% naive_dropout_forward: one mask for the whole batch
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape[1:]) > p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (keep, 0.0)


# %% naive_dropout_forward: one draw for each example: whole rows are dropped
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random((len(x), 1)) > p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (keep, 0.0)


# %% naive_dropout_forward: the numbers come from np.random, not from rng
def naive_dropout_forward(x, *, p, training, rng):
    keep = np.random.rand(*x.shape) > p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: a generator is made inside the function
def naive_dropout_forward(x, *, p, training, rng):
    keep = np.random.default_rng(42).random(x.shape) > p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: exactly the same count of numbers is dropped in every call
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.permutation(x.size).reshape(x.shape) >= round(p * x.size)
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: nothing is dropped in training
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    if training:
        return x, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: everything is dropped in training
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape).astype(int) > p
    if training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: training and test are exchanged
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    if not training:
        return x * keep, (keep, p)
    return x * (1 - p), (np.ones_like(keep), 0.0)


# %% naive_dropout_forward: numbers are dropped at test time, too
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    return x * keep, (keep, p)


# %% dropout_forward: the kept numbers are not scaled
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep, (keep, p)


# %% dropout_forward: divided by p
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep / p, (keep, p)


# %% dropout_forward: multiplied by 1 - p instead of divided
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep * (1 - p), (keep, p)


# %% dropout_forward: multiplied by p
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep * p, (keep, p)


# %% dropout_forward: divided by the share that happened to be kept
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep / keep.mean(), (keep, p)


# %% dropout_forward: p is taken for the probability to keep
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) < p
    return x * keep / p, (keep, p)


# %% dropout_forward: scaled by 1 - p at test time, as in the naive version
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x * (1 - p), (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: divided by 1 - p at test time, too
def dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p if training else np.ones(x.shape, bool)
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: written for two axes only
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    rows, columns = x.shape
    keep = rng.random((rows, columns)) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: whole channels are dropped
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape[:2] + (1,) * (x.ndim - 2)) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: kept where it should be dropped: the comparison is the wrong way round
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) < p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: the mask is made of normal numbers (randn) instead of uniform ones
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.standard_normal(x.shape) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: half of the numbers are dropped, whatever p is
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.integers(0, 2, size=x.shape)
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: one mask for the whole batch
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape[1:]) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: one draw for each example: whole rows are dropped
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random((len(x),) + (1,) * (x.ndim - 1)) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: the numbers come from np.random, not from rng
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = np.random.rand(*x.shape) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: a generator is made inside the function
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = np.random.default_rng(42).random(x.shape) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: exactly the same count of numbers is dropped in every call
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = np.ones(x.size, bool)
    keep[rng.choice(x.size, round(p * x.size), replace=False)] = False
    keep = keep.reshape(x.shape)
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: nothing is dropped in training
def dropout_forward(x, *, p, training, rng):
    return x, (np.ones(x.shape, bool), 0.0)


# %% dropout_forward: everything is dropped in training
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape).astype(int) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: training and test are exchanged
def dropout_forward(x, *, p, training, rng):
    if training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: numbers are dropped at test time, too
def dropout_forward(x, *, p, training, rng):
    keep = rng.random(x.shape) > p
    return x * keep / (1 - p), (keep, p)


# %% dropout_forward: the kept numbers are not scaled && one mask for the whole batch
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = rng.random(x.shape[1:]) > p
    return x * keep, (keep, p)


# %% dropout_backward: dx is not scaled
def dropout_backward(dout, cache):
    keep, p = cache
    return dout * keep


# %% dropout_backward: the mask is not applied to dout
def dropout_backward(dout, cache):
    keep, p = cache
    return dout / (1 - p)


# %% dropout_backward: dout is returned as it is
def dropout_backward(dout, cache):
    return dout.copy()


# %% dropout_backward: the gradient is divided by p
def dropout_backward(dout, cache):
    keep, p = cache
    return dout * keep / np.float64(p)


# %% dropout_backward: the gradient is multiplied by 1 - p instead of divided
def dropout_backward(dout, cache):
    keep, p = cache
    return dout * keep * (1 - p)


# %% dropout_backward: the gradient passes where numbers were dropped
def dropout_backward(dout, cache):
    keep, p = cache
    return dout * ~keep / (1 - p)


# %% dropout_backward: a new mask is drawn
def dropout_backward(dout, cache):
    keep, p = cache
    keep = np.random.random(dout.shape) >= p
    return dout * keep / (1 - p)
