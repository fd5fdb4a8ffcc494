"""Notebook 02: output sizes, padding, parameters, cost, receptive fields, whole nets.

Sources of the worked numbers: UCLA CS163 lecture 7, Georgia Tech CS 7643 (convolution lecture), IIT Tirupati
deep learning 4.1, and A. Jain's building blocks. All of them were recomputed.
"""
# %% [markdown]
# # 02 · Shapes, cost and receptive fields
#
# Somebody hands you a network as a table of layers. Before you train it you want to know four things:
#
# 1. **Does it fit together?** Which shape comes out of every layer?
# 2. **How large is it?** How many numbers must be learned and stored?
# 3. **How slow is it?** How many multiplications does one picture cost?
# 4. **How far does it see?** Which part of the picture can one output number know about?
#
# All four can be answered with a pencil, in a minute, without running anything. At the end of this notebook
# you can do it for any network, and you have eight small functions that do it for you.
#
# **How to work.** First *predict*, on paper, then run the cell, then read on. Fill in the cells that say so, run
# the `check(...)` under each one, and read what it tells you. Nothing here needs a GPU. Plan three to four
# hours in two or three sittings; 42 points in all. Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk
# in between.
#
# **Notation**, the same in all notebooks: an input `x` is `(N, C, H, W)`: images, channels, height, width. The
# weights `w` of a convolution are `(D, C, kh, kw)`: one filter for each of the $D$ output channels. Where a
# thing has a height and a width, **height comes first**. Along one axis we write $W$ for the input size, $K$ for
# the kernel size, $P$ for padding, $S$ for stride and $d$ for dilation.

# %% tags=["needed"]
import numpy as np
from cs_utils import check, plots, when_done

# %% [markdown]
# ---
# ## 1 · How many places does a kernel have?
#
# A $3$-wide kernel slides over a $7$-wide input, one step at a time. At every place it makes one output number.
#
# **Predict:** how many places are there? Write your number down, then run the cell.

# %%
plots.show_windows(7, 3)

# %% [markdown]
# Five. The first window starts at column 0; the last one starts at column 4, because it must end at column 6.
# The left edge of the window can stand at $0, 1, \dots, W-K$, so there are
#
# $$ W - K + 1 $$
#
# places. In two dimensions the same holds for each axis by itself: a 7×7 input and a 3×3 kernel give **5×5**.
#
# The picture gets smaller with every layer. After how many such layers is a single number left of the 7×7 input?
# ($7 \to 5 \to 3 \to 1$: three.) If we want to build deep networks we must do something about that.
#
# ### Padding
#
# We put $P$ zeros on **both** sides. The kernel does not know that they are zeros; for it the input is simply
# $W + 2P$ wide:
#
# $$ W - K + 1 + 2P $$
#
# **Predict** the number of windows for $W = 5$, $K = 3$, $P = 1$.

# %%
plots.show_windows(5, 3, padding=1)

# %% [markdown]
# ### Spot the slip: "Output: 5x5"
#
# A slide of UCLA's CS163, lecture 7, shows a 7×7 input **with a ring of zeros around it** and prints beside it:
#
# > Input: 7x7 · Filter: 3x3 · Output: 5x5
#
# The cell below lets PyTorch count for a *smaller* picture, 6×6, without a ring and with two rings. What should the
# slide have said about 7×7 with one ring? Answer as a pair `(height, width)`.

# %%
import torch
from torch import nn

x = torch.rand(1, 1, 6, 6)
for padding in (0, 2):
    layer = nn.Conv2d(1, 1, kernel_size=3, padding=padding)
    print(f"padding {padding}: {layer(x).numel():2d} output numbers")

# %% [markdown]
# **Exercise 1** · `padded_output` · 1 minute · ●○○

# %% exercise="padded_output"
padded_output = None  # your answer: (height, width)
### BEGIN SOLUTION
padded_output = (7, 7)
### END SOLUTION

# %% check="padded_output" points=1
check(padded_output=padded_output)

# %% [markdown]
# ### Stride
#
# With stride $S = 2$ the kernel makes steps of two, and about half of the windows are left out. This is the cheapest
# way to make a picture smaller inside a network.
#
# **Predict** the number of windows for $W = 7$, $K = 3$, $S = 2$.

# %%
plots.show_windows(7, 3, stride=2)

# %% [markdown]
# Three. The window can *move* $W - K = 4$ columns to the right, in steps of 2: two steps. And then there is the
# place where it stood before it moved at all:
#
# $$ \frac{W - K + 2P}{S} + 1 $$
#
# So says the slide, and for 7×7, $K = 3$, $S = 2$ it gives $4/2 + 1 = 3$. All is well. Is it?
#
# ### Spot the slip: the formula without a floor
#
# **Predict** what the slide's formula gives for 11 columns, $K = 4$, $S = 2$, $P = 0$. Then look.

# %%
plots.show_windows(11, 4, stride=2)

# %% [markdown]
# The formula says $4.5$, and half a window is nothing a computer can make. The window that would hang over the
# edge is dropped. So the hatched column is never read: whatever stands there, the output does not change.
#
# **Exercise 2** · `floor_output` · 2 minutes · ●○○
#
# How many output **rows** are there for an 8×8 input, $K = 3$, $S = 2$, $P = 0$? (And which row is never read?)

# %% exercise="floor_output"
floor_output = None  # your answer: a number
### BEGIN SOLUTION
floor_output = 3
### END SOLUTION

# %% check="floor_output" points=1
check(floor_output=floor_output)

# %% [markdown]
# ### Dilation
#
# A dilated kernel keeps its weights but spreads them out: with $d = 2$ there is one hole between neighbouring
# weights (one calls them *taps*), with $d = 3$ there are two. (The French call it *à trous*, "with holes".) The kernel sees further, and has
# not one parameter more.

# %%
plots.show_dilations(3, (1, 2, 3))

