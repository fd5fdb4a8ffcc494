"""Notebook 11: transfer learning in four ways, class activation maps and Grad-CAM.

Source of the topics: UCLA CS163 lecture 7 and its assignment. The network and its weights are the course's own.
"""
# %% [markdown]
# # 11 · Transfer and seeing
#
# Nobody who learns to read Greek begins by learning to see. The eyes and most of the brain are ready; a few letters are new.
# **Transfer** is the same with networks: take one that was trained on much data, put a new last layer on it, and
# train a little with the little data that you have.
#
# Then comes a question that you should ask every network: **where does it look?** Two short formulas draw a map of it over the picture.
#
# You will write
#
# 1. a **new head** for a trained network;
# 2. **four ways of fine-tuning**: which parameters train, and how fast;
# 3. what keeps a frozen layer really frozen;
# 4. **class activation maps** and **Grad-CAM**, and a game that tells how often they point at the right thing.
#
# **How to work.** First *predict*, then run the cell, then read on. Everything runs on a CPU in a few minutes; with a GPU it takes more pictures by
# itself, and says so. Plan four hours in two sittings: sections 1 to 3, then 4 to 6; 40 points in all. Difficulty: ●○○ a few lines · ●●○ think first ·
# ●●● take a walk in between.
#
# **Notation.** Pictures are `(N, C, H, W)`. The **features** of a picture are what the last convolution puts out, `(N, K, h, w)`: $K$ channels, each a small
# map $f_k(x, y)$. The **head** is the linear layer that makes scores of their means. All arrays of this notebook are PyTorch tensors.

# %% tags=["needed"]
import copy
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from cs_utils import check, plots, pretrained, when_done

# %% [markdown]
# ---
# ## 1 · A network that has seen shapes
#
# This course comes with a small residual network that was trained on pictures made by a formula: ten shapes, turned and stretched, in any colour, half hidden
# by a bar, among other small things. (Pictures of photographs would make better features. But these cost nobody a download.)

# %%
from cs_utils.shapes import CLASSES, make_images

images, labels, masks = make_images(100, size=64, seed=5, masks=True)
net = pretrained.small_resnet(weights="shapes")
with torch.no_grad():
    scores = net(pretrained.prepare(images))
right = (scores.argmax(1).numpy() == labels).mean()
print(f"{sum(p.numel() for p in net.parameters()):,} parameters")
print(f"of {len(labels)} new pictures {right:.0%} are right")
one_each = [images[labels == label][0].transpose(2, 0, 1) / 255 for label in range(10)]
plots.show_pictures(dict(zip(CLASSES, one_each, strict=True)))

# %% [markdown]
# What has it learned? The filters of its first layer can be looked at, because their input is a picture. **Predict**: how will they differ from the random ones
# that training began with?

# %%
before, after = pretrained.small_resnet(), net
plots.show_filter_sets({"random, before training": before.stem.weight, "after training": after.stem.weight})

# %% [markdown]
# Random numbers look like a broken television. Training has made edges of them, and blobs of one colour beside another. Nobody asked for edges; they are what is useful
# **for any picture**. That is why transfer works at all: the nearer a layer is to the picture, the less it knows of the task.
#
# The parts of our network, from the picture to the scores:

# %%
for place, part in enumerate(net.parts):
    count = sum(p.numel() for p in part.parameters())
    print(f"part {place}: {type(part).__name__:10s} {count:9,} parameters")

# %% [markdown]
# ### A new head
#
# The last part, `net.head`, knows ten shapes. For another task it is of no use: its rows *are* the ten shapes. Everything before it can stay.
#
# **Exercise 1** · `head_parameters` · 3 minutes · ●○○
#
# The ResNet-18 that is trained on ImageNet ends in 512 channels and a linear layer with bias for 1,000 classes. You put a head for the 37 breeds of the Oxford pets on it. How many numbers does the new head have?

# %% exercise="head_parameters"
head_parameters = None  # your answer: a whole number
### BEGIN SOLUTION
head_parameters = 18981
### END SOLUTION

# %% check="head_parameters" points=1
check(head_parameters=head_parameters)

