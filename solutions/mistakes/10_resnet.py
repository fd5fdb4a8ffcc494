"""Known mistakes of notebook 10 as code; each must be named by the report with exactly its title."""


# %% ResidualBlock: there is no downsampling on the skip
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if False:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the skip is downsampled only for a stride
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and stride > 1:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the skip is downsampled only for other channels
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and in_channels != out_channels:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the skip has a convolution even where the shape stays
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the skip is cut and filled up with zeros
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        self.step, self.more = stride, out_channels - in_channels

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x[:, :, :: self.step, :: self.step]
            side = F.pad(side, (0, 0, 0, 0, 0, self.more))
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the ReLU comes before the addition
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = torch.relu(y) + side
        else:
            y = torch.relu(y)
        return y


# %% ResidualBlock: the ReLU after the addition is forgotten
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        return y


# %% ResidualBlock: the ReLU between the convolutions is missing
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: both convolutions have the stride
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(
            out_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the second convolution has the stride instead of the first
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(
            out_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the convolution on the skip has no stride
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the skip has no batch norm
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the convolution on the skip is 3x3
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: a ReLU stands on the skip
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.ReLU(),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the two convolutions share one batch norm
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_a(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: there is no batch norm after the second convolution
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: there is no batch norm after the first convolution
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the convolutions have a bias
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the first convolution has no padding
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: no 3x3 convolution has padding
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the two ways are concatenated, not added
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = torch.cat([y, side], dim=1)
        y = torch.relu(y)
        return y


# %% ResidualBlock: no gradient goes back through the skip
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side.detach()
        y = torch.relu(y)
        return y


# %% ResidualBlock: skip=False is ignored
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = True
        self.side = None
        if stride > 1 or in_channels != out_channels:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the plain block still has the convolution of the skip
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if stride > 1 or in_channels != out_channels:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        y = torch.relu(y)
        return y


# %% ResidualBlock: the convolutions have a bias && the ReLU after the addition is forgotten
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)
        self.norm_a = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1)
        self.norm_b = nn.BatchNorm2d(out_channels)
        self.with_skip = skip
        self.side = None
        if skip and (stride > 1 or in_channels != out_channels):
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        y = self.first(x)
        y = self.norm_a(y)
        y = torch.relu(y)
        y = self.second(y)
        y = self.norm_b(y)
        if self.with_skip:
            side = x if self.side is None else self.side(x)
            y = y + side
        return y


# %% ResidualBlock: PyTorch does not find the layers
class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=True):
        super().__init__()
        self.parts = [
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        self.skip, self.beside = skip, []
        if skip and (stride != 1 or in_channels != out_channels):
            self.beside = [
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            ]

    def forward(self, x):
        y = x
        for part in self.parts:
            y = part(y)
        for part in self.beside:
            x = part(x)
        return F.relu(x + y if self.skip else y)


# %% ResNet18: the stem is that of a network for small pictures
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=3, stride=1, padding=1, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the max-pooling is missing
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the max-pooling has no padding
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the max-pooling is 2x2
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(2)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the first convolution has a bias
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: there is no batch norm after the first convolution
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: there is no ReLU after the first convolution
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: each stage has one block only
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 1, 1)
        self.stage2 = self.stage(width, 2 * width, 1, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 1, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 1, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the stages have 3, 4, 6 and 3 blocks
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 3, 1)
        self.stage2 = self.stage(width, 2 * width, 4, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 6, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 3, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the last stage is missing
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.linear = nn.Linear(4 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the first stage halves the picture, too
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 2)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: no stage halves the picture
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 1)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 1)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 1)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: both blocks of a stage halve the picture
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after, stride=stride))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: all stages have the same number of channels
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, width, 2, 2)
        self.stage3 = self.stage(width, width, 2, 2)
        self.stage4 = self.stage(width, width, 2, 2)
        self.linear = nn.Linear(width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the global pooling is forgotten
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the linear layer expects 7x7 numbers of each channel
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(49 * 8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: global max-pooling instead of the average
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_max_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: no gradient comes back to the stem
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x.detach())
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: a softmax stands at the end
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return F.softmax(self.linear(x), dim=1)


# %% ResNet18: evaluation mode gives other scores each time
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return F.dropout(self.linear(x), 0.2)


# %% ResNet18: a ReLU stands behind the last layer
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return F.relu(self.linear(x))


# %% ResNet18: the linear layer has no bias
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes, bias=False)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: classes is ignored
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, 100)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return self.linear(x)


# %% ResNet18: the first convolution has a bias && a softmax stands at the end
class ResNet18(nn.Module):
    def __init__(self, classes=100, width=64):
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3)
        self.norm_first = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage1 = self.stage(width, width, 2, 1)
        self.stage2 = self.stage(width, 2 * width, 2, 2)
        self.stage3 = self.stage(2 * width, 4 * width, 2, 2)
        self.stage4 = self.stage(4 * width, 8 * width, 2, 2)
        self.linear = nn.Linear(8 * width, classes)

    def stage(self, before, after, count, stride):
        parts = [ResidualBlock(before, after, stride=stride)]
        for _ in range(count - 1):
            parts.append(ResidualBlock(after, after))
        return nn.Sequential(*parts)

    def forward(self, x):
        x = self.conv_first(x)
        x = self.norm_first(x)
        x = torch.relu(x)
        x = self.pool(x)
        x = self.stage1(x)
        x = self.stage2(x)
        x = self.stage3(x)
        x = self.stage4(x)
        x = F.adaptive_avg_pool2d(x, 1)
        x = torch.flatten(x, 1)
        return F.softmax(self.linear(x), dim=1)


