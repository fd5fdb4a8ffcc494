"""Notebook 05: max pooling, average pooling, and what a shift of the picture does to them.

Sources of the worked numbers: UCLA CS163 lecture 7, Georgia Tech CS 7643 (convolution lecture), and A. Jain's
building blocks. All of them were recomputed.
"""
# %% [markdown]
# # 05 · Pooling
#
# A convolution answers at every place of a picture: *is it here? And here?* A pooling layer looks at a few
# neighbouring answers and keeps one number: the largest, or the mean. The picture gets smaller, the next layers
# get cheaper, and it matters a little less where exactly something was. Nothing is learned.
#
# So it is the simplest layer of all. And yet: we looked at 75 max-pooling layers that students of another course have made public.
# In 33 of them the backward pass has one and the same mistake, which that course's own test cannot see. You will see it.
#
# You will write
#
# 1. **max pooling**, forward and backward: who wins a window, and who gets the gradient;
# 2. **average pooling**, forward and backward, and its largest form, **global** average pooling;
# 3. a **measurement**: what happens to the answer of a layer when the picture moves?
#
# **How to work.** First *predict*, on paper, then run the cell, then read on. Nothing here needs a GPU. Plan three hours in
# two sittings; 49 points in all. Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk in between.
#
# **Notation** as in all notebooks: `x` is `(N, C, H, W)`: images, channels, height, width. `out` is `(N, C, oh, ow)`.
# A kernel size, a stride, a padding is a number or a pair `(h, w)`, height first. A helper for that comes with the imports:

# %% tags=["needed"]
import numpy as np
from cs_utils import check, plots, when_done


def pair(value):
    """A number as a pair of it: 2 -> (2, 2). A pair stays as it is."""
    return (value, value) if isinstance(value, int) else tuple(value)


# %% [markdown]
# ---
# ## 1 · The largest number wins
#
# Here is the example of UCLA's CS163, lecture 7: a 4×4 picture, windows of 2×2, stride 2. **Predict** the four outputs.

# %%
picture = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
plots.show_max_pooling(picture, 2)

# %% [markdown]
# Every window hands on its largest number; the other three are forgotten.
#
# Two things are different from a convolution:
#
# - **The stride** is the size of the window unless you say otherwise: windows stand side by side.
# - **The channels stay apart.** A filter of a convolution reaches through all channels; a pooling window looks at one channel
#   of one image at a time. (Georgia Tech: it "operates over each activation map independently".)

# %%
import torch
from torch import nn

pool = nn.MaxPool2d(2)
out = pool(torch.rand(5, 3, 8, 8))
print("(5, 3, 8, 8) ->", tuple(out.shape), "with", sum(p.numel() for p in pool.parameters()), "parameters")

# %% [markdown]
# **Exercise 1** · `max_by_hand` · 2 minutes · ●○○
#
# On paper: what does `nn.MaxPool2d(2)` make of this picture? Answer as a list of rows.
#
# $$\begin{pmatrix} 4 & 1 & 0 & 7 \\ 2 & 9 & 3 & 3 \\ 5 & 6 & 8 & 1 \\ 0 & 6 & 2 & 2 \end{pmatrix}$$

# %% exercise="max_by_hand"
max_by_hand = None  # your answer: [[.., ..], [.., ..]]
### BEGIN SOLUTION
max_by_hand = [[9, 7], [6, 8]]
### END SOLUTION

# %% check="max_by_hand" points=1
check(max_by_hand=max_by_hand)

# %% [markdown]
# ### Spot the slip: the window from 0 to 2
#
# Georgia Tech's deck pools one window of an example that you know from notebook 01:
#
# $$ X(0{:}2,\ 0{:}2) = \begin{bmatrix} 200 & 150 & 150 \\ 100 & 50 & 100 \\ 25 & 25 & 10 \end{bmatrix} \quad\Rightarrow\quad \max(0{:}2,\ 0{:}2) = 200 $$
#
# The maximum is right. But in this notation both ends count, as in MATLAB. What does NumPy make of it?

# %%
X = np.array([[200, 150, 150, 90], [100, 50, 100, 80], [25, 25, 10, 70], [60, 50, 40, 30]])
print(X[0:2, 0:2])

# %% [markdown]
# Two rows and two columns. The 200 is still in it, so the result would be right *this time*, and you would find out weeks
# later.
#
# **Exercise 2** · `slice_ends` · 2 minutes · ●○○
#
# You want the 3×5 window (3 rows, 5 columns) whose upper left corner is in row 4, column 6. The slice is
# `X[4:a, 6:b]`. What are `a` and `b`?

# %% exercise="slice_ends"
slice_ends = None  # your answer: (a, b)
### BEGIN SOLUTION
slice_ends = (7, 11)
### END SOLUTION

# %% check="slice_ends" points=1
check(slice_ends=slice_ends)

# %% [markdown]
# ### Windows that overlap
#
# CS163 names two common settings: $K = 2, S = 2$, and AlexNet's $K = 3, S = 2$. In the second one neighbouring windows share
# a row or a column. **Predict** the four outputs; one number wins twice.

# %%
rows = ["2 7 1 3 0", "4 1 9 2 6", "0 3 5 1 2", "8 2 4 0 1", "1 5 3 7 2"]
overlapping = np.array([row.split() for row in rows], dtype=float)
plots.show_max_pooling(overlapping, 3, stride=2)

# %% [markdown]
# White boxes lie in more than one window. The 9 lies in both upper windows, and wins both. Keep it in mind for the backward pass.
#
# ### Spot the slip: half a window
#
# CS163's summary of pooling gives the size of the output as
#
# $$ H' = (H - K) / S + 1 $$
#
# AlexNet pools three times with $K = 3, S = 2$: $55 \to 27$, $27 \to 13$ and $13 \to 6$. There it works. For other sizes?