# %% [markdown]
# **Exercise 2** · `new_head` · 10 minutes · ●○○
#
# Put a fresh `nn.Linear` in the place of `net.head`, with as many inputs as the old one and `classes` outputs, and return the network. Fresh also where the number of classes stays the same. The rest stays as it is, frozen or not;
# the new head must be able to learn, even when all else is frozen.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x96 and 10x10)`: the head expects another number of inputs than it gets. The old head knows: `in_features`.
# - *"new_head returned None"*: a `return` is missing.
# </details>


# %% exercise="new_head"
def new_head(net, classes):
    """Give a trained network a head for another task.

    net: a network whose last layer is the nn.Linear `net.head`.
    classes: of the new task.

    Returns the network with a fresh head that trains. All else is as it was.
    """
    ### BEGIN SOLUTION
    net.head = nn.Linear(net.head.in_features, classes)
    return net
    ### END SOLUTION


# %% check="new_head" points=3
check(new_head)

# %% [markdown]
# ---
# ## 2 · Four ways of fine-tuning
#
# How much of the old network should move? There are four usual answers:
#
# | `mode` | what trains | with which rate |
# |---|---|---|
# | `"probe"` | the head alone (a **linear probe**) | `lr` |
# | `"full"` | everything | `lr` |
# | `"layerwise"` | everything | the head `lr`, the part before it `lr * factor`, the one before that `lr * factor**2`, and so on |
# | `"frozen"` | everything but the first `frozen` parts | `lr` |
#
# With little data, few parameters should move, or they learn the few pictures by heart. With much data, or pictures of quite another kind, more must move. The third way is in between: nothing is forbidden, but what
# is near to the picture, and of use everywhere, moves slowly.
#
# **Exercise 3** · `rate_of_the_stem` · 3 minutes · ●○○
#
# A network has five parts. You train it layer-wise with `lr = 0.08` and `factor = 0.5`. Which rate has the first part, the one at the picture?

# %% exercise="rate_of_the_stem"
rate_of_the_stem = None  # your answer: a number
### BEGIN SOLUTION
rate_of_the_stem = 0.005
### END SOLUTION

# %% check="rate_of_the_stem" points=1
check(rate_of_the_stem=rate_of_the_stem)

# %% [markdown]
# An optimizer takes **groups**, a list of dicts: `[{"params": [...], "lr": 0.1}, {"params": [...], "lr": 0.01}]`. So two things must be done, and each alone is a known trap:
#
# - **`requires_grad`** is switched off for what is frozen. Then no gradient is computed for it, which saves most of the time.
# - **Frozen parameters are in no group.** Is that necessary, when they get no gradient? Look:

# %%
weight = nn.Parameter(torch.ones(3))
optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=0.5)
(weight * 2).sum().backward()  # a step of training, as always
optimizer.step()
weight.requires_grad = False  # and now frozen, or is it?
for step in range(3):
    optimizer.step()
    print(f"after {step + 1} steps without any loss: {weight[0].item():.3f}")

# %% [markdown]
# The old gradient is still there, and momentum and weight decay push on. Whatever the optimizer holds, it may move.
#
# **Exercise 4** · `fine_tuning_groups` · 35 minutes · ●●○
#
# `parts` is a list of modules from the picture to the head. Decide for each parameter whether it trains, say so in its `requires_grad` (`True` or `False`: the network may come from an earlier fine-tuning that froze something else),
# and return the groups. How many groups there are is up to you.
#
# In reports `[2, 1, 3]` stands for three parts with two, one and three parameters, and `asleep=[0, 1]` says that parts 0 and 1 were frozen before the call. What comes back is shown parameter by parameter: 1 or 0 for `requires_grad`, and the rate,
# 0 for what is in no group.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: some parameters appear in more than one parameter group`: a part was added twice.
# - `TypeError: optimizer can only optimize Tensors, but one of the params is ...`: `"params"` wants parameters, and a part is a module: `part.parameters()`.
# - The rates are all right, and the points are missing in *after another mode*: who switches `requires_grad` on again?
# </details>


