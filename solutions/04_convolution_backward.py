"""Notebook 04: measured gradients, the backward pass of a convolution, transposed convolution.

Sources of the worked numbers: Georgia Tech CS 7643 (convolution lecture: the derivation of both gradients) and
A. Jain's building blocks (the transposed convolution). All of them were recomputed.
"""
# %% [markdown]
# # 04 · The convolution layer, backward
#
# In notebook 03 a picture went *through* a convolution layer. When a network learns, something comes back: for every
# output number, how much the loss would change if that number changed. The layer has to answer two questions about it.
# How much would the loss change with each of *my weights*? Those answers let the layer learn. And how much with each of
# *my inputs*? Those answers are handed to the layer before.
#
# You will answer both with a pencil first, for one picture and one kernel, and find a rather beautiful symmetry between
# the way forward and the two ways back. Then you answer them for the whole layer, with everything that its options ask
# for. And before all that you build the tool by which every backward pass in this course is tested: a gradient that is
# *measured*.
#
# | Part | You write | Minutes |
# |---|---|---|
# | 1. A gradient that is measured | `numeric_gradient`, one question | 45 |
# | 2. What a kernel number touches | `kernel_gradient`, two questions | 45 |
# | 3. What an input pixel touches | `input_gradient`, two questions | 65 |
# | 4. Columns go home | `col2im` | 45 |
# | 5. The whole layer | `conv2d_backward`, one question | 70 |
# | 6. Stamps | `conv_transpose2d`, two questions | 50 |
# | 7. In your own words | two answers | 40 |
#
# **How to work.** *Predict* first, then run the cell, then read on. Fill in the cells that say so, run the `check(...)`
# under each one, and read what it tells you. Nothing here needs a GPU. Plan six hours in three sittings; 47 points in all.
# Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk in between.
#
# **Notation**, as before: `x` is `(N, C, H, W)`, `w` is `(D, C, kh, kw)`, `b` is `(D,)`, and `out` is `(N, D, oh, ow)`. The
# **upstream gradient** $\partial L/\partial \text{out}$ is called `dout`; it has the shape of `out`. In the same way `dx`
# has the shape of `x`, `dw` that of `w` and `db` that of `b`. Always: a gradient has the shape of what it belongs to.

# %% tags=["needed"]
import numpy as np

from cs_utils import check, plots, when_done

# %%
import torch
import torch.nn.functional as F

# %% [markdown]
# Options such as `stride` are an int or a pair `(rows, columns)`, as in notebook 03. The little helper again:


# %% tags=["needed"]
def pair(value):
    """The pair (rows, columns) that an option stands for: 2 means (2, 2)."""
    return value if isinstance(value, tuple) else (value, value)


# %% [markdown]
# ---
# ## 1 · A gradient that is measured
#
# A derivative says how much $f$ changes when $x$ is nudged a little, per size of the nudge. So nudge it:
#
# $$ f'(x) \approx \frac{f(x+h) - f(x)}{h} \qquad\text{or}\qquad f'(x) \approx \frac{f(x+h) - f(x-h)}{2h} $$
#
# The first looks to one side, the second to both; it is called the **central difference**. Draw a parabola and both
# lines through two of its points, and you see why the second is better. How much better? By Taylor's theorem
#
# $$ \frac{f(x+h) - f(x)}{h} = f'(x) + \tfrac{h}{2} f''(x) + \dots \qquad
#    \frac{f(x+h) - f(x-h)}{2h} = f'(x) + \tfrac{h^2}{6} f'''(x) + \dots $$
#
# So make $h$ tiny, and all is well? **Predict** what the two curves do from right to left, then run the cell. It measures
# the slope of $e^x$ at $x = 1$, which is $e$.

# %%
steps = 10.0 ** -np.arange(1, 13)
one_sided = [abs((np.exp(1 + h) - np.exp(1)) / h - np.e) for h in steps]
central = [abs((np.exp(1 + h) - np.exp(1 - h)) / (2 * h) - np.e) for h in steps]
plots.show_step_errors(steps, {"one-sided": one_sided, "central": central})

# %% [markdown]
# From the right both get better, the central one twice as steeply: a tenth of the step, a *hundredth* of the error. Then
# they turn. A float64 carries about 16 digits, and $f(x+h)$ and $f(x-h)$ agree in nearly all of them when $h$ is tiny: what
# is left of their difference is rounding. Between $10^{-5}$ and $10^{-7}$ the central difference is right to about ten digits;
# which of them is best is luck. The larger a loss, the more it is rounded, and a larger step suffers less from that. So
# $10^{-5}$ is the default below.
#
# ### Question: by hand · 3 minutes · ●○○
#
# $f(x) = x^3$ at $x = 2$ with the huge step $h = 1$: what does the one-sided difference give, and what the central one?
# (The true slope is 12.) Answer as a pair `(one-sided, central)`.

# %% exercise="slopes_by_hand"
slopes_by_hand = None  # your answer: (one-sided, central)
### BEGIN SOLUTION
slopes_by_hand = (19, 13)
### END SOLUTION

# %% check="slopes_by_hand" points=1
check(slopes_by_hand=slopes_by_hand)

# %% [markdown]
# ### Exercise: `numeric_gradient` · 25 minutes · ●●○
#
# Now for a function of *many* numbers: `f` takes an array and gives one number, say a loss. Its gradient is an array, too: one
# slope for every number of `x`. In a copy of `x`: nudge one number, ask `f`, put the number back, and go on to the next.
#
# `x` may have any number of axes. It may hold whole numbers. And it belongs to the caller: don't change it, **not even for a
# moment**. The function `f` may be looking at that very array.
#
# <details><summary>Help, how do I visit every number of an array with any number of axes?</summary>
#
# `for index in np.ndindex(x.shape):` gives one tuple after the other, such as `(0, 2, 1)`, and `x[index]` is the number.
# </details>
#
# <details><summary>Help, my gradient is 0, or has six digits where it should have one</summary>
#
# Is `x` an array of whole numbers? Then `x[index] += 1e-5` is cut down to a whole number again. Work on a copy that holds
# floats: `x.astype(float)` makes one.
# </details>
#
# <details><summary>Help, the group "a function that looks at x itself" fails</summary>
#
# There `f` is `lambda z: (z * x).sum()`, and `x` is the array that you were given. If you nudge *it*, both factors change. Nudge
# a copy.
# </details>


