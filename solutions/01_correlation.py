# Notebook 01: cross-correlation and convolution, in one and in two dimensions. `make notebooks` builds it.
# The exercises' references, cases and known mistakes are in cs_utils/exercises/nb01_correlation.py.

# %% [markdown]
# # 01 · Cross-correlation and convolution
#
# Everything a convolutional network does to an image begins with one small idea: take a few numbers, lay them over
# a piece of the input, multiply, add up, move on. In this notebook you build that idea from nothing, in one
# dimension and in two, forwards and backwards. At the end you find a person in a crowd with it, and you let
# gradient descent *discover* a kernel that you never wrote down.
#
# | Part | You write | Minutes |
# |---|---|---|
# | 1. A sum that slides | `corr1d` | 35 |
# | 2. What mathematicians call convolution | `conv1d` | 20 |
# | 3. Backwards | `corr1d_matrix`, `corr1d_backward` | 75 |
# | 4. Pictures | `corr2d`, `conv2d_true`, `edge_kernel` | 50 |
# | 5. Where is she? | `match_template` | 30 |
# | 6. A kernel that nobody wrote | `learn_kernel`, one question in words | 35 |
#
# **How to work.** Run the cells from top to bottom. Where you read `raise NotImplementedError`, replace that line
# with your own code; the check cell below it says what is right and what is not, as often as you like. Before an
# experiment, *guess* what it will show. A wrong guess that you notice teaches more than a right one that you don't.
# Experiments that need your functions wait patiently until these are written. A `print` inside a function shows
# nothing while `check` runs: to see it, call the function in a cell of your own.
#
# About four hours with the reading, in two or three sittings; 43 points. Difficulty: ●○○ a few lines · ●●○ think first ·
# ●●● take a walk in between.

# %% tags=["needed"]
import numpy as np

from cs_utils import check, plots, when_done

# %% [markdown]
# ## 1. A sum that slides
#
# Take an input of four numbers, $I = (1, 2, 3, 4)$, and a **kernel** of three, $W = (1, 2, 3)$. Lay the kernel over
# the first three inputs, multiply what lies on top of each other, and add up:
#
# $$O_0 = 1\cdot 1 + 2\cdot 2 + 3\cdot 3 .$$
#
# Then slide the kernel one place to the right and do it again. **Guess first:** how many numbers come out, and which?

# %%
plots.show_sliding([1, 2, 3, 4], [1, 2, 3])

# %% [markdown]
# Two places, two numbers: **14** and **20**. This is the **cross-correlation** of $I$ and $W$. With an input of
# length $N$ and a kernel of length $K$, counting from 0 as Python does,
#
# $$O_i = \sum_{j=0}^{K-1} I_{i+j}\, W_j , \qquad i = 0, \dots, N-K .$$
#
# There are $N - K + 1$ outputs, because the kernel starts at $0$ and can last start at $N-K$. (In the figures each
# output stands under the middle of its window. In code, $I$ is `x` and $W$ is `w`.)
#
# Two options change where the kernel may stand:
#
# - **padding** $P$ puts $P$ zeros on *both* ends of the input first. With $P = (K-1)/2$ ("half padding"), an odd
#   $K$ and stride 1 the output is as long as the input.
# - **stride** $S$ moves the kernel $S$ places at a time. If it would stick out at the end, that place does not count.
#
# Together, with $\lfloor\cdot\rfloor$ for rounding down:
#
# $$\text{size} = \left\lfloor \frac{N + 2P - K}{S} \right\rfloor + 1 .$$
#
# Move the slider. What do the two zeros at the ends do to the first and to the last output?

# %%
plots.explore_sliding([1, 2, 3, 4], [1, 2, 3], padding=1)

# %% [markdown]
# **Guess:** the same input, half padding, but a stride of 2. Which of the four numbers stay?

# %%
plots.show_sliding([1, 2, 3, 4], [1, 2, 3], padding=1, stride=2)

# %% [markdown]
# **8** and **20**: a stride of 2 keeps every second output of the stride-1 result. (It would be wasteful to compute
# the others only to throw them away, so don't. The boxes stand apart here because their windows do.)
#
# ### Exercise: `corr1d` · 15 minutes · ●○○
#
# Write the cross-correlation with stride and padding. Multiply and add in your own code: a loop over the places is
# perfectly fine here. (`np.correlate` and `np.convolve` would do the work for you, and teach you nothing; whoever
# grades you is shown where they are used.)
#
# <details><summary>Help, where does window number i start?</summary>
#
# At `i * stride` in the padded input, and it is as long as the kernel. A slice `a[start : start + n]` takes `n`
# numbers.
# </details>
#
# <details><summary>Help, I get "operands could not be broadcast together with shapes (2,) (3,)"</summary>
#
# Your last window is shorter than the kernel, so it starts too far right. Count the outputs again: is the size
# computed from the *padded* length, and rounded *down* (`//`)?
# </details>
#
# <details><summary>Help, my fractions are cut off</summary>
#
# `np.zeros_like(x)` makes an array of the same type as `x`. When `x` holds whole numbers, so does your output, and
# 2.7 becomes 2. `np.zeros(n)` holds floats.
# </details>


# %% exercise="corr1d"
def corr1d(x, w, *, stride=1, padding=0):
    """Cross-correlation of a sequence with a kernel.

    x: array of shape (N,). w: array of shape (K,). stride: an int, 1 or more.
    padding: an int, how many zeros to put on each end of x.

    Returns an array of shape ((N + 2 * padding - K) // stride + 1,). Does not change x or w.
    Example: corr1d(np.array([1, 2, 3, 4]), np.array([1, 2, 3])) is array([14., 20.]).
    """
    ### BEGIN SOLUTION
    padded = np.pad(x, padding)
    size = (len(padded) - len(w)) // stride + 1
    out = np.zeros(size)
    for i in range(size):
        start = i * stride
        out[i] = (padded[start : start + len(w)] * w).sum()
    return out
    ### END SOLUTION


