# Notebook 03: the convolution layer, forward. `make notebooks` builds it.
# The exercises' references, cases and known mistakes are in cs_utils/exercises/nb03_convolution.py.

# %% [markdown]
# # 03 · The convolution layer
#
# In notebook 01 a kernel slid over a picture, and you know what it finds. A network's **convolution layer** does the
# same sum with three additions: pictures come in *batches*, they have *channels*, and there are *many kernels*. In
# this notebook you build that layer twice. First with plain loops, so that every number can be followed. Then without
# loops, hundreds of times faster, by the same trick that the first fast networks used. On the way you find out that
# the layer is one large matrix with very few different numbers in it, and that almost everything else is a
# convolution, too.
#
# | Part | You write | Minutes |
# |---|---|---|
# | 1. One window, one dot product | `conv2d_naive`, three questions | 60 |
# | 2. Kernels with holes | `dilate_kernel` | 10 |
# | 3. Windows become columns | `im2col`, one question | 50 |
# | 4. The fast layer | `conv2d_forward`, one question in words | 55 |
# | 5. One large matrix | `conv_matrix`, two questions | 40 |
# | 6. Everything is a convolution | `linear_as_conv` | 15 |
# | 7. Stacking layers | `compose_kernels`, `pointwise_conv`, two questions | 50 |
# | 8. For the curious | `grouped_conv2d`, `conv3d` | 40 |
#
# **How to work.** *Predict* first, then run the cell, then read on. Fill in the cells that say so, run the `check(...)`
# under each one, and read what it tells you. Nothing here needs a GPU. Plan five hours in three sittings; 55 points in
# all. Four of them are for part 8, which later notebooks do not need: whoever leaves it out can still have 51.
# Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk in between.
#
# **Notation**, as in notebook 02:
#
# $$ x: (N, C, H, W) \qquad w: (D, C, kh, kw) \qquad b: (D,) \qquad \text{out}: (N, D, oh, ow) $$
#
# $N$ images, $C$ channels, $D$ filters (kernels), height before width. What the field calls a convolution is a
# cross-correlation: nothing is flipped. All arrays here hold floats.

# %% tags=["needed"]
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cs_utils import check, plots, when_done

# %%
import timeit

import torch
import torch.nn.functional as F
from torch import nn

# %% [markdown]
# `stride`, `padding` and `dilation` are an int, or a pair `(rows, columns)`, in every function of this notebook. The
# helper of notebook 01 turns either into a pair:


# %% tags=["needed"]
def pair(value):
    """The pair (for the rows, for the columns) that an option stands for: 2 means (2, 2)."""
    return value if isinstance(value, tuple) else (value, value)


# %% [markdown]
# ---
# ## 1 · One window, one dot product
#
# UCLA's lecture puts it in one sentence: one output number is "the result of taking a dot product between the filter
# and a small 3x5x5 chunk of the image (i.e. 3·5·5 = **75**-dimensional dot product + bias)".
#
# $$ w^\top x + b $$
#
# The filter reaches through *all* channels, and it slides in two directions only. So one filter makes **one** map, and
# $D$ filters make $D$ maps, stacked on each other.
#
# **Predict** the shapes for a 3×32×32 picture: what does one 5×5 filter make of it? Six of them? Six of them, given two
# pictures?

# %%
for images, filters in [(1, 1), (1, 6), (2, 6)]:
    x, w = torch.rand(images, 3, 32, 32), torch.rand(filters, 3, 5, 5)
    print(f"{tuple(x.shape)}, {filters} x filter of 3x5x5 -> {tuple(F.conv2d(x, w).shape)}")

# %% [markdown]
# 1×28×28, "stack them to get a 6×28×28 output image", and for a batch 2×6×28×28.

# %%
plots.show_layer((3, 32, 32), (6, 3, 5, 5))

# %% [markdown]
# ### Question: how many products? · 2 minutes · ●○○
#
# A layer of LeNet has 16 filters of 5×5, and its input has 6 channels. How many products are added up for **one** output
# number?

# %% exercise="products_per_number"
products_per_number = None  # your answer: a number
### BEGIN SOLUTION
products_per_number = 150
### END SOLUTION

# %% check="products_per_number" points=1
check(products_per_number=products_per_number)

# %% [markdown]
# ### The formula
#
# With stride $S$, padding $P$ and dilation $\delta$ (with an index for rows or columns where they differ), and with zeros where
# the index leaves the picture:
#
# $$ \text{out}[n, d, r, c] \;=\; b_d + \sum_{k=0}^{C-1}\,\sum_{i=0}^{kh-1}\,\sum_{j=0}^{kw-1}
# x[n,\; k,\; r S_h - P_h + i\,\delta_h,\; c S_w - P_w + j\,\delta_w]\;\; w[d, k, i, j] $$
#
# Seven indices: four say *which* output number, three are summed over. Nothing in it is new, there is just more of it.
#
# ### A worked example
#
# A. Jain's deck works one layer out by hand: an input of 2×4×4, and two filters of 2×2×2.

# %%
channel_0 = [[1.0, -2, 2, 2], [2, 1, 3, -2], [-2, 3, -3, 1], [-1, 2, -4, 2]]
channel_1 = [[3.0, 0, 0, 0], [-2, -2, 1, -1], [2, -1, 3, 1], [5, -2, 0, 1]]
x = np.array([[channel_0, channel_1]])  # (1, 2, 4, 4): one image
filter_0 = [[[1.0, -2], [-2, 1]], [[1, 0], [0, 1]]]
filter_1 = [[[3.0, 1], [2, 2]], [[0, 0], [0, 4]]]
w = np.array([filter_0, filter_1])  # (2, 2, 2, 2)
b = np.array([0.1, 0.2])

# %% [markdown]
# **Predict** the first number of the first map with a pencil: the upper left 2×2 window of *both* channels, times
# both channels of the first filter, plus $b_0 = 0.1$.
#
# ### Spot the slip: 3.1 or −3.1?
#
# When the deck computes this number it writes **3.1**. On all pages after that one the same box shows
# **−3.1**. Two signs, one number. Let NumPy add up:

# %%
window = x[0, :, 0:2, 0:2]
for channel in (0, 1):
    print(f"channel {channel}:", *(window[channel] * w[0, channel]).flatten().astype(int))
print("sum", (window * w[0]).sum(), "and with the bias", (window * w[0]).sum() + b[0])

# %% [markdown]
# So it is 3.1. Before you read on, give the deck a third filter:
#
# $$ w_2 = \begin{bmatrix} 2 & 1 \\ 0 & -1 \end{bmatrix},\; \begin{bmatrix} 1 & 0 \\ 1 & 2 \end{bmatrix}
# \qquad b_2 = 0.3 $$
#
# **Question** · 4 minutes · ●○○ · Which number stands in the upper left corner of the third map? The input is the one
# above; mind the signs.

# %% exercise="third_map_corner"
third_map_corner = None  # your answer: a number
### BEGIN SOLUTION
third_map_corner = -3.7
### END SOLUTION

# %% check="third_map_corner" points=1
check(third_map_corner=third_map_corner)

# %% [markdown]
# ### Spot the slip: "Bias b = 2"
#
# Beside the same example the deck writes
#
# > Weights W = 2 x 2 x 2 x 2 (nOutputPlane x nInputPlane x kH x kW) · Bias **b = 2** (nOutputPlane)
#
# but the numbers that it adds are 0.1 and 0.2. See what a layer of PyTorch calls its bias:

# %%
small = nn.Conv2d(in_channels=3, out_channels=4, kernel_size=(2, 5))
print("weight", tuple(small.weight.shape), "  bias", tuple(small.bias.shape))
print("bias", small.bias.detach())

# %% [markdown]
# The slide's 2 is not the bias, it is how many numbers the bias *has*.
#
# **Question** · 1 minute · ●○○ · The weight of a layer has the shape `(16, 6, 5, 3)`. How many numbers does its bias have?

# %% exercise="bias_count"
bias_count = None  # your answer: a number
### BEGIN SOLUTION
bias_count = 16
### END SOLUTION

# %% check="bias_count" points=1
check(bias_count=bias_count)

# %% [markdown]
# **Exercise 1** · `conv2d_naive` · 35 minutes · ●●○
#
# Write the layer with loops: over the images, the filters, and the rows and columns of the output. Cut the window out with
# one slice through all channels, multiply, add up, and add the bias. (Seven loops are fine as well; slower, but right.)
# The number of output rows is that of notebook 02, and so is that of the columns, with every size in its place:
#
# $$ oh = \left\lfloor \frac{H + 2P_h - \delta_h (kh - 1) - 1}{S_h} \right\rfloor + 1 $$
#
# Begin without padding, stride and dilation, run the check, and put in one after the other: the groups of the check come in
# this order.
#
# <details><summary>Help, how do I pad two axes out of four?</summary>
#
# `np.pad` takes one pair (before, after) for each axis, four pairs for four axes, and `(0, 0)` leaves an axis alone. A number
# instead of the pairs would pad the batch and the channels, too.
# </details>
#
# <details><summary>Help, how do I cut out a window with holes?</summary>
#
# A slice has a step: `a[start:stop:step]`. `np.arange(10)[3:8:2]` is 3, 5, 7. For three numbers that are two apart, how far
# behind the start must the stop be?
# </details>
#
# <details><summary>Help, I get "operands could not be broadcast together with shapes (2,3,2) (2,3,3)"</summary>
#
# The first is your window, the second the filter: the window sticks out at the right. Either there are too many output columns
# (count again: is the division rounded down, and is it the *width* that you count with?), or the slice ends too early.
# </details>
#
# <details><summary>Help, I get "setting an array element with a sequence"</summary>
#
# You put several numbers where there is room for one. Does the sum run over *all* the axes of the product?
# `.sum()` does, `.sum(axis=0)` does not.
# </details>


