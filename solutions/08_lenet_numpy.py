"""Notebook 08: a network of layers, momentum, the sanity ladder, learning rates, and a LeNet on Fashion-MNIST.

The LeNet is that of UCLA's CS163, lecture 7 (20 and 50 filters, max pooling); the ladder is the one that
Stanford's CS231n and Karpathy's "A Recipe for Training Neural Networks" teach. All numbers were recomputed.
"""
# %% [markdown]
# # 08 · A LeNet from your own layers
#
# For five notebooks you have built parts: convolution, pooling, linear layers, ReLU, a loss, each forwards and backwards. Today you
# put them together, and the result learns to tell shirts from shoes: 1,256,080 numbers, found by nothing but your own code, on a
# CPU, in minutes.
#
# Putting parts together is where most bugs of real projects live. A network with a bug in it does not crash. It *trains*, a little
# worse than it could, and nobody knows. So half of this notebook is about how to find out early:
#
# 1. a **network**: forwards through a list of layers, and backwards through it;
# 2. **training**: momentum, batches, one step;
# 3. the **sanity ladder**, to be climbed before any long training;
# 4. the **learning rate**, the number that matters most;
# 5. the **training**, and how to *read* it while it runs;
# 6. what the network has learned, and what it confuses.
#
# **How to work.** First *predict*, then run the cell, then read on. Plan five to six hours in three sittings: sections 1 and 2, then 3 and
# 4, then the rest; 53 points in all. Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk in between. No GPU is needed.
# Where there is little time or no data, the notebook takes smaller settings by itself, and says so.

# %% tags=["needed"]
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
import numpy as np
import torch
from cs_utils import check, network, plots, when_done
from cs_utils.layers import kaiming_init, numeric_gradient, softmax_cross_entropy
from cs_utils.network import Layer, zero_velocities

torch.set_num_threads(1)

# %% [markdown]
# (The first lines ask for **one thread** of the processor, in NumPy and in PyTorch, which the ready-made layers of this notebook are made of. On machines that
# others use as well this is the quickest, and at the end the two can be compared.)
#
# ---
# ## 1 · A network is a list of layers
#
# This is the LeNet of UCLA's CS163. You know its numbers from notebook 02:
#
# | layer | out | weights |
# |---|---|---|
# | conv1, 5×5, padding 2 · relu1 | 20×28×28 | 20×1×5×5 |
# | pool1, 2×2 | 20×14×14 | |
# | conv2, 5×5, padding 2 · relu2 | 50×14×14 | 50×20×5×5 |
# | pool2, 2×2 | 50×7×7 | |
# | flatten | 2450 | |
# | fc1 · relu3 | 500 | 500×2450 |
# | fc2 | 10 | 10×500 |
#
# **Exercise 1** · `colour_net` · 5 minutes · ●○○
#
# The same layers, for *colour* images of 32×32 pixels (3×32×32). How many numbers does flatten put out, and how many parameters does
# the net have, biases included? Answer as a pair `(numbers, parameters)`.

# %% exercise="colour_net"
colour_net = None  # your answer: (numbers, parameters)
### BEGIN SOLUTION
colour_net = (3200, 1632080)
### END SOLUTION

# %% check="colour_net" points=1
check(colour_net=colour_net)

# %% [markdown]
# ### What a layer is, from today on
#
# So far a layer was two functions. In a network it also needs a **name** and its **parameters**. `Layer` of `cs_utils.network` holds these four
# things, and does nothing:
#
# - `layer.name`, a text such as `"conv1"`;
# - `layer.parameters`, a list of arrays: `[w, b]`, or `[]` for layers without any, such as ReLU;
# - `layer.forward`, called as `layer.forward(x, *layer.parameters)`; returns `out, cache`;
# - `layer.backward`, called as `layer.backward(dout, cache)`; returns a **tuple** `(dx, dw, db)`, or, for a layer without parameters, just the **array**
#   `dx`, as you wrote them.

# %%
from cs_utils import layers

rng = np.random.default_rng(0)
linear = Layer("fc", layers.linear_forward, layers.linear_backward, [rng.normal(size=(2, 3)), np.zeros(2)])
relu = Layer("relu", layers.relu_forward, layers.relu_backward)
x = rng.normal(size=(4, 3))
out, cache = linear.forward(x, *linear.parameters)
print("linear backward returns", [gradient.shape for gradient in linear.backward(out, cache)])
out, cache = relu.forward(x, *relu.parameters)
print("relu backward returns  ", relu.backward(out, cache).shape)

# %% [markdown]
# **Exercise 2** · `Sequential` · 40 minutes · ●●○
#
# A network. Forwards, what comes out of a layer goes into the next one. Backwards, you begin at the *end*: the last layer's `dx` is the upstream gradient
# of the layer before it. Each layer needs **its own** cache, so forward has to keep them all.
#
# - `forward(x)` returns what comes out of the last layer, and keeps the caches in `self`.
# - `backward(dout)` belongs to the latest forward. It returns `dx`, the gradient for the network's input, and `gradients`, a dict: the name of a layer -> the
#   list of the gradients of its parameters, `[dw, db]`. (A layer without parameters has an empty list there, or does not occur.)
#
# Training will put new arrays into `layer.parameters` between two steps, so read them in every forward. And there may be two networks at once.
#
# <details><summary>Help, I get this error</summary>
#
# - `AttributeError: 'Layer' object has no attribute ...`: a layer has `name`, `forward`, `backward` and `parameters`. Your own variables belong to `self`.
# - `TypeError: ... missing 2 required positional arguments: 'w' and 'b'`: the parameters are handed over too, each one by itself: `*layer.parameters`.
# - `RuntimeError: Mismatch in shape: grad_output[0] has a shape of ...`: a layer's backward got a gradient, or a cache, that belongs to another layer. In which order
#   do you go through layers and caches? Print the names.
# - `TypeError: backward did not return dx and a dict`: two values, `return dx, gradients`.
# - *"gradients, number 2 is None"*: the second of all the gradients is missing: the dict has no list for its layer.
# - It works in the first group, but `RuntimeError` as soon as there is a ReLU: `dx, *rest = array` takes an *array* apart, row by row. Ask `layer.parameters` which kind of layer it is.
# </details>


# %% exercise="Sequential"
class Sequential:
    """Layers one after the other.

    layers: a list of `Layer`, in the order of the forward pass; no two have the same name.
    """

    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        """What comes out of the last layer. Keeps the cache of every layer for `backward`."""
        ### BEGIN SOLUTION
        self.caches = []
        for layer in self.layers:
            x, cache = layer.forward(x, *layer.parameters)
            self.caches.append(cache)
        return x
        ### END SOLUTION

    def backward(self, dout):
        """Gradients of the latest forward.

        dout: the upstream gradient, of the shape of what forward returned.
        Returns dx, of the shape of x, and a dict: name of a layer -> list of its parameters' gradients.
        """
        ### BEGIN SOLUTION
        gradients = {}
        for layer, cache in zip(self.layers[::-1], self.caches[::-1], strict=True):
            returned = layer.backward(dout, cache)
            dout, *gradients[layer.name] = returned if layer.parameters else [returned]
        return dout, gradients
        ### END SOLUTION


# %% check="Sequential" points=9
check(Sequential)

# %% [markdown]
# ### Whose layers?
#
# Now the LeNet. Its layers are to be **yours**, from notebooks 03 to 07. `network.operations()` looks for these notebooks beside this one, runs every pair of functions once
# on a small batch, and takes yours where they give the same numbers as PyTorch and are not much slower. (Loops are right, too; but an epoch with them would take a day.)
# Otherwise it takes the ready-made ones of `cs_utils.layers`. It says which. Nothing in this notebook is graded with your earlier layers. What it returns has a pair
# `(forward, backward)` for each kind: `operations.conv2d`, `operations.relu`, and so on.

# %%
operations = network.operations()

# %%
from functools import partial


def learned(shape, *, rng, scale=1.0):
    """First parameters of a layer, in float32: Kaiming's weights times `scale`, and biases of 0."""
    w = scale * kaiming_init(shape, rng=rng)
    return [w.astype(np.float32), np.zeros(len(w), dtype=np.float32)]


# %%
def lenet(ops, *, rng, one=20, two=50, three=500, size=28, last=1.0):
    """The layers of a LeNet for images of size x size. last: factor for the weights of the last layer."""
    conv = partial(ops.conv2d[0], padding=2), ops.conv2d[1]
    pool = partial(ops.max_pool2d[0], kernel_size=2), ops.max_pool2d[1]
    return [
        Layer("conv1", *conv, learned((one, 1, 5, 5), rng=rng)),
        Layer("relu1", *ops.relu),
        Layer("pool1", *pool),
        Layer("conv2", *conv, learned((two, one, 5, 5), rng=rng)),
        Layer("relu2", *ops.relu),
        Layer("pool2", *pool),
        Layer("flatten", *ops.flatten),
        Layer("fc1", *ops.linear, learned((three, two * (size // 4) ** 2), rng=rng)),
        Layer("relu3", *ops.relu),
        Layer("fc2", *ops.linear, learned((10, three), rng=rng, scale=last)),
    ]


# %% [markdown]
# **Predict**: how many numbers can be learned, and in which layer are most of them?

# %%
parts = lenet(operations, rng=np.random.default_rng(0))
for layer in parts:
    print(f"{layer.name:8s}{sum(array.size for array in layer.parameters):10,d}")
print(f"together{sum(array.size for layer in parts for array in layer.parameters):10,d}")

# %% [markdown]
# 1,256,080, as in notebook 02, and 98 % of them in one layer. And what it learns from: Fashion-MNIST, 70,000 pictures of clothes, 28×28 pixels, ten kinds.

# %%
images = network.fashion()
x_train, y_train = images.train.arrays()
x_test, y_test = images.test.arrays()
print(images)
print("x", x_train.shape, x_train.dtype, f"mean {x_train.mean():.2f}, spread {x_train.std():.2f}")
firsts = [np.flatnonzero(y_train == label)[0] for label in range(6)]
plots.show_pictures({images.classes[y_train[i]]: images.train.images[i, :, :, 0] / 255 for i in firsts})

# %% [markdown]
# One forward pass through your network, with fresh weights:

# %%
with when_done("Sequential"):
    net = Sequential(lenet(operations, rng=np.random.default_rng(0)))
    scores = net.forward(x_train[:8])
    print("scores:", scores.shape)
    print("told:  ", [images.classes[label] for label in scores.argmax(axis=1)])
    print("is:    ", [images.classes[label] for label in y_train[:8]])

# %% [markdown]
# It knows nothing. But it answers.
#
# ---
# ## 2 · A training step
#
# ### Momentum
#
# In notebook 07 you took steps against the gradient: $w \leftarrow w - \eta \, dw$. Look at a valley that is steep in one direction and flat in the other, as
# most losses are. A learning rate that is small enough for the steep direction is far too small for the flat one.
#
# **Momentum** gives the walker a mass. The gradient does not move $w$; it pushes the **velocity** $v$, and the velocity moves $w$:
#
# $$ v \leftarrow m \, v + dw \qquad\qquad w \leftarrow w - \eta \, v $$
#
# with the momentum $m$, mostly 0.9. What pushes now this way, now that way, cancels out; what always pushes the same way adds up.

# %%
steepness, start = np.array([1.0, 30.0]), np.array([4.0, 1.0])
paths = {}
for name, m, rate in [("without momentum", 0.0, 0.05), ("momentum 0.8", 0.8, 0.03)]:
    w, v, path = start, np.zeros(2), [start]
    for _ in range(30):
        v = m * v + steepness * w  # the gradient of this valley
        w = w - rate * v
        path.append(w)
    paths[name] = path
plots.show_paths(paths, steepness)

# %% [markdown]
# (Conventions differ. Some texts put the learning rate into the velocity, $v \leftarrow m v - \eta\,dw$. As long as $\eta$ does not change, $w$ goes the same way, but the velocities are other numbers. **We do as PyTorch does**, as
# written above.)
#
# **Exercise 3** · `long_run` · 3 minutes · ●●○
#
# The gradient is the same number $g$ in every step, and the momentum is 0.95. In the long run, how many times as long are the steps as those without
# momentum? (In the long run the velocity does not change any more.)

# %% exercise="long_run"
long_run = None  # your answer: a number
### BEGIN SOLUTION
long_run = 20
### END SOLUTION

# %% check="long_run" points=1
check(long_run=long_run)

# %% [markdown]
# **Exercise 4** · `sgd_momentum` · 10 minutes · ●○○
#
# One step for one array of parameters. Both results are **new** arrays; what came in is left alone.


# %% exercise="sgd_momentum"
def sgd_momentum(w, dw, velocity, *, lr, momentum=0.9):
    """One step of gradient descent with momentum.

    w: parameters, of any shape. dw, velocity: of the same shape. lr: the learning rate.
    Returns the new w and the new velocity. Nothing that was handed in is changed.

    >>> sgd_momentum(np.array([1.0]), np.array([2.0]), np.array([10.0]), lr=0.1, momentum=0.5)
    (array([0.3]), array([7.]))
    """
    ### BEGIN SOLUTION
    velocity = momentum * velocity + dw
    return w - lr * velocity, velocity
    ### END SOLUTION


# %% check="sgd_momentum" points=5
check(sgd_momentum)

# %% [markdown]
# ### Batches
#
# Nobody computes the gradient over 60,000 images for a single step. A **batch** of 64 gives a gradient that is nearly as good, and a thousand times as many steps. An **epoch** is
# over when every image had its turn once. Then the images are shuffled anew.
#
# **Exercise 5** · `last_batch` · 2 minutes · ●○○
#
# 50,000 images in batches of 96. How many batches has an epoch, and how many images are in the last one? Answer as a pair.

# %% exercise="last_batch"
last_batch = None  # your answer: (batches, images)
### BEGIN SOLUTION
last_batch = (521, 80)
### END SOLUTION

# %% check="last_batch" points=1
check(last_batch=last_batch)

# %% [markdown]
# **Exercise 6** · `minibatches` · 10 minutes · ●○○
#
# The batches of one epoch, as arrays of **indices**: `x[batch], labels[batch]` will be the images and their labels. All batches have `batch_size` indices, but for the last
# one, which has what is left (if anything is left). The order is random and comes from `rng`: `rng.permutation` is what you need. Return a *list* of arrays.


# %% exercise="minibatches"
def minibatches(count, batch_size, *, rng):
    """The indices 0 to count - 1 in random order, dealt into batches.

    rng: a NumPy generator; everything random comes from it.
    Returns a list of arrays of whole numbers: full batches, then a smaller one with the rest, if there is one.

    >>> [len(batch) for batch in minibatches(7, 3, rng=np.random.default_rng(0))]
    [3, 3, 1]
    """
    ### BEGIN SOLUTION
    order = rng.permutation(count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]
    ### END SOLUTION


# %% check="minibatches" points=4
check(minibatches)

# %% [markdown]
# ### One step
#
# Now all of it at once. Scores from the network; loss and `dscores` from `softmax_cross_entropy`, which you know from notebook 07 (scores go in **as they are**; it
# returns the mean over the batch and its gradient); backwards; and then every parameter of every layer takes a step.
#
# For once something is **changed in place**, since that is what training is: the arrays in `layer.parameters` are replaced by new ones, and so are those in
# `velocities`. This is a dict like the one that `backward` returns: name of a layer -> list of arrays. `zero_velocities(net)` of `cs_utils.network` makes it for the first step.
#
# **Exercise 7** · `train_step` · 25 minutes · ●●○
#
# Use your `sgd_momentum`. The check trains small networks for some steps and compares every number with PyTorch. In its last group, a
# convolutional network has to learn **50 images by heart**.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: too many values to unpack (expected 2)` or `not enough values`: `net.backward` returns `dx, gradients`; `dx` is not needed here. `sgd_momentum` returns two arrays.
# - `TypeError: list indices must be integers`: `gradients[layer.name]` is a *list*, one gradient for each parameter. `enumerate` counts.
# - `TypeError: sgd_momentum() takes 3 positional arguments but 5 were given`: `lr` and `momentum` are handed over by name: `lr=lr`.
# - It says *"sgd_momentum did not pass its check"*: mend that one first.
# </details>


# %% exercise="train_step"
def train_step(net, x, labels, velocities, *, lr, momentum=0.9):
    """One step of training with one batch.

    net: has layers, forward and backward, as `Sequential`; its layers get new parameters.
    x: (N, ...). labels: (N,), whole numbers. velocities: dict, name of a layer -> list of arrays, one for
    each parameter; gets the new ones. lr, momentum: for `sgd_momentum`.
    Returns the loss of the batch, a number, as it was before the step.
    """
    ### BEGIN SOLUTION
    loss, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    for layer in net.layers:
        speeds = velocities[layer.name]
        for i, w in enumerate(layer.parameters):
            dw = gradients[layer.name][i]
            layer.parameters[i], speeds[i] = sgd_momentum(w, dw, speeds[i], lr=lr, momentum=momentum)
    return loss
    ### END SOLUTION


# %% check="train_step" points=7
check(train_step)

# %% [markdown]
# ---
# ## 3 · The sanity ladder
#
# You could press the button now. Do not. A training that fails costs an afternoon, and tells nothing about why. Three rungs cost a minute:
#
# 1. **The first loss.** Before training it must be that of guessing.
# 2. **The gradient.** A small network of the same layers: does backward agree with nudging?
# 3. **By heart.** A network that cannot learn 50 images will not learn 60,000.
#
# ### Rung 1: the first loss
#
# A network that knows nothing gives each of $C$ classes the probability $1/C$. That costs $-\ln(1/C) = \ln C$, whatever the labels are: 2.303 for ten classes. A first loss
# that is much *larger* means that the network is sure of something, and wrong. One that is much *smaller* means that it knows the answers already.
#
# **Exercise 8** · `initial_loss` · 10 minutes · ●○○
#
# `fine` is True when the loss differs from $\ln C$ by at most `tolerance` times $\ln C$, upwards or downwards. How many classes there are, the network itself tells best.


# %% exercise="initial_loss"
def initial_loss(net, x, labels, *, tolerance=0.1):
    """Is the loss of an untrained network that of guessing?

    net: has forward. x: (N, ...). labels: (N,), whole numbers.
    Returns loss, a number; expected, the logarithm of the number of classes; and fine, True or False.
    """
    ### BEGIN SOLUTION
    scores = net.forward(x)
    loss, _ = softmax_cross_entropy(scores, labels)
    expected = np.log(scores.shape[1])
    return loss, expected, abs(loss - expected) <= tolerance * expected
    ### END SOLUTION


# %% check="initial_loss" points=3
check(initial_loss)

# %% [markdown]
# Does our LeNet stand on the first rung? **Predict.**

# %%
with when_done("Sequential", "initial_loss"):
    net = Sequential(lenet(operations, rng=np.random.default_rng(0)))
    loss, expected, fine = initial_loss(net, x_train[:500], y_train[:500])
    print(f"loss {loss:.3f}, expected {expected:.3f}, fine: {fine}")
    print(f"spread of the scores: {net.forward(x_train[:500]).std():.2f}")

# %% [markdown]
# It does not. Kaiming's weights keep the size of a signal that goes *through ReLU*. Behind the last layer there is none, and its scores are too large: an untrained network has opinions. They
# have to be unlearned first, which costs the first hundred steps. The remedy is a last layer that starts small:

# %%
with when_done("Sequential", "initial_loss"):
    for last in (1.0, 0.3, 0.1, 0.01):
        net = Sequential(lenet(operations, rng=np.random.default_rng(0), last=last))
        loss, expected, fine = initial_loss(net, x_train[:500], y_train[:500])
        print(f"last layer times {last:<4g}: loss {loss:.3f}, fine: {fine}")

# %% [markdown]
# From here on the last layer's weights start at a tenth. (This is what a first rung is for: nothing would have crashed.)
#
# ### Rung 2: the gradient of the whole network
#
# You have checked every layer by itself. The network is more: the order, the caches, the hand-over. So nudge every parameter of a whole network, with `numeric_gradient` of notebook 04, and compare.
# A real LeNet has a million parameters; a **tiny one of the same layers** does as well.
#
# How near is near? Gradients have very different sizes, so look at the **relative** error. For one array of parameters, with $a$ the gradient of backward and $n$ the numeric one:
#
# $$ \text{error} = \frac{\max |a - n|}{\max(\max |a|,\ \max |n|)} $$
#
# Around $10^{-8}$ both are the same; above $10^{-4}$ something is wrong; 1 is a gradient that has nothing to do with it. And all this in **float64**. Why not float32?
#
# **Exercise 9** · `float32_noise` · 5 minutes · ●●○
#
# `numeric_gradient` computes $\frac{L(w + h) - L(w - h)}{2h}$ with $h = 10^{-5}$. Near 2.3 the float32 numbers stand $2.4 \cdot 10^{-7}$ apart, so the difference above the line can only be a multiple of that. Of which number must every
# slope then be a multiple?

# %% exercise="float32_noise"
float32_noise = None  # your answer: a number
### BEGIN SOLUTION
float32_noise = 0.012
### END SOLUTION

# %% check="float32_noise" points=1
check(float32_noise=float32_noise)

# %% [markdown]
# Most gradients are smaller than that. In float32 a gradient check finds mistakes where there are none.
#
# **Exercise 10** · `gradient_errors` · 35 minutes · ●●●
#
# For every layer with parameters: the largest error of its arrays. `numeric_gradient(f, w)` nudges every number of a copy of `w` and calls `f(nudged)`, which must return the loss of the network
# *with `nudged` in the place of `w`*. So `f` puts `nudged` into `layer.parameters[i]`, runs forward, and returns the loss. When it is done, put the **array of before** back.
# The networks of the check are in float64 already.
#
# <details><summary>Help, I get this error</summary>
#
# - *"all errors are about 1"*: does `f` put the nudged array into the layer before it runs forward? Without that the loss never changes, and the numeric gradient is 0.
# - *"all numeric gradients belong to the last parameter"*: functions that are made in a loop and called after it see the loop's last values. Call `numeric_gradient` in the loop, or give `f` what it needs.
# - `TypeError: only length-1 arrays can be converted`: `f` returns the loss alone; `softmax_cross_entropy` returns two things.
# </details>


# %% exercise="gradient_errors"
def gradient_errors(net, x, labels):
    """Compare the gradients of backward with nudging, for every parameter of a network.

    net: has layers, forward and backward, as `Sequential`; float64. Afterwards it is as it was.
    x: (N, ...). labels: (N,).
    Returns a dict: the name of each layer that has parameters -> the largest relative error of its arrays.
    """
    ### BEGIN SOLUTION
    _, dscores = softmax_cross_entropy(net.forward(x), labels)
    _, gradients = net.backward(dscores)
    errors = {}
    for layer in net.layers:
        for i, w in enumerate(layer.parameters):

            def loss(nudged, layer=layer, i=i):
                layer.parameters[i] = nudged
                return softmax_cross_entropy(net.forward(x), labels)[0]

            numeric, computed = numeric_gradient(loss, w), gradients[layer.name][i]
            layer.parameters[i] = w
            error = abs(computed - numeric).max() / max(abs(computed).max(), abs(numeric).max())
            errors[layer.name] = max(error, errors.get(layer.name, 0))
    return errors
    ### END SOLUTION


# %% check="gradient_errors" points=5
check(gradient_errors)

# %% [markdown]
# Now *your* network, a tiny LeNet for images of 8×8 pixels, in float64:


# %%
def tiny_lenet(ops):
    """A LeNet with 332 parameters, in float64."""
    parts = lenet(ops, rng=np.random.default_rng(3), one=2, two=3, three=5, size=8)
    for layer in parts:
        layer.parameters = [array.astype(np.float64) for array in layer.parameters]
    return parts


# %%
with when_done("Sequential", "gradient_errors"):
    small_x, small_y = np.random.default_rng(4).normal(size=(4, 1, 8, 8)), np.array([3, 1, 4, 1])
    for name, error in gradient_errors(Sequential(tiny_lenet(operations)), small_x, small_y).items():
        print(f"{name:8s}{error:.0e}")

# %% [markdown]
# The second rung holds. And if it did not? We break one layer: its backward hands the upstream gradient on unchanged, a ReLU that forgot its mask. **Predict** which errors will be large if it is `relu2`.

# %%
with when_done("Sequential", "gradient_errors"):
    broken = tiny_lenet(operations)
    broken[4].backward = lambda dout, cache: dout  # relu2
    for name, error in gradient_errors(Sequential(broken), small_x, small_y).items():
        print(f"{name:8s}{error:.0e}")

# %% [markdown]
# Gradients flow backwards, so everything *before* the broken layer is wrong, and everything behind it is right. This tells where to look.
#
# **Exercise 11** · `suspects` · 5 minutes · ●●○
#
# In another broken LeNet with the layers conv1 relu1 pool1 conv2 relu2 pool2 flatten fc1 relu3 fc2 the error of conv1 is large, and those of conv2, fc1 and fc2 are around $10^{-9}$. There is one mistake, in one layer's backward. In how many layers may it be? (A
# layer can also compute its `dw` rightly and its `dx` wrongly.)

# %% exercise="suspects"
suspects = None  # your answer: a number
### BEGIN SOLUTION
suspects = 4
### END SOLUTION

# %% check="suspects" points=1
check(suspects=suspects)

# %% [markdown]
# ### Rung 3: 50 images by heart
#
# Fifty images, the whole LeNet, the same batch again and again. There is nothing to generalise; a network with a million numbers must get all fifty right, soon. If it cannot, something is wrong that
# the first two rungs did not see: labels that belong to other images, a learning rate beyond all reason, parameters that never move.

# %%
with when_done("Sequential", "sgd_momentum", "train_step"):
    net = Sequential(lenet(operations, rng=np.random.default_rng(0), last=0.1))
    velocities, few_x, few_y, losses, right = zero_velocities(net), x_train[:50], y_train[:50], [], 0
    while right < 1 and len(losses) < 100:
        losses.append(train_step(net, few_x, few_y, velocities, lr=0.01))
        right = (net.forward(few_x).argmax(axis=1) == few_y).mean()
    print(f"{right:.0%} of {len(few_y)} images right after {len(losses)} steps")
    plots.show_steps(losses, level=("ln 10", np.log(10)), title="Fifty images by heart")

# %% [markdown]
# The ladder is climbed.
#
# ---
# ## 4 · The learning rate
#
# Of all the numbers that you choose, this one matters most. Too small, and the training takes for ever. Too large, and it goes nowhere, or the loss becomes NaN ("not a number"). In
# between lies a range of a factor of ten or so where all is well, and it depends on the network, the batch, the momentum. So one *tries*: each rate with a network of its own, from the same first weights, for a few steps.
#
# **Exercise 12** · `search_learning_rate` · 20 minutes · ●●○
#
# `make_net()` makes a fresh network, each time with the same first weights. For every rate: a fresh network, fresh velocities, `steps` times `train_step` with the batch; the loss that the **last** of these steps returned is what
# counts. A rate whose loss is not finite (`np.isfinite`) cannot be the best. Leave the momentum as it is.


# %% exercise="search_learning_rate"
def search_learning_rate(make_net, x, labels, rates, *, steps):
    """Try learning rates, each for a few steps with the same batch.

    make_net: makes a fresh network; called without arguments. x: (N, ...). labels: (N,). rates: numbers.
    Returns best, the rate with the smallest loss, and losses, a list: the loss of the last step for each rate.
    """
    ### BEGIN SOLUTION
    losses = []
    for rate in rates:
        net = make_net()
        velocities = zero_velocities(net)
        for _ in range(steps):
            last = train_step(net, x, labels, velocities, lr=rate)
        losses.append(last)
    finite = [loss if np.isfinite(loss) else np.inf for loss in losses]
    return rates[int(np.argmin(finite))], losses
    ### END SOLUTION


# %% check="search_learning_rate" points=4
check(search_learning_rate)

# %% [markdown]
# For our LeNet, with a batch of 64, for ten steps. **Predict**: where does the curve turn? (This takes half a minute.)

# %%
rates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
with when_done("Sequential", "sgd_momentum", "train_step", "search_learning_rate"):
    sizes = {"one": 4, "two": 8, "three": 32} if network.quick() else {}  # a smaller one where time is short

    def make_net():
        return Sequential(lenet(operations, rng=np.random.default_rng(0), last=0.1, **sizes))

    with np.errstate(all="ignore"):  # some of these rates blow up, on purpose
        best, losses = search_learning_rate(make_net, x_train[:64], y_train[:64], rates, steps=10)
    plots.show_rates(rates, losses, best)

# %% [markdown]
# On the left the loss hardly moves within ten steps. On the right it is worse than guessing, or no number at all. For a long training one takes the best rate or one a little to the
# *left* of it: what is just possible with one batch is too much for many different ones. We take 0.01.
#
# ---
# ## 5 · The training
#
# One epoch, as many of the 60,000 images as fit into four minutes on this machine. A first step tells how long one takes.

# %%
BATCH, count = 64, len(x_train)
with when_done("Sequential", "sgd_momentum", "minibatches", "train_step"):
    net = Sequential(lenet(operations, rng=np.random.default_rng(0), last=0.1))
    before = net.layers[0].parameters[0].copy()
    trial, speeds = Sequential(lenet(operations, rng=np.random.default_rng(0))), zero_velocities(net)
    count = network.affordable(
        lambda: train_step(trial, x_train[:BATCH], y_train[:BATCH], speeds, lr=0.0), BATCH, len(x_train)
    )

# %%
with when_done("Sequential", "sgd_momentum", "minibatches", "train_step"):
    velocities, losses = zero_velocities(net), []
    batches = minibatches(count, BATCH, rng=np.random.default_rng(1))
    for step, batch in enumerate(batches, 1):
        losses.append(train_step(net, x_train[batch], y_train[batch], velocities, lr=0.01))
        if step % 100 == 0:
            print(f"step {step} of {len(batches)}: loss {np.mean(losses[-100:]):.3f}")
    plots.show_steps(losses, level=("ln 10", np.log(10)), title="One epoch")


# %%
def tested(net):
    """The network's scores for all test images; computed once."""
    if not hasattr(net, "tested"):
        net.tested = np.concatenate([net.forward(x_test[at : at + 500]) for at in range(0, len(x_test), 500)])
    return net.tested


with when_done("Sequential", "sgd_momentum", "minibatches", "train_step"):
    right = (tested(net).argmax(axis=1) == y_test).mean()
    print(f"{right:.1%} of {len(y_test):,} test images right, after {count:,} training images")

# %% [markdown]
# With all 60,000 images the network gets some 88 % of the test images right, after seeing every image once. Guessing would give 10 %.
#
# ---
# ## 6 · Reading loss curves
#
# While a training runs, its loss is all that you see of it. Experienced people read it like a fever chart ("babysitting the learning process"). Here are six trainings of one kind of network, each with one peculiarity, or none.
# The **training loss** is measured on the images that it learns from, the **validation loss** on others.

# %%
plots.show_curves()

# %% [markdown]
# Answer with letters, such as `"A"`. Each letter is used once at most.
#
# **Exercise 13** · `too_slow` · 2 minutes · ●○○
#
# In which training is the learning rate **far too small**?

# %% exercise="too_slow"
too_slow = None  # your answer: a letter
### BEGIN SOLUTION
too_slow = "B"
### END SOLUTION

# %% check="too_slow" points=1
check(too_slow=too_slow)

# %% [markdown]
# **Exercise 14** · `too_fast` · 2 minutes · ●○○
#
# In which training is the learning rate **far too large**?

# %% exercise="too_fast"
too_fast = None  # your answer: a letter
### BEGIN SOLUTION
too_fast = "D"
### END SOLUTION

# %% check="too_fast" points=1
check(too_fast=too_fast)

# %% [markdown]
# **Exercise 15** · `by_heart` · 3 minutes · ●●○
#
# Which network learns its few images **by heart**, although the labels are right? What it learns at first is of use for other images as well.

# %% exercise="by_heart"
by_heart = None  # your answer: a letter
### BEGIN SOLUTION
by_heart = "E"
### END SOLUTION

# %% check="by_heart" points=1
check(by_heart=by_heart)

# %% [markdown]
# **Exercise 16** · `wrong_labels` · 3 minutes · ●●○
#
# In one training a bug gave the training images the **labels of other images**. Which one is it? (The validation labels are right. What is the best that such a network can do on them?)

# %% exercise="wrong_labels"
wrong_labels = None  # your answer: a letter
### BEGIN SOLUTION
wrong_labels = "A"
### END SOLUTION

# %% check="wrong_labels" points=1
check(wrong_labels=wrong_labels)

# %% [markdown]
# **Exercise 17** · `lowered` · 3 minutes · ●●○
#
# In which training was the learning rate **lowered** in the middle, and after which epoch? Answer as a pair: `("A", 10)`.

# %% exercise="lowered"
lowered = None  # your answer: (a letter, an epoch)
### BEGIN SOLUTION
lowered = ("F", 22)
### END SOLUTION

# %% check="lowered" points=1
check(lowered=lowered)

# %% [markdown]
# Where a large rate has shaken a network long enough, a small one lets it settle. Schedules that do this smoothly come in notebook 10.
#
# ---
# ## 7 · What it has learned
#
# Back to your LeNet. Which classes does it confuse? **Predict** two pairs.

# %%
with when_done("Sequential", "sgd_momentum", "minibatches", "train_step"):
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (y_test, tested(net).argmax(axis=1)), 1)
    plots.show_confusion(confusion, images.classes)

# %% [markdown]
# Shirts, T-shirts, pullovers and coats; sneakers and boots. Here are the **three pairs** that are confused most often, from each the six pictures of which the network was surest (and wrong). Would you have known better?

# %%
with when_done("Sequential", "sgd_momentum", "minibatches", "train_step"):
    powers = np.exp(tested(net) - tested(net).max(axis=1, keepdims=True))
    probability, told = powers / powers.sum(axis=1, keepdims=True), powers.argmax(axis=1)
    pairs = np.argsort(-confusion * (1 - np.eye(10, dtype=int)), axis=None)[:3]  # what it is, what was said
    worst = []
    for label, wrong in np.transpose(np.unravel_index(pairs, confusion.shape)):
        those = np.flatnonzero((y_test == label) & (told == wrong))
        worst.extend(those[np.argsort(-probability[those, wrong])][:6])
    sure = probability[worst, told[worst]]
    plots.show_mistaken(images.test.images[worst, :, :, 0], y_test[worst], told[worst], sure, images.classes)

# %% [markdown]
# And the filters of the first layer, before and after:

# %%
with when_done("Sequential", "sgd_momentum", "minibatches", "train_step"):
    plots.show_kernels_before_and_after(before, net.layers[0].parameters[0])

# %% [markdown]
# Edges and strokes show through the noise of the first weights. They moved only a little: in one epoch most of the learning happens behind them.
#
# ### And PyTorch?
#
# The same network, the same batch, in PyTorch. How many times as long does a step of *yours* take? **Predict**: 1, 10, 100?

# %%
with when_done("Sequential", "sgd_momentum", "train_step"):
    batch = x_train[:BATCH], y_train[:BATCH]
    yours = partial(train_step, net, *batch, zero_velocities(net), lr=0.0)
    seconds = network.side_by_side(
        {"your network": yours, "PyTorch": network.pytorch_step(net.layers, *batch)}
    )
    plots.show_step_times(seconds)
    print(f"a step of yours takes {seconds['your network'] / seconds['PyTorch']:.2f} times as long")

# %% [markdown]
# If your own layers are in it, this is remarkable: some two hundred lines of NumPy, and hardly slower than PyTorch. With the solutions of notebooks 03 to 07, on one thread, we measured a
# ratio near 1. (With the ready-made layers PyTorch is on both sides.) Nearly all the time goes into two matrix products, and these are done by the same kind of library
# on both sides. What PyTorch has and you have not: it need not be told the derivatives, and it runs on a GPU. That is notebook 09.
#
# ---
# ## 8 · In your own words
#
# **Exercise 18** · written · 15 minutes · 3 points · ●●○
#
# A friend's network tells ten kinds of plants apart. She began training right away. The loss is 2.303 in the first step, 2.303 after an epoch, and 2.303 after ten. She has tried three learning rates.
#
# 1. What does the number 2.303 tell about what comes out of her network?
# 2. Name **two** different bugs that would each lead to exactly this.
# 3. Which rung of the ladder would have shown it first, and how long would that have taken?

# %% [markdown] written="stuck_loss" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) It is ln 10, the loss of guessing: every class gets the probability 1/10 (or the scores do not depend on the image in any way that fits the label), from the first step to the last. (2) Two of: the parameters never move (new arrays are not put
# back into the layers, lr is 0 or far too small, the optimiser has other parameters); no gradient arrives (all ReLUs dead, all weights 0, the graph cut off); the scores always are the same or 0 (last layer's weights 0 *and* nothing behind... or a
# multiplication by 0); the scores go through a softmax twice, so that gradients nearly vanish; inputs are all 0 or constant; labels are random at every step. (3) The first rung is passed, ln 10 is right for the first loss. The third one shows it: fifty images are not learned by heart, after
# a hundred steps, in a minute. For a wrong backward the second rung does, too: errors of 1.
#
# **Rubric.** 1 point: ln 10, and that this is guessing or equal probabilities. 1 point: two bugs that really lead to a loss that never leaves 2.303 (half for one; "learning rate too large": 0, the loss would jump). 1 point: the third rung (or the second, with a bug in the gradient named in
# part 2) and that it takes about a minute; "the first loss": 0, since 2.303 is what it should be.
# ### END SOLUTION

# %% [markdown]
# **Exercise 19** · written · 15 minutes · 3 points · ●●○
#
# Look at training E once more, and at your own confusion matrix.
#
# 1. After which epoch would you have stopped training E, and why there? What else could have helped?
# 2. Name the pair of classes that your network confuses most often, with the two numbers. Are they about equal? What may be the reason?
# 3. Your test accuracy: is it a fair estimate for new pictures of clothes from a phone's camera? Give two reasons.

# %% [markdown] written="reading_results" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) Where the validation loss is smallest, somewhere between epoch 5 and 10; after it the training loss falls further, while the validation loss rises: what is learned then is true of these images only. Helpful: more images, augmentation, dropout, weight decay, a
# smaller network. (2) Depends on the training: mostly shirt with T-shirt/top, or shirt with pullover or coat. The two directions often differ: the network prefers one of two similar classes, so that the other one's images are the ones that it loses. At 28×28 pixels the things that
# distinguish them (buttons, collars) are hardly visible. (3) For other pictures of *this* set, yes: the test images were not used. For photos, no: there clothes are not centred, not on a black background, in colour, of other sizes, worn by people.
#
# **Rubric.** 1 point: the minimum of the validation loss (epoch 3 to 12 is accepted) with the reason, and one remedy. 1 point: a pair with numbers from the student's own matrix and a sensible reason. 1 point: "fair only for the same kind of picture" with two differences.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | rung | what is checked | what it finds |
# |---|---|---|
# | first loss | $\ln C$ | first weights, classes, a softmax too many |
# | gradient | backward against nudging, in float64 | any mistake in any backward, and where |
# | 50 images by heart | 100 % right | parameters that do not move, labels of other images |
# | learning rate | a few steps with each | rates that are too small or too large |
#
# A training loop is: batch, forward, loss, backward, step. Everything that follows in this course is the same loop, with better networks. In notebook 09 PyTorch takes over the backward pass, and you move to a GPU.
