"""Notebook 12: the leaderboard. A model of your own, an honest judge of it, and what a public score is worth.

The ladder: Blum and Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions", ICML 2015
(arXiv:1502.04585). The interval: Wilson 1927. Without a server the notebook makes a competition to practise with.
"""
# %% [markdown]
# # 12 · The leaderboard
#
# This is where the course has been heading: pictures whose labels nobody in the room knows, a network of **your own**, and a board on which everybody sees how well it does.
#
# A board is a tempting thing. It can make people better, and it can make them fool themselves, because whoever looks at a score often enough finds something that goes up. So half of this notebook is about networks, and
# the other half about one question: **how good is it really?**
#
# You will write
#
# 1. an **honest split** of the labelled pictures;
# 2. **test-time augmentation**: look at every picture four times;
# 3. an **ensemble**: several networks, one answer;
# 4. an **interval**: how sure a score is;
# 5. the **ladder** behind our board, and its **shared ranks**: what a score may give away, and who is really ahead;
# 6. **predictions** for the competition, and a note on how you got them.
#
# **How to work.** First *predict*, then run the cell, then read on. Everything runs on a CPU in a few minutes, also without a server. Plan an evening for sections 1 to 6, and as long as you like for your own model; 50 points in all. Difficulty: ●○○ a few lines · ●●○ think first ·
# ●●● take a walk in between.
#
# **Notation.** Pictures for a network are tensors `(N, C, H, W)`. A network puts out **scores** `(N, classes)`; a softmax makes **probabilities** of them. Labels, positions and hits are NumPy arrays. Where a report writes `np.array(...)` and a tensor is asked for, put it into
# `torch.tensor(...)` to try it yourself.

# %% tags=["needed"]
import math

import numpy as np
import torch
from torch import nn
from cs_utils import check, leaderboard, plots, when_done
from cs_utils.pretrained import prepare
from cs_utils.training import device, fit, set_seed

# %% [markdown]
# ---
# ## 1 · The competition
#
# Your instructor gives you the **address** of the board, and your team a **token**, which is its password. The address goes into the next cell. The token does not go into any cell, or the next person who reads this notebook uploads in your name: the first upload asks for it, or you put it into the
# environment variable `CS_LEADERBOARD_TOKEN` (in Colab: a secret of that name, behind the key on the left).
#
# Without an address you get pictures to practise with, and everything works on this machine.

# %%
ADDRESS = None  # such as "https://board.example.org"

competition = leaderboard.data(ADDRESS)

# %%
plots.show_classes(competition.train.images, competition.train.labels, competition.classes)

# %% [markdown]
# Look at them for a minute, as a person would who gets these pictures for the first time. What is the same in a row, what differs? What would confuse you? (Is a label ever wrong?) What you see here decides what to try:
#
# - If things are **turned and mirrored** and stay what they are, training pictures may be turned and mirrored, too. For digits and letters they may not.
# - If **colour** says nothing about the class, a network should not be able to rely on it.
# - If something **lies over** the thing, a network must not depend on one corner of it.
#
# And are all classes equally frequent? If one is rare, a network that never says it looks better than it is.

# %%
counts = np.bincount(competition.train.labels, minlength=len(competition.classes))
plots.show_balance({"training pictures": counts}, competition.classes)

# %% [markdown]
# The labels of the test pictures are on the server and nowhere else. Of these pictures one half, nobody knows which, makes the **public** score that you see; the other half makes the **private** score, which nobody sees until the competition is closed. Only that one counts for the final ranks.

# %% [markdown]
# ---
# ## 2 · A judge of your own
#
# You have a few uploads a day. To compare thirty ideas you need a judge that is always there: some of the labelled pictures on which you do not train, the **validation** pictures. How many?
#
# **Exercise 1** · `pictures_needed` · 5 minutes · ●●○
#
# A share $p$ found on $n$ pictures has a standard error of $\sqrt{p(1-p)/n}$. Your network is right on about 80 %. How many validation pictures make the standard error half a percentage point?

# %% exercise="pictures_needed"
pictures_needed = None  # your answer: a whole number
### BEGIN SOLUTION
pictures_needed = 6400
### END SOLUTION

# %% check="pictures_needed" points=1
check(pictures_needed=pictures_needed)

