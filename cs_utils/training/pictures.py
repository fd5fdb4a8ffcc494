"""The pictures and their labels, all of them on the device, so that no step waits for data."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

MOST_CHANNELS = 4


@dataclass
class Pictures:
    """Pictures on a device.

    images: uint8 (N, H, W, C), or floats that go into the network as they are, (N, C, H, W) as a rule.
    labels: int64 (N,). mean, std: (C, 1, 1), to standardise uint8 pictures with; units of 0 to 255.
    """

    images: torch.Tensor
    labels: torch.Tensor
    mean: torch.Tensor | None
    std: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.labels)

    def batch(
        self, which: torch.Tensor | slice, augment: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (B, C, H, W), standardised and augmented, and labels (B,)."""
        x = self.images[which]
        if self.mean is not None and self.std is not None:
            x = (x.permute(0, 3, 1, 2) - self.mean) / self.std  # channels last in memory as it is
        x = augment(x) if augment else x
        if x.is_cuda and x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return x, self.labels[which]

    def fingerprint(self) -> str:
        """Changes with the labels, their number, their order, or pictures (of these, 64 are looked at)."""
        some = self.images[:: -(-len(self) // 64)].float().cpu().numpy()
        checksum = zlib.crc32(some.tobytes(), zlib.crc32(self.labels.cpu().numpy().tobytes()))
        return f"{len(self):,} images with checksum {checksum:08x}"


def pictures(data: Any, place: torch.device, like: Pictures | None = None) -> Pictures:
    """Bring (images, labels) to the device.

    Args:
        data: a pair, or anything with ``images`` and ``labels``; arrays or tensors. Images are uint8
            (N, H, W), (N, H, W, C) or (N, C, H, W), which are standardised for each channel, or floats, taken
            as they are. Where it has ``mean`` and ``std`` (of values from 0 to 1), as the halves of a
            `cs_utils.data.Images` have, these are taken to standardise.
        like: else its mean and spread are taken: the test set goes with those of the training set.

    Raises:
        ValueError: images and labels do not go together, or are nothing to learn from.
    """
    if isinstance(data, Pictures):
        return data  # the caller has brought them there already
    images, labels = (data.images, data.labels) if hasattr(data, "labels") else data
    x, y = _tensor(images), _tensor(labels)
    _refuse(x, y)
    x, y = x.to(place), y.to(place, torch.int64)
    if x.dtype != torch.uint8:
        return Pictures(x if x.dtype.itemsize < 8 else x.float(), y, None, None)
    x = _channels_last(x)
    if hasattr(data, "mean"):
        return Pictures(x, y, *(_column(255 * np.asarray(value), x) for value in (data.mean, data.std)))
    if like is None or like.mean is None:
        return Pictures(x, y, *_spread(x))
    return Pictures(x, y, like.mean, like.std)


def _tensor(values: Any) -> torch.Tensor:
    """As a tensor of its own where it was an array: memory-mapped files must not be written to."""
    return values.detach() if isinstance(values, torch.Tensor) else torch.tensor(np.asarray(values))


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    """(N, H, W), (N, H, W, C) or (N, C, H, W) as (N, H, W, C)."""
    if x.ndim == 3:
        return x[..., None]
    return x if x.shape[3] <= MOST_CHANNELS else x.permute(0, 2, 3, 1).contiguous()


def _column(values: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    """One number for each channel in a shape that goes with (N, C, H, W), on the device of x."""
    return torch.as_tensor(values, dtype=torch.float32).view(-1, 1, 1).to(x.device)


def _refuse(x: torch.Tensor, y: torch.Tensor) -> None:
    if y.ndim != 1 or len(x) != len(y) or len(y) == 0:
        raise ValueError(f"images {tuple(x.shape)} need one label each, but labels are {tuple(y.shape)}")
    if y.is_floating_point() or y.dtype == torch.bool:
        raise ValueError(f"labels are class numbers (integers), not {y.dtype}")
    if x.dtype == torch.uint8:
        if x.ndim != 3 and not (x.ndim == 4 and min(x.shape[1], x.shape[3]) <= MOST_CHANNELS):
            raise ValueError(
                f"uint8 images are (N, H, W), (N, H, W, C) or (N, C, H, W) with up to {MOST_CHANNELS} "
                f"channels, not {tuple(x.shape)}"
            )
    elif not x.is_floating_point():
        raise ValueError(f"images are uint8 or floats, not {x.dtype}")


def _spread(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel of uint8 (N, H, W, C), both (C, 1, 1), float32.

    Counts how often each value occurs, so that no copy of the pictures in floats is needed.
    """
    values = torch.arange(256, dtype=torch.float64)
    counts = [
        torch.bincount(channel.flatten().int(), minlength=256).cpu().double() for channel in x.unbind(3)
    ]
    share = torch.stack(counts) / counts[0].sum()  # (C, 256)
    mean = share @ values
    std = (share @ values.square() - mean.square()).clamp(min=1.0).sqrt()  # a constant channel stays finite
    return _column(mean.numpy(), x), _column(std.numpy(), x)