# %% check="corr1d" points=5
check(corr1d)

# %% [markdown]
# ### What is it good for?
#
# The lecture lets two kernels of length 2 run over two signals. The first, $(-1, 1)$, subtracts each number from the
# next one. **Guess** where its answer is zero, where it is positive, and how long the answer is.

# %%
ramp = np.array([0, 0, 0, 1, 2, 3, 4, 4, 4, 4])
with when_done("corr1d"):
    plots.show_sequences({"input": ramp, "corr1d(input, (-1, 1))": corr1d(ramp, np.array([-1, 1]))})

# %% [markdown]
# $(0,0,1,1,1,1,0,0,0)$: one where the signal rises, zero where it is level. The kernel **differentiates**. It would
# answer with a negative number where the signal falls.
#
# The second kernel, $(1, 1)$, adds neighbours. **Guess** what it does to a signal with sharp corners.

# %%
steps = np.array([0, 0, 1, 1, 0, 0.1, 0.2, 1, 1, 1, 0])
with when_done("corr1d"):
    plots.show_sequences({"input": steps, "corr1d(input, (1, 1))": corr1d(steps, np.array([1, 1]))})

# %% [markdown]
# $(0, 1, 2, 1, 0.1, 0.3, 1.2, 2, 2, 1)$: the jumps turn into steps of their own. Adding neighbours **smooths**. (Half
# of it would be the average of two neighbours.) 10 inputs gave 9 outputs, 11 gave 10: $N - K + 1$.
#
# ### Question: by hand · 3 minutes · ●○○
#
# What is the cross-correlation of $(0, 0, 2, 4, 6, 6, 5, 5)$ with $(-1, 1)$? Give a tuple of numbers such as
# `(1, 2, 3)`. Work it out on paper: you are at your fastest when you can see such sums without a computer.

# %% exercise="ramp_response"
ramp_response = None  # your answer, such as (1, 2, 3)
### BEGIN SOLUTION
ramp_response = (0, 2, 2, 2, 0, -1, 0)
### END SOLUTION

# %% check="ramp_response" points=1
check(ramp_response=ramp_response)

# %% [markdown]
# ### Spot the slip · 5 minutes · ●○○
#
# A slide of the lecture ("Building Blocks – Convolution (Discrete 1D)") explains half padding like this:
#
# ```
# I:  [0, 1, 2, 3, 4, 0]      half padding (same size output)
# W:  [1, 2, 3]
# O:  [1, 2, 3, 4]
# ```
#
# Do you believe the last line? Work out its first number on paper before you run the cell.

# %%
plots.show_sliding([1, 2, 3, 4], [1, 2, 3], padding=1)

# %% [markdown]
# <details><summary>So what is wrong with the slide?</summary>
#
# Nothing with the idea, and nothing with the size: four numbers in, four numbers out. But the *values* would be 8, 14,
# 20, 11. The slide's 1, 2, 3, 4 can only be *labels*: "first output, second output, ...".
# </details>
#
# The same kernel $(1, 2, 3)$ and half padding, but the input $(2, 1, 0, 3)$. Which four *values* belong in the boxes?

# %% exercise="half_padded"
half_padded = None  # your answer, a tuple of four numbers
### BEGIN SOLUTION
half_padded = (7, 4, 10, 6)
### END SOLUTION

# %% check="half_padded" points=1
check(half_padded=half_padded)

# %% [markdown]
# ### Question: stride · 3 minutes · ●○○
#
# Input $(3, 1, 4, 1, 5, 9)$, kernel $(1, 0, 2)$, padding 1, stride 2. What comes out?

# %% exercise="strided_sums"
strided_sums = None  # your answer, a tuple of numbers
### BEGIN SOLUTION
strided_sums = (2, 3, 19)
### END SOLUTION

# %% check="strided_sums" points=1
check(strided_sums=strided_sums)

# %% [markdown]
# ## 2. What mathematicians call convolution
#
# The **true convolution** reads the kernel *backwards*:
#
# $$O_i = \sum_{j=0}^{K-1} I_{i+j}\, W_{K-1-j} .$$
#
# So it is the cross-correlation with the kernel **flipped** end to end. For $I = (1,2,3,4)$ and $W = (1,2,3)$:

# %%
plots.show_sliding([1, 2, 3, 4], [3, 2, 1])

# %% [markdown]
# **10** and **16**, where the correlation gave 14 and 20. Why would anyone flip? Because this is how polynomials
# multiply. Here are the coefficients of the product $(1 + 2t + 3t^2 + 4t^3)\,(1 + 2t + 3t^2)$; look at the middle of
# the answer.

# %%
np.convolve([1, 2, 3, 4], [1, 2, 3])

# %% [markdown]
# There they are, 10 and 16, where the kernel lies fully inside. The other numbers are the places where it sticks out;
# with them it is called the "full" convolution. As the factors of a product may change places, so may the two
# sequences of a full convolution: $I * W = W * I$. A correlation has no such law.
#
# ### Exercise: `conv1d` · 5 minutes · ●○○
#
# Write the true convolution, without padding and with stride 1: only places where the kernel fits. You may call your
# own `corr1d`.
#
# <details><summary>Help, how do I read an array backwards?</summary>
#
# `w[::-1]` is `w` from its last number to its first. It is a view: nothing is copied, and `w` itself stays as it is.
# </details>


# %% exercise="conv1d"
def conv1d(x, w):
    """True convolution of a sequence with a kernel, where the kernel lies inside the sequence.

    x: array of shape (N,). w: array of shape (K,), K <= N. Does not change x or w.

    Returns an array of shape (N - K + 1,): out[i] = sum over j of x[i + j] * w[K - 1 - j].
    """
    ### BEGIN SOLUTION
    return corr1d(x, w[::-1])
    ### END SOLUTION


