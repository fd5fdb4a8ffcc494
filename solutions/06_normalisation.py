"""Notebook 06: batch norm forward and backward, running statistics, folding, layer, instance and group norm.

Source of the formulas and claims: UCLA CS163 lecture 7. All numbers were recomputed.
"""
# %% [markdown]
# # 06 · Normalisation
#
# A deep network is a pile of layers, and each of them learns from what the layer below puts out. But the layer below
# learns as well: today its numbers lie around 0, tomorrow around 50. So the layer above must learn its own job and, on top of
# it, where its inputs have gone.
#
# A **normalisation layer** puts an end to this: whatever comes in, it goes out with mean 0 and spread 1, and then with whatever
# mean and spread are best, which are learned. It is four lines of code. It made networks trainable that were not trainable
# before. And it is, in the words of a slide of UCLA's CS163, "a very common source of bugs".
#
# You will write
#
# 1. **batch norm**, with its two modes and its memory;
# 2. its **backward pass**, twice: step by step through a graph, and as one formula;
# 3. batch norm **for pictures**, and the trick by which it costs nothing at all when the network is used;
# 4. its relatives: **layer norm**, **instance norm**, **group norm**.
#
# **How to work.** First *predict*, on paper, then run the cell, then read on. Nothing here needs a GPU. Plan seven hours in
# four sittings: sections 1 to 3, then 4, then 5 and 6, then 7 and 8; 66 points in all. Difficulty: ●○○ a few lines · ●●○ think first ·
# ●●● take a walk in between.
#
# **Notation** as in all notebooks: a picture batch is `(N, C, H, W)`: images, channels, height, width. The output of a fully
# connected layer is `(N, D)`: one row for each image, one column for each **feature**. A layer is a pair of functions:
# `forward(...)` returns `out` and a `cache`, `backward(dout, cache)` returns the gradients in the order of the forward's inputs.

# %% tags=["needed"]
import numpy as np
from cs_utils import check, plots, when_done

# %% [markdown]
# ---
# ## 1 · Mean 0, spread 1
#
# Here is a batch of 40 rows with three features, as some layer might put it out. **Look** at the scales.

# %%
rng = np.random.default_rng(0)
batch = rng.normal(size=(40, 3)) * [1.0, 4.0, 0.3] + [5.0, -3.0, 1.0]
plots.show_features({"a batch of 40 rows": batch})

# %% [markdown]
# Two features are never negative; one is thirteen times as wide as another. With one learning rate for all the weights of the
# next layer this is a nuisance: a step that is right for the wide feature is far too small for the narrow one.
#
# Batch norm treats every feature $j$ by itself. It takes the mean and the variance over the **rows of the batch**, subtracts, and
# divides:
#
# $$ \mu_j = \frac{1}{N} \sum_{i=1}^N x_{ij} \qquad \sigma_j^2 = \frac{1}{N} \sum_{i=1}^N (x_{ij} - \mu_j)^2 \qquad
# \hat{x}_{ij} = \frac{x_{ij} - \mu_j}{\sqrt{\sigma_j^2 + \epsilon}} $$
#
# - $\mu$ and $\sigma^2$ have the shape `(D,)`: **one number for each feature**.
# - This variance divides by $N$. (It is called *biased*. The other one comes soon.)
# - $\epsilon$, `eps`, is a small number, usually 0.00001. It is there for features that do not change at all in a batch: without it
#   they would be divided by 0. It stands **under the root**, beside the variance.
#
# **Predict**: how does the picture change?

# %%
import torch
from torch import nn
from torch.nn import functional as F

normalised = F.batch_norm(torch.tensor(batch), None, None, training=True).numpy()
plots.show_features({"x": batch, "normalised": normalised})

# %% [markdown]
# Every feature now lies around 0 and is equally wide. *Within* a feature nothing happened: the order of the rows is the same.
#
# ### Spot the slip: "per-channel std"
#
# A slide of CS163 shows the three formulas of above, and beside the middle one it says
#
# > $\sigma_j^2 = \frac{1}{N} \sum_{i=1}^N (x_{i,j} - \mu_j)^2$ · Per-channel std, shape is D
#
# ("std" is the standard deviation. A feature is also called a channel.) Here is what the formula gives for heights in metres,
# and for the same people in centimetres:

# %%
metres = np.array([1.60, 1.70, 1.80, 1.90])
for name, heights in [("metres", metres), ("centimetres", 100 * metres)]:
    formula = ((heights - heights.mean()) ** 2).mean()
    print(f"{name:12s} the slide's formula gives {formula:9.4f}")

# %% [markdown]
# A hundred times as many centimetres, but ten thousand times the result: whatever this is, it is not measured in centimetres.
#
# **Exercise 1** · `channel_std` · 2 minutes · ●○○
#
# A channel holds the numbers 0, 6, 0, 6. What is its standard deviation (the one that goes with the formula, dividing by $N$)?

# %% exercise="channel_std"
channel_std = None  # your answer: a number
### BEGIN SOLUTION
channel_std = 3
### END SOLUTION

# %% check="channel_std" points=1
check(channel_std=channel_std)

# %% [markdown]
# So $\sigma_j^2$ is the *variance*, and its root is the std. It matters, because code is full of both: PyTorch keeps a
# `running_var`, and takes the root only when it divides.
#
# ### What if mean 0 and spread 1 is wrong?
#
# Perhaps the next layer would rather have this feature around 3. So batch norm gives back what it took, as numbers that are
# learned like weights: a scale $\gamma_j$ (`gamma`) and a shift $\beta_j$ (`beta`) for every feature, both of shape `(D,)`:
#
# $$ y_{ij} = \gamma_j \, \hat{x}_{ij} + \beta_j $$
#
# **Exercise 2** · `normalised_by_hand` · 4 minutes · ●○○
#
# One feature, four rows: $x = (2, 4, 10, 12)$. Let $\epsilon = 8$ (far too large, but the numbers come out nicely), $\gamma = 10$,
# $\beta = 1$. What are the four outputs? On paper: mean, differences, variance, root, and so on. Answer as a list of four numbers.

# %% exercise="normalised_by_hand"
normalised_by_hand = None  # your answer: [.., .., .., ..]
### BEGIN SOLUTION
normalised_by_hand = [-9, -5, 7, 11]
### END SOLUTION

# %% check="normalised_by_hand" points=1
check(normalised_by_hand=normalised_by_hand)

# %% [markdown]
# Can batch norm learn to do **nothing**? The slide says: with $\gamma = \sigma$ and $\beta = \mu$ it "will recover the identity
# function (in expectation)". We try it, with a large `eps` so that we see something:

# %%
column = torch.tensor(batch[:, :1])
std_of_column, mean_of_column = torch.std_mean(column, 0, correction=0)
same = F.batch_norm(column, None, None, std_of_column, mean_of_column, training=True, eps=0.3)
print("x:  ", *column[:5, 0].numpy().round(3))
print("y:  ", *same[:5, 0].numpy().round(3))

# %% [markdown]
# Close, but not the same. What must $\gamma$ be for $y = x$ *exactly*? (And "in expectation" is about this: $\gamma$ and $\beta$ are
# fixed numbers, while $\mu$ and $\sigma$ belong to one batch and are a little different in the next.)
#
# **Exercise 3** · `identity` · 3 minutes · ●●○
#
# A feature has mean $-3$ and variance $21$ in a batch, and $\epsilon = 4$. Which $\gamma$ and $\beta$ make batch norm return exactly what
# came in? Answer as a pair `(gamma, beta)`.

# %% exercise="identity"
identity = None  # your answer: (gamma, beta)
### BEGIN SOLUTION
identity = (5, -3)
### END SOLUTION

# %% check="identity" points=1
check(identity=identity)

# %% [markdown]
# ---
# ## 2 · Two modes and a memory
#
# In training there is always a batch. But when the network is used there may be *one* picture, and the mean of one number is the
# number itself. Also, nobody wants the answer for a picture to depend on which other pictures came along. So batch norm has two modes:
#
# | | mean and variance come from | the running statistics are |
# |---|---|---|
# | **training** | this batch | moved a little towards those of this batch |
# | **evaluation** | the running statistics | left alone |
#
# The **running statistics** are a memory: an average of what was seen in training. After each training step
#
# $$ \text{running} \leftarrow (1 - m) \cdot \text{running} + m \cdot \text{value of this batch} $$
#
# with $m$ = `momentum`, usually 0.1. **`momentum` weighs the new value**, as in PyTorch. (Other libraries and some papers mean the weight
# of the *old* value; the word does not tell.) **Predict**: which running mean is steadier, that with momentum 0.1 or 0.9?

# %%
rng = np.random.default_rng(1)
batch_means = [rng.normal(3.0, 4.0, size=16).mean() for _ in range(40)]
running = {}
for m in (0.1, 0.9):
    value, running[m] = 0.0, []
    for new in batch_means:
        value += m * (new - value)
        running[m].append(value)
plots.show_running(running, batch_means, 3.0)

# %% [markdown]
# A small momentum forgets the start (0) slowly and then stays near the truth. A large one follows every batch.
#
# ### Two variances
#
# A batch is a *sample*: sixteen rows out of thousands. A sample's variance around its own mean is too small on average, by the
# factor $(N-1)/N$, because the mean was fitted to that very sample. For normalising the batch this does not matter. For the memory,
# which is to describe *all* the data, it does. So PyTorch, and we, do both:
#
# - the **biased** variance (divided by $N$) normalises the batch;
# - the **unbiased** variance (divided by $N - 1$) goes into the running variance. It is the biased one times $N/(N-1)$.

# %%
rng = np.random.default_rng(2)
samples = rng.normal(0.0, 2.0, size=(100_000, 4))  # batches of four; the true variance is 4
print("mean of the biased variances:  ", samples.var(axis=1).mean().round(2))
print("mean of the unbiased variances:", samples.var(axis=1, ddof=1).mean().round(2))

# %% [markdown]
# **Exercise 4** · `running_var_after` · 3 minutes · ●●○
#
# The running variance of a feature is 20. A training step brings the batch $x = (4, 6, 8, 10, 12)$; `momentum` is 0.1. What is the
# running variance after this step?

# %% exercise="running_var_after"
running_var_after = None  # your answer: a number
### BEGIN SOLUTION
running_var_after = 19
### END SOLUTION

# %% check="running_var_after" points=1
check(running_var_after=running_var_after)

# %% [markdown]
# **Exercise 5** · `batchnorm_forward` · 40 minutes · ●●○
#
# Now you have everything. Write it in the order of the text; `training` says which mode. Three rules:
#
# - **Nothing is changed in place.** (It costs no points, but the check tells you.) The new running statistics are *returned*, as new
#   arrays; in evaluation those that came in are returned.
# - **One row cannot be normalised in training**: raise a `ValueError` that says why. In evaluation one row is fine.
# - **The cache** begins with `x_hat` (N, D), `gamma` (D,), `var` (D,) and `eps`, in this order, where `var` is the variance that
#   normalised (without `eps`). Behind them you may put more, if your backward pass wants it. Nobody goes backward in evaluation
#   here, so what the cache holds then is up to you.
#
# `momentum=0.1` and `eps=1e-5` are what you get when you say nothing. The check also uses `eps=0.3`, because at 0.00001 a wrong place
# for `eps` cannot be seen, and a feature around 1,000,000,000 that changes by less than 10, because one formula for the variance
# fails there.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (6,3) (6,)`: your mean has one number for each *row*. Over which axis
#   must the batch be averaged so that one number for each *column* is left?
# - `TypeError: batchnorm_forward() missing 1 required keyword-only argument: 'training'`: when you call it yourself, give the mode by
#   name: `training=True`.
# - *"returned 2 values where 4 were asked for"*: the order is `out, cache, running_mean, running_var`, and the cache is **one** value, a tuple.
# - `UnboundLocalError: ... 'mean'`: it was given a value only in one branch of your `if`.
# </details>


# %% exercise="batchnorm_forward"
def batchnorm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    """Batch norm of every feature of x.

    x: (N, D). gamma, beta, running_mean, running_var: (D,). None of them is changed.
    training: True normalises with the batch's mean and biased variance, and moves the running
    statistics towards its mean and unbiased variance; momentum weighs the new value.
    False normalises with the running statistics. eps is added to the variance.

    Returns a tuple of
        out: (N, D).
        cache: a tuple that begins with x_hat (N, D), gamma (D,), var (D,), eps.
        running_mean, running_var: (D,), after this step; unchanged values in evaluation.

    Raises ValueError when there is only one row in training.
    """
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

# %% [markdown]
# Your layer at work: the batch from the beginning. **Predict** the means and the spreads of the three columns.

# %%
with when_done("batchnorm_forward"):
    scale, shift = np.array([1.0, 2, 0.5]), np.array([0.0, 3, -2])
    result, *_ = batchnorm_forward(batch, scale, shift, np.zeros(3), np.ones(3), training=True)
    plots.show_features({"x": batch, "out": result})
    print("means  ", result.mean(axis=0).round(3))
    print("spreads", result.std(axis=0).round(3))

