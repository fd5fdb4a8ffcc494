"""What `load` gives back: pictures and labels, for training and for testing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """The training half or the test half of a data set.

    images: uint8 of shape (N, H, W, C), values 0 to 255, mostly a file that is read as it is needed. labels:
    int64 of shape (N,). mean, std: per channel, float64 of shape (C,), of the *training* pictures divided by
    255.
    """

    images: np.ndarray
    labels: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: Any) -> Split:
        """Some of the pictures, by a slice, an array of positions, or a mask: `train[:1000]`."""
        if np.ndim(which) == 0 and not isinstance(which, slice):
            raise TypeError("name several pictures, such as train[:10]; one picture is train.images[0]")
        return Split(self.images[which], self.labels[which], self.mean, self.std)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels for a network in NumPy.

        Returns x, float32 of shape (N, C, H, W), standardised with the training pictures' mean and standard
        deviation, and y, int64 of shape (N,).
        """
        x = np.array(self.images.transpose(0, 3, 1, 2), dtype=np.float32, order="C")
        x -= _column(255 * self.mean)
        x /= _column(255 * self.std)
        return x, np.array(self.labels)

    def tensors(
        self, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for PyTorch: x of `dtype` (float32 unless told) and y (int64), both on `device`.

        With `dtype=torch.uint8` the values stay 0 to 255. Bytes travel to the device, and become numbers
        there.
        """
        import torch

        x = torch.from_numpy(np.array(self.images.transpose(0, 3, 1, 2), order="C")).to(device)
        y = torch.from_numpy(np.array(self.labels)).to(device)
        if dtype is torch.uint8:
            return x, y
        x = x.to(torch.float32)
        x -= torch.from_numpy(_column(255 * self.mean)).to(device)
        x /= torch.from_numpy(_column(255 * self.std)).to(device)
        return x.to(dtype or torch.float32), y

    def __repr__(self) -> str:
        return f"<{len(self):,} images of shape {tuple(self.images.shape[1:])}>"


def _column(values: np.ndarray) -> np.ndarray:
    """Per-channel values in a shape that fits (N, C, H, W)."""
    return np.asarray(values, dtype=np.float32)[:, None, None]


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """A data set. `train`, `test`: the two splits. `classes[label]`: the name of a class."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]

    def __repr__(self) -> str:
        height, width, channels = self.train.images.shape[1:]
        colour = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
        return (
            f"<{self.name}: {len(self.train):,} training and {len(self.test):,} test images, "
            f"{height}x{width} {colour}, {len(self.classes)} classes>"
        )


def statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation per channel of uint8 images (N, H, W, C), divided by 255; exact.

    A channel that never changes gets the standard deviation of one step of grey, since it is divided by.
    """
    counts = np.zeros((images.shape[-1], 256), dtype=np.int64)
    for start in range(0, len(images), 2000):  # bounded memory, for sets that are larger than it
        part = images[start : start + 2000]
        for channel in range(images.shape[-1]):
            counts[channel] += np.bincount(part[..., channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mean = share @ values
    std = np.sqrt(np.maximum((share * (values - mean[:, None]) ** 2).sum(axis=1), 0))
    return mean, np.maximum(std, 1 / 255)