# %% exercise="numeric_gradient"
def numeric_gradient(f, x, *, h=1e-5):
    """Measure the gradient of f at x by central differences.

    f: function that takes an array of the shape of x and returns a number.
    x: array of any shape, of floats or whole numbers; it is never changed. h: the step.
    Returns a float array of the shape of x.

    >>> numeric_gradient(lambda x: (x**2).sum(), np.array([1.0, 3.0])).round(6)
    array([2., 6.])
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=float)  # a copy of our own: f may be looking at the caller's x
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        middle = x[index]
        x[index] = middle + h
        above = f(x)
        x[index] = middle - h
        below = f(x)
        x[index] = middle
        gradient[index] = (above - below) / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numeric_gradient" points=6
check(numeric_gradient)

# %% [markdown]
# How near is near enough? Compare the difference with the size of the numbers themselves:
#
# $$ \text{relative error} = \frac{\max |a - b|}{\max(\max|a|, \max|b|)} $$
#
# As a rule of thumb for float64: below $10^{-7}$ your formula is right; above $10^{-4}$ it is wrong; in between, be suspicious.
# Try it on a function whose gradient you know: for $f(x) = \sum x_i^3$ it is $3x^2$.


# %%
def relative_error(a, b):
    return np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max())


x = np.array([[1.0, -2, 0.5], [3, 0, -1]])
with when_done("numeric_gradient"):
    measured = numeric_gradient(lambda x: (x**3).sum(), x)
    print(measured.round(6))
    print(f"right: {relative_error(measured, 3 * x**2):.0e}")
    print(f"wrong: {relative_error(measured, 3 * x**2 + 0.01):.0e}")

# %% [markdown]
# This little function can test any backward pass that you will ever write. It has one weakness: it calls $f$ twice for
# *every* number of $x$. **Predict:** how many forward passes would one step of training cost by this method, for the
# 1,256,080 parameters of notebook 02's LeNet?
#
# (2.5 million, for one gradient. The backward pass that you write now needs about as much work as *two* forward passes.)

# %% [markdown]
# ---
# ## 2 · What a kernel number touches
#
# One picture $x$, one kernel $k$, stride 1, no padding. The layer's output is
#
# $$ y(r, c) = \sum_{a=0}^{k_1-1} \sum_{b=0}^{k_2-1} x(r+a,\, c+b)\; k(a, b) . $$
#
# From behind comes $\partial L/\partial y(r,c)$ for every output. We want $\partial L/\partial k(a,b)$, so we ask with the
# lecture of Georgia Tech: *what does the kernel number $k(a,b)$ affect at the output?*
#
# **Everything.** Every output was made with it. So the chain rule sums over all outputs:
#
# $$ \frac{\partial L}{\partial k(a,b)} = \sum_{r} \sum_{c} \frac{\partial L}{\partial y(r,c)}\;
#    \frac{\partial y(r,c)}{\partial k(a,b)} . $$
#
# And the last factor? In the sum for $y(r,c)$ the number $k(a,b)$ occurs once, and it multiplies $x(r+a, c+b)$. So
#
# $$ \boxed{\frac{\partial L}{\partial k(a,b)} = \sum_{r} \sum_{c} \frac{\partial L}{\partial y(r,c)}\; x(r+a,\, c+b)} $$
#
# Read it slowly. For $(a, b) = (0, 0)$ the upstream gradient is laid over the upper left corner of $x$; multiply, sum up. For
# $(0, 1)$ it is shifted by one to the right. **You know this sum.** It is the first equation, with other letters: the
# cross-correlation of $x$ with the upstream gradient, which takes the place of the kernel.
#
# **Predict** the shape of the result for a 4×5 picture and a 3×3 upstream gradient. Then look.

# %%
x = np.array([[1, 0, 2, 1, 0], [3, 1, 0, 2, 1], [0, 2, 1, 1, 3], [1, 1, 0, 3, 2]])
dout = np.array([[1, 2, 0], [0, 1, 3], [2, 0, 1]])
plots.show_sliding(x, dout, names=("x", "dout", "dk"))

# %% [markdown]
# $4 - 3 + 1 = 2$ rows and $5 - 3 + 1 = 3$ columns, the size of the kernel. (Of course: a gradient has the shape of what it
# belongs to.)
#
# ### Spot the slip: "up to (H, W)"
#
# A slide of the Georgia Tech lecture lists what is summed over, for an output of size $H \times W$:
#
# > Need to incorporate all upstream gradients: { ∂L/∂y(0,0), ∂L/∂y(0,1), …, ∂L/∂y(H,W) }
#
# Let NumPy have a word about it:

# %%
upstream = np.ones((2, 3))  # H = 2, W = 3
try:
    upstream[2, 3]
except IndexError as error:
    print("IndexError:", error)

# %% [markdown]
# **Exercise** · `last_output` · 3 minutes · ●○○
#
# A 9×6 input, a 3×3 kernel, no padding. Which is the last upstream gradient in the list, ∂L/∂y(row, column)? Answer as
# `(row, column)`.

# %% exercise="last_output"
last_output = None  # your answer: (row, column)
### BEGIN SOLUTION
last_output = (6, 3)
### END SOLUTION

# %% check="last_output" points=1
check(last_output=last_output)

# %% [markdown]
# ### Question: by hand · 5 minutes · ●●○
#
# What is the gradient for the kernel here? Answer as two rows, such as `((1, 2), (3, 4))`.
#
# $$ x = \begin{pmatrix} 1 & 0 & 2 \\ 3 & 1 & 0 \\ 0 & 2 & 1 \end{pmatrix} \qquad
#    \frac{\partial L}{\partial y} = \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix} $$

# %% exercise="dk_by_hand"
dk_by_hand = None  # your answer: ((.., ..), (.., ..))
### BEGIN SOLUTION
dk_by_hand = ((2, 4), (7, 2))
### END SOLUTION

# %% check="dk_by_hand" points=1
check(dk_by_hand=dk_by_hand)

# %% [markdown]
# ### Exercise: `kernel_gradient` · 15 minutes · ●○○
#
# Write the boxed sum as a function. Loops are fine, so is anything of NumPy; but not `torch`.
#
# <details><summary>Help, how large is the kernel? I am not given it</summary>
#
# A kernel of $k$ rows has $H - k + 1$ places in $H$ rows, and that is how many rows `dout` has. Solve for $k$.
# </details>
#
# <details><summary>Help, I get "operands could not be broadcast together with shapes (2,3) (3,3)"</summary>
#
# The last window sticks out of `x`, so there are too many of them. Count rows and columns separately: neither picture nor kernel
# need be square.
# </details>


# %% exercise="kernel_gradient"
def kernel_gradient(x, dout):
    """Gradient of the loss for the kernel of a 2-D cross-correlation (stride 1, no padding).

    x: input, shape (H, W). dout: upstream gradient, shape (oh, ow), not larger than x.
    Returns an array of the shape of the kernel.

    >>> kernel_gradient(np.array([[1.0, 2], [3, 4]]), np.array([[10.0]]))
    array([[10., 20.],
           [30., 40.]])
    """
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(x, dout.shape)
    return (windows * dout).sum(axis=(2, 3))
    ### END SOLUTION


# %% check="kernel_gradient" points=3
check(kernel_gradient)

# %% [markdown]
# Do you believe it? Measure it. As a loss take $L = \sum y \cdot g$: its upstream gradient is $g$, whatever $y$ is.

# %%
x, g = torch.rand(4, 5, dtype=torch.float64), torch.rand(3, 3, dtype=torch.float64)


def loss(k):
    y = F.conv2d(x[None, None], torch.from_numpy(k)[None, None])
    return float((y[0, 0] * g).sum())


with when_done("numeric_gradient", "kernel_gradient"):
    measured = numeric_gradient(loss, np.ones((2, 3)))
    print(f"relative error: {relative_error(kernel_gradient(x.numpy(), g.numpy()), measured):.0e}")

# %% [markdown]
# ---
# ## 3 · What an input pixel touches
#
# Now the other one: $\partial L / \partial x(r', c')$. *What does this input pixel affect at the output?* Not everything. Only the
# outputs whose window lies over it.
#
# Walk through the kernel with the slider `step`. When $k(0,0)$ lies on the pixel, the window begins at the pixel, and that is
# output $y(r', c')$. When $k(0,1)$ lies on it, the window begins one column further to the *left*. **Predict** where the weights
# 1, 2, 3, … will stand in $y$ at the end. Then move the pixel to an edge. (A dashed window sticks out of the picture: there is no
# such output.)

# %%
plots.explore_input_pixel()

# %% [markdown]
# When $k(a,b)$ lies on the pixel, the window begins at $(r'-a,\, c'-b)$. The outputs that the pixel affects reach from
# $y(r'-k_1+1,\, c'-k_2+1)$ to $y(r', c')$. So
#
# $$ \frac{\partial L}{\partial x(r',c')} = \sum_{a} \sum_{b} \frac{\partial L}{\partial y(r'-a,\, c'-b)}\;
#    \frac{\partial y(r'-a,\, c'-b)}{\partial x(r',c')}
#  \quad\Longrightarrow\quad
#  \boxed{\frac{\partial L}{\partial x(r',c')} = \sum_{a} \sum_{b} \frac{\partial L}{\partial y(r'-a,\, c'-b)}\; k(a,b)} $$
#
# Plus became minus, and that is all the difference to the forward pass. As $a$ grows, the row of $y$ *falls*. This is a true
# **convolution** of the upstream gradient with the kernel. Written as a window that slides, you have to turn the kernel by 180
# degrees, as the weights in the figure did.
#
# ### Spot the slip: boundary terms
#
# Georgia Tech's slide says nothing about the pixels near the edge. But its sum runs over *all* numbers of the kernel, and some of the
# outputs in it do not exist. Here is how many really do, for every pixel of a 5×5 picture under a 3×3 kernel. (PyTorch
# counts: with ones everywhere each term is 1.)

# %%
counts = F.conv_transpose2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))
plots.show_tables({"terms in the sum of each pixel": counts[0, 0].numpy()})

# %% [markdown]
# The slide's formula has nine terms everywhere. They are all there for one pixel. For the others, leave out each term whose
# output lies outside, or, which is the same, think of the upstream gradient as surrounded by zeros.
#
# **Exercise** · `terms_left` · 5 minutes · ●●○
#
# A picture of 5×6, a kernel of 3×2 (three rows, two columns), no padding. How many terms has the sum for the pixel in row 1 and
# column 5 (counted from 0)?

# %% exercise="terms_left"
terms_left = None  # your answer: a number
### BEGIN SOLUTION
terms_left = 2
### END SOLUTION

# %% check="terms_left" points=1
check(terms_left=terms_left)

# %% [markdown]
# ### Spot the slip: which place?
#
# To find $\partial y(r'-a, c'-b)/\partial x(r',c')$ the same lecture puts $r'-a$ and $c'-b$ into the definition of $y$ and writes
#
# $$ y(r'-a,\, c'-b) \;=\; (x * k)(r',\, c') \;=\; \sum_{a'} \sum_{b'} x(r'-a+a',\, c'-b+b')\; k(a', b') . $$
#
# The left side and the right side are fine. Look at the one in the middle:

# %%
x = torch.tensor([[4.0, 1, 0, 2], [0, 3, 1, 1], [2, 0, 5, 0], [1, 1, 0, 4]])
k = torch.tensor([[1.0, 2], [0, 3]])
y = F.conv2d(x[None, None], k[None, None])[0, 0]  # the slides call this x * k
r, c, a, b = 2, 2, 1, 1
print(f"y(r'-a, c'-b) = y({r - a}, {c - b}) = {y[r - a, c - b]:g}")
print(f"(x * k)(r', c') = {y[r, c]:g}")

# %% [markdown]
# **Exercise** · `shifted_output` · 6 minutes · ●●○
#
# Here are another picture and another kernel. With $r' = 1,\ c' = 1,\ a = 1,\ b = 0$: which number is $y(r'-a,\, c'-b)$?
#
# $$ x = \begin{pmatrix} 1 & 4 & 0 \\ 2 & 0 & 1 \\ 3 & 1 & 5 \end{pmatrix} \qquad
#    k = \begin{pmatrix} 2 & 1 \\ 0 & 3 \end{pmatrix} $$

# %% exercise="shifted_output"
shifted_output = None  # your answer: a number
### BEGIN SOLUTION
shifted_output = 11
### END SOLUTION

# %% check="shifted_output" points=1
check(shifted_output=shifted_output)

# %% [markdown]
# In the sum on the right only the term with $a' = a$ and $b' = b$ contains $x(r', c')$, and its factor is $k(a, b)$. This is what
# the slide goes on to say, and it is right.
#
# ### Exercise: `input_gradient` · 25 minutes · ●●○
#
# There are at least three ways to write it, and each is fine: the sum above with its missing terms left out; a window that
# slides over a padded `dout`; or the other way round, output after output: each one hands its number, times the kernel, back to the
# window that it saw. Try to see why they are the same.
#
# <details><summary>Help, I get "IndexError: index 2 is out of bounds"</summary>
#
# $y(r'-a, c'-b)$ does not exist for all $a$ and $b$. Ask before you read: `0 <= r - a < oh`, and the same for the columns.
# </details>
#
# <details><summary>Help, no error, but the first rows are wrong</summary>
#
# A negative index is no error in NumPy: `dout[-1]` is the *last* row. Leave such terms out yourself.
# </details>
#
# <details><summary>Help, the numbers are right but too few</summary>
#
# The window has to touch `dout` with only its corner, too. So there must be zeros around `dout`: how many, for a kernel of three
# rows?
# </details>


# %% exercise="input_gradient"
def input_gradient(w, dout):
    """Gradient of the loss for the input of a 2-D cross-correlation (stride 1, no padding).

    w: kernel, shape (kh, kw). dout: upstream gradient, shape (oh, ow).
    Returns an array of the shape of the input, (oh + kh - 1, ow + kw - 1).

    >>> input_gradient(np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 10]]))
    array([[ 1., 12., 20.],
           [ 3., 34., 40.]])
    """
    ### BEGIN SOLUTION
    kh, kw = w.shape
    wide = np.pad(dout, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, w.shape)
    return (windows * w[::-1, ::-1]).sum(axis=(2, 3))
    ### END SOLUTION


# %% check="input_gradient" points=4
check(input_gradient)

# %% [markdown]
# ### Forward and backward: three times the same
#
# Here is the whole of parts 2 and 3 in one picture. **Before you look:** in which of the three is something flipped, and in which
# is something padded?

# %%
x = np.array([[1, 0, 2, 1], [3, 1, 0, 2], [0, 2, 1, 1], [1, 1, 0, 3]])
k, dout = np.array([[1, 2], [3, 4]]), np.array([[1, 2, 0], [0, 1, 3], [2, 0, 1]])
plots.show_duality(x, k, dout)

# %% [markdown]
# The lecture calls it the **duality** of forward and backward: the forward pass is a correlation, and so is the way to the
# kernel; the way to the input is a convolution. If the forward pass were a true convolution, as in notebook 01, the way to the
# input would be a correlation. One of the two is always flipped.
#
# There is one more way to see it. A convolution is linear, so it is a matrix: $y = M x$, with $x$ and $y$ as long columns. (You
# built $M$ in notebook 03.) Then the chain rule needs no thought at all: $\partial L/\partial x = M^\top\, \partial L/\partial y$. Let
# us find $M$ by trying out: what does the layer make of a picture that is 1 in one place?

# %%
kernel = torch.tensor([[1.0, 2], [3, 4]], dtype=torch.float64)
units = torch.eye(12, dtype=torch.float64).reshape(12, 1, 3, 4)  # twelve 3x4 pictures with a single 1
matrix = F.conv2d(units, kernel[None, None]).reshape(12, 6).T.numpy()
plots.show_matrix(matrix)

# %%
dout = np.array([[1.0, 2, 0], [0, 1, 3]])
with when_done("input_gradient"):
    print((matrix.T @ dout.ravel()).reshape(3, 4))
    print(input_gradient(kernel.numpy(), dout))

# %% [markdown]
# "$W^\top \cdot LO$", says a slide of A. Jain's about the backward pass, and here it is. Remember the *transpose*; in part 6 it gives a
# layer its name.

# %% [markdown]
# ---
# ## 4 · Columns go home
#
# The fast forward pass of notebook 03 made a column of every window (`im2col`) and then was one matrix product. The way back
# undoes these steps in reverse order, and the last one is: here is a gradient for every number of every *column*; which
# gradient is that for the *picture*?
#
# A pixel was copied into several columns, one for each window over it. Each copy had its effect. So the gradient of the pixel is the
# **sum** of the gradients of its copies. In other words: lay every column down where its window was, and add up. This is
# `col2im`.
#
# The picture is 3×3 and the windows are 2×2, so there are four columns of four. **Predict** how many numbers land on the pixel in the
# middle. Then run the cell.

# %%
cols = np.arange(1.0, 17).reshape(4, 4)
print(cols)
plots.show_columns_home(cols, (3, 3), (2, 2))

# %% [markdown]
# All four. ($4 + 7 + 10 + 13 = 34$: in each column another row.) So `col2im` does **not** undo `im2col`; it does the same thing
# transposed. One copies, the other adds.
#
# ### Exercise: `col2im` · 30 minutes · ●●●
#
# `cols` is laid out as `im2col` of notebook 03 gives it, and as PyTorch's `unfold` does: shape `(N, C*kh*kw, oh*ow)`. Its rows are
# ordered by channel, then by the kernel's row, then by the kernel's column. Its columns are the windows, row by row.
#
# You may loop over windows or over the numbers of the kernel. The second is faster: a 3×3 kernel has only nine, and each of them
# is *one* slice of the picture, with the stride as its step. (The check does not mind either way.)
#
# <details><summary>Help, how do I take the rows apart?</summary>
#
# `cols.reshape(N, C, kh, kw, oh, ow)` has an axis for each of the six. `oh` and `ow` follow from the shape of the picture and
# the options, as in notebook 02.
# </details>
#
# <details><summary>Help, my result is empty when there is no padding</summary>
#
# `a[:, :, p:-p]` with `p = 0` is `a[:, :, 0:0]`, which is nothing. (In a collection of 83 students' solutions, 34 had just this.)
# Say where the slice *ends*: `p : p + H`.
# </details>
#
# <details><summary>Help, I get "operands could not be broadcast together with shapes (1,1,2,1) (1,1,2,2) (1,1,2,1)"</summary>
#
# Two slices that should be of one size are not. Either the last window reaches beyond your array: the array in the middle is as
# large as the *padded* picture, `H + 2 p`, whatever the windows need, and the rows that no window reached stay 0. Or a slice
# with a step ends too early: with step $s$, $n$ numbers reach over $(n - 1)\, s + 1$ places.
# </details>
#
# <details><summary>Help, I use index arrays, and numbers get lost</summary>
#
# `a[i] += v` with an index array adds to each place *once*, even if `i` names it twice. `np.add.at(a, i, v)` adds every time (and
# is slow).
# </details>


# %% exercise="col2im"
def col2im(cols, x_shape, kernel_size, *, stride=1, padding=0, dilation=1):
    """Lay columns down where their windows were, and add up: the transpose of im2col.

    cols: shape (N, C * kh * kw, oh * ow). x_shape: (N, C, H, W) of the picture, without padding.
    kernel_size, stride, padding, dilation: int or pair (rows, columns).
    Returns an array of the shape x_shape. What lands on the padding is dropped.

    >>> col2im(np.ones((1, 2, 2)), (1, 1, 1, 3), (1, 2))
    array([[[[1., 2., 1.]]]])
    """
    ### BEGIN SOLUTION
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(pair, (kernel_size, stride, padding, dilation))
    N, C, H, W = x_shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    cols = cols.reshape(N, C, kh, kw, oh, ow)
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), cols.dtype)
    for a in range(kh):
        for b in range(kw):
            rows = slice(a * dh, a * dh + (oh - 1) * sh + 1, sh)
            columns = slice(b * dw, b * dw + (ow - 1) * sw + 1, sw)
            padded[:, :, rows, columns] += cols[:, :, a, b]
    return padded[:, :, ph : ph + H, pw : pw + W]
    ### END SOLUTION


# %% check="col2im" points=6
check(col2im)

# %% [markdown]
# Columns full of ones *count*: on each pixel lands a 1 for every window over it. **Predict** which pixels are covered
# most often by 3×3 windows with stride 2, and whether all are covered equally with stride 3.

# %%
with when_done("col2im"):
    tables = {}
    for stride in (1, 2, 3):
        windows = ((7 - 3) // stride + 1) ** 2
        counted = col2im(np.ones((1, 9, windows)), (1, 1, 7, 7), 3, stride=stride)
        tables[f"stride {stride}"] = counted[0, 0]
    plots.show_tables(tables)

# %% [markdown]
# With stride 3 the windows stand side by side, and the last row and column are never read: a gradient of 0, but they are
# there. With stride 2 there is a pattern: every second row is covered twice. We meet it again in part 6.
#
# What does "transpose" mean for two functions? For a matrix $\langle Mx, c\rangle = \langle x, M^\top c\rangle$, for every $x$ and
# $c$. If this holds for `im2col` (here PyTorch's) and your `col2im`, on random numbers, they are transposes:

# %%
rng = np.random.default_rng(0)
x, c = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(2, 18, 12))
cols = F.unfold(torch.from_numpy(x), (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)).numpy()
with when_done("col2im"):
    home = col2im(c, x.shape, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    print((cols * c).sum(), (x * home).sum())

# %% [markdown]
# ---
# ## 5 · The whole layer
#
# For one image the fast forward pass is
#
# $$ \underbrace{Y}_{D \times oh\,ow} = \underbrace{W}_{D \times C\,kh\,kw}\;\underbrace{X_\text{cols}}_{C\,kh\,kw \times oh\,ow} + b , $$
#
# with the filters as the rows of $W$. Everything that you need follows from this one line.
#
# - $\partial L/\partial W = (\partial L/\partial Y)\; X_\text{cols}^\top$, summed over the images;
# - $\partial L/\partial X_\text{cols} = W^\top\, (\partial L/\partial Y)$, and then the columns go home;
# - $\partial L/\partial b$: think about it.
#
# If you forget which side the transpose stands on: there is only one way in which the *shapes* fit.
#
# ### Question: the bias · 3 minutes · ●●○
#
# `b[d]` is added to every output of filter `d`, everywhere, in every image. Suppose that the upstream gradient is 1 everywhere,
# and has the shape (8, 6, 14, 14). How large is each number of `db`?

# %% exercise="bias_of_ones"
bias_of_ones = None  # your answer: a number
### BEGIN SOLUTION
bias_of_ones = 1568
### END SOLUTION

# %% check="bias_of_ones" points=1
check(bias_of_ones=bias_of_ones)

# %% [markdown]
# ### Your own forward
#
# Backward needs to know what forward saw. So `conv2d_forward` returns a second value beside `out`, the **cache**: a tuple that begins
# with
#
# $$ \texttt{(x, w, stride, padding, dilation)} $$
#
# exactly as they were handed in, and may hold more after these five. The next cell fetches *your* `conv2d_forward` if
# `03_convolution.ipynb` lies where it came with the course, and says so. Otherwise, on Colab for instance, it takes one
# that has PyTorch inside. **You may also paste yours**, with its helpers, into a new cell below. All three are fine, and none costs
# points: your backward is graded with the cache of your forward, and if that one is missing or wrong, with the cache described
# here.

# %%
from cs_utils import earlier

conv2d_forward = earlier.own("conv2d_forward")

# %% [markdown]
# ### Exercise: `conv2d_backward` · 45 minutes · ●●●
#
# All options, any sizes, any number of images, channels and filters. Whatever your forward of notebook 03 could do, this can undo.
# You may call your `col2im`. If you want your `im2col` of notebook 03, or anything else from there, copy it into the answer cell: an
# answer is graded by what stands in *this* notebook. An option is an int or a pair, as it was handed in: `pair` makes a pair of both.
#
# A way to proceed: `db` first (one line, and one group of the check will tell you its shape). Then `dw`, then `dx`. And if you prefer
# loops over windows to matrices: "each output hands its number, times the filter, back to the window that it saw" is all that there
# is to `dx`, for every stride, padding and dilation.
#
# <details><summary>Help, I get "not enough values to unpack" or "too many values to unpack"</summary>
#
# The cache begins with five things and may hold more. A slice takes the first few of any tuple: `first, second = values[:2]`.
# </details>
#
# <details><summary>Help, with padding I get an error about shapes that cannot be broadcast</summary>
#
# Forward looked at the *padded* picture; `x` in the cache is the picture without padding. Pad it again, and make `dx` for the padded
# picture first.
# </details>
#
# <details><summary>Help, I have no im2col here</summary>
#
# You can do without. Loop over the windows, or over the numbers of the kernel, and use of the padded picture what they see: a
# slice of it, with the dilation or the stride as its step. Or find out what `np.lib.stride_tricks.sliding_window_view` does.
# (`F.unfold` is PyTorch's, and there is none where your answer is graded.)
# </details>
#
# <details><summary>Help, dw is right for one image but not for two</summary>
#
# Every image has a share in `dw`. Is it added up over the images, starting at 0? With einsum: is the letter of the images missing in
# the result?
# </details>
#
# <details><summary>Help, the report says that the values of db are right</summary>
#
# Then its shape is not: `db` belongs to `b`, and has *one* axis. Is there a `keepdims=True`, or a `reshape`?
# </details>


# %% exercise="conv2d_backward"
def conv2d_backward(dout, cache):
    """Backward pass of a convolution layer.

    dout: upstream gradient, shape (N, D, oh, ow).
    cache: what conv2d_forward returned beside out; a tuple (x, w, stride, padding, dilation, ...)
        with x (N, C, H, W), w (D, C, kh, kw), and the options as ints or pairs (rows, columns).
    Returns (dx, dw, db) of the shapes of x, w and b. Nothing that was handed in is changed.
    """
    ### BEGIN SOLUTION
    x, w, stride, padding, dilation = cache[:5]
    (sh, sw), (ph, pw), (dh, dw) = map(pair, (stride, padding, dilation))
    D, C, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    views = np.lib.stride_tricks.sliding_window_view(padded, span, axis=(2, 3))
    patches = views[:, :, ::sh, ::sw, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)  # N, C, kh, kw, oh, ow

    options = {"stride": stride, "padding": padding, "dilation": dilation}
    flat = w.reshape(D, -1)
    kind = np.result_type(dout, x, w)
    dx, dflat = np.empty(x.shape, kind), np.zeros(flat.T.shape, kind)
    for n, upstream in enumerate(dout.reshape(len(x), D, -1)):  # columns of one image fit the cache
        cols = patches[n].reshape(C * kh * kw, -1)
        dflat += cols @ upstream.T
        dx[n] = col2im(flat.T @ upstream, (1, *x.shape[1:]), (kh, kw), **options)[0]
    return dx, dflat.T.reshape(w.shape), dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% check="conv2d_backward" points=9
check(conv2d_backward)

# %% [markdown]
# And now the test that you built yourself: three measured gradients against three computed ones, for your own pair of
# forward and backward.

# %%
rng = np.random.default_rng(1)
inputs = {"x": rng.normal(size=(2, 3, 5, 4)), "w": rng.normal(size=(4, 3, 3, 2)), "b": rng.normal(size=4)}
options = {"stride": (2, 1), "padding": (1, 0)}


def loss(**changed):
    out, _ = conv2d_forward(**{**inputs, **changed}, **options)
    return (out * dout).sum()


with when_done("numeric_gradient", "conv2d_backward"):
    out, cache = conv2d_forward(**inputs, **options)
    dout = rng.normal(size=out.shape)
    for (name, value), computed in zip(inputs.items(), conv2d_backward(dout, cache), strict=True):
        measured = numeric_gradient(lambda z, name=name: loss(**{name: z}), value)
        print(f"d{name}: relative error {relative_error(computed, measured):.0e}")

# %% [markdown]
# Around $10^{-10}$? Then forward and backward fit each other. Mind what this check does *not* say: if the forward pass is wrong, a
# backward that fits it is wrong in the same way. And it only tells of the sizes and options that you tried. We come back to
# this in part 7.
#
# At last a look at the clock. **Predict:** how many times longer does backward take than forward? Count the matrix products.

# %%
import timeit

layer = rng.normal(size=(16, 16, 32, 32)), rng.normal(size=(16, 16, 3, 3)), np.zeros(16)
with when_done("conv2d_backward"):
    out, cache = conv2d_forward(*layer, padding=1)
    forward = min(timeit.repeat(lambda: conv2d_forward(*layer, padding=1), number=1, repeat=5))
    backward = min(timeit.repeat(lambda: conv2d_backward(out, cache), number=1, repeat=5))
    print(f"forward {1000 * forward:.1f} ms, backward {1000 * backward:.1f} ms")
    print(f"backward takes {backward / forward:.1f} times as long")

# %% [markdown]
# Two matrix products instead of one, so a factor of about two or three is what one expects; people who train networks count
# "one forward and two backward". (If yours is far from that: are there loops over windows in one of them and matrices in the other?
# Or is the forward pass the one with PyTorch inside? Then you timed two programs that have little in common.)

# %% [markdown]
# ---
# ## 6 · Stamps
#
# The way back takes a *small* array and makes a *large* one of it. Sometimes a network wants just that, in its forward pass: to
# paint a picture from few numbers, or to say for every pixel what it belongs to. So take the formula for `dx`, call `dout`
# the input, and you have a layer of its own: the **transposed convolution**. (It is also called *deconvolution*, but it does not
# undo a convolution. It only has the shapes of one that runs backwards.)
#
# You know how it works: every number of the input **stamps** the kernel onto the output, and what is stamped is the kernel times
# that number. The stride says how far apart the stamps are. Where stamps overlap they are added.
#
# This is the example of A. Jain's lecture, once computed in Torch7: a 3×3 kernel, stride 2, and a 2×2 input. **Predict** the size of
# the output, and which of its numbers get two shares or more.

# %%
small = np.array([[28.0467, 21.1382], [23.1202, 30.5335]])
kernel = np.array([[1.0160, 0.4442, 0.8234], [1.7105, 1.9389, 1.8970], [0.4721, 1.4563, 0.4023]])
plots.show_stamps(small, kernel, stride=2)

# %% [markdown]
# The last stamp begins in row $(H-1)\,S$ and is $K$ rows high. A **padding** is the padding of the convolution that is being
# transposed: that one put $P$ rows of zeros on each side *before* it began, so this one cuts $P$ rows off each side when it is
# *done*:
#
# $$ \text{height} = (H - 1)\, S + K - 2P $$
#
# ### Question: sizes · 4 minutes · ●●○
#
# A 7×9 input, a kernel of 4 rows and 3 columns, stride 3, padding 1. How large is the output of the transposed convolution? Answer as
# `(height, width)`.

# %% exercise="transposed_size"
transposed_size = None  # your answer: (height, width)
### BEGIN SOLUTION
transposed_size = (20, 25)
### END SOLUTION

# %% check="transposed_size" points=1
check(transposed_size=transposed_size)

# %% [markdown]
# ### Exercise: `conv_transpose2d` · 25 minutes · ●●○
#
# With channels: the kernels are `(C, D, kh, kw)`, **input channels first**, as in PyTorch's `nn.ConvTranspose2d`. That looks like the
# wrong way round, and it isn't: it is the weight of the convolution that is being transposed, which led from $D$ channels to $C$.
# Each number of channel $c$ stamps $D$ pictures, `w[c]`. The bias is added at the end, once.
#
# <details><summary>Help, do I have to write all this again?</summary>
#
# No. You have `col2im`, which lays patches down and adds them up. What are the columns here? (Or call `conv2d_backward` with a
# cache that you make yourself. Or loop over the numbers of `x`.)
# </details>
#
# <details><summary>Help, my result is upside down</summary>
#
# A stamp is not turned: `w[c, d, 0, 0]` lands on its upper left corner. The kernel is flipped only if you put zeros between the numbers
# of `x` and slide a window over them.
# </details>


# %% exercise="conv_transpose2d"
def conv_transpose2d(x, w, b, *, stride=1, padding=0):
    """Transposed convolution.

    x: shape (N, C, H, W). w: shape (C, D, kh, kw). b: shape (D,).
    stride, padding: int or pair (rows, columns); padding is cut off each side of the result.
    Returns an array (N, D, (H - 1) * stride + kh - 2 * padding, ...), the same for the columns.

    >>> conv_transpose2d(np.array([[[[1.0, 10]]]]), np.array([[[[2.0, 3]]]]), np.zeros(1))
    array([[[[ 2., 23., 30.]]]])
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    N, C, H, W = x.shape
    kh, kw = w.shape[2:]
    out_shape = N, w.shape[1], (H - 1) * sh + kh - 2 * ph, (W - 1) * sw + kw - 2 * pw
    stamps = w.reshape(C, -1).T @ x.reshape(N, C, -1)
    out = col2im(stamps, out_shape, (kh, kw), stride=(sh, sw), padding=(ph, pw))
    return out + b[:, None, None]
    ### END SOLUTION