# %% check="conv1d" points=2
check(conv1d)

# %% [markdown]
# ### Spot the slip · 5 minutes · ●●○
#
# A slide of the lecture ("4.1 Convolution", a *powerful feature extractor*) speaks of convolution, and writes
#
# $$(0,0,0,1,2,3,4,4,4,4) \circledast (-1, 1) = (0,0,1,1,1,1,0,0,0) .$$
#
# Is that a convolution? Work out the first number that is not zero by the definition above, then let NumPy's true
# convolution have a look at the same two sequences (`"valid"` means: only where the kernel fits).

# %%
np.convolve([0, 0, 0, 1, 2, 3, 4, 4, 4, 4], [-1, 1], "valid")

# %% [markdown]
# <details><summary>So what does the slide compute?</summary>
#
# The cross-correlation: you got the same numbers from `corr1d` above. A true convolution with $(-1, 1)$ gives *minus* the
# derivative. Nearly the whole field of deep learning says "convolution" and means "correlation", and mostly no harm is
# done. At the end of this notebook you will say why.
# </details>
#
# What is the *true* convolution of $(5, 5, 3, 1, 1, 4)$ with $(-1, 1)$, where the kernel fits?

# %% exercise="true_difference"
true_difference = None  # your answer, a tuple of numbers
### BEGIN SOLUTION
true_difference = (0, 2, 2, 0, -3)
### END SOLUTION

# %% check="true_difference" points=1
check(true_difference=true_difference)

# %% [markdown]
# ## 3. Backwards
#
# To learn, a network must know for each of its numbers: *if this one grows a little, does the result get better or
# worse, and by how much?* Four words for that:
#
# - The **loss** $L$ is one number that says how wrong the result is. Smaller is better.
# - The **gradient** for a number $a$, written $\partial L/\partial a$, says how fast the loss grows when $a$ grows: by
#   how much for each unit.
# - The **upstream gradient** $\partial L/\partial O$ is what arrives at our layer from the layers above it: how fast the
#   loss grows when an *output* of our layer grows, one number for each output. It is given.
# - We want the gradients for the kernel, $\partial L/\partial W$, and for the input, $\partial L/\partial I$.
#
# In code these three are called `dout`, `dw` and `dx`, and the figures use the same names.
#
# **With numbers first.** Take $I = (1,2,3,4)$ and $W = (1,2,3)$ again, so $O = (14, 20)$, and let the upstream
# gradient be $(1, 2)$: for each unit that $O_0$ grows the loss grows by 1, for each unit of $O_1$ by 2. Now let $W_0$ grow
# by 1. It meets $I_0 = 1$ in the first output and $I_1 = 2$ in the second, so $O_0$ grows by 1 and $O_1$ by 2, and the
# loss grows by
#
# $$1 \cdot 1 + 2 \cdot 2 = 5 = \frac{\partial L}{\partial W_0}.$$
#
# That is the whole secret, and it is called the **chain rule**: follow a number to every output that it has a share in,
# multiply by what that output means to the loss, and add up. **Guess** what $W_1$ gets; you will see it below.
#
# ### The layer is a matrix
#
# Each output is a weighted sum of the inputs, so the whole correlation is one matrix times the input. Its number in row $i$
# and column $m$ is $\partial O_i / \partial I_m$: how fast output $i$ grows when input $m$ grows. Such a table of all
# derivatives is called the **Jacobian**. With four inputs and three weights:
#
# $$\frac{\partial O}{\partial I} = \begin{bmatrix} W_0 & W_1 & W_2 & 0 \\ 0 & W_0 & W_1 & W_2 \end{bmatrix}.$$
#
# Row $i$ says how output $i$ is made from the inputs; column $m$ says where input $m$ is used. Most numbers in it are
# zero, and the others repeat: **local**, and **shared**. A fully connected layer would have to learn all of them
# one by one.
#
# ### Exercise: `corr1d_matrix` · 10 minutes · ●●○
#
# Build this matrix, for any length and stride (no padding).
#
# <details><summary>Help, I want to see it before I build it</summary>
#
# Write it down on paper for $N=5$, $K=2$: which row holds what, and how far does the kernel move from row to row?
# Now with stride 2: how many rows are left?
# </details>


# %% exercise="corr1d_matrix"
def corr1d_matrix(w, length, *, stride=1):
    """The matrix that correlates every input of `length` numbers with w.

    w: array of shape (K,). length: an int N, at least K. stride: an int, 1 or more.

    Returns an array of shape ((N - K) // stride + 1, N) such that matrix @ x equals
    corr1d(x, w, stride=stride) for every x of shape (N,). It is the Jacobian d out / d x.
    """
    ### BEGIN SOLUTION
    rows = (length - len(w)) // stride + 1
    matrix = np.zeros((rows, length))
    for i in range(rows):
        matrix[i, i * stride : i * stride + len(w)] = w
    return matrix
    ### END SOLUTION


# %% check="corr1d_matrix" points=2
check(corr1d_matrix)

# %% [markdown]
# Here it is for a kernel of 3 and twelve inputs. **Guess:** what does the picture look like with `stride=3`? Try it.

# %%
with when_done("corr1d_matrix"):
    plots.show_matrix(corr1d_matrix(np.array([1, 2, 3]), 12))