# %% [markdown]
# How wide is a kernel of $k$ taps then? From one tap to the next it is $d$ columns, and there are $k - 1$ such steps.
# And the first tap has a place of its own:
#
# $$ k_\text{eff} = d\,(k - 1) + 1 $$
#
# For $k = 3$: $d = 1, 2, 3$ give 3, 5, 7, as in the picture. For the output size a dilated kernel is nothing but
# a kernel of $k_\text{eff}$.
#
# ### Play with it
#
# Move the sliders until you can predict the number of windows and the number of unread columns every time.
# (Where sliders do not work you see four typical cases instead.)

# %%
plots.explore_windows()

# %% [markdown]
# **Exercise 3** · `output_size` · 15 minutes · ●●○
#
# Put the pieces together: padding, stride, dilation, and what you learned about remainders. It works along one
# axis; for a picture it is called twice.
#
# When the kernel does not fit even once into the padded input there is no output. Then raise a `ValueError`, with
# a message that helps whoever reads it: name both sizes. An error here is kind. Without it a size of $-1$ wanders
# through a program and breaks something else, far away.
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: 'float' object cannot be interpreted as an integer`, a few cells later: your function returned
#   `4.0`. Python's `/` gives a float even when nothing is left over. Use the division that rounds down.
# - *"returned a result where a ValueError was asked for"*: compare before you compute. What must be at least
#   as large as what?
# - `NameError: name 'P' is not defined`: the arguments have PyTorch's names: `padding`, `stride`, `dilation`.
# </details>


# %% exercise="output_size"
def output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    """Number of outputs of a convolution (or a pooling) along one axis.

    size: of the input, without padding. kernel_size: number of taps.
    stride: columns per step. padding: zeros added on each side. dilation: distance between taps.
    Returns an int.

    Raises ValueError when the (dilated) kernel is larger than the padded input.

    >>> output_size(7, 3), output_size(7, 3, padding=1), output_size(7, 3, stride=2)
    (5, 7, 3)
    """
    ### BEGIN SOLUTION
    span = dilation * (kernel_size - 1) + 1
    room = size + 2 * padding - span
    if room < 0:
        raise ValueError(f"a kernel that spans {span} does not fit into {size} + 2 * {padding}")
    return room // stride + 1
    ### END SOLUTION


# %% check="output_size" points=6
check(output_size)

# %% [markdown]
# Now let your function read the lecture slides. **Predict** two or three lines before you run the cell.

# %%
SLIDES = [  # size, kernel, stride, padding, what it is
    (7, 3, 2, 0, "the strided example"),
    (8, 3, 1, 1, "comp_conv2d of the slides"),
    (32, 5, 1, 2, "ten 5x5 filters on a 3x32x32 picture"),
    (16, 5, 1, 0, "16x16 -> 8x12x12"),
    (20, 5, 1, 0, "128x3x20x20 -> 128x5x16x16"),
    (224, 2, 2, 0, "2x2 pooling of 64x224x224"),
]
with when_done("output_size"):
    for size, kernel, stride, padding, name in SLIDES:
        out = output_size(size, kernel, stride=stride, padding=padding)
        print(f"{size:4d} -> {out:4d}   K={kernel} S={stride} P={padding}   {name}")

# %% [markdown]
# You will meet four settings again and again. Three of them keep the size, one halves it:

# %%
with when_done("output_size"):
    for kernel, padding, stride in [(3, 1, 1), (5, 2, 1), (1, 0, 1), (3, 1, 2)]:
        options = {"stride": stride, "padding": padding}
        sizes = [output_size(side, kernel, **options) for side in (32, 33, 224)]
        print(f"K={kernel} P={padding} S={stride}:  32, 33, 224 ->", *sizes)

# %% [markdown]
# Look at 33 in the last line. An odd size is halved *upwards* by $K=3, P=1, S=2$: the padding makes up for it.
#
# ### "Same" padding
#
# If the output is to be as large as the input at stride 1, we need $W - K + 1 + 2P = W$, so $P = (K-1)/2$. That is
# a whole number for **odd** kernels only, and one reason why you see 3×3 and 5×5 everywhere and 4×4 hardly ever.
#
# For an even kernel the padding that is missing, $K - 1$, is odd, and cannot be shared fairly. PyTorch's
# `padding="same"` puts the smaller half **before** and the larger half **after** (left and right, top and bottom).
# A dilated kernel needs as much as its *effective* size asks for.
#
# **Exercise 4** · `same_padding` · 8 minutes · ●●○


# %% exercise="same_padding"
def same_padding(kernel_size, *, dilation=1):
    """Padding that makes the output as large as the input at stride 1.

    Returns a pair of ints (before, after). When they cannot be equal, `after` is the larger one.

    >>> same_padding(3), same_padding(4)
    ((1, 1), (1, 2))
    """
    ### BEGIN SOLUTION
    missing = dilation * (kernel_size - 1)
    before = missing // 2
    return before, missing - before
    ### END SOLUTION


# %% check="same_padding" points=3
check(same_padding)

# %% [markdown]
# Does it hold? We pad by hand, on each side what your function says, and count.

# %%
with when_done("same_padding"):
    for kernel, dilation in [(3, 1), (4, 1), (5, 2), (6, 3)]:
        before, after = same_padding(kernel, dilation=dilation)
        padded = nn.functional.pad(torch.rand(1, 1, 20), (before, after))
        out = nn.functional.conv1d(padded, torch.rand(1, 1, kernel), dilation=dilation)
        print(f"K={kernel} d={dilation}: padding {before}, {after}:  20 -> {out.shape[-1]}")

# %% [markdown]
# ---
# ## 2 · What stands in the border?
#
# Zeros are the usual border, but they are a strange thing to find beside a picture: a black frame. A kernel that
# looks for edges will find one there. "Instead of zeros, one may pad with signal values at the edges", says a
# slide of IIT Tirupati. PyTorch knows these, by the names of `nn.Conv2d(padding_mode=...)`:
#
# - **zeros**: all border numbers are 0;
# - **replicate**: every border number is a copy of the nearest number of the picture;
# - **reflect**: the picture is mirrored *at* its last row and column. The mirror stands **on** the last
#   number, so that one is not repeated.
#
# **Predict** for the row `1 2 3 4` and padding 2: what stands left of the 1 in each mode?

# %%
row = torch.tensor([[[[1.0, 2, 3, 4]]]])
padded_rows = {}
for name, mode in [("zeros", "constant"), ("replicate", "replicate"), ("reflect", "reflect")]:
    padded_rows[name] = nn.functional.pad(row, (2, 2, 0, 0), mode=mode)[0, 0].numpy()
plots.show_paddings(row[0, 0].numpy(), padded_rows)

# %% [markdown]
# **Exercise 5** · `pad2d` · 30 minutes · ●●○
#
# Write it for the last two axes of any array, so that it works for one picture `(H, W)` and for a batch
# `(N, C, H, W)`. `padding` is a number, or a pair `(h, w)`: `h` rows at the top and at the bottom, `w` columns at
# the left and at the right. You may use `np.pad`, but do *reflect* at least once by hand, with an index: which row of
# `x` stands in row $-1$? In row $-2$? In row $H$? (The padding is always smaller than the picture here.)
#
# "A number, or a pair" will come again in three more exercises. A small helper that makes a pair of either is worth
# writing: put it above `pad2d`, into the same cell, and use it in the later ones, too.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: could not broadcast input array from shape (3,3) into shape (0,0)`: you wrote
#   `out[p:-p, p:-p] = x`, and `p` is 0. Then `-p` is 0 too, and `[0:0]` is empty. Use `out[p:p + H, p:p + W]`.
# - *"returned shape (4, 5, 5, 6), expected (2, 3, 5, 6)"*: `np.pad(x, 1)` pads **every** axis, the batch too. It
#   takes a list of pairs, one (before, after) for each axis; `(0, 0)` leaves an axis alone.
# - `TypeError: cannot unpack non-iterable int object`: `padding` may be `1` or `(1, 2)`. Make a pair of the
#   number first: `isinstance(padding, int)` tells which of the two it is.
# </details>