# %% exercise="conv2d_naive"
def conv2d_naive(x, w, b, *, stride=1, padding=0, dilation=1):
    """The convolution layer with loops.

    x: array (N, C, H, W). w: array (D, C, kh, kw). b: array (D,). They are not changed.
    stride, padding, dilation: each an int, or a pair (for the rows, for the columns).
    Returns an array (N, D, oh, ow). A window that would hang over the edge is left out.
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    (N, _, H, W), (D, _, kh, kw) = x.shape, w.shape
    oh = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((N, D, oh, ow))
    for n, d, r, c in np.ndindex(*out.shape):
        top, left = r * sh, c * sw
        window = padded[n, :, top : top + dh * (kh - 1) + 1 : dh, left : left + dw * (kw - 1) + 1 : dw]
        out[n, d, r, c] = (window * w[d]).sum() + b[d]
    return out
    ### END SOLUTION


# %% check="conv2d_naive" points=8
check(conv2d_naive)

# %% [markdown]
# Let it work out the deck's example. **Predict** nothing this time; find the 3.1.

# %%
with when_done("conv2d_naive"):
    print(conv2d_naive(x, w, b)[0].round(1))

# %% [markdown]
# These are the deck's two maps, apart from the sign of the first number. And PyTorch's layer is the same function:

# %%
with when_done("conv2d_naive"):
    weights = [torch.from_numpy(array) for array in (x, w, b)]
    print("largest difference:", abs(conv2d_naive(x, w, b) - F.conv2d(*weights).numpy()).max())
    picture, kernel = np.random.default_rng(0).normal(size=(1, 1, 8, 8)), np.ones((1, 1, 3, 3))
    print("8x8, K=3, P=1:", conv2d_naive(picture, kernel, np.zeros(1), padding=1).shape)
    print("nn.Conv2d:     ", tuple(nn.Conv2d(1, 1, kernel_size=3, padding=1)(torch.rand(1, 1, 8, 8)).shape))

# %% [markdown]
# The last two lines are UCLA's `comp_conv2d` example: with $K = 3$ and $P = 1$ an 8×8 picture stays 8×8.
#
# ---
# ## 2 · Kernels with holes
#
# "Dilation inserts 0s in between the kernel values", says the deck of IIT Tirupati, and "any higher value of dilation makes the
# kernel sparse". Take it at its word: put the zeros in, and slide the large kernel in the ordinary way.

# %%
plots.show_dilations(2, (1, 2, 3))

# %% [markdown]
# **Exercise 2** · `dilate_kernel` · 8 minutes · ●○○
#
# <details><summary>Help, can I assign to every second place?</summary>
#
# Yes: slices with a step work on the left of `=`, too. `a[::2] = 1` fills places 0, 2, 4, ...
# </details>


# %% exercise="dilate_kernel"
def dilate_kernel(w, dilation):
    """Put zeros between the weights, so that an ordinary convolution does what a dilated one does.

    w: array (D, C, kh, kw). dilation: an int, or a pair (dh, dw): the distance between neighbouring weights.
    Returns an array (D, C, dh * (kh - 1) + 1, dw * (kw - 1) + 1).
    """
    ### BEGIN SOLUTION
    dh, dw = pair(dilation)
    filters, channels, kh, kw = w.shape
    spread = np.zeros((filters, channels, dh * (kh - 1) + 1, dw * (kw - 1) + 1))
    spread[:, :, ::dh, ::dw] = w
    return spread
    ### END SOLUTION


# %% check="dilate_kernel" points=2
check(dilate_kernel)

# %%
with when_done("conv2d_naive", "dilate_kernel"):
    holes = conv2d_naive(x, w, b, dilation=2)
    zeros = conv2d_naive(x, dilate_kernel(w, 2), b)
    print("largest difference:", abs(holes - zeros).max())

# %% [markdown]
# The same numbers, but not the same work. **Guess** before you count: a 3×3 kernel with dilation 3 has 9 weights. How many
# products does each way need for one output number?

# %%
kernel = np.ones((1, 1, 3, 3))
with when_done("dilate_kernel"):
    print("with holes:", kernel.size, "  with zeros:", dilate_kernel(kernel, 3).size)

# %% [markdown]
# 9 against 49. That is why layers skip the holes instead of multiplying with zeros.
#
# ---
# ## 3 · Windows become columns
#
# Your layer is right. Is it any good? A modest layer on one small picture, yours and PyTorch's. **Guess** the ratio.


# %%
def milliseconds(run, repeat=3):
    """The shortest of some runs, in milliseconds."""
    return 1000 * min(timeit.repeat(run, number=1, repeat=repeat))


rng = np.random.default_rng(0)
layer = [rng.normal(size=shape).astype(np.float32) for shape in [(1, 8, 28, 28), (16, 8, 3, 3), (16,)]]
tensors = [torch.from_numpy(array) for array in layer]
with when_done("conv2d_naive"):
    slow = milliseconds(lambda: conv2d_naive(*layer))
    fast = milliseconds(lambda: F.conv2d(*tensors), repeat=50)
    print(f"loops {slow:.1f} ms, PyTorch {fast:.3f} ms: {slow / fast:.0f} times as long")

# %% [markdown]
# Both do the same 800,000 multiplications. PyTorch does not compute less: it wastes less. Around each of your small sums
# Python does a hundred other things: it looks up names, makes slices, counts loops. The way out is to say everything in *one*
# operation that runs outside of Python. There is one that every computer does extremely well: the **matrix product**. (Its
# name in libraries is GEMM, *general matrix multiply*.)
#
# Georgia Tech's lecture ("just as before, in practice we can *vectorize* this operation") makes a matrix product of a
# convolution in two steps:
#
# 1. Lay out the patches: every window, through all channels, becomes one **column**. ("im2col", image to column.)
# 2. Multiply patches by kernels: every filter, read in the same order, is a **row**. Rows times columns are dot products,
#    and each is one output number.
#
# Here is the deck's example. Upper left: the two channels, with the window. Upper right: the columns, one for each place.
# Lower left: the filters as rows. **Predict**, before you move the slider: what is in the second column? Which of its numbers
# were in the first one?

# %%
plots.explore_im2col(x, w, b)

# %% [markdown]
# Look at the order: *inside* a column, channel 0 comes first, row by row, then channel 1. *From column to column* the
# window moves as you read: to the right, then down. A number of the picture stands in several columns (up to $kh \cdot kw$
# of them): the columns hold more numbers than the picture does.
#
# The filters' rows have the same order, and for them it is for free: `w.reshape(D, -1)` reads `(D, C, kh, kw)` like that.
# Torch7, the ancestor of PyTorch, even *kept* its weights like this. The deck prints it:
# `torch.Tensor(nOutputPlane, nInputPlane*kH*kW)`, and for the example `{{1,-2,-2,1,1,0,0,1},{3,1,2,2,0,0,0,4}}`.

# %%
print(w.reshape(2, -1))

# %% [markdown]
# ### Question: which column of the row? · 4 minutes · ●●○
#
# A weight has the shape `(10, 3, 4, 5)`, so its rows have $3 \cdot 4 \cdot 5 = 60$ numbers. At which place of a row (counted from
# 0) does `w[d, 2, 1, 3]` stand: channel 2, row 1, column 3?

# %% exercise="place_in_row"
place_in_row = None  # your answer: a number
### BEGIN SOLUTION
place_in_row = 48
### END SOLUTION

# %% check="place_in_row" points=1
check(place_in_row=place_in_row)

# %% [markdown]
# **Exercise 3** · `im2col` · 35 minutes · ●●●
#
# Lay the windows out as columns, each image in a matrix of its own: the result is `(N, C * kh * kw, oh * ow)`. Write it as you
# like; the fast layer below needs a version without loops over images and places, and there are two good ways to it:
#
# - **Let NumPy find the windows.** `sliding_window_view(a, (kh, kw), axis=(2, 3))` is imported above. It gives *all* windows
#   of stride 1 without copying anything. Stride: take every second one. Dilation: which window do you ask for, and which
#   numbers of it do you keep?
# - **Loop over the kernel instead of the places.** There are few `(i, j)`. All numbers that weight `(i, j)` ever meets
#   lie in one slice of the padded images; that slice, flattened, is one *row* of the result for each channel.
#
# In either case print the shape after each line, and bring the axes into the right order *before* you reshape. `reshape`
# never moves a number: it only puts the brackets elsewhere.
#
# <details><summary>Help, what does sliding_window_view return?</summary>
#
# New axes at the end, one for each axis of the window. Of an array `(N, C, H, W)` with windows over axes 2 and 3 you get
# `(N, C, places down, places across, kh, kw)`. Try it: `sliding_window_view(np.arange(12).reshape(3, 4), (2, 2)).shape`.
# </details>
#
# <details><summary>Help, the numbers are right but in the wrong places</summary>
#
# Take the smallest case of the report, one image, one channel. Is its first column the first window, read row by row? If the
# columns are right but too many things look shuffled with several channels, print `columns[0, :, 0]`.
# </details>
#
# <details><summary>Help, I get "cannot reshape array of size 72 into shape (1,8,8)"</summary>
#
# The numbers are counted differently on both sides. 72 = 8 · 9: so there were nine places, not eight. Write the last size as `-1`
# to let NumPy count, and look at what comes out.
# </details>


# %% exercise="im2col"
def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    """Every window of every image as a column.

    x: array (N, C, H, W); it is not changed. kernel_size, stride, padding, dilation: each an int, or a pair
    (for the rows, for the columns).
    Returns an array (N, C * kh * kw, oh * ow). In a column: channel by channel, row by row.
    The columns: places row by row.
    """
    ### BEGIN SOLUTION
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (
        pair(value) for value in (kernel_size, stride, padding, dilation)
    )
    images, channels = x.shape[:2]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(images, channels * kh * kw, -1)
    ### END SOLUTION


# %% check="im2col" points=7
check(im2col)

# %% [markdown]
# And now the deck's example as one matrix product. **Predict** the shape of each of the three matrices.

# %%
with when_done("im2col"):
    rows, columns = w.reshape(2, -1), im2col(x, 2)[0]
    maps = rows @ columns + b[:, None]
    print(rows.shape, "@", columns.shape, "=", maps.shape)
    print(maps.reshape(2, 3, 3).round(1))

# %% [markdown]
# There they are again, and no loop in sight.
#
# ---
# ## 4 · The fast layer
#
# **Exercise 4** · `conv2d_forward` · 30 minutes · ●●○
#
# The layer that all later notebooks build on: no Python loop over images, filters, or places (that is one of the points). A
# loop over the few rows or columns of the *kernel* is fine. From here on a layer is a pair of functions, `forward` and
# `backward`, and `forward` returns **two** things: the output, and a *cache* with everything that `backward` will want to
# know in notebook 04. The cache is a tuple that begins with
#
# `(x, w, stride, padding, dilation)`
#
# just as they came in. You may put more behind these, the columns for example.
#
# One helpful fact: `@` multiplies stacks of matrices. `(D, K) @ (N, K, P)` is `(N, D, P)`: the same filters for every image.
#
# <details><summary>Help, how do I get from (N, D, oh * ow) to (N, D, oh, ow)?</summary>
#
# `reshape` does it, since the places run row by row; but it must know `oh`. It is the formula of Exercise 1, for the rows. For the
# last number you may write `-1`.
# </details>
#
# <details><summary>Help, I get "operands could not be broadcast together with shapes (2,4,9) (4,)"</summary>
#
# NumPy lines shapes up at their *last* axes: 9 against 4. The filters are the middle axis. `b[:, None]` has the shape `(4, 1)`, and a 1
# fits to everything.
# </details>
#
# <details><summary>Help, I get "matmul: Input operand 1 has a mismatch in its core dimension 0"</summary>
#
# Rows and columns do not have the same length. Print both shapes: the last number of the left one must be the last but one of the
# right one, $C \cdot kh \cdot kw$.
# </details>


# %% exercise="conv2d_forward"
def conv2d_forward(x, w, b, *, stride=1, padding=0, dilation=1):
    """Forward pass of the convolution layer, without a Python loop over N, D, oh, ow.

    x: array (N, C, H, W). w: array (D, C, kh, kw). b: array (D,). They are not changed.
    stride, padding, dilation: each an int, or a pair (for the rows, for the columns).
    Returns (out, cache): out is an array (N, D, oh, ow); cache is a tuple that begins with
    x, w, stride, padding, dilation, as they were given. Anything may follow.
    """
    ### BEGIN SOLUTION
    filters, channels, kh, kw = w.shape
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    block = 32  # channels at a time: the columns of more do not fit into the processor's cache
    products = (
        w[:, k : k + block].reshape(filters, -1) @ im2col(x[:, k : k + block], (kh, kw), **options)
        for k in range(0, channels, block)
    )
    out = sum(products, b[:, None])
    (sh, _), (ph, _), (dh, _) = pair(stride), pair(padding), pair(dilation)
    oh = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    return out.reshape(len(x), filters, oh, -1), (x, w, stride, padding, dilation)
    ### END SOLUTION


# %% check="conv2d_forward" points=11
check(conv2d_forward)

# %% [markdown]
# ### How fast is it?
#
# **Guess** first: the same layer as above. How many times as long as PyTorch does the matrix product take?

# %%
with when_done("conv2d_naive", "conv2d_forward"):
    times = {
        "loops": milliseconds(lambda: conv2d_naive(*layer)),
        "im2col": milliseconds(lambda: conv2d_forward(*layer), repeat=50),
        "PyTorch": milliseconds(lambda: F.conv2d(*tensors), repeat=50),
    }
    plots.show_times(times)

# %% [markdown]
# In so small a layer a good part of NumPy's time goes into getting ready. With more to do the ratio gets better:

# %%
larger = [rng.normal(size=shape).astype(np.float32) for shape in [(16, 64, 28, 28), (64, 64, 3, 3), (64,)]]
tensors = [torch.from_numpy(array) for array in larger]
with when_done("conv2d_forward"):
    times = {
        "im2col": milliseconds(lambda: conv2d_forward(*larger)),
        "PyTorch": milliseconds(lambda: F.conv2d(*tensors)),
    }
    plots.show_times(times)

# %% [markdown]
# (How close you come depends on how many numbers you copy, on how many processors NumPy and PyTorch use, and on what else
# your machine is doing.) For the next picture loops and the course's own fast layer were timed on *one* processor, on three
# layers of the size that networks really have, with batches as in training. **Guess** first: a training run takes an hour
# with PyTorch. How long does it take with your loops, roughly?

# %%
plots.show_layer_benchmark()

# %% [markdown]
# Days and weeks instead of an hour; and the short NumPy layer needs two hours or so. The lower bars belong to layers that you will
# write in notebooks 04 to 06, none with a loop over pixels. Max pooling even beats PyTorch: its bars go to the *left* of the line.
#
# ### In your own words · 12 minutes
#
# 1. im2col makes *more* numbers of the picture: up to $kh \cdot kw$ times as many, copied about in memory. And it saves not one
#    multiplication. Why is it still so much faster than your loops?
# 2. The copies are not free. A layer gets 16 pictures of 128×56×56 (float32, 4 bytes each), $K = 3$, $P = 1$. How large
#    are the pictures, and how large are their columns, in MB? Say what that means for a GPU with little memory, or how one
#    could avoid having all the columns at once.
# 3. A 1×1 convolution (part 7) needs no im2col at all. Why?
#
# Four to eight sentences in all. This is read by a person, 1 point for each part.

# %% [markdown] written="why_columns" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) What is slow in the loops is not the multiplying but everything around it: for each of the thousands
# of output numbers Python interprets a handful of lines, makes slices (objects), calls functions. im2col hands *all* of the work to
# one matrix product, a compiled routine that goes through memory in order, reuses what is in the cache and in registers, and
# computes several products per instruction. Copying in long runs costs little compared to that. (2) $16 \cdot 128 \cdot 56
# \cdot 56 \approx 6.4$ million numbers, 25.7 MB; the columns have $3 \cdot 3 = 9$ times as many (with padding 1 there are as many places as
# pixels), 57.8 million numbers, 231 MB. For one layer of many, and if it is kept for the backward pass it stays; a GPU's memory limits
# the batch that way. One can make the columns piece by piece (for some images, or for some channels at a time, and add up),
# or let the routine fetch the windows itself while it multiplies ("implicit GEMM"). (3) With $K = 1$, stride 1 and no padding every window is
# one pixel with all its channels, so the columns *are* the picture: $(N, C, H \cdot W)$, a reshape without any copy.
#
# **Rubric.** 1 point: the cost of the interpreter (per output number) is named, *or* what makes one large matrix product fast (compiled, memory
# in order, cache, several at once); "NumPy is faster than Python" alone: half a point; "fewer multiplications": 0.
# 1 point: about 26 MB and about 231 MB (a factor 9 found, MiB instead of MB fine), and one sensible consequence or remedy; only one of the two: half a point.
# 1 point: each window is a single pixel, so columns and picture hold the same numbers in the same order.
# ### END SOLUTION

# %% [markdown]
# ---
# ## 5 · One large matrix
#
# Now look at the layer from far away. Every output number is a weighted sum of *all* numbers of the picture, most of them with
# weight zero. So the layer is **one matrix** times the flattened picture, like `corr1d_matrix` in notebook 01.
# A. Jain's deck takes a 3×3 kernel and a 4×4 picture ("$i=4$, $k=3$, $s=1$, $p=0$"). The weights below are named after where they
# stand in the kernel: 23 is row 2, column 3.
#
# **Predict** before you move the slider: where do the weights of the *second* row stand? And where does the third row begin, when the
# window has jumped to the next line?

# %%
plots.explore_toeplitz(np.array([[11, 12, 13], [21, 22, 23], [31, 32, 33]]), 4, 4)

# %% [markdown]
# In words: rows of outputs, columns of inputs; each row holds the nine weights in three runs of three, with *gaps* between the runs,
# because the next row of the window lies four numbers further on in the flattened picture. A matrix like that, with the same
# numbers on its diagonals, is named after Otto Toeplitz. (To be exact, it is a *block* Toeplitz matrix: between lines it jumps.)
#
# ### Spot the slip: a row of 17
#
# The deck prints this matrix in symbols. Here are its first two rows, as text:

# %%
first = "w00 w01 w02 0 w10 w11 w12 0 w20 w21 w22 0 0 0 0 0"
second = "0 w00 w01 w02 0 w10 w11 w12 0 w20 w21 w22 0 0 0 0 0"
print(len(first.split()), "and", len(second.split()), "numbers; the picture has", 4 * 4)

# %% [markdown]
# One zero too many: the second row would need a picture of 17 numbers. You can do better.
#
# **Questions** · 6 minutes · ●●○ · The picture has **5 rows and 6 columns**, the kernel is 3×3; stride 1, no padding.
# What is the shape of the matrix?

# %% exercise="matrix_shape"
matrix_shape = None  # your answer: (rows, columns)
### BEGIN SOLUTION
matrix_shape = (12, 30)
### END SOLUTION

# %% check="matrix_shape" points=1
check(matrix_shape=matrix_shape)

# %% [markdown]
# In which column of row 7 does the first weight of the kernel stand? (Both are counted from 0.)

# %% exercise="first_weight_column"
first_weight_column = None  # your answer: a number
### BEGIN SOLUTION
first_weight_column = 9
### END SOLUTION

# %% check="first_weight_column" points=1
check(first_weight_column=first_weight_column)

# %% [markdown]
# **Exercise 5** · `conv_matrix` · 25 minutes · ●●●
#
# Build the matrix for one channel and one filter, with stride and padding.
#
# <details><summary>Help, I get lost in the columns</summary>
#
# Don't compute columns at all. Make an array of zeros for one row *in the shape of the picture*, lay the kernel where the window
# stands, and flatten it when you are done. Or keep four axes, (rows of outputs, columns of outputs, rows, columns of the picture), and
# reshape once at the end.
# </details>
#
# <details><summary>Help, what do I do with the padding?</summary>
#
# Build the rows for the padded picture first. A weight that lies on a padded zero contributes nothing, so the columns of the border may
# simply go: cut the border off before you flatten. The *rows* stay, all of them.
# </details>


# %% exercise="conv_matrix"
def conv_matrix(w, height, width, *, stride=1, padding=0):
    """The matrix that convolves every picture of height x width with w.

    w: array (kh, kw). height, width: ints.
    stride, padding: each an int, or a pair (for the rows, for the columns).
    Returns an array (oh * ow, height * width) such that matrix @ x.reshape(-1) are the outputs, row by row.
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw), (kh, kw) = pair(stride), pair(padding), w.shape
    oh = (height + 2 * ph - kh) // sh + 1
    ow = (width + 2 * pw - kw) // sw + 1
    rows = np.zeros((oh, ow, height + 2 * ph, width + 2 * pw))
    for r, c in np.ndindex(oh, ow):
        rows[r, c, r * sh : r * sh + kh, c * sw : c * sw + kw] = w
    return rows[:, :, ph : ph + height, pw : pw + width].reshape(oh * ow, height * width)
    ### END SOLUTION