# %% [markdown]
# ### The gradient for the kernel
#
# A weight is used in *every* output. So its gradient collects from all of them, as you have just seen with $W_0$:
#
# $$\frac{\partial L}{\partial W_j} = \sum_i \frac{\partial L}{\partial O_i}\, I_{i+j} \qquad \text{(stride 1, no padding).}$$
#
# With a stride $S$, output $i$ looked from $iS$ on: then the input's index is $iS + j$. With padding, $I$ is the padded
# input. In the exercise you extend the formula to both.
#
# Look at it for a moment: a sum over products of $I$ and something shorter, shifted by $j$. It is a cross-correlation
# again (for stride 1 and no padding), this time of the input with the *upstream gradient*:
#
# $$\frac{\partial L}{\partial W} = \operatorname{corr}\!\left(I, \frac{\partial L}{\partial O}\right).$$
#
# For $I = (1,2,3,4)$ and upstream gradient $(1, 2)$:

# %%
plots.show_sliding([1, 2, 3, 4], [1, 2], names=("x", "dout", "dw"))

# %% [markdown]
# $\partial L/\partial W = (5, 8, 11)$: three numbers, one for each weight.
#
# ### The gradient for the input
#
# Now let an *input* grow. For example $I_1$: it meets $W_1 = 2$ in output 0 and $W_0 = 1$ in output 1, so the loss grows by
# $1\cdot 2 + 2\cdot 1 = 4$. In general input $m$ meets weight $W_0$ in output $m$, weight $W_1$ in output $m-1$, and so on:
#
# $$\frac{\partial L}{\partial I_m} = \sum_{j} \frac{\partial L}{\partial O_{m-j}}\, W_j \qquad \text{(stride 1, no padding),}$$
#
# where outputs that do not exist count as zero. With a stride, input $m$ has a share in output $i$ only if $m = iS + j$
# for one of the weights; you extend this formula too.
#
# While the kernel's index $j$ goes up, the other one, $m-j$, goes *down*. In part 2 it was the kernel's that went down,
# while the input's went up. What makes a true convolution is that the two run *against* each other, no matter
# which of them runs backwards. So this is a true convolution of the upstream gradient with the kernel, the "full" one.
# To write it as a correlation, put $n - 1$ zeros on each side of the kernel, where $n$ is the number of outputs, **flip** the
# upstream gradient, and slide it along:
#
# $$\frac{\partial L}{\partial I} = \operatorname{corr}\!\left(W_{\text{padded with } n-1}, \left(\frac{\partial L}{\partial O}\right)_{\text{flipped}}\right).$$
#
# For $W = (1,2,3)$ and upstream gradient $(1, 2)$, flipped to $(2, 1)$; $n = 2$, so there is one zero on each side:

# %%
plots.show_sliding([1, 2, 3], [2, 1], padding=1, names=("w, padded", "dout, flipped", "dx"))

# %% [markdown]
# $\partial L/\partial I = (1, 4, 7, 6)$: four numbers, one for each input. This is the **duality** of the lecture:
# forward is a correlation, backward for the kernel is a correlation, backward for the input is a convolution.
#
# There is another way to see it, without any flipping. It is the easier one to program, and it works for every stride:
# *give back*. In the forward pass, output $i$ took $I_{iS+j}$ with weight $W_j$. In the backward pass, output $i$ hands its
# gradient back along the same lines: $I_{iS+j}$ receives $W_j$ times it. Several windows may hand something to the same
# input: the shares **add up**.
#
# ### Exercise: `corr1d_backward` · 35 minutes · ●●●
#
# Write the backward pass of your `corr1d`, with stride *and* padding: the two correlations above are not enough for these.
# Think in windows: where did output $i$ look? What do the zeros of the padding get, and does anyone want to know?
#
# <details><summary>Help, I am lost in the indices</summary>
#
# Make an array of zeros for the gradient of the *padded* input. Walk over the outputs as in the forward pass. For
# each output you need two lines: one adds a share to a window of that array, the other adds a share to `dw`. At the
# end cut the padding off.
# </details>
#
# <details><summary>Help, my dx is empty when there is no padding</summary>
#
# `a[padding:-padding]` with `padding=0` is `a[0:-0]`, which is `a[0:0]`, which is nothing. Say where the slice *ends*:
# `a[padding : padding + len(x)]`.
# </details>
#
# <details><summary>Help, I get UFuncTypeError: Cannot cast ufunc 'add' output from float64 to int64</summary>
#
# You add fractions to an array of whole numbers, which `np.zeros_like(x)` gives when `x` holds whole numbers.
# `np.zeros(x.shape)` holds floats.
# </details>


# %% exercise="corr1d_backward"
def corr1d_backward(dout, x, w, *, stride=1, padding=0):
    """Backward pass of corr1d(x, w, stride=stride, padding=padding).

    dout: upstream gradient, of the shape of that output. x: array of shape (N,). w: array of shape (K,).
    Changes none of them.

    Returns (dx, dw): the gradients for x, shape (N,), and for w, shape (K,), in this order.
    An input that no window reached has gradient 0.
    """
    ### BEGIN SOLUTION
    padded = np.pad(x, padding)
    dpadded = np.zeros(len(padded))
    dw = np.zeros(len(w))
    for i in range(len(dout)):
        window = slice(i * stride, i * stride + len(w))
        dpadded[window] += dout[i] * w
        dw += dout[i] * padded[window]
    return dpadded[padding : padding + len(x)], dw
    ### END SOLUTION


# %% check="corr1d_backward" points=5
check(corr1d_backward)

# %% [markdown]
# ### Do you believe it?
#
# You need not. A derivative can be *measured*: nudge one input a little, and see how much the loss moves. With the loss
# $L = \sum_i g_i O_i$ the upstream gradient is exactly $g$. The two rows should be the same.

# %%
x, w, g = np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3]), np.array([1.0, 2])
nudge = 1e-6 * np.eye(4)
with when_done("corr1d", "corr1d_backward"):
    measured = [((corr1d(x + n, w) - corr1d(x - n, w)) @ g) / 2e-6 for n in nudge]
    print("measured  ", np.round(measured, 4))
    print("backward  ", corr1d_backward(g, x, w)[0])