# %% [markdown]
# That is more than most people think: with 500 validation pictures, differences of two points are noise. So do not give too few; a fifth is usual.
#
# The split should be **stratified**: of each class the same share, so that no class is missing by bad luck. And it should be **drawn**, since files often lie in an order that means something.
#
# **Exercise 2** · `stratified_split` · 25 minutes · ●●○
#
# Return the positions of the training pictures and of the validation pictures, `train, validation`, two arrays of whole numbers in any order. Of a class with $m$ pictures, $\mathrm{round}(\text{fraction} \cdot m)$ go to validation, and all others to training (a half may be rounded either way). Which ones is drawn with `rng`
# (`rng.permutation`, `rng.shuffle` or `rng.choice`), so that the same generator gives the same split.
#
# <details><summary>Help, I get this error</summary>
#
# - *"returned None where train, validation were asked for"*: a `return` is missing.
# - `IndexError: arrays used as indices must be of integer (or boolean) type`: an empty list became an array of floats. Begin with lists, and `np.concatenate` them in the end.
# - *"the two parts are not arrays of positions"*: `np.flatnonzero(labels == c)` gives the positions of class `c`; `labels[labels == c]` gives its label, many times.
# </details>


# %% exercise="stratified_split"
def stratified_split(labels, fraction, *, rng):
    """Split pictures into training and validation, class by class.

    labels: (n,) whole numbers. fraction: of each class, for validation. rng: a NumPy generator.

    Returns train, validation: positions, two arrays of whole numbers.
    """
    ### BEGIN SOLUTION
    train, validation = [], []
    for label in np.unique(labels):
        mixed = rng.permutation(np.flatnonzero(labels == label))
        count = round(fraction * len(mixed))
        validation.append(mixed[:count])
        train.append(mixed[count:])
    return np.concatenate(train), np.concatenate(validation)
    ### END SOLUTION


# %% check="stratified_split" points=5
check(stratified_split)

# %%
with when_done("stratified_split"):
    labels = competition.train.labels
    train_at, validation_at = stratified_split(labels, 0.2, rng=np.random.default_rng(12))
    parts = {"training": labels[train_at], "validation": labels[validation_at]}
    size = len(competition.classes)
    plots.show_balance(
        {name: np.bincount(part, minlength=size) for name, part in parts.items()}, competition.classes
    )

# %% [markdown]
# From here on the validation pictures are looked at, and never trained on. They wear out, too: whoever chooses the best of a hundred networks by a thousand pictures has also chosen the luckiest one (section 7 shows how much that can be).

# %% [markdown]
# ---
# ## 3 · A first network in two minutes
#
# The first network should be small and boring: it shows that the whole way from pictures to predictions works. Everything later is compared with it.

# %%
effort = leaderboard.effort(device().type)
print(effort)
x = prepare(competition.train.images, size=None)  # floats (N, 3, H, W), about -2 to 2


# %%
def stage(inputs, outputs):
    """A convolution with its norm."""
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def small_net(width=16):
    """Three convolutions, and the mean over all places: it does not matter where the thing is."""
    first, second, third = stage(3, width), stage(width, 2 * width), stage(2 * width, 4 * width)
    features = [*first, nn.MaxPool2d(2), *second, nn.MaxPool2d(2), *third, nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*features, nn.Flatten(), nn.Linear(4 * width, len(competition.classes)))


# %%
def trained(seed, augment=None):
    """A new network, trained on the training pictures alone."""
    set_seed(seed)
    net, chosen = small_net(), train_at[: effort.train]
    pictures = x[chosen], competition.train.labels[chosen]
    length = {"epochs": effort.epochs, "batch_size": effort.batch_size, "max_lr": 0.1}
    fit(net, pictures, seed=seed, augment=augment, show=False, **length)
    return net


# %% tags=["needed"]
def in_batches(function, net, pictures, size=500):
    """A function of network and pictures, for so many at a time."""
    parts = [function(net, part.to(device())).detach().cpu() for part in pictures.split(size)]
    return torch.cat(parts)


# %% [markdown]
# **Predict** how much of the validation pictures this network gets right. (By chance it would be one in ten.)

# %%
with when_done("stratified_split"):
    networks = {"first": trained(seed=0)}
    truth = competition.train.labels[validation_at]
    probabilities = in_batches(lambda net, part: net(part).softmax(1), networks["first"], x[validation_at])
    right = probabilities.argmax(1).numpy() == truth
    print(f"right on {right.mean():.1%} of {len(right):,} validation pictures")

# %% [markdown]
# Now the most useful ten minutes of any project: look at what it gets wrong. First which classes ("test set" under the figure are here the validation pictures), then which pictures it was **sure** of.