# %% [markdown]
# They are `beta` and `gamma`: the layer decides where its output lies, whatever comes in. And the identity, this time exactly?

# %%
with when_done("batchnorm_forward"):
    scale, shift = np.sqrt(batch.var(axis=0) + 0.3), batch.mean(axis=0)
    result, *_ = batchnorm_forward(batch, scale, shift, np.zeros(3), np.ones(3), training=True, eps=0.3)
    print(f"largest difference to x: {np.abs(result - batch).max():.0e}")

# %% [markdown]
# As exactly as a computer calculates, with 16 digits.

# %% [markdown]
# ---
# ## 3 · "A very common source of bugs"
#
# Below is a small network in PyTorch with a batch norm layer in it. It was trained (we pretend), and its author now looks at the
# answer for one picture. Sometimes the picture comes with three others, sometimes with three different ones.
#
# **Predict**: in which mode does the answer depend on the others?

# %%
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
picture, others = torch.randn(1, 8), torch.randn(20, 3, 8)


def answers(mode):
    """The answer for the same picture in 20 batches."""
    net.train(mode == "training")
    return [net(torch.cat([picture, company]))[0].item() for company in others]


plots.show_company(answers("training"), answers("evaluation"))

# %% [markdown]
# The same picture, the same weights, and twenty different answers, some of the other sign. Nothing crashes and nothing is
# reported: the results are just worse. In PyTorch one line is missing, `net.eval()`. Two more ways to find out that you are in training
# mode when you should not be:

# %%
net.train()
try:
    net(picture)
except ValueError as error:
    print("ValueError:", error)
before = net[1].running_mean.clone()
net(torch.randn(4, 8) + 100)  # only looking at some data ...
print(f"running mean of feature 0: {before[0]:.2f} -> {net[1].running_mean[0]:.2f}")

# %% [markdown]
# One picture alone is an error (a kind one). And whoever only *looks* at data in training mode changes the network: the running
# statistics have moved towards data that was never meant for training.
#
# The slide calls it "one hacky solution" to freeze batch norm. That is done indeed, when a trained network is trained further on few
# data with small batches: the layer is kept in evaluation mode throughout, so that its memory is not spoilt.
#
# ### In evaluation batch norm is a straight line
#
# With the running statistics all of $\mu, \sigma, \gamma, \beta$ are fixed numbers, and
#
# $$ y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta $$
#
# is nothing but $y = a x + c$ for each feature. ("During testing batchnorm becomes a linear operator", says the slide.)
#
# **Exercise 6** · `frozen_line` · 3 minutes · ●○○
#
# A feature has $\gamma = 6$, $\beta = 1$, running mean $10$, running variance $8$, and $\epsilon = 1$. What are $a$ and $c$? Answer as a pair `(a, c)`.

# %% exercise="frozen_line"
frozen_line = None  # your answer: (a, c)
### BEGIN SOLUTION
frozen_line = (2, -19)
### END SOLUTION

# %% check="frozen_line" points=1
check(frozen_line=frozen_line)

# %% [markdown]
# In section 6 this line will disappear into the layer before it.
#
# ---
# ## 4 · The way back
#
# Now comes the hard part, and the best one. In training, a single number $x_{ij}$ reaches the output on **three ways**: straight; through the
# mean, which moves all rows of its column; and through the variance, which stretches all rows of its column. Here they are, as small
# steps with a name for each intermediate result:

# %%
plots.show_batchnorm_graph()

# %% [markdown]
# $$ \mu = \tfrac1N \textstyle\sum x \qquad c = x - \mu \qquad v = \tfrac1N \sum c^2 \qquad s = \sqrt{v + \epsilon} \qquad \hat{x} = c / s \qquad
# \text{out} = \gamma \hat{x} + \beta $$
#
# Each step alone is easy to differentiate. To go back through all of them you need two rules:
#
# - **At each step**: what comes back = local derivative × what came back from above. (A sum over rows on the way there is a copy to all
#   rows on the way back. And what was copied to all rows on the way there is summed over the rows on the way back.)
# - **Where a value was used twice, what comes back is added.** In the graph: $x$ and $c$ have two arrows going out.
#
# So you walk from right to left, and every name gets a partner: `dout`, then `dx_hat`, `ds`, `dv`, `dc`, `dmu`, `dx`, each with the shape of the value it
# belongs to. The mean and the standard deviation of a column are *one* number each, so `ds`, `dv` and `dmu` have shape `(D,)`.
#
# **An example to hold on to.** One feature, three rows, $\gamma = 1$, $\epsilon = 1$. PyTorch keeps the gradient of every
# intermediate result if we ask it to. Only the first row has an upstream gradient, 9. **Predict**: do the other rows of `dx` stay 0?

# %%
nodes = {"x": torch.tensor([1.0, 1, 7], requires_grad=True)}
nodes["mean"] = nodes["x"].mean()
nodes["centred"] = nodes["x"] - nodes["mean"]
nodes["var"] = (nodes["centred"] ** 2).mean()
nodes["std"] = (nodes["var"] + 1).sqrt()
nodes["x_hat"] = nodes["centred"] / nodes["std"]
nodes["out"] = 1 * nodes["x_hat"]
for node in nodes.values():
    node.retain_grad()
nodes["out"].backward(torch.tensor([9.0, 0, 0]))
values = {name: node.detach() for name, node in nodes.items()}
plots.show_batchnorm_graph(values, {name: node.grad for name, node in nodes.items()})