# %% check="conv_transpose2d" points=5
check(conv_transpose2d)

# %% [markdown]
# Here is what the slide prints, and what your function says. The slide's numbers were rounded to four digits on the way in, so the two
# agree to about 0.002 and no better.

# %%
printed = [
    [28.4956, 12.4596, 44.5710, 9.3905, 17.4058],
    [47.9750, 54.3784, 89.3627, 40.9838, 40.0994],
    [36.7311, 51.1151, 71.3240, 44.3476, 33.6471],
    [39.5481, 44.8267, 96.0881, 59.1999, 57.9224],
    [10.9150, 33.6697, 23.7172, 44.4655, 12.2851],
]
with when_done("conv_transpose2d"):
    mine = conv_transpose2d(small[None, None], kernel[None, None], np.zeros(1), stride=2)[0, 0]
    print(mine.round(4))
    print("largest difference:", np.abs(mine - printed).max().round(4))

# %% [markdown]
# ### Spot the slip: a digit and a number
#
# One slide later the same weight is printed as
#
# > 1.0160 0.4442 0.8234 1.7105 1.9389 1.8970 0.4721 1.4566 [torch.DoubleTensor of size 1x9]
#
# Only eight numbers, and was it not 1.456**3** a slide before? Which is right? The table above can tell. In its last row no other
# stamps lie over the second and the last number:

# %%
print("from the second number of the last row:", round(33.6697 / 23.1202, 4))
print("from the last number of the last row:  ", round(12.2851 / 30.5335, 4))

# %% [markdown]
# **Exercise** · `lost_weights` · 8 minutes · ●●○
#
# Another session, another kernel, again 3×3 with stride 2. The input was
# $\begin{pmatrix} 2 & 5 \\ 4 & 10 \end{pmatrix}$, and the last row of the output is printed as
#
# > 4.8 6.0 13.2 15.0 3.0
#
# The printed weight ends with "… 1.2 1.9", and its ninth number is missing. You may trust the output and the 1.2. What are
# the last two weights really? Answer as a pair.

# %% exercise="lost_weights"
lost_weights = None  # your answer: (eighth weight, ninth weight)
### BEGIN SOLUTION
lost_weights = (1.5, 0.3)
### END SOLUTION

# %% check="lost_weights" points=1
check(lost_weights=lost_weights)

# %% [markdown]
# ### The chessboard
#
# **Predict:** an input of ones, a kernel of ones, stride 2. Is the output flat? Try $K = 3$ and $K = 4$.

# %%
with when_done("conv_transpose2d"):
    tables = {}
    for k in (3, 4):
        painted = conv_transpose2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, k, k)), np.zeros(1), stride=2)
        tables[f"K = {k}, stride 2"] = painted[0, 0]
    plots.show_tables(tables)