# %% check="conv_matrix" points=4
check(conv_matrix)

# %%
with when_done("conv_matrix"):
    kernel = np.array([[11, 12, 13], [21, 22, 23], [31, 32, 33]])
    plots.show_toeplitz(conv_matrix(kernel, 5, 5, stride=2, padding=1), width=5)

# %% [markdown]
# With padding the rows at the border have fewer than nine weights: there the kernel hangs over the edge.
#
# From further away still: a 3×3 kernel on a 16×16 picture. Three bands (one for each row of the kernel), each three numbers thick.

# %%
with when_done("conv_matrix"):
    large = conv_matrix(np.ones((3, 3)), 16, 16)
    plots.show_toeplitz(large, width=16)
    print(f"{large.size:,} numbers, {np.count_nonzero(large):,} of them not zero, 9 to learn")

# %% [markdown]
# A fully connected layer between the same inputs and outputs would *learn* all 50,176. This is what a convolution is: a linear layer,
# in which most connections are **cut** (only neighbours) and the others are **shared** (the same everywhere). Nobody computes with
# this matrix, it is mostly zeros. But it is good to think with: in notebook 04 it will tell you what the backward
# pass is without any calculation, as it did in notebook 01.
#
# ---
# ## 6 · Everything is a convolution
#
# It works the other way round, too: every linear layer on a picture *is* a convolution, with a kernel as large as the picture,
# that has only one place to stand. The deck's recipe:
#
# - do **not** flatten;
# - kernel: as high and as wide as the features just before the flatten;
# - input channels: as many as those features have; output channels: as many as the linear layer has neurons.
#
# **Exercise 6** · `linear_as_conv` · 8 minutes · ●○○
#
# Turn the weight of a linear layer into the weight of this convolution. It has as many numbers as before, so only
# their order and shape are in question: how does `flatten` run through `(C, H, W)`?


