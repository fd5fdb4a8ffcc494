"""Known mistakes of notebook 12 as code; each must be named by the report with exactly its title."""


# %% stratified_split: the share is taken of all pictures together, not of each class
def stratified_split(labels, fraction, *, rng):
    order = rng.permutation(len(labels))
    cut = round(fraction * len(labels))
    return order[cut:], order[:cut]


# %% stratified_split: the share is rounded down
def stratified_split(labels, fraction, *, rng):
    train, validation = [], []
    for c in np.unique(labels):
        positions = rng.permutation(np.flatnonzero(labels == c))
        k = int(fraction * len(positions))
        validation.extend(positions[:k])
        train.extend(positions[k:])
    return np.array(train), np.array(validation)


# %% stratified_split: the share is rounded up
def stratified_split(labels, fraction, *, rng):
    train, validation = [], []
    for c in np.unique(labels):
        positions = rng.permutation(np.flatnonzero(labels == c))
        k = math.ceil(fraction * len(positions))
        validation.extend(positions[:k])
        train.extend(positions[k:])
    return np.array(train), np.array(validation)


# %% stratified_split: training and validation are exchanged
def stratified_split(labels, fraction, *, rng):
    train, validation = [], []
    for c in np.unique(labels):
        positions = rng.permutation(np.flatnonzero(labels == c))
        k = round(fraction * len(positions))
        train.extend(positions[:k])
        validation.extend(positions[k:])
    return np.array(train), np.array(validation)


# %% stratified_split: validation pictures are drawn with replacement
def stratified_split(labels, fraction, *, rng):
    validation = []
    for c in np.unique(labels):
        positions = np.flatnonzero(labels == c)
        validation.extend(rng.choice(positions, round(fraction * len(positions))))
    validation = np.array(validation)
    return np.setdiff1d(np.arange(len(labels)), validation), validation


# %% stratified_split: the validation pictures stay in the training part
def stratified_split(labels, fraction, *, rng):
    validation = []
    for c in np.unique(labels):
        positions = np.flatnonzero(labels == c)
        validation.extend(rng.permutation(positions)[: round(fraction * len(positions))])
    return np.arange(len(labels)), np.array(validation)


# %% stratified_split: the first pictures of each class are taken
def stratified_split(labels, fraction, *, rng):
    train, validation = [], []
    for c in np.unique(labels):
        positions = np.flatnonzero(labels == c)
        k = round(fraction * len(positions))
        validation.extend(positions[:k])
        train.extend(positions[k:])
    return np.array(train), np.array(validation)


# %% stratified_split: something else than rng is asked for chance
def stratified_split(labels, fraction, *, rng):
    generator = np.random.default_rng(0)
    train, validation = [], []
    for c in np.unique(labels):
        positions = generator.permutation(np.flatnonzero(labels == c))
        k = round(fraction * len(positions))
        validation.extend(positions[:k])
        train.extend(positions[k:])
    return np.array(train), np.array(validation)


# %% stratified_split: labels are returned instead of positions
def stratified_split(labels, fraction, *, rng):
    train, validation = [], []
    for c in np.unique(labels):
        mine = rng.permutation(labels[labels == c])
        k = round(fraction * len(mine))
        validation.extend(mine[:k])
        train.extend(mine[k:])
    return np.array(train), np.array(validation)


# %% predict_with_flips: only the picture itself is looked at
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return model(x).softmax(1)


# %% predict_with_flips: only left and right are exchanged
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return (model(x).softmax(1) + model(x.flip(3)).softmax(1)) / 2


# %% predict_with_flips: the picture as it is is left out
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return sum(model(x.flip(axes)).softmax(1) for axes in ((2,), (3,), (2, 3))) / 3


# %% predict_with_flips: the look with both flips is missing
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return sum(model(view).softmax(1) for view in (x, x.flip(2), x.flip(3))) / 3


# %% predict_with_flips: channels are flipped instead of width
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return sum(model(view).softmax(1) for view in (x, x.flip(1), x.flip(2), x.flip((1, 2)))) / 4