# %% exercise="pad2d"
def pad2d(x, padding, *, mode="zeros"):
    """Put a border around the last two axes.

    x: array (..., H, W); it is not changed. padding: int, or a pair (h, w) of ints, both smaller than H, W.
    mode: "zeros", "replicate" or "reflect".
    Returns an array (..., H + 2 h, W + 2 w).

    >>> pad2d(np.array([[1.0, 2], [3, 4]]), (0, 1))
    array([[0., 1., 2., 0.],
           [0., 3., 4., 0.]])
    """
    ### BEGIN SOLUTION
    h, w = (padding, padding) if isinstance(padding, int) else padding
    H, W = x.shape[-2:]
    rows, columns = np.arange(-h, H + h), np.arange(-w, W + w)
    if mode == "zeros":
        out = np.zeros((*x.shape[:-2], H + 2 * h, W + 2 * w), dtype=x.dtype)
        out[..., h : h + H, w : w + W] = x
        return out
    if mode == "replicate":
        rows, columns = rows.clip(0, H - 1), columns.clip(0, W - 1)
    else:
        rows, columns = (n - 1 - abs(n - 1 - abs(index)) for n, index in ((H, rows), (W, columns)))
    return x[..., rows, :][..., columns]
    ### END SOLUTION


# %% check="pad2d" points=5
check(pad2d)

# %%
picture = np.arange(1.0, 13).reshape(3, 4)
with when_done("pad2d"):
    modes = ("zeros", "replicate", "reflect")
    plots.show_paddings(picture, {mode: pad2d(picture, 2, mode=mode) for mode in modes})

# %% [markdown]
# Does the border matter? Here is a bright, featureless wall and a kernel that answers to vertical edges. There is
# no edge in the wall.

# %%
wall = np.full((5, 6), 10.0)
sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]).double()
with when_done("pad2d"):
    for mode in ("zeros", "replicate"):
        padded = torch.tensor(pad2d(wall, 1, mode=mode))[None, None]
        answer = nn.functional.conv2d(padded, sobel[None, None])
        print(f"{mode:9s} middle row:", *answer[0, 0, 2].tolist())

# %% [markdown]
# With zeros the network "sees" two strong edges, at the left and at the right: its own frame. (That is not only a
# nuisance: it is also how a network can find out where the border of the picture is.)
#
# ---
# ## 3 · Four axes: which number is which?
#
# A filter always reaches through the full depth of its input: a filter over an RGB picture is $3 \times kh \times
# kw$. A layer has $D$ filters, and each makes one channel of the output:
#
# $$ x: (N, C, H, W) \qquad w: (D, C, kh, kw) \qquad b: (D,) \qquad \text{out}: (N, D, oh, ow) $$
#
# Here is the example of IIT Tirupati, with a kernel that is 2 high and 3 wide. **Predict** the output's shape.

# %%
f = nn.Conv2d(in_channels=3, out_channels=5, kernel_size=(2, 3))
for name, parameter in f.named_parameters():
    print(name, tuple(parameter.shape))
print("128x3x28x28 ->", tuple(f(torch.rand(128, 3, 28, 28)).shape))

# %% [markdown]
# 27 rows and 26 columns: $28 - 2 + 1$ and $28 - 3 + 1$. And the same with the function instead of the layer:

# %%
images, weight, bias = torch.rand(128, 3, 20, 20), torch.rand(5, 3, 5, 5), torch.rand(5)
print(tuple(nn.functional.conv2d(images, weight, bias).shape))

# %% [markdown]
# ### Spot the slip: $K_W \times K_H$ or $K_H \times K_W$?
#
# CS163 writes the filters as $C_\text{out} \times C_\text{in} \times K_w \times K_h$ on one slide and as $C_\text{out}
# \times C_\text{in} \times K_H \times K_W$ on others. As long as kernels are square nobody notices. Run this:

# %%
tall = nn.Conv2d(3, 5, kernel_size=(7, 1))  # looks along a column
out = tall(torch.rand(1, 3, 10, 20))
print("a 10 x 20 picture becomes", out.shape[2], "x", out.shape[3])

# %% [markdown]
# **Exercise 6** · `filter_shape` · 2 minutes · ●○○
#
# A layer has 4 input channels, 6 filters, and every filter is **3 columns wide and 5 rows high**. What is the
# shape of its weight, four numbers, in the order of PyTorch and of these notebooks?

# %% exercise="filter_shape"
filter_shape = None  # your answer: (.., .., .., ..)
### BEGIN SOLUTION
filter_shape = (6, 4, 5, 3)
### END SOLUTION

# %% check="filter_shape" points=1
check(filter_shape=filter_shape)

# %% [markdown]
# ### Spot the slip: a weight of $1 \times 8 \times 5 \times 5$
#
# A. Jain's deck convolves one 16×16 picture and gets eight 12×12 maps. It writes
#
# $$ n \in \mathbb{R}^{16 \times 16} \to m \in \mathbb{R}^{8 \times 12 \times 12}, \qquad W \in \mathbb{R}^{1 \times 8 \times 5 \times 5} $$
#
# The next cell gives PyTorch a weight of the shape that the deck writes. Read the error (it is meant to come).

# %%
picture = torch.rand(1, 1, 16, 16)
try:
    nn.functional.conv2d(picture, torch.rand(1, 8, 5, 5))
except RuntimeError as error:
    print(error)

# %% [markdown]
# **Exercise 7** · `weight_shape` · 2 minutes · ●○○
#
# Which shape must the weight have, in our order `(D, C, kh, kw)`, so that 16×16 becomes 8×12×12?

# %% exercise="weight_shape"
weight_shape = None  # your answer: (.., .., .., ..)
### BEGIN SOLUTION
weight_shape = (8, 1, 5, 5)
### END SOLUTION

# %% check="weight_shape" points=1
check(weight_shape=weight_shape)

# %% [markdown]
# The number of weights, 200, is the same either way: only the order was wrong. That is what makes this slip so
# hard to find: a `reshape` to the wrong order raises no error at all.
#
# The same deck calls the idea behind all this "translational *invariance*". A convolution is **equivariant**: when the
# input moves, the output moves along. You will measure the difference in notebook 05.
#
# ---
# ## 4 · How many numbers must be learned?
#
# **A convolution.** Georgia Tech's example: $D$ filters of $k_1 \times k_2$ on an RGB picture. (The deck writes $N$
# for their number; here $N$ counts images.) One filter has $k_1 k_2 \cdot 3$ weights and **one** bias, so the layer has
#
# $$ D\,(k_1 k_2 \cdot 3 + 1) $$
#
# parameters. **Predict** it for four 3×3 filters. And for ten 5×5 filters, CS163's example.

# %%
for channels, filters, kernel in [(3, 4, 3), (3, 10, 5)]:
    layer = nn.Conv2d(channels, filters, kernel)
    sizes = {name: parameter.numel() for name, parameter in layer.named_parameters()}
    print(f"{filters} filters of {channels}x{kernel}x{kernel}:", sizes, "together", sum(sizes.values()))

# %% [markdown]
# 112 and 760. Notice what is *not* in the formula: the size of the picture.
#
# **Exercise 8** · `conv2d_parameters` · 6 minutes · ●○○
#
# The kernel size is again a number or a pair; remember the helper of Exercise 5.


# %% exercise="conv2d_parameters"
def conv2d_parameters(in_channels, out_channels, kernel_size, *, bias=True):
    """Number of weights and biases of a convolution layer, an int.

    kernel_size: int, or a pair (kh, kw). bias: whether each filter has a bias.

    >>> conv2d_parameters(3, 10, 5)
    760
    """
    ### BEGIN SOLUTION
    kh, kw = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    return out_channels * (in_channels * kh * kw + bool(bias))
    ### END SOLUTION


# %% check="conv2d_parameters" points=2
check(conv2d_parameters)

# %% [markdown]
# **A fully connected layer** with $M$ inputs and $D$ outputs: every output has a weight for every input, and one
# bias.
#
# $$ M D + D $$
#
# **Exercise 9** · `linear_parameters` · 2 minutes · ●○○


# %% exercise="linear_parameters"
def linear_parameters(in_features, out_features, *, bias=True):
    """Number of weights and biases of a fully connected layer, an int.

    >>> linear_parameters(500, 10)
    5010
    """
    ### BEGIN SOLUTION
    return in_features * out_features + (out_features if bias else 0)
    ### END SOLUTION


# %% check="linear_parameters" points=1
check(linear_parameters)

# %% [markdown]
# ### Why not connect everything with everything?
#
# IIT Tirupati's example: a 200×200 RGB picture, and a hidden layer as large as the picture itself. **Predict** the
# number of weights, roughly: thousands? Millions?

# %%
neurons = 200 * 200 * 3
weights = neurons**2
print(f"{neurons:,} neurons, {weights:.3g} weights, {4 * weights / 1e9:.1f} GB in float32")

# %% [markdown]
# $1.44 \cdot 10^{10}$ weights, 57.6 GB, for *one layer*. And what would a convolution need that makes an equally large
# output, three 5×5 filters with padding 2?

# %%
with when_done("conv2d_parameters"):
    convolution = conv2d_parameters(3, 3, 5)
    plots.show_memory({"fully connected": 4 * weights, "convolution 5x5": 4 * convolution})

# %% [markdown]
# The convolution can do so much less, and that is the point: it bets that what is useful at one place of a picture is
# useful at every other place, and that neighbours matter most.
#
# ### Spot the slip: "~2B parameters"
#
# A. Jain's deck makes the same point with another layer:
#
# > Example: 200x200 image, 40K hidden units → ~2B parameters!!!
#
# The picture here has one channel. A very small sister of this layer can be counted by hand, as a check of your rule:

# %%
print("3x3 picture, 2 hidden units:", nn.Linear(3 * 3, 2, bias=False).weight.numel(), "weights")

# %% [markdown]
# **Exercise 10** · `billions` · 2 minutes · ●○○
#
# How many weights, exactly and without biases, connect a 200×200 picture to 40,000 hidden units?

# %% exercise="billions"
billions = None  # your answer: a number
### BEGIN SOLUTION
billions = 200 * 200 * 40_000
### END SOLUTION

# %% check="billions" points=1
check(billions=billions)

# %% [markdown]
# ---
# ## 5 · How much work is it?
#
# Few parameters do not mean little work: a filter is used again at every place. CS163's example, once more: ten 5×5
# filters, stride 1, padding 2, on a 3×32×32 picture.
#
# - The output is 10×32×32: **10,240** numbers.
# - Each of them is a dot product of two 3×5×5 boxes: **75** multiplications, each added to a running sum.
# - Together $10{,}240 \cdot 75 =$ **768,000** multiply-adds, with 760 parameters.
#
# One *multiply-add* (MAC) is one multiplication and the addition that belongs to it. Biases are not counted, and
# multiplications with padded zeros are (the machine does them).
#
# **Exercise 11** · `conv2d_macs` · 20 minutes · ●●○
#
# Use your own `output_size`: once for the height, once for the width.
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: unsupported operand type(s) for +: 'int' and 'tuple'` inside `output_size`: `padding` was a pair.
#   Each axis must be given its own number.
# - `TypeError: output_size() takes 2 positional arguments but 5 were given`: look at its signature. What stands behind
#   the `*` must be given by name: `output_size(size, k, stride=s)`, not `output_size(size, k, s)`.
# - `TypeError: 'int' object is not subscriptable`: `stride[0]`, but `stride` was `1`. Make pairs of all options
#   first, with the helper of Exercise 5.
# - `NotImplementedError: write output_size`: Exercise 3 comes first.
# </details>


# %% exercise="conv2d_macs"
def conv2d_macs(in_shape, out_channels, kernel_size, *, stride=1, padding=0, dilation=1):
    """Number of multiply-adds of a convolution layer for one image, an int.

    in_shape: (C, H, W) of the image. kernel_size, stride, padding, dilation: each an int or a pair (h, w).

    >>> conv2d_macs((3, 32, 32), 10, 5, padding=2)
    768000
    """

    ### BEGIN SOLUTION
    def pair(value):
        return (value, value) if isinstance(value, int) else value

    channels, *sides = in_shape
    macs = out_channels * channels
    options = [pair(option) for option in (kernel_size, stride, padding, dilation)]
    for size, k, s, p, d in zip(sides, *options, strict=True):
        macs *= k * output_size(size, k, stride=s, padding=p, dilation=d)
    return macs
    ### END SOLUTION


# %% check="conv2d_macs" points=3
check(conv2d_macs)

# %% [markdown]
# **Predict** before you run: what does each change do to the work? Stride 2 instead of 1; twice as many channels in
# *and* out; a 1×1 kernel instead of 5×5.

# %%
with when_done("conv2d_macs"):
    base = conv2d_macs((32, 56, 56), 32, 5, padding=2)
    print(f"32 -> 32 channels, 5x5, 56x56: {base:,} multiply-adds")
    print("stride 2:        x", conv2d_macs((32, 56, 56), 32, 5, padding=2, stride=2) / base)
    print("64 -> 64:        x", conv2d_macs((64, 56, 56), 64, 5, padding=2) / base)
    print("1x1 kernel:      x", conv2d_macs((32, 56, 56), 32, 1) / base)

# %% [markdown]
# Halving both sides makes the work a quarter, doubling the channels makes it four times as much: so networks that
# halve the sides and double the channels do the same work at every level. And 1×1 convolutions are cheap: they
# mix channels without looking at neighbours, and are often used to *reduce* the channels before an expensive layer.
#
# ---
# ## 6 · How far does one output see?
#
# With one 3-wide layer, an output depends on 3 inputs: that is its **receptive field**. Put a second such layer on top.
#
# **Predict**: on how many *inputs* does an output of the second layer depend? Six? Five? Nine?

# %%
plots.show_receptive_field([(3, 1, 1), (3, 1, 1)])

# %% [markdown]
# Five. Its three neighbours in the layer below see 3 inputs each, but these overlap. Every further layer adds $K-1$, one
# new column on each side, and after $L$ layers the field is
#
# $$ 1 + L\,(K - 1) $$
#
# Be careful with the words. In the **previous layer** the field of the topmost output is still 3. In the **input** it is 5.
# People say "receptive field" for both. Here it always means: in the input.
#
# **Exercise 12** · `layers_to_see` · 3 minutes · ●○○
#
# CS163: "For large images we need many layers for each output to see the whole image." How many? What is the smallest
# number of 3×3 layers with stride 1 after which one output can see all of a **64×64** picture?

# %% exercise="layers_to_see"
layers_to_see = None  # your answer: a number
### BEGIN SOLUTION
layers_to_see = 32
### END SOLUTION

# %% check="layers_to_see" points=1
check(layers_to_see=layers_to_see)

# %% [markdown]
# That is a lot of layers for a small picture. The way out is to make the picture smaller on the way. **Predict** the
# receptive field when the first of three layers has stride 2.

# %%
plots.show_receptive_field([(3, 2, 1), (3, 1, 1), (3, 1, 1)])

# %% [markdown]
# Behind the stride-2 layer, neighbours are **2 inputs apart**. A layer that reaches one neighbour further there reaches
# *two* inputs further. Call this distance the *jump*. Two questions lead to the rule:
#
# 1. When the jump is $j$ in front of a layer, how many inputs does its kernel add to the field?
# 2. What does the layer's stride do to the jump, for the layers *after* it?
#
# **Exercise 13** · `receptive_field` · 20 minutes · ●●●
#
# <details><summary>Help, I am lost</summary>
#
# Start with two numbers, `field = 1` and `jump = 1`, and walk from the input upwards. Do it on paper for the picture above:
# after the first layer the field is 3 and the jump is 2. After the second the field is 7. After the third?
#
# You can also walk the other way: one number on top; how many numbers does it need in the layer below? How many do
# *these* need?
# </details>
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: not enough values to unpack (expected 3, got 1)`: `for k, s, d in [layers]` has brackets too many.
# - `TypeError: 'tuple' object cannot be interpreted as an integer`: each element of `layers` is a whole triple.
# </details>