# %% exercise="linear_as_conv"
def linear_as_conv(weight, input_shape):
    """The weight of the convolution that does what a linear layer does behind a flatten.

    weight: array (D, C * H * W), one row for each neuron. input_shape: (C, H, W), what is flattened.
    Returns an array (D, C, H, W).
    """
    ### BEGIN SOLUTION
    return weight.reshape(len(weight), *input_shape)
    ### END SOLUTION


# %% check="linear_as_conv" points=2
check(linear_as_conv)

# %%
with when_done("linear_as_conv", "conv2d_forward"):
    dense = nn.Linear(3 * 4 * 5, 2).double()
    features = torch.rand(1, 3, 4, 5).double()
    kernel = linear_as_conv(dense.weight.detach().numpy(), (3, 4, 5))
    out, _ = conv2d_forward(features.numpy(), kernel, dense.bias.detach().numpy())
    print("linear:     ", dense(features.flatten(1)).detach().numpy())
    print("convolution:", out.reshape(1, 2), "of shape", out.shape)

# %% [markdown]
# What is it good for? A linear layer takes pictures of one size only; a convolution takes any. Give it a larger picture, and it
# answers at **every place**: a map of answers. In notebook 01 you looked for a person in a crowd. Here is a linear
# layer with one neuron, whose weights are the cut-out (minus its mean); it judges pictures of 18×12. And here is what it says when the
# whole crowd is put in, as a convolution:

# %%
crowd, wanted = plots.crowd()
judge = (wanted - wanted.mean()).reshape(1, -1)  # a linear layer for pictures of 1 x 18 x 12
with when_done("linear_as_conv", "conv2d_forward"):
    kernel = linear_as_conv(judge, (1, *wanted.shape))
    answers, _ = conv2d_forward(crowd[None, None], kernel, np.zeros(1))
    plots.show_pictures({"the crowd": crowd, "answers of the linear layer": answers[0, 0]})
    one = judge @ crowd[40:58, 60:72].reshape(-1)
    print(answers.size, "places; at (40, 60):", answers[0, 0, 40, 60].round(6), "and", one[0].round(6))

# %% [markdown]
# "Sliding-window as convolution", says the deck. Before this was understood, people cut out the windows and ran the
# *whole network* on each of them. As a convolution the work in overlapping windows is done once.
#
# ---
# ## 7 · Stacking layers
#
# UCLA's lecture asks: "What happens if we stack two convolution layers? (Recall $y = W_2 W_1 x$ is a linear classifier.)"
# **Predict** the answer before you read the next line.
#
# We get another convolution. In part 5 you saw that a layer is a matrix, and the product of two matrices is a matrix. Here is how the
# common kernel of two layers with one channel comes about (stride 1, no padding, no bias). Weight $a$ of the *second* kernel looks at an output of the first layer that is
# shifted by $a$; and in there, weight $e$ of the *first* kernel looks at a pixel that is shifted by $e$ once more. So the pixel at
# $s = a + e$ is met by $w_2[a]\,w_1[e]$, and by all other such products with the same sum:
#
# $$ k[s] = \sum_{a} w_2[a]\; w_1[s - a] $$
#
# One index goes up, the other goes down. You know this kind of sum from notebook 01, and also its "full" version, in which the two sequences may
# overlap by a single number. In one dimension, with $w_1 = (1, 2, 3)$ and $w_2 = (1, -1)$:

# %%
signal, w1, w2 = (torch.tensor([[values]]) for values in ([5.0, 1, 4, 2, 8, 7], [1.0, 2, 3], [1.0, -1]))
print("one after the other:", F.conv1d(F.conv1d(signal, w1), w2)[0, 0].numpy())
common = torch.tensor([[[1.0, 2 - 1, 3 - 2, -3]]])  # (1, 2, 3) minus (1, 2, 3) moved by one
print("the common kernel:  ", F.conv1d(signal, common)[0, 0].numpy())

# %% [markdown]
# ### Question: the size of the common kernel · 2 minutes · ●○○
#
# The kernel of the first layer is 3 high and 3 wide, that of the second 5 high and 2 wide. How large is the common kernel? (Notebook
# 02 has the answer in other words: how far does the second layer see?)

# %% exercise="common_size"
common_size = None  # your answer: (height, width)
### BEGIN SOLUTION
common_size = (7, 4)
### END SOLUTION

# %% check="common_size" points=1
check(common_size=common_size)

# %% [markdown]
# **Exercise 7** · `compose_kernels` · 25 minutes · ●●●
#
# Now with channels: the first layer goes from $C$ to $M$ channels, the second from $M$ to $D$. From input channel $c$ to output $d$
# a number may travel through any of the $M$ channels in between:
#
# $$ k[d, c] = \sum_{m=0}^{M-1} w_2[d, m] * w_1[m, c] $$
#
# where $*$ is the full convolution of the formula above, in two dimensions. Loops are fine.
#
# <details><summary>Help, how do I write it with the least headache?</summary>
#
# Give out instead of collecting. Make an array of zeros for the result. For every weight `w2[d, m, i, j]` (four loops) a multiple of the
# kernel `w1[m, c]` is added to a part of `k[d, c]` that is as large as `w1[m, c]` and begins at row `i`, column `j`.
# </details>
#
# <details><summary>Help, can my own layer do it?</summary>
#
# It can, when you see `w1` as a batch of pictures: which of its axes are the "images", which the channels that are summed over? A correlation becomes a
# convolution by flipping (`w2[:, :, ::-1, ::-1]`), and a "full" one by padding.
# </details>


# %% exercise="compose_kernels"
def compose_kernels(w1, w2):
    """The weight of the one layer that does what two layers do (stride 1, no padding, no bias between them).

    w1: array (M, C, k1h, k1w), the first layer. w2: array (D, M, k2h, k2w), the second.
    Returns an array (D, C, k1h + k2h - 1, k1w + k2w - 1).
    """
    ### BEGIN SOLUTION
    k2h, k2w = w2.shape[2:]
    flipped, no_bias = w2[:, :, ::-1, ::-1], np.zeros(len(w2))
    common, _ = conv2d_forward(w1.transpose(1, 0, 2, 3), flipped, no_bias, padding=(k2h - 1, k2w - 1))
    return common.transpose(1, 0, 2, 3)
    ### END SOLUTION


# %% check="compose_kernels" points=3
check(compose_kernels)

# %% [markdown]
# Two layers with random weights, one after the other, and the one that replaces them:

# %%
with when_done("compose_kernels", "conv2d_forward"):
    picture = np.random.default_rng(1).normal(size=(1, 2, 9, 9))
    first, second = np.random.default_rng(2).normal(size=(2, 4, 4, 3, 3))
    inner, _ = conv2d_forward(picture, first[:, :2], np.zeros(4))
    stacked, _ = conv2d_forward(inner, second, np.zeros(4))
    single, _ = conv2d_forward(picture, compose_kernels(first[:, :2], second), np.zeros(4))
    print("largest difference:", abs(stacked - single).max())

# %% [markdown]
# ### Kernels of 1×1
#
# A kernel of a single pixel sees no neighbours; it can only mix *channels*: at every pixel $C$ numbers go in, $D$ come out. That is a small
# linear layer, the same for every pixel. "Network in Network" (Lin, Chen and Yan, 2014) put them between ordinary layers. UCLA's lecture calls it "like a dimensionality
# reduction". **Predict** the shape of 64×56×56 behind 32 filters of 1×1, and the number of their weights.

# %%
mixer = nn.Conv2d(64, 32, kernel_size=1)
print(tuple(mixer(torch.rand(1, 64, 56, 56)).shape), " weights:", mixer.weight.numel())

# %% [markdown]
# **Exercise 8** · `pointwise_conv` · 8 minutes · ●○○
#
# Write it without im2col, and without loops if you can: one product over the channels.
#
# <details><summary>Help, the numbers look shuffled</summary>
#
# `x.reshape(-1, C)` does not give one row of channels for each pixel: in memory the numbers of one channel lie side by side, not those of one
# pixel. Either move the axis of the channels to the end first, or join only the last two axes: `(N, C, H * W)`.
# </details>


# %% exercise="pointwise_conv"
def pointwise_conv(x, w, b):
    """A convolution with kernels of 1 x 1: a linear layer over the channels at every pixel.

    x: array (N, C, H, W). w: array (D, C, 1, 1). b: array (D,). They are not changed.
    Returns an array (N, D, H, W).
    """
    ### BEGIN SOLUTION
    images, channels, height, width = x.shape
    mixed = w[:, :, 0, 0] @ x.reshape(images, channels, height * width) + b[:, None]
    return mixed.reshape(images, len(w), height, width)
    ### END SOLUTION


# %% check="pointwise_conv" points=2
check(pointwise_conv)

# %% [markdown]
# ### In your own words · 10 minutes
#
# 1. Two stacked convolutions without anything between them are one convolution. Nobody builds such networks. What do networks put between two
#    layers, and why can the two then no longer be replaced by one?
# 2. Two 3×3 layers and one 5×5 layer see the same 5×5 pixels. One channel, no bias, nothing in between: can *every* 5×5 kernel be made of two 3×3
#    kernels? Count the free numbers on both sides.
#
# Two to four sentences in all. This is read by a person, 1 point for each part.

