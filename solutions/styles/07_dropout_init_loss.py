"""Correct answers of notebook 07 in other styles; each must get full points."""


# %% linear_forward: einsum
def linear_forward(x, w, b):
    return np.einsum("ni,di->nd", x, w) + b, (x, w, b)


# %% linear_forward: loops
def linear_forward(x, w, b):
    out = np.zeros((x.shape[0], w.shape[0]))
    for n in range(x.shape[0]):
        for d in range(w.shape[0]):
            out[n, d] = b[d]
            for i in range(x.shape[1]):
                out[n, d] += x[n, i] * w[d, i]
    return out, (x, w)


# %% linear_forward: float32, Fortran order, a list
def linear_forward(x, w, b):
    out = np.dot(x.astype(np.float32), w.astype(np.float32).T) + b.reshape(1, -1).astype(np.float32)
    return [np.asfortranarray(out), {"x": x}]


# %% linear_backward: einsum, more in the cache
def linear_backward(dout, cache):
    x, w, *_ = cache
    return np.einsum("nd,di->ni", dout, w), np.einsum("nd,ni->di", dout, x), np.einsum("nd->d", dout)


# %% linear_backward: loops
def linear_backward(dout, cache):
    x, w = cache[0], cache[1]
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[0])
    for n in range(len(dout)):
        for d in range(len(db)):
            dx[n] += dout[n, d] * w[d]
            dw[d] += dout[n, d] * x[n]
            db[d] += dout[n, d]
    return dx, dw, db


# %% linear_backward: transposed products, a bias of ones
def linear_backward(dout, cache):
    x, w = cache[:2]
    dw = (x.T @ dout).T
    db = np.ones(len(dout)) @ dout
    return (w.T @ dout.T).T, dw, db


# %% relu_forward: where
def relu_forward(x):
    return np.where(x > 0, x, 0.0), (x, x > 0)


# %% relu_forward: a copy with zeros set, only the mask kept
def relu_forward(x):
    out = np.array(x, copy=True)
    out[out < 0] = 0
    return out, out > 0


# %% relu_forward: times the mask, float32
def relu_forward(x):
    return (x * (x > 0)).astype("float32"), [x]


# %% relu_forward: half of x and its absolute value
def relu_forward(x):
    return (x + abs(x)) / 2, (x,)


# %% relu_backward: where
def relu_backward(dout, cache):
    (x, *_) = cache
    return np.where(x <= 0, 0, dout)


# %% relu_backward: a copy of dout
def relu_backward(dout, cache):
    dx = dout.copy()
    dx[cache[0] <= 0] = 0
    return dx


# %% relu_backward: the derivative through the forward pass
def relu_backward(dout, cache):
    passes = np.sign(relu_forward(cache[0])[0])
    return np.multiply(passes, dout, dtype=np.float32)


# %% softmax_cross_entropy: one-hot labels
def softmax_cross_entropy(scores, labels):
    n, c = scores.shape
    target = np.eye(c)[labels]
    s = scores - np.max(scores, axis=1).reshape(n, 1)
    total = np.log(np.sum(np.exp(s), axis=1))
    loss = np.sum(total - np.sum(s * target, axis=1)) / n
    return loss, (np.exp(s - total[:, None]) - target) / n


# %% softmax_cross_entropy: loops
def softmax_cross_entropy(scores, labels):
    N = len(scores)
    loss, dscores = 0.0, np.zeros_like(scores)
    for n in range(N):
        m = max(scores[n])
        exps = [np.exp(s - m) for s in scores[n]]
        loss += (np.log(sum(exps)) + m - scores[n][labels[n]]) / N
        for j, e in enumerate(exps):
            dscores[n, j] = (e / sum(exps) - (j == labels[n])) / N
    return loss, dscores


# %% softmax_cross_entropy: logaddexp, a 0-d array
def softmax_cross_entropy(scores, labels):
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    picked = np.take_along_axis(logs, labels[:, None], axis=1)
    gradient = np.exp(logs)
    np.put_along_axis(gradient, labels[:, None], np.exp(picked) - 1, axis=1)
    return np.asarray(-np.mean(picked)), gradient / scores.shape[0]


# %% softmax_cross_entropy: classes first, with a helper
def log_softmax(scores):
    columns = scores.T - scores.T.max(axis=0)
    return (columns - np.log(np.exp(columns).sum(axis=0))).T


def softmax_cross_entropy(scores, labels):
    logs = log_softmax(scores)
    where = (np.arange(labels.size), labels)
    one = np.zeros(scores.shape)
    one[where] = 1.0
    return float(-logs[where].sum() / labels.size), (np.exp(logs) - one) / labels.size


# %% xavier_init: random, shifted and scaled
def xavier_init(shape, *, rng):
    area = 1
    for side in shape[2:]:
        area *= side
    a = (6 / (shape[1] * area + shape[0] * area)) ** 0.5
    return (2 * rng.random(shape) - 1) * a


# %% xavier_init: from the standard deviation, float32
def xavier_init(shape, *, rng):
    import math

    outputs, inputs, *kernel = shape
    area = math.prod(kernel)
    std = math.sqrt(2.0 / (inputs * area + outputs * area))
    limit = math.sqrt(3) * std
    return rng.uniform(low=-limit, high=limit, size=shape).astype(np.float32)


