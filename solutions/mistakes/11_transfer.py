"""Known mistakes of notebook 11 as code; each must be named by the report with exactly its title."""


# %% new_head: the old head stays
def new_head(net, classes):
    head = nn.Linear(net.head.in_features, classes)
    return net


# %% new_head: the head is replaced only when the number of classes differs
def new_head(net, classes):
    if net.head.out_features != classes:
        net.head = nn.Linear(net.head.in_features, classes)
    return net


# %% new_head: the new head is frozen
def new_head(net, classes):
    trained = net.head.weight.requires_grad
    net.head = nn.Linear(net.head.in_features, classes)
    net.head.requires_grad_(trained)
    return net


# %% new_head: inputs and outputs of the head are exchanged
def new_head(net, classes):
    net.head = nn.Linear(classes, net.head.in_features)
    return net


# %% new_head: the head expects the old scores instead of the features
def new_head(net, classes):
    net.head = nn.Linear(net.head.out_features, classes)
    return net


# %% new_head: the rest of the network is changed as well
def new_head(net, classes):
    net.head = nn.Linear(net.head.in_features, classes)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            module.reset_parameters()
    return net


# %% new_head: the rest of the network is frozen, too
def new_head(net, classes):
    net.requires_grad_(False)
    net.head = nn.Linear(net.head.in_features, classes)
    return net


# %% new_head: the rest of the network is switched on, too
def new_head(net, classes):
    net.head = nn.Linear(net.head.in_features, classes)
    for one in net.parameters():
        one.requires_grad = True
    return net


# %% fine_tuning_groups: the head is frozen, too
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains and mode != "probe"
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: a linear probe trains everything but the head
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i != last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: frozen parameters still have requires_grad
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    if mode == "layerwise":
        groups = []
        for part in parts[::-1]:
            part.requires_grad_(True)
            groups.append({"params": list(part.parameters()), "lr": lr})
            lr = lr * factor
        return groups
    if mode == "probe":
        chosen = parts[-1:]
    elif mode == "frozen":
        chosen = parts[frozen:]
    else:
        chosen = parts
    for part in parts:
        part.requires_grad_(True)
    return [{"params": list(part.parameters()), "lr": lr} for part in chosen]


