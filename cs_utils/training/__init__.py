"""Training a network, in PyTorch and in files that can be read whole; begin with `loop.py`.

`fit` trains. `initial_loss`, `overfit_one_batch` and `find_learning_rate` are worth a minute before it.
"""

from cs_utils.training.augment import Augment, cutout, random_crop, random_flip
from cs_utils.training.checks import initial_loss, overfit_one_batch
from cs_utils.training.hardware import device, precision, set_seed
from cs_utils.training.history import History
from cs_utils.training.loop import evaluate, fit
from cs_utils.training.memory import NotEnoughMemory
from cs_utils.training.optimiser import nesterov_sgd, parameter_groups
from cs_utils.training.rates import find_learning_rate
from cs_utils.training.recipes import fast_resnet
from cs_utils.training.schedule import one_cycle
from cs_utils.training.trouble import TrainingDiverged

__all__ = [
    "Augment",
    "History",
    "NotEnoughMemory",
    "TrainingDiverged",
    "cutout",
    "device",
    "evaluate",
    "fast_resnet",
    "find_learning_rate",
    "fit",
    "initial_loss",
    "nesterov_sgd",
    "one_cycle",
    "overfit_one_batch",
    "parameter_groups",
    "precision",
    "random_crop",
    "random_flip",
    "set_seed",
]