# %%
for side in (55, 27, 13, 10):
    out = nn.MaxPool2d(3, stride=2)(torch.rand(1, 1, side, side))
    print(f"{side}: the slide says {(side - 3) / 2 + 1}, PyTorch makes {out.shape[-1]}")

# %% [markdown]
# A window that would hang over the edge is left out, as in a convolution. (PyTorch has `ceil_mode=True` for those who want it
# in; here it stays out.)
#
# **Exercise 3** · `three_pools` · 3 minutes · ●○○
#
# A picture of 64×64 goes through three such layers in a row, $K = 3$ and $S = 2$ each. How many rows are left?

# %% exercise="three_pools"
three_pools = None  # your answer: a number
### BEGIN SOLUTION
three_pools = 7
### END SOLUTION

# %% check="three_pools" points=1
check(three_pools=three_pools)

# %% [markdown]
# ### Spot the slip: "implicit zero padding"
#
# Georgia Tech's deck quotes what PyTorch's manual said about `nn.MaxPool2d`:
#
# > padding – implicit zero padding to be added on both sides
#
# All numbers of this picture are negative. **Predict**: what comes out, if the border is zeros?

# %%
negative = torch.tensor([[[[-4.0, -1.0], [-2.0, -5.0]]]])
print(nn.MaxPool2d(2, padding=1)(negative)[0, 0].numpy())

# %% [markdown]
# With a border of zeros, zero would win all four windows. It does not. The border of a max pooling is $-\infty$, the
# number that never wins against any other. (The manual says so now: "implicit negative infinity padding".)

# %%
plots.show_max_pooling(negative[0, 0].numpy(), 2, padding=1)

# %% [markdown]
# **Exercise 4** · `padded_max` · 4 minutes · ●●○
#
# $K = 3$, $S = 2$, padding 1: what becomes of this picture? Answer as a list of rows.
#
# $$\begin{pmatrix} -7 & -9 & -2 \\ -4 & -8 & -6 \\ -3 & -5 & -1 \end{pmatrix}$$

# %% exercise="padded_max"
padded_max = None  # your answer: [[.., ..], [.., ..]]
### BEGIN SOLUTION
padded_max = [[-4, -2], [-3, -1]]
### END SOLUTION

# %% check="padded_max" points=1
check(padded_max=padded_max)

# %% [markdown]
# A window with nothing but border in it would have no winner at all. PyTorch rules it out: the padding may be half the window
# at most. You need not check that here.
#
# ### Your layer
#
# A layer is a pair of functions: a *forward* that returns its output and a **cache** with all that the *backward* will need,
# and a backward that gets the upstream gradient and the cache. The cache of a pooling is a tuple that begins with
#
# ```python
# (x, kernel_size, stride, padding)
# ```
#
# where `x` is what came in, *without* a border, and the other three are **pairs**, the stride worked out (never `None`).
# Behind these four you may keep what you like.
#
# **Exercise 5** · `max_pool2d_forward` · 30 minutes · ●●○
#
# 1. Make pairs of the options. What is the stride when none is given?
# 2. Put the border around `x`. `np.pad` knows `constant_values`; each axis has a pair (before, after) of its own.
# 3. How many windows are there from top to bottom, and from left to right?
# 4. In which row does window number $i$ start? Take its maximum, for all images and channels at once if you can.
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: 'float' object cannot be interpreted as an integer`: a size was made with `/`. It needs `//`.
# - `ValueError: zero-size array to reduction operation maximum which has no identity`: a window was empty. Either there are
#   more windows than fit, or its slice ends before it starts.
# - `OverflowError: cannot convert float infinity to integer`: the array that gets the border holds whole numbers. (The
#   checks only use floats; in an experiment of your own, write `1.0` instead of `1`.)
# - *"asked for the tuple (out, cache)"*: `return out, cache`, not `return out`.
# - `NameError: name 'pair' is not defined`: run the first cells of the notebook.
# </details>
#
# <details><summary>I want it to be fast</summary>
#
# Loops over all windows are right, and get all points. But there are $oh \cdot ow$ windows, and only $kh \cdot kw$ places *inside*
# a window. For one such place, say the upper left one, the numbers of all windows stand in the picture at regular distances,
# so a slice with a step finds them all at once. What do you do with these $kh \cdot kw$ arrays?
# </details>


# %% exercise="max_pool2d_forward"
def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    """The largest number of each window, for each image and channel by itself.

    x: (N, C, H, W), floats; it is not changed. kernel_size: int or pair (kh, kw).
    stride: int or pair; None stands for the kernel size. padding: int or pair, border that never wins.
    Rows and columns at the end that fill no whole window are left out.
    Returns (out, cache): out is (N, C, oh, ow), cache begins with (x, kernel_size, stride, padding), the
    last three as pairs.

    >>> out, cache = max_pool2d_forward(np.array([[[[1.0, 2], [3, 4]]]]), 2)
    >>> out, cache[1:4]
    (array([[[[4.]]]]), ((2, 2), (2, 2), (0, 0)))
    """
    ### BEGIN SOLUTION
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    out = np.full((*x.shape[:2], oh, ow), -np.inf, dtype=x.dtype)
    for i, j in np.ndindex(kh, kw):  # place (i, j) of all windows at once
        np.maximum(out, padded[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw], out=out)
    return out, (x, (kh, kw), (sh, sw), (ph, pw))
    ### END SOLUTION


# %% check="max_pool2d_forward" points=8
check(max_pool2d_forward)