# %%
with when_done("stratified_split"):
    told = probabilities.argmax(1).numpy()
    matrix = np.zeros((len(competition.classes), len(competition.classes)), int)
    np.add.at(matrix, (truth, told), 1)
    plots.show_confusion(matrix, competition.classes)

# %%
with when_done("stratified_split"):
    plots.show_hardest(competition.train.images[validation_at], truth, probabilities, competition.classes)

# %% [markdown]
# Which of these would you get right yourself? Those are worth working for. What could a network lack that sees a ring and says *disc*? (Sharpness: the hole is gone after two poolings. Or training pictures with small rings.)

# %% [markdown]
# ---
# ## 4 · What to try
#
# Your own model is yours. This is what the course has to offer:
#
# | idea | from | when it helps |
# |---|---|---|
# | all training pictures, more epochs | 09 | always, and first of all: on a CPU `effort` takes at most 4,800. (The same small network with 16,000 pictures was right on 88 %, after a minute on one core) |
# | crop, flip and turn the training pictures | 10 | nearly always with few pictures; only changes that keep the class |
# | more layers, with shortcuts | 10 | when training accuracy is low as well |
# | batch norm behind each convolution | 06 | nearly always |
# | dropout, weight decay, label smoothing | 07, 10 | when training is far better than validation |
# | find the learning rate, one cycle | 08, 10 | always: it costs a minute |
# | train longer, on a GPU | 09 | with augmentation; without it the network learns the pictures by heart |
# | start from a trained network | 11 | with few pictures, **if the rules allow it** |
# | look four times, several networks | here | at the very end; a point or two |
#
# One thing at a time, and write down what it brought: your note at the end asks for it. Pictures of your own making or networks trained on other pictures are only fair when the competition's rules say so (`print(competition.rules)`).
#
# As an example the first row, with flips. **Predict**: how many points does it bring with the same number of epochs?


# %%
def flipped(batch):
    """Half of the pictures mirrored, and half of them upside down, by chance."""
    for axis in (2, 3):
        coin = torch.rand(len(batch), 1, 1, 1, device=batch.device) < 0.5
        batch = torch.where(coin, batch.flip(axis), batch)
    return batch


# %%
with when_done("stratified_split"):
    for seed in (1, 2):
        networks[f"flips, seed {seed}"] = trained(seed, augment=flipped)
    for name, net in networks.items():
        share = in_batches(lambda net, part: net(part).softmax(1), net, x[validation_at])
        print(f"{name:16s} {(share.argmax(1).numpy() == truth).mean():.1%}")

# %% [markdown]
# On the practice pictures we found 55.4 % without flips, and 55.3 % and 56.5 % with them: nothing. Two networks that differ in nothing but the seed differ by as much, and what is smaller than that is no progress. Augmentation pays when a network begins to learn its pictures by heart, and after twelve epochs this one is far from it. (How would you find out?)
#
# **Your own model.** Add cells here, as many as you like. Put your networks into `networks`, and keep `in_batches` working for them, then all that follows uses them.
#
# (When your notebook is graded, `leaderboard.data` gives a handful of pictures, so that no cell of yours takes long. Nothing is decided by that run but Exercises 1 to 10. Keep trained weights in a file with `torch.save`, or a restart costs you the evening.)

# %% [markdown]
# ---
# ## 5 · Four looks, several networks
#
# ### Test-time augmentation
#
# If a mirrored arrow is still an arrow, the network may look at both and say what it thinks **on average**. It makes different mistakes in the four pictures, and some of them go away.
#
# **Exercise 3** · `predict_with_flips` · 25 minutes · ●●○
#
# Four looks: the picture as it is, with left and right exchanged, upside down, and both. For each the **probabilities**, and of these the mean. The model must be in evaluation mode (bring it there yourself; whether you bring it back is up to you), and nothing is kept for a gradient.
#
# <details><summary>Help, I get this error</summary>
#
# - *"returned an object of type tuple"*, or a list: the mean over the four looks is missing; `torch.stack` puts tensors of the same shape on top of one another.
# - `IndexError: Dimension out of range`: pictures are `(N, C, H, W)`; the last axis is number 3, or -1.
# - Everything is right but the group *nothing is kept for a gradient*: `torch.no_grad()`.
#
# In reports the model is a convolution with `kernel`, a batch norm, a ReLU and a linear layer with `head`; `training=True` says that it is in training mode when you get it.
# </details>