# %% [markdown] written="why_nonlinear" points=2
# ### BEGIN SOLUTION
# **A good answer.** (1) A non-linear function such as ReLU (or a max-pooling). `compose_kernels` works because a weight of the second layer
# multiplies a *sum* and can be multiplied out; with ReLU some of the numbers in between are set to 0, depending on the picture, so there is no single
# kernel that is right for all pictures: $f(x + y) \ne f(x) + f(y)$, and everything that a convolution makes is linear. (2) No. Two 3×3 kernels have
# 18 numbers (17 free ones, as a factor can be moved from one to the other), a 5×5 kernel has 25. For example a 5×5 kernel
# with random numbers is none of them. Small stacked kernels are cheaper *and* a restriction.
#
# **Rubric.** 1 point: a non-linearity, and the reason (the sum no longer multiplies out; which numbers are cut depends on the picture; the result is not linear); naming ReLU
# without a reason: half a point. 1 point: no, with the count 18 (or 17) against 25; "no" with another sound reason counts as well; "no" alone: 0.
# ### END SOLUTION

# %% [markdown]
# ---
# ## 8 · For the curious
#
# Two points each, and no later notebook needs them.
#
# ### Groups
#
# So far every filter sees all channels. With **groups** the channels are shared out: with $g$ groups, the first $D/g$ filters see the first $C/g$ channels,
# the next ones the next channels, and so on. AlexNet did it to spread one layer over two GPUs. When $g = C$, every filter sees one
# channel only ("depthwise"); together with a 1×1 convolution that mixes the channels afterwards, this is what networks for telephones
# are made of. **Predict** the shape of the weight for 32 channels, 64 filters of 3×3 and 4 groups.

# %%
for groups in (1, 4, 32):
    grouped = nn.Conv2d(32, 64, kernel_size=3, groups=groups)
    print(f"{groups:2d} groups: weight {tuple(grouped.weight.shape)}, {grouped.weight.numel():6,} numbers")

# %% [markdown]
# **Exercise 9** · `grouped_conv2d` · 15 minutes · ●●○ · You may call your own layer, once for each group.


# %% exercise="grouped_conv2d"
def grouped_conv2d(x, w, b, *, groups, stride=1, padding=0):
    """A convolution layer whose channels and filters are split into groups that do not see each other.

    x: array (N, C, H, W). w: array (D, C / groups, kh, kw). b: array (D,). C and D are multiples of groups.
    stride, padding: each an int, or a pair (for the rows, for the columns).
    Returns an array (N, D, oh, ow): the outputs of group 0 first, then those of group 1, ...
    """
    ### BEGIN SOLUTION
    inputs = np.split(x, groups, axis=1)
    shares = zip(inputs, np.split(w, groups), np.split(b, groups), strict=True)
    outs = [conv2d_forward(*share, stride=stride, padding=padding)[0] for share in shares]
    return np.concatenate(outs, axis=1)
    ### END SOLUTION


# %% check="grouped_conv2d" points=2
check(grouped_conv2d)

# %% [markdown]
# ### One dimension, three dimensions
#
# "If the channel dimension has a metric meaning (e.g. time) 3D convolution can be employed (e.g. frames in a video)", says
# IIT Tirupati. *Metric* means: distance means something there. The colours red, green and blue have no order, so a filter sees all of them at once. The
# frames of a film do, so the kernel **slides** along them, too. Sounds have one such direction, scans of a body have three.

# %%
sound, film = torch.rand(1, 2, 100), torch.rand(1, 3, 16, 32, 32)
print("1-D:", tuple(nn.Conv1d(2, 5, 9)(sound).shape), " weight", tuple(nn.Conv1d(2, 5, 9).weight.shape))
print("3-D:", tuple(nn.Conv3d(3, 5, 3)(film).shape), " weight", tuple(nn.Conv3d(3, 5, 3).weight.shape))

# %% [markdown]
# **Exercise 10** · `conv3d` · 20 minutes · ●●○ · Options are an int, or a triple (time, rows, columns). A loop over the places is fine.


# %% exercise="conv3d"
def conv3d(x, w, b, *, stride=1, padding=0):
    """A convolution layer whose kernels slide along time, rows and columns.

    x: array (N, C, T, H, W). w: array (D, C, kt, kh, kw). b: array (D,). They are not changed.
    stride, padding: each an int, or a triple (for the time, for the rows, for the columns).
    Returns an array (N, D, ot, oh, ow).
    """
    ### BEGIN SOLUTION
    (st, sh, sw), around = ((v,) * 3 if isinstance(v, int) else v for v in (stride, padding))
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in around)])
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3, 4))[:, :, ::st, ::sh, ::sw]
    return np.einsum("ncthwijk,dcijk->ndthw", windows, w) + b[:, None, None, None]
    ### END SOLUTION


# %% check="conv3d" points=2
check(conv3d)

# %% [markdown]
# ---
# ## What you can do now
#
# | | in one line | shapes |
# |---|---|---|
# | one output number | window · filter + bias | $C\,kh\,kw$ products |
# | im2col | windows as columns | $(N,\; C\,kh\,kw,\; oh\,ow)$ |
# | the layer | `w.reshape(D, -1) @ columns + b[:, None]` | $(N, D, oh, ow)$ |
# | as one matrix | a row for each output, mostly zeros | $(oh\,ow,\; H\,W)$ |
# | a linear layer | a kernel as large as the picture | $(D, C, H, W)$ |
# | two layers in a row | one layer, unless something non-linear is between them | $k_1 + k_2 - 1$ |
# | 1×1 | a linear layer at every pixel | $(D, C, 1, 1)$ |
#
# In notebook 04 the gradient comes back through all of it: the product of matrices turns round, the columns are laid back into the
# picture (`col2im`), and the large matrix is transposed. Your `conv2d_forward`, its cache included, is where it starts.
