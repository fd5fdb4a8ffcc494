"""What training runs on: the device, the precision of its arithmetic, and seeds."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def device(name: str | torch.device | None = None) -> torch.device:
    """The device called `name`; without a name the fastest: an NVIDIA card, an Apple GPU, the CPU."""
    if name is not None:
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def precision(place: torch.device) -> torch.dtype:
    """In what numbers convolutions and matrix products pay best there.

    bfloat16 has the range of float32 and needs no care. NVIDIA cards older than Ampere (a T4, say) are quick
    in float16 only, whose small gradients must be scaled up (Micikevicius et al. 2018, "Mixed Precision
    Training", arXiv:1710.03740). On CPUs and Apple GPUs half precision gains little: float32.
    """
    if place.type != "cuda":
        return torch.float32
    ampere = torch.cuda.get_device_capability(place) >= (8, 0)
    return torch.bfloat16 if ampere else torch.float16


def move(model: nn.Module, place: torch.device) -> None:
    """Move the weights to the device, and on NVIDIA cards make ready for speed.

    Their tensor cores want the channels of a pixel side by side in memory ("channels last"), and cuDNN finds
    the fastest algorithm for each shape when it may try them all once.
    """
    if place.type == "cuda":
        torch.backends.cudnn.benchmark = True
        model.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    else:
        model.to(place)


def describe(place: torch.device, dtype: torch.dtype) -> str:
    """In words, such as ``NVIDIA H200, bfloat16`` or ``the CPU (2 threads), float32``."""
    if place.type == "cuda":
        name = torch.cuda.get_device_name(place)
    elif place.type == "mps":
        name = "the Apple GPU"
    else:
        threads = torch.get_num_threads()
        name = f"the CPU ({threads} thread{'s' if threads > 1 else ''})"
    return f"{name}, {str(dtype).removeprefix('torch.')}"


def set_seed(seed: int, *more: int) -> None:
    """Seed PyTorch's generators on every device. Other numbers, or more of them, give other streams."""
    torch.manual_seed(_mixed(seed, *more))


def set_seed_on(place: torch.device, seed: int, *more: int) -> None:
    """The same for the CPU and one device only: quick enough for every step."""
    mixed = _mixed(seed, *more)
    torch.default_generator.manual_seed(mixed)
    if place.type == "cuda":
        index = torch.cuda.current_device() if place.index is None else place.index
        torch.cuda.default_generators[index].manual_seed(mixed)
    elif place.type == "mps":
        torch.mps.manual_seed(mixed)


def _mixed(*numbers: int) -> int:
    """One number of 63 bits; the 1 at the end tells (3,) from (3, 0)."""
    return int(np.random.SeedSequence([*numbers, 1]).generate_state(1, np.uint64)[0] >> np.uint64(1))
