"""Notebook 10: residual blocks, ResNet-18 as in UCLA's assignment, plain against residual networks, a fast ResNet for CIFAR-10.

The cells of the fast ResNet are run by bench/gpu.py as they stand here; together with decay_groups and flipped_scores they
have at most 120 lines of code.
"""
# %% [markdown]
# # 10 · ResNet
#
# In 2015 it was known that deeper networks are better, and that very deep ones are worse. Not only on the test set: they had a
# higher *training* error. He, Zhang, Ren and Sun found a remedy that fits into one line of code, `out + x`, and trained a network of 152 layers
# with it ([arXiv:1512.03385](https://arxiv.org/abs/1512.03385)). Almost every network since then has that line in it.
#
# You will write
#
# 1. the **residual block**, with and without downsampling;
# 2. **ResNet-18**, as in the assignment of UCLA's CS163, down to the last of its 11,227,812 parameters;
# 3. a network for small pictures of any depth, **plain or residual**, and see with it what the skip does;
# 4. the last two pieces of a **fast ResNet**: one that aims at 94 % on CIFAR-10 in a few seconds on a large GPU.
#
# **How to work.** First *predict*, then run the cell, then read on. All cells run on a CPU in a few minutes, with small settings that they
# choose themselves and tell you; on a GPU the same cells take the full ones. Plan five hours in three sittings: sections 1 and 2, then 3, then 4
# and 5; 40 points in all. Difficulty: ●○○ a few lines · ●●○ think first · ●●● take a walk in between.

# %% tags=["needed"]
import time

import torch
from torch import nn
from torch.nn import functional as F
from cs_utils import check, experiments, plots, training, when_done

# %% [markdown]
# ---
# ## 1 · A road round the block
#
# In a plain network every layer stands in the way of all the others: what the first layer finds must pass through the second, the third,
# and so on; and on the way back the gradient must do the same. Each layer multiplies it with its derivative.
#
# A residual block computes $y = x + f(x)$: its layers $f$ only say what should be *changed* about $x$. Its derivative is $1 + f'(x)$,
# and the 1 is the road round the block.
#
# **Exercise 1** · `three_layers` · 3 minutes · ●○○
#
# Think of layers with one number in and one out, and $f'(x) = 0.2$ in each. What is the derivative of **three** of them in a row if they are plain,
# $y = f(x)$? And if they are residual, $y = x + f(x)$? Answer as a pair `(plain, residual)`.

# %% exercise="three_layers"
three_layers = None  # your answer: (plain, residual)
### BEGIN SOLUTION
three_layers = (0.008, 1.728)
### END SOLUTION

# %% check="three_layers" points=1
check(three_layers=three_layers)

# %% [markdown]
# Neither is 1; but one of them is less than a hundredth after three layers, and after thirty it is nothing at all.
#
# Here is the block of ResNet-18. Follow the arrows from top to bottom. **Predict**: which convolution has the padding, and how much?

# %%
plots.show_block(64, 32, 32, out_channels=64)

# %% [markdown]
# Both must have padding 1, otherwise the shapes at the plus would differ. What else is to be seen:
#
# - each convolution has a **batch norm** behind it, so it has **no bias**: the batch norm would take it away again (notebook 06);
# - the second **ReLU comes after the addition**. If it stood before it, a block could only ever *add* to $x$ and never take away.
#
# A network must also make its pictures smaller and its channels more. Such a block has a **stride**. Now $x$ does not fit any more:

# %%
plots.show_block(64, 32, 32, out_channels=128, stride=2)

# %% [markdown]
# The **first** 3x3 convolution has the stride. On the skip stands a **1x1 convolution with the same stride**, and a batch norm. It is needed whenever
# $x$ has another shape than the sum: another size **or** another number of channels. Where it is not needed, nothing is there: the
# road is free.
#
# **Exercise 2** · `block_parameters` · 6 minutes · ●●○
#
# How many numbers does a residual block learn that takes 32 channels, gives 64, and has stride 2? Count all three convolutions and all three batch norms.

# %% exercise="block_parameters"
block_parameters = None  # your answer: a number
### BEGIN SOLUTION
block_parameters = 57_728
### END SOLUTION

# %% check="block_parameters" points=1
check(block_parameters=block_parameters)

