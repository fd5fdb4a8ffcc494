"""Known mistakes of notebook 08 as code; each must be named by the report with exactly its title."""


# %% Sequential: every layer gets the input of the network
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            out, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return out

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: backward goes through the layers in forward order
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(self.layers, self.caches):
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: the gradients stand under the name of another layer
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        collected = []
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            result = layer.backward(dout, cache)
            dout, *own = result if layer.parameters else [result]
            collected.append(own)
        return dout, {layer.name: own for layer, own in zip(self.layers, collected)}


# %% Sequential: layers and caches are paired the wrong way round
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), self.caches):
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: every layer gets the upstream gradient of the network
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dx, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dx = layer.backward(dout, cache)
        return (dx, gradients)


# %% Sequential: the upstream gradient is returned as dx
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients, dx = {}, dout
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dx, *gradients[layer.name] = layer.backward(dx, cache)
            else:
                dx = layer.backward(dx, cache)
        return dout, gradients


# %% Sequential: the first layer is left out of backward
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for at in range(len(self.layers) - 1, 0, -1):
            layer, cache = self.layers[at], self.caches[at]
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: the gradients of a layer are in the wrong order
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dout, dw, db = layer.backward(dout, cache)
                gradients[layer.name] = [db, dw]
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: the dx of a layer without parameters is taken apart
class Sequential:
    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            dout, *gradients[layer.name] = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: backward uses the caches of the first forward
class Sequential:
    def __init__(self, parts):
        self.layers = parts
        self.caches = []

    def forward(self, x):
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in reversed(list(zip(self.layers, self.caches))):
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: the gradients of all steps are added up
class Sequential:
    def __init__(self, parts):
        self.layers = parts
        self.gradients = {layer.name: [0] * len(layer.parameters) for layer in parts}

    def forward(self, x):
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dout, *own = layer.backward(dout, cache)
                for i, gradient in enumerate(own):
                    self.gradients[layer.name][i] = self.gradients[layer.name][i] + gradient
            else:
                dout = layer.backward(dout, cache)
        return dout, self.gradients