# %% fine_tuning_groups: the optimizer holds the frozen parameters
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        if True:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: the frozen parts are counted from the head
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i <= last - frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: one part too many is frozen
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i > frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: one part too few is frozen
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen - 1}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: the rates fall towards the head instead of towards the picture
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor**i if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: the head's rate is lr * factor, too
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (len(parts) - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: all parts but the head have the same rate
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor if mode == "layerwise" and i < last else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: every part has the rate lr
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i >= frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: requires_grad is never switched on again
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        if (mode == "probe" and i < last) or (mode == "frozen" and i < frozen):
            for p in part.parameters():
                p.requires_grad = False
            continue
        rate = lr * factor ** (last - i) if mode == "layerwise" else lr
        groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: what an earlier mode froze is left out
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    resting = 0
    if mode == "probe":
        resting = len(parts) - 1
    if mode == "frozen":
        resting = frozen
    for part in parts[:resting]:
        part.requires_grad_(False)
    groups = []
    for distance, part in enumerate(reversed(parts)):
        learned = [p for p in part.parameters() if p.requires_grad]
        if learned:
            rate = lr * factor**distance if mode == "layerwise" else lr
            groups.append({"params": learned, "lr": rate})
    return groups


# %% fine_tuning_groups: the head's rate is lr * factor, too && one part too many is frozen
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    groups = []
    last = len(parts) - 1
    for i, part in enumerate(parts):
        trains = {"probe": i == last, "frozen": i > frozen}.get(mode, True)
        for p in part.parameters():
            p.requires_grad = trains
        rate = lr * factor ** (len(parts) - i) if mode == "layerwise" else lr
        if trains:
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% fine_tuning_groups: lr is multiplied by factor and distance instead of by a power of factor
def fine_tuning_groups(parts, mode, *, lr, factor=0.1, frozen=2):
    resting = {"probe": len(parts) - 1, "frozen": frozen}.get(mode, 0)
    groups = []
    for place, part in enumerate(parts):
        part.requires_grad_(place >= resting)
        if place >= resting:
            rate = lr * factor * (len(parts) - 1 - place) if mode == "layerwise" else lr
            groups.append({"params": list(part.parameters()), "lr": rate})
    return groups


# %% training_mode: frozen batch norms still move: everything is in training mode
def training_mode(parts):
    for part in parts:
        part.train()


# %% training_mode: everything is in evaluation mode
def training_mode(parts):
    for part in parts:
        part.eval()


# %% training_mode: the two modes are exchanged
def training_mode(parts):
    for part in parts:
        frozen = not any(p.requires_grad for p in part.parameters())
        part.train(frozen)


# %% training_mode: parts that train are left in the mode they were in
def training_mode(parts):
    for part in parts:
        frozen = not any(p.requires_grad for p in part.parameters())
        if frozen:
            part.eval()


# %% training_mode: frozen parts are left in the mode they were in
def training_mode(parts):
    for part in parts:
        frozen = not any(p.requires_grad for p in part.parameters())
        if not frozen:
            part.train()


# %% training_mode: only the last part is in training mode
def training_mode(parts):
    for part in parts[:-1]:
        part.eval()
    parts[-1].train()


# %% training_mode: no part changes its mode
def training_mode(parts):
    for part in parts:
        part.training = any(one.requires_grad for one in part.parameters())


# %% training_mode: a part counts as frozen as soon as one of its parameters is
def training_mode(parts):
    for part in parts:
        part.train(all(one.requires_grad for one in part.parameters()))


# %% class_activation_map: the map is not enlarged
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    h, w = maps.shape[1:]
    return maps.reshape(-1, h, w)


# %% class_activation_map: the map is enlarged by copying the nearest number
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    maps = F.interpolate(maps[:, None], size=(size, size))
    return maps[:, 0]


# %% class_activation_map: corners are aligned while enlarging
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    options = {"mode": "bilinear", "align_corners": True}
    return F.interpolate(maps[:, None], size=(size, size), **options)[:, 0]


# %% class_activation_map: the weights of class 0 are taken for every picture
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[0].expand(len(features), -1)
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: the row of the weight is the number of the picture, not its label
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[: len(features)]
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: all pictures get the weights of the first picture's class
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels[0]].repeat(len(features), 1)
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: the weights are those of the class with the highest score
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[(features.mean((2, 3)) @ weight.T + bias).argmax(1)]
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: a column of the weight is taken instead of a row
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[:, labels].T
    maps = (rows[:, :, None, None] * features).sum(1)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: the channels are added up without weights
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = features.sum(1)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: the bias is added
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = torch.einsum("nk,nkhw->nhw", rows, features) + bias[labels, None, None]
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: the mean over the channels instead of the sum
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = (rows[:, :, None, None] * features).mean(1)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: a ReLU cuts off what is negative
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = F.relu(torch.einsum("nk,nkhw->nhw", rows, features))
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps[:, 0]


# %% class_activation_map: the maps keep an axis of length 1
def class_activation_map(features, weight, bias, labels, *, size):
    rows = weight[labels]
    maps = torch.einsum("nk,nkhw->nhw", rows, features)
    maps = F.interpolate(maps[:, None], size=(size, size), mode="bilinear")
    return maps


# %% class_activation_map: the map is divided by the number of places
def class_activation_map(features, weight, bias, labels, *, size):
    small = torch.einsum("nchw,nc->nhw", features, weight[labels]) / features[0, 0].numel()
    return F.interpolate(small[:, None], size=size, mode="bilinear")[:, 0]


# %% class_activation_map: the maps are scaled to between 0 and 1
def class_activation_map(features, weight, bias, labels, *, size):
    small = torch.einsum("nchw,nc->nhw", features, weight[labels])
    large = F.interpolate(small[:, None], size=size, mode="bilinear")[:, 0]
    large = large - large.amin((1, 2), keepdim=True)
    return large / large.amax((1, 2), keepdim=True)


# %% grad_cam: the scores of all labels are added up for each picture
def grad_cam(body, tail, x, labels, *, size):
    given = body(x).detach().requires_grad_()
    own = tail(given)[:, labels]
    (slope,) = torch.autograd.grad(own.sum(), given)
    small = (slope.mean((2, 3), keepdim=True) * given).sum(1).relu().detach()
    return F.interpolate(small[:, None], size=size, mode="bilinear")[:, 0]


