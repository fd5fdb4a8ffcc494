"""Stochastic gradient descent, and which parameters it shrinks."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

NORMS = (
    nn.modules.batchnorm._NormBase,  # batch norm and instance norm in every number of dimensions
    nn.GroupNorm,
    nn.LayerNorm,
)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The parameters that train, in two groups for an optimiser: those with weight decay, those without.

    Weight decay keeps weights from growing. For what a norm multiplies with and for biases, small is not
    simpler: they go without (He et al. 2019, "Bag of Tricks", arXiv:1812.01187, section 3.1).
    """
    free = {
        id(parameter)
        for norm in model.modules()
        if isinstance(norm, NORMS)
        for parameter in norm.parameters()
    }
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decays = [parameter for parameter in trained if parameter.ndim > 1 and id(parameter) not in free]
    decaying = {id(parameter) for parameter in decays}
    rest = [parameter for parameter in trained if id(parameter) not in decaying]
    groups = [{"params": decays, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def nesterov_sgd(
    model: nn.Module, *, max_lr: float, momentum: float = 0.9, weight_decay: float = 5e-4
) -> torch.optim.SGD:
    """Gradient descent with Nesterov momentum, as in Sutskever et al. 2013 (PMLR 28:1139-1147).

    Raises:
        ValueError: no parameter of the model trains.
    """
    groups = parameter_groups(model, weight_decay)
    if not groups:
        raise ValueError(
            "no parameter of this model trains: all have requires_grad = False, or there are none"
        )
    on_cuda = groups[0]["params"][0].is_cuda
    # fused: one kernel for all weights, and float16's check for infinities without waiting for the device
    return torch.optim.SGD(
        groups, lr=max_lr, momentum=momentum, nesterov=momentum > 0, fused=True if on_cuda else None
    )