# %% exercise="fine_tuning_groups"
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    """Choose what trains, and how fast.

    parts: a list of modules from the picture to the head, which is the last one.
    mode: "probe", "full", "layerwise" or "frozen".
    lr: the rate of the head. factor: in mode "layerwise", from one part to the one before it.
    frozen: in mode "frozen", how many parts at the beginning rest.

    Sets requires_grad of every parameter. Returns a list of dicts with "params" and "lr"; parameters
    that do not train are in none of them.
    """
    ### BEGIN SOLUTION
    last, groups = len(parts) - 1, []
    first = {"probe": last, "frozen": frozen}.get(mode, 0)
    for place, part in enumerate(parts):
        part.requires_grad_(place >= first)
        rate = lr * factor ** (last - place) if mode == "layerwise" else lr
        if place >= first:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups
    ### END SOLUTION


# %% check="fine_tuning_groups" points=9
check(fine_tuning_groups)

# %%
with when_done("fine_tuning_groups"):
    for mode in ("probe", "full", "layerwise", "frozen"):
        parts = pretrained.small_resnet().parts
        groups = fine_tuning_groups(parts, mode, lr=0.1, factor=0.5)
        count = sum(p.numel() for group in groups for p in group["params"])
        rates = sorted({group.get("lr", 0.1) for group in groups})
        print(f"{mode:10s} {count:8,} parameters train, rates {', '.join(f'{rate:g}' for rate in rates)}")

# %% [markdown]
# ### Frozen is not yet frozen
#
# One thing in a network moves without any optimizer: the **running statistics** of batch norm (notebook 06). They are no parameters. In training mode every batch moves them, whatever `requires_grad` says. **Predict** what the second line prints:

# %%
norm = nn.BatchNorm1d(2).requires_grad_(False)
batch = torch.randn(50, 2) * 3 + 10
print("before: ", norm.running_mean.numpy().round(2))
norm(batch)
print("after:  ", norm.running_mean.numpy().round(2))

# %% [markdown]
# So a frozen part belongs into **evaluation mode**, where its batch norms use their statistics and leave them alone, and what trains into training mode.
#
# **Exercise 5** · `training_mode` · 15 minutes · ●●○
#
# Bring every part into the right mode, whatever mode it was in. A part is frozen when *none* of its parameters requires a gradient. Nothing is returned. In reports, `trains` lists the numbers of the parts that train, `partly` those among
# them of whose batch norm only the shift trains, and what is shown are the running statistics of the parts' batch norms after one batch.


# %% exercise="training_mode"
def training_mode(parts):
    """Training mode for the parts that train, evaluation mode for the frozen ones.

    parts: a list of modules. One is frozen when none of its parameters requires a gradient.
    """
    ### BEGIN SOLUTION
    for part in parts:
        part.train(any(parameter.requires_grad for parameter in part.parameters()))
    ### END SOLUTION


# %% check="training_mode" points=4
check(training_mode)

# %% [markdown]
# One trap is left. Every training loop calls `net.train()`, once in each epoch, and that switches **all** parts on again. So we give the network a `train` of its own, which asks your function:


# %% tags=["needed"]
class FineTuned(nn.Module):
    """A network whose frozen parts stay in evaluation mode, whoever calls train()."""

    def __init__(self, net):
        super().__init__()
        self.inner = net

    def forward(self, x):
        return self.inner(x)

    def train(self, mode=True):
        super().train(mode)
        if mode:
            training_mode(self.inner.parts)
        return self


# %% [markdown]
# ---
# ## 3 · From shapes to clothes
#
# Now the four ways on real pictures: Fashion-MNIST, grey and 28 pixels wide, enlarged to the 64 pixels that our network knows. We act as if there were only a few hundred labelled pictures. How many are used depends on the machine:

# %%
from cs_utils import data
from cs_utils.training import device, evaluate, fit, set_seed

settings = pretrained.transfer_settings()
print(settings)
clothes = data.load("fashion-mnist-small")
few = pretrained.prepare(clothes.train.images[: settings.train]), clothes.train.labels[: settings.train]
test = pretrained.prepare(clothes.test.images[: settings.test]), clothes.test.labels[: settings.test]