# %% [markdown]
# **Exercise 3** · `ResidualBlock` · 40 minutes · ●●○
#
# Write the block. `skip=False` gives the **plain** block, for comparison: the same without the orange arrow and without anything on it.
# Make all layers in `__init__` and use them in `forward`.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: The size of tensor a (16) must match the size of tensor b (32)`: at the plus two shapes meet that differ. Print both. Has every 3x3
#   convolution its padding? Has the skip its 1x1 convolution, with the stride? Does only the *first* 3x3 convolution have the stride?
# - `RuntimeError: Given groups=1, weight of size [64, 32, 3, 3], expected input[...] to have 32 channels, but got 64 channels`: the second convolution
#   takes what the first one gives: `out_channels`.
# - `AttributeError: cannot assign module before Module.__init__() call`: `super().__init__()` must come first.
# - *"one of the variables needed for gradient computation has been modified by an inplace operation"*: `+=` on something that is still needed. Write `out = out + ...`.
# </details>


# %% exercise="ResidualBlock"
class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and a skip round them.

    stride: of the first convolution, and of the 1x1 convolution that the skip has where the shape changes.
    skip: False for the plain block, without a skip. No convolution has a bias.
    """

    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.skip = skip
        self.downsample = nn.Identity()
        if skip and (stride != 1 or in_channels != out_channels):
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        ### END SOLUTION

    def forward(self, x):
        """x: (N, in_channels, H, W). Returns (N, out_channels, H / stride, W / stride), rounded up."""
        ### BEGIN SOLUTION
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.skip:
            out = out + self.downsample(x)
        return F.relu(out)
        ### END SOLUTION


# %% check="ResidualBlock" points=10
check(ResidualBlock)

# %% [markdown]
# What does the skip do to gradients? We stack blocks and look how long the gradient of the *first* one is, before any training. To see it
# clearly the batch norms are put into evaluation mode, where fresh ones do nothing. **Predict** the two curves.

# %%
with when_done("ResidualBlock"):
    counts, lengths = (1, 2, 4, 8, 16), {"plain": [], "residual": []}
    for name, skip in (("plain", False), ("residual", True)):
        for count in counts:
            torch.manual_seed(0)
            stack = nn.Sequential(*(ResidualBlock(8, 8, skip=skip) for _ in range(count))).eval()
            stack(torch.randn(8, 8, 12, 12)).square().mean().sqrt().backward()
            lengths[name].append(next(stack.parameters()).grad.norm().item())
    plots.show_depths([2 * count for count in counts], lengths, what="gradient in the first layer")

# %% [markdown]
# Each plain layer takes a part of the gradient away, so that the curve falls like a stone; with the skip the gradient arrives. (In training mode batch norm
# keeps the numbers alive, which is why plain networks of 20 layers can be trained at all. Put `.train()` for `.eval()`: now the plain gradient *grows* with every
# layer, and 32 layers make it a hundred times as long. Section 3 shows how far one gets with that.)
#
# ---
# ## 2 · ResNet-18
#
# The network of the assignment, and of the paper's table 1. It is made for photographs; `width` is 64 there, and smaller in the checks, so that they
# are fast. Convolutions have no bias; the linear layer has one.
#
# | | what | channels | 3x224x224 becomes |
# |---|---|---|---|
# | stem | 7x7 convolution, stride 2, padding 3; batch norm; ReLU | width | 64x112x112 |
# | | max-pooling 3x3, stride 2, padding 1 | | 64x56x56 |
# | stage 1 | 2 residual blocks, stride 1 | width | 64x56x56 |
# | stage 2 | 2 residual blocks, the first with stride 2 | 2 · width | 128x28x28 |
# | stage 3 | 2 residual blocks, the first with stride 2 | 4 · width | 256x14x14 |
# | stage 4 | 2 residual blocks, the first with stride 2 | 8 · width | 512x7x7 |
# | head | average over all places of each channel | | 512 |
# | | linear layer | | classes |
#
# **Exercise 4** · `before_the_head` · 4 minutes · ●○○
#
# A picture of 3x160x96 goes in. What shape comes out of stage 4? Answer as `(channels, height, width)`.

# %% exercise="before_the_head"
before_the_head = None  # your answer: (channels, height, width)
### BEGIN SOLUTION
before_the_head = (512, 5, 3)
### END SOLUTION

# %% check="before_the_head" points=1
check(before_the_head=before_the_head)

# %% [markdown]
# Because the head averages over all places, the same network takes pictures of every size. (The LeNet of notebook 09 could not.)
#
# **Exercise 5** · `ResNet18` · 40 minutes · ●●○
#
# Write it with your `ResidualBlock`. The check counts its parameters: **11,227,812** for 100 classes, as in the assignment. If you are off, the
# difference tells where: 64 too many is a bias in the stem.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x2048 and 512x100)`: several places are left of each channel. The average is missing, or it is not flattened.
# - `RuntimeError: ... expected input[...] to have 64 channels, but got 128 channels`: the second block of a stage takes what the first one gives.
# - `TypeError: ... takes 3 positional arguments but 4 were given`: `stride` is handed over by name.
# - *PyTorch finds no weights*: blocks in a plain list are not seen; put them into `nn.Sequential(*blocks)`.
# </details>


# %% exercise="ResNet18"
class ResNet18(nn.Module):
    """The network of the table.

    classes: how many scores come out. width: channels of the stem and of the first stage.
    """

    def __init__(self, classes=100, width=64):
        super().__init__()
        ### BEGIN SOLUTION
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks, channels = [], width
        for out_channels, stride in ((width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)):
            blocks += [
                ResidualBlock(channels, out_channels, stride=stride),
                ResidualBlock(out_channels, out_channels),
            ]
            channels = out_channels
        self.stages = nn.Sequential(*blocks)
        self.fc = nn.Linear(channels, classes)
        ### END SOLUTION

    def forward(self, x):
        """x: (N, 3, H, W). Returns scores (N, classes)."""
        ### BEGIN SOLUTION
        x = self.stages(self.stem(x))
        return self.fc(x.mean(dim=(2, 3)))
        ### END SOLUTION


# %% check="ResNet18" points=8
check(ResNet18)

# %% [markdown]
# Where are all these numbers? **Predict** which stage has most of them.

# %%
with when_done("ResNet18"):
    net = ResNet18()
    print(f"{sum(weight.numel() for weight in net.parameters()):,} parameters")
    sizes = sorted(((weight.numel(), tuple(weight.shape)) for weight in net.parameters()), reverse=True)
    for numbers, shape in sizes[:5]:
        print(f"{numbers:11,}  {shape}")

# %% [markdown]
# Three convolutions of 512 to 512 channels hold two thirds of the network. The stem and the first stage, which do most of the *work*, because their
# pictures are large, have next to none.
#
# ---
# ## 3 · Plain against residual
#
# Now the paper's experiment. For the 32x32 pictures of CIFAR a smaller network will do, of **6n + 2** layers:
#
# | | what | channels | 3x32x32 becomes |
# |---|---|---|---|
# | stem | 3x3 convolution, stride 1, padding 1; batch norm; ReLU | width | 16x32x32 |
# | stage 1 | n blocks, stride 1 | width | 16x32x32 |
# | stage 2 | n blocks, the first with stride 2 | 2 · width | 32x16x16 |
# | stage 3 | n blocks, the first with stride 2 | 4 · width | 64x8x8 |
# | head | average over all places of each channel; linear layer | | classes |
#
# A block has two convolutions, so a stage has 2n layers.
#
# **Exercise 6** · `blocks_of_44` · 3 minutes · ●○○
#
# How many residual blocks does the network of 44 layers have in all?

# %% exercise="blocks_of_44"
blocks_of_44 = None  # your answer: a number
### BEGIN SOLUTION
blocks_of_44 = 21
### END SOLUTION

# %% check="blocks_of_44" points=1
check(blocks_of_44=blocks_of_44)

# %% [markdown]
# **Exercise 7** · `CifarResNet` · 30 minutes · ●●○
#
# Write it for every depth of the form 6n + 2. `skip=False` makes all blocks plain.
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: 'float' object cannot be interpreted as an integer`: `/` gives 3.0, and `range` wants 3. Whole numbers are divided by `//`.
# - `RuntimeError: ... expected input[...] to have 16 channels, but got 32 channels instead`: the second block of a stage takes what the first one gives.
# </details>


# %% exercise="CifarResNet"
class CifarResNet(nn.Module):
    """The network of the table, for small pictures.

    depth: number of layers, 6n + 2. skip: False for the plain network. width: channels of the first stage.
    """

    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        ### BEGIN SOLUTION
        n = (depth - 2) // 6
        layers = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
        for stage in range(3):
            for number in range(n):
                stride = 2 if stage > 0 and number == 0 else 1
                layers.append(ResidualBlock(channels, width * 2**stage, stride=stride, skip=skip))
                channels = width * 2**stage
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(channels, classes)
        ### END SOLUTION

    def forward(self, x):
        """x: (N, 3, H, W). Returns scores (N, classes)."""
        ### BEGIN SOLUTION
        return self.fc(self.layers(x))
        ### END SOLUTION


# %% check="CifarResNet" points=5
check(CifarResNet)

# %% [markdown]
# The pictures, and how large the experiments may be on this machine:

# %%
device = training.device()
sizes = experiments.at_hand(device)
train, test = experiments.colour_pictures(sizes, device)

# %% [markdown]
# Four trainings: two depths, each plain and residual, with everything else the same. On a CPU the pictures are made half as wide and half as high, so that four
# trainings take a few minutes. **Predict** the order of the four curves, for the loss *on the training set*.

# %%
with when_done("ResidualBlock", "CifarResNet"):
    records, shrunk = {}, [(F.avg_pool2d(x, sizes.shrink), y) for x, y in (train, test)]
    for depth in sizes.depths:
        for name, skip in (("plain", False), ("residual", True)):
            torch.manual_seed(0)
            net = CifarResNet(depth, skip=skip, width=sizes.depth_width)
            records[f"{name}-{depth}"] = training.fit(net, *shrunk, show=False, **sizes.depth)
    plots.show_histories(records)

# %% [markdown]
# With the small settings, on a slightly lossy copy of CIFAR-10, we found as training loss of the last epoch
#
# | layers | plain | residual |
# |---|---|---|
# | 20 | 1.71 | 1.29 |
# | 56 | 2.21 | 1.57 |
#
# (the mean of two seeds, between which up to 0.13 lay), and who guesses has 2.30. The deeper plain network has learned next to nothing, though it could compute all that the shallower one can: its
# additional blocks would only have to do nothing. To do *nothing* is hard to learn for convolutions. A residual block does nothing when its
# weights are 0, and so even 56 layers with skips are ahead of 20 without. After so few steps 56 layers are behind 20 there, too; in the paper, with
# 64,000 steps instead of 372, they are ahead, while the deep plain network stays behind.
# (With the pictures of shapes, which stand in where CIFAR-10 cannot be had, one run gave 0.25 and 0.09 with 20 layers, and 2.21 and 0.27 with 56.)
#
# **Exercise 8** · written · 20 minutes · 3 points · ●●○
#
# A friend sees that plain-56 is worse than plain-20 on the test set. She says: "Of course, it has more parameters, so it overfits. Dropout will help."
#
# 1. Which curve in the figure shows that she is wrong, and how?
# 2. Plain-56 *can* compute whatever plain-20 computes. How? And why does training not find it?
# 3. What does the skip change about that? Name the weights for which a residual block hands on its input unchanged.
#
# Two or three sentences for each.

# %% [markdown] written="not_overfitting" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) The loss on the *training* set is higher for plain-56, too. A network that overfits has a low training loss and a high test loss; this one fits even the training
# set badly. Dropout would make that worse. (2) Let the additional blocks be the identity: then it computes the same. The identity is one exact point among all 3x3 kernels (a 1 in the middle of the right channel), with batch norm to match, far
# from the random start; and the gradients that could lead there have come through all the other layers. So it is a problem of optimisation, not of capacity. (3) With the skip the block is $x + f(x)$ and the identity
# is $f = 0$, for example when the scale (and shift) of its last batch norm is 0. (The ReLU behind does nothing to x, which was behind a ReLU before.) Small weights are near that, and the gradient goes round the block with factor 1.
#
# **Rubric.** 1 point: the training loss is higher, so it is no overfitting (only "the curves are different": 0). 1 point: additional layers as identity (half), and why training does not find it: optimisation, gradients, or the distance from the random start (half).
# 1 point: f = 0 gives the identity (half), with weights named: gamma = 0 of the last batch norm, or the second convolution 0 (half).
# ### END SOLUTION

# %% [markdown]
# ---
# ## 4 · The last two pieces
#
# The network of the next section is small, and its training is short. What makes it good is care in many small things. Two of them are yours.
#
# **Weight decay** pulls weights towards 0: each step makes them a little smaller. For the weights of convolutions and linear layers that is good: smaller
# means simpler. But a batch norm's $\gamma$ is no strength of a connection, and neither is a $\beta$ or a bias; they had better stay as they are.
#
# PyTorch's optimizers take *groups* of parameters for that: a list of dicts, `{"params": [...], "weight_decay": ...}`.
#
# **Exercise 9** · `decay_groups` · 15 minutes · ●●○
#
# Make the two groups. How can the two kinds be told apart? Print the shapes of all parameters of a small network, and look at their **number of dimensions**.


# %% exercise="decay_groups"
def decay_groups(net, weight_decay):
    """Groups for an optimizer: weights of convolutions and linear layers shrink, all others stay.

    Returns a list of dicts with "params" and "weight_decay"; each parameter is in one of them.
    """
    ### BEGIN SOLUTION
    shrink = [weight for weight in net.parameters() if weight.ndim > 1]
    stay = [weight for weight in net.parameters() if weight.ndim == 1]
    return [{"params": shrink, "weight_decay": weight_decay}, {"params": stay, "weight_decay": 0}]
    ### END SOLUTION


# %% check="decay_groups" points=3
check(decay_groups)

# %% [markdown]
# **Looking twice.** A mirrored horse is a horse. In training half of the pictures are mirrored; at test time one can ask for both, the picture and its mirror image,
# and average the scores. That costs twice the time and usually brings some tenths of a per cent.
#
# **Exercise 10** · `flipped_scores` · 10 minutes · ●○○
#
# Write it. It is used for testing only: so mind the **mode** of the network (notebook 06), and that nobody goes backward from here.


# %% exercise="flipped_scores"
def flipped_scores(net, x):
    """The average of a network's scores for pictures and for their mirror images, left and right exchanged.

    x: (N, C, H, W). In evaluation mode; the scores, (N, classes), hold no graph.
    """
    ### BEGIN SOLUTION
    net.eval()
    with torch.no_grad():
        return (net(x) + net(x.flip(3))) / 2
    ### END SOLUTION


# %% check="flipped_scores" points=3
check(flipped_scores)

# %% [markdown]
# ---
# ## 5 · A fast ResNet
#
# The aim: **94 %** on the test pictures of CIFAR-10, in seconds instead of hours. It goes back to David Page's "How to train your ResNet" (2018). Everything is here, in plain PyTorch,
# and short enough to be read. First the **network**: nine layers, wide instead of deep. Max-pooling makes the pictures small; two blocks have a skip, of two convolutions each.
# At the end the scores are multiplied by 1/8, so that the softmax does not become too sure too soon.


# %% tags=["needed"]
def conv_norm(before, after):
    """3x3 convolution, batch norm, ReLU."""
    conv = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())


class Around(nn.Module):
    """x + f(x), where f keeps the shape."""

    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return x + self.f(x)


# %% tags=["needed"]
class FastResNet(nn.Module):
    """Nine layers for pictures of 3x32x32."""

    def __init__(self, classes=10, width=64):
        super().__init__()
        w = width
        pair = [Around(nn.Sequential(conv_norm(k * w, k * w), conv_norm(k * w, k * w))) for k in (2, 8)]
        stage1 = [conv_norm(w, 2 * w), nn.MaxPool2d(2), pair[0]]
        stage2 = [conv_norm(2 * w, 4 * w), nn.MaxPool2d(2)]
        stage3 = [conv_norm(4 * w, 8 * w), nn.MaxPool2d(2), pair[1]]
        head = [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8 * w, classes, bias=False)]
        self.layers = nn.Sequential(conv_norm(3, w), *stage1, *stage2, *stage3, *head)

    def forward(self, x):
        return self.layers(x) / 8


# %% [markdown]
# **Augmentation**: every picture is moved by up to four pixels, mirrored half of the time, and a square of 8x8 pixels is covered. It is done for a whole batch at once, on the GPU:
# a GPU that waits for pictures is a slow one. Instead of cutting 512 pictures out one after the other we say for every pixel of the result
# from which row and column it comes.


# %% tags=["needed"]
def augmented(x, border=4, hole=8):
    """Random crop, flip and cutout of a whole batch (N, C, H, W), on its device."""
    n, _, tall, wide = x.shape

    def random(limit):  # a whole number below the limit for every picture
        return torch.randint(limit, (n, 1), device=x.device)

    rows = torch.arange(tall, device=x.device) + random(2 * border + 1)
    columns = torch.arange(wide, device=x.device) + random(2 * border + 1)
    columns = torch.where(random(2) == 1, columns.flip(1), columns)
    padded = F.pad(x, [border] * 4, mode="reflect").permute(0, 2, 3, 1)
    images = torch.arange(n, device=x.device)[:, None, None]
    x = padded[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    top, left = random(tall - hole + 1), random(wide - hole + 1)
    row, column = torch.arange(tall, device=x.device), torch.arange(wide, device=x.device)
    inside = [(first <= at) & (at < first + hole) for first, at in ((top, row), (left, column))]
    return x.masked_fill((inside[0][:, :, None] & inside[1][:, None, :])[:, None], 0)


# %% [markdown]
# What does the network see? **Predict**: can *you* still tell what it is?

# %%
plots.show_augmented(train[0][:8].cpu(), [augmented(train[0][:8]).cpu() for _ in range(3)])

# %% [markdown]
# The **learning rate** rises in a straight line during the first fifth of the training, and then falls in a straight line to 0. Small at first, while the gradients of fresh weights are wild;
# small in the end, so that the weights come to rest.


# %% tags=["needed"]
def one_cycle_rate(step, steps, max_lr, warmup=0.2):
    """The learning rate of a step: up to max_lr, then down to 0."""
    up, down = (step + 1) / (warmup * steps), (steps - step) / ((1 - warmup) * steps)
    return max_lr * min(up, down, 1)


# %%
steps_each = len(train[0]) // sizes.fast["batch_size"]
steps = sizes.fast["epochs"] * steps_each
rates = [one_cycle_rate(step, steps, sizes.fast["max_lr"]) for step in range(steps)]
plots.show_schedule(rates, steps_each=steps_each)

# %% [markdown]
# **Exercise 11** · `training_steps` · 3 minutes · ●○○
#
# CIFAR-10 has 50,000 training pictures. How many steps are 24 epochs with batches of 512, if what is left over at the end of an epoch and does not fill a batch is left out?

# %% exercise="training_steps"
training_steps = None  # your answer: a number
### BEGIN SOLUTION
training_steps = 2328
### END SOLUTION

# %% check="training_steps" points=1
check(training_steps=training_steps)

# %% [markdown]
# The **loop**. What is new in it:
#
# - **mixed precision**: inside `autocast` convolutions compute with 16 bits, which a GPU does several times as fast. On cards that know `bfloat16` nothing else is needed. Older cards (a T4)
#   have only `float16`, whose smallest numbers are too large for some gradients: the **scaler** multiplies the loss, and divides the gradients again;
# - **channels last**: the numbers of one pixel lie side by side in memory, which is the order that the fast kernels want;
# - **label smoothing**: the right class should get 0.91 and the others 0.01 each, not 1 and 0: nobody has to be infinitely sure;
# - **Nesterov momentum**, and your `decay_groups`;
# - nothing is printed or read back inside: the GPU never has to wait for Python.


# %% tags=["needed"]
def fast_step(net, x, y, optimizer, scaler, smoothing=0.1):
    """One training step in mixed precision; returns the loss."""
    kind, dtype = x.device.type, experiments.precision(x.device)
    with torch.autocast(kind, dtype, enabled=dtype != torch.float32):
        scores = net(augmented(x))
    loss = F.cross_entropy(scores.float(), y, label_smoothing=smoothing)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return loss.detach()


# %% tags=["needed"]
def train_fast(net, x, y, *, epochs, batch_size, max_lr, weight_decay=5e-4):
    """Train a network on pictures and labels that lie on its device; returns the loss of every step."""
    net.train().to(x.device, memory_format=torch.channels_last)
    groups = decay_groups(net, weight_decay)
    optimizer = torch.optim.SGD(groups, lr=max_lr, momentum=0.9, nesterov=True)
    scaler = torch.amp.GradScaler(x.device.type, enabled=experiments.precision(x.device) == torch.float16)
    steps_each, losses = len(x) // batch_size, []
    for _ in range(epochs):
        order = torch.randperm(len(x), device=x.device)[: steps_each * batch_size]
        for batch in order.split(batch_size):
            for group in optimizer.param_groups:
                group["lr"] = one_cycle_rate(len(losses), epochs * steps_each, max_lr)
            losses.append(fast_step(net, x[batch], y[batch], optimizer, scaler))
    return torch.stack(losses).tolist()


# %% tags=["needed"]
def accuracy_of(net, x, y, batch_size=1000):
    """Share of right answers, by the scores of pictures and mirror images."""
    dtype, right = experiments.precision(x.device), 0
    for images, labels in zip(x.split(batch_size), y.split(batch_size), strict=True):
        with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
            right += (flipped_scores(net, images).argmax(1) == labels).sum()
    return right.item() / len(x)


# %% [markdown]
# Now train it. On a CPU the network is a quarter as wide and sees a few thousand pictures: then it learns, but the figure is not that of the aim.

# %%
with when_done("decay_groups", "flipped_scores"):
    torch.manual_seed(0)
    fast = FastResNet(width=sizes.fast_width)
    begin = time.perf_counter()
    losses = train_fast(fast, *train, **sizes.fast)
    seconds = time.perf_counter() - begin
    images = len(losses) * sizes.fast["batch_size"]
    print(f"{len(losses)} steps, loss {losses[0]:.2f} -> {losses[-1]:.2f}")
    print(f"{seconds:.1f} s, {images / seconds:,.0f} pictures a second")
    print(f"test accuracy {accuracy_of(fast, *test):.1%}")

# %% [markdown]
# **What to expect with the full settings** (24 epochs, batches of 512, width 64; the same for every card):
#
# | | accuracy, mean of 5 seeds | seconds of training |
# |---|---|---|
# | H200, bfloat16 | not yet measured | not yet measured |
# | T4, float16 | not yet measured | not yet measured |
#
# `make bench-gpu` in the course's repository runs just these cells and fills such a line. A T4 computes in float16 with the scaler, and takes the same settings; if you have little
# time there, try 12 epochs, and see what that costs.
#
# **Exercise 12** · written · 20 minutes · 3 points · ●●○
#
# A student reports: "I trained 40 networks with different seeds and looked at the test accuracy after every epoch. The best one had **94.6 %**, after epoch 22. My network is better than the 94.0 % of the text."
#
# 1. Two choices were made by looking at the test set. Which?
# 2. Why is 94.6 % too high as a forecast for new pictures, even though every single number was measured correctly?
# 3. How should she train, choose and report, if she has 50,000 training pictures, 10,000 test pictures, and time for 40 trainings?

# %% [markdown] written="best_of_forty" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) The seed (one of 40) and the epoch (one of 24). (2) Each measured accuracy is the true one plus chance: with 10,000 pictures the standard deviation is about 0.24 % (the root of 0.94 · 0.06 / 10,000), and seeds differ
# as well. The largest of hundreds of such numbers is one in which chance was kind; on new pictures chance is new, and the result falls back to about the mean. So it cannot be compared with a mean of all seeds either. (3) Keep a part of the *training* pictures, say 5,000, as a validation set;
# choose epoch and settings with it (or fix the epoch beforehand: the last one). Then look at the test set once, for several seeds, and report their mean and their spread.
#
# **Rubric.** 1 point: both choices, seed and epoch (one: half). 1 point: the maximum of many noisy measurements is too high; chance does not repeat ("overfitting to the test set" without a reason: half). 1 point: a validation set out of the training pictures, or a
# choice fixed beforehand (half); test set once, mean and spread over seeds (half).
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | | |
# |---|---|
# | residual block | $\text{ReLU}(x + f(x))$; a 1x1 convolution on the skip where the shape changes |
# | ResNet-18 | 7x7 stem, four stages of two blocks, average, linear: 11,227,812 parameters for 100 classes |
# | for small pictures | a 3x3 stem, no pooling, 6n + 2 layers |
# | depth | without skips it hurts the *training* loss; with skips far less, and in a long training it helps |
# | speed | pictures on the GPU, 16 bits, channels last, one cycle, weight decay for weights only |
#
# In notebook 11 a trained ResNet learns something new, and shows where it looks.
