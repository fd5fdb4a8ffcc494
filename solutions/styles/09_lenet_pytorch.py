"""Correct answers of notebook 09 in other styles; each must get full points."""


# %% LeNet: one Sequential, with layers as modules
class LeNet(nn.Module):
    def __init__(self, classes=10, filters=(20, 50), hidden=500):
        super().__init__()
        a, b = filters
        convs = [nn.Conv2d(1, a, 5, padding="same"), nn.Conv2d(a, b, (5, 5), stride=1, padding=(2, 2))]
        steps = []
        for conv in convs:
            steps += [conv, nn.ReLU(inplace=True), nn.MaxPool2d(kernel_size=2, stride=2)]
        steps += [nn.Flatten(), nn.Linear(49 * b, hidden), nn.ReLU(), nn.Linear(hidden, classes)]
        self.net = nn.Sequential(*steps)

    def forward(self, x):
        return self.net(x)


# %% LeNet: linear layers registered first, view, the pooling in front of the ReLU
class LeNet(nn.Module):
    def __init__(self, classes=10, filters=(20, 50), hidden=500):
        super(LeNet, self).__init__()
        self.last = nn.Linear(hidden, classes)
        self.hidden = nn.Linear(filters[1] * 7 * 7, hidden)
        self.pool = nn.MaxPool2d(2, 2)
        self.second = nn.Conv2d(filters[0], filters[1], kernel_size=5, stride=1, padding=2)
        self.first = nn.Conv2d(1, filters[0], kernel_size=5, stride=1, padding=2)

    def forward(self, x):
        x = F.relu(self.pool(self.first(x)))
        x = F.relu(self.pool(self.second(x)))
        x = x.view(-1, self.hidden.in_features)
        return self.last(torch.clamp(self.hidden(x), min=0))


# %% LeNet: lazy layers in a ModuleList, padding by hand
class LeNet(nn.Module):
    def __init__(self, classes=10, filters=(20, 50), hidden=500):
        super().__init__()
        self.convs = nn.ModuleList(nn.LazyConv2d(count, 5) for count in filters)
        self.linears = nn.ModuleList([nn.LazyLinear(hidden), nn.LazyLinear(classes)])

    def forward(self, x):
        for conv in self.convs:
            x = conv(F.pad(x, (2, 2, 2, 2))).relu()
            x = F.max_pool2d(x, 2)
        x = x.reshape(x.shape[0], -1)
        for linear in self.linears[:-1]:
            x = linear(x).relu()
        return self.linears[-1](x)


# %% LeNet: a Sequential itself, with a start of its own
class LeNet(nn.Sequential):
    def __init__(self, classes=10, filters=(20, 50), hidden=500):
        def block(given, out):
            return nn.Sequential(nn.Conv2d(given, out, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))

        head = nn.Sequential(nn.Linear(7 * 7 * filters[1], hidden), nn.ReLU(), nn.Linear(hidden, classes))
        super().__init__(block(1, filters[0]), block(*filters), nn.Flatten(start_dim=1), head)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


# %% LeNet: layers from a list of shapes, one loop
class LeNet(nn.Module):
    def __init__(self, classes=10, filters=(20, 50), hidden=500):
        super().__init__()
        shapes = [
            (filters[0], 1, 5, 5),
            (filters[1], filters[0], 5, 5),
            (hidden, 49 * filters[1]),
            (classes, hidden),
        ]
        self.layers = nn.ModuleList()
        for shape in shapes:
            layer = (
                nn.Conv2d(shape[1], shape[0], 5, padding=2)
                if len(shape) == 4
                else nn.Linear(shape[1], shape[0])
            )
            self.layers.append(layer)

    def forward(self, x):
        *body, last = self.layers
        for layer in body:
            if isinstance(layer, nn.Linear) and x.ndim == 4:
                x = torch.flatten(x, 1)
            x = torch.relu(layer(x))
            if x.ndim == 4:
                x = nn.functional.max_pool2d(x, 2)
        return last(x)