# %%
tuned = {}


def fine_tune(name, start, mode, lr, **options):
    """Train a copy of a network in one of the four ways; returns its test accuracy, and seconds."""
    set_seed(0)
    tuned[name] = FineTuned(new_head(copy.deepcopy(start), 10)).to(device())
    groups = fine_tuning_groups(tuned[name].inner.parts, mode, lr=lr, **options)
    optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    started = time.perf_counter()
    length = {"epochs": settings.epochs, "batch_size": 32, "max_lr": lr, "show": False}
    fit(tuned[name], few, optimiser=optimizer, **length)
    seconds = time.perf_counter() - started
    return evaluate(tuned[name], test)[1], seconds


# %% [markdown]
# For comparison, the same network without anything learned before ("from scratch"). **Predict** an order of the five, by accuracy and by time, before you run the cell. It takes a minute or two on a CPU.

# %%
with when_done("new_head", "fine_tuning_groups", "training_mode"):
    scratch = pretrained.small_resnet()
    results = {
        "linear probe": fine_tune("probe", net, "probe", 0.1),
        "two parts frozen": fine_tune("frozen", net, "frozen", 0.05, frozen=2),
        "layer-wise rates": fine_tune("layerwise", net, "layerwise", 0.05, factor=0.5),
        "everything": fine_tune("full", net, "full", 0.05),
        "from scratch": fine_tune("scratch", scratch, "full", 0.05),
    }
    plots.show_fine_tuning(results)

# %% [markdown]
# With 500 pictures we found: everything 80 %, two parts frozen 78 %, layer-wise 74 %, from scratch 69 %, linear probe 51 %. Your numbers will differ by some points, and with 500 test pictures four points may be chance. Two things can be seen all the same:
#
# - What was learned from *shapes* helps with *clothes*: all but the probe are ahead of the same network without it. (One run of each: layer-wise rates are only just ahead. How would you make sure?)
# - The **probe is poor**, because the tasks are far apart: a sleeve is no crescent. With features from a million photographs the probe is often the best of all for a few hundred pictures. And it is the fastest, because nothing but one linear layer needs a gradient.
#
# Did the first layer move?

# %%
with when_done("new_head", "fine_tuning_groups", "training_mode"):
    old = net.stem.weight.detach()
    for name in (name for name in tuned if name != "scratch"):
        moved = (tuned[name].inner.stem.weight.detach().cpu() - old).norm() / old.norm()
        print(f"{name:10s} the stem has moved by {moved:.1%} of its length")
    if tuned:
        full = tuned["full"].inner.stem.weight
        plots.show_filter_sets({"shapes": old, "after fine-tuning everything": full})

# %% [markdown]
# Frozen means 0, to the last bit. And even where everything may move, the first layer hardly does: edges are edges.
#
# **Exercise 6** · written · 20 minutes · 3 points · ●●○
#
# Which of the four ways would you try first, and why? Say for each case what you fear if you took the *opposite* extreme (full instead of probe, or the other way round).
#
# 1. 120 photographs of leaves, six kinds of trees; a ResNet trained on a million photographs of everything.
# 2. 200,000 X-ray images with a diagnosis; the same ResNet.
# 3. 5,000 photographs of dishes; the same ResNet; and a laptop without a GPU that may compute for one evening.
#
# Two or three sentences each; one point for each case.

# %% [markdown] written="which_way" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) A linear probe: 20 pictures for each class are few, and the source has seen leaves and plants, so its features fit. Full fine-tuning has millions of parameters for 120 pictures: it learns them by heart
# and spoils good features. (2) Full fine-tuning, or layer-wise rates: there is data enough to move everything, and X-rays are unlike photographs, so that the later features do not fit. A probe would be stuck with features for
# dogs and cars, however long it trains. (3) Frozen parts (or layer-wise rates; or a probe first): dishes are photographs, so the early layers fit, and freezing them saves most of the time of a step, since no gradient is needed for them. Full: the evening is over
# before the training is; a probe: fast, but leaves accuracy on the table with 5,000 pictures.
#
# **Rubric.** One point for each case: half for a defensible choice with a reason that names the *amount* of data or the *distance* between the tasks (or time, in case 3), half for a fear that follows from the other extreme. A choice without a reason: 0.
# ### END SOLUTION

