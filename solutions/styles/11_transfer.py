"""Correct answers of notebook 11 in other styles; each must get full points."""


# %% new_head: trained features, sizes from the old head's weight
def new_head(net, classes):
    _, width = net.head.weight.shape
    net.head = nn.Linear(width, classes)
    return net


# %% new_head: on a copy
def new_head(net, classes):
    import copy

    fresh = copy.deepcopy(net)
    fresh.head = torch.nn.Linear(out_features=classes, in_features=fresh.head.in_features)
    return fresh


# %% new_head: no bias, switched on by hand
def new_head(net, classes):
    head = nn.Linear(in_features=net.head.in_features, out_features=classes, bias=False)
    nn.init.normal_(head.weight, std=0.01)
    for parameter in head.parameters():
        parameter.requires_grad = True
    net.head = head
    return net


# %% fine_tuning_groups: an if for every mode
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    if mode == "probe":
        training = parts[-1:]
    elif mode == "frozen":
        training = parts[frozen:]
    else:
        training = parts
    for part in parts:
        for p in part.parameters():
            p.requires_grad = False
    rate = lr
    for part in reversed(training):
        for p in part.parameters():
            p.requires_grad = True
        groups.append({"params": list(part.parameters()), "lr": rate})
        if mode == "layerwise":
            rate = rate * factor
    return groups


# %% fine_tuning_groups: one group where one rate will do
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    first = {"probe": len(parts) - 1, "full": 0, "layerwise": 0, "frozen": frozen}[mode]
    for index, part in enumerate(parts):
        part.requires_grad_(index >= first)
    if mode != "layerwise":
        return [{"params": [p for part in parts[first:] for p in part.parameters()], "lr": lr}]
    exponents = range(len(parts) - 1, -1, -1)
    return [{"params": part.parameters(), "lr": lr * factor**e} for part, e in zip(parts, exponents)]


# %% fine_tuning_groups: a group for every parameter
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    result = []
    depth = len(parts)
    for i in range(depth):
        on = mode in ("full", "layerwise") or (mode == "probe" and i == depth - 1)
        on = on or (mode == "frozen" and i >= frozen)
        for p in parts[i].parameters():
            p.requires_grad_(on)
            if on:
                rate = lr * factor ** (depth - 1 - i) if mode == "layerwise" else lr
                result.append({"params": p, "lr": rate})
    return result


# %% fine_tuning_groups: rates only where they differ
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    resting = {"probe": parts[:-1], "frozen": parts[:frozen]}.get(mode, [])
    active = parts[len(resting) :]
    nn.ModuleList(resting).requires_grad_(False)
    nn.ModuleList(active).requires_grad_(True)
    if mode == "layerwise":
        rates = lr * factor ** np.arange(len(parts))[::-1]
        return [{"params": list(p.parameters()), "lr": float(r)} for p, r in zip(active, rates)]
    return [{"params": list(nn.ModuleList(active).parameters())}]


# %% training_mode: part by part
def training_mode(parts):
    for part in parts:
        frozen = all(not p.requires_grad for p in part.parameters())
        if frozen:
            part.eval()
        else:
            part.train()


# %% training_mode: all on, then some off
def training_mode(parts):
    nn.ModuleList(parts).train()
    for part in parts:
        if not any(p.requires_grad for p in part.parameters()):
            for module in part.modules():
                module.training = False


# %% training_mode: counts what trains, returns the parts
def training_mode(parts):
    for part in parts:
        learned = sum(p.numel() for p in part.parameters() if p.requires_grad)
        part.train(mode=learned > 0)
    return parts


# %% training_mode: only the norms rest
def training_mode(parts):
    for part in parts:
        part.train()
        asleep = not any(p.requires_grad for p in part.parameters())
        for module in part.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and asleep:
                module.eval()


# %% class_activation_map: broadcasting
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = (rows[:, :, None, None] * features).sum(dim=1, keepdim=True)
    maps = F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)
    return maps.squeeze(1)