# %% [markdown]
# And the matrix knows it too: column $m$ says which outputs input $m$ has a share in. So the chain rule says $\partial L/\partial I = \left(\partial O/\partial I\right)^{\!\top}
# \partial L/\partial O$: the same matrix, turned on its side. **Guess** the four numbers before you run it.

# %%
with when_done("corr1d_matrix"):
    print(corr1d_matrix(w, 4).T @ g)

# %% [markdown]
# ### Questions: by hand · 6 minutes · ●●○
#
# Input $(2, 0, 1, 3)$, kernel $(1, -1, 2)$, upstream gradient $(3, 1)$; stride 1, no padding. What are the gradients for
# the kernel and for the input?

# %% exercise="dw_by_hand"
dw_by_hand = None  # your answer, a tuple of numbers
### BEGIN SOLUTION
dw_by_hand = (6, 1, 6)
### END SOLUTION

# %% check="dw_by_hand" points=1
check(dw_by_hand=dw_by_hand)

# %% exercise="dx_by_hand"
dx_by_hand = None  # your answer, a tuple of numbers
### BEGIN SOLUTION
dx_by_hand = (3, -2, 5, 2)
### END SOLUTION

# %% check="dx_by_hand" points=1
check(dx_by_hand=dx_by_hand)

# %% [markdown]
# ### A little detective work (optional reading)
#
# You may skip to the question below; everything that it needs you know.
#
# The lecture shows a session in Torch7, the ancestor of PyTorch. It prints the input and the kernel's gradient, but
# the upstream gradient was random and is never shown. Is it lost?
#
# Three equations $\partial L/\partial W_j = \sum_i g_i I_{i+j}$, two unknowns $g_0, g_1$. Solve them:

# %%
n = np.array([0.3347, 0.5901, 0.7132, 0.3187])
grad_weight = np.array([0.6464, 0.8428, 0.5257])
windows = np.array([n[0:3], n[1:4]])  # row i: what output i looked at
upstream, *_ = np.linalg.lstsq(windows.T, grad_weight, rcond=None)
print("upstream  ", upstream.round(4))
print("gives back", (upstream @ windows).round(4))

# %% [markdown]
# $(0.3317, 0.9073)$, and all three printed numbers come back to four digits: the slide is sound. The session also prints
# the output, $(0.1897, 0.1130)$, but not the weights. Could you find those? No: two equations, three unknowns. Gradients
# can give away what the outputs hide, which is why sharing gradients is not always private.
#
# ### Question: detective work of your own · 5 minutes · ●●○
#
# Input $(1, 2, 4, 3)$, a kernel of length 3, and its gradient is $(4, 8, 11)$. What was the upstream gradient?

# %% exercise="upstream_found"
upstream_found = None  # your answer, a tuple of two numbers
### BEGIN SOLUTION
upstream_found = (2, 1)
### END SOLUTION

# %% check="upstream_found" points=1
check(upstream_found=upstream_found)

# %% [markdown]
# ## 4. Pictures
#
# A picture in grey is a 2-D array: rows from top to bottom, columns from left to right. The kernel gets rows and columns
# as well, and slides in both directions:
#
# $$O_{r,c} = \sum_{a=0}^{k_h-1} \sum_{b=0}^{k_w-1} I_{r+a,\,c+b}\, W_{a,b} .$$
#
# **Guess** the four numbers of this one before you run it; the first is
# $0\cdot0 + 1\cdot1 + 3\cdot2 + 4\cdot3$.

# %%
picture, kernel = np.arange(9).reshape(3, 3), np.arange(4).reshape(2, 2)
plots.show_sliding(picture, kernel)

# %% [markdown]
# **19, 25, 37, 43.** Play with a larger one: how does the output shrink when the stride grows? Change `stride` and
# `padding` in the cell and run it again.

# %%
plots.explore_sliding(np.arange(20).reshape(4, 5) % 7, np.array([[1, 0], [0, -1]]), stride=1, padding=1)

# %% [markdown]
# ### Question: by hand · 3 minutes · ●○○
#
# $$I = \begin{bmatrix} 1 & 0 & 2 \\ 3 & 1 & 0 \\ 0 & 2 & 1\end{bmatrix}, \qquad W = \begin{bmatrix} 1 & 2 \\ 3 & 0\end{bmatrix}.$$
#
# What is the cross-correlation? Give the rows as tuples in a tuple, such as `((1, 2), (3, 4))`.

# %% exercise="corr2d_by_hand"
corr2d_by_hand = None  # your answer, such as ((1, 2), (3, 4))
### BEGIN SOLUTION
corr2d_by_hand = ((10, 7), (5, 7))
### END SOLUTION

# %% check="corr2d_by_hand" points=1
check(corr2d_by_hand=corr2d_by_hand)

# %% [markdown]
# ### Exercise: `corr2d` · 20 minutes · ●●○
#
# Write it, with stride and padding. From here on options are as in PyTorch: one int for both directions, or a pair
# `(rows, columns)`. This helper turns either into a pair:


# %% tags=["needed"]
def pair(value):
    """The pair (for the rows, for the columns) that an option stands for: 2 means (2, 2)."""
    return value if isinstance(value, tuple) else (value, value)


# %%
pair(2), pair((0, 1))