# %% [markdown]
# They do not: rows that nobody asked about get a gradient, because they have moved the mean and the variance. Check some of it by hand: why is
# `ds` 2, and why is `dv` a sixth of that? These numbers are your test case, box by box.
#
# **Exercise 7** · `batchnorm_backward` · 60 minutes · ●●●
#
# Write one line for each box, from right to left. The cache of the forward (in training) has `x_hat`, `gamma`, `var` and `eps`; $s$ and $c$ follow from these
# in a line each.
#
# **This is the backward pass of training mode.** (In evaluation it would be shorter: mean and variance are fixed numbers then, so only the straight way is
# left, and `dx` is `dout` times the slope $a$ of Exercise 6.)
#
# To compare with the boxes, put a `print` behind each line of your function and run this in a cell of your own:
#
# ```python
# column, upstream = np.array([[1.0], [1], [7]]), np.array([[9.0], [0], [0]])
# one, zero = np.ones(1), np.zeros(1)
# _, kept, *_ = batchnorm_forward(column, one, zero, zero, one, training=True, eps=1)
# batchnorm_backward(upstream, kept)
# ```
#
# <details><summary>Help with a step</summary>
#
# - $\text{out} = \gamma \hat{x} + \beta$ has three inputs. For $\hat{x}$ the local derivative is $\gamma$, for $\gamma$ it is $\hat{x}$, for $\beta$ it is 1; and
#   $\gamma$ and $\beta$ are shared by all rows, so the rows are summed.
# - $\hat{x} = c / s$ has two inputs. For $c$ the local derivative is $1/s$. For $s$ it is $-c/s^2$, and since $s$ is shared by all rows, the rows are summed.
# - $s = \sqrt{v + \epsilon}$: the derivative of a root is $1 / (2 \cdot \text{root})$.
# - $v = \frac1N \sum c^2$: each row gets $\frac1N \cdot 2c$ times `dv`. This is the second arrow that leaves $c$.
# - $c = x - \mu$: straight through to $x$; and to $\mu$ with a minus, summed over the rows.
# - $\mu = \frac1N \sum x$: each row gets $\frac1N$ times `dmu`. This is the second arrow that leaves $x$.
# </details>
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: too many values to unpack (expected 4)`: your cache holds more than four things. Take the rest with a star: `a, b, *rest = cache`.
# - *"returned shape (1, 3), expected (3,)"*: `keepdims=True` in a sum that should give shape `(D,)`.
# - *"It is right with the cache that the text prescribes, but not with the one that your batchnorm_forward makes"*: this function is fine; look at
#   what `batchnorm_forward` puts into its cache, and in which order.
# - Numbers that are only a little wrong, everywhere: is every name that you use made in this function? A notebook remembers what other cells called
#   `eps` or `x`, and says nothing.
# </details>


# %% exercise="batchnorm_backward"
def batchnorm_backward(dout, cache):
    """Gradients of batch norm in training, step by step through the graph.

    dout: (N, D), the upstream gradient.
    cache: of batchnorm_forward; begins with x_hat (N, D), gamma (D,), var (D,), eps.

    Returns a tuple of dx (N, D), dgamma (D,), dbeta (D,).
    """
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

# %% [markdown]
# A second opinion that knows nothing of PyTorch: your `numeric_gradient` of notebook 04 pushes each number a little and looks at what the loss does.
# (When your notebook 04 does not lie beside this one, another is used, and the cell says so.) It is not exact: a difference below 0.000001 means that both agree.

# %%
from cs_utils import earlier

numeric_gradient = earlier.own("numeric_gradient")

# %%
rng = np.random.default_rng(5)
data, upstream = rng.normal(2, 3, size=(2, 5, 3))
scale, shift = rng.normal(size=(2, 3))


def loss_of(forward, upstream, *parameters, **options):
    """The loss whose upstream gradient is `upstream`, as a function of x."""
    return lambda x: (forward(x, *parameters, **options)[0] * upstream).sum()


with when_done("batchnorm_forward", "batchnorm_backward"):
    options = {"running_mean": np.zeros(3), "running_var": np.ones(3), "training": True, "eps": 0.3}
    _, kept, *_ = batchnorm_forward(data, scale, shift, **options)
    by_hand = numeric_gradient(loss_of(batchnorm_forward, upstream, scale, shift, **options), data)
    print(f"largest difference: {np.abs(batchnorm_backward(upstream, kept)[0] - by_hand).max():.0e}")

# %% [markdown]
# ### What batch norm takes out of a gradient
#
# **Exercise 8** · `dx_total` · 3 minutes · ●●○
#
# A column of four rows has the upstream gradient $(3, -1, 2, 0)$. What is the **sum** of the four numbers of `dx` in this column? You need neither $x$ nor $\gamma$. (Think: what
# happens to the output when the *same* number is added to all four rows of $x$?)

# %% exercise="dx_total"
dx_total = None  # your answer: a number
### BEGIN SOLUTION
dx_total = 0
### END SOLUTION

# %% check="dx_total" points=1
check(dx_total=dx_total)

# %% [markdown]
# One consequence: a **bias in the layer before batch norm is useless**. It adds the same number to all rows, batch norm subtracts it again, and its gradient
# is 0 for ever. This is why you see `nn.Conv2d(..., bias=False)` in front of `nn.BatchNorm2d`; `beta` does its job. And a second thing that leaves no trace is to
# make all rows of a column *larger* by the same factor. **Predict** what is left of the gradient in a batch of **two** rows:

# %%
with when_done("batchnorm_forward", "batchnorm_backward"):
    two = np.array([[1.0], [9.0]])
    one, zero = np.ones(1), np.zeros(1)
    result, kept, *_ = batchnorm_forward(two, one, zero, zero, one, training=True)
    gradient, _, _ = batchnorm_backward(np.array([[5.0], [-2.0]]), kept)
    print("out:", result.ravel().round(5), " dx:", gradient.ravel())

# %% [markdown]
# Next to nothing; the little that is left is owed to $\epsilon$. Whatever two numbers come in, $-1$ and $1$ go out, so nothing can be learned. Batch
# norm needs batches.
#
# ### All of it in one formula
#
# The walk through the graph has seven steps, and most of what they compute cancels. Take your lines and put them into one another, on paper, for one column:
# `dx` is a sum of three terms, one for each way.
#
# 1. Everything has $\gamma / s$ in front of it. Take it out.
# 2. The way through the mean: what becomes of $\frac1N \sum c$? (What is the sum of all differences to a mean?)
# 3. The way through the variance: write $\hat{x}$ wherever you see $c/s$.
#
# What remains is
#
# $$ dx = \frac{\gamma}{s} \, \bigl( dout - A - \hat{x} \cdot B \bigr) $$
#
# where $A$ and $B$ are one number each for a column, and averages of something you have already computed. Which?
#
# **Exercise 9** · `batchnorm_backward_closed_form` · 30 minutes · ●●●


# %% exercise="batchnorm_backward_closed_form"
def batchnorm_backward_closed_form(dout, cache):
    """The same as batchnorm_backward, in one formula for dx.

    dout: (N, D), the upstream gradient.
    cache: of batchnorm_forward; begins with x_hat (N, D), gamma (D,), var (D,), eps.

    Returns a tuple of dx (N, D), dgamma (D,), dbeta (D,).
    """
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps = cache
    n = len(x_hat)
    dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - (dbeta + x_hat * dgamma) / n)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward_closed_form" points=4
check(batchnorm_backward_closed_form)

# %% [markdown]
# Same numbers, less work? On a larger batch:

# %%
import timeit

with when_done("batchnorm_forward", "batchnorm_backward", "batchnorm_backward_closed_form"):
    big, ones = np.random.default_rng(3).normal(size=(2000, 200)), np.ones(200)
    _, kept, *_ = batchnorm_forward(big, ones, ones, ones, ones, training=True)
    for name in ("batchnorm_backward", "batchnorm_backward_closed_form"):
        times = timeit.repeat(f"{name}(big, kept)", globals=globals(), number=3, repeat=5)
        print(f"{name:31s} {1000 * min(times) / 3:5.1f} ms")

# %% [markdown]
# The formula says what batch norm does to a gradient: it takes away its **average**, and that part of it which points along $\hat{x}$. What is left can only change the *pattern* of a
# column, not its mean and not its spread. Those belong to $\beta$ and $\gamma$.
#
# ---
# ## 5 · Pictures: one mean for each channel
#
# In a convolutional network the features are channels: every pixel of a channel was made by the same filter. So batch norm for `(N, C, H, W)` takes **one mean and one variance for each
# channel**, over all images, rows and columns. The slide writes it with axes of length 1:
#
# $$ \mu, \sigma: 1 \times C \times 1 \times 1 \qquad \gamma, \beta: 1 \times C \times 1 \times 1 $$
#
# In our functions (and PyTorch's) they have shape `(C,)`; you make the other axes where you need them: `v[:, None, None]` has the shape `(C, 1, 1)`, and NumPy lines it up with
# `(N, C, H, W)` from the right. **Predict**: from how many numbers is each mean made in a batch of 8 pictures of 16×5×5?

# %%
pictures = torch.randn(8, 16, 5, 5)
layer = nn.BatchNorm2d(16)
print("parameters:", {name: tuple(p.shape) for name, p in layer.named_parameters()})
print("memory:    ", {name: tuple(b.shape) for name, b in layer.named_buffers() if b.ndim})
print("numbers for each mean:", pictures[:, 0].numel())

# %% [markdown]
# 200: that is the $N$ of the formulas now, also in $N/(N-1)$. And a batch of *one* picture can be normalised in training, as long as it has more than one pixel.
#
# **Exercise 10** · `batchnorm2d_forward` · 25 minutes · ●●○
#
# There are two roads. You can average over several axes at once. Or you make a table of all the pixels with one column for each channel, hand it to your `batchnorm_forward`, and turn
# the result back. If you take the second road, beware: `reshape` alone does not do it.
#
# The rules for the cache and for errors are those of Exercise 5, with `x_hat` of shape `(N, C, H, W)` and `gamma` and `var` of shape `(C,)`.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (2,3,4,5) (3,)`: NumPy compares shapes from the right, so it holds 3 against 5. Give the `(C,)` array two
#   more axes at the end.
# - No error, but everything is wrong: `x.reshape(-1, C)` cuts the numbers in the order in which they lie in memory. Try it on `np.arange(8).reshape(1, 2, 2, 2)`, where channel 0 holds 0 to 3.
#   Which numbers stand in column 0? Which should? (`transpose` moves axes.)
# </details>