# %% exercise="predict_with_flips"
def predict_with_flips(model, x):
    """The mean of a model's probabilities over four flips of each picture.

    model: pictures (N, C, H, W) -> scores (N, classes), in any mode. x: pictures.

    Returns probabilities (N, classes), without a graph.
    """
    ### BEGIN SOLUTION
    model.eval()
    views = [x, x.flip(2), x.flip(3), x.flip((2, 3))]
    with torch.no_grad():
        return torch.stack([model(view).softmax(1) for view in views]).mean(0)
    ### END SOLUTION


# %% check="predict_with_flips" points=6
check(predict_with_flips)

# %% [markdown]
# ### Ensembles
#
# Several networks make different mistakes as well. How much could that bring?
#
# **Exercise 4** · `three_votes` · 5 minutes · ●●○
#
# Three networks tell discs from rings. Each is right in 70 % of the pictures, and their mistakes have nothing to do with one another. In what share of the pictures are at least two of the three right? Give three digits behind the point.

# %% exercise="three_votes"
three_votes = None  # your answer: a number between 0 and 1
### BEGIN SOLUTION
three_votes = 0.784
### END SOLUTION

# %% check="three_votes" points=1
check(three_votes=three_votes)

# %% [markdown]
# The condition never holds: networks that learned from the same pictures fail at the same pictures. So the gain is smaller, and it is largest for networks that are **good and different**.
#
# Votes throw away how sure a network is. There are two better rules: average the scores, or average the probabilities. They are not the same (a network with large scores shouts all others down when scores are averaged). **We average probabilities.**
#
# **Exercise 5** · `ensemble` · 15 minutes · ●○○
#
# Networks may have weights: one of weight 2 counts like two of weight 1. Without weights all count the same. What comes back are probabilities, so each row adds up to 1.


# %% exercise="ensemble"
def ensemble(probabilities, weights=None):
    """The mean of several networks' probabilities.

    probabilities: a tensor (networks, N, classes). weights: a tensor (networks,) of numbers above 0; None
    where all count the same.

    Returns probabilities (N, classes).
    """
    ### BEGIN SOLUTION
    if weights is None:
        return probabilities.mean(0)
    share = weights / weights.sum()
    return (share[:, None, None] * probabilities).sum(0)
    ### END SOLUTION


# %% check="ensemble" points=4
check(ensemble)

# %% [markdown]
# Together, on the validation pictures. **Predict** an order of: the best single network, the same with four looks, all networks, all networks with four looks.

# %%
with when_done("stratified_split", "predict_with_flips", "ensemble"):
    plain = {
        name: in_batches(lambda net, part: net(part).softmax(1), net, x[validation_at])
        for name, net in networks.items()
    }
    looks = {name: in_batches(predict_with_flips, net, x[validation_at]) for name, net in networks.items()}
    best = max(plain, key=lambda name: (plain[name].argmax(1).numpy() == truth).mean())
    tried = {"one network": plain[best], "one network, four looks": looks[best]}
    tried["all networks"] = ensemble(torch.stack(list(plain.values())))
    tried["all networks, four looks"] = ensemble(torch.stack(list(looks.values())))

# %%
with when_done("stratified_split", "predict_with_flips", "ensemble"):
    hits = {name: probability.argmax(1).numpy() == truth for name, probability in tried.items()}
    for name, hit in hits.items():
        print(f"{name:26s} {hit.mean():.1%}")

# %% [markdown]
# We found 56.5 %, 59.2 %, 58.6 % and 61.4 %: each of the two ideas brings something, and both together more. The order may not be the same for your neighbour. Is a difference of one point on a thousand pictures real?

# %% [markdown]
# ---
# ## 6 · How sure is a score?
#
# If $k$ of $n$ pictures are right, the true share $p$ may be somewhat higher or lower than $\hat p = k/n$. The textbook's interval is $\hat p \pm z \sqrt{\hat p (1 - \hat p)/n}$. It has a flaw: for $k = n$ its width is 0. Nobody is *that* sure after ten pictures.
#
# **Wilson's interval** (1927) asks the other way round: *for which $p$ would $\hat p$ be no surprise?* These are all $p$ with $|\hat p - p| \le z \sqrt{p(1-p)/n}$, a quadratic inequality. Solved:
#
# $$ \frac{\hat p + \dfrac{z^2}{2n}}{1 + \dfrac{z^2}{n}} \;\pm\; \frac{z}{1 + \dfrac{z^2}{n}} \sqrt{\frac{\hat p(1-\hat p)}{n} + \frac{z^2}{4n^2}} $$
#
# With $z = 1.96$ it holds the true share in about 95 of 100 experiments. The board shows it beside each score.
#
# **Exercise 6** · `wilson_interval` · 15 minutes · ●○○
#
# <details><summary>Help, both ends are far from what is expected, some of them below 0 or above 1</summary>
#
# Python's `z**2 / 2 * n` divides by 2 and multiplies by n. Brackets.
# </details>