# %% predict_with_flips: scores are averaged, and the softmax comes last
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return (sum(model(view) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))) / 4).softmax(1)


# %% predict_with_flips: scores come back instead of probabilities
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return sum(model(view) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))) / 4


# %% predict_with_flips: the looks are added up, not averaged
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return sum(model(view).softmax(1) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3))))


# %% predict_with_flips: the softmax runs over the pictures instead of the classes
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        return sum(model(view).softmax(0) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))) / 4


# %% predict_with_flips: a second softmax is made of the mean
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        looks = [model(view).softmax(1) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))]
    return torch.stack(looks).mean(0).softmax(1)


# %% predict_with_flips: the highest probability of the four looks is taken
def predict_with_flips(model, x):
    model.eval()
    with torch.no_grad():
        looks = [model(view).softmax(1) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))]
    return torch.stack(looks).max(0).values


# %% predict_with_flips: the model is not put into evaluation mode
def predict_with_flips(model, x):
    with torch.no_grad():
        return sum(model(view).softmax(1) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))) / 4


# %% predict_with_flips: what is needed for a gradient is kept
def predict_with_flips(model, x):
    model.eval()
    return sum(model(view).softmax(1) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))) / 4


# %% predict_with_flips: the model is not put into evaluation mode && what is needed for a gradient is kept
def predict_with_flips(model, x):
    return sum(model(view).softmax(1) for view in (x, x.flip(2), x.flip(3), x.flip((2, 3)))) / 4


# %% ensemble: every network has one vote
def ensemble(probabilities, weights=None):
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    votes = nn.functional.one_hot(probabilities.argmax(2), probabilities.shape[2]).double()
    return torch.einsum("m,mnc->nc", weights, votes) / weights.sum()


# %% ensemble: probabilities are multiplied, or their logarithms averaged
def ensemble(probabilities, weights=None):
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    logs = torch.einsum("m,mnc->nc", weights / weights.sum(), probabilities.log())
    powers = logs.exp()
    return powers / powers.sum(1, keepdim=True)


# %% ensemble: the highest probability of any network is taken
def ensemble(probabilities, weights=None):
    return probabilities.max(dim=0).values


# %% ensemble: the probabilities are added up, not averaged
def ensemble(probabilities, weights=None):
    if weights is None:
        return probabilities.sum(0)
    share = weights / weights.mean()
    return torch.einsum("m,mnc->nc", share, probabilities)


# %% ensemble: a softmax is made of probabilities
def ensemble(probabilities, weights=None):
    weights = torch.ones(len(probabilities)).double() if weights is None else weights
    return (torch.einsum("m,mnc->nc", weights, probabilities) / weights.sum()).softmax(1)


# %% ensemble: the mean runs over the pictures instead of the networks
def ensemble(probabilities, weights=None):
    return probabilities.mean(1)


# %% ensemble: the weights are not used
def ensemble(probabilities, weights=None):
    return probabilities.mean(dim=0)


# %% ensemble: the weights are not made to add up to 1
def ensemble(probabilities, weights=None):
    if weights is None:
        return probabilities.mean(dim=0)
    return torch.einsum("m,mnc->nc", weights, probabilities)


# %% ensemble: the weighted sum is divided by the number of networks
def ensemble(probabilities, weights=None):
    if weights is None:
        return probabilities.mean(dim=0)
    return torch.einsum("m,mnc->nc", weights, probabilities) / len(weights)


# %% wilson_interval: it is the textbook's interval, not Wilson's
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    half = z * math.sqrt(p * (1 - p) / n)
    return p - half, p + half


# %% wilson_interval: the middle is the share itself
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p - half, p + half


# %% wilson_interval: nothing is divided by 1 + z²/n
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = p + z**2 / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# %% wilson_interval: z²/2 is multiplied by n instead of divided
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = (p + z**2 / 2 * n) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# %% wilson_interval: z before the root is forgotten
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return middle - half, middle + half


