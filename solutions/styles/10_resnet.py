"""Correct answers of notebook 10 in other styles; each must get full points."""


# %% ResidualBlock: two Sequentials, the skip first
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.shortcut = None
        if skip:
            self.shortcut = nn.Sequential()
            if in_channels != out_channels or stride != 1:
                self.shortcut.append(nn.Conv2d(in_channels, out_channels, (1, 1), stride, bias=False))
                self.shortcut.append(nn.BatchNorm2d(out_channels))
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x):
        if self.shortcut is None:
            return self.residual(x).relu()
        straight = self.shortcut(x)
        return (straight + self.residual(x)).relu()


# %% ResidualBlock: in place, norms registered first, one ReLU for both
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(out_channels) for _ in range(2))
        self.convs = nn.ModuleDict()
        for name, before, step in (("one", in_channels, stride), ("two", out_channels, 1)):
            self.convs[name] = nn.Conv2d(
                before,
                out_channels,
                kernel_size=3,
                stride=step,
                padding="same" if step == 1 else 1,
                bias=False,
            )
        self.needs = skip and not (stride == 1 and in_channels == out_channels)
        if self.needs:
            self.norms.append(nn.BatchNorm2d(out_channels))
            self.convs["beside"] = nn.Conv2d(
                in_channels, out_channels, kernel_size=1, stride=stride, bias=False
            )
        self.relu, self.skip = nn.ReLU(inplace=True), skip

    def forward(self, x):
        identity = x
        out = self.relu(self.norms[0](self.convs["one"](x)))
        out = self.norms[1](self.convs["two"](out))
        if self.needs:
            identity = self.norms[2](self.convs["beside"](x))
        if self.skip:
            out += identity
        return self.relu(out)


# %% ResidualBlock: padding by hand, lazy layers, a function for a pair
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()

        def pair(size, step):
            conv = nn.LazyConv2d(out_channels, size, stride=step, bias=False)
            return nn.Sequential(conv, nn.LazyBatchNorm2d())

        self.a, self.b = pair(3, stride), pair(3, 1)
        same = stride == 1 and in_channels == out_channels
        self.c = pair(1, stride) if skip and not same else None
        self.keeps = skip and same

    def forward(self, x):
        out = torch.clamp(self.a(F.pad(x, (1, 1, 1, 1))), min=0)
        out = self.b(F.pad(out, (1, 1, 1, 1)))
        if self.c is not None:
            out = torch.add(out, self.c(x))
        elif self.keeps:
            out = torch.add(out, x)
        return torch.clamp(out, min=0)


# %% ResNet18: one Sequential
class ResNet18(nn.Sequential):
    def __init__(self, classes=100, width=64):
        stem = [
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(True),
            nn.MaxPool2d(3, 2, 1),
        ]
        stages = []
        for i in range(4):
            before, after = width * 2 ** max(i - 1, 0), width * 2**i
            stages.append(ResidualBlock(before, after, stride=1 if i == 0 else 2))
            stages.append(ResidualBlock(after, after))
        super().__init__(
            *stem, *stages, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(8 * width, classes)
        )


# %% ResNet18: names as in torchvision, the pooling in front of the ReLU
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.fc = nn.Linear(width * 8, classes)
        self.conv1 = nn.Conv2d(3, width, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.inplanes = width
        self.layer1 = self.make_layer(width)
        self.layer2 = self.make_layer(width * 2, 2)
        self.layer3 = self.make_layer(width * 4, 2)
        self.layer4 = self.make_layer(width * 8, 2)

    def make_layer(self, planes, stride=1):
        layer = nn.Sequential(
            ResidualBlock(self.inplanes, planes, stride=stride), ResidualBlock(planes, planes)
        )
        self.inplanes = planes
        return layer

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.bn1(self.conv1(x)), kernel_size=3, stride=2, padding=1))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        x = F.avg_pool2d(x, x.shape[2:])
        return self.fc(x.view(x.size(0), -1))