# %% [markdown]
# ---
# ## 4 · Class activation maps
#
# Our network ends like most: features $f_k(x, y)$, their mean over all places, a linear layer. So the score of class $c$ is
#
# $$ s_c = b_c + \sum_k w_k^c \; \frac{1}{hw} \sum_{x, y} f_k(x, y) = b_c + \frac{1}{hw} \sum_{x, y} \underbrace{\sum_k w_k^c f_k(x, y)}_{S_c(x, y)} $$
#
# Only the order of two sums was exchanged (and a mean, a linear layer, cannot tell). But now it says something new: the score is the mean of a **map** $S_c$, and $S_c(x, y)$ is what the place $(x, y)$ contributes. This is the **class activation map** (CAM) of class $c$
# (Zhou et al. 2016, arXiv:1512.04150). Where it is high, there is what speaks for the class; where it is negative, what speaks against it.
#
# **Exercise 7** · `score_from_map` · 4 minutes · ●○○
#
# The map of a class is $S_c = \begin{pmatrix} 2 & -1 \\ 6 & 1 \end{pmatrix}$, and the bias of the class is $0.5$. What is its score?

# %% exercise="score_from_map"
score_from_map = None  # your answer: a number
### BEGIN SOLUTION
score_from_map = 2.5
### END SOLUTION

# %% check="score_from_map" points=1
check(score_from_map=score_from_map)

# %% [markdown]
# **Exercise 8** · `class_activation_map` · 25 minutes · ●●○
#
# For each picture the map of *its* class in `labels`, enlarged to `size` x `size` with `F.interpolate`, bilinear, and `align_corners` left as it is. `weight` and `bias` are those of the head, both, as they come: the formula of $S_c$ says which of them a map needs.
# No ReLU: what speaks against the class may be seen.
#
# <details><summary>Help, I get this error</summary>
#
# - `ValueError: Input and output must have the same number of spatial dimensions ...` or `NotImplementedError: Got 3D input, but bilinear mode needs 4D input`: `F.interpolate` wants `(N, channels, h, w)`. Your maps have no channel: put an axis of length 1 in, and take it out again.
# - `RuntimeError: The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 3`: a weight per channel must stand at the channels' axis: `(N, K)` becomes `(N, K, 1, 1)`.
# </details>


# %% exercise="class_activation_map"
def class_activation_map(features, weight, bias, labels, *, size):
    """Maps of what speaks for a class, and where.

    features: (N, K, h, w), what the head takes the mean of.
    weight: (classes, K) and bias: (classes,), of the head. labels: (N,), a class for each picture.
    size: height and width of the maps.

    Returns maps (N, size, size), enlarged bilinearly.
    """
    ### BEGIN SOLUTION
    maps = torch.einsum("nk,nkhw->nhw", weight[labels], features)
    return F.interpolate(maps[:, None], size=(size, size), mode="bilinear")[:, 0]
    ### END SOLUTION


# %% check="class_activation_map" points=5
check(class_activation_map)

# %% [markdown]
# The white line is the outline of the shape, which the network was never told. **Predict** where the cross, the peak of the map, will lie.


# %%
def maps_of(net, images, labels):
    """Class activation maps of a small ResNet for uint8 pictures, 64 x 64."""
    with torch.no_grad():
        features = net.features(pretrained.prepare(images))
        return class_activation_map(features, net.head.weight, net.head.bias, torch.tensor(labels), size=64)


with when_done("class_activation_map"):
    titles = [CLASSES[label] for label in labels[:6]]
    plots.show_class_maps(images[:6], maps_of(net, images[:6], labels[:6]), titles, masks=masks[:6])

# %% [markdown]
# ### A game with a score
#
# A few pretty pictures prove nothing; everybody shows the pretty ones. So count: in which share of many pictures does the **peak** of the map lie on the object? This is the **pointing game** (Zhang et al. 2016, arXiv:1608.00507). It needs pictures in which somebody has drawn the
# objects; ours come with their outlines.
#
# **Exercise 9** · `pointing_game` · 15 minutes · ●●○
#
# Ties are not asked for: there is one highest number in each map. Return a number from 0 to 1.