# %% [markdown]
# Now your layer pools a photo. **Predict**: which details survive when only the largest of 4×4 pixels is kept? Does the
# picture get brighter or darker?

# %%
photo = plots.photo()
with when_done("max_pool2d_forward"):
    shown = {"photo": photo}
    for k in (2, 4, 8):
        out, _ = max_pool2d_forward(photo[None, None], k)
        shown[f"max pooling, {k}x{k}"] = np.kron(out[0, 0], np.ones((k, k)))  # each number as a block
    plots.show_pictures(shown)

# %% [markdown]
# Bright things grow and dark things vanish: the maximum is not fair. On the maps inside a network that is what we want, since a
# large number there means "yes, here is one".
#
# ---
# ## 2 · Who gets the gradient?
#
# In the backward pass each output comes with a number `dout`: by how much the loss grows when this output grows by 1. We want the
# same for every input. Move one input of a window a little. What does the output of the window do?
#
# - If the input is the **largest** of its window, the output moves with it: the derivative is 1.
# - If not, the output does not notice: the derivative is 0.
#
# So each window hands its `dout` to its winner, all of it, and nothing to the others.
#
# A. Jain's deck shows it with Torch7: a 4×4 picture, windows of 2×2, and an upstream gradient of ones. **Predict** where the four
# ones go.

# %%
torch7 = [[0.2692, 0.4190, 0.2095, 0.9163], [0.2778, 0.9199, 0.5555, 0.1638]]
torch7 += [[0.6936, 0.2328, 0.0553, 0.1798], [0.3611, 0.3225, 0.9032, 0.5106]]
x = torch.tensor(torch7, requires_grad=True)
out = nn.functional.max_pool2d(x[None], 2)
out.backward(torch.ones(1, 2, 2))
print("m =", *out[0].detach().numpy())
print("ones in", [tuple(place) for place in x.grad.nonzero().tolist()])

# %%
plots.show_routing(torch7, np.ones((2, 2)), 2)

# %% [markdown]
# ### When windows overlap
#
# Now $K = 2$ and $S = 1$: every window shares numbers with its neighbours, and one number can win several windows. It made a
# difference to all their outputs, so it gets all their shares:
#
# $$ dx[r, c] \;=\; \sum_{\text{windows that } x[r, c] \text{ wins}} dout[\text{window}] $$
#
# **Predict** the gradient for the 8, in a picture in which it wins everything.

# %%
centre = np.array([[1.0, 4, 2], [3, 8, 5], [6, 0, 7]])
plots.show_routing(centre, [[1, 2], [3, 4]], 2, stride=1)

# %% [markdown]
# $1 + 2 + 3 + 4 = 10$. And here is the mistake of the 33: the shares are written into `dx` one after the other, and not added. As long
# as windows stand side by side, as in their course's test, nobody notices. When they overlap, each one wipes out what was there.
#
# **Exercise 6** · `routed` · 4 minutes · ●●○
#
# $K = 2$, $S = 1$. What is `dx`? Answer as a list of three rows.
#
# $$ x = \begin{pmatrix} 1 & 5 & 2 \\ 0 & 3 & 4 \\ 6 & 2 & 1 \end{pmatrix} \qquad dout = \begin{pmatrix} 2 & 5 \\ 3 & 4 \end{pmatrix} $$

# %% exercise="routed"
routed = None  # your answer: [[.., .., ..], [.., .., ..], [.., .., ..]]
### BEGIN SOLUTION
routed = [[0, 7, 0], [0, 0, 4], [3, 0, 0]]
### END SOLUTION

# %% check="routed" points=1
check(routed=routed)

# %% [markdown]
# **Exercise 7** · `never_reached` · 3 minutes · ●●○
#
# A picture of **8×8** is pooled with $K = 3$, $S = 2$, no padding. Some of its 64 numbers have the gradient 0 whatever the numbers
# are. How many?

# %% exercise="never_reached"
never_reached = None  # your answer: a number
### BEGIN SOLUTION
never_reached = 15
### END SOLUTION

# %% check="never_reached" points=1
check(never_reached=never_reached)

# %% [markdown]
# ### Ties
#
# What if the largest number stands in a window twice? Then the maximum has a kink at this point, and no derivative: one has to
# settle on something. PyTorch settles on the first one, row by row. Run it:

# %%
tie = torch.tensor([[[3.0, 8.0], [8.0, 8.0]]], requires_grad=True)
nn.functional.max_pool2d(tie, 2).backward(torch.tensor([[[6.0]]]))
print(tie.grad[0].numpy())