# %% exercise="wilson_interval"
def wilson_interval(correct, n, *, z=1.96):
    """Wilson's interval for a share.

    correct: how many of n are right. z: how many standard errors.

    Returns low, high: two numbers from 0 to 1.
    """
    ### BEGIN SOLUTION
    share, scale = correct / n, 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
    ### END SOLUTION


# %% check="wilson_interval" points=4
check(wilson_interval)

# %% [markdown]
# Does it keep its promise? We know a coin that shows heads in 80 % and throw it 200 times, a hundred times over. **Predict** how many of the hundred intervals miss the line:

# %%
with when_done("wilson_interval"):
    heads = np.random.default_rng(3).binomial(200, 0.8, size=100)
    low, high = np.array([wilson_interval(int(one), 200) for one in heads]).T
    plots.show_coverage(low, high, 0.8)

# %%
with when_done("stratified_split", "predict_with_flips", "ensemble", "wilson_interval"):
    scores = {name: (hit.mean(), *wilson_interval(int(hit.sum()), len(hit))) for name, hit in hits.items()}
    plots.show_scores_with_intervals(scores)

# %% [markdown]
# Nearly all of them overlap. That does **not** mean that they are equally good: all were asked about *the same* pictures, and most of these every one gets right. To compare two networks, count the pictures at which only one of them is right:

# %%
with when_done("stratified_split", "predict_with_flips", "ensemble"):
    one, other = hits["one network"], hits["all networks, four looks"]
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    print(f"right only by the single network: {only_one}; only by all of them with four looks: {only_other}")
    print(f"if it were chance, the difference would be about ±{np.sqrt(only_one + only_other):.0f}")

# %% [markdown]
# ---
# ## 7 · What a board gives away
#
# Suppose a board shows the exact share of the public pictures that are right, as often as you like. Then it can be **climbed without learning anything**. Two classes, and all you do is guess; a guess is right in about half of the pictures, sometimes 52 %, sometimes 48 %. Keep the lucky ones, let them vote, and
# the vote is right on the *public* pictures in 55 %, 60 %, 65 %. On the private pictures it is a guess, as before.
#
# Nobody needs to do it on purpose: trying forty networks and keeping what the board likes is the same thing, slower.
#
# The **ladder** (Blum and Hardt 2015) is a board that answers less. It compares an upload with the team's best so far, picture by picture. Let $d_i$ be 1 where only the new one is right, -1 where only the best so far is, 0 elsewhere; $\bar d$ their mean, $s$ their standard deviation, $n$ the number of public pictures:
#
# $$ \text{the upload becomes the new best when } \; \bar d > \frac{s}{\sqrt n}, \quad \text{and the board shows the share of the best.} $$
#
# What is better by chance alone changes nothing that you can see. That stops the attack above, as you will see; it does not stop every attack, as you will see, too.
#
# **Exercise 7** · `ladder_by_hand` · 10 minutes · ●●○
#
# There are 100 public pictures. Your best so far is right in 70 of them. A new upload is right in 74: in 12 that the best had wrong, but it lost 8 that the best had right. What does the board show then?

# %% exercise="ladder_by_hand"
ladder_by_hand = None  # your answer: a share between 0 and 1
### BEGIN SOLUTION
ladder_by_hand = 0.7
### END SOLUTION

# %% check="ladder_by_hand" points=1
check(ladder_by_hand=ladder_by_hand)

# %% [markdown]
# **Exercise 8** · `ladder_step` · 25 minutes · ●●○
#
# One step of the ladder. The first upload of a team (`best` is None) is always taken. For the standard deviation divide by $n$ or by $n - 1$; both are accepted.
#
# <details><summary>Help, I get this error</summary>
#
# - `TypeError: numpy boolean subtract, the - operator, is not supported`: make numbers of them first, `correct.astype(float)`.
# - `TypeError: unsupported operand type(s) for -: ... and 'NoneType'`: there is no best yet.
# </details>