# %% LeNet5: line by line
class LeNet5(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = torch.tanh(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        return self.fc3(x)


# %% LeNet5: shared modules for pooling and tanh, view
class LeNet5(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.act, self.pool = nn.Tanh(), nn.AvgPool2d(2, 2)
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, 1, 2), nn.Conv2d(6, 16, 5, 1, 0)
        self.c5, self.f6, self.output = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)

    def forward(self, x):
        x = self.pool(self.act(self.c1(x)))
        x = self.pool(self.act(self.c3(x)))
        x = x.view(x.size(0), -1)
        return self.output(self.act(self.f6(self.act(self.c5(x)))))


# %% LeNet5: zeros around the picture first, one Sequential
class LeNet5(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        sizes = [400, 120, 84, classes]
        head = [nn.Flatten()]
        for place, out in enumerate(sizes[1:]):
            head += [nn.Linear(sizes[place], out), nn.Tanh()]
        self.body = nn.Sequential(
            nn.ZeroPad2d(2),
            nn.Conv2d(1, 6, 5),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(14),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
        )
        self.head = nn.Sequential(nn.AvgPool2d(2), *head[:-1])

    def forward(self, x):
        return self.head(self.body(x))


# %% Net: as on the slide, with biases
class Net(nn.Module):
    def __init__(self, classes=10, width=32):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, width, 3, 1)
        self.conv1_bn = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, 1)
        self.conv2_bn = nn.BatchNorm2d(2 * width)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(288 * width, 4 * width)
        self.fc1_bn = nn.BatchNorm1d(4 * width)
        self.fc2 = nn.Linear(4 * width, classes)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(self.conv1_bn(x))
        x = self.conv2(x)
        x = F.relu(self.conv2_bn(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = self.fc1(x)
        x = F.relu(self.fc1_bn(x))
        x = self.fc2(x)
        output = F.log_softmax(x, dim=1)
        return output


# %% Net: one Sequential, no bias in front of a batch norm
class Net(nn.Sequential):
    def __init__(self, classes=10, width=32):
        one, two, dense = width, 2 * width, 4 * width
        first = nn.Conv2d(1, one, 3, bias=False), nn.BatchNorm2d(one), nn.ReLU(inplace=True)
        second = nn.Conv2d(one, two, 3, bias=False), nn.BatchNorm2d(two), nn.ReLU(inplace=True)
        flat = nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten()
        inner = nn.Linear(two * 12 * 12, dense, bias=False), nn.BatchNorm1d(dense), nn.ReLU(inplace=True)
        super().__init__(*first, *second, *flat, *inner, nn.Linear(dense, classes), nn.LogSoftmax(dim=1))


# %% Net: functional dropout that knows the mode, behind the flattening
class Net(nn.Module):
    def __init__(self, classes=10, width=32):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1, width, 3), nn.Conv2d(width, 2 * width, 3, bias=False)])
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(width), nn.BatchNorm2d(2 * width), nn.BatchNorm1d(4 * width)]
        )
        self.dense = nn.ModuleList([nn.Linear(2 * width * 12**2, 4 * width), nn.Linear(4 * width, classes)])

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x)).relu()
        x = F.max_pool2d(x, 2).flatten(start_dim=1)
        x = F.dropout(x, 0.25, training=self.training)
        x = self.norms[2](self.dense[0](x)).relu()
        return torch.log_softmax(self.dense[1](x), 1)


# %% prepare: the moved network, parameters in a list
def prepare(net, device, *, lr, momentum=0.9):
    moved = net.to(device)
    return moved, torch.optim.SGD(list(moved.parameters()), lr, momentum)


# %% prepare: a torch.device, Nesterov
def prepare(net, device, *, lr, momentum=0.9):
    net = net.to(torch.device(device))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum, nesterov=True)
    return [net, optimizer]


# %% prepare: a group for the weights and one for the biases
def prepare(net, device, *, lr, momentum=0.9):
    net.to(device=device)
    weights = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": weights}, {"params": rest}]
    return net, torch.optim.SGD(groups, lr=lr, momentum=momentum)


# %% train_batch: gradients set to None by hand, a loss object
def train_batch(net, optimizer, x, y):
    net.train(True)
    for parameter in net.parameters():
        parameter.grad = None
    place = next(net.parameters())
    x, y = x.to(place.device), y.to(place.device)
    prediction = net(x)
    criterion = nn.CrossEntropyLoss()
    loss = criterion(prediction, y)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        _, best = prediction.max(dim=1)
        right = int((best == y).sum())
    return float(loss), right