# %% [markdown]
# Three conventions are in use: all of it to the **first** of them, all of it to **each** of them, or an equal part to each
# (here 2, 2, 2). The check accepts any of the three, as long as you keep to it. (The second one hands on more than came in, 18 for 6;
# with a comparison like `window == window.max()` it is the easiest to write, and many do.)
#
# With photos ties are rare. Behind a ReLU they are not: whole windows are 0. But there the ReLU's own gradient is 0 as well, and
# it does not matter who gets it.
#
# **Exercise 8** · `max_pool2d_backward` · 40 minutes · ●●●
#
# The check calls *your* `max_pool2d_forward`, and hands its cache to your backward. (If your forward is not right yet, your backward is
# also tried with the cache as the text describes it, so that one mistake is not paid for twice.) Inputs with padding, leftover rows,
# and windows that overlap come up.
#
# <details><summary>Help, I am lost</summary>
#
# Start with zeros in the shape of the *padded* input. Go through the windows as in the forward; find the winner in the window; add the
# window's number of `dout` at its place. At the end cut off the border: which rows of the padded array are those of `x`?
# </details>
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: too many values to unpack (expected 4)`: your cache has more fields. Write `x, kernel_size, stride, padding, *rest = cache`.
# - `ValueError: operands could not be broadcast together with shapes (2,3,3,3) (2,3)`: one number for each image and channel meets a whole
#   window. `dout[:, :, i, j]` is `(N, C)`; with `[:, :, None, None]` behind it, it is `(N, C, 1, 1)`, and fits.
# - *"returned an empty array"*: `dx[:, :, p:-p, p:-p]`, and `p` is 0. Then `-p` is 0, too. Use `p:p + H`.
# - `TypeError: cannot unpack non-iterable int object`: your forward kept the options as they came. The text asks for pairs.
# </details>


# %% exercise="max_pool2d_backward"
def max_pool2d_backward(dout, cache):
    """Gradient of max pooling with respect to its input.

    dout: upstream gradient, (N, C, oh, ow). cache: from max_pool2d_forward; it begins with
    (x, kernel_size, stride, padding), the last three as pairs. Neither is changed.
    Returns dx, in the shape of x.

    >>> x = np.array([[[[1.0, 2, 0], [3, 9, 4]]]])
    >>> out, cache = max_pool2d_forward(x, 2, stride=1)
    >>> max_pool2d_backward(np.array([[[[5.0, 7.0]]]]), cache)
    array([[[[ 0.,  0.,  0.],
             [ 0., 12.,  0.]]]])
    """
    ### BEGIN SOLUTION
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    (H, W), (oh, ow) = x.shape[2:], dout.shape[2:]
    out, _ = max_pool2d_forward(x, (kh, kw), stride=(sh, sw), padding=(ph, pw))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    dpadded = np.zeros_like(padded)
    left = dout.copy()  # what each window has not handed on yet
    for i, j in np.ndindex(kh, kw):
        inputs = np.s_[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw]
        share = left * (padded[inputs] == out)
        dpadded[inputs] += share
        left -= share
    return dpadded[:, :, ph : ph + H, pw : pw + W]
    ### END SOLUTION


# %% check="max_pool2d_backward" points=8
check(max_pool2d_backward)

# %% [markdown]
# Do not take our word for it. `numeric_gradient`, which you wrote in notebook 04, does not know how your backward works: it moves each input
# a little and looks at what the loss does. (When your notebook 04 does not lie beside this one, another is used, and the cell says so.)

# %%
from cs_utils import earlier

numeric_gradient = earlier.own("numeric_gradient")

# %%
with when_done("max_pool2d_forward", "max_pool2d_backward"):
    rng = np.random.default_rng(5)
    x, dout = rng.normal(size=(2, 2, 6, 5)), rng.normal(size=(2, 2, 3, 3))
    out, cache = max_pool2d_forward(x, 3, stride=2, padding=1)

    def loss(x):
        out, _ = max_pool2d_forward(x, 3, stride=2, padding=1)
        return (out * dout).sum()

    gap = np.abs(max_pool2d_backward(dout, cache) - numeric_gradient(loss, x)).max()
    print(f"largest difference: {gap:.1e}")

# %% [markdown]
# And at a tie? Three equal numbers in one window, and an upstream gradient of 1:

# %%
with when_done("max_pool2d_forward", "max_pool2d_backward"):
    tie = np.array([[[[8.0, 8.0, 8.0]]]])
    out, cache = max_pool2d_forward(tie, (1, 3))
    measured = numeric_gradient(lambda x: max_pool2d_forward(x, (1, 3))[0].sum(), tie)
    print("your backward:   ", max_pool2d_backward(np.ones((1, 1, 1, 1)), cache).ravel())
    print("numeric_gradient:", measured.ravel())

# %% [markdown]
# **Exercise 9** · written · 20 minutes · 3 points · ●●●
#
# At this tie `numeric_gradient` says 0.5 for each of the three numbers. None of the three conventions gives that.
#
# 1. Where does the 0.5 come from? Work it out with the formula $\dfrac{f(x + h) - f(x - h)}{2h}$, for one of the three numbers.
# 2. Is a backward that hands all of it to the first number wrong, then? Say what it means to you that a gradient is "right" here.
# 3. You write a test that compares a max pooling with `numeric_gradient`. Which inputs do you choose, so that such a false alarm never
#    comes up, and why is it enough?
#
# A few lines for each are enough. One point for each part.

# %% [markdown] written="tie_check" points=3
# ### BEGIN SOLUTION
# 1. Raise one of the three by $h$: it becomes the only winner, and the maximum grows by $h$. Lower it by $h$: the other two are still 8,
#    and the maximum stays. So $(8 + h - 8) / 2h = 1/2$. It is the mean of the slope to the right, 1, and the slope to the left, 0.
# 2. No. At the kink there is no derivative, and any number from 0 to 1 lies between the two slopes. What counts is that the loss goes
#    down when we follow the gradient, and that the choice is the same every time. Handing on 1 in total (the first, or equal parts) is
#    a subgradient: one of the slopes of lines that stay below the maximum and touch it at this point. "All to each" is none, since it
#    hands on 3, but it still points downhill.
# 3. Numbers that are all different, further apart than $2h$: for example a shuffled `np.arange`, or normal random numbers, where two that
#    are closer than $10^{-5}$ are improbable. Then moving one of them by $h$ never changes the winner, so the maximum is
#    smooth at this point, and both must agree.
#
# Rubric, one point each:
# - the two evaluations, and that lowering one of several winners changes nothing (just "there is a kink": half a point);
# - not wrong, with a reason: no derivative there, a matter of convention, any value between the one-sided slopes;
# - inputs without ties *and* with gaps larger than the step, with the reason that the winner must not change under the step. "Random
#   floats" alone: half a point.
# ### END SOLUTION

# %% [markdown]
# ---
# ## 3 · The mean instead of the largest
#
# LeCun's LeNet of 1998 used **average pooling**. On A. Jain's slide it stands under "other pooling layers", without an example, so we take
# that of CS163 again. **Predict** the four means.

# %%
print(picture)
print("->", nn.AvgPool2d(2)(torch.from_numpy(picture)[None])[0].tolist())

# %% [markdown]
# And what with a border? Here it is made of zeros, and the question is whether they count. In PyTorch, and in these notebooks, they
# do (`count_include_pad=True`): every window is divided by $kh \cdot kw$, at the border, too.

# %%
eights = torch.full((1, 1, 4, 4), 8.0)
for counted in (True, False):
    pooled = nn.AvgPool2d(2, padding=1, count_include_pad=counted)(eights)
    print(f"count_include_pad={counted}:", *(row.tolist() for row in pooled[0, 0]))

# %% [markdown]
# A wall of eights gets a dark frame. You know that from the border of a convolution with zeros, and for the same reason: an average
# pooling *is* a convolution, as you will see in section 5.
#
# **Exercise 10** · `padded_average` · 3 minutes · ●●○
#
# $K = 3$, $S = 2$, padding 1, zeros count: what becomes of this picture? Answer as a list of rows.
#
# $$\begin{pmatrix} 9 & 0 & 18 \\ 9 & 9 & 9 \\ 27 & 0 & 9 \end{pmatrix}$$

# %% exercise="padded_average"
padded_average = None  # your answer: [[.., ..], [.., ..]]
### BEGIN SOLUTION
padded_average = [[3, 4], [5, 3]]
### END SOLUTION

# %% check="padded_average" points=1
check(padded_average=padded_average)

# %% [markdown]
# **Exercise 11** · `avg_pool2d_forward` · 10 minutes · ●○○
#
# Copy your `max_pool2d_forward`, and look at each line: what must change? (Two lines, if you are careful.) The cache is the same.
#
# <details><summary>Help, I get this error</summary>
#
# - *"contains NaN or infinity where ordinary numbers were expected"*: the border is still $-\infty$.
# - `RuntimeWarning: Mean of empty slice`: a window was empty. Are there more windows than fit?
# </details>


# %% exercise="avg_pool2d_forward"
def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    """The mean of each window, for each image and channel by itself. Padded zeros count.

    x: (N, C, H, W), floats; it is not changed. kernel_size: int or pair (kh, kw).
    stride: int or pair; None stands for the kernel size. padding: int or pair, border of zeros.
    Rows and columns at the end that fill no whole window are left out.
    Returns (out, cache): out is (N, C, oh, ow), cache begins with (x, kernel_size, stride, padding), the
    last three as pairs.

    >>> out, cache = avg_pool2d_forward(np.array([[[[1.0, 2], [3, 4]]]]), 2)
    >>> out
    array([[[[2.5]]]])
    """
    ### BEGIN SOLUTION
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    sh, sw = (kh, kw) if stride is None else pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    oh, ow = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    out = np.zeros((*x.shape[:2], oh, ow), dtype=x.dtype)
    for i, j in np.ndindex(kh, kw):
        out += padded[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw]
    return out / (kh * kw), (x, (kh, kw), (sh, sw), (ph, pw))
    ### END SOLUTION


# %% check="avg_pool2d_forward" points=5
check(avg_pool2d_forward)

# %% [markdown]
# ### Backward
#
# Move one input of a window by 1. By how much does the mean of its $kh \cdot kw$ numbers move? By $\frac{1}{kh \cdot kw}$, whichever it is.
#
# **Predict** `dx` for a 3×3 picture, $K = 2$, $S = 1$, and `dout` of fours. Which number is the largest?

# %%
x = torch.rand(1, 3, 3, requires_grad=True)
nn.functional.avg_pool2d(x, 2, stride=1).backward(torch.full((1, 2, 2), 4.0))
plots.show_tables({"dout": np.full((2, 2), 4), "dx": x.grad[0].numpy()})

# %% [markdown]
# The centre lies in all four windows, and gets $4 \cdot \frac{4}{4}$. Nobody asked what the numbers in `x` are: a mean is linear, so only
# the *shape* of `x` matters.
#
# **Exercise 12** · `avg_pool2d_backward` · 15 minutes · ●●○


# %% exercise="avg_pool2d_backward"
def avg_pool2d_backward(dout, cache):
    """Gradient of average pooling with respect to its input.

    dout: upstream gradient, (N, C, oh, ow). cache: from avg_pool2d_forward; it begins with
    (x, kernel_size, stride, padding), the last three as pairs. Neither is changed.
    Returns dx, in the shape of x.

    >>> out, cache = avg_pool2d_forward(np.array([[[[1.0, 2], [3, 4]]]]), 2)
    >>> avg_pool2d_backward(np.array([[[[8.0]]]]), cache)
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    ### BEGIN SOLUTION
    x, (kh, kw), (sh, sw), (ph, pw) = cache
    (N, C, H, W), (oh, ow) = x.shape, dout.shape[2:]
    dpadded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=dout.dtype)
    for i, j in np.ndindex(kh, kw):
        dpadded[:, :, i : i + oh * sh : sh, j : j + ow * sw : sw] += dout / (kh * kw)
    return dpadded[:, :, ph : ph + H, pw : pw + W]
    ### END SOLUTION


# %% check="avg_pool2d_backward" points=5
check(avg_pool2d_backward)

# %%
with when_done("avg_pool2d_forward", "avg_pool2d_backward"):
    rng = np.random.default_rng(6)
    x, dout = rng.normal(size=(2, 2, 6, 5)), rng.normal(size=(2, 2, 3, 3))
    out, cache = avg_pool2d_forward(x, 3, stride=2, padding=1)

    def loss(x):
        out, _ = avg_pool2d_forward(x, 3, stride=2, padding=1)
        return (out * dout).sum()

    gap = np.abs(avg_pool2d_backward(dout, cache) - numeric_gradient(loss, x)).max()
    print(f"largest difference: {gap:.1e}")

# %% [markdown]
# ### One window for all
#
# Let the window be as large as the picture, and one number is left of each channel: **global average pooling**. With it, a network can
# do without the flatten layer and the huge linear layer behind it. The 20/50 LeNet of notebook 02 spends 1,225,500
# of its 1,256,080 parameters there. With a global average pooling, a linear layer of 50 to 10 is enough: 510 parameters.
# (The idea is from *Network in Network*; ResNets end like that, too.)
#
# **Exercise 13** · `global_avg_pool` · 3 minutes · ●○○


# %% exercise="global_avg_pool"
def global_avg_pool(x):
    """The mean of every channel of every image.

    x: (N, C, H, W). Returns an array (N, C).

    >>> global_avg_pool(np.array([[[[1.0, 2], [3, 4]], [[5, 5], [5, 5]]]]))
    array([[2.5, 5. ]])
    """
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3))
    ### END SOLUTION


# %% check="global_avg_pool" points=2
check(global_avg_pool)

# %% [markdown]
# Max against mean, on the photo. **Predict** what the mean does to the details.

# %%
with when_done("max_pool2d_forward", "avg_pool2d_forward"):
    shown = {"photo": photo}
    for name, pool in {
        "max pooling, 6x6": max_pool2d_forward,
        "average pooling, 6x6": avg_pool2d_forward,
    }.items():
        out, _ = pool(photo[None, None], 6)
        shown[name] = np.kron(out[0, 0], np.ones((6, 6)))
    plots.show_pictures(shown)

# %% [markdown]
# The mean is fair to light and dark, and washes small things out; the maximum keeps small bright things, however few they are.
#
# ---
# ## 4 · What moves when the picture moves?
#
# Here the decks do not agree with each other:
#
# - A. Jain puts **"Translational Invariance"** over the slide of a *convolution*. (IIT Tirupati says "invariance in translation", too.)
# - Georgia Tech says that a convolution has the property of **equivariance**: when a feature is translated, "output values move by the same
#   translation". With pooling, "if feature (such as beak) translated a little bit, output values still **remain the same**".
# - CS163 says that max pooling "introduces **invariance** to small spatial shifts".
#
# Two words, two formulas. Let $T$ move a picture. A layer $f$ is
#
# - **equivariant**, if $f(T x) = T f(x)$: the answer *moves along*;
# - **invariant**, if $f(T x) = f(x)$: the answer *stays*.
#
# Who is right? This is no matter of opinion. We measure it. First the convolution, with a picture that is dark except for one spot:

# %%
spot = torch.zeros(1, 1, 9, 12)
spot[0, 0, 4, 3] = 1.0
kernel = torch.tensor([[[[0.0, 1, 0], [1, 3, 1], [0, 1, 0]]]])
for name, x in {"before": spot, "moved 4 to the right": spot.roll(4, dims=3)}.items():
    answer = nn.functional.conv2d(x, kernel)[0, 0]
    row, column = divmod(int(answer.argmax()), answer.shape[1])
    print(f"{name}: the largest answer stands in row {row}, column {column}")

# %% [markdown]
# **Exercise 14** · `moved_response` · 2 minutes · ●○○
#
# The largest answer of a convolution with stride 1 stands in row 5, column 7. Now everything in the picture moves **2 rows down and 3 columns
# to the right**. (Nothing of interest leaves it.) Where is the largest answer now, (row, column)?

# %% exercise="moved_response"
moved_response = None  # your answer: (row, column)
### BEGIN SOLUTION
moved_response = (7, 10)
### END SOLUTION

# %% check="moved_response" points=1
check(moved_response=moved_response)

# %% [markdown]
# One spot proves little. Let us have two numbers for any picture: how far is the answer from *moving along*, and how far is it from
# *staying*?
#
# **Exercise 15** · `shift_errors` · 15 minutes · ●●○
#
# `before` is the answer of a layer to a picture, `after` its answer to the picture moved. If the answer moves along, then what stood in column
# $c$ before stands in column $c + \text{shift}$ after:
#
# $$ e_\text{moves} = \text{mean} \; \bigl|\, \text{after}[\dots, c + \text{shift}] - \text{before}[\dots, c] \,\bigr|
# \qquad\qquad e_\text{stays} = \text{mean} \; \bigl|\, \text{after} - \text{before} \,\bigr| $$
#
# The first mean is taken over the columns that both answers know. The shift is 0 or more.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: operands could not be broadcast together with shapes (1,1,2,3) (1,1,2,0)`: a slice `[..., :-shift]`, and the shift is 0.
#   You have met `-0` before in this notebook.
# - `ValueError: operands could not be broadcast together with shapes (1,1,2,4) (1,1,2,3)`: when one of the two loses columns on the left,
#   the other one must lose as many on the right.
# </details>