# %% exercise="ladder_step"
def ladder_step(best, correct):
    """What a board with a ladder shows after an upload.

    best: (n,) true or false, which public pictures the best upload so far has right; None before the first.
    correct: (n,) the same for the new upload.

    Returns shown, best: the share that the board shows now, and the best upload from now on.
    """
    ### BEGIN SOLUTION
    if best is None:
        return correct.mean(), correct
    difference = correct.astype(float) - best
    if difference.mean() > difference.std() / math.sqrt(len(difference)):
        best = correct
    return best.mean(), best
    ### END SOLUTION


# %% check="ladder_step" points=5
check(ladder_step)

# %% [markdown]
# Now the attack, on both boards. `labels` is what the server knows; all that the attacker sees is `score`.


# %%
def exact_board(best, correct):
    """Shows everything."""
    return correct.mean(), np.zeros_like(correct)


def attack(board, guesses=400, n=500):
    """Guess; keep what raised the score; let it vote. What the board would show for the vote."""
    rng = np.random.default_rng(12)
    labels, votes, best, seen, shown = rng.integers(0, 2, n), np.zeros(n), None, 0.5, []
    for _ in range(guesses):
        guess = rng.integers(0, 2, n)
        score, best = board(best, guess == labels)
        votes += (2 * guess - 1) * (score > seen)
        seen = 0.5 if board is exact_board else max(seen, score)  # with a ladder: higher than before
        shown.append(board(best, (votes > 0) == labels)[0])
    return shown


# %%
with when_done("ladder_step"):
    plots.show_attack({"exact board": attack(exact_board), "ladder": attack(ladder_step)})

# %% [markdown]
# The exact board ends far above one half, for a vote that is worth one half. The ladder stays near the truth: after the first few guesses nothing rises by more than chance explains, and **this** attacker learns nothing more.
#
# Is the ladder safe, then? Think of an upload that differs from your best in two pictures, and is now right in both. What are $\bar d$ and $s$? **Predict** what the ladder shows to somebody who changes one answer, two or nine at a time and keeps what the board shows to be better:


# %%
def small_changes(board, changed, uploads=400, n=500):
    """Change so many answers at a time, and keep what the board shows to be better. What it shows then."""
    rng = np.random.default_rng(12)
    labels, answers = rng.integers(0, 2, (2, n))
    shown, best = board(None, answers == labels)
    for _ in range(uploads):
        new = answers.copy()
        new[rng.choice(n, changed, replace=False)] ^= 1
        score, best = board(best, new == labels)
        if score > shown:
            answers, shown = new, score
    return shown


def least_spread(best, correct):
    """The ladder, with an s of 0.2 or more."""
    little = best is not None and correct.mean() - best.mean() <= 0.2 / math.sqrt(len(correct))
    return ladder_step(best, best if little else correct)


# %%
with when_done("ladder_step"):
    for changed in (1, 2, 9):
        shown = [small_changes(board, changed) for board in (ladder_step, least_spread)]
        print(f"{changed} at a time: {shown[0]:.0%} with the ladder, {shown[1]:.0%} with a least spread")

# %% [markdown]
# Few differences have a small spread, and so a low bar: the ladder tells nearly every single label, to somebody who asks for one at a time. Our server therefore takes $s$ to be **at least 0.2**. On 500 pictures a rise must then be one of five pictures or more: one or two changes tell nothing. Larger changes still
# tell something, with any $s$; what remains is made small by the number of public pictures and by the **daily limit**. (On 5,000 pictures, what we tried with 150 uploads brought about four points at most.) And all of it is lost on the private pictures.
#
# That is why your upload may change nothing on the board although you know that it is better. Then your own validation pictures are the better judge anyway.
#
# ### Who is ahead?
#
# Two teams whose intervals overlap cannot be told apart, and our board does not pretend to. A team's rank is **one plus the number of teams whose interval lies wholly above its own**: whose lower end is higher than its upper end.
#
# **Exercise 9** · `rank_of_d` · 3 minutes · ●○○
#
# The intervals of five teams, in percent: A 78 to 84, B 76 to 82, C 74 to 80, D 70 to 76, E 69 to 75. Which rank has D?

# %% exercise="rank_of_d"
rank_of_d = None  # your answer: a whole number
### BEGIN SOLUTION
rank_of_d = 2
### END SOLUTION

# %% check="rank_of_d" points=1
check(rank_of_d=rank_of_d)

# %% [markdown]
# **Exercise 10** · `tied_ranks` · 10 minutes · ●○○