# %% exercise="pointing_game"
def pointing_game(maps, masks):
    """How often the peak of a map lies in the mask.

    maps: (N, H, W). masks: (N, H, W), bool, True on the object.

    Returns the share of pictures in which the highest number of the map lies where its mask is True.
    """
    ### BEGIN SOLUTION
    peaks = maps.flatten(1).argmax(1)
    return masks.flatten(1)[torch.arange(len(maps)), peaks].double().mean().item()
    ### END SOLUTION


# %% check="pointing_game" points=3
check(pointing_game)

# %%
with when_done("class_activation_map", "pointing_game"):
    outlines, maps = torch.tensor(masks), maps_of(net, images, labels)
    print(f"the shapes cover {outlines.float().mean():.0%} of a picture")
    print(f"always the middle of the picture: {outlines[:, 32, 32].float().mean():.0%}")
    print(f"the peak of the map:              {pointing_game(maps, outlines):.0%}")
    for label in (0, 1, 2, 6):
        chosen = torch.tensor(labels == label)
        print(f"   {CLASSES[label]:9s} {pointing_game(maps[chosen], outlines[chosen]):.0%}")

# %% [markdown]
# A surprise! Discs and squares are met nearly always. But of the **rings and crescents** nearly none, although the network knows them all. Look at where the crosses are:

# %%
with when_done("class_activation_map"):
    odd = np.flatnonzero(np.isin(labels, [1, 6]))[:6]
    titles = [CLASSES[label] for label in labels[odd]]
    plots.show_class_maps(images[odd], maps_of(net, images[odd], labels[odd]), titles, masks=masks[odd])

# %% [markdown]
# What makes a ring a ring is its *hole*, and what makes a crescent is the bay that a disc has not. The map shows **evidence for the class**, and that need not lie on the object. Remember this when a map on a photograph seems to point "beside" something: it may be right.
#
# One can also *teach* a network where its evidence should lie, by punishing peaks outside the outline during training ("right for the right reasons", Ross et al. 2017, arXiv:1703.03717). The course has such weights, too. **Predict** the share, and what happens to the accuracy:

# %%
with when_done("class_activation_map", "pointing_game"):
    for weights in ("shapes", "shapes-pointed"):
        taught = pretrained.small_resnet(weights=weights)
        with torch.no_grad():
            correct = (taught(pretrained.prepare(images)).argmax(1).numpy() == labels).mean()
        share = pointing_game(maps_of(taught, images, labels), outlines)
        print(f"{weights:15s} {correct:.0%} right, the peak on the shape in {share:.0%}")
    pointed = maps_of(taught, images[odd], labels[odd])
    plots.show_class_maps(images[odd], pointed, titles, masks=masks[odd])

# %% [markdown]
# ---
# ## 5 · Grad-CAM
#
# A CAM needs a network that ends in "mean, then linear". **Grad-CAM** (Selvaraju et al. 2017, arXiv:1610.02391) asks any network, at any of its layers. Cut it in two: the **body** makes features $f_k$, the **tail** makes scores of them. How much does the score of class $c$ grow with
# channel $k$? That is a gradient, averaged over the places:
#
# $$ \alpha_k^c = \frac{1}{hw} \sum_{x, y} \frac{\partial s_c}{\partial f_k(x, y)} \qquad\qquad L_c = \mathrm{ReLU}\Big( \sum_k \alpha_k^c f_k \Big) $$
#
# - It is the gradient of the **score**, not of a probability and not of the loss.
# - $\alpha$ has one number for each picture and channel.
# - The ReLU keeps what speaks *for* the class.
#
# **Exercise 10** · `alpha_by_hand` · 5 minutes · ●●○
#
# The gradient of a score with respect to two channels is $\begin{pmatrix} 1 & 3 \\ 0 & 0 \end{pmatrix}$ and $\begin{pmatrix} -2 & 0 \\ 0 & -2 \end{pmatrix}$. At the place in the upper left corner the features are $f_1 = 5$ and $f_2 = 3$. What is $L_c$ there? (Before anything is enlarged.)

