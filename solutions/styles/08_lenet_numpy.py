"""Correct answers of notebook 08 in other styles; each must get full points."""


# %% Sequential: caches by name, a loop over positions
class Sequential:
    def __init__(self, layers):
        self.layers = list(layers)
        self.kept = {}

    def forward(self, x):
        for layer in self.layers:
            x, self.kept[layer.name] = layer.forward(x, *layer.parameters)
        return x

    def backward(self, dout):
        gradients = {}
        for at in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[at]
            result = layer.backward(dout, self.kept[layer.name])
            if layer.parameters:
                dout, dw, db = result
                gradients[layer.name] = [dw, db]
            else:
                dout = result
        return (dout, gradients)


# %% Sequential: a stack that backward empties, tuples of gradients
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.stack, out = [], x
        for layer in self.layers:
            out, cache = layer.forward(out, *layer.parameters)
            self.stack.append((layer, cache))
        return out

    def backward(self, dout):
        gradients = dict.fromkeys((layer.name for layer in self.layers), ())
        while self.stack:
            layer, cache = self.stack.pop()
            result = layer.backward(dout, cache)
            if isinstance(result, tuple):
                dout, gradients[layer.name] = result[0], result[1:]
            else:
                dout = result
        return [dout, gradients]


# %% Sequential: recursion
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = {}
        return self._through(x, 0)

    def _through(self, x, at):
        if at == len(self.layers):
            return x
        layer = self.layers[at]
        out, self.caches[at] = layer.forward(x, *layer.parameters)
        return self._through(out, at + 1)

    def backward(self, dout):
        return self._back(dout, len(self.layers) - 1, {})

    def _back(self, dout, at, found):
        if at < 0:
            return (dout, found)
        layer = self.layers[at]
        result = layer.backward(dout, self.caches[at])
        dx, *own = result if len(layer.parameters) > 0 else (result,)
        found[layer.name] = own
        return self._back(dx, at - 1, found)


# %% sgd_momentum: in place on copies
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    w, velocity = w.copy(), velocity.copy()
    velocity *= momentum
    velocity += dw
    w -= lr * velocity
    return w, velocity


# %% sgd_momentum: number by number
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    new_w, new_velocity = np.zeros_like(w), np.zeros_like(w)
    for place in np.ndindex(w.shape):
        new_velocity[place] = momentum * velocity[place] + dw[place]
        new_w[place] = w[place] - lr * new_velocity[place]
    return new_w, new_velocity


# %% sgd_momentum: float32, a list
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    v = np.float32(momentum) * velocity.astype(np.float32) + dw.astype(np.float32)
    return [w.astype(np.float32) - np.float32(lr) * v, v]


# %% sgd_momentum: the step by itself
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    v = np.add(dw, np.multiply(velocity, momentum))
    step = -lr * v
    return w + step, v


# %% minibatches: shuffled in place, split
def minibatches(count, batch_size, *, rng):
    numbers = np.arange(count)
    rng.shuffle(numbers)
    return np.split(numbers, np.arange(batch_size, count, batch_size))


# %% minibatches: sorted by random numbers
def minibatches(count, batch_size, *, rng):
    order = np.argsort(rng.random(count))
    batches = []
    while len(order):
        batches.append(order[:batch_size])
        order = order[batch_size:]
    return batches


# %% minibatches: full batches, then the rest, as a tuple
def minibatches(count, batch_size, *, rng):
    order = rng.choice(count, size=count, replace=False)
    full = count // batch_size
    batches = [order[k * batch_size : (k + 1) * batch_size] for k in range(full)]
    if full * batch_size < count:
        batches.append(order[full * batch_size :])
    return tuple(batches)


# %% minibatches: lists of numbers
def minibatches(count, batch_size, *, rng):
    order = [int(index) for index in rng.permutation(count)]
    return [np.array(order[start : start + batch_size]) for start in range(0, count, batch_size)]


# %% train_step: new lists
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    scores = net.forward(x)
    loss, slope = softmax_cross_entropy(scores, labels)
    dx, gradients = net.backward(slope)
    for layer in net.layers:
        new_parameters, new_velocities = [], []
        for w, dw, v in zip(layer.parameters, gradients[layer.name], velocities[layer.name]):
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            new_parameters.append(w)
            new_velocities.append(v)
        layer.parameters = new_parameters
        velocities[layer.name] = new_velocities
    return loss


# %% train_step: in place, without sgd_momentum
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    gradients = net.backward(dscores)[1]
    for layer in net.layers:
        for at in range(len(layer.parameters)):
            v = velocities[layer.name][at]
            v *= momentum
            v += gradients[layer.name][at]
            layer.parameters[at] -= lr * v
    return loss


# %% train_step: only layers that have parameters, a loss of its own
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    scores = net.forward(x)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    _, gradients = net.backward(p / len(labels))
    for layer in filter(lambda layer: layer.parameters, net.layers):
        pairs = [
            sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            for w, dw, v in zip(layer.parameters, gradients[layer.name], velocities[layer.name])
        ]
        layer.parameters[:] = [w for w, _ in pairs]
        velocities[layer.name][:] = [v for _, v in pairs]
    return float(loss)