# %% exercise="tied_ranks"
def tied_ranks(low, high):
    """Ranks of teams by their intervals.

    low, high: (m,) the ends of each team's interval.

    Returns (m,) whole numbers: one plus the number of teams whose interval lies wholly above.
    """
    ### BEGIN SOLUTION
    return 1 + (low[None, :] > high[:, None]).sum(axis=1)
    ### END SOLUTION


# %% check="tied_ranks" points=3
check(tied_ranks)

# %% [markdown]
# ---
# ## 8 · Hand in
#
# **Exercise 11** · `predictions` · your time · 10 points
#
# Write the function that makes your predictions: for the test pictures of `competition`, in their order, labels `(N,)`, or scores or probabilities `(N, classes)`. It gets the networks that you have trained above, and may use `prepare`, `in_batches` and your functions. The next cell calls it and writes **`predictions.npz`** beside this notebook. Hand in this file together with the notebook.
#
# 3 points are for a file that can be scored, 7 for a public score above the one **to beat**, which stands under the first cell of section 1 (it is not the score of your first network in section 3). For a competition `check` gives the 3 points at most, as nobody in this room knows the labels: the other 7 are decided when the
# notebook is graded. The labels of the practice pictures are here, so a file for practice is scored at once.
#
# <details><summary>Help, I get this error</summary>
#
# - *"`scores` has shape (500, 10); expected (10000, 10)"*: only one batch was kept; `torch.cat` puts them together.
# - *"Label 10 is no class"*: labels are counted from 0.
# - *"belongs to another competition"*: the file was made for the practice pictures. Run the cell with `leaderboard.save` again.
# - *"is an older one"*: what your function returned last did not fit, so the file was not written anew. Mend it, and run the cell with `leaderboard.save` again.
# </details>


# %% exercise="predictions"
def predictions(competition, networks):
    """Your predictions for the test pictures of the competition.

    competition: with `competition.test.images`, uint8 (N, height, width, 3), and all else.
    networks: name -> trained network.

    Returns labels (N,), or scores or probabilities (N, classes); an array or a tensor.
    """
    ### BEGIN SOLUTION
    handed_in = prepare(competition.test.images, size=None)
    every = [in_batches(predict_with_flips, net, handed_in) for net in networks.values()]
    return ensemble(torch.stack(every))
    ### END SOLUTION


# %%
with when_done("predictions", "ensemble", "predict_with_flips", "stratified_split"):
    leaderboard.save(predictions(competition, networks))

# %% check="predictions" points=10
check(predictions)

# %% [markdown]
# Before you upload: what do the predictions look like? If the classes are about as frequent as in training, nothing speaks against them. If one of them is missing, the pictures were prepared in another way than in training, or mixed up.

# %%
with when_done("predictions"):
    told = leaderboard.labels_in("predictions.npz")
    size = len(competition.classes)
    plots.show_balance({"told of the test pictures": np.bincount(told, minlength=size)}, competition.classes)

# %% [markdown]
# Now upload. **Write down first** what you expect: your validation score, and its interval. An upload that was cut off, or a server that does not answer, is no disaster: the file is kept, and `leaderboard.submit()` sends it again without counting it twice. If the server stays away, the file
# beside your notebook is scored all the same.

# %%
with when_done("predictions"):
    leaderboard.submit("predictions.npz")

# %%
with when_done("predictions"):
    leaderboard.standing()

# %% [markdown]
# For comparison, upload the first network alone as well, if you have uploads to spare (for practice you have):

# %%
with when_done("stratified_split"):
    if competition.practice:
        pictures = prepare(competition.test.images, size=None)
        alone = in_batches(lambda net, part: net(part).softmax(1), networks["first"], pictures)
        leaderboard.save(alone, "predictions-first.npz")
        leaderboard.submit("predictions-first.npz")

# %% [markdown]
# ---
# ## 9 · Public and private
#
# When the competition is closed, the private scores are shown, for the upload that you selected (on the page; without a choice, your best public one). For practice that is now. **Predict**: which of the two is higher, and by how much may they differ?

# %%
with when_done("predictions", "wilson_interval"):
    results = leaderboard.results(wilson_interval)
    if results:
        plots.show_public_private(results)