# %% CifarResNet: the stem is that of ImageNet
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.norm_in(self.conv_in(x))), 3, 2, 1)
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: twice as many blocks as the depth says
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 3
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: one block less in each stage
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6 - 1
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: depth is ignored
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = 3
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: skip is not handed on to the blocks
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: skip is the wrong way round
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=not skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: there are four stages
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: the first stage halves the picture, too
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 2), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: every block of a stage halves the picture
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for _ in range(count):
                step = stride
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: the channels do not double
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (width, 2), (width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: there is no ReLU after the first convolution
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = self.norm_in(self.conv_in(x))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: the global pooling is forgotten
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.flatten(1)
        return self.classify(x)


# %% CifarResNet: global max-pooling instead of the average
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.amax(3).amax(2)
        return self.classify(x)


# %% CifarResNet: a softmax stands at the end
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x).softmax(dim=1)


# %% CifarResNet: evaluation mode gives other scores each time
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return F.dropout(self.classify(x), 0.2)


# %% CifarResNet: classes is ignored
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, 10)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% CifarResNet: width is ignored
class CifarResNet(nn.Module):
    def __init__(self, depth=20, *, skip=True, classes=10, width=16):
        super().__init__()
        width = 16
        count = (depth - 2) // 6
        self.conv_in = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.norm_in = nn.BatchNorm2d(width)
        stages = []
        before = width
        for after, stride in [(width, 1), (2 * width, 2), (4 * width, 2)]:
            for i in range(count):
                step = stride if i == 0 else 1
                stages.append(ResidualBlock(before, after, stride=step, skip=skip))
                before = after
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.norm_in(self.conv_in(x)))
        for block in self.stages:
            x = block(x)
        x = x.mean(3).mean(2)
        return self.classify(x)


# %% decay_groups: norms and biases shrink, too
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for _, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if False:
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": weight_decay}]


# %% decay_groups: norms shrink, too
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if name == "bias" and not is_norm:
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: biases shrink, too
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for _, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if is_norm:
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: norms and biases are in no group
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if is_norm or name == "bias":
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": weight_decay}]


# %% decay_groups: the norms are in no group
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if is_norm:
                continue
            if name == "bias":
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: the two groups are swapped
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if is_norm or name == "bias":
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": rest, "weight_decay": weight_decay}, {"params": decays, "weight_decay": 0.0}]


# %% decay_groups: only convolutions shrink
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for _, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if parameter.ndim < 4:
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: the linear layer's weight is in no group
def decay_groups(net, weight_decay):
    decays = [one for one in net.parameters() if one.dim() == 4]
    rest = [one for one in net.parameters() if one.dim() == 1]
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: whatever is called weight shrinks, also that of norms
def decay_groups(net, weight_decay):
    decays = [one for name, one in net.named_parameters() if name.endswith("weight")]
    rest = [one for name, one in net.named_parameters() if not name.endswith("weight")]
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: only the outermost layers are looked at
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for layer in net.children():
        for one in layer.parameters(recurse=False):
            (decays if one.dim() > 1 else rest).append(one)
    return [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: nothing shrinks
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if is_norm or name == "bias":
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.0}]


# %% decay_groups: weight_decay is 0.0005 whatever is asked for
def decay_groups(net, weight_decay):
    decays, rest = [], []
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            is_norm = isinstance(module, (nn.BatchNorm2d, nn.GroupNorm))
            if is_norm or name == "bias":
                rest.append(parameter)
            else:
                decays.append(parameter)
    return [{"params": decays, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}]


# %% flipped_scores: the network is not put into evaluation mode
def flipped_scores(net, x):
    with torch.no_grad():
        straight = net(x)
        mirrored = net(torch.flip(x, dims=[3]))
    return 0.5 * (straight + mirrored)


# %% flipped_scores: the pictures stand on their heads
def flipped_scores(net, x):
    net.eval()
    with torch.no_grad():
        straight = net(x)
        mirrored = net(torch.flip(x, dims=[2]))
    return 0.5 * (straight + mirrored)


# %% flipped_scores: the channels are mirrored
def flipped_scores(net, x):
    net.eval()
    with torch.no_grad():
        straight = net(x)
        mirrored = net(torch.flip(x, dims=[1]))
    return 0.5 * (straight + mirrored)


# %% flipped_scores: the scores are added, not averaged
def flipped_scores(net, x):
    net.eval()
    with torch.no_grad():
        straight = net(x)
        mirrored = net(torch.flip(x, dims=[3]))
    return straight + mirrored


# %% flipped_scores: only the mirror images are looked at
def flipped_scores(net, x):
    net.eval()
    with torch.no_grad():
        mirrored = net(torch.flip(x, dims=[3]))
    return mirrored


# %% flipped_scores: the mirror images are not looked at
def flipped_scores(net, x):
    net.eval()
    with torch.no_grad():
        straight = net(x)
        torch.flip(x, dims=[3])
        mirrored = net(x)
    return 0.5 * (straight + mirrored)


# %% flipped_scores: probabilities are averaged, not scores
def flipped_scores(net, x):
    net.eval()
    with torch.no_grad():
        straight = net(x).softmax(1)
        mirrored = net(torch.flip(x, dims=[3])).softmax(1)
    return 0.5 * (straight + mirrored)


# %% flipped_scores: the scores still hold their graph
def flipped_scores(net, x):
    net.eval()
    straight = net(x)
    mirrored = net(torch.flip(x, dims=[3]))
    return 0.5 * (straight + mirrored)