# %% exercise="alpha_by_hand"
alpha_by_hand = None  # your answer: a number
### BEGIN SOLUTION
alpha_by_hand = 2
### END SOLUTION

# %% check="alpha_by_hand" points=1
check(alpha_by_hand=alpha_by_hand)

# %% [markdown]
# **Exercise 11** · `grad_cam` · 35 minutes · ●●●
#
# `body` and `tail` are modules (or functions): `tail(body(x))` are the scores. `torch.autograd.grad(number, tensor)` gives a tuple with the gradient. Pictures do not touch one another in evaluation mode, so one call for the **sum** of all the pictures' own scores gives every picture its own gradient.
#
# The network may be frozen (in the check's last group it is). Then PyTorch records nothing, unless a tensor asks for it. Enlarge as in Exercise 8; ReLU before or after that, both are accepted.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: grad can be implicitly created only for scalar outputs`: the gradient of *one* number is asked for. Add up.
# - `RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn`: nothing was recorded. The features should be a tensor of their own that requires a gradient *before* it goes into the tail: `detach`, then `requires_grad_`.
# - `RuntimeError: One of the differentiated Tensors appears to not have been used in the graph`: the tail was given another tensor than the one that you differentiate by.
# - `RuntimeError: Can't call numpy() on Tensor that requires grad`, later, in a picture: `.detach()` what you return.
#
# In reports the body is a convolution with the kernel `first` and a ReLU, the tail a convolution with `second`, a ReLU, the mean over places, and a linear layer with the weight `head`.
# </details>


# %% exercise="grad_cam"
def grad_cam(body, tail, x, labels, *, size):
    """Grad-CAM at the cut between two halves of a network.

    body: pictures -> features (N, K, h, w). tail: features -> scores (N, classes).
    x: (N, C, H, W). labels: (N,), a class for each picture. size: height and width of the maps.

    Returns maps (N, size, size), enlarged bilinearly, nowhere negative.
    """
    ### BEGIN SOLUTION
    features = body(x).detach().requires_grad_()
    own = tail(features)[torch.arange(len(x)), labels]
    (gradient,) = torch.autograd.grad(own.sum(), features)
    maps = (gradient.mean((2, 3), keepdim=True) * features).sum(1, keepdim=True).relu()
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()
    ### END SOLUTION


# %% check="grad_cam" points=6
check(grad_cam)

# %% [markdown]
# For a network that ends in "mean, then linear", cut before the mean, what is the gradient of a score by the features? **Predict** how the two maps differ:

# %%
with when_done("class_activation_map", "grad_cam"):
    chosen, x = torch.tensor(labels[:6]), pretrained.prepare(images[:6])
    by_gradient = grad_cam(net.features, lambda f: net.head(f.mean((2, 3))), x, chosen, size=8)
    features = net.features(x).detach()
    by_weight = class_activation_map(features, net.head.weight, net.head.bias, chosen, size=8).relu()
    ratio = by_weight.detach().sum() / by_gradient.sum()
    difference = (by_weight - ratio * by_gradient).abs().max()
    print(f"CAM = {ratio:.3f} x Grad-CAM; largest difference {difference:.0e}")

# %% [markdown]
# Where both exist they are the same but for a factor, $hw = 64$: the derivative of a mean is $1/hw$ everywhere. But Grad-CAM can look into the middle of a network, where maps are finer and know less:

# %%
with when_done("grad_cam"):
    body = nn.Sequential(*net.parts[:3])
    tail = nn.Sequential(net.stage3, nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.head)
    earlier = grad_cam(body, tail, x, chosen, size=64)
    titles = [CLASSES[label] for label in labels[:6]]
    plots.show_class_maps(images[:6], earlier, titles, masks=masks[:6], hot="Grad-CAM behind stage 2")

# %% [markdown]
# ### On clothes
#
# The network that you have fine-tuned, on pictures whose outlines nobody drew. What tells a boot from a sneaker, or a dress from a coat?