# %% [markdown]
# Two halves of the same test set, chosen by chance: each score is off by about one standard error, which is a quarter of its interval's width. So the two differ by about a third of that width on average, up or down, and rarely by more than three quarters of it. On a real board something else comes on top. Those who have chosen by their public score, upload after upload, fall on average: they have chosen their luck as well. The more uploads, and
# the closer the field, the larger this **shake-up**.
#
# **Exercise 12** · written · 15 minutes · 3 points · ●●○
#
# At the close of a competition whose board ranks by score alone (ours lets overlapping intervals share a rank), with 5,000 public and 5,000 private pictures, team Heron falls from rank 1 to rank 9, with a public score of 84.1 % and a private one of 82.6 %. Team Otter climbs from rank 8 to rank 2, with 83.0 % and 83.4 %. Heron had uploaded 140 times, Otter 6 times.
#
# 1. Heron says: "That was bad luck." How much of it can be luck? (An interval at 84 % with 5,000 pictures is about one point wide on each side.)
# 2. What did Heron's way of working have to do with it, and what would you advise for the next time?
# 3. Is Otter's network better than Heron's?
#
# One point for each.

# %% [markdown] written="shake_up" points=3
# ### BEGIN SOLUTION
# **A good answer.** (1) Each score is sure to about ±1 point, so a difference of two halves is chance up to about ±1.4 points; a fall of 1.5 points is at the edge of what luck alone explains. (2) With 140 uploads Heron has chosen the one that suited the public half best, so its public score is too high by selection; the ladder makes this small, but choosing among many
# still picks lucky ones. Advice: choose by validation pictures of one's own (or cross-validation), upload rarely, and select by what was expected beforehand. (3) It cannot be told: 82.6 and 83.4 on the same 5,000 private pictures, with intervals that overlap. One would have to count the pictures at which only one of them is right.
#
# **Rubric.** 1 point: compares the fall with the width of the interval (of a difference, or at least of one score), and concludes that luck may explain much of it but barely all; only "yes, luck" or "no": 0. 1 point: selection by the public score named, and a remedy with validation; one of the two: half. 1 point: "cannot be told" with overlapping intervals or with the paired comparison; "Otter is
# better" or "no" without a reason: 0.
# ### END SOLUTION

# %% [markdown]
# **Exercise 13** · written · 45 minutes · 6 points · ●●○
#
# **Your method note**, about a page, for somebody who wants to do it again and do it better.
#
# 1. What have you handed in: which networks, trained on what, for how long?
# 2. How did you choose it: on which pictures, how many candidates, and how often did you look at the public score?
# 3. What did you try that did **not** help? Give numbers, and how sure they are.
# 4. Which private score do you expect, and why? Give an interval.
# 5. What did you use that is not yours: code, networks, pictures, ideas of others, assistants? Do the rules allow it?
# 6. What would you try next, and how would you find out whether it helps?
#
# One point for each.

# %% [markdown] written="method_note" points=6
# ### BEGIN SOLUTION
# **A good answer** can be repeated: (1) architecture, number of networks, training pictures, augmentation, epochs, test-time augmentation, all by name and number. (2) A split that was fixed beforehand, the number of candidates, the number of uploads; an upload used as a check of the validation score, not to choose. (3) At least one idea with the score before and
# after, on how many pictures, and whether the difference is more than chance (interval, or pictures at which only one is right). (4) The validation score with its interval, perhaps a little less because the best of several was chosen. (5) Sources named, `cs_utils` included; a sentence on the rules. (6) One idea that follows from what was seen (the confusion matrix, the
# surest mistakes, training against validation), and the comparison that would decide it.
#
# **Rubric.** One point for each of the six. (1) Half when a number that one needs to repeat it is missing. (2) 0 when the public score was used to choose and this is not discussed. (3) Half without any measure of sureness. (4) Half without a reason or an interval; the value itself does not matter. (5) 0 when nothing is said; "nothing" is an answer where it is true. (6) Half for an idea without a test.
# ### END SOLUTION

# %% [markdown]
# ---
# ## What you can do now
#
# | | |
# |---|---|
# | judge | a drawn, stratified validation split, on which nothing is trained; intervals; paired comparison |
# | improve | one thing at a time; look at what is wrong; four looks and several networks at the end |
# | combine | average probabilities: softmax first, then the mean |
# | a board | a score that one may ask for often enough gives labels away; the ladder answers only what is better than chance |
# | a rank | one plus the teams wholly above: who overlaps, ties |
# | honest | say how you chose, what did not help, and what you expect before you look |
#
# This was the last notebook. You have written convolution, its gradient, normalisation and dropout by hand, trained LeNet with them, gone on to residual networks and transfer, and you can say how good a network is, and how sure you are. That is more than most can who use one.
