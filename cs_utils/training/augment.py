"""Random changes of the pictures, new in every epoch, made for a whole batch at once on its device.

Numbers are drawn from PyTorch's generator of that device (`torch.manual_seed`). x is (N, C, H, W), floats;
it is never changed itself, and what comes out has the same shape and dtype.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F


def random_crop(x: torch.Tensor, padding: int = 4) -> torch.Tensor:
    """Each picture with a border of `padding` zeros, cropped back to its size at a place of its own.

    After standardising, 0 is the mean colour. From He et al. 2016, arXiv:1512.03385, section 4.2.
    """
    count, (height, width) = len(x), x.shape[2:]
    # (N, C, 2 padding + 1, 2 padding + 1, H, W): every crop there is, as a view that copies nothing
    crops = F.pad(x, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    down, right = torch.randint(2 * padding + 1, (2, count), device=x.device)
    return crops[torch.arange(count, device=x.device), :, down, right]


def random_flip(x: torch.Tensor) -> torch.Tensor:
    """Each picture mirrored left to right with probability 1/2."""
    mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
    return torch.where(mirrored, x.flip(3), x)


def cutout(x: torch.Tensor, size: int = 8) -> torch.Tensor:
    """A square of `size` x `size` pixels of each picture set to 0, anywhere inside it.

    From DeVries and Taylor 2017, arXiv:1708.04552; there, a square may stick out of the picture.
    """
    count, (height, width) = len(x), x.shape[2:]
    corner = torch.rand(2, count, 1, device=x.device)

    def hidden(side: int, at: torch.Tensor) -> torch.Tensor:  # (N, side), True for `size` neighbours
        first = (at * (side - min(size, side) + 1)).floor()
        pixels = torch.arange(side, device=x.device)
        return (pixels >= first) & (pixels < first + size)

    square = hidden(height, corner[0])[:, None, :, None] & hidden(width, corner[1])[:, None, None, :]
    return x.masked_fill(square, 0)


@dataclass(frozen=True)
class Augment:
    """Crop, flip and cutout after one another, as `fit(..., augment=Augment(crop=4))` wants it.

    crop: pixels of padding, 0 for no crop. flip: mirror left to right; not for digits and letters.
    cutout: side of the square in pixels, 0 for none.
    """

    crop: int = 4
    flip: bool = True
    cutout: int = 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        x = random_crop(x, self.crop) if self.crop else x
        x = random_flip(x) if self.flip else x
        return cutout(x, self.cutout) if self.cutout else x