# %% xavier_init: the fans counted in an array
def xavier_init(shape, *, rng):
    counted = np.empty(shape)
    fan_in, fan_out = counted[0].size, counted[:, 0].size
    counted[...] = rng.uniform(-1, 1, size=counted.shape)
    counted *= np.sqrt(6.0) / np.sqrt(fan_in + fan_out)
    return counted


# %% kaiming_init: normal with a scale
def kaiming_init(shape, *, rng):
    fan_in = int(np.prod(shape)) // shape[0]
    return rng.normal(0.0, (2 / fan_in) ** 0.5, size=shape)


# %% kaiming_init: float32
def kaiming_init(shape, *, rng):
    std = np.sqrt(2.0) / np.sqrt(np.prod(shape[1:]))
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(std)


# %% kaiming_init: one filter after the other
def kaiming_init(shape, *, rng):
    w = np.zeros(shape)
    for d in range(shape[0]):
        w[d] = rng.standard_normal(shape[1:]) * np.sqrt(2 / w[d].size)
    return w


# %% standardize: two cases
def standardize(train, other, *, eps=1e-5):
    axis = 0 if train.ndim == 2 else (0, 2, 3)
    mu, sigma2 = np.mean(train, axis, keepdims=True), np.var(train, axis, keepdims=True)
    return tuple((x - mu) / np.sqrt(sigma2 + eps) for x in (train, other))


# %% standardize: channels last
def standardize(train, other, *, eps=1e-5):
    flat = np.moveaxis(train, 1, -1).reshape(-1, train.shape[1])
    mu = flat.mean(0)
    var = ((flat - mu) ** 2).mean(0)

    def scaled(x):
        return np.moveaxis((np.moveaxis(x, 1, -1) - mu) / (var + eps) ** 0.5, -1, 1)

    return [scaled(train), scaled(other)]


# %% standardize: a loop over the features
def standardize(train, other, *, eps=1e-5):
    a, b = train.astype(float), other.astype(float)
    for c in range(train.shape[1]):
        mean, std = train[:, c].mean(), (train[:, c].var() + eps) ** 0.5
        for x in (a, b):
            x[:, c] -= mean
            x[:, c] /= std
    return a, b


# %% naive_dropout_forward: the mask is compared the other way round
def naive_dropout_forward(x, *, p, training, rng):
    if training:
        dropped = rng.random(x.shape) < p
        out = x.copy()
        out[dropped] = 0
        return out, (~dropped, p)
    return (1 - p) * x, (np.full(x.shape, True), 0)


# %% naive_dropout_forward: a binomial draw, where
def naive_dropout_forward(x, *, p, training, rng):
    keep = rng.binomial(1, 1 - p, size=x.shape).astype(bool)
    if not training:
        return x - p * x, (np.ones_like(keep), 0.0)
    return np.where(keep, x, 0), (keep, p)


# %% naive_dropout_forward: loops
def naive_dropout_forward(x, *, p, training, rng):
    keep = np.ones(x.shape, dtype=bool)
    if training:
        for place in np.ndindex(*x.shape):
            keep[place] = rng.uniform() > p
    out = x * keep if training else x * (1 - p)
    return out, (keep, p if training else 0.0)


# %% dropout_forward: the mask holds the factor
def dropout_forward(x, *, p, training, rng):
    if not training:
        return x.copy(), None
    mask = (rng.random(x.shape) < 1 - p) / (1 - p)
    return x * mask, mask


# %% dropout_forward: choice, float32
def dropout_forward(x, *, p, training, rng):
    if training:
        keep = rng.choice([True, False], size=x.shape, p=[1 - p, p])
        return (np.where(keep, x, 0) / (1 - p)).astype(np.float32), (keep, p)
    return x, (np.ones(x.shape, dtype=bool), 0.0)


# %% dropout_forward: flat, in Fortran order
def dropout_forward(x, *, p, training, rng):
    scale = 1.0 / (1.0 - p)
    if not training:
        return x, (np.ones(x.shape, bool), 0.0)
    keep = (rng.random(x.size) >= p).reshape(x.shape)
    return np.asfortranarray(keep * scale * x), (keep, p, scale)


# %% dropout_backward: where
def dropout_backward(dout, cache):
    keep, p, *rest = cache
    return np.where(keep, dout / (1 - p), 0.0)


# %% dropout_backward: a copy, changed in place
def dropout_backward(dout, cache):
    dx = np.array(dout)
    dx[np.logical_not(cache[0])] = 0
    dx /= 1 - cache[1]
    return dx


# %% dropout_backward: loops
def dropout_backward(dout, cache):
    keep, p = cache[0], cache[1]
    dx = np.zeros(dout.shape)
    for place in np.ndindex(*dout.shape):
        if keep[place]:
            dx[place] = dout[place] / (1 - p)
    return dx


# %% dropout_backward: its own layout of the cache
def dropout_forward(x, *, p, training, rng):
    mask = (rng.random(x.shape) >= p) / (1 - p) if training else np.ones(x.shape)
    return x * mask, {"mask": mask}


def dropout_backward(dout, cache):
    return dout * cache["mask"]