# %% exercise="batchnorm2d_forward"
def batchnorm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    """Batch norm of every channel of x, over images, rows and columns.

    x: (N, C, H, W). gamma, beta, running_mean, running_var: (C,). None of them is changed.
    training, momentum, eps: as for batchnorm_forward.

    Returns a tuple of
        out: (N, C, H, W).
        cache: a tuple that begins with x_hat (N, C, H, W), gamma (C,), var (C,), eps.
        running_mean, running_var: (C,), after this step; unchanged values in evaluation.

    Raises ValueError when there is only one value for each channel in training.
    """
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


# %% check="batchnorm2d_forward" points=7
check(batchnorm2d_forward)

# %% [markdown]
# **Exercise 11** · `batchnorm2d_backward` · 20 minutes · ●●○
#
# The same two roads lead back.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together` or `cannot reshape array` on the second road: *everything* of shape `(N, C, H, W)` has to become a table,
#   `dout` and also what lies in the cache.
# - Right shapes, wrong numbers: does `dx` come back by the same way, in the opposite order?
# </details>


# %% exercise="batchnorm2d_backward"
def batchnorm2d_backward(dout, cache):
    """Gradients of batchnorm2d_forward in training.

    dout: (N, C, H, W), the upstream gradient.
    cache: of batchnorm2d_forward; begins with x_hat (N, C, H, W), gamma (C,), var (C,), eps.

    Returns a tuple of dx (N, C, H, W), dgamma (C,), dbeta (C,).
    """
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

# %%
with when_done("batchnorm2d_forward", "batchnorm2d_backward"):
    rng = np.random.default_rng(6)
    data, upstream = rng.normal(size=(2, 2, 3, 4, 3))
    scale, shift = rng.normal(size=(2, 3))
    options = {"running_mean": np.zeros(3), "running_var": np.ones(3), "training": True, "eps": 0.3}
    _, kept, *_ = batchnorm2d_forward(data, scale, shift, **options)
    by_hand = numeric_gradient(loss_of(batchnorm2d_forward, upstream, scale, shift, **options), data)
    print(f"largest difference: {np.abs(batchnorm2d_backward(upstream, kept)[0] - by_hand).max():.0e}")

# %% [markdown]
# ### Is it worth it?
#
# Batch norm usually stands after a convolution or a fully connected layer, and before the ReLU. It "makes deep networks **much** easier to train! Allows higher learning rates. Networks become more robust to initialization", says the slide, and it "acts as regularization", since the company of a picture adds a little noise. We look: a network with seven hidden layers
# is to tell two spirals apart, with and without batch norm. A loss of 0.69 is a coin toss. **Predict** which of the six runs end near 0. (A few seconds.)

# %%
from copy import deepcopy

torch.manual_seed(0)
radius, arm = 3 * torch.rand(256, 1), torch.randint(0, 2, (256, 1))
angle = 2 * radius + 3.14 * arm
points = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)


def deep_net(norm):
    """Seven hidden layers of 32 features; batch norm stands before each ReLU, or nothing does."""
    between = (nn.BatchNorm1d(32), nn.ReLU()) if norm else (nn.ReLU(),)
    hidden = [part for _ in range(6) for part in (*map(deepcopy, between), nn.Linear(32, 32))]
    return nn.Sequential(nn.Linear(2, 32), *hidden, *between, nn.Linear(32, 1))


