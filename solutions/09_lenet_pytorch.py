"""Notebook 09: LeNet, the LeNet of 1998 and a net with batch norm and dropout in PyTorch; training, modes, devices.

Source of the networks and claims: UCLA CS163 lecture 7. All numbers were recomputed.
"""
# %% [markdown]
# # 09 · LeNet in PyTorch, on a GPU
#
# You have written every layer of a convolutional network by hand, forward and backward. From here on you let PyTorch do it. It takes
# away the backward passes, and it runs on a GPU. In return it asks you to know *when* it does *what*: which mode the network is in, where its weights
# lie, what is still in the gradients. Nearly all bugs of this notebook run without an error and only make the results worse.
#
# You will write
#
# 1. three **networks** as modules: the LeNet of CS163, its ancestor of 1998, and one with batch norm and dropout;
# 2. the **training loop**: one batch, an epoch, an evaluation, on whatever device there is;
# 3. a bridge between your NumPy layers and PyTorch, and over it **the same weights give the same scores**;
#
# and you will measure when a GPU is worth it.
#
# **How to work.** First *predict*, then run the cell, then read on. Everything runs on a CPU in a few minutes, with fewer pictures; on a machine
# with a GPU the same cells take all of them. "Develop and test your code using a CPU; after everything works, switch to a GPU", says CS163. (In Colab:
# *Runtime → Change runtime type*.) Plan five hours in three sittings: sections 1 to 3, then 4 and 5, then the rest; 59 points in all. Difficulty: ●○○ a few lines ·
# ●●○ think first · ●●● take a walk in between.

# %% tags=["needed"]
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from cs_utils import check, layers, plots, when_done

# %% [markdown]
# ---
# ## 1 · What there is to run on

# %%
import os
from cs_utils import training

device = training.device()  # a GPU where there is one
quick = any(os.environ.get(name, "0") != "0" for name in ("CS_UTILS_QUICK", "CS_UTILS_GRADING"))
full = not quick and (device.type != "cpu" or os.environ.get("CS_UTILS_FULL", "0") != "0")
print(f"This notebook runs on {training.hardware.describe(device, torch.float32)}.")
if full:
    print("Full settings: all 60,000 training pictures, 3 epochs.")
else:
    why = "this is a quick run" if quick else "there is no GPU"
    sizes = "1,000 training pictures, 1 epoch" if quick else "5,000 training pictures, 3 epochs"
    print(f"Small settings, since {why}: {sizes}.")

# %% [markdown]
# A tensor lies on one device, and it stays there until you move it. **Predict**: does `.to` move the tensor `a`, or does it give back another one?

# %%
a = torch.arange(3.0)
b = a.to("meta")  # PyTorch's device without numbers; it is always there and can stand for any other
print("a:", a, "\nb:", b)
try:
    print(a + b)
except RuntimeError as error:
    print("RuntimeError:", error)

# %% [markdown]
# Another one: `a` is where it was. (For a *network* `net.to(device)` is different: it moves the network itself.) And tensors of two devices do not mix, not even for an
# addition. That is the commonest error message of this notebook, and a friendly one: nothing is computed silently in the wrong place.
#
# ---
# ## 2 · A network is a module
#
# This is the LeNet of CS163, layer by layer. (`K` is the kernel size, `P` the padding, `S` the stride.)
#
# | layer | comes out | weights |
# |---|---|---|
# | input | 1×28×28 | |
# | conv, 20 filters, K 5, P 2, S 1 | 20×28×28 | 20×1×5×5 |
# | ReLU, MaxPool K 2, S 2 | 20×14×14 | |
# | conv, 50 filters, K 5, P 2, S 1 | 50×14×14 | 50×20×5×5 |
# | ReLU, MaxPool K 2, S 2 | 50×7×7 | |
# | flatten | 2450 | |
# | linear | 500 | 500×2450 |
# | ReLU | 500 | |
# | linear | 10 | 10×500 |
#
# (The slide writes the linear weights as 2450×500. PyTorch, like our `linear_forward`, keeps them as (out, in).)
#
# In PyTorch a network is a class made from `nn.Module`. It has two methods. `__init__` makes the **layers with weights** and keeps each of them as an attribute; `forward` says what happens to a
# batch. Here is a network of *one* hidden layer:


# %%
class TwoLayers(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()  # always first: without it no layer can be kept
        self.inner = nn.Linear(28 * 28, hidden)
        self.outer = nn.Linear(hidden, 10)

    def forward(self, x):
        x = x.flatten(1)  # (N, 1, 28, 28) -> (N, 784): everything from axis 1 on
        return self.outer(F.relu(self.inner(x)))


two_layers = TwoLayers()
for name, parameter in two_layers.named_parameters():
    print(f"{name:13s} {tuple(parameter.shape)}")
print("out:", tuple(two_layers(torch.rand(5, 1, 28, 28)).shape))

# %% [markdown]
# Three things to notice. You *call* the network, `net(x)`, and it calls `forward`. PyTorch has found the weights by itself, because the layers are attributes. And nobody has
# written a backward pass: autograd records what `forward` does, and goes back over it.
#
# What has no weights may be a layer (`nn.ReLU()`) or a function (`F.relu`); it makes no difference. With layers alone one can also write `nn.Sequential(...)`, a list that is
# run from front to back.
#
# **Exercise 1** · `LeNet` · 30 minutes · ●●○
#
# Write the network of the table. `filters` and `hidden` are what stands in the table when nothing is said; with other values the same class makes a small network for a quick try, and the check uses that.
# It returns **scores**, one for each class, with nothing behind the last layer.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x2450 and 800x500)`: your first linear layer expects 800 values, and 2450 arrive. Which of the two numbers does the table say?
# - `... (100x7 and 2450x500)`: x was not flattened; a linear layer takes the last axis.
# - `AttributeError: cannot assign module before Module.__init__() call`: `super().__init__()` comes first.
# - `RuntimeError: Given groups=1, weight of size [50, 20, 5, 5], expected input[2, 1, 28, 28] to have 20 channels`: the second convolution got the picture instead of what the first one made of it.
# - *"PyTorch does not find the layers"*: they lie in a plain Python list or dict.
# </details>


# %% exercise="LeNet"
class LeNet(nn.Module):
    """The network of the table, for pictures of 1x28x28.

    classes: how many scores come out. filters: how many each convolution has.
    hidden: how many features lie between the two linear layers.
    """

    def __init__(self, classes=10, filters=(20, 50), hidden=500):
        super().__init__()
        ### BEGIN SOLUTION
        first, second = filters
        self.conv1 = nn.Conv2d(1, first, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(first, second, kernel_size=5, padding=2)
        self.fc1 = nn.Linear(second * 7 * 7, hidden)
        self.fc2 = nn.Linear(hidden, classes)
        ### END SOLUTION

    def forward(self, x):
        """x: (N, 1, 28, 28). Returns scores (N, classes)."""
        ### BEGIN SOLUTION
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)
        ### END SOLUTION


# %% check="LeNet" points=8
check(LeNet)

# %% [markdown]
# A **hook** is a function that a layer calls when it was used. With it one can look into any network without changing it. **Predict** the number of parameters (you computed it in notebook 02), and in
# which layer most of them are.


# %%
def trace(net, x):
    """The layers of a network in the order of use, and the shape of what each of them gave."""
    seen = []
    leaves = [layer for layer in net.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(lambda layer, _, out: seen.append((layer, out))) for layer in leaves]
    net(x)
    for hook in hooks:
        hook.remove()
    return [(type(layer).__name__, tuple(out.shape)) for layer, out in seen]


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


with when_done("LeNet"):
    stages = trace(LeNet(), torch.rand(1, 1, 28, 28))
    plots.show_network((1, 1, 28, 28), [(kind, {}) for kind, _ in stages], [shape for _, shape in stages])
    print(f"{count(LeNet()):,} parameters")

# %% [markdown]
# 1,256,080, as it must be: 520 + 25,050 + 1,225,500 + 5,010. (Only *layers* are drawn. What you wrote as a function, a pooling say, has no hook, and so no block.)
#
# ### A good start
#
# Before anything is trained a network knows nothing, so each of the 10 classes should have a probability of about a tenth. **Predict** the loss.

# %%
with when_done("LeNet"):
    torch.manual_seed(0)
    scores = LeNet()(torch.randn(64, 1, 28, 28))
    loss = F.cross_entropy(scores, torch.arange(64) % 10)
    print(f"loss at the start: {loss:.3f}   ln 10 = {np.log(10):.3f}")

# %% [markdown]
# ---
# ## 3 · The LeNet of 1998
#
# The slide is headed "LeNet-5", and names the paper of LeCun, Bottou, Bengio and Haffner from 1998. But that network was another one:
#
# | layer | comes out |
# |---|---|
# | input | 1×28×28 |
# | conv, 6 filters, K 5, P 2 | 6×28×28 |
# | tanh, **AvgPool** K 2, S 2 | 6×14×14 |
# | conv, 16 filters, K 5, **P 0** | 16×10×10 |
# | tanh, **AvgPool** K 2, S 2 | 16×5×5 |
# | flatten | 400 |
# | linear, tanh | 120 |
# | linear, tanh | 84 |
# | linear | 10 |
#
# (The original had pictures of 32×32 and no padding at all, which comes to the same; its pooling had two learned numbers for each channel, its second convolution was not connected to all channels, and its last layer compared with
# drawings of the digits. These three are left out here, as in nearly all copies of it.)
#
# **Exercise 2** · `LeNet5` · 20 minutes · ●○○
#
# This time the widths are fixed; only `classes` is an argument. Try `nn.Sequential` if you did not use it before.


# %% exercise="LeNet5"
class LeNet5(nn.Module):
    """The network of 1998, for pictures of 1x28x28. classes: how many scores come out."""

    def __init__(self, classes=10):
        super().__init__()
        ### BEGIN SOLUTION
        convs = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        blocks = [part for conv in convs for part in (conv, nn.Tanh(), nn.AvgPool2d(2))]
        inner = nn.Linear(16 * 5 * 5, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh()
        self.steps = nn.Sequential(*blocks, nn.Flatten(), *inner, nn.Linear(84, classes))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, 1, 28, 28). Returns scores (N, classes)."""
        ### BEGIN SOLUTION
        return self.steps(x)
        ### END SOLUTION


# %% check="LeNet5" points=5
check(LeNet5)

# %%
with when_done("LeNet", "LeNet5"):
    for network in (LeNet(), LeNet5()):
        print(f"{type(network).__name__:7s} {count(network):10,} parameters")

# %% [markdown]
# A twentieth of the parameters. Whoever writes "LeNet" should say which.
#
# ---
# ## 4 · Batch norm and dropout: a network with two modes
#
# The lecture's example of batch norm in a network is this one:
#
# | layer | comes out |
# |---|---|
# | input | 1×28×28 |
# | conv, `width` = 32 filters, K 3, no padding; batch norm; ReLU | 32×26×26 |
# | conv, 2 · `width` filters, K 3, no padding; batch norm; ReLU | 64×24×24 |
# | MaxPool K 2 | 64×12×12 |
# | **Dropout**, p = 0.25 | 64×12×12 |
# | flatten | 9216 |
# | linear to 4 · `width`; batch norm; ReLU | 128 |
# | linear | 10 |
# | `log_softmax` over the classes | 10 |
#
# 9216 is $64 \cdot 12 \cdot 12$. It stands as a number on the slide, and everybody who takes the network for other pictures stumbles over it.
#
# **Exercise 3** · `net_flatten` · 3 minutes · ●○○
#
# How many numbers would be flattened for pictures of 32×32 pixels?

# %% exercise="net_flatten"
net_flatten = None  # your answer: a number
### BEGIN SOLUTION
net_flatten = 12544
### END SOLUTION

# %% check="net_flatten" points=1
check(net_flatten=net_flatten)

# %% [markdown]
# **Exercise 4** · `Net` · 25 minutes · ●●○
#
# A layer in front of a batch norm may have a bias or not, as you like. (Why does it make no difference? Notebook 06.) What a layer does in training and in evaluation it knows by itself, if it *is* a layer:
# `net.train()` and `net.eval()` tell all layers of the network. A function has to be told.


# %% exercise="Net"
class Net(nn.Module):
    """The network of the table, for pictures of 1x28x28, with batch norm and dropout.

    classes: how many log-probabilities come out. width: filters of the first convolution.
    """

    def __init__(self, classes=10, width=32):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1, self.norm1 = nn.Conv2d(1, width, 3, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, 2 * width, 3, bias=False), nn.BatchNorm2d(2 * width)
        self.dropout = nn.Dropout(0.25)
        self.fc1, self.norm3 = nn.Linear(2 * width * 12 * 12, 4 * width), nn.BatchNorm1d(4 * width)
        self.fc2 = nn.Linear(4 * width, classes)
        ### END SOLUTION

    def forward(self, x):
        """x: (N, 1, 28, 28). Returns log-probabilities (N, classes)."""
        ### BEGIN SOLUTION
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        x = self.dropout(F.max_pool2d(x, 2)).flatten(1)
        x = F.relu(self.norm3(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)
        ### END SOLUTION


# %% check="Net" points=7
check(Net)

# %% [markdown]
# ### What goes into the loss?
#
# `LeNet` returns scores, `Net` returns log-probabilities, and somebody else's network returns probabilities. `F.cross_entropy` wants scores: it takes the log-softmax itself. **Predict** which of the three
# losses are the same.

# %%
torch.manual_seed(0)
some_scores, some_labels = 4 * torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
for name, values in {
    "scores": some_scores,
    "log-softmax": some_scores.log_softmax(1),
    "softmax": some_scores.softmax(1),
}.items():
    print(f"cross_entropy({name + ')':12s} = {F.cross_entropy(values, some_labels):.4f}")

# %% [markdown]
# Log-probabilities do no harm: their exponentials add up to 1 already, so a second log-softmax changes nothing, and `Net` may be trained with `F.cross_entropy`. (`F.nll_loss` is the one that is made for them.)
#
# Probabilities *do* harm, and without a message. They lie between 0 and 1, so as scores they are all nearly equal, and even a perfect network seems to be unsure.
#
# **Exercise 5** · `softmax_floor` · 5 minutes · ●●○
#
# Three classes. A network is as good as can be: its probabilities are (1, 0, 0) where the label is 0. By mistake they go into `F.cross_entropy`. What is the loss? (Two decimals. It should be 0.)

# %% exercise="softmax_floor"
softmax_floor = None  # your answer: a number with two decimals
### BEGIN SOLUTION
softmax_floor = 0.55
### END SOLUTION

# %% check="softmax_floor" points=1
check(softmax_floor=softmax_floor)

# %% [markdown]
# A loss that falls at first and then sticks far above 0, with an accuracy that is not bad: think of a softmax too many.
#
# ---
# ## 5 · The training loop
#
# **Exercise 6** · `prepare` · 8 minutes · ●○○
#
# Bring a network to a device, and make `torch.optim.SGD` with `lr` and `momentum` for its parameters. *In this order*: an optimizer holds the very parameters that the network has when it is made. On a GPU they usually stay the same objects when the network moves, so that the wrong order works;
# on some devices they do not, and some optimizers put memory of their own beside them at once, on the old device. The check uses the device `"meta"`, where moving makes new parameters.


# %% exercise="prepare"
def prepare(net, device, *, lr, momentum=0.9):
    """Bring a network to a device, and make an optimizer for it.

    Returns net, which is the same network, and optimizer, SGD with lr and momentum.
    """
    ### BEGIN SOLUTION
    net.to(device)
    return net, torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    ### END SOLUTION


# %% check="prepare" points=3
check(prepare)

# %% [markdown]
# **Exercise 7** · `train_batch` · 25 minutes · ●●○
#
# One step of training, for one batch:
#
# 1. the network learns, so it is in **training mode**. Who knows what it did before?
# 2. pictures and labels go to **where the network is**. (Do not use the variable `device` here: ask the network. All its parameters lie on one device.)
# 3. scores, and from them the loss: the mean cross-entropy;
# 4. gradients of earlier batches go away, new ones come, and the optimizer makes its step.
#
# It returns two **Python numbers**. A loss that is returned as a tensor still holds the graph of everything that was computed for it, and whoever keeps a thousand of them keeps a thousand graphs.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: pictures or labels are on the CPU while the network is on another device`: `x.to(...)` does not change x, it *returns* another tensor. And the labels?
# - `RuntimeError: element 0 of tensors does not require grad`: there is a `no_grad`, `.detach()` or `.item()` between the network and `backward()`.
# - `RuntimeError: Trying to backward through the graph a second time`: `backward()` is called twice for one loss.
# - `IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)`: `argmax(1)` of something with one axis, of the labels perhaps.
# </details>


# %% exercise="train_batch"
def train_batch(net, optimizer, x, y):
    """One step of training. net ends in training mode, with other weights.

    x: pictures (N, C, H, W). y: labels (N,). They may lie on another device than the network.

    Returns the loss before the step, the mean over the batch, as a Python number, and how many of
    the batch were right before the step.
    """
    ### BEGIN SOLUTION
    device = next(net.parameters()).device
    x, y = x.to(device), y.to(device)
    net.train()
    optimizer.zero_grad()
    out = net(x)
    loss = F.cross_entropy(out, y)
    loss.backward()
    optimizer.step()
    return loss.item(), (out.argmax(dim=1) == y).sum().item()
    ### END SOLUTION


# %% check="train_batch" points=7
check(train_batch)

# %% [markdown]
# The oldest test of a training loop: can it learn **twenty pictures** by heart? Even their labels may be nonsense. **Predict** the last loss.

# %%
with when_done("LeNet", "prepare", "train_batch"):
    torch.manual_seed(0)
    noise, nonsense = torch.randn(20, 1, 28, 28), torch.randint(0, 10, (20,))
    small_net, optimizer = prepare(LeNet(filters=(4, 8), hidden=32), device, lr=0.05)
    for step in range(41):
        loss, right = train_batch(small_net, optimizer, noise, nonsense)
        if step % 10 == 0:
            print(f"step {step:2d}   loss {loss:.3f}   {right:2d} of 20 right")

# %% [markdown]
# If it could not, no amount of data would help, and you would look for a bug in the loop.
#
# ### An epoch
#
# An epoch goes through all pictures once, batch by batch, and the last batch is often smaller than the others.
#
# **Exercise 8** · `mean_loss` · 3 minutes · ●●○
#
# 80 pictures in two batches: 64 with a mean loss of 0.5, and 16 with a mean loss of 1. What is the mean loss **of a picture**?

# %% exercise="mean_loss"
mean_loss = None  # your answer: a number
### BEGIN SOLUTION
mean_loss = 0.6
### END SOLUTION

# %% check="mean_loss" points=1
check(mean_loss=mean_loss)

# %% [markdown]
# **Exercise 9** · `train_epoch` · 12 minutes · ●○○
#
# Call your `train_batch` for every batch, and add up over pictures. `batches` is anything that gives pairs `(x, y)`, and it may not know its length.


# %% exercise="train_epoch"
def train_epoch(net, optimizer, batches):
    """Train with every batch once.

    batches: gives pairs (x, y) of pictures and labels; the batches may differ in size.

    Returns the mean loss of a picture and the share of pictures that were right (0 to 1), each taken
    just before the step in which it was used.
    """
    ### BEGIN SOLUTION
    total, right, pictures = 0.0, 0, 0
    for x, y in batches:
        loss, correct = train_batch(net, optimizer, x, y)
        total, right, pictures = total + loss * len(y), right + correct, pictures + len(y)
    return total / pictures, right / pictures
    ### END SOLUTION


# %% check="train_epoch" points=4
check(train_epoch)

# %% [markdown]
# **Exercise 10** · `evaluate` · 20 minutes · ●●○
#
# The same without learning: in **evaluation mode**, and without recording anything for a backward pass. In which mode the network is afterwards is up to you.
#
# <details><summary>Help, I get this error</summary>
#
# - *"every forward pass is recorded"*: `with torch.no_grad():` around the loop, or `@torch.no_grad()` above `def`. `net.eval()` does something else: it switches batch norm and dropout, and records as before.
# - *"the accuracy is the mean of the batches' accuracies"*: the last batch may have a single picture, and that one would count as much as all those of another batch.
# </details>


# %% exercise="evaluate"
def evaluate(net, batches):
    """How good a network is on pictures that it does not learn from.

    batches: gives pairs (x, y) of pictures and labels; the batches may differ in size, and may lie
    on another device than the network.

    Returns the mean loss of a picture and the share of pictures that are right (0 to 1).
    """
    ### BEGIN SOLUTION
    device = next(net.parameters()).device
    net.eval()
    total, right, pictures = 0.0, 0, 0
    with torch.no_grad():
        for x, y in batches:
            x, y = x.to(device), y.to(device)
            scores = net(x)
            total += F.cross_entropy(scores, y, reduction="sum").item()
            right += (scores.argmax(dim=1) == y).sum().item()
            pictures += len(y)
    return total / pictures, right / pictures
    ### END SOLUTION


# %% check="evaluate" points=7
check(evaluate)

# %% [markdown]
# ### Clothes
#
# Fashion-MNIST has 60,000 training pictures and 10,000 test pictures of clothes, 28×28 pixels in grey, in ten classes. A small part of it comes with the course.

# %%
from cs_utils.data import load

images = load("fashion-mnist" if full else "fashion-mnist-small")
x_train, y_train = images.train.tensors()
x_test, y_test = images.test.tensors()
if quick:
    x_train, y_train, x_test, y_test = x_train[:1000], y_train[:1000], x_test[:500], y_test[:500]
print(images)
print("standardised:", f"mean {x_train.mean():.2f}, standard deviation {x_train.std():.2f}")

# %% [markdown]
# Batches are cut from a tensor by positions: in a new order in every epoch for training, as they come for testing.


# %%
def batches(x, y, size, shuffle=False):
    """A list of pairs (pictures, labels) of this size; the last one may be smaller."""
    order = torch.randperm(len(y)) if shuffle else torch.arange(len(y))
    return [(x[part], y[part]) for part in order.split(size)]


def train(net, epochs, *, lr, size=64):
    """Train and report every epoch; in the last one with a tenth of the learning rate."""
    net, optimizer = prepare(net, device, lr=lr)
    for epoch in range(epochs):
        if epoch == epochs - 1 > 0:
            optimizer.param_groups[0]["lr"] = lr / 10
        loss, right = train_epoch(net, optimizer, batches(x_train, y_train, size, shuffle=True))
        test_loss, test_right = evaluate(net, batches(x_test, y_test, 500))
        print(f"epoch {epoch + 1}: training loss {loss:.3f}, accuracy {right:.1%}", end="; ")
        print(f"test loss {test_loss:.3f}, accuracy {test_right:.1%}")
    return net


# %% [markdown]
# **Predict** the accuracy. A blind guess gets 10 %. (With small settings this takes some ten seconds. With full settings one core of a CPU needs three minutes; `CS_UTILS_FULL=1` in the environment asks for them where there is no GPU.)

# %%
with when_done("LeNet", "prepare", "train_batch", "train_epoch", "evaluate"):
    torch.manual_seed(0)
    lenet = train(LeNet(), 1 if quick else 3, lr=0.03)

# %% [markdown]
# With all the pictures it is above 90 % after three epochs; with 5,000 of them about 85 %. (Someone who is shown twelve times as much learns more. How many epochs you give a network
# is one question, how much it sees another.) What does it say about single pictures?

# %%
with when_done("LeNet", "prepare", "train_batch", "train_epoch", "evaluate"):
    with torch.no_grad():
        chances = lenet(x_test[:8].to(device)).softmax(1).cpu()
    plots.show_guesses(images.test.images[:8, :, :, 0], chances, y_test[:8], images.classes)

# %% [markdown]
# ---
# ## 6 · "A very common source of bugs"
#
# So says the lecture about batch norm: it behaves differently in training and in testing. Dropout does as well. Now we train `Net`, which has both, and then evaluate it **twice**: as it should be, and in training
# mode, as it happens when `net.eval()` is forgotten. We do it with batches of 2, 4, 8 ... pictures. **Draw** the two curves before you look.

# %%
from copy import deepcopy


def accuracy(net, size, training, pictures=256):
    """The share that is right in this mode, with batches of this size. A copy is asked, for a reason."""
    asked = deepcopy(net).train(training)
    parts = batches(x_test[:pictures], y_test[:pictures], size)
    with torch.no_grad():
        right = [(asked(x.to(device)).argmax(1).cpu() == y).sum().item() for x, y in parts]
    return sum(right) / pictures


with when_done("Net", "prepare", "train_batch", "train_epoch", "evaluate"):
    torch.manual_seed(0)
    net = train(Net(width=8), 1 if quick else 3, lr=0.03)

# %%
with when_done("Net", "prepare", "train_batch", "train_epoch", "evaluate"):
    sizes = (2, 4, 8, 32, 128)
    curves = {
        "net.eval()": {size: accuracy(net, size, training=False) for size in sizes},
        "net.eval() forgotten": {size: accuracy(net, size, training=True) for size in sizes},
    }
    plots.show_modes(curves)

# %% [markdown]
# In evaluation mode the size of the batch does not matter: every picture is judged alone. In training mode the mean and the variance come from the company, and from two pictures they are hardly more than noise; a quarter of the features is missing besides. With 128 pictures it looks nearly right,
# and that is why the bug survives: whoever tests with large batches does not see it, until a single picture is sent to the finished program.
#
# And why was a *copy* asked? **Predict** what this cell prints.

# %%
with when_done("Net"):
    torch.manual_seed(0)
    looked_at = Net(width=8)
    norms = [layer for layer in looked_at.modules() if isinstance(layer, nn.BatchNorm2d)]
    remembered = norms[0].running_mean.clone()
    with torch.no_grad():
        looked_at.train()(torch.randn(16, 1, 28, 28) + 5)
    print("before:", *remembered[:4].numpy().round(2))
    print("after: ", *norms[0].running_mean[:4].numpy().round(2))

# %% [markdown]
# A forward pass in training mode changes the running statistics, *even under* `no_grad`: they are not learned by gradients. Who evaluates in training mode has test data in the network's memory from then on.
#
# **Exercise 11** · `numbers_kept` · 4 minutes · ●●○
#
# `Net(width=10)` has three batch norms. Besides its parameters, how many **running means and running variances** does it keep (as single numbers, all layers together)? They belong to the network, too: `net.state_dict()` has them, `net.parameters()` has not.

# %% exercise="numbers_kept"
numbers_kept = None  # your answer: a number
### BEGIN SOLUTION
numbers_kept = 140
### END SOLUTION

# %% check="numbers_kept" points=1
check(numbers_kept=numbers_kept)

# %% [markdown]
# **Exercise 12** · written · 15 minutes · 3 points · ●●○
#
# A friend shows you three results of *one* trained network with batch norm and dropout, on the same test pictures: 91 % in the evening after training; 62 % the next day, in a program that gets one picture after the other from a camera and collects them in pairs; and 84 % when she runs
# her evaluation of the first evening once more, *after* that program has run. No weight was trained in between.
#
# 1. What is wrong in the program, and how does it explain 62 %?
# 2. Why is the third result not 91 % again? What has changed in the network?
# 3. Write two small tests that she could have run, each of which would have shown the mistake.
#
# Your answer is read by a person; five sentences are enough. One point for each part.

# %% [markdown] written="three_results" points=3
# ### BEGIN SOLUTION
# 1. The program uses the network in training mode (`net.eval()` is missing). Batch norm then takes mean and variance of two pictures, which are mostly noise, and dropout removes a quarter of the features: 62 %.
# 2. Each forward pass in training mode moves the running means and variances towards the camera's pictures, also under `no_grad`. The weights are the same, but the memory of batch norm is not, and evaluation mode uses that memory.
# 3. For example: the answer for one picture must not depend on the other pictures of its batch (ask alone and in company); the same picture twice must give the same answer; `state_dict()` must be the same before and after using the network; `net.training` must be False.
#
# Rubric, one point each:
# - training mode (or missing eval) named, and why small batches make it bad (statistics of the batch, or dropout);
# - the running statistics have moved (no point for "the weights changed");
# - two tests that really show it, and that differ in what they look at (half a point for one).
# ### END SOLUTION

# %% [markdown]
# ---
# ## 7 · The same weights, in NumPy
#
# Is PyTorch's LeNet really the network that you built from your own layers? There is one way to find out: give both the same weights.
#
# **Exercise 13** · `copy_weights` · 15 minutes · ●●○
#
# Write NumPy arrays into the parameters of a network. Three rules that save hours:
#
# - **Write into** the parameters (`parameter.copy_(...)`, inside `torch.no_grad()`). The network keeps its precision and its device, and the arrays keep their memory to themselves.
# - **An array of another shape is refused** with a `ValueError` that names both shapes. PyTorch alone would stretch a (1, 4) over a (3, 4) without a word.
# - Linear weights are (out, in) on both sides: nothing is transposed.
#
# <details><summary>Help, I get this error</summary>
#
# - `RuntimeError: a leaf Variable that requires grad is being used in an in-place operation`: the copying would be recorded for a gradient. Put it inside `with torch.no_grad():`.
# - *"nothing arrives"*: `parameter = torch.tensor(array)` only gives a new tensor the name of the loop variable.
# </details>


# %% exercise="copy_weights"
def copy_weights(net, arrays):
    """Write arrays into the parameters of a network, in the order of net.parameters().

    arrays: NumPy arrays, one for each parameter. They are not changed, then or later.

    Raises ValueError when the shape of an array is not that of its parameter.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for parameter, array in zip(net.parameters(), arrays, strict=True):
            shape = tuple(parameter.shape)
            if shape != array.shape:
                raise ValueError(f"a parameter has shape {shape}, and its array {array.shape}")
            parameter.copy_(torch.from_numpy(array))
    ### END SOLUTION


# %% check="copy_weights" points=4
check(copy_weights)

# %% [markdown]
# **Exercise 14** · `numpy_scores` · 15 minutes · ●○○
#
# And the network of the table, from the layers of notebooks 03 to 07. `layers` has them all under their names (`conv2d_forward`, `relu_forward`, `max_pool2d_forward`, `linear_forward`), each returns `out, cache`. The arrays come in the order weight, bias, weight, bias, and so on, and may be of
# any widths. (Do you want to use your own? Paste them into a cell above.)


# %% exercise="numpy_scores"
def numpy_scores(x, arrays):
    """The scores of LeNet, in NumPy.

    x: pictures (N, C, H, W). arrays: weight and bias of the two convolutions (5x5, padding 2) and of
    the two linear layers: eight arrays.

    Returns scores (N, classes).
    """
    ### BEGIN SOLUTION
    w1, b1, w2, b2, w3, b3, w4, b4 = arrays
    for w, b in ((w1, b1), (w2, b2)):
        x, _ = layers.conv2d_forward(x, w, b, padding=2)
        x, _ = layers.relu_forward(x)
        x, _ = layers.max_pool2d_forward(x, 2)
    x, _ = layers.linear_forward(x.reshape(len(x), -1), w3, b3)
    x, _ = layers.relu_forward(x)
    return layers.linear_forward(x, w4, b4)[0]
    ### END SOLUTION


# %% check="numpy_scores" points=4
check(numpy_scores)

# %% [markdown]
# Now both ways. Weights are drawn in NumPy and go to PyTorch; both networks get the same pictures. Once in float64, and once with PyTorch in float32. **Predict** the two differences. (This needs a LeNet whose parameters stand in the order of the table.)


# %%
def drawn_weights(net, rng):
    """Random arrays in the shapes of a network's parameters, small enough to keep the signal's size."""
    shapes = [tuple(parameter.shape) for parameter in net.parameters()]
    sizes = [(2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1 for shape in shapes]
    return [size * rng.normal(size=shape) for size, shape in zip(sizes, shapes, strict=True)]


with when_done("LeNet", "copy_weights", "numpy_scores"):
    x64 = x_test[:16].double()
    arrays = drawn_weights(LeNet(), np.random.default_rng(0))
    by_numpy = numpy_scores(x64.numpy(), arrays)
    for kind in (torch.float64, torch.float32):
        twin = LeNet().to(kind)
        copy_weights(twin, arrays)
        by_torch = twin(x64.to(kind)).detach().double().numpy()
        print(f"{kind!s:14s} largest difference {np.abs(by_torch - by_numpy).max():.0e}")

# %% [markdown]
# In float64 the two agree to far more than six decimals. (Here they may even be equal to the last bit, since the layers of `cs_utils` have PyTorch inside; with your own from notebooks 03 to 07 you would see something like 1e-14. float32 has seven digits, and that is what is left of them.) The other direction is one line, and nothing is lost in it:

# %%
with when_done("LeNet", "numpy_scores", "train_batch", "train_epoch"):
    learned = [parameter.detach().cpu().double().numpy() for parameter in lenet.parameters()]
    told = numpy_scores(x_test[:200].double().numpy(), learned).argmax(axis=1)
    share = (told == y_test[:200].numpy()).mean()
    print(f"the trained network, run in NumPy: {share:.1%} of 200 pictures right")

# %% [markdown]
# ---
# ## 8 · CPU or GPU?
#
# A GPU has thousands of small processors. It is quick when there is work for all of them at once, and it must be told what to do by the CPU, which takes some microseconds for every operation, large or small. **Predict**: how does the number of pictures per second grow with the size of the batch, on a CPU and on a
# GPU?
#
# Two traps in measuring. A GPU works *beside* Python: a line such as `loss.backward()` returns before the work is done, and a clock that is stopped there measures nothing. One has to wait for it (`torch.cuda.synchronize()`; `loss.item()` waits, too, since it needs the number). And the first steps are slow, because memory is fetched
# and methods are tried out: so a few steps are not counted.

# %%
import time


def pictures_per_second(place, size, seconds=0.1 if quick else 0.5):
    """Training steps with LeNet on a device; after two steps that do not count, for about this long."""
    net, optimizer = prepare(LeNet(), place, lr=0.01)
    x, y = torch.randn(size, 1, 28, 28, device=place), torch.arange(size, device=place) % 10
    for _ in range(2):
        train_batch(net, optimizer, x, y)  # it ends with .item(), so the device has finished
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        train_batch(net, optimizer, x, y)
        steps += 1
    return steps * size / (time.perf_counter() - start)


# %%
with when_done("LeNet", "prepare", "train_batch"):
    speed = {"CPU": {size: pictures_per_second("cpu", size) for size in (1, 4, 16, 64, 256)}}
    if device.type != "cpu":
        sizes = (1, 4, 16, 64, 256, 1024, 4096)
        speed["GPU"] = {size: pictures_per_second(device, size) for size in sizes}
    else:
        print("There is no GPU here: in Colab, change the runtime type and run the notebook again.")
    plots.show_throughput(speed)

# %% [markdown]
# On a CPU a few pictures are enough to keep it busy: the curve flattens soon. On a GPU it rises and rises: with one picture it may well be *slower* than the CPU, since it waits for orders most of the time; with a thousand it is many times as fast.
#
# So: a batch that is too small wastes a GPU, and a GPU does not help a network that is too small. And one more reason to begin on a CPU: its error messages come at the line where the error is.
#
# **Exercise 15** · written · 15 minutes · 3 points · ●●○
#
# Look at *your* figure (if you have no GPU, imagine one beside your CPU's curve that makes 600 pictures a second with batches of 1, 38,000 with 64, and 210,000 with 1024).
#
# 1. Why does the rate grow with the batch at first, and why does it stop growing?
# 2. Your training takes 100 steps with batches of 64, and someone proposes batches of 4096 "because the GPU likes them". How many steps does an epoch of 60,000 pictures have then, compared with before? What may go wrong with the *learning*, though every picture is seen as often?
# 3. For which of these would you take the GPU, and why: looking for a bug in `forward`; three epochs of LeNet on 60,000 pictures; answering single pictures in a program for a shop?
#
# Your answer is read by a person; six sentences are enough. One point for each part.

# %% [markdown] written="cpu_or_gpu" points=3
# ### BEGIN SOLUTION
# 1. Every operation has a fixed cost (the CPU has to start it, memory has to be fetched), which many pictures share. It stops when all processors are busy, or the memory is as fast as it can be: then twice the pictures take twice the time.
# 2. 60,000 / 64 are 938 steps, 60,000 / 4096 are 15. Fifteen updates with the same learning rate move the weights much less: the learning rate has to be larger (and warmed up), or more epochs are needed; with too large a rate it diverges. The gradient is less noisy.
# 3. A bug: the CPU (messages at the right line, no waiting, one picture is enough). Three epochs: the GPU (large batches, much work). Single pictures: the CPU will do, since a GPU is hardly busy with one picture; a GPU if many arrive at once and can be collected.
#
# Rubric, one point each:
# - fixed cost that is shared (launch, or not all processors busy), and saturation;
# - 938 against 15 (about), and fewer updates, or the learning rate, named as the danger (half a point for the numbers alone);
# - a choice with a reason for each of the three; other choices with a good reason count.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | what | the line to remember | what happens without it |
# |---|---|---|
# | a network | `self.conv1 = ...` in `__init__`, `forward(x)` | layers in a list are not trained |
# | a step | `zero_grad`, `backward`, `step` | gradients pile up; nothing moves |
# | the loss | scores into `cross_entropy` | a loss that never comes near 0 |
# | the modes | `net.train()`, `net.eval()` | answers that depend on the company |
# | numbers of an epoch | add up over pictures | the last, small batch counts too much |
# | the device | `next(net.parameters()).device` | an error, or a training on the CPU |
#
# In notebook 10 the networks become deep: residual blocks, and a network that reaches 94 % on CIFAR-10 in seconds.
