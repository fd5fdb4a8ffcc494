"""When the device has too little memory: which batch size would fit, found out by trying."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from types import TracebackType

import torch
import torch.nn.functional as F
from torch import nn

from cs_utils.training.pictures import Pictures

# PyTorch has a type for an NVIDIA card's error; for Apple's GPUs and for CPUs there are only words.
WORDS = "out of memory", "can't allocate memory", "not enough memory"


class NotEnoughMemory(RuntimeError):
    """A step does not fit into the device's memory. batch_size: the largest one that did, or 0."""

    def __init__(self, sentence: str, batch_size: int) -> None:
        super().__init__(sentence)
        self.batch_size = batch_size


def out_of_memory(error: BaseException | None) -> bool:
    """Does this error say that memory was not enough?"""
    said = isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)
    return said or isinstance(error, torch.OutOfMemoryError | MemoryError)


class EnoughMemory:
    """While it is open, an error for lack of memory becomes a `NotEnoughMemory`, which says what to do.

    The network is afterwards as it was before the step that failed.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Pictures,
        batch_size: int,
        augment: Callable[[torch.Tensor], torch.Tensor] | None,
        dtype: torch.dtype,
    ) -> None:
        self._model, self._data, self._batch_size = model, data, batch_size
        self._augment, self._dtype = augment, dtype

    def __enter__(self) -> EnoughMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not out_of_memory(error):
            return
        traceback.clear_frames(trace)  # the layers' frames hold what they computed
        fits = self._largest()
        raise NotEnoughMemory(self._told(fits), fits) from error

    def _largest(self) -> int:
        """This batch size, a half of it, a quarter ...: the first one that fits."""
        kept = {name: value.cpu().clone() for name, value in self._model.named_buffers()}
        size = self._batch_size
        while size and not self._fits(size):
            size //= 2
        with torch.no_grad():
            for name, value in self._model.named_buffers():
                value.copy_(kept[name])
        return size

    def _fits(self, size: int) -> bool:
        """Try one step without moving anything."""
        self._free()
        try:
            self._step(size)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            traceback.clear_frames(error.__traceback__)
            return False
        finally:
            self._free()
        return True

    def _step(self, size: int) -> None:
        speeds = [torch.empty_like(weights) for weights in self._model.parameters()]  # the optimiser's share
        x, y = self._data.batch(slice(0, size), self._augment)
        with torch.autocast(x.device.type, self._dtype, enabled=self._dtype != torch.float32):
            loss = F.cross_entropy(self._model.train()(x), y)
        loss.backward()
        del speeds

    def _free(self) -> None:
        self._model.zero_grad(set_to_none=True)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        elif torch.backends.mps.is_available():
            torch.mps.empty_cache()

    def _told(self, fits: int) -> str:
        wanted = self._batch_size
        if fits == wanted:
            return (
                f"The memory was not enough, but a step with {wanted} pictures fits when it is tried again. "
                "Does another program, or another variable of this notebook, take memory? Call fit again."
            )
        if not fits:
            return (
                "The memory is not enough for a step with a single picture. Take a smaller network or "
                "smaller pictures, close what else uses this device, or take another one: device='cpu'."
            )
        return (
            f"The memory is not enough for steps with {wanted} pictures. {fits} fit (tried just now): call "
            f"fit(..., batch_size={fits}), with max_lr smaller in proportion. The network is whole. A "
            "checkpoint of the other batch size does not go on with this one; give it another name."
        )