# %%
def final_loss(norm, rate):
    """The loss after 150 steps of gradient descent."""
    torch.manual_seed(1)
    net = deep_net(norm)
    optimiser = torch.optim.SGD(net.parameters(), lr=rate)
    for _ in range(150):
        loss = F.binary_cross_entropy_with_logits(net(points), arm.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item()


print("learning rate   without    with batch norm")
for rate in (0.01, 0.1, 1.0):
    print(f"{rate:13}   {final_loss(False, rate):7.3f}    {final_loss(True, rate):15.3f}")

# %% [markdown]
# Without batch norm nothing is learned in 150 steps, at any of the three learning rates; with it, each of them will do. (*Why* it helps is less clear. The inventors
# spoke of an "internal covariate shift", the wandering of the inputs that this notebook began with; later experiments found
# that this is not the whole story. "Not well-understood theoretically (yet)" is the honest line on the slide.)
#
# ---
# ## 6 · Batch norm for nothing
#
# In a trained network, a convolution $z = w * x + b$ is followed by batch norm in evaluation mode: for each filter a straight line
# $y = a z + c$ (Exercise 6). Both together are still linear in $x$, and the same for every pixel. So **one convolution with other weights and
# another bias does the work of both**: "zero overhead at test-time".
#
# **Exercise 12** · `fold_batchnorm` · 20 minutes · ●●○
#
# Put $z$ into the line, and collect what multiplies $x$ and what does not. The same works for a fully connected layer, whose weight is `(D, F)`: `w` may have two axes or four, and the first
# counts the filters.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (4,3,3,2) (4,)`: the factor belongs to axis 0 of `w`, but NumPy lines it up with the last one. It needs an axis of length 1 for every
#   *other* axis of `w`; `w.ndim` says how many there are.
# </details>


# %% exercise="fold_batchnorm"
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    """Weight and bias of the one layer that does what a layer and batch norm in evaluation do.

    w: (D, C, kh, kw) of a convolution, or (D, F) of a fully connected layer. b: (D,).
    gamma, beta, running_mean, running_var: (D,), of the batch norm behind it.
    Nothing is changed in place.

    Returns a tuple of w (same shape as before) and b (D,).
    """
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(running_var + eps)
    per_filter = scale.reshape(-1, *[1] * (w.ndim - 1))
    return w * per_filter, (b - running_mean) * scale + beta
    ### END SOLUTION


# %% check="fold_batchnorm" points=4
check(fold_batchnorm)

# %% [markdown]
# Does it hold? A convolution and a batch norm layer, with PyTorch as referee:

# %%
with when_done("fold_batchnorm"):
    torch.manual_seed(2)
    conv, norm = nn.Conv2d(3, 4, 3).double(), nn.BatchNorm2d(4).double()
    for _ in range(20):
        norm(conv(torch.rand(8, 3, 9, 9).double()))  # in training mode: the memory fills
    tensors = *conv.parameters(), *norm.parameters(), norm.running_mean, norm.running_var
    folded = map(torch.tensor, fold_batchnorm(*(tensor.detach().numpy() for tensor in tensors)))
    photo = torch.rand(1, 3, 9, 9).double()
    two_layers, one_layer = norm.eval()(conv(photo)), F.conv2d(photo, *folded)
    print(f"largest difference: {(two_layers - one_layer).abs().max():.0e}")

# %% [markdown]
# Whoever puts a network on a phone does this to every such pair of layers.
#
# ---
# ## 7 · The relatives
#
# Batch norm lets the pictures of a batch see one another. That makes two modes necessary, it fails for tiny batches, and it makes no sense for sequences of
# different lengths. The relatives do the same with **other sets of numbers**: they never average over the batch. Here is CS163's comparison, for three images with six channels. **Predict**, for
# each of the four, how many means there are.

# %%
plots.show_averaging(images=3, channels=6, groups=2)

# %% [markdown]
# In all four, each number has its set's mean subtracted and is divided by the root of its set's variance + eps. And in all four there is one `gamma` and one
# `beta` **for each channel**, whatever the sets are. (PyTorch's `nn.LayerNorm` has one for each *number* of an image; for one per channel take `nn.GroupNorm(1, C)`.)
#
# **Exercise 13** · `means_counted` · 3 minutes · ●○○
#
# A batch of 8 images has 6 channels of 5×4 pixels. How many means does each of them compute: batch norm, layer norm, instance norm, and group norm with $G = 3$ groups? Answer as four numbers in
# this order.

# %% exercise="means_counted"
means_counted = None  # your answer: (.., .., .., ..)
### BEGIN SOLUTION
means_counted = (6, 8, 48, 24)
### END SOLUTION

# %% check="means_counted" points=1
check(means_counted=means_counted)

# %% [markdown]
# ### Layer norm
#
# For rows `(N, D)` each **row** has a mean and a variance of its own: $\mu, \sigma: N \times 1$, while $\gamma, \beta$ stay $1 \times D$. There is no memory, and training and evaluation are
# the same. It is the normalisation of recurrent networks and of transformers. (In the figure above, take each channel for a single number.)
#
# **Exercise 14** · `layernorm_forward` · 12 minutes · ●○○
#
# The cache begins with `x_hat` (N, D), `gamma` (D,), `var` (N, 1), `eps`.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (2,3) (2,)`: one mean for each row has the shape `(N,)`, and NumPy lines that up with the columns.
#   `keepdims=True` makes it `(N, 1)`.
# </details>


# %% exercise="layernorm_forward"
def layernorm_forward(x, gamma, beta, *, eps=1e-5):
    """Layer norm: every row of x has a mean and a (biased) variance of its own.

    x: (N, D). gamma, beta: (D,). eps is added to the variance.

    Returns a tuple of
        out: (N, D).
        cache: a tuple that begins with x_hat (N, D), gamma (D,), var (N, 1), eps.
    """
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, var, eps)
    ### END SOLUTION


# %% check="layernorm_forward" points=4
check(layernorm_forward)

# %% [markdown]
# **Exercise 15** · `layernorm_backward` · 25 minutes · ●●●
#
# The graph is the same, with rows for columns. But one thing is different, and if you only exchange the axes in your formula you will fall into it. $\gamma$ stood *in front* of the bracket, because it was the
# same number for everything that was averaged. **Is it still?**


