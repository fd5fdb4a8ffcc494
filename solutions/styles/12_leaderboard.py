"""Correct answers of notebook 12 in other styles; each must get full points."""


# %% stratified_split: picture by picture
def stratified_split(labels, fraction, *, rng):
    order = list(range(len(labels)))
    rng.shuffle(order)
    room = {}
    for label in labels:
        room[label] = room.get(label, 0) + 1
    room = {label: round(count * fraction) for label, count in room.items()}
    train, validation = [], []
    for i in order:
        if room[labels[i]] > 0:
            room[labels[i]] -= 1
            validation.append(i)
        else:
            train.append(i)
    return np.array(train), np.array(validation)


# %% stratified_split: choice, and all others
def stratified_split(labels, fraction, *, rng):
    chosen = np.zeros(len(labels), bool)
    for c in range(labels.max() + 1):
        (positions,) = np.where(labels == c)
        chosen[rng.choice(positions, int(len(positions) * fraction + 0.5), replace=False)] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


# %% stratified_split: sets and tensors
def stratified_split(labels, fraction, *, rng):
    held = set()
    for c in set(labels.tolist()):
        mine = [i for i in range(len(labels)) if labels[i] == c]
        keys = rng.random(len(mine))
        ranked = [i for _, i in sorted(zip(keys, mine))]
        held |= set(ranked[: int(np.rint(fraction * len(mine)))])
    rest = sorted(set(range(len(labels))) - held)
    return torch.tensor(rest), torch.tensor(sorted(held))


# %% predict_with_flips: a loop that adds up
def predict_with_flips(model, x):
    was = model.training
    model.eval()
    total = 0
    with torch.inference_mode():
        for axes in ([], [-1], [-2], [-2, -1]):
            total = total + nn.functional.softmax(model(torch.flip(x, axes)), dim=1)
    model.train(was)
    return total / 4


# %% predict_with_flips: one large batch
@torch.no_grad()
def predict_with_flips(model, x):
    model.train(False)
    mirrored = torch.cat([x, x.flip(3)])
    every = torch.cat([mirrored, mirrored.flip(2)])
    shares = torch.softmax(model(every), -1)
    return shares.reshape(4, len(x), -1).mean(dim=0)


# %% predict_with_flips: detached, exp by hand
def predict_with_flips(model, x):
    model.eval()

    def probability(pictures):
        scores = model(pictures).detach()
        powers = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
        return powers / powers.sum(dim=1, keepdim=True)

    upside_down = torch.flip(x, dims=(2,))
    first = probability(x) + probability(torch.flip(x, dims=(3,)))
    second = probability(upside_down) + probability(torch.flip(upside_down, dims=(3,)))
    return (first + second) * 0.25


# %% ensemble: weights of ones
def ensemble(probabilities, weights=None):
    if weights is None:
        weights = torch.ones(len(probabilities), dtype=probabilities.dtype)
    return torch.einsum("m,mnc->nc", weights, probabilities) / weights.sum()


# %% ensemble: a loop
def ensemble(probabilities, weights=None):
    weights = [1.0] * len(probabilities) if weights is None else weights.tolist()
    out = torch.zeros_like(probabilities[0])
    for w, p in zip(weights, probabilities):
        out += w * p
    return out / out.sum(dim=1, keepdim=True)


# %% ensemble: tensordot
def ensemble(probabilities, weights=None):
    count = probabilities.size(0)
    w = torch.full((count,), 1 / count).to(probabilities) if weights is None else weights / weights.sum()
    return torch.tensordot(w, probabilities, dims=1)


# %% wilson_interval: counts instead of shares
def wilson_interval(correct, n, *, z=1.96):
    wrong = n - correct
    centre = (correct + z * z / 2) / (n + z * z)
    width = z / (n + z * z) * np.sqrt(correct * wrong / n + z * z / 4)
    return centre - width, centre + width


# %% wilson_interval: the quadratic equation
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    a, b, c = 1 + z**2 / n, -(2 * p + z**2 / n), p**2
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


# %% wilson_interval: an array of two
def wilson_interval(correct, n, *, z=1.96):
    p_hat = correct / n
    factor = 1 / (1 + z**2 / n)
    spread = factor * z * np.sqrt(p_hat * (1 - p_hat) / n + z**2 / (4 * n * n))
    ends = factor * (p_hat + z**2 / 2 / n) + spread * np.array([-1.0, 1.0])
    return tuple(np.clip(ends, 0, 1))


# %% ladder_step: two counts
def ladder_step(best, correct):
    if best is not None:
        n = len(best)
        gained, lost = np.sum(correct & ~best), np.sum(best & ~correct)
        rise = (gained - lost) / n
        s = np.sqrt((gained + lost) / n - rise**2)
        if not rise > s / np.sqrt(n):
            return np.mean(best), best
    return np.mean(correct), correct


# %% ladder_step: the sample's standard deviation, a copy
def ladder_step(best, correct):
    new = correct.copy()
    if best is None:
        return float(np.mean(new)), new
    d = 1.0 * new - 1.0 * best
    n = d.size
    if np.mean(d) > np.std(d, ddof=1) / n**0.5:
        return float(new.mean()), new
    return float(best.mean()), best.copy()


# %% ladder_step: losses, and numbers 0 and 1
def ladder_step(best, correct):
    if best is None:
        best = correct
    losses_before, losses_now = 1 - best.astype(int), 1 - correct.astype(int)
    fall = losses_before - losses_now
    winner = correct if fall.mean() * len(fall) ** 0.5 > fall.std() else best
    return winner.sum() / len(winner), winner


# %% tied_ranks: two loops
def tied_ranks(low, high):
    ranks = []
    for i in range(len(low)):
        above = 0
        for j in range(len(low)):
            if low[j] > high[i]:
                above += 1
        ranks.append(1 + above)
    return np.array(ranks)


# %% tied_ranks: a list
def tied_ranks(low, high):
    return np.array([1 + np.count_nonzero(low > mine) for mine in high])


# %% tied_ranks: sorted
def tied_ranks(low, high):
    ordered = np.sort(low)
    return len(low) - np.searchsorted(ordered, high, side="right") + 1