# %% [markdown]
# The output has $\lfloor (\text{height} + 2P_h - k_h)/S_h \rfloor + 1$ rows and
# $\lfloor (\text{width} + 2P_w - k_w)/S_w \rfloor + 1$ columns. Most pictures are not square, and some kernels are not:
# keep heights and widths apart from the first line on.
#
# <details><summary>Help, how do I pad rows and columns differently?</summary>
#
# `np.pad` takes a pair (before, after) for *each axis*: `np.pad(x, ((1, 1), (2, 2)))` puts one row of zeros above
# and one below, and two columns on either side. `np.pad(x, (1, 2))` means something else: 1 before and 2 after, on
# both axes.
# </details>
#
# <details><summary>Help, I get "could not broadcast", or rows and columns seem to be mixed up</summary>
#
# Print `x.shape` and `w.shape`. Does every `shape[0]` speak about rows, and every `shape[1]` about columns?
# </details>
#
# <details><summary>Help, my numbers are too large, or the result is a matrix product</summary>
#
# `window @ w` is a matrix product. You want number by number: `(window * w).sum()`.
# </details>


# %% exercise="corr2d"
def corr2d(x, w, *, stride=1, padding=0):
    """Cross-correlation of a picture with a kernel.

    x: array of shape (height, width). w: array of shape (kh, kw).
    stride, padding: an int, or a pair (for the rows, for the columns). Zeros are put on all four sides.

    Returns an array of shape ((height + 2 * ph - kh) // sh + 1, (width + 2 * pw - kw) // sw + 1).
    Does not change x or w.
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = pair(stride), pair(padding)
    kh, kw = w.shape
    padded = np.pad(x, ((ph, ph), (pw, pw)))
    rows = (padded.shape[0] - kh) // sh + 1
    columns = (padded.shape[1] - kw) // sw + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            window = padded[r * sh : r * sh + kh, c * sw : c * sw + kw]
            out[r, c] = (window * w).sum()
    return out
    ### END SOLUTION


# %% check="corr2d" points=6
check(corr2d)

# %% [markdown]
# ### An edge in numbers
#
# The lecture lays a famous kernel, the **Sobel** kernel, over a bit of an image:

# %%
patch = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]])
sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
with when_done("corr2d"):
    print("as it is  ", corr2d(patch, sobel))
    print("flipped   ", corr2d(patch, sobel[::-1, ::-1]))

# %% [markdown]
# **65**: the left column, 200 + 2·100 + 25 = 425, minus the right one, 150 + 2·100 + 10 = 360. A layer of a network would add its
# bias to that. With the kernel flipped, that is with a true convolution, it is **−65**: left and right have changed roles. The
# size of the answer says how strong the edge is, the sign says which side is brighter. So for an edge detector that
# *you* write down, the flip matters.
#
# ### Question: by hand · 3 minutes · ●○○
#
# The same kernel as above, as a cross-correlation, on
# $\begin{bmatrix} 10 & 20 & 60 \\ 10 & 30 & 80 \\ 20 & 20 & 90 \end{bmatrix}$. Which number comes out?

# %% exercise="sobel_response"
sobel_response = None  # your answer, one number
### BEGIN SOLUTION
sobel_response = -260
### END SOLUTION

# %% check="sobel_response" points=1
check(sobel_response=sobel_response)

# %% [markdown]
# ### Exercise: `conv2d_true` · 5 minutes · ●○○
#
# The true convolution in two dimensions flips the kernel along *both* axes, which turns it by half a turn:
#
# $$\begin{bmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{bmatrix} \;\longrightarrow\; \begin{bmatrix} 6 & 5 & 4 \\ 3 & 2 & 1 \end{bmatrix}.$$
#
# Only places where the kernel fits, stride 1. You may call your `corr2d`. Do you see why neither `w.T` nor `w[::-1]` alone
# is enough?


# %% exercise="conv2d_true"
def conv2d_true(x, w):
    """True convolution of a picture with a kernel, where the kernel lies inside the picture.

    x: array of shape (height, width). w: array of shape (kh, kw). Does not change x or w.

    Returns an array of shape (height - kh + 1, width - kw + 1).
    """
    ### BEGIN SOLUTION
    return corr2d(x, w[::-1, ::-1])
    ### END SOLUTION


# %% check="conv2d_true" points=2
check(conv2d_true)

# %% [markdown]
# ### Exercise: `edge_kernel`, design one · 8 minutes · ●●○
#
# Your turn to invent a kernel. It is used as a cross-correlation, and it should be
#
# - **zero where nothing changes:** on a flat picture, however bright, it answers 0. (What does that say about the
#   sum of its numbers?)
# - **positive at its edge:** for `"left_right"` where the picture turns from dark on the left to bright on the
#   right; for `"top_bottom"` where it turns from dark above to bright below. While the kernel slides across one such edge,
#   none of its answers is negative. (Careful: the Sobel kernel above has the *opposite* sign.)
# - **blind to the other direction:** to an edge that runs the other way it answers 0.
#
# Any kernel with these properties is right, a 2-D array of up to 7 x 7 numbers. There are many. Compare yours with a neighbour's.


# %% exercise="edge_kernel"
def edge_kernel(direction):
    """A kernel that answers to edges of one direction only.

    direction: "left_right" (dark on the left, bright on the right), or
    "top_bottom" (dark above, bright below).

    Returns a 2-D array, at most 7 x 7.
    """
    ### BEGIN SOLUTION
    across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return across if direction == "left_right" else across.T
    ### END SOLUTION


# %% check="edge_kernel" points=2
check(edge_kernel)

# %% [markdown]
# Now let it look at a photograph: Grace Hopper, who gave us the compiler. **Guess** in which of the two maps the collar,
# the glasses and the ribbons on her chest stand out.

# %%
portrait = plots.photo()
with when_done("corr2d", "edge_kernel"):
    across = corr2d(portrait, edge_kernel("left_right"))
    down = corr2d(portrait, edge_kernel("top_bottom"))
    plots.show_pictures({"photo": portrait, "left to right": across, "top to bottom": down})

# %% [markdown]
# Orange is positive (it gets brighter), purple negative, white is "nothing changes". The collar stands out in the first map,
# the glasses and the ribbons in the second. Neither alone shows the whole outline; both together do, when we forget the sign:

# %%
with when_done("corr2d", "edge_kernel"):
    directions = ("left_right", "top_bottom")
    across, down = (corr2d(portrait, edge_kernel(d))[:140, :120] for d in directions)  # one size for both
    plots.show_pictures({"photo": portrait, "strength of the edge": np.sqrt(across**2 + down**2)})

# %% [markdown]
# ## 5. Where is she?
#
# An edge kernel answers most where the picture looks *like the kernel*: dark where it is negative, bright where it is
# positive. So a kernel is a **template**, and a correlation is a search. Take it at its word: here is a crowd,
# and a cut-out of one person. Somebody turned up the light since the cut-out was made.

# %%
crowd, wanted = plots.crowd()
plots.show_pictures({"the crowd": crowd, "wanted": wanted})

# %% [markdown]
# **Guess:** we correlate the crowd with the cut-out, and look for the largest number. Do we find her?

# %%
with when_done("corr2d"):
    scores = corr2d(crowd, wanted)
    place = np.unravel_index(scores.argmax(), scores.shape)
    plots.show_match(crowd, wanted, place, scores)

# %% [markdown]
# No! The map is bright where the *crowd* is bright: a lamp beats everybody, because a large number times anything
# is a large number. The plain correlation confuses "looks like her" with "is bright". Two corrections make it fair.
# For each window $v$ (the pixels under the cut-out $t$):
#
# 1. subtract the mean of the window from the window, and that of the cut-out from the cut-out; so brightness no longer counts;
# 2. divide by the lengths of both, in the sense of geometry: the square root of the sum of squares; so contrast no longer
#    counts.
#
# $$\text{score} = \frac{\sum (v - \bar v)(t - \bar t)}{\sqrt{\sum (v - \bar v)^2}\;\sqrt{\sum (t - \bar t)^2}}$$
#
# This **normalised cross-correlation** is the cosine of the angle between the two patterns. It is never more
# than 1, and 1 only where the window is the cut-out up to light and contrast. A *negative* of the cut-out gets −1: what
# counts is the largest score, not the largest size.
#
# ### Exercise: `match_template` · 20 minutes · ●●○
#
# Find the cut-out. Be ready for a picture that was lit differently, and for a piece of clear sky: a window of
# one brightness has no pattern and no angle, so let its score be 0.
#
# <details><summary>Help, I have the map of scores; how do I get row and column?</summary>
#
# `np.argmax(scores)` counts all places, row by row, and gives one number. `np.unravel_index(number, scores.shape)`
# turns it into (row, column). Which shape does it need, the picture's or the map's?
# </details>
#
# <details><summary>Help, "invalid value encountered in divide", and the place is nonsense</summary>
#
# Where a window is flat, you divide 0 by 0, which is NaN, and `np.argmax` takes NaN for the largest number of all.
# Ask for the length first, and divide only if it is not 0.
# </details>


# %% exercise="match_template"
def match_template(image, template):
    """Find a cut-out in a picture by normalised cross-correlation.

    image: array of shape (H, W). template: array of shape (h, w), not larger and not of one brightness.

    Returns (row, column) of the window's upper left corner with the highest score; two ints.
    The score of a window of one brightness is 0.
    """
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(image, template.shape)
    windows = windows - windows.mean(axis=(2, 3), keepdims=True)
    pattern = template - template.mean()
    lengths = np.sqrt((windows**2).sum(axis=(2, 3)) * (pattern**2).sum())
    products = (windows * pattern).sum(axis=(2, 3))
    scores = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    return int(row), int(column)
    ### END SOLUTION


# %% check="match_template" points=4
check(match_template)

# %% [markdown]
# Once more into the crowd:

# %%
with when_done("match_template"):
    plots.show_match(crowd, wanted, match_template(crowd, wanted))

# %% [markdown]
# There she is, in spite of the changed light. Note what the search *cannot* do: a person who turns her head, or stands closer, is another
# pattern. One template finds one pattern. A network's answer to that is many small templates, layer upon layer.
#
# ## 6. A kernel that nobody wrote
#
# So far somebody had to think of the kernel. In a convolutional network nobody does: the kernel is *learned*. Suppose we
# see a signal $x$ and what an unknown kernel made of it, $y$. We start with a kernel of zeros, and ask
# how wrong it is, with the mean squared error over the $n$ outputs:
#
# $$L(w) = \frac{1}{n} \sum_{i=0}^{n-1} \left( \operatorname{corr}(x, w)_i - y_i \right)^2 .$$
#
# Its derivative with respect to the output is $\frac{\partial L}{\partial O_i} = \frac{2}{n} (O_i - y_i)$. That is the upstream
# gradient, and you have written the function that turns it into $\partial L/\partial w$. Then take a small step downhill,
# $w \leftarrow w - \eta\, \partial L/\partial w$, with learning rate $\eta$; and again, and again.
#
# ### Exercise: `learn_kernel` · 15 minutes · ●●○
#
# Write this loop: start from zeros, and make exactly `steps` steps with your own `corr1d` and `corr1d_backward`. Which of the
# two gradients that come back do you need? The check compares with where these steps lead, so a better kernel found
# in another way does not count.
#
# <details><summary>Help, my weights become enormous, then nan</summary>
#
# Each step makes it worse. Do you walk downhill (minus)? Is it the *mean*, with the division by $n$? If both are right, the
# learning rate is too large for this signal.
# </details>


# %% exercise="learn_kernel"
def learn_kernel(x, y, size, *, lr, steps):
    """Recover a kernel by gradient descent on the mean squared error.

    x: array of shape (N,). y: array of shape (N - size + 1,), what corr1d(x, kernel) should give.
    size: the kernel's length. lr: learning rate. steps: how many steps to make.

    Starts from zeros. Returns the kernel after `steps` steps, an array of shape (size,).
    """
    ### BEGIN SOLUTION
    w = np.zeros(size)
    for _ in range(steps):
        dout = 2 * (corr1d(x, w) - y) / len(y)
        _, dw = corr1d_backward(dout, x, w)
        w = w - lr * dw
    return w
    ### END SOLUTION


# %% check="learn_kernel" points=3
check(learn_kernel)

# %% [markdown]
# Watch it learn the kernel that differentiates, from a random signal and its differences alone:

# %%
signal = np.random.default_rng(1).normal(size=80)
with when_done("corr1d", "learn_kernel"):
    for steps in (0, 1, 3, 10, 30, 100):
        learned = learn_kernel(signal, np.diff(signal), 2, lr=0.1, steps=steps)
        error = np.mean((corr1d(signal, learned) - np.diff(signal)) ** 2)
        print(f"after {steps:3d} steps  kernel {learned.round(3)}  error {error:.2g}")

# %% [markdown]
# $(-1, 1)$, found rather than told. Now a trick question. We make $y$ with a *true convolution* with $(1, 2, 3)$, and let your
# `learn_kernel`, which only knows correlations, loose on it. **Guess:** does it fail?

# %%
with when_done("learn_kernel"):
    convolved = np.convolve(signal, [1, 2, 3], "valid")
    print(learn_kernel(signal, convolved, 3, lr=0.1, steps=300).round(3))

# %% [markdown]
# It does not fail; but what it found is not what we convolved with. Keep that in mind for the last question.
#
# ### What do networks find?
#
# Trained on millions of photographs, the kernels of a network's first layer come out strikingly alike from network to network:
# **oriented edges** in all directions and sizes, and blobs of **opposing colours**, such as orange against blue. The picture below is
# *made by a formula* to look like what is found (a stripe pattern under a bell curve); in notebook 11 you will look into a network
# that really was trained.

# %%
filters = plots.first_layer_filters()  # of shape (24, 3, 11, 11): red, green and blue parts of each
plots.show_filters(filters)

# %% [markdown]
# With three colours, a kernel has a slice for each colour; correlate each, and add up the three maps. In numbers 16 to 19
# two opposing colours stand side by side; in 20 to 23 they lie on top of each other: number 20 adds red and subtracts blue at the
# same place. **Guess** what number 2 (an edge) and number 20 answer to the portrait, with its blue background, and
# what number 20 answers to a grey wall.

# %%
colours = plots.photo(colour=True)  # of shape (3, H, W)
with when_done("corr2d"):
    edge, opponent = (sum(corr2d(colours[c], filters[k, c]) for c in range(3)) for k in (2, 20))
    plots.show_pictures(
        {"photo": colours, "number 2, an edge": edge, "number 20, red against blue": opponent}
    )
    print("on a grey wall:", abs(filters[20].sum()).round(6))

# %% [markdown]
# The edge filter answers most along *its* direction, and little where nothing changes. Number 20 does not look for edges: it
# says "warm" (orange) on the skin, the red of the flag and the ribbons, "cold" (purple) on the blue wall, and nothing on grey,
# white and black, however bright, because its three slices add up to zero.
#
# ### In your own words · 10 minutes
#
# PyTorch's `Conv2d` is called a convolution, and never flips its kernel: it computes a cross-correlation.
#
# 1. Why does that do no harm in a network that *learns* its kernels? (The trick question above is a hint.)
# 2. Name a situation in which somebody must know about the missing flip, because the results would be wrong without it.
# 3. The backward pass for the input contains a flip after all. Where does it come from?
#
# Three to six sentences in all. This is read by a person, 1 point for each part.

# %% [markdown] written="why_flip" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) Correlating with $w$ is convolving with $w$ flipped. The kernels are free parameters, so gradient
# descent simply finds the mirrored numbers: the set of functions that the layer can represent is the same, and so are
# the loss and what can be learned. Above, `learn_kernel` found (3, 2, 1) where the convolution had used (1, 2, 3).
# (2) Whenever a kernel comes from elsewhere and is not symmetric: a Sobel kernel from a book on signal processing (the
# sign of the edge turns round), weights carried over from a framework or a library that flips, a measured impulse response;
# or when a law of convolution is used, such as $I * W = W * I$ or merging two kernels into one. (3) Input $m$ contributes through weight $j$
# to output $m - j$. Collecting what comes back to one input, the output's index runs down while the weight's runs up, which
# is a true convolution; in matrix words, the transpose of the correlation's matrix is that of a convolution.
#
# **Rubric.** 1 point: the learned kernel just comes out mirrored, so nothing is lost (an appeal to "symmetric kernels" alone: 0). 1 point: one
# correct situation, with a kernel that is not learned in place, or a property that only the convolution has. 1 point: the flip is traced
# to which outputs an input takes part in, or to the transpose of the matrix (naming "the chain rule" alone: half a point).
# ### END SOLUTION

# %% [markdown]
# ## What you can do now
#
# | | as a correlation | size |
# |---|---|---|
# | forward | $\operatorname{corr}(I, W)$ | $\lfloor (N + 2P - K)/S \rfloor + 1$ |
# | true convolution | $\operatorname{corr}(I, W_{\text{flipped}})$ | the same |
# | gradient for the kernel | $\operatorname{corr}(I, \partial L/\partial O)$ | $K$ |
# | gradient for the input | $\operatorname{corr}(W_{\text{padded with } n-1}, (\partial L/\partial O)_{\text{flipped}})$ | $N$ |
#
# (The last two rows hold for stride 1 and no padding; $n$ is the number of outputs.) In notebook 02 you count: how large is the output, how many weights, how many
# multiplications, and how far does a unit see? In notebook 03 the same sum gets channels, several kernels, and speed.