# %% train_batch: log-softmax and nll, zero_grad behind the step and in front
def train_batch(net, optimizer, x, y):
    device = {p.device for p in net.parameters()}.pop()
    net.train()
    net.zero_grad(set_to_none=False)
    scores = net(x.to(device))
    labels = y.to(device)
    loss = F.nll_loss(scores.log_softmax(-1), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().cpu().item(), torch.eq(scores.argmax(-1), labels).sum().item()


# %% train_batch: NumPy numbers and detached tensors
def train_batch(net, optimizer, x, y):
    device = next(iter(net.parameters())).device
    inputs, labels = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
    net.train()
    outputs = net(inputs)
    losses = F.cross_entropy(outputs, labels, reduction="none")
    loss = losses.sum() / len(labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    predicted = torch.max(outputs.data, 1)[1]
    return loss.detach(), (predicted == labels).sum()


# %% train_epoch: without train_batch
def train_epoch(net, optimizer, batches):
    device = next(net.parameters()).device
    loss_sum = right = count = 0
    for x, y in batches:
        x, y = x.to(device), y.to(device)
        net.train()
        optimizer.zero_grad()
        scores = net(x)
        batch_loss = F.cross_entropy(scores, y, reduction="mean")
        batch_loss.backward()
        optimizer.step()
        loss_sum += F.cross_entropy(scores.detach(), y, reduction="sum").item()
        right += scores.argmax(1).eq(y).sum().item()
        count += y.shape[0]
    return loss_sum / count, right / count


# %% train_epoch: lists, and a weighted mean
def train_epoch(net, optimizer, batches):
    losses, rights, sizes = [], [], []
    for x, y in batches:
        loss, right = train_batch(net, optimizer, x, y)
        losses += [loss]
        rights.append(right)
        sizes.append(len(y))
    return float(np.average(losses, weights=sizes)), sum(rights) / sum(sizes)


# %% train_epoch: one array of three columns
def train_epoch(net, optimizer, batches):
    table = np.zeros(3)
    for x, y in batches:
        n = x.shape[0]
        loss, right = train_batch(net, optimizer, x, y)
        table += [n * loss, right, n]
    return table[0] / table[2], table[1] / table[2]


# %% evaluate: decorated, means weighted by size
@torch.no_grad()
def evaluate(net, batches):
    net.train(False)
    place = next(net.parameters()).device
    loss = right = count = 0.0
    for images, labels in batches:
        images, labels = images.to(place), labels.to(place)
        scores = net(images)
        loss += F.cross_entropy(scores, labels).item() * len(labels)
        right += float((scores.argmax(1) == labels).sum())
        count += len(labels)
    return loss / count, right / count


# %% evaluate: inference mode, and the mode put back afterwards
def evaluate(net, batches):
    before = net.training
    net.eval()
    losses, hits = [], []
    with torch.inference_mode():
        for x, y in batches:
            device = next(net.parameters()).device
            scores = net(x.to(device))
            losses += F.cross_entropy(scores, y.to(device), reduction="none").tolist()
            hits += (scores.argmax(dim=-1) == y.to(device)).tolist()
    net.train(before)
    return sum(losses) / len(losses), sum(hits) / len(hits)


# %% evaluate: all pictures at once
def evaluate(net, batches):
    parameter = next(net.parameters())
    images = torch.cat([x for x, _ in batches]).to(parameter.device)
    labels = torch.cat([y for _, y in batches]).to(parameter.device)
    with torch.no_grad():
        scores = net.eval()(images)
    accuracy = (scores.max(1).indices == labels).float().mean()
    return F.cross_entropy(scores, labels), accuracy


# %% copy_weights: by name, through the state
def copy_weights(net, arrays):
    state = net.state_dict()
    for (name, old), array in zip(state.items(), arrays):
        if list(old.shape) != list(array.shape):
            raise ValueError(f"{name}: {array.shape} instead of {tuple(old.shape)}")
        state[name] = torch.as_tensor(array, dtype=old.dtype).clone()
    net.load_state_dict(state)


# %% copy_weights: fresh tensors as data
def copy_weights(net, arrays):
    parameters = list(net.parameters())
    for parameter, array in zip(parameters, arrays, strict=True):
        if parameter.shape != torch.Size(array.shape):
            raise ValueError("shapes differ")
    for parameter, array in zip(parameters, arrays):
        parameter.data = torch.tensor(array, dtype=parameter.dtype, device=parameter.device)


# %% copy_weights: into the data, by slices
def copy_weights(net, arrays):
    for index, parameter in enumerate(net.parameters()):
        array = np.asarray(arrays[index])
        if array.shape != tuple(parameter.shape):
            raise ValueError(str(array.shape) + " is not " + str(tuple(parameter.shape)))
        parameter.data[...] = torch.from_numpy(array)


# %% numpy_scores: a loop over all layers
def numpy_scores(x, arrays):
    pairs = list(zip(arrays[0::2], arrays[1::2]))
    for w, b in pairs[:2]:
        x = layers.conv2d_forward(x, w, b, stride=1, padding=2)[0]
        x = layers.max_pool2d_forward(layers.relu_forward(x)[0], 2, stride=2)[0]
    x = x.reshape(x.shape[0], -1)
    for index, (w, b) in enumerate(pairs[2:]):
        x = layers.linear_forward(x, w, b)[0]
        if index == 0:
            x = layers.relu_forward(x)[0]
    return x


# %% numpy_scores: padding from the kernel, the ReLU behind the pooling, ravel
def numpy_scores(x, arrays):
    w1, b1, w2, b2, w3, b3, w4, b4 = arrays
    first, _ = layers.conv2d_forward(x, w1, b1, padding=(w1.shape[2] // 2, w1.shape[3] // 2))
    first = np.maximum(layers.max_pool2d_forward(first, 2)[0], 0)
    second, _ = layers.conv2d_forward(first, w2, b2, padding=w2.shape[-1] // 2)
    second = np.maximum(layers.max_pool2d_forward(second, 2)[0], 0)
    flat = np.stack([picture.ravel() for picture in second])
    hidden = (flat @ w3.T + b3).clip(0)
    return hidden @ w4.T + b4


# %% numpy_scores: in PyTorch, without a layer
def numpy_scores(x, arrays):
    x, *arrays = (torch.from_numpy(array) for array in (x, *arrays))
    for w, b in (arrays[:2], arrays[2:4]):
        x = F.max_pool2d(F.relu(F.conv2d(x, w, b, padding=2)), 2)
    x = F.relu(F.linear(x.flatten(1), arrays[4], arrays[5]))
    return F.linear(x, *arrays[6:]).numpy()