# %% exercise="layernorm_backward"
def layernorm_backward(dout, cache):
    """Gradients of layernorm_forward.

    dout: (N, D), the upstream gradient.
    cache: of layernorm_forward; begins with x_hat (N, D), gamma (D,), var (N, 1), eps.

    Returns a tuple of dx (N, D), dgamma (D,), dbeta (D,).
    """
    ### BEGIN SOLUTION
    x_hat, gamma, var, eps = cache
    dx_hat = dout * gamma
    dx = dx_hat - dx_hat.mean(axis=1, keepdims=True)
    dx -= x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True)
    return dx / np.sqrt(var + eps), (dout * x_hat).sum(axis=0), dout.sum(axis=0)
    ### END SOLUTION


# %% check="layernorm_backward" points=4
check(layernorm_backward)

# %%
with when_done("layernorm_forward", "layernorm_backward"):
    rng = np.random.default_rng(7)
    data, upstream = rng.normal(2, 3, size=(2, 4, 3))
    scale, shift = rng.normal(size=(2, 3))
    _, kept = layernorm_forward(data, scale, shift, eps=0.3)
    by_hand = numeric_gradient(loss_of(layernorm_forward, upstream, scale, shift, eps=0.3), data)
    print(f"largest difference: {np.abs(layernorm_backward(upstream, kept)[0] - by_hand).max():.0e}")

# %% [markdown]
# ### Instance norm
#
# For pictures: every **channel of every image** is alone, $\mu, \sigma: N \times C \times 1 \times 1$. What is lost is the contrast of a picture, and the brightness of each of its channels; what stays is the pattern. That is just
# right for transferring the style of a painting.
#
# **Exercise 16** · `instancenorm_forward` · 10 minutes · ●○○
#
# The cache is what a backward pass would need; there is none to write this time, and nobody looks at it.


# %% exercise="instancenorm_forward"
def instancenorm_forward(x, gamma, beta, *, eps=1e-5):
    """Instance norm: every channel of every image has a mean and a (biased) variance of its own.

    x: (N, C, H, W). gamma, beta: (C,). eps is added to the variance.

    Returns a tuple of out (N, C, H, W) and a cache.
    """
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None], (x_hat, gamma, var, eps)
    ### END SOLUTION


# %% check="instancenorm_forward" points=4
check(instancenorm_forward)

# %% [markdown]
# A lamp is dimmed, and its light turns yellow. **Predict** what instance norm makes of the two pictures:

# %%
with when_done("instancenorm_forward"):
    scene = np.random.default_rng(8).uniform(size=(1, 3, 6, 6))
    dimmed = scene * np.array([0.5, 0.4, 0.2])[:, None, None] + 0.1
    day, evening = (instancenorm_forward(x, np.ones(3), np.zeros(3))[0] for x in (scene, dimmed))
    print("difference before:", np.abs(scene - dimmed).max().round(3))
    print("difference after: ", np.abs(day - evening).max().round(3))

# %% [markdown]
# The same picture twice (but for $\epsilon$): the lamp is gone from it.
#
# ### Group norm
#
# The middle way. The $C$ channels are dealt into $G$ groups of neighbours: with $C = 6$ and $G = 2$, channels 0, 1, 2 and channels 3, 4, 5. Each **group of each image** has a mean and a variance
# of its own. `groups` always divides $C$.
#
# **Exercise 17** · `groupnorm_forward` · 20 minutes · ●●○
#
# A reshape is all that makes it different from layer norm. Find the shape in which "a group of an image" is one row, or a few axes at the end. This time `reshape` alone is right:
# neighbouring channels lie beside each other in memory.
#
# The cache begins with `x_hat` (N, C, H, W), `gamma` (C,), `var` (N, G, 1), `eps`, `groups`.
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: 'float' object cannot be interpreted as an integer`: `/` makes a float even of 6 and 2. A length is a whole number: `//`, or `-1`.
# - `ValueError: operands could not be broadcast together with shapes (2,2,6) (4,1,1)`: the group is an axis here, and `gamma` belongs to channels. Go back to
#   `(N, C, H, W)` before you scale and shift.
# </details>


# %% exercise="groupnorm_forward"
def groupnorm_forward(x, gamma, beta, *, groups, eps=1e-5):
    """Group norm: every group of channels of every image has a mean and a (biased) variance.

    x: (N, C, H, W). gamma, beta: (C,). groups: their number G, which divides C.
    eps is added to the variance.

    Returns a tuple of
        out: (N, C, H, W).
        cache: a tuple that begins with x_hat (N, C, H, W), gamma (C,), var (N, G, 1), eps, groups.
    """
    ### BEGIN SOLUTION
    grouped = x.reshape(len(x), groups, -1)
    mean, var = grouped.mean(axis=2, keepdims=True), grouped.var(axis=2, keepdims=True)
    x_hat = ((grouped - mean) / np.sqrt(var + eps)).reshape(x.shape)
    out = gamma[:, None, None] * x_hat + beta[:, None, None]
    return out, (x_hat, gamma, var, eps, groups)
    ### END SOLUTION


# %% check="groupnorm_forward" points=5
check(groupnorm_forward)

# %% [markdown]
# **Predict**: with how many groups is group norm the same as instance norm? And as layer norm of the whole image?

# %%
with when_done("groupnorm_forward"):
    data, ones, zeros = np.random.default_rng(9).normal(size=(2, 6, 4, 4)), np.ones(6), np.zeros(6)
    tensor = torch.tensor(data)
    layer_norm, instance_norm = F.layer_norm(tensor, (6, 4, 4)), F.instance_norm(tensor)
    print("groups   far from layer norm   far from instance norm")
    for number in (1, 2, 3, 6):
        result, _ = groupnorm_forward(data, ones, zeros, groups=number)
        gaps = [np.abs(result - other.numpy()).max() for other in (layer_norm, instance_norm)]
        print(f"{number:6d}   {gaps[0]:19.3f}   {gaps[1]:22.3f}")

# %% [markdown]
# $G = 1$ is layer norm and $G = C$ is instance norm; the truth for pictures is often in between.
#
# **Exercise 18** · `groupnorm_backward` · 25 minutes · ●●○
#
# You have everything: the grouping of the forward, and the warning of Exercise 15.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (2,2,6) (4,1,1)`: `gamma` belongs to channels, so multiply by it as long as there are channels,
#   before anything is grouped.
# - `ValueError: operands could not be broadcast together with shapes (2,4,3,1) (2,2,1)`: `var` has one number for each group, so divide by its root while there are groups.
# </details>