# %% wilson_interval: the middle is not divided by 1 + z²/n
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = p + z**2 / (2 * n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# %% wilson_interval: the half width is not divided by 1 + z²/n
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# %% wilson_interval: z is 1.96 whatever is asked for
def wilson_interval(correct, n, *, z=1.96):
    p, z = correct / n, 1.96
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# %% wilson_interval: the ends are in percent
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return 100 * (middle - half), 100 * (middle + half)


# %% wilson_interval: middle and half width come back instead of the two ends
def wilson_interval(correct, n, *, z=1.96):
    p = correct / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle, half


# %% ladder_step: almost any rise is shown
def ladder_step(best, correct):
    if best is None or correct.mean() > best.mean():
        best = correct
    return best.mean(), best


# %% ladder_step: every upload takes the place of the best
def ladder_step(best, correct):
    return correct.mean(), correct


# %% ladder_step: the spread is not divided by the root of n
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    if d.mean() > d.std():
        best = correct
    return best.mean(), best


# %% ladder_step: the difference has the wrong sign
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = best.astype(float) - correct
    if d.mean() > d.std() / math.sqrt(len(d)):
        best = correct
    return best.mean(), best


# %% ladder_step: the bar is 1.96 standard errors
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    if d.mean() > 1.96 * d.std() / math.sqrt(len(d)):
        best = correct
    return best.mean(), best


# %% ladder_step: the spreads of both scores are put together
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    if d.mean() > math.sqrt((best.var() + correct.var()) / len(d)):
        best = correct
    return best.mean(), best


# %% ladder_step: s is taken only where the uploads differ
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    if np.any(d) and d.mean() > d[d != 0].std() / math.sqrt(len(d)):
        best = correct
    return best.mean(), best


# %% ladder_step: the variance stands where its root should
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    if d.mean() > d.var() / math.sqrt(len(d)):
        best = correct
    return best.mean(), best


# %% ladder_step: the spread is that of the new upload, not of the differences
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    if correct.mean() - best.mean() > correct.std() / math.sqrt(len(correct)):
        best = correct
    return best.mean(), best


# %% ladder_step: the new score is shown although the best stays
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    if d.mean() > d.std() / math.sqrt(len(d)):
        best = correct
    return correct.mean(), best


# %% ladder_step: the score stays, but the new upload is remembered as the best
def ladder_step(best, correct):
    if best is None:
        return correct.mean(), correct
    d = correct.astype(float) - best
    shown = best.mean()
    if d.mean() > d.std() / math.sqrt(len(d)):
        shown = correct.mean()
    return shown, correct


# %% ladder_step: the share of wrong answers is shown
def ladder_step(best, correct):
    if best is None:
        return 1 - correct.mean(), correct
    d = correct.astype(float) - best
    if d.mean() > d.std() / math.sqrt(len(d)):
        best = correct
    return 1 - best.mean(), best


# %% ladder_step: the best of both uploads is put together picture by picture
def ladder_step(best, correct):
    best = correct if best is None else best | correct
    return best.mean(), best


# %% tied_ranks: ranks begin at 0
def tied_ranks(low, high):
    return np.array([np.sum(low > end) for end in high])


# %% tied_ranks: an interval that only touches counts as above
def tied_ranks(low, high):
    return np.array([1 + np.sum(low >= end) for end in high])


# %% tied_ranks: intervals below are counted instead of those above
def tied_ranks(low, high):
    return np.array([1 + np.sum(high < end) for end in low])


# %% tied_ranks: teams that share a rank use up only one
def tied_ranks(low, high):
    above = np.array([np.sum(low > end) for end in high])
    steps = sorted(set(above.tolist()))
    return np.array([1 + steps.index(count) for count in above])


# %% tied_ranks: lower ends are compared with lower ends
def tied_ranks(low, high):
    return np.array([1 + np.sum(low > end) for end in low])


# %% tied_ranks: upper ends are compared with upper ends
def tied_ranks(low, high):
    return np.array([1 + np.sum(high > end) for end in high])