# %% grad_cam: the mean over the channels instead of the sum
def grad_cam(body, tail, x, labels, *, size):
    given = body(x).detach().requires_grad_()
    own = tail(given).gather(1, labels[:, None])
    (slope,) = torch.autograd.grad(own.sum(), given)
    small = (slope.mean((2, 3), keepdim=True) * given).mean(1).relu().detach()
    return F.interpolate(small[:, None], size=size, mode="bilinear")[:, 0]


# %% grad_cam: negative gradients are set to 0 before the mean
def grad_cam(body, tail, x, labels, *, size):
    given = body(x).detach().requires_grad_()
    own = tail(given).gather(1, labels[:, None])
    (slope,) = torch.autograd.grad(own.sum(), given)
    small = (slope.relu().mean((2, 3), keepdim=True) * given).sum(1).relu().detach()
    return F.interpolate(small[:, None], size=size, mode="bilinear")[:, 0]


# %% grad_cam: the maps are scaled to between 0 and 1
def grad_cam(body, tail, x, labels, *, size):
    given = body(x).detach().requires_grad_()
    own = tail(given).gather(1, labels[:, None])
    (slope,) = torch.autograd.grad(own.sum(), given)
    small = (slope.mean((2, 3), keepdim=True) * given).sum(1).relu().detach()
    small = small / small.amax((1, 2), keepdim=True)
    return F.interpolate(small[:, None], size=size, mode="bilinear")[:, 0]


# %% grad_cam: there is no ReLU
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = (alpha * features).sum(1, keepdim=True)
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: the gradients are averaged over the channels instead of the places
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean(1, keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: the gradients are averaged over the batch, too
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((0, 2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: the gradients are added up over the places, not averaged
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.sum((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: gradients and features are multiplied place by place, without a mean
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: it is the gradient of the probability, not of the score
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores.softmax(1)[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: it is the gradient of the loss
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = F.cross_entropy(scores, labels)
    gradient = torch.autograd.grad(chosen, features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: it is the gradient of the log-probability
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = F.log_softmax(scores, dim=1)[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: it is the gradient of all scores together
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: it is the gradient of the highest score
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores.max(1).values
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: the gradient of the mean over the batch
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.mean(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: negative weights are set to 0
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True).clamp(min=0)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% grad_cam: the map is not enlarged
def grad_cam(body, tail, x, labels, *, size):
    features = body(x).detach().requires_grad_()
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return maps[:, 0].detach()


# %% grad_cam: the features have no gradient in a frozen network
def grad_cam(body, tail, x, labels, *, size):
    features = body(x)
    scores = tail(features)
    chosen = scores[torch.arange(len(x)), labels]
    gradient = torch.autograd.grad(chosen.sum(), features)[0]
    alpha = gradient.mean((2, 3), keepdim=True)
    maps = F.relu((alpha * features).sum(1, keepdim=True))
    return F.interpolate(maps, size=(size, size), mode="bilinear")[:, 0].detach()


# %% pointing_game: row and column of the peak are exchanged
def pointing_game(maps, masks):
    hits = []
    for number, m in enumerate(maps):
        peak = m.argmax().item()
        row, column = peak % m.shape[1], peak // m.shape[1]
        hits.append(masks[number, row, column].item())
    return sum(hits) / len(hits)


# %% pointing_game: there is one peak for the whole batch
def pointing_game(maps, masks):
    peaks = maps == maps.max()
    hits = (peaks & masks).flatten(1).any(1)
    return hits.float().mean()


# %% pointing_game: the part of the map's sum that lies inside is taken
def pointing_game(maps, masks):
    inside = (maps * masks).sum((1, 2))
    return (inside / maps.sum((1, 2))).mean()


# %% pointing_game: hits are counted, but not divided by the number of pictures
def pointing_game(maps, masks):
    places = maps.flatten(1).argmax(1)
    hits = masks.flatten(1)[torch.arange(len(maps)), places]
    return hits.sum().item()


# %% pointing_game: the share is given in per cent
def pointing_game(maps, masks):
    peaks = maps.flatten(1).argmax(1)
    return 100 * masks.flatten(1)[torch.arange(len(maps)), peaks].float().mean().item()