# %% exercise="groupnorm_backward"
def groupnorm_backward(dout, cache):
    """Gradients of groupnorm_forward.

    dout: (N, C, H, W), the upstream gradient.
    cache: of groupnorm_forward; begins with x_hat (N, C, H, W), gamma (C,), var (N, G, 1), eps, groups.

    Returns a tuple of dx (N, C, H, W), dgamma (C,), dbeta (C,).
    """
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

# %%
with when_done("groupnorm_forward", "groupnorm_backward"):
    rng = np.random.default_rng(10)
    data, upstream = rng.normal(size=(2, 2, 4, 3, 2))
    scale, shift = rng.normal(size=(2, 4))
    _, kept = groupnorm_forward(data, scale, shift, groups=2, eps=0.3)
    loss = loss_of(groupnorm_forward, upstream, scale, shift, groups=2, eps=0.3)
    by_hand = numeric_gradient(loss, data)
    print(f"largest difference: {np.abs(groupnorm_backward(upstream, kept)[0] - by_hand).max():.0e}")

# %% [markdown]
# ### Who needs a large batch?
#
# One image, normalised in the company of 1, 3, 15 or 63 others. How far is it from what it would be in a batch of thousands? **Predict** the two columns.

# %%
with when_done("batchnorm2d_forward", "groupnorm_forward"):
    crowd = np.random.default_rng(11).normal(size=(2000, 6, 1, 3))
    crowd *= np.random.default_rng(12).uniform(0.2, 3, size=(2000, 1, 1, 1))  # pictures differ in contrast
    ones, zeros = np.ones(6), np.zeros(6)

    def first_image(x):
        """What batch norm and group norm make of the first image of a batch."""
        bn, *_ = batchnorm2d_forward(x, ones, zeros, zeros, ones, training=True)
        gn, _ = groupnorm_forward(x, ones, zeros, groups=2)
        return np.stack([bn[0], gn[0]])

    for size in (2, 4, 16, 64):
        gaps = np.abs(first_image(crowd[:size]) - first_image(crowd)).mean(axis=(1, 2, 3))
        print(f"batch of {size:2d}: batch norm {gaps[0]:.3f}, group norm {gaps[1]:.3f}")

# %% [markdown]
# Group norm does not know that there are others. For batch norm the company matters, and the more so, the smaller it is: with two images, what a layer puts out
# depends as much on the neighbour as on the image itself.
#
# ---
# ## 8 · Doctor and architect
#
# **Exercise 19** · written · 20 minutes · 3 points · ●●○
#
# A friend has trained a network with batch norm in it: 95 % right on the validation pictures, which came in batches of 128. Then she puts it into an app, where one picture at a time arrives. The app crashes with a
# `ValueError` about "more than 1 value per channel". (Behind the last pooling, the network has a fully connected layer with batch norm.) She finds a way round: she hands the *same* picture in twice, as a batch of two. Now
# nothing crashes, but the app gives **the same answer for every picture**.
#
# 1. What is wrong, and what should she have written?
# 2. Why exactly is the answer the same for every picture? Follow a batch of two equal rows through the batch norm layer.
# 3. After an afternoon of trying with the app she corrects the line, and the network is now *worse* than 95 %. What has happened in the meantime, and what is to be done?
#
# Two or three sentences for each are enough; there is one point for each.

# %% [markdown] written="same_answer" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) The network is in training mode, so batch norm takes mean and variance from the batch, and one row has none. She forgot `net.eval()` (and after a
# later training step `net.train()` is needed again). (2) Both rows are equal, so in every feature the mean is the number itself and the variance is 0. $\hat{x} = (x - \mu)/\sqrt{0 + \epsilon} = 0$, and the output is
# $\beta$, for any picture. All that follows sees only $\beta$. (3) In training mode each call also moves the running statistics: towards the pictures of the app, and in the layer with equal rows the running variance towards 0. So
# evaluation mode now normalises with wrong numbers. Load the saved weights again (the running statistics are saved with them); or, if they are lost, show the network training data
# in training mode without changing weights, until the running statistics are right again.
#
# **Rubric.** 1 point: training mode instead of evaluation mode, with the remedy (`eval()`); "use larger batches" alone: 0. 1 point: variance 0 (or $x - \mu = 0$), so $\hat{x} = 0$ and the output is $\beta$; "there is no information" without
# saying where it is lost: half a point. 1 point: the running statistics were changed by the calls in training mode, and a remedy (load them again, or estimate them anew from training data); one of the two: half a point.
# ### END SOLUTION

# %% [markdown]
# **Exercise 20** · written · 20 minutes · 3 points · ●●○
#
# Choose a normalisation for each of these three networks, and give your reason in terms of **which numbers share a mean**:
#
# 1. a detector for very large X-ray images: only *two* images fit into memory at once;
# 2. a classifier that is trained in batches of 256 and must then be as fast as possible on a phone, one picture at a time;
# 3. a network that redraws photographs in the style of a painting, whatever the contrast of the photograph.
#
# For each of them also name one thing that your choice costs, or takes away. One point for each network.

# %% [markdown] written="which_norm" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) Group norm (layer norm is defensible): the means are made within one image, so they do not depend on the batch, while with two images those of batch norm would jump from step to step. It costs time when the network
# is used, since it cannot be folded; or: a number of groups must be chosen. (2) Batch norm: its statistics are made of 256 images and steady, and at test time they are fixed numbers, so that it folds into the convolution and costs nothing. It
# takes two modes, with the bugs that come with them; or: small batches are no longer possible. (3) Instance norm: each channel of each image has its own mean and variance, so brightness and contrast of the photograph vanish.
# What it takes away is just that: information on contrast, and how strong one channel is beside another, which a classifier might need.
#
# **Rubric.** One point for each network: half for a choice with a reason that says which numbers are averaged, half for a real cost that follows from the choice. A choice without a reason: 0.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | | one mean for each | modes | at test time |
# |---|---|---|---|
# | batch norm | channel | two | folds away |
# | layer norm | row, or image | one | has to be computed |
# | instance norm | channel of an image | one | has to be computed |
# | group norm | group of channels of an image | one | has to be computed |
#
# | slip | what is right |
# |---|---|
# | $\sigma^2$ as "std" | it is the variance; the std is its root |
# | $\gamma = \sigma$ gives the identity | $\gamma = \sqrt{\sigma^2 + \epsilon}$ does |
#
# The derivative of all of them is one formula: take from the upstream gradient its average and its part along $\hat{x}$, over the same numbers that shared a mean.
#
# In notebook 07 come dropout, which has two modes as well, the first numbers that weights get, and the loss. Then all the layers of a network are yours.