# %% class_activation_map: one picture after the other
def class_activation_map(features, weight, bias, labels, *, size):
    made = []
    for f, label in zip(features, labels):
        total = torch.zeros_like(f[0])
        for k in range(len(f)):
            total = total + weight[label, k] * f[k]
        made.append(F.interpolate(total[None, None], size=size, mode="bilinear")[0, 0])
    return torch.stack(made)


# %% class_activation_map: a 1x1 convolution gives the maps of all classes
def class_activation_map(features, weight, bias, labels, *, size):
    every = F.conv2d(features, weight[:, :, None, None])
    every = F.interpolate(every, (size, size), mode="bilinear")
    return every[torch.arange(len(labels)), labels]


# %% class_activation_map: float32, no graph
@torch.no_grad()
def class_activation_map(features, weight, bias, labels, *, size):
    n, c, h, w = features.shape
    flat = features.reshape(n, c, h * w).float()
    maps = torch.matmul(weight[labels].float().unsqueeze(1), flat).reshape(n, 1, h, w)
    return nn.Upsample(size=size, mode="bilinear")(maps)[:, 0, :, :]


# %% grad_cam: backward
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach()
    features.requires_grad_(True)
    scores = tail(features)
    scores.gather(1, labels.view(-1, 1)).sum().backward()
    weights = features.grad.mean(dim=[2, 3], keepdim=True)
    maps = torch.relu((weights * features).sum(dim=1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear").squeeze(1).detach()


# %% grad_cam: one picture after the other
def grad_cam(body, tail, x, labels, *, size):
    out = []
    for i in range(len(x)):
        f = body(x[i : i + 1]).detach().requires_grad_()
        (g,) = torch.autograd.grad(tail(f)[0, labels[i]], f)
        m = F.relu(torch.einsum("k,khw->hw", g[0].mean((1, 2)), f[0]))
        out.append(F.interpolate(m[None, None], size, mode="bilinear")[0, 0])
    return torch.stack(out)


# %% grad_cam: ReLU after enlarging, one-hot upstream gradient
def grad_cam(body, tail, x, labels, *, size):
    with torch.no_grad():
        f = body(x)
    f = f.clone().requires_grad_()
    with torch.enable_grad():
        scores = tail(f)
        upstream = F.one_hot(labels, scores.shape[1]).to(scores.dtype)
        g = torch.autograd.grad(scores, f, grad_outputs=upstream)[0]
    alpha = F.adaptive_avg_pool2d(g, 1)
    m = (alpha * f).sum(1)
    m = F.interpolate(m.unsqueeze(1), (size, size), mode="bilinear")
    return m.clamp(min=0)[:, 0]


# %% grad_cam: hooks that keep what passes by
def grad_cam(body, tail, x, labels, *, size):
    kept = {}

    def keep(module, inputs):
        kept["f"] = inputs[0]
        inputs[0].retain_grad()

    handle = tail.register_forward_pre_hook(keep)
    scores = tail(body(x.clone().requires_grad_()))
    handle.remove()
    scores[range(len(x)), labels].sum().backward()
    f = kept["f"]
    alpha = f.grad.sum((2, 3)) / (f.shape[2] * f.shape[3])
    m = F.relu((f * alpha[..., None, None]).sum(1))
    return F.interpolate(m[:, None], (size, size), mode="bilinear")[:, 0]


# %% pointing_game: divmod
def pointing_game(maps, masks):
    hits = 0
    for m, inside in zip(maps, masks):
        row, column = divmod(m.argmax().item(), m.shape[1])
        hits += bool(inside[row, column])
    return hits / len(maps)


# %% pointing_game: flat
def pointing_game(maps, masks):
    places = maps.flatten(1).argmax(dim=1, keepdim=True)
    return masks.flatten(1).gather(1, places).float().mean()


# %% pointing_game: NumPy
def pointing_game(maps, masks):
    maps, masks = np.asarray(maps), np.asarray(masks)
    places = [np.unravel_index(m.argmax(), m.shape) for m in maps]
    return np.mean([mask[place] for mask, place in zip(masks, places)])