# %% [markdown]
# With $K = 3$ every second row and column is painted twice: networks that paint with such layers tend to leave a faint
# **chessboard** on their pictures. When the stride divides the kernel size every pixel inside gets the same number of stamps. It is
# the pattern of part 4 again, and no accident: this layer *is* `col2im`.

# %% [markdown]
# ---
# ## 7 · In your own words
#
# **Exercise** · written · 20 minutes · 3 points · ●●○
#
# A friend who has finished notebook 03 is confused: "For the gradient of the kernel nothing is flipped. For the gradient of the
# input the kernel is flipped. And then somebody *stamps* the kernel onto the input's gradient, and it is not flipped again, and it
# is said to be the same thing."
#
# Explain it in a few sentences, with indices where they help: why is nothing flipped in the first, why is the kernel flipped in the
# second, and why are the second and the third the same? There is one point for each of the three.

# %% [markdown] written="why_flip" points=3
# ### BEGIN SOLUTION
# *Kernel.* $k(a,b)$ multiplies $x(r+a, c+b)$ in every output $y(r,c)$. So $\partial L/\partial k(a,b)$ collects
# $dy(r,c)\, x(r+a, c+b)$: the places in $dy$ and in $x$ grow together, which is a sliding window as it stands.
#
# *Input.* A fixed pixel $(r',c')$ meets $k(a,b)$ in the output $(r'-a, c'-b)$. The further down in the kernel, the further *up* in the
# output. A window that slides reads both in the same direction, so one of them has to be turned by 180 degrees.
#
# *Stamps.* It is the same sum, sorted in another way. Gathering asks each pixel: from which outputs do I get something? There the
# output is $r'-a$, with a minus. Scattering asks each output $(r,c)$: to which pixels do I give something? To $(r+a, c+b)$, with
# weight $k(a,b)$, with a plus: the kernel as it is. The minus only appears when the equation $r' = r + a$ is solved for $r$.
#
# Rubric, one point each:
# - kernel: says that places in x and dy move in the same direction (r + a), or that k(0, 0) always meets the upper left number of
#   the window, in any words;
# - input: says that a larger a means an earlier output (r' - a), so that one of the two is read backwards. "Because it is a
#   convolution" alone is no reason;
# - stamps: says that it is the same set of products, ordered by output instead of by pixel (gather and scatter). An
#   example with numbers, worked out both ways, is as good.
# ### END SOLUTION