# %% exercise="receptive_field"
def receptive_field(layers):
    """How many inputs, along one axis, lie between the first and the last one that an output depends on.

    layers: list of triples (kernel_size, stride, dilation), first the layer next to the input.
    Both ends are counted, and so are inputs in the holes of dilated kernels.
    Returns an int.

    >>> receptive_field([(3, 1, 1), (3, 1, 1)])
    5
    """
    ### BEGIN SOLUTION
    field, jump = 1, 1
    for kernel_size, stride, dilation in layers:
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field
    ### END SOLUTION


# %% check="receptive_field" points=5
check(receptive_field)

# %% [markdown]
# **See for yourself.** Which inputs does an output depend on? Ask *autograd*, the part of PyTorch that follows a result
# back to everything it was made of: those inputs with a gradient that is not zero.

# %%
stack = [(3, 1, 1), (3, 1, 2), (3, 1, 4)]
x = torch.rand(1, 1, 41, requires_grad=True)
y = x
for kernel, stride, dilation in stack:
    y = nn.functional.conv1d(y, torch.ones(1, 1, kernel), stride=stride, dilation=dilation)
y[0, 0, y.shape[-1] // 2].backward()
print("inputs with a gradient:", int((x.grad != 0).sum()))
with when_done("receptive_field"):
    print("your receptive_field:  ", receptive_field(stack))

# %% [markdown]
# Three layers of 3 taps each, with dilations 1, 2, 4, see 15 inputs without any stride. Stride 2 in every layer makes the
# field grow like $2^L$ instead of like $L$, and halves the picture each time. Doubling the dilation from layer to layer
# makes it grow just as fast, and the picture keeps its size (with enough padding):

# %%
with when_done("receptive_field"):
    for depth in (1, 2, 4, 8):
        plain = receptive_field([(3, 1, 1)] * depth)
        strided = receptive_field([(3, 2, 1)] * depth)
        dilated = receptive_field([(3, 1, 2**layer) for layer in range(depth)])
        print(f"depth {depth}: plain {plain:3d}, stride 2 {strided:3d}, dilation 1, 2, 4, ... {dilated:3d}")

# %% [markdown]
# One more experiment. Three 3×3 layers see as far as one 7×7 layer. Which is cheaper, with 64 channels throughout?

# %%
with when_done("receptive_field", "conv2d_parameters"):
    print("fields:    ", receptive_field([(3, 1, 1)] * 3), "and", receptive_field([(7, 1, 1)]))
    print("parameters:", 3 * conv2d_parameters(64, 64, 3), "and", conv2d_parameters(64, 64, 7))

# %% [markdown]
# A little more than half the parameters for the same view, and room for two more *non-linearities* in between: steps like
# ReLU, which sets negative numbers to 0. (Without one, two convolutions in a row are no more than one larger convolution.)
# This is why modern networks are built of 3×3 layers.

# %% [markdown]
# ---
# ## 7 · A whole network
#
# Now all of it at once. This is the network that CS163 calls LeNet-5. As a list of layers, with PyTorch's names:

# %% tags=["needed"]
LENET = [
    ("Conv2d", {"out_channels": 20, "kernel_size": 5, "padding": 2}),
    ("ReLU", {}),
    ("MaxPool2d", {"kernel_size": 2, "stride": 2}),
    ("Conv2d", {"out_channels": 50, "kernel_size": 5, "padding": 2}),
    ("ReLU", {}),
    ("MaxPool2d", {"kernel_size": 2, "stride": 2}),
    ("Flatten", {}),
    ("Linear", {"out_features": 500}),
    ("ReLU", {}),
    ("Linear", {"out_features": 10}),
]

# %% [markdown]
# **On paper first:** the input is one 28×28 picture, `(1, 1, 28, 28)`. Write down the shape behind each of the ten layers.
#
# What you need to know about the layers:
#
# - **ReLU** sets negative numbers to 0. It changes no shape.
# - **MaxPool2d, AvgPool2d** take the largest number, or the mean, of each window, separately in every channel. They slide
#   like a convolution and the formula for the output size is the same. Without a `stride`, the stride is the
#   `kernel_size`: windows stand side by side. Nothing is learned.
# - **Flatten** makes one long vector of each image: `(N, C, H, W)` becomes `(N, C·H·W)`. The images stay apart.
# - **Linear** makes `(N, out_features)` of `(N, features)`.
#
# **Exercise 14** · `trace_shapes` · 35 minutes · ●●●
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: output_size() got an unexpected keyword argument 'out_channels'`: hand on only what `output_size` knows.
#   If you want to take something out of the options, make a copy first: `rest = dict(options)`.
# - `KeyError: 'out_channels'` in a cell that worked before: your function took it out of `LENET` itself. Never change the
#   options you are given; work on a copy, and run the cell with `LENET` again.
# - `KeyError: 'stride'`: an option that is not given has a default. `options.get("stride", 1)` says so; for pooling the
#   default is another one.
# - `ValueError: not enough values to unpack (expected 4, got 2)`: behind `Flatten` a shape has two numbers. Look at the
#   kind of layer before you take the shape apart.
# </details>


# %% exercise="trace_shapes"
def trace_shapes(in_shape, layers):
    """The shape behind every layer of a network.

    in_shape: (N, C, H, W). layers: list of pairs (kind, options), first the layer next to the input.
    kind and its options; in brackets the value of those that may be left out:
        "Conv2d"                  out_channels, kernel_size, stride (1), padding (0), dilation (1)
        "MaxPool2d", "AvgPool2d"  kernel_size, stride (kernel_size), padding (0)
        "Linear"                  out_features
        "ReLU", "Flatten"         none
    kernel_size, stride, padding and dilation are ints or pairs (h, w). The layers and options are not changed.
    Returns a list of tuples, one for each layer.

    >>> trace_shapes((1, 3, 8, 8), [("Conv2d", {"out_channels": 4, "kernel_size": 3}), ("Flatten", {})])
    [(1, 4, 6, 6), (1, 144)]
    """

    ### BEGIN SOLUTION
    def slide(sides, options, stride):
        names = {"kernel_size": 1, "stride": stride, "padding": 0, "dilation": 1}
        pairs = [options.get(name, default) for name, default in names.items()]
        pairs = [(value, value) if isinstance(value, int) else value for value in pairs]
        return tuple(
            output_size(size, k, stride=s, padding=p, dilation=d)
            for size, k, s, p, d in zip(sides, *pairs, strict=True)
        )

    shape, shapes = tuple(in_shape), []
    for kind, options in layers:
        if kind == "Conv2d":
            shape = (shape[0], options["out_channels"], *slide(shape[2:], options, 1))
        elif kind in ("MaxPool2d", "AvgPool2d"):
            shape = (*shape[:2], *slide(shape[2:], options, options["kernel_size"]))
        elif kind == "Flatten":
            shape = (shape[0], shape[1] * shape[2] * shape[3])
        elif kind == "Linear":
            shape = (shape[0], options["out_features"])
        shapes.append(shape)
    return shapes
    ### END SOLUTION


# %% check="trace_shapes" points=5
check(trace_shapes)

# %% [markdown]
# Here is LeNet as your function sees it. Compare it with your ten lines on paper.

# %%
with when_done("trace_shapes"):
    shapes = trace_shapes((1, 1, 28, 28), LENET)
    for (kind, options), shape in zip(LENET, shapes, strict=True):
        print(f"{kind:10s} {' x '.join(map(str, shape[1:])):14s}", *(f"{k}={v}" for k, v in options.items()))

# %% [markdown]
# **Predict:** which of the four layers with weights has the most parameters? How large is its share?

# %%
with when_done("conv2d_parameters", "linear_parameters"):
    parameters = {
        "conv 1 -> 20": conv2d_parameters(1, 20, 5),
        "conv 20 -> 50": conv2d_parameters(20, 50, 5),
        "linear 2450 -> 500": linear_parameters(2450, 500),
        "linear 500 -> 10": linear_parameters(500, 10),
    }
    plots.show_shares(parameters)
    print(" + ".join(f"{n:,}" for n in parameters.values()), "=", f"{sum(parameters.values()):,}")

# %% [markdown]
# The whole network at a glance, shapes and parameters together:

# %%
with when_done("trace_shapes", "conv2d_parameters", "linear_parameters"):
    counts = {0: conv2d_parameters(1, 20, 5), 3: conv2d_parameters(20, 50, 5)}
    counts |= {7: linear_parameters(2450, 500), 9: linear_parameters(500, 10)}
    plots.show_network((1, 1, 28, 28), LENET, trace_shapes((1, 1, 28, 28), LENET), counts)

# %% [markdown]
# 97.6 % of this "convolutional" network is a single fully connected layer. And the work? **Predict** again: which layer does
# most of the multiply-adds?

# %%
with when_done("conv2d_macs"):
    work = {
        "conv 1 -> 20": conv2d_macs((1, 28, 28), 20, 5, padding=2),
        "conv 20 -> 50": conv2d_macs((20, 14, 14), 50, 5, padding=2),
        "linear 2450 -> 500": 2450 * 500,
        "linear 500 -> 10": 500 * 10,
    }
    plots.show_shares(work, what="multiply-adds")

# %% [markdown]
# The layer with 2 % of the parameters does 75 % of the work. In networks
# like this one memory sits at the end and time at the beginning.
#
# ### Spot the slip: "total volume is preserved"
#
# CS163 says about such networks:
#
# > As we go through the network: spatial size decreases, number of channels increases (total "volume" is preserved!)
#
# The volume is channels × height × width, the number of numbers in the feature map:

# %%
with when_done("trace_shapes"):
    for (kind, _), shape in zip(LENET, trace_shapes((1, 1, 28, 28), LENET), strict=True):
        if kind in ("Conv2d", "MaxPool2d"):
            _, channels, height, width = shape
            print(f"{kind:9s} {channels} x {height:2d} x {width:2d} = {channels * height * width:6,d}")

# %% [markdown]
# 15,680 → 3,920 → 9,800 → 2,450: it is not preserved at all. (Nor should it be. A classifier has to throw nearly
# everything away: 784 numbers go in, 10 come out.)
#
# **Exercise 15** · `volume_factor` · 2 minutes · ●○○
#
# A 2×2 pooling with stride 2 halves the height and the width. By which factor would the next convolution have to increase
# the number of channels for the volume to be the same as before the pooling?

# %% exercise="volume_factor"
volume_factor = None  # your answer: a number
### BEGIN SOLUTION
volume_factor = 4
### END SOLUTION

# %% check="volume_factor" points=1
check(volume_factor=volume_factor)

# %% [markdown]
# Real networks usually take 2. The volume then halves at every level; the *work*, as you saw in section 5, stays.
#
# ### Pooling a large picture
#
# CS163 pools 64×224×224 with 2×2 windows and stride 2. **Predict** the shape, then look. How many parameters?

# %%
pool = nn.MaxPool2d(kernel_size=2)
out = pool(torch.rand(1, 64, 224, 224))
print(tuple(out.shape), "and", sum(p.numel() for p in pool.parameters()), "parameters")

# %% [markdown]
# **Exercise 16** · `pooled_shape` · 3 minutes · ●●○
#
# AlexNet pools with overlapping windows: $K = 3$, $S = 2$, no padding. What becomes of **96×54×54**? Answer as
# `(channels, height, width)`.

# %% exercise="pooled_shape"
pooled_shape = None  # your answer: (.., .., ..)
### BEGIN SOLUTION
pooled_shape = (96, 26, 26)
### END SOLUTION

# %% check="pooled_shape" points=1
check(pooled_shape=pooled_shape)

# %% [markdown]
# ### Spot the slip: is this LeNet-5?
#
# The slides head the 20/50 network "LeNet-5, LeCun et al. 1998". But the network of that paper has 6 and 16 channels, no padding
# in its second convolution, **average** pooling, and three fully connected layers. (The 20/50 net with max pooling and ReLU
# came much later, with the examples of the Caffe library.) Here is the network of 1998 in today's layers. Its
# non-linearities (an S-shaped curve, not yet ReLU) are left out of the list: they change no shape and learn nothing.

# %% tags=["needed"]
LENET_1998 = [
    ("Conv2d", {"out_channels": 6, "kernel_size": 5, "padding": 2}),
    ("AvgPool2d", {"kernel_size": 2}),
    ("Conv2d", {"out_channels": 16, "kernel_size": 5}),
    ("AvgPool2d", {"kernel_size": 2}),
    ("Flatten", {}),
    ("Linear", {"out_features": 120}),
    ("Linear", {"out_features": 84}),
    ("Linear", {"out_features": 10}),
]

# %%
with when_done("trace_shapes"):
    plots.show_network((1, 1, 28, 28), LENET_1998, trace_shapes((1, 1, 28, 28), LENET_1998))

# %% [markdown]
# **Exercise 17** · `lenet_1998` · 6 minutes · ●●○
#
# How many parameters does it have, weights and biases of its two convolutions and three linear layers together? Use your
# functions. (The slides' net has 1,256,080.)

# %% exercise="lenet_1998"
lenet_1998 = None  # your answer: a number
### BEGIN SOLUTION
lenet_1998 = conv2d_parameters(1, 6, 5) + conv2d_parameters(6, 16, 5)
lenet_1998 += linear_parameters(400, 120) + linear_parameters(120, 84) + linear_parameters(84, 10)
### END SOLUTION

# %% check="lenet_1998" points=1
check(lenet_1998=lenet_1998)

# %% [markdown]
# A twentieth of the size. (LeCun's own count is 60,000: his second convolution connects each map to only some of the six maps
# below, his pooling layers have two learned numbers per map, and his last layer has none.)
#
# ---
# ## 8 · Put on a diet
#
# **Exercise 18** · written · 30 minutes · 3 points · ●●●
#
# A phone has room for a quarter of the parameters of the 20/50 LeNet, so at most 314,020. The input stays 1×28×28 and the
# output stays 10 numbers. Propose **two different** changes to the network, each of which is enough by itself. For each one
#
# 1. give the new number of parameters (use your functions),
# 2. say what happens to the number of multiply-adds (a linear layer with $M$ inputs and $D$ outputs does $M \cdot D$ of
#    them) and to the receptive field of the last feature map, the one in front of Flatten (if you add a layer there, of
#    the new last one), and
# 3. say what the network may now be worse at, and why you think so.
#
# Then choose one, in one sentence. Your answer is read by a person; a few lines for each change are enough. There is one
# point for two changes that are both enough, one for right numbers with a reason, one for what is lost and your choice.
#
# Write computations with × or between backticks, `` `50 * 7 * 7` ``: in Markdown, bare asterisks turn text *italic*.

# %% [markdown] written="diet" points=3
# ### BEGIN SOLUTION
# The parameters sit in the first linear layer: 1,225,500 of 1,256,080. Only what makes this layer smaller can help.
#
# *Fewer hidden units*, 100 instead of 500: 520 + 25,050 + 245,100 + 1,010 = 271,680 parameters. The multiply-adds fall only from
# 6.5 to 5.5 million, since the convolutions do the work; the receptive field stays 16 × 16. It may
# be worse at telling similar classes apart: fewer combinations of features are available to the last layer.
#
# *A third pooling* before Flatten: 50 x 3 x 3 = 450 features, 520 + 25,050 + 225,500 + 5,010 = 256,080 parameters. Multiply-adds
# 5.5 million; the field grows from 16 to 20. It may be worse at saying *where* something is: 3×3 places instead of 7×7 are
# left, and the seventh row and column are never read.
#
# *Global average pooling*, *stride 2 in the second convolution with a 2x2 pooling*, *fewer channels (12 instead of 50:
# 520 + 6,012 + 294,500 + 5,010 = 306,042)* are good answers too.
#
# Rubric, one point each:
# - says, or uses, that nearly all parameters are in the first linear layer, and proposes two changes that really
#   reach 314,020 or fewer;
# - the numbers of parameters are right and the effect on work and receptive field is right in direction, with a reason
#   (half a point if only one change is right);
# - names a plausible loss for each change that follows from what was removed (places, channels, hidden units), and
#   chooses. No point for "it may be less accurate" alone.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | question | what you compute | along the way |
# |---|---|---|
# | which shape? | places of a window, rounded **down** | padding counts twice, the first window costs no step |
# | how many parameters? | filters × (depth × taps + 1) | the picture's size does not matter |
# | how much work? | outputs × length of a dot product | the picture's size matters, squared |
# | how far does it see? | field grows by $d(K-1)$ × jump | a stride is felt by the layers after it |
#
# In notebook 03 you write the convolution layer itself. There your `output_size` decides how large the result is, your
# `pad2d` makes the border, and you will know the shape of everything before you write the first loop.
