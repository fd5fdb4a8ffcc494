"""A small residual network that comes with the course, trained on pictures that a formula makes.

    net = small_resnet(weights="shapes")             # ten classes: cs_utils.shapes.CLASSES
    scores = net(prepare(images))                    # uint8 pictures of any size, grey or in colour

`tools/pretrain_shapes.py` made the weights, and docs/pretrained.md says how good they are.
"""

from __future__ import annotations

import hashlib
import io
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cs_utils.training import device

SIZE = 64  # side of the pictures that it was trained on
WIDTHS = (24, 48, 96)
WEIGHTS = Path(__file__).parent / "weights"
CHECKSUMS = {  # SHA-256 of the files
    "shapes": "92d367b3cbcd8bf7f56d4e9570c6ba23239aa41b9dbb3f29ed63c07f8b74f941",
    "shapes-pointed": "a52e1bf4069349758491a2eae335bb5e0401b53b159fd558ced007c68790542b",
}


class Residual(nn.Module):
    """A block with norm and ReLU before each convolution (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, inputs: int, outputs: int, step: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*_before(inputs, outputs, step), *_before(outputs, outputs, 1))
        narrowed = [nn.AvgPool2d(step)] if step > 1 else []
        widened = [nn.Conv2d(inputs, outputs, 1, bias=False)] if inputs != outputs else []
        self.shortcut = nn.Sequential(*narrowed, *widened)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.branch(x)


def _before(inputs: int, outputs: int, step: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, step, padding=1, bias=False)
    return [nn.BatchNorm2d(inputs), nn.ReLU(), convolution]


class SmallResNet(nn.Module):
    """Pictures (N, 3, H, W) -> scores (N, classes); 341,410 parameters for ten classes.

    `parts` lists it from the picture to the scores: stem, three stages and the head. `features` gives what
    the head takes the mean of: (N, 96, H / 8, W / 8), never negative.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.stem = nn.Conv2d(3, first, 5, stride=2, padding=2, bias=False)
        self.stage1 = Residual(first, first, 1)
        self.stage2 = Residual(first, second, 2)
        self.stage3 = nn.Sequential(
            Residual(second, third, 2), Residual(third, third, 1), nn.BatchNorm2d(third), nn.ReLU()
        )
        self.head = nn.Linear(third, classes)

    @property
    def parts(self) -> list[nn.Module]:
        return [self.stem, self.stage1, self.stage2, self.stage3, self.head]

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.stage3(self.stage2(self.stage1(self.stem(x))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).mean((2, 3)))


def small_resnet(classes: int = 10, weights: str | None = None) -> SmallResNet:
    """The network, with random weights or with those that came with the course, in evaluation mode then.

    weights: None; ``"shapes"``, trained on `cs_utils.shapes`, 64 x 64 pixels; or ``"shapes-pointed"``, which
    was told besides that what speaks for a class should lie on the shape. Both have ten classes; with another
    number the head keeps the random weights it starts with.

    Raises:
        ValueError: there are no weights of that name, or their file is not the one that was made.
    """
    net = SmallResNet(classes)
    if weights is None:
        return net
    if weights not in CHECKSUMS:
        raise ValueError(f"there are no weights called {weights!r}; there are: {', '.join(CHECKSUMS)}")
    stored = unpacked(WEIGHTS / f"{weights}.npz", CHECKSUMS[weights])
    if classes != len(stored["head.bias"]):
        stored = {name: array for name, array in stored.items() if not name.startswith("head.")}
    net.load_state_dict(stored, strict=False)
    return net.eval()


def prepare(images: Any, size: int | None = SIZE) -> torch.Tensor:
    """Pictures as the network takes them: uint8 (N, H, W[, C]) -> float32 (N, 3, size, size).

    Grey becomes three equal colours. size: the side to which they are enlarged, None to leave it.
    """
    x = torch.from_numpy(np.array(images)).float() / 255
    x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)
    x = x.expand(-1, 3, -1, -1)
    if size is not None and x.shape[2:] != (size, size):
        x = F.interpolate(x, (size, size), mode="bilinear", antialias=True)
    return (x - 0.5) / 0.25


def packed(net: nn.Module) -> tuple[bytes, str]:
    """Weights and running statistics in half precision as the bytes of an .npz file, and their SHA-256."""
    stored = io.BytesIO()
    halves = {name: tensor.half().numpy() for name, tensor in net.state_dict().items() if tensor.ndim}
    np.savez_compressed(stored, **halves)  # type: ignore[arg-type]
    return stored.getvalue(), hashlib.sha256(stored.getvalue()).hexdigest()


def unpacked(path: Path, checksum: str | None = None) -> dict[str, torch.Tensor]:
    """What `packed` made of a network. checksum: refuse any other file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"the weights are missing: {path} ({error.strerror}); install the course again"
        raise ValueError(message) from None
    if checksum is not None and hashlib.sha256(content).hexdigest() != checksum:
        raise ValueError(f"{path} is not the file that the course came with; install the course again")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: torch.from_numpy(stored[name].astype(np.float32)) for name in stored.files}


# --- how much to train, and a larger network ----------------------------------------------------------------


@dataclass(frozen=True)
class Transfer:
    """How many pictures notebook 11 fine-tunes and tests with, and how often it goes through them."""

    where: str
    train: int
    test: int
    epochs: int

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.train:,} pictures to train with, {self.test:,} to test; {self.epochs} "
            f"epoch{'s' if self.epochs > 1 else ''}"
        )


def transfer_settings() -> Transfer:
    """The settings for this machine."""
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("CS_UTILS_QUICK", "CS_UTILS_GRADING")):
        return Transfer("In a hurry", 64, 64, 1)
    if device().type == "cpu":
        return Transfer("On a CPU", 500, 500, 6)
    return Transfer("On a GPU", 2000, 1000, 10)


def imagenet_resnet18() -> tuple[nn.Module, Sequence[str], Callable[[np.ndarray], torch.Tensor]] | None:
    """torchvision's ResNet-18 for ImageNet, its class names, and what makes an input of a photo (3, H, W).

    None, with a line that says why, where torchvision or its weights cannot be had. Nothing needs them.
    """
    if os.environ.get("CS_UTILS_QUICK", "0") not in ("", "0"):
        print("In a hurry: no download of a larger network.")
        return None
    try:
        from torchvision.models import ResNet18_Weights, resnet18
    except (ImportError, RuntimeError) as error:  # a torchvision that is not of this PyTorch raises both
        print(f"torchvision is not here ({error}): no larger network.")
        return None
    chosen = ResNet18_Weights.DEFAULT
    waited = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10)
    try:
        net = resnet18()
        net.load_state_dict(chosen.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        print(f"The weights of the larger network cannot be had ({error}).")
        return None
    finally:
        socket.setdefaulttimeout(waited)
    transform = chosen.transforms()
    return net.eval(), chosen.meta["categories"], lambda photo: transform(torch.tensor(photo).float())[None]