# %% [markdown]
# **Exercise** · written · 20 minutes · 3 points · ●●●
#
# Another friend has a `conv2d_backward` and one test for it:
#
# > x: one image with one channel, 5×5, random. w: one filter, 3×3, random. Padding 1, stride 1, no dilation.
# > The loss is `out.sum()`. Measured and computed gradients agree to 1e-10.
#
# Name **three mistakes** that are really different and that this test cannot see. For each, give a test that would show it (sizes,
# options and loss), and say in a sentence why the old test is blind to it. There is one point for each. (You have all that it takes to
# try: make the mistake in a copy of your function, and run both tests.)

# %% [markdown] written="blind_test" points=3
# ### BEGIN SOLUTION
# Any three of these, or others as good:
#
# - *dx is cropped with `[p:-p]`*: with padding 1 that is right, with padding 0 it is empty. Test: the same without padding.
# - *dout is not used* (taken for ones): the loss `out.sum()` has an upstream gradient of ones. Test: `(out * g).sum()` with a random g.
# - *dw or db of the last image only, or averaged over the images*: there is one image. Test: N = 2.
# - *channels or filters mixed up, or w transposed in them*: there is one of each. Test: C = 2, D = 3.
# - *the stride forgotten in backward*: it is 1. Test: stride 2, with a 6×6 picture so that a row is left over.
# - *height taken for width, or pairs read as (w, h)*: everything is square. Test: 4×6, kernel 3×2, padding (1, 0).
# - *the dilation ignored*: it is 1. Test: dilation 2.
#
# (Not good: "assigned instead of added" or "kernel not flipped". The old test sees both of them, since its windows overlap and
# the weights are random.)
#
# Rubric: one point for each mistake that the test really cannot see, with a test that shows it and a reason that names what is
# special about the old case (padding not 0, one image, square, ones, ...). Half a point if the reason is missing or the test would
# not show the mistake. Two mistakes with the same reason ("one image") count once.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | gradient for | what is summed | in code |
# |---|---|---|
# | the bias | `dout`, over images and places | one sum |
# | the kernel | `dout` × what each output saw | correlation of `x` with `dout`, or $dY\, X_\text{cols}^\top$ |
# | the input | `dout` × the kernel, from every output that saw the pixel | stamps; or a full convolution; or `col2im` of $W^\top dY$ |
#
# And you have a tool, `numeric_gradient`, that tells right from wrong without a formula. Keep this notebook where it is: the next
# ones fetch `numeric_gradient` from it. In notebook 05 the windows stay, and the products go: pooling, where the gradient flows back to
# the winner only.