# %%
with when_done("new_head", "fine_tuning_groups", "training_mode", "class_activation_map"):
    dressed, shown = tuned["full"].inner.cpu().eval() if tuned else net, [0, 1, 2, 3, 4, 5]
    pictures, wanted = clothes.test.images[shown], clothes.test.labels[shown]
    small = torch.tensor(pictures[..., 0])[:, None].float()
    enlarged = F.interpolate(small, (64, 64), mode="bilinear")[:, 0]
    names = [clothes.classes[label] for label in wanted]
    plots.show_class_maps(enlarged, maps_of(dressed, pictures, np.array(wanted)), names)

# %% [markdown]
# ### On a photograph
#
# With torchvision installed and the internet at hand, the next cell takes a ResNet-18 trained on ImageNet (45 MB) and asks what it sees on a portrait, and where. Without them it says so, and nothing later needs it.

# %%
with when_done("grad_cam"):
    found = pretrained.imagenet_resnet18()
    if found is not None:
        big, names, prepare_photo = found
        picture = plots.photo(colour=True)[:, :128]
        x = prepare_photo(picture)
        best = big(x).topk(3).indices[0]
        body = nn.Sequential(*list(big.children())[:-2])
        tail = nn.Sequential(big.avgpool, nn.Flatten(), big.fc)
        maps = grad_cam(body, tail, x.expand(3, -1, -1, -1), best, size=128)
        photo = np.uint8(255 * picture.transpose(1, 2, 0))
        plots.show_class_maps([photo] * 3, maps, [names[label] for label in best])

# %% [markdown]
# ---
# ## 6 · What a map can tell, and what it cannot
#
# **Exercise 12** · written · 20 minutes · 3 points · ●●○
#
# A hospital has trained a network that finds pneumonia in X-ray images: 94 % right on its own test images. In another hospital it is right in 68 %. You draw the Grad-CAM of "pneumonia" for twenty images that it called ill. In most of them the peak lies in the upper right corner, where the
# technicians of the first hospital's emergency ward fix a small metal marker.
#
# 1. What has the network probably learned, and why did its test images not show it?
# 2. A colleague says: "Then crop the corner away, and all is well." How would you find out whether she is right? (Not by looking at one more map.)
# 3. For one image the map lies just on the lungs. Does this prove that the answer is right for the right reason? Think of the ring.
#
# One point for each.

# %% [markdown] written="the_marker" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) It reads the marker: patients of the emergency ward are ill more often, so the marker predicts the label in the training data. The test images come from the same hospital, with the same marker, so that the shortcut works there, too; in the other hospital there is none. (2) Train
# anew on cropped images and test on images of *another* hospital (or: on ill patients without and healthy ones with the marker; paste the marker into images and see whether the answers change). The maps alone do not tell whether there are more shortcuts. (3) No. The map says where evidence lies, roughly, in a
# coarse grid, not what it is: something else on the lungs (a tube, the contrast of the device) would light up the same place. The ring's peak lies in its hole: place and reason are two things. And it is one image.
#
# **Rubric.** 1 point: shortcut (marker goes with the label) *and* test images of the same source; one of the two: half. 1 point: an experiment with a result that could prove her wrong (other hospital, or images with the marker moved or pasted in); "look at more maps" alone: 0; only "train again" without a new test set: half. 1 point: "no", with a reason
# (place is not reason, coarse, single image); "no" alone: 0.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | | |
# |---|---|
# | fine-tune | new head; `requires_grad`, groups with rates, and modes: all three, or it is not frozen |
# | choose | few and similar pictures: probe; many or different ones: full; in between: rates or frozen parts |
# | CAM | $S_c = \sum_k w_k^c f_k$: the score, place by place; ends in "mean, then linear" |
# | Grad-CAM | $\mathrm{ReLU}(\sum_k \alpha_k f_k)$, $\alpha$ the mean gradient of the score: any network, any layer |
# | trust | count hits on many pictures; evidence need not lie on the object; a map says where, not why |
#
# In notebook 12 you build a model of your own, and there is a leaderboard.