# %% exercise="shift_errors"
def shift_errors(before, after, *, shift):
    """How far an answer is from moving along with the picture, and how far from staying as it was.

    before, after: answers (N, C, H, W) to a picture and to the picture moved. They are not changed.
    shift: by how many columns to the right the answer is expected to move, an int, 0 or more.
    Returns (moves, stays): mean absolute differences, two numbers.

    >>> shift_errors(np.array([[[[5.0, 1, 0]]]]), np.array([[[[0.0, 5, 1]]]]), shift=1)
    (0.0, 3.3333333333333335)
    """
    ### BEGIN SOLUTION
    W = before.shape[3]
    moves = np.abs(after[..., shift:] - before[..., : W - shift]).mean()
    stays = np.abs(after - before).mean()
    return float(moves), float(stays)
    ### END SOLUTION


# %% check="shift_errors" points=2
check(shift_errors)

# %% [markdown]
# Now for the experiment. A face moves to the right in front of a black wall, and the layer is a convolution with an edge kernel and
# a ReLU.


# %%
def scene(shift):
    """A face in front of a black wall, `shift` columns to the right of where it was: (1, 1, 80, 96)."""
    x = np.zeros((1, 1, 80, 96))
    x[0, 0, 8:72, 16 + shift : 64 + shift] = photo[10:74, 38:86]
    return x