# %% ResNet18: eight blocks written out
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        w = width
        self.start = nn.Conv2d(3, w, 7, stride=2, padding=3, bias=False)
        self.start_norm = nn.BatchNorm2d(w)
        self.b1, self.b2 = ResidualBlock(w, w), ResidualBlock(w, w)
        self.b3, self.b4 = ResidualBlock(w, 2 * w, stride=2), ResidualBlock(2 * w, 2 * w)
        self.b5, self.b6 = ResidualBlock(2 * w, 4 * w, stride=2), ResidualBlock(4 * w, 4 * w)
        self.b7, self.b8 = ResidualBlock(4 * w, 8 * w, stride=2), ResidualBlock(8 * w, 8 * w)
        self.end = nn.Linear(8 * w, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.start_norm(self.start(x))), 3, 2, 1)
        x = self.b4(self.b3(self.b2(self.b1(x))))
        x = self.b8(self.b7(self.b6(self.b5(x))))
        return self.end(x.flatten(2).mean(-1))


# %% CifarResNet: stages in a loop over channels
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        plan = [width] * (depth // 6) + [2 * width] * (depth // 6) + [4 * width] * (depth // 6)
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.body = nn.Sequential(
            *(
                ResidualBlock(a, b, stride=1 if a == b else 2, skip=skip)
                for a, b in zip([width, *plan], plan, strict=False)
            )
        )
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x):
        x = self.body(self.stem(x).relu())
        return self.head(F.adaptive_avg_pool2d(x, (1, 1)).squeeze(-1).squeeze(-1))


# %% CifarResNet: one Sequential, positional
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        net = nn.Sequential()
        net.append(nn.Conv2d(3, width, (3, 3), padding="same", bias=False))
        net.append(nn.BatchNorm2d(width))
        net.append(nn.ReLU())
        n, w = int((depth - 2) / 6), width
        for channels in (w, 2 * w, 4 * w):
            net.append(ResidualBlock(max(w, channels // 2), channels, stride=1 + (channels > w), skip=skip))
            net.extend(ResidualBlock(channels, channels, skip=skip) for _ in range(n - 1))
        net.append(nn.AdaptiveAvgPool2d(1))
        net.append(nn.Flatten())
        net.append(nn.Linear(4 * w, classes))
        self.net = net

    def forward(self, x):
        return self.net(x)


# %% CifarResNet: three attributes, linear layer first
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        self.out = nn.Linear(width * 4, classes)
        self.blocks_each = (depth - 2) // 6
        self.conv, self.norm = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.large = self.make(width, width, 1, skip)
        self.middle = self.make(width, width * 2, 2, skip)
        self.small = self.make(width * 2, width * 4, 2, skip)

    def make(self, a, b, stride, skip):
        blocks = [ResidualBlock(a, b, stride=stride, skip=skip)]
        while len(blocks) < self.blocks_each:
            blocks.append(ResidualBlock(b, b, skip=skip))
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        x = self.small(self.middle(self.large(x)))
        return self.out(torch.mean(x, (-2, -1)))


# %% decay_groups: by the kind of layer
def decay_groups(net, weight_decay):
    big = [module.weight for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    chosen = {id(weight) for weight in big}
    others = [parameter for parameter in net.parameters() if id(parameter) not in chosen]
    return [{"params": others, "weight_decay": 0.0}, {"params": big, "weight_decay": weight_decay}]


# %% decay_groups: generators, with a learning rate in each group
def decay_groups(net, weight_decay):
    matrices = (p for p in net.parameters() if p.dim() >= 2)
    vectors = (p for p in net.parameters() if p.dim() < 2)
    return (
        {"params": matrices, "weight_decay": weight_decay, "lr": 0.5},
        {"params": vectors, "weight_decay": 0.0, "lr": 0.5},
    )


# %% decay_groups: one group for every parameter
def decay_groups(net, weight_decay):
    groups = []
    for _, parameter in net.named_parameters():
        decay = weight_decay if len(parameter.shape) > 1 else 0.0
        groups.append({"params": [parameter], "weight_decay": decay})
    return groups


# %% flipped_scores: the mean of a stack
@torch.no_grad()
def flipped_scores(net, x):
    net.train(False)
    return torch.stack([net(x), net(x.flip(-1))]).mean(0)


# %% flipped_scores: one batch of twice the size
def flipped_scores(net, x):
    net = net.eval()
    with torch.inference_mode():
        scores = net(torch.cat([x, x.flip(3)]))
    one, other = scores.chunk(2)
    return (one + other) * 0.5


# %% flipped_scores: the mode is put back, the graph cut at the end
def flipped_scores(net, x):
    was = net.training
    net.eval()
    columns = torch.arange(x.shape[3] - 1, -1, -1)
    scores = net(x) / 2 + net(x[:, :, :, columns]) / 2
    net.train(was)
    return scores.detach()