# %% Sequential: the parameters are those from when the network was made
class Sequential:
    def __init__(self, parts):
        self.layers = parts
        self.parameters = [list(layer.parameters) for layer in parts]

    def forward(self, x):
        self.caches = []
        for layer, parameters in zip(self.layers, self.parameters):
            x, cache = layer.forward(x, *parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% Sequential: all networks share their caches
class Sequential:
    caches = []

    def __init__(self, parts):
        self.layers = parts

    def forward(self, x):
        self.caches.clear()
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x

    def backward(self, dout):
        gradients = {}
        for layer, cache in zip(reversed(self.layers), reversed(self.caches)):
            if layer.parameters:
                dout, *gradients[layer.name] = layer.backward(dout, cache)
            else:
                dout = layer.backward(dout, cache)
        return dout, gradients


# %% sgd_momentum: the step goes uphill
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity + dw
    return w + lr * velocity, velocity


# %% sgd_momentum: the old velocity has the wrong sign
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = dw - momentum * velocity
    return w - lr * velocity, velocity


# %% sgd_momentum: the old velocity is not used
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = dw
    return w - lr * velocity, velocity


# %% sgd_momentum: w moves with the old velocity
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    w = w - lr * velocity
    return w, momentum * velocity + dw


# %% sgd_momentum: the old velocity is returned
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    new = momentum * velocity + dw
    return w - lr * new, velocity


# %% sgd_momentum: the learning rate is inside the velocity
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity + lr * dw
    return w - velocity, velocity


# %% sgd_momentum: the gradient is weighed with 1 - momentum
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity + (1 - momentum) * dw
    return w - lr * velocity, velocity


# %% sgd_momentum: momentum weighs the gradient instead of the old velocity
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = velocity + momentum * dw
    return w - lr * velocity, velocity


# %% sgd_momentum: Nesterov's step is taken
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity + dw
    return w - lr * (momentum * velocity + dw), velocity


# %% sgd_momentum: w and velocity are returned in the wrong order
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity + dw
    return velocity, w - lr * velocity


# %% sgd_momentum: momentum is always 0.9
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = 0.9 * velocity + dw
    return w - lr * velocity, velocity


# %% sgd_momentum: the gradient is subtracted in the velocity
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity - dw
    return w - lr * velocity, velocity


# %% sgd_momentum: the velocity points downhill
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity - dw
    return w + lr * velocity, velocity


# %% sgd_momentum: w moves along the gradient, not along the velocity
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity + dw
    return w - lr * dw, velocity


# %% sgd_momentum: minus and learning rate are inside the velocity
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    velocity = momentum * velocity - lr * dw
    return w + velocity, velocity


# %% minibatches: the last, smaller batch is left out
def minibatches(count, batch_size, *, rng):
    order = rng.permutation(count)
    return [order[at : at + batch_size] for at in range(0, count - batch_size + 1, batch_size)]


# %% minibatches: the last batch is filled up with examples that had their turn
def minibatches(count, batch_size, *, rng):
    order = rng.permutation(count)
    batches = -(-count // batch_size)
    order = np.resize(order, batches * batch_size)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


# %% minibatches: the batches are of about the same size
def minibatches(count, batch_size, *, rng):
    order = rng.permutation(count)
    return np.array_split(order, -(-count // batch_size))


# %% minibatches: batch_size is taken for the number of batches
def minibatches(count, batch_size, *, rng):
    order = rng.permutation(count)
    return np.array_split(order, batch_size)


# %% minibatches: examples are drawn again and again
def minibatches(count, batch_size, *, rng):
    order = rng.integers(0, count, size=count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


# %% minibatches: nothing is shuffled
def minibatches(count, batch_size, *, rng):
    order = np.arange(count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


# %% minibatches: the batches are shuffled, not the examples
def minibatches(count, batch_size, *, rng):
    order = np.arange(count)
    full = count // batch_size
    starts = [*(rng.permutation(full) * batch_size), full * batch_size]
    return [order[at : at + batch_size] for at in starts if at < count]


# %% minibatches: a generator of its own is used
def minibatches(count, batch_size, *, rng):
    order = np.random.default_rng().permutation(count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


# %% minibatches: the order is the same in every epoch
def minibatches(count, batch_size, *, rng):
    order = np.random.default_rng(0).permutation(count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


# %% minibatches: there is an empty batch at the end
def minibatches(count, batch_size, *, rng):
    order = rng.permutation(count)
    return [order[at * batch_size : (at + 1) * batch_size] for at in range(count // batch_size + 1)]


# %% minibatches: the indices begin at 1
def minibatches(count, batch_size, *, rng):
    order = 1 + rng.permutation(count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


# %% train_step: the new parameters are not put back into the layers
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            velocities[layer.name][i] = v
    return loss


# %% train_step: the new velocities are not kept
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
    return loss


# %% train_step: the scores go through a softmax before the loss
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    scores = net.forward(x)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    loss, dscores = softmax_cross_entropy(scores / 1.0, labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
            velocities[layer.name][i] = v
    return loss


# %% train_step: the loss is summed over the batch instead of averaged
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores * len(x))
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
            velocities[layer.name][i] = v
    return loss * len(x)


# %% train_step: the gradient is divided by the number of examples once more
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores / len(x))
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
            velocities[layer.name][i] = v
    return loss


# %% train_step: only the weights move, the biases do not
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters[:1]):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
            velocities[layer.name][i] = v
    return loss


# %% train_step: only the last layer moves
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        speeds = velocities[layer.name]
    for i, w in enumerate(layer.parameters):
        w, v = sgd_momentum(w, gradients[layer.name][i], speeds[i], lr=lr, momentum=momentum)
        layer.parameters[i] = w
        speeds[i] = v
    return loss


# %% train_step: the loss is the one after the step
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
            velocities[layer.name][i] = v
    return softmax_cross_entropy(net.forward(x), labels)[0]


# %% train_step: momentum is not handed on
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr)
            layer.parameters[i] = w
            velocities[layer.name][i] = v
    return loss


# %% train_step: the new velocities are not kept && the loss is the one after the step
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):
            dw, v = gradients[layer.name][i], velocities[layer.name][i]
            w, v = sgd_momentum(w, dw, v, lr=lr, momentum=momentum)
            layer.parameters[i] = w
    return softmax_cross_entropy(net.forward(x), labels)[0]


# %% train_step: only the first layer moves
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        speeds = velocities[layer.name]
        for i, w in enumerate(layer.parameters):
            w, v = sgd_momentum(w, gradients[layer.name][i], speeds[i], lr=lr, momentum=momentum)
            layer.parameters[i] = w
            speeds[i] = v
        return loss


# %% train_step: the returned loss is multiplied by the number of examples
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        speeds = velocities[layer.name]
        for i, w in enumerate(layer.parameters):
            w, v = sgd_momentum(w, gradients[layer.name][i], speeds[i], lr=lr, momentum=momentum)
            layer.parameters[i] = w
            speeds[i] = v
    return loss * len(x)


# %% initial_loss: the logarithm of the number of examples
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(len(x))
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: the classes are counted in the labels
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(labels.max() + 1)
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: the logarithm has another base
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log2(scores.shape[1])
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: the expected value is negative
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(1 / scores.shape[1])
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: the expected value is the probability 1 / C
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = 1 / scores.shape[1]
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: the scores go through a softmax before the loss
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: only a loss that is too large is found
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, loss - expected <= tolerance * expected


# %% initial_loss: the tolerance is taken as it is, not as a part of ln C
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, abs(loss - expected) <= tolerance


# %% initial_loss: everything within the tolerance is called wrong
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, abs(loss - expected) > tolerance * expected


# %% initial_loss: only classes that occur are counted
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(len(set(labels.tolist())))
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: there are always 10 classes
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(10)
    return loss, expected, abs(loss - expected) <= tolerance * expected


# %% initial_loss: the tolerance is a part of the loss, not of ln C
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, abs(loss - expected) <= tolerance * loss


# %% initial_loss: the tolerance is always 0.1
def initial_loss(net, x, labels, *, tolerance=0.1):
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, abs(loss - expected) <= 0.1 * expected


# %% gradient_errors: the error is absolute, not relative
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = abs(a - n).max()
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: the difference is divided by the numeric gradient alone
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = abs(a - n).max() / abs(n).max()
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: the difference is divided by the sum of both
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = abs(a - n).max() / (abs(a).max() + abs(n).max())
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: the biases are not compared
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters[:1]):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = abs(a - n).max() / max(abs(a).max(), abs(n).max())
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: only the last parameter of a layer counts
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = abs(a - n).max() / max(abs(a).max(), abs(n).max())
            errors[layer.name] = error
    return errors


# %% gradient_errors: the absolute value is missing
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = (a - n).max() / max(abs(a).max(), abs(n).max())
            errors[layer.name] = max(error, errors.get(layer.name, error))
    return errors


# %% gradient_errors: the mean difference is taken instead of the largest
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            layer.parameters[i] = w
            a = gradients[layer.name][i]
            error = abs(a - n).mean() / max(abs(a).max(), abs(n).max())
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: the network keeps a nudged parameter
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            a = gradients[layer.name][i]
            error = abs(a - n).max() / max(abs(a).max(), abs(n).max())
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: the error is absolute, not relative && the network keeps a nudged parameter
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            a = gradients[layer.name][i]
            error = abs(a - n).max()
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% gradient_errors: every numeric gradient is 0
def gradient_errors(net, x, labels):
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged):
                return softmax_cross_entropy(net.forward(x), labels)[0]

            n = numeric_gradient(loss, w)
            a = gradients[layer.name][i]
            error = abs(a - n).max() / max(abs(a).max(), abs(n).max())
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors


# %% search_learning_rate: all rates train the same network
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    net = make_net()
    for rate in rates:
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses


# %% search_learning_rate: the velocities of the rate before are kept
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses, velocities = [], zero_velocities(make_net())
    for rate in rates:
        net = make_net()
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses


# %% search_learning_rate: NaN is taken for the smallest loss
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    return rates[int(np.argmin(losses))], losses


# %% search_learning_rate: the rate with the largest loss is returned
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    return rates[int(np.argmax(losses))], losses


# %% search_learning_rate: the number of the best rate is returned instead of the rate
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return int(np.argmin(finite)), losses


# %% search_learning_rate: the smallest loss is returned instead of its rate
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return min(finite), losses


# %% search_learning_rate: the loss of the first step is taken
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        every = [train_step(net, x, labels, velocities, lr=rate) for _ in range(steps)]
        losses.append(every[0])
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses


# %% search_learning_rate: the largest rate whose loss is a number is returned
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    return max(rate for rate, loss in zip(rates, losses) if np.isfinite(loss)), losses


# %% search_learning_rate: NaN in front hides all the other losses
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            loss = train_step(net, x, labels, velocities, lr=rate)
        losses += [loss]
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[losses.index(min(losses))], losses


# %% search_learning_rate: the loss after the last step is taken, or that of one step too many
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            loss = train_step(net, x, labels, velocities, lr=rate)
        losses.append(softmax_cross_entropy(net.forward(x), labels)[0])
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses


# %% search_learning_rate: there is one step too few
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps - 1):
            loss = train_step(net, x, labels, velocities, lr=rate)
        losses += [loss]
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses


# %% search_learning_rate: the steps are taken without momentum
def search_learning_rate(make_net, x, labels, rates, *, steps):
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            loss = train_step(net, x, labels, velocities, lr=rate, momentum=0.0)
        losses += [loss]
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses
