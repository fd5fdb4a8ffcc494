"""Notebook 07: linear and ReLU layers, the loss, first weights, preprocessing, dropout, hyperparameters.

Source of the worked dropout example and of the three slips: A. Jain's building blocks. Cross-entropy, first
weights, preprocessing and hyperparameters stand on its agenda without slides. All numbers were recomputed.
"""
# %% [markdown]
# # 07 · Dropout, initialisation and the loss
#
# You have written convolutions, pooling and normalisation, forwards and backwards. What does a network still need before
# it can learn anything?
#
# 1. **Two plain layers**: linear and ReLU. A few lines each, and one trap.
# 2. **A loss**: one number that says how wrong the network is, and the gradient with which every backward pass begins.
# 3. **First weights**: why zeros will not do, and why "small random numbers" will not do either.
# 4. **Preprocessing**: inputs of one size, without looking at the test set.
# 5. **Dropout**: switching off half of the network at random, so that the rest learns more.
# 6. **Hyperparameters**: how to choose the numbers that no gradient chooses for you.
#
# At the end all of it stands together: a small network made of nothing but your functions learns to tell three spirals
# apart.
#
# **How to work.** First *predict*, on paper, then run the cell, then read on. Fill in the cells that say so, run the
# `check(...)` under each one, and read what it tells you. Nothing here needs a GPU. Plan five to six hours in three
# sittings; 60 points in all. Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk in between.
#
# **Notation.** `x` is `(N, inputs)`: examples, numbers of each example. As before a layer is a pair of functions,
# `forward(...)` -> `out, cache` and `backward(dout, cache)` -> gradients in the order of the forward's inputs; inputs are
# never changed. In dropout, `p` is the probability to **drop**, as in PyTorch.

# %% tags=["needed"]
import numpy as np
from cs_utils import check, plots, when_done

# %% [markdown]
# ---
# ## 1 · Linear and ReLU
#
# A linear layer has one row of weights for each output, and one bias. Output $d$ of example $n$ is
#
# $$ \text{out}_{nd} = \sum_{i} x_{ni}\, w_{di} + b_d $$
#
# As in PyTorch `w` is `(outputs, inputs)`.
#
# **Predict:** with 5 examples, 3 inputs and 4 outputs, what are the shapes of `x`, `w`, `b` and `out`? Which of them must
# be transposed so that `@` pairs the right axes?
#
# **Exercise 1** · `linear_forward` · 10 minutes · ●○○
#
# Backward will want to know `x` and `w`. So that your two functions can be checked apart, the **cache begins with them**:
# `cache = (x, w)`. (You may append more.)


# %% exercise="linear_forward"
def linear_forward(x, w, b):
    """out = x times w, transposed, plus b.

    x: (N, inputs). w: (outputs, inputs). b: (outputs,).
    Returns out, of shape (N, outputs), and cache = (x, w).

    >>> out, cache = linear_forward(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0]))
    >>> out
    array([[11.5, 17. ]])
    """
    ### BEGIN SOLUTION
    return x @ w.T + b, (x, w)
    ### END SOLUTION


# %% check="linear_forward" points=3
check(linear_forward)

# %% [markdown]
# ### Backwards
#
# We know $\partial L/\partial\,\text{out}_{nd}$, called `dout`. Three questions, each with the same answer, "look where
# it is used, and add up":
#
# - **A weight** $w_{di}$ is used once for every example, where it multiplies $x_{ni}$ and lands in output $d$:
#   $\displaystyle \frac{\partial L}{\partial w_{di}} = \sum_n \frac{\partial L}{\partial\,\text{out}_{nd}}\; x_{ni}$
# - **An input** $x_{ni}$ is used once for every output of its own example:
#   $\displaystyle \frac{\partial L}{\partial x_{ni}} = \sum_d \frac{\partial L}{\partial\,\text{out}_{nd}}\; w_{di}$
# - **A bias** $b_d$ is added to output $d$ of every example:
#   $\displaystyle \frac{\partial L}{\partial b_{d}} = \sum_n \frac{\partial L}{\partial\,\text{out}_{nd}}$
#
# Each of the first two sums is one matrix product. Which index is summed over? It must be the inner one of the product.
# And the result must have the shape of what it is the gradient of: that settles where a transpose belongs.
#
# **Exercise 2** · `linear_backward` · 20 minutes · ●●○
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0`: write the three shapes under the
#   factors, `(N, D) @ (D, I)`. The two in the middle must be the same letter.
# - *"right, but transposed"*: you have computed $(AB)^T = B^T A^T$. Exchange the factors and transpose the other one.
# - No error, and wrong all the same? With as many inputs as outputs every product "fits". Check one number by hand.
# </details>


# %% exercise="linear_backward"
def linear_backward(dout, cache):
    """Gradients of a linear layer.

    dout: (N, outputs), the upstream gradient. cache: (x, w, ...) of `linear_forward`.
    Returns dx (N, inputs), dw (outputs, inputs) and db (outputs,).
    """
    ### BEGIN SOLUTION
    x, w = cache[:2]
    return dout @ w, dout.T @ x, dout.sum(axis=0)
    ### END SOLUTION


# %% check="linear_backward" points=4
check(linear_backward)

# %% [markdown]
# PyTorch agrees. Does the definition of a derivative? `numeric_gradient` of notebook 04 wiggles every number and looks
# what the loss does. If your notebook 04 lies beside this one, your own function is taken, and the cell says so.

# %%
from cs_utils import earlier

numeric_gradient = earlier.own("numeric_gradient")

with when_done("linear_forward", "linear_backward"):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)
    dout = rng.normal(size=(4, 2))
    gradients = linear_backward(dout, linear_forward(x, w, b)[1])
    slow_dw = numeric_gradient(lambda w: (linear_forward(x, w, b)[0] * dout).sum(), w)
    print("largest difference in dw:", abs(gradients[1] - slow_dw).max())

# %% [markdown]
# ### ReLU
#
# Two linear layers in a row are one linear layer (notebook 03). What makes depth worth having is a bend in between, and
# the simplest bend is
#
# $$ \text{out} = \max(0, x), \qquad \frac{\partial\,\text{out}}{\partial x} = \begin{cases} 1 & x > 0 \\ 0 & x < 0 \end{cases} $$
#
# And at $x = 0$? There the function has a corner and no derivative at all. Somebody has to decide. **Predict** what
# PyTorch says.

# %%
import torch

x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
torch.relu(x).sum().backward()
print("slope at -1, 0, 2:", x.grad.numpy())

# %% [markdown]
# "A number is never exactly 0", you may think, and one in five public solutions of a well-known course lets the gradient
# pass there. But exact zeros are everywhere: padding makes them, dropout makes them, and behind one ReLU the next one
# finds plenty. The gradient of a unit that was off must be 0.
#
# **Exercise 3** · `relu_forward` · 3 minutes · ●○○
#
# The cache is `(x,)`: a tuple with one thing in it.


# %% exercise="relu_forward"
def relu_forward(x):
    """The larger of 0 and x, place by place.

    x: any shape. Returns out, of the same shape, and cache = (x,).
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0), (x,)
    ### END SOLUTION


# %% check="relu_forward" points=2
check(relu_forward)

# %% [markdown]
# **Exercise 4** · `relu_backward` · 5 minutes · ●○○


# %% exercise="relu_backward"
def relu_backward(dout, cache):
    """Gradient of ReLU; the slope at x = 0 is taken to be 0.

    dout: the upstream gradient, of the shape of x. cache: (x, ...) of `relu_forward`.
    Returns dx, of the same shape.
    """
    ### BEGIN SOLUTION
    return dout * (cache[0] > 0)
    ### END SOLUTION


# %% check="relu_backward" points=3
check(relu_backward)

# %% [markdown]
# ---
# ## 2 · The loss
#
# The last layer gives one number for each class, the **scores**. They may be anything: negative, huge, of any unit.
# Softmax makes probabilities of them, and the loss asks how much of the probability went to the right class:
#
# $$ p_{nj} = \frac{e^{s_{nj}}}{\sum_k e^{s_{nk}}}, \qquad L = -\frac1N \sum_n \log p_{n, y_n} $$
#
# $y_n$ is the label of example $n$, a whole number from 0. This is called the *cross-entropy*.
#
# **Predict:** what does one example cost if the right class gets all of the probability? Half? A tenth? One in a million?

# %%
for probability in (1.0, 0.5, 0.1, 1e-6):
    print(f"p = {probability:<8g} loss = {np.log(1 / probability):.3f}")

# %% [markdown]
# To be sure of the wrong thing is what costs. And now the first thing to look at whenever you start a training:
#
# **Exercise 5** · `start_loss` · 2 minutes · ●○○
#
# At the start a network knows nothing: all scores of an example are about equal. What is the loss then, with **200**
# classes? (Two decimals are enough.)

# %% exercise="start_loss"
start_loss = None  # your answer: a number
### BEGIN SOLUTION
start_loss = 5.3
### END SOLUTION

# %% check="start_loss" points=1
check(start_loss=start_loss)

# %% [markdown]
# If your first loss is far from that, something is wrong before anything has been learned. It takes ten seconds to look,
# and it finds a lot.
#
# ### Numbers that do not fit
#
# The formula is simple. The computer is not infinite, though. **Predict** what happens with scores of 1000, 1001 and 999:

# %%
huge = np.array([1000.0, 1001.0, 999.0])
with np.errstate(all="ignore"):
    print("exponentials: ", np.exp(huge))
    print("probabilities:", np.exp(huge) / np.exp(huge).sum())

# %% [markdown]
# `exp` is infinite above 709, and infinity divided by infinity is `nan`. One `nan` in the loss, and after the next step
# every weight of the network is `nan`.
#
# But nobody forces us to compute it this way. Lower all scores *of an example* by any number $m$, and the factor $e^{-m}$
# cancels:
#
# $$ \frac{e^{s_j}}{\sum_k e^{s_k}} = \frac{e^{s_j - m}}{\sum_k e^{s_k - m}} $$
#
# Which $m$ makes sure that no exponent is above 0, and that not all of them are far below?
#
# That is half of the cure. For the other half take the scores 0 and 900, and the label 0. Now $p_0 = e^{-900}$, which is
# rounded to 0, and $\log 0 = -\infty$. Yet the right loss is a harmless 900. **On paper:** the logarithm of a quotient is
# a difference. Write $\log p_j$ without ever writing $p_j$.
#
# ### Its gradient
#
# The derivative of all this is the reason why everybody uses it:
#
# $$ \frac{\partial L}{\partial s_{nj}} = \frac1N \left( p_{nj} - [\,j = y_n\,] \right) $$
#
# The bracket is 1 for the label and 0 for the others. In words: *what you said, minus what would have been right*. Here
# is one example with label 2, by PyTorch. **Predict** before you run it: which bars of the third picture are negative?
# What do they add up to?

# %%
scores = torch.tensor([[1.0, 2.5, 0.5, -1.0]], requires_grad=True)
loss = torch.nn.functional.cross_entropy(scores, torch.tensor([2]))
loss.backward()
probabilities = torch.softmax(scores, dim=1)
plots.show_scores(scores.detach()[0], probabilities.detach()[0], scores.grad[0], label=2)

# %% [markdown]
# **Exercise 6** · `softmax_cross_entropy` · 35 minutes · ●●●
#
# It has no `backward` of its own, since nothing comes after it: it returns the loss *and* the gradient. Make it stable in
# both senses from above. Do not forget that the mean over the batch is in the loss **and** in the gradient.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (4,3) (4,)`: a maximum or a sum over the classes has
#   one number per row, and must stand as a *column* `(4, 1)` beside the scores. `keepdims=True` leaves it one.
# - `IndexError: arrays used as indices must be of integer (or boolean) type`: labels are whole numbers; something has
#   made floats of them.
# - How do I get "number `labels[n]` of row `n`" for all rows at once? With two arrays of indices, one for the rows, one
#   for the columns: `a[[0, 1, 2], [4, 0, 4]]` are three numbers, `a[0, 4]`, `a[1, 0]` and `a[2, 4]`.
# - Wrong only for batches? `a[:, labels]` takes *whole columns*.
# </details>


# %% exercise="softmax_cross_entropy"
def softmax_cross_entropy(scores, labels):
    """Mean cross-entropy of softmax probabilities, and its gradient. Stable for scores of any size.

    scores: (N, C). labels: (N,) whole numbers, 0 <= label < C.
    Returns loss, a number, and dscores of shape (N, C).

    >>> loss, dscores = softmax_cross_entropy(np.zeros((1, 2)), np.array([1]))
    >>> print(round(loss, 4), dscores)
    0.6931 [[ 0.5 -0.5]]
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(labels))
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probabilities[rows, labels].mean()
    dscores = np.exp(log_probabilities)
    dscores[rows, labels] -= 1
    return loss, dscores / len(labels)
    ### END SOLUTION


# %% check="softmax_cross_entropy" points=6
check(softmax_cross_entropy)

# %% [markdown]
# Two looks at it. The gradient, against wiggling; and the first loss of a network that knows nothing, with 10 classes:

# %%
with when_done("softmax_cross_entropy"):
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=(5, 10)), rng.integers(0, 10, size=5)
    slow = numeric_gradient(lambda s: softmax_cross_entropy(s, labels)[0], scores)
    print("largest difference:", abs(softmax_cross_entropy(scores, labels)[1] - slow).max())
    loss, _ = softmax_cross_entropy(0.01 * scores, labels)
    print(f"first loss {loss:.3f}, ln 10 = {np.log(10):.3f}")

# %% [markdown]
# ---
# ## 3 · First weights
#
# Where does the learning start? "Everything at zero" is the obvious idea, or every weight the same small number. Here is
# a network with two inputs, three hidden units and two classes; all weights of a row are equal. **Predict:** what can you
# say about the gradients of the three hidden units?

# %%
with when_done("linear_forward", "linear_backward", "relu_forward", "relu_backward", "softmax_cross_entropy"):
    x, labels = np.array([[1.0, 2.0], [3.0, 0.5]]), np.array([0, 1])
    w1, w2 = np.full((3, 2), 0.1), np.array([[0.1, 0.1, 0.1], [0.3, 0.3, 0.3]])
    h, c1 = linear_forward(x, w1, np.zeros(3))
    h, c2 = relu_forward(h)
    scores, c3 = linear_forward(h, w2, np.zeros(2))
    dh, dw2, _ = linear_backward(softmax_cross_entropy(scores, labels)[1], c3)
    _, dw1, _ = linear_backward(relu_backward(dh, c2), c1)
    print("dw1, one row for each hidden unit:", dw1.round(4), sep="\n")
    print("dw2, one column for each hidden unit:", dw2.round(4), sep="\n")

# %% [markdown]
# Three equal units take three equal steps. They stay copies of each other for ever, and the network is no better than one
# with a single hidden unit. (With all weights at exactly zero it is worse: then nothing ever moves but the last biases.)
# The weights must **differ** from the start, so they are drawn at random. Biases may be 0: the weights have broken the
# tie.
#
# ### How large?
#
# We send 100 examples through 16 layers of 200 units, linear and ReLU, and look at what comes out of layers 1, 4, 8 and
# 16. **Predict:** weights with a standard deviation of 0.01 look harmless. What is left after 16 layers? And with 0.2?


# %%
def through(make, depth=16, width=200):
    """What comes out of each of `depth` layers, linear and ReLU, with weights from make(shape, rng)."""
    rng = np.random.default_rng(0)
    x, layers = rng.standard_normal((100, width)), []
    for _ in range(depth):
        out, _ = linear_forward(x, make((width, width), rng), np.zeros(width))
        x, _ = relu_forward(out)
        layers.append(x)
    return layers


# %%
def normal(std):
    return lambda shape, rng: std * rng.standard_normal(shape)


with when_done("linear_forward", "relu_forward"):
    plots.show_activations({f"std {std}": through(normal(std)) for std in (0.01, 0.2)})

# %% [markdown]
# With 0.01 the signal is gone after a few layers; with 0.2 it explodes. Backwards the same happens to the gradients: what
# reaches the first layers is nothing, or nonsense. Between the two there must be a size that keeps the signal as it is,
# and it can be computed.
#
# An output adds up $n$ products, where $n$ is the number of inputs of one output, its **fan in**. If the weights are
# independent, with mean 0, then
#
# $$ E[\text{out}^2] = n \cdot \operatorname{Var}(w) \cdot E[x^2] $$
#
# Then comes ReLU. The outputs are as often below 0 as above, so it removes **half** of the mean square. Per layer the
# mean square changes by the factor $\frac12\, n \operatorname{Var}(w)$.
#
# **Exercise 7** · `shrink` · 4 minutes · ●●○
#
# Somebody draws the weights with $\operatorname{Var}(w) = 1/n$ in every layer. By which factor has the **mean square** of
# the signal changed after **12** layers of linear and ReLU?

# %% exercise="shrink"
shrink = None  # your answer: a number, such as 3 / 4
### BEGIN SOLUTION
shrink = 1 / 2**12
### END SOLUTION

# %% check="shrink" points=1
check(shrink=shrink)

# %% [markdown]
# Two answers to "how large", both named after the first authors who worked it out:
#
# | | wants | weights |
# |---|---|---|
# | **Xavier** (Glorot and Bengio 2010), for layers without ReLU | signals keep their size forwards ($n_\text{in} \operatorname{Var} = 1$) *and* gradients backwards ($n_\text{out} \operatorname{Var} = 1$); the compromise is $\operatorname{Var}(w) = \frac{2}{n_\text{in} + n_\text{out}}$ | **uniform** between $-a$ and $a$ with $a = \sqrt{\dfrac{6}{n_\text{in} + n_\text{out}}}$ |
# | **Kaiming** (He and others 2015), for layers before a ReLU | $\frac12 n_\text{in} \operatorname{Var}(w) = 1$ | **normal** with standard deviation $\sqrt{\dfrac{2}{n_\text{in}}}$ |
#
# (Where does the 6 come from? A uniform number between $-a$ and $a$ has the variance $a^2/3$.)
#
# The two fans of a weight:
#
# - **Linear**, `(outputs, inputs)`: an output adds up `inputs` numbers; an input takes part in `outputs` sums.
# - **Convolution**, `(D, C, kh, kw)`: an output adds up as many numbers as there are in one filter. And an input? With
#   stride 1 it is met once by every number of its channel's slice, in every one of the $D$ filters.
#
# **Exercise 8** · `fans` · 4 minutes · ●●○
#
# A convolution has weights of shape `(64, 32, 3, 3)`. What are its two fans? Answer as `(fan_in, fan_out)`.

# %% exercise="fans"
fans = None  # your answer: (.., ..)
### BEGIN SOLUTION
fans = (32 * 3 * 3, 64 * 3 * 3)
### END SOLUTION

# %% check="fans" points=1
check(fans=fans)

# %% [markdown]
# ### About random numbers
#
# Functions that draw random numbers are handed a **generator** here, `rng`. You met it above:
#
# | | |
# |---|---|
# | `rng = np.random.default_rng(7)` | made once, by whoever runs the experiment; equal seeds give equal numbers |
# | `rng.random(shape)` | uniform, from 0 up to 1 |
# | `rng.uniform(low, high, shape)` | uniform, from low up to high |
# | `rng.standard_normal(shape)` | normal, mean 0, standard deviation 1 |
#
# Use it, and make none of your own. `np.random.rand` and its kin draw from one hidden generator that the whole program
# shares, and then nobody can repeat an experiment. A random result cannot be compared with a right one; `check` looks at
# what must be true of it: the bounds, the spread, the shape of the distribution, and where the numbers come from.
#
# **Exercise 9** · `xavier_init` · 10 minutes · ●●○
#
# Linear and convolution weights alike: the first number of a shape is always $D$, the second $C$, and what follows, if
# anything, is the kernel.


# %% exercise="xavier_init"
def xavier_init(shape, *, rng):
    """Weights uniform between -a and a, with a from the fan in and the fan out.

    shape: a tuple, (outputs, inputs) or (D, C, kh, kw). rng: the generator to draw from.
    Returns an array of this shape.
    """
    ### BEGIN SOLUTION
    area = np.prod(shape[2:])
    bound = np.sqrt(6 / ((shape[0] + shape[1]) * area))
    return rng.uniform(-bound, bound, shape)
    ### END SOLUTION


# %% check="xavier_init" points=4
check(xavier_init)

# %% [markdown]
# **Exercise 10** · `kaiming_init` · 5 minutes · ●○○


# %% exercise="kaiming_init"
def kaiming_init(shape, *, rng):
    """Normal weights with mean 0 and a standard deviation from the fan in, for layers before a ReLU.

    shape: a tuple, (outputs, inputs) or (D, C, kh, kw). rng: the generator to draw from.
    Returns an array of this shape.
    """
    ### BEGIN SOLUTION
    fan_in = np.prod(shape[1:])
    return np.sqrt(2 / fan_in) * rng.standard_normal(shape)
    ### END SOLUTION


# %% check="kaiming_init" points=4
check(kaiming_init)

# %% [markdown]
# Now the same 16 layers with yours. **Predict:** which of the two keeps its size, and by which factor does the other one
# shrink per layer? (With 200 inputs and 200 outputs Xavier's variance is $1/200$.)

# %%
with when_done("linear_forward", "relu_forward", "xavier_init", "kaiming_init"):
    xavier = through(lambda shape, rng: xavier_init(shape, rng=rng))
    kaiming = through(lambda shape, rng: kaiming_init(shape, rng=rng))
    plots.show_activations({"Xavier": xavier, "Kaiming": kaiming})
    for name, layers in (("Xavier", xavier), ("Kaiming", kaiming)):
        first, last = ((layers[index] ** 2).mean() for index in (0, 15))
        print(f"{name:8s} mean square, layer 16 / layer 1: {last / first:.2g}")

# %% [markdown]
# Xavier was made for layers without ReLU; with it the mean square halves every time. ($2^{-15}$ is $3 \cdot 10^{-5}$.)
# Batch norm forgives a bad start, because it sets the size anew in every layer (notebook 06). Where there is none, first
# weights decide whether a deep network learns at all.
#
# What does PyTorch do by itself? `nn.Linear` and `nn.Conv2d` draw uniformly between $\pm 1/\sqrt{n_\text{in}}$, a
# variance of $\frac{1}{3 n_\text{in}}$: a *sixth* of Kaiming's, for reasons of history. For a deep network without
# normalisation call `nn.init.kaiming_normal_`.
#
# ---
# ## 4 · Preprocessing
#
# The rule about sizes holds for the first layer, too. Its inputs are the data, and data come in all units. Here are 60
# apples: their diameter in metres, their weight in grams. **Predict** how much the diameter can say against the weight in
# $w_1 \cdot \text{diameter} + w_2 \cdot \text{weight}$, with weights of about the same size.

# %%
rng = np.random.default_rng(3)
diameter = 0.07 + 0.006 * rng.standard_normal(60)
weight = 2400 * diameter + 12 * rng.standard_normal(60)
apples = np.stack([diameter, weight], axis=1)
sour = (diameter / 0.006 - weight / 16 + 0.7 * rng.standard_normal(60) > 0.9).astype(int)
for name, values in (("diameter", diameter), ("weight", weight)):
    print(f"{name}: mean {values.mean():.3g}, standard deviation {values.std():.2g}")

# %% [markdown]
# So shift and scale: every feature gets mean 0 and standard deviation 1. For pictures one takes a mean and a standard
# deviation for each **channel**, over all pictures and all pixels. In a formula, with the mean of the squares as variance
# (divided by the number of values, as in `np.var`):
#
# $$ \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} $$
#
# Two things to know about it.
#
# **Whose $\mu$ and $\sigma$?** Those of the *training set*, for all data, for ever. They are part of the model, like the
# weights. Whoever takes the test set's own mean gives the same picture another meaning, depending on which pictures are
# tested with it. And whoever computes them over all data has let the test set take part in the training.
#
# **Why $\varepsilon$?** The upper left pixel of a handwritten digit is black in every picture: $\sigma = 0$. Without
# $\varepsilon$ that is $0/0$.
#
# **Exercise 11** · `standardize` · 20 minutes · ●●○
#
# For `(N, D)` the features are axis 1, for `(N, C, H, W)` the channels are axis 1, too: average over all other axes.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (8,3,4,4) (3,)`: `keepdims=True` leaves the averaged
#   axes there with length 1, and then everything lines up by itself.
# - *"contains NaN"* with a large mean: $E[x^2] - E[x]^2$ is a small difference of huge numbers. Subtract the mean first.
# </details>


# %% exercise="standardize"
def standardize(train, other, *, eps=1e-5):
    """Shift and scale every feature or channel (axis 1) by the mean and the variance it has in `train`.

    train, other: (N, D) or (N, C, H, W); they may differ in N. eps: added to the variance, under the root.
    Returns both, standardised.
    """
    ### BEGIN SOLUTION
    axes = tuple(axis for axis in range(train.ndim) if axis != 1)
    mean = train.mean(axis=axes, keepdims=True)
    std = np.sqrt(train.var(axis=axes, keepdims=True) + eps)
    return (train - mean) / std, (other - mean) / std
    ### END SOLUTION


# %% check="standardize" points=5
check(standardize)

# %% [markdown]
# The apples, before and after. (The variance of a diameter in metres is only 0.00004, about as small as
# $\varepsilon = 10^{-5}$ itself. So here we hand in a smaller one.)

# %%
with when_done("standardize"):
    ready, _ = standardize(apples, apples, eps=1e-12)
    plots.show_clouds({"as measured": apples, "standardised": ready}, sour, axes=("diameter", "weight"))

# %% [markdown]
# Does it matter for learning? One linear layer, 200 steps, two learning rates each. **Predict** which of the two needs
# more patience, and why a larger learning rate does not help it.


# %%
def losses_of(x, labels, lr, steps=200):
    """The loss before each step of gradient descent with one linear layer that starts at 0."""
    w, b, losses = np.zeros((2, x.shape[1])), np.zeros(2), []
    for _ in range(steps):
        scores, cache = linear_forward(x, w, b)
        loss, dscores = softmax_cross_entropy(scores, labels)
        _, dw, db = linear_backward(dscores, cache)
        w, b = w - lr * dw, b - lr * db
        losses.append(loss)
    return losses


# %%
with when_done("standardize", "linear_forward", "linear_backward", "softmax_cross_entropy"):
    ready, _ = standardize(apples, apples, eps=1e-12)
    curves = {f"standardised, lr {lr}": losses_of(ready, sour, lr) for lr in (0.1, 1.0)}
    curves |= {f"as measured, lr {lr}": losses_of(apples, sour, lr) for lr in (0.0001, 0.001)}
    plots.show_losses(curves)

# %% [markdown]
# As measured, the weight in grams is all the network ever hears. A learning rate that suits it, 0.0001, is far too small
# for the diameter, and with ten times as much the loss jumps about. After standardising one learning rate suits both.
#
# ---
# ## 5 · Dropout
#
# > "During training, randomly set some neurons to zero in the forward pass"
#
# says A. Jain's lecture, after Srivastava and others (2014), and then: *Waaaait a second... How could this possibly be a
# good idea?*
#
# Here is the network of that lecture: 5 inputs, three hidden layers of 5 units, one output. In each picture every hidden
# unit was dropped with $p = 0.5$.

# %%
rng = np.random.default_rng(5)
masks = [[rng.integers(2, size=5) == 1 for _ in range(3)] for _ in range(3)]
plots.show_thinned((5, 5, 5, 5, 1), masks)

# %% [markdown]
# Two ways to see why this helps.
#
# - **No unit can rely on another one.** A unit that recognises cats only together with its neighbour is useless in half
#   of all steps. So each learns something that is of use by itself, and what is known is known in several places.
# - **It is a crowd of networks.** Each mask is another, thinner network. It is trained on one batch, perhaps, and then
#   never seen again. But all of them share their weights. In the end one asks them all, and a crowd errs less than most
#   of its members.
#
# **Exercise 12** · `thinned` · 3 minutes · ●○○
#
# How large is the crowd? A network has two hidden layers, of **8** and **4** units, with dropout on both. How many
# different masks are there, all units on and all units off included?

# %% exercise="thinned"
thinned = None  # your answer: a number
### BEGIN SOLUTION
thinned = 2 ** (8 + 4)
### END SOLUTION

# %% check="thinned" points=1
check(thinned=thinned)

# %% [markdown]
# (The network in the picture has 32,768.) Asking all of them for every picture would be fair, and hopelessly slow. So at
# test time **all units are on**, which is more than any network of the crowd ever had: the next layer would suddenly get
# twice as much as it is used to. Hence the rule of the lecture:
#
# > output at test time = expected output at training time
#
# **On paper:** a number $x$ is dropped with probability $p$. What is left of it on average? By what must it be multiplied
# at test time?
#
# **Exercise 13** · `naive_dropout_forward` · 15 minutes · ●●○
#
# First the version of the paper: in training numbers are set to 0, nothing else; at test time everything is scaled.
#
# Every number of `x` has its own fate, whatever its row or column; draw from `rng`, anew in every call. The **cache is
# `(keep, p)`**, where `keep` is an array of booleans of the shape of `x`: True where a number was kept. At test time
# nothing is dropped. So then the cache says just that: `keep` is True everywhere, and `p` is 0.


# %% exercise="naive_dropout_forward"
def naive_dropout_forward(x, *, p, training, rng):
    """Dropout that scales at test time.

    x: any shape. p: probability to drop a number, 0 <= p < 1. training: True or False. rng: a generator.
    In training: each number becomes 0 with probability p, else it stays. At test time: all are scaled.
    Returns out, of the shape of x, and cache = (keep, p) as described above.
    """
    ### BEGIN SOLUTION
    if not training:
        return x * (1 - p), (np.ones(x.shape, dtype=bool), 0.0)
    keep = rng.random(x.shape) >= p
    return x * keep, (keep, p)
    ### END SOLUTION


# %% check="naive_dropout_forward" points=5
check(naive_dropout_forward)

# %% [markdown]
# ### Inverted dropout
#
# It is a nuisance that the *test* has to know about the training. "More common", says the lecture, is to do the scaling
# in training already: the survivors are made larger right away, so that the average stays. Then at test time a layer with
# dropout does nothing at all. This is what PyTorch does.
#
# ### Spot the slip: keeps with 1 - p, divides by p
#
# The lecture's code, for one layer:
#
#     U1 = torch.rand(H1:size(1)):gt(p):double()
#     H1 = H1:cmul(U1) / p
#
# `gt(p)` means "greater than p". Its version without inversion scales at test time, by `* p`. With the lecture's
# $p = 0.5$ all is well. The cell below does the same with $p = 0.2$, for a layer whose activations are 1 on average.

# %%
rng = np.random.default_rng(0)
p, H1 = 0.2, 0.5 + rng.random(100_000)
U1 = rng.random(H1.shape) > p
print(f"on average: before {H1.mean():.3f}, after {(H1 * U1 / p).mean():.3f}")

# %% [markdown]
# **Exercise 14** · `slip_average` · 4 minutes · ●●○
#
# Take $p = 0.25$ and a layer whose activations are 6 on average. What does the lecture's line make of it, on average?

# %% exercise="slip_average"
slip_average = None  # your answer: a number
### BEGIN SOLUTION
slip_average = 6 * 0.75 / 0.25
### END SOLUTION

# %% check="slip_average" points=1
check(slip_average=slip_average)

# %% [markdown]
# The mask keeps with probability $1-p$ and the scaling believes that it keeps with probability $p$. Both conventions
# exist in books; only a mixture is wrong, and $p = 0.5$ hides it. (That is a lesson about tests: an example in which two
# things happen to be equal cannot tell them apart.)
#
# **Exercise 15** · `dropout_forward` · 15 minutes · ●●○
#
# Inverted, with `p` the probability to drop. The cache is the same as before.
#
# <details><summary>Help, it says ...</summary>
#
# - *"two generators in the same state gave different numbers"*: you draw from `np.random`. Draw from the argument `rng`.
# - *"the numbers of one column are dropped or kept together"*: your mask has the shape of one example, and NumPy repeats
#   it for all of them.
# - `ValueError: too many values to unpack`: `N, D = x.shape` works for two axes only; a feature map has four. You need
#   not take the shape apart.
# </details>


# %% exercise="dropout_forward"
def dropout_forward(x, *, p, training, rng):
    """Inverted dropout: scales in training, does nothing at test time.

    x: any shape. p: probability to drop a number, 0 <= p < 1. training: True or False. rng: a generator.
    In training: each number becomes 0 with probability p; the others are scaled so that the average stays.
    Returns out, of the shape of x, and cache = (keep, p); at test time keep is all True and p is 0.
    """
    ### BEGIN SOLUTION
    if not training:
        return x, (np.ones(x.shape, dtype=bool), 0.0)
    keep = rng.random(x.shape) >= p
    return x * keep / (1 - p), (keep, p)
    ### END SOLUTION


# %% check="dropout_forward" points=7
check(dropout_forward)

# %% [markdown]
# The lecture sends five numbers through `nn.Dropout(.5)`, several times. **Predict:** which numbers can come out at the
# first place, below .6549?

# %%
numbers = np.array([0.6549, 0.2767, 0.2258, 0.5753, 0.6580])
drop = torch.nn.Dropout(0.5)
torch.manual_seed(0)
with when_done("dropout_forward"):
    rng = np.random.default_rng(9)
    print("input    ", numbers)
    for _ in range(3):
        print("yours    ", dropout_forward(numbers, p=0.5, training=True, rng=rng)[0].round(4))
    print("PyTorch's", drop(torch.from_numpy(numbers)).numpy().round(4))
    print("test time", dropout_forward(numbers, p=0.5, training=False, rng=rng)[0])

# %% [markdown]
# And on average? Here are eight numbers, four calls with $p = 0.5$, and the average of 3,000 calls. **Predict** the last
# row.

# %%
with when_done("dropout_forward"):
    rng = np.random.default_rng(11)
    row = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    plots.show_masks(row, [dropout_forward(row, p=0.5, training=True, rng=rng)[0] for _ in range(3000)])

# %% [markdown]
# ### Spot the slip: whose gradient is this?
#
# The lecture goes on (in Torch7, a forerunner of PyTorch). One slide shows, from top to bottom:
#
#     > =drop:forward(n)                          1.3097  0.5534  0.4515  0.0000  0.0000
#     > =drop:backward(n, torch.ones(5))
#     > =drop.gradInput                           0       0       2       0       0
#
# Can these two lines belong together? Here is the same in PyTorch, two forward passes, each with the gradient of its own
# output.

# %%
torch.manual_seed(4)
x = torch.from_numpy(numbers).requires_grad_()
for name in ("first ", "second"):
    out = drop(x)
    (dx,) = torch.autograd.grad(out, x, torch.ones(5))
    print(f"{name} forward {out.detach().numpy().round(4)}  its gradient {dx.numpy()}")

# %% [markdown]
# **Exercise 16** · `own_gradient` · 4 minutes · ●●○
#
# With $p = 0.6$, a forward pass made `(2.0, 0, 0, 2.25, 0.25)` of `(0.8, 0.3, 0.5, 0.9, 0.1)`. What is the gradient for
# the input, when the upstream gradient is 1 everywhere?

# %% exercise="own_gradient"
own_gradient = None  # your answer: (.., .., .., .., ..)
### BEGIN SOLUTION
own_gradient = (2.5, 0, 0, 2.5, 2.5)
### END SOLUTION

# %% check="own_gradient" points=1
check(own_gradient=own_gradient)

# %% [markdown]
# On the slide three numbers were kept, and only one of them has a gradient. It belongs to *another* forward pass, which
# made (0, 0, .4515, 0, 0) and stands further down: a Torch7 layer remembers the mask of its **latest** forward pass, and
# the cells had been run in another order. With a cache that you hand over yourself this cannot happen.
#
# **Exercise 17** · `dropout_backward` · 8 minutes · ●○○


# %% exercise="dropout_backward"
def dropout_backward(dout, cache):
    """Gradient of `dropout_forward`.

    dout: the upstream gradient, of the shape of x. cache: (keep, p, ...) of `dropout_forward`.
    Returns dx, of the same shape.
    """
    ### BEGIN SOLUTION
    keep, p = cache[:2]
    return dout * keep / (1 - p)
    ### END SOLUTION


# %% check="dropout_backward" points=4
check(dropout_backward)

# %% [markdown]
# Can one wiggle the numbers of something random? Yes, if it is random in the same way each time. **Why** is the generator
# made anew *inside* the function that is wiggled?

# %%
with when_done("dropout_forward", "dropout_backward"):
    x, dout = np.random.default_rng(0).normal(size=(2, 3, 4))

    def total(x):
        return (dropout_forward(x, p=0.3, training=True, rng=np.random.default_rng(8))[0] * dout).sum()

    _, cache = dropout_forward(x, p=0.3, training=True, rng=np.random.default_rng(8))
    print("largest difference:", abs(dropout_backward(dout, cache) - numeric_gradient(total, x)).max())

# %% [markdown]
# ### Spot the slip: H2 = H3:cmul(U3)
#
# Here is the third hidden layer of the lecture's `forward_train`, and what follows it:
#
#     H3 = L3:forward(H2)
#     U3 = torch.rand(H3:size(1)):gt(p):double()
#     H2 = H3:cmul(U3) / p
#     out = L4:forward(H3)
#
# Translated word by word to NumPy, with a last layer that just adds up:

# %%
H3, U3, p = np.array([3.0, 1.0, 2.0]), np.array([1, 0, 1]), 0.5
H2 = H3 * U3 / p
print("goes on to the last layer:", H3, " sum:", H3.sum())
print("was meant to:             ", H2, " sum:", H2.sum())

# %% [markdown]
# The dropped layer goes into a variable that nobody reads. (Torch7's `:cmul` changes `H3` itself, so there the mask does
# arrive, by luck. The division makes a new tensor, which goes to `H2` and is lost.) Nothing crashes and the network
# learns; it just has no dropout where its author thinks it has.
#
# **Exercise 18** · `slip_out` · 5 minutes · ●●○
#
# $H_3 = (4, 2, 6, 1)$, of which the second is dropped with $p = 0.2$; the last layer has the weights $(1, 1, 0.5, 2)$ and
# no bias. What should `out` have been, with inverted dropout done right?

# %% exercise="slip_out"
slip_out = None  # your answer: a number
### BEGIN SOLUTION
slip_out = (4 * 1 + 6 * 0.5 + 1 * 2) / 0.8
### END SOLUTION

# %% check="slip_out" points=1
check(slip_out=slip_out)

# %% [markdown]
# ### The crowd and its average
#
# Is one pass with all units on as good as asking the whole crowd? A hidden layer of 8 units, dropout, and one output: we
# ask 2,000 networks of the crowd for their opinion about one and the same input, and compare.

# %%
with when_done("linear_forward", "relu_forward", "dropout_forward", "kaiming_init"):
    rng = np.random.default_rng(2)
    hidden, _ = relu_forward(rng.standard_normal((1, 8)) + 0.5)
    w = kaiming_init((1, 8), rng=rng)

    def opinion(training):
        out, _ = dropout_forward(hidden, p=0.5, training=training, rng=rng)
        return linear_forward(out, w, np.zeros(1))[0].item()

    plots.show_average([opinion(True) for _ in range(2000)], opinion(False))

# %% [markdown]
# The opinions differ widely, and their average settles on the one answer with all units on. For a layer that is followed
# by a linear one this is exact. With a ReLU in between it is an approximation, and a good one in practice.
#
# **The bug to remember.** A network with dropout in training mode gives another answer every time. If your test accuracy
# wobbles from run to run, somebody forgot to say `training=False` (in PyTorch: `model.eval()`).
#
# ---
# ## 6 · All of it together
#
# Three spirals, 60 points each to train on, and as in life some of the labels are wrong: a fifth of them was rolled with
# a die that has three faces. There are 200 more points each to validate on, with right labels. Can a network of your
# functions tell the spirals apart, and does it fall for the wrong labels?


# %%
def spirals(count, rng, wrong=0.0):
    """Points of three spirals, `count` of each: (3 * count, 2) coordinates and (3 * count,) labels.

    wrong: share of the labels that are drawn at random.
    """
    turn = np.tile(np.linspace(0.2, 1, count), 3)
    labels = np.repeat(np.arange(3), count)
    angle = 4 * turn + 2 * np.pi * labels / 3 + 0.35 * rng.standard_normal(3 * count)
    points = np.stack([20 * turn * np.cos(angle), turn * np.sin(angle)], axis=1)
    rolled = rng.random(3 * count) < wrong
    return points, np.where(rolled, rng.integers(0, 3, size=3 * count), labels)


train_x, train_y = spirals(60, np.random.default_rng(0), wrong=0.2)
valid_x, valid_y = spirals(200, np.random.default_rng(1))
with when_done("standardize"):
    train_x, valid_x = standardize(train_x, valid_x)
    plots.show_clouds({"training": train_x, "validation": valid_x}, [train_y, valid_y], axes=("x", "y"))

# %% [markdown]
# The network: linear, ReLU, dropout, linear. `forward` goes through it, `backward` goes back and finds the gradients of
# all four parameters.


# %%
def forward(x, parameters, **dropout):
    w1, b1, w2, b2 = parameters
    h, c1 = linear_forward(x, w1, b1)
    h, c2 = relu_forward(h)
    h, c3 = dropout_forward(h, **dropout)
    scores, c4 = linear_forward(h, w2, b2)
    return scores, (c1, c2, c3, c4)


def backward(dscores, caches):
    c1, c2, c3, c4 = caches
    dh, dw2, db2 = linear_backward(dscores, c4)
    _, dw1, db1 = linear_backward(relu_backward(dropout_backward(dh, c3), c2), c1)
    return dw1, db1, dw2, db2


# %%
def train(lr, p=0.0, steps=400, hidden=200):
    """Gradient descent; returns the loss of every step, and the accuracy on both sets."""
    rng = np.random.default_rng(0)
    first, last = kaiming_init((hidden, 2), rng=rng), kaiming_init((3, hidden), rng=rng)
    parameters, losses = [first, np.zeros(hidden), last, np.zeros(3)], []
    for _ in range(steps):
        scores, caches = forward(train_x, parameters, p=p, training=True, rng=rng)
        loss, dscores = softmax_cross_entropy(scores, train_y)
        steps_down = backward(dscores, caches)
        parameters = [value - lr * step for value, step in zip(parameters, steps_down, strict=True)]
        losses.append(loss)
    test = [forward(x, parameters, p=p, training=False, rng=rng)[0] for x in (train_x, valid_x)]
    return losses, [(s.argmax(axis=1) == y).mean() for s, y in zip(test, (train_y, valid_y), strict=True)]


# %% [markdown]
# ### The one number that matters most
#
# The learning rate. Nobody can compute it beforehand, so one tries. **Predict:** what does a loss curve look like when it
# is far too small? Far too large? Which of 0.001, 0.01, 0.1, 1 and 10 would you bet on?

# %%
LAYERS = ("linear_forward", "linear_backward", "relu_forward", "relu_backward", "dropout_forward")
LAYERS += ("dropout_backward", "softmax_cross_entropy", "kaiming_init", "standardize")

with when_done(*LAYERS):
    runs = {lr: train(lr) for lr in (0.001, 0.01, 0.1, 1.0, 10.0)}
    plots.show_losses({f"lr {lr:g}": losses for lr, (losses, _) in runs.items()}, level=("ln 3", np.log(3)))
    for lr, (_, (on_train, on_valid)) in runs.items():
        print(f"lr {lr:<6g} training {on_train:.0%}  validation {on_valid:.0%}")

# %% [markdown]
# Far too small, and the loss hardly moves; far too large, and it jumps about above ln 3, where guessing would be better.
# Compare 0.1 and 1, too: 1 reaches the lower loss in training, and 0.1 is better on points that it has not seen. Some of
# the labels are wrong, after all, and it does no good to learn those.
#
# How to choose hyperparameters, in six rules:
#
# 1. **Choose on validation data**, never on the test set. The test set is for one look, at the very end.
# 2. **Step by factors**, not by differences: 0.001, 0.01, 0.1 are neighbours; 0.1, 0.2, 0.3 are nearly the same.
# 3. **Coarse, then fine.** Short runs over a wide range; then longer ones around the best. If the best lies at the end of
#    your range, the range was too narrow.
# 4. **The learning rate first.** The largest with which the loss still falls smoothly is usually close to the best.
# 5. **With several hyperparameters draw at random** instead of trying a grid (Bergstra and Bengio 2012). Nine runs on a 3
#    × 3 grid see only three learning rates; nine random ones see nine.
# 6. **Compare fairly**: one thing changes at a time, several seeds before you believe a difference of one per cent.
#
# ### And dropout?
#
# **Predict:** with more dropout, what happens to the accuracy on the training set, and what on the validation set? (Some
# ten seconds.)

# %%
with when_done(*LAYERS):
    for p in (0.0, 0.2, 0.5, 0.8):
        losses, (on_train, on_valid) = train(1.0, p=p, steps=1500)
        print(f"p = {p}: last loss {losses[-1]:.3f}  training {on_train:.1%}  validation {on_valid:.1%}")

# %% [markdown]
# Without dropout the network bends itself around single wrong labels, and pays for it on new points. A crowd of thinned
# networks cannot agree on such bends. The accuracy on the training set hardly tells the four apart: about 13 % of its
# labels are wrong, so 87 % is as good as it should get. And with much dropout the loss in training gets *worse*, as it
# should, since the task has become harder. What counts is the last column.
#
# ---
# ## 7 · Two diagnoses
#
# Both answers are read by a person; five to ten lines each.
#
# **Exercise 19** · written · 20 minutes · 3 points · ●●●
#
# A friend trains a plain network of 30 linear layers with 256 units each, a ReLU behind every one, no normalisation, 10
# classes. The weights are normal with standard deviation 0.05. The loss is 2.303 and stays there, at any learning rate
# that was tried.
#
# 1. By which factor does the mean square of the signal change per layer, and in all 30?
# 2. Explain from this why the loss is 2.303, and why it does not move.
# 3. Propose a repair, with a number, and say why a larger learning rate is none.

# %% [markdown] written="thirty_layers" points=3
# ### BEGIN SOLUTION
# (1) Per layer $\frac12 \cdot 256 \cdot 0.05^2 = 0.32$; in 30 layers $0.32^{30} \approx 1.4 \cdot 10^{-15}$, so numbers
# of the size 1 have become some $4 \cdot 10^{-8}$. (2) All scores are practically 0, all classes equally likely, and the
# loss is ln 10 = 2.303. Backwards the same factor acts: on its way to the first layers the gradient shrinks by about
# $\sqrt{0.32}$ per layer, and the gradient of a weight is the product of what comes from above with a signal from below
# that is tiny itself in the late layers. So no weight moves noticeably; only the last biases learn, and those can learn
# no more than the frequencies of the classes. (3) Kaiming: standard deviation $\sqrt{2/256} \approx 0.088$, so that the
# factor is 1 (or batch norm after every layer, or residual connections). The learning rate multiplies all gradients
# alike; a rate that is right for the gradients of one layer is wrong by orders of magnitude for the others, and once it
# moves the weights at all, it makes them explode.
#
# Rubric, one point each:
# - 0.32 per layer (or 0.57 for the size) and the power of 30; half a point if the ½ of the ReLU is missing but the
#   reasoning is right;
# - scores near 0, so equal probabilities and ln 10; gradients vanish by the same factors. Half a point for one of the
#   two;
# - Kaiming's standard deviation with its number, or normalisation, *and* a reason why the learning rate does not help.
# ### END SOLUTION

# %% [markdown]
# **Exercise 20** · written · 20 minutes · 3 points · ●●●
#
# Another friend trains a small network with dropout, $p = 0.5$, and writes: "In every epoch the loss on the validation
# set (0.7) is **lower** than the one on the training set (0.9), so I must have mixed up the two sets."
#
# 1. Give the reason that is more likely than a mix-up.
# 2. Propose a measurement, of a minute or so, that decides whether this is the reason. What do you expect to see if it
#    is, and what if it is not?
# 3. Name another cause, one that would be a mistake, which shows the same picture, and say how your measurement would
#    tell.

# %% [markdown] written="lower_on_validation" points=3
# ### BEGIN SOLUTION
# (1) The training loss is measured while half of the units are dropped, and (as a mean over the epoch) partly with older
# weights; the validation loss is measured with all units on. The thinned networks are worse than their average. (2) After
# an epoch, compute the loss on the *training set* in test mode, with the same weights. If dropout is the reason it falls
# clearly below 0.9, usually below the validation loss, too. If it stays at 0.9, dropout is not the reason. (3) Examples:
# validation examples that are also in the training set, or are easier (other classes, no augmentation); standardising
# with the wrong statistics in training; the loss of the training set summed over something it should be averaged over.
# Then the training loss in test mode stays above the validation loss, and one has to look for the difference between the
# sets or between the two computations.
#
# Rubric, one point each:
# - dropout is on in one measurement and off in the other (the epoch's running mean as the only reason: half a point);
# - the loss on the training set in test mode, with what is expected in *both* cases;
# - a plausible other cause, and what the measurement would show then. No point for "a bug in the code" alone.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | | forward | backward, or what to remember |
# |---|---|---|
# | linear | $x w^T + b$ | every sum runs over where the number was used |
# | ReLU | $\max(0, x)$ | passes where $x > 0$, and nowhere else |
# | softmax and cross-entropy | $-\log p_y$, averaged | $(p - [\text{label}]) / N$; the first loss is $\ln C$ |
# | first weights | keep the mean square | Xavier both fans, uniform; Kaiming fan in, normal, for ReLU |
# | standardising | $(x - \mu)/\sqrt{\sigma^2 + \varepsilon}$ | the training set's statistics, for everybody |
# | dropout | 0, or $x/(1-p)$; $x$ at test time | the same mask, the same factor |
#
# In notebook 08 you put everything together that you have written so far: a LeNet in NumPy, trained on real pictures.