def convolution(x):
    """An edge kernel, then a ReLU."""
    edges = torch.tensor([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]).double()
    return nn.functional.conv2d(torch.from_numpy(x), edges).relu().numpy()


# %%
shown = {f"shift {shift}": scene(shift)[0, 0] for shift in (0, 8)}
plots.show_pictures({**shown, "answer to shift 8": convolution(scene(8))[0, 0]})

# %% [markdown]
# **Predict**: which of the two errors is 0 for the convolution? For which shifts?

# %%
with when_done("shift_errors"):
    for shift in (1, 2, 3):
        moves, stays = shift_errors(convolution(scene(0)), convolution(scene(shift)), shift=shift)
        print(f"picture moved by {shift}: moves along {moves:.3f}, stays {stays:.3f}")

# %% [markdown]
# The first error is exactly 0, for every shift: **a convolution is equivariant**, and it is not invariant at all. Georgia Tech is right
# about it, and the heading "Translational Invariance" is not. It has to be so: the same kernel is used at every place. Padding is the only thing that
# tells places apart. (And a stride: then the answer moves along only when the picture moves by a multiple of it.)
#
# And pooling? **Predict** for 2×2 max pooling behind the convolution: by how many columns does its answer move, when the picture moves by 2? By 4? By 1?

# %%
with when_done("shift_errors", "max_pool2d_forward"):
    before, _ = max_pool2d_forward(convolution(scene(0)), 2)
    for shift in (2, 4, 1):
        after, _ = max_pool2d_forward(convolution(scene(shift)), 2)
        moves, stays = shift_errors(before, after, shift=shift // 2)
        print(f"moved by {shift}, answer by {shift // 2}: moves along {moves:.3f}, stays {stays:.3f}")

# %% [markdown]
# By a multiple of the stride the pooled answer moves along exactly: pooling is equivariant, too, in steps of its stride. In between there is
# half a column to move by, and there is none: neither error is 0. So is "output values still remain the same" true? Let one spot wander,
# and watch the pooled row.

# %%
wandering = np.eye(8)
with when_done("max_pool2d_forward"):
    pooled, _ = max_pool2d_forward(wandering[:, None, None, :], (1, 2))
    plots.show_spots(wandering, pooled[:, 0, 0], kernel_size=2)

# %% [markdown]
# Sometimes! Inside its window the spot may move as it likes; when it crosses the edge of a window the answer changes.
#
# **Exercise 16** · `unmoved_spots` · 4 minutes · ●●○
#
# A row of 12 pixels, pooled with windows of **3**, side by side. A spot wanders from column 0 to column 11: eleven steps. After how many of these
# steps is the pooled row the same as before the step?

# %% exercise="unmoved_spots"
unmoved_spots = None  # your answer: a number
### BEGIN SOLUTION
unmoved_spots = 8
### END SOLUTION

# %% check="unmoved_spots" points=1
check(unmoved_spots=unmoved_spots)

# %% [markdown]
# So "invariance to small shifts" is an *approximation*, and how good it is depends on the size of the windows. Here is how much the answers change, as a
# share of the answer itself. **Predict** which curve lies lowest.

# %%
LAYERS = {
    "convolution": convolution,
    "+ max pooling 2x2": lambda x: max_pool2d_forward(convolution(x), 2)[0],
    "+ max pooling 8x8": lambda x: max_pool2d_forward(convolution(x), 8)[0],
    "+ global average": lambda x: global_avg_pool(convolution(x))[..., None, None],
}
with when_done("shift_errors", "max_pool2d_forward", "global_avg_pool"):
    changes, shifts = {}, range(7)
    for name, layer in LAYERS.items():
        before = layer(scene(0))
        stays = [shift_errors(before, layer(scene(shift)), shift=0)[1] for shift in shifts]
        changes[name] = np.array(stays) / np.abs(before).mean()
    plots.show_shift_errors(changes, shifts)

# %% [markdown]
# The larger the windows, the less a shift matters; and at the end of this road stands the global average pooling, which is **exactly** invariant (as long as
# nothing leaves the picture). There nothing is left that could say *where* the face is. That is the price, and whether it is worth paying depends on the question
# that the network has to answer.
#
# ---
# ## 5 · Without pooling
#
# "No Pooling?", asks A. Jain's last slide on the subject, and names a paper: *Striving for Simplicity: The All Convolutional Net* (Springenberg,
# Dosovitskiy, Brox, Riedmiller). Its idea: a convolution with stride 2 makes pictures smaller as well, and it can *learn* how.
#
# How far is that from pooling? An average pooling is a sum of numbers times fixed weights, at regular places. That **is** a convolution.
#
# **Exercise 17** · `average_kernel` · 10 minutes · ●●○
#
# Which weight must a convolution have, so that it does what an average pooling does? Mind the channels: in a pooling they stay apart, and a filter
# reaches through all of them.


# %% exercise="average_kernel"
def average_kernel(channels, kernel_size):
    """The weight with which a convolution averages windows, each channel by itself.

    channels: number of channels of the input, and of the output. kernel_size: int or pair (kh, kw).
    Returns an array (channels, channels, kh, kw).

    >>> average_kernel(1, 2)
    array([[[[0.25, 0.25],
             [0.25, 0.25]]]])
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size)
    w = np.zeros((channels, channels, kh, kw))
    w[range(channels), range(channels)] = 1 / (kh * kw)
    return w
    ### END SOLUTION


# %% check="average_kernel" points=3
check(average_kernel)

# %%
with when_done("average_kernel"):
    plots.show_kernels(average_kernel(3, 2))

# %%
with when_done("average_kernel", "avg_pool2d_forward"):
    x = np.random.default_rng(7).normal(size=(2, 3, 8, 8))
    weight = torch.from_numpy(average_kernel(3, 2))
    convolved = nn.functional.conv2d(torch.from_numpy(x), weight, stride=2).numpy()
    print("largest difference:", np.abs(convolved - avg_pool2d_forward(x, 2)[0]).max())

# %% [markdown]
# So a convolution with stride can be an average pooling, if training wants it to be, and can be something better. (Max pooling it cannot be: a
# maximum is not linear. But a ReLU between two convolutions helps: $\max(a, b) = b + \text{ReLU}(a - b)$.) The authors found no loss in accuracy on several
# data sets. What does it cost?

# %%
for layer in (nn.MaxPool2d(2), nn.Conv2d(16, 16, 3, stride=2, padding=1)):
    shape = tuple(layer(torch.rand(1, 16, 32, 32)).shape)
    count = sum(p.numel() for p in layer.parameters())
    print(f"{type(layer).__name__}: (1, 16, 32, 32) -> {shape}, {count:,} parameters")

# %% [markdown]
# **Exercise 18** · `conv_instead` · 2 minutes · ●○○
#
# The all-convolutional net has 96 channels where it first gets smaller. How many parameters does a 3×3 convolution with stride 2 have there, from 96 to 96
# channels, with biases?

# %% exercise="conv_instead"
conv_instead = None  # your answer: a number
### BEGIN SOLUTION
conv_instead = 96 * (96 * 3 * 3 + 1)
### END SOLUTION

# %% check="conv_instead" points=1
check(conv_instead=conv_instead)

# %% [markdown]
# Today most networks go this way: a ResNet has one max pooling near its beginning, one global average pooling at its end, and convolutions with stride 2 in between.
#
# **Exercise 19** · written · 25 minutes · 3 points · ●●●
#
# Three networks look at photos of the sky, taken by night:
#
# - **A** answers: is there a meteor in this picture? (A thin bright line, a few pixels wide, anywhere.)
# - **B** answers: how much of the sky is covered by clouds? (A number from 0 to 1.)
# - **C** answers: at which row and column is the moon?
#
# For each one, choose what stands at the end of the convolutions: global max pooling, global average pooling, or neither (say what instead). Give a reason that speaks of
# what is kept and what is lost. Then choose *one* of the three, and describe a measurement, with `shift_errors` or another one, whose result could prove you wrong.
#
# A person reads your answer; five to ten lines in all are enough. One point for the three choices with their reasons, one for saying what each loses, one for a
# measurement that could come out against you.

# %% [markdown] written="which_pooling" points=3
# ### BEGIN SOLUTION
# **A**: global max pooling. One strong answer anywhere is enough, and it does not matter where, or how many pixels stayed dark. Lost: the place, and how many
# meteors there are. A mean would water a few pixels down among thousands.
#
# **B**: global average pooling. The share of the sky is a mean of "cloud here?" over all places. Lost: where the clouds are, which nobody asked. A maximum would say 1 as
# soon as there is one cloud.
#
# **C**: neither: after a global pooling the place is gone. Keep the map, as it is equivariant: flatten it and use a linear layer, or take the place of its largest
# answer; make it smaller as little as possible (stride or pooling of 4 leaves an error of up to four pixels).
#
# A measurement, for example for C: move the moon by 1, 2, 3, ... columns. The network's answer must move by as much. If with poolings inside it moves in jumps of the
# total stride, the pooling was too much. For A: paste the same meteor at a hundred places of a dark sky; the answer must be the same everywhere (`stays` near 0),
# and paste one that is half as long: with a mean the answer halves, with a maximum it should hardly change.
#
# Rubric, one point each:
# - A max, B mean, C neither (or a soft version of it, such as a weighted mean of coordinates), each with a reason tied to the question (two of three: half a point);
# - says for each choice what is lost (place, number, small things), not only what is kept;
# - a measurement with a prediction in numbers or directions, and an outcome that would speak against the choice. "Train both and compare the accuracy" alone: half
#   a point.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | | max pooling | average pooling |
# |---|---|---|
# | forward | the largest of each window | the mean of each window |
# | border | $-\infty$: never wins | 0, and it counts |
# | backward | all of `dout` to the winner | $\frac{1}{kh \cdot kw}$ of `dout` to each |
# | where windows overlap | shares **add up** | shares **add up** |
# | parameters | none | none |
# | a shift by a multiple of the stride | the answer moves along | the answer moves along |
# | a smaller shift | the answer changes a little | the answer changes a little |
#
# In notebook 06 the layers will look at the whole batch, and at themselves: normalisation. Your pooling is needed again in notebook 08, in a LeNet made of your own layers.