# %% initial_loss: by hand
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    expected = -np.log(1 / scores.shape[-1])
    top = scores.max(axis=1)
    loss = (
        np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(len(x)), labels]
    ).mean()
    return loss, expected, bool(np.isclose(loss, expected, rtol=tolerance, atol=0))


# %% initial_loss: the relative difference
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss = float(softmax_cross_entropy(scores, labels)[0])
    expected = float(np.log(len(scores[0])))
    off = np.abs(loss / expected - 1)
    return [loss, expected, off <= tolerance]


# %% initial_loss: the loss of equal scores
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss = softmax_cross_entropy(scores, labels)[0]
    expected = softmax_cross_entropy(np.zeros_like(scores), labels)[0]
    low, high = (1 - tolerance) * expected, (1 + tolerance) * expected
    return loss, expected, low <= loss <= high


# %% gradient_errors: a helper, number by number
def gradient_errors(net, x, labels):
    def loss_now():
        return softmax_cross_entropy(net.forward(x), labels)[0]

    gradients = net.backward(softmax_cross_entropy(net.forward(x), labels)[1])[1]
    found = {}
    for layer in net.layers:
        if not layer.parameters:
            continue
        worst = 0.0
        for k in range(len(layer.parameters)):
            original = layer.parameters[k]
            numeric = np.zeros_like(original)
            for place in np.ndindex(original.shape):
                ends = []
                for h in (1e-5, -1e-5):
                    layer.parameters[k] = original.copy()
                    layer.parameters[k][place] += h
                    ends.append(loss_now())
                numeric[place] = (ends[0] - ends[1]) / 2e-5
            layer.parameters[k] = original
            mine = gradients[layer.name][k]
            scale = max(np.abs(mine).max(), np.abs(numeric).max())
            worst = max(worst, np.abs(mine - numeric).max() / scale)
        found[layer.name] = worst
    return found


# %% gradient_errors: parameters put back at the end
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    originals = {layer.name: list(layer.parameters) for layer in net.layers}
    errors = {}
    for layer in net.layers:
        own = []
        for k, w in enumerate(originals[layer.name]):

            def f(values):
                layer.parameters[k] = values
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(f, w)
            layer.parameters[k] = w
            a = gradients[layer.name][k]
            own.append(np.linalg.norm((a - n).ravel(), np.inf) / max(abs(a).max(), abs(n).max()))
        if own:
            errors[layer.name] = np.max(own)
    for layer in net.layers:
        layer.parameters = originals[layer.name]
    return errors


# %% gradient_errors: written into a copy of the array
def gradient_errors(net, x, labels):
    gradients = net.backward(softmax_cross_entropy(net.forward(x), labels)[1])[1]

    def loss_with(layer, k, values):
        before, layer.parameters[k] = layer.parameters[k], values
        try:
            return softmax_cross_entropy(net.forward(x), labels)[0]
        finally:
            layer.parameters[k] = before

    def error(layer, k):
        a = gradients[layer.name][k]
        n = numeric_gradient(lambda values: loss_with(layer, k, values), layer.parameters[k])
        return np.max(np.abs(a - n)) / np.maximum(np.abs(a).max(), np.abs(n).max())

    return {
        part.name: max(error(part, k) for k in range(len(part.parameters)))
        for part in net.layers
        if len(part.parameters)
    }


# %% search_learning_rate: nanargmin
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for lr in rates:
        net = make_net()
        v = zero_velocities(net)
        for step in range(steps):
            last = train_step(net, x, labels, v, lr=lr)
        losses.append(last)
    values = np.array(losses, dtype=float)
    values[~np.isfinite(values)] = np.nan
    return rates[np.nanargmin(values)], losses


# %% search_learning_rate: the best so far
def search_learning_rate(make_net, x, labels, rates, *, steps):
    best, smallest, losses = None, float("inf"), []
    for lr in rates:
        net = make_net()
        start = zero_velocities(net)
        history = [train_step(net, x, labels, start, lr=lr) for _ in range(steps)]
        losses.append(float(history[-1]))
        if np.isfinite(history[-1]) and history[-1] < smallest:
            best, smallest = lr, history[-1]
    return best, losses


# %% search_learning_rate: sorted pairs, an array of losses
def search_learning_rate(make_net, x, labels, rates, *, steps):
    def last_loss(lr):
        net = make_net()
        speeds = {layer.name: [0.0 * array for array in layer.parameters] for layer in net.layers}
        for _ in range(steps - 1):
            train_step(net, x, labels, speeds, lr=lr)
        return train_step(net, x, labels, speeds, lr=lr)

    losses = [last_loss(lr) for lr in rates]
    ranking = sorted((loss, lr) for loss, lr in zip(losses, rates) if np.isfinite(loss))
    return ranking[0][1], np.array(losses)
