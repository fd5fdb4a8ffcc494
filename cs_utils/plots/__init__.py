"""The figures of the notebooks. Nothing here computes an answer: arrays come in, pictures come out.

matplotlib is imported with the first figure, so that grading, which draws none, does not wait for it.
"""

from __future__ import annotations

import importlib
from typing import Any

# name -> module of this package that has it
_WHERE = {
    name: module
    for module, names in {
        "backward": (
            "explore_input_pixel",
            "show_columns_home",
            "show_duality",
            "show_stamps",
            "show_step_errors",
        ),
        "convolution": (
            "explore_im2col",
            "explore_toeplitz",
            "show_layer",
            "show_layer_benchmark",
            "show_times",
            "show_toeplitz",
        ),
        "history": (
            "show_histories",
            "show_history",
            "show_rate_search",
        ),
        "kernels": (
            "crowd",
            "explore_sliding",
            "first_layer_filters",
            "photo",
            "show_filters",
            "show_match",
            "show_matrix",
            "show_pictures",
            "show_sequences",
            "show_sliding",
        ),
        "leaderboard": (
            "show_attack",
            "show_balance",
            "show_classes",
            "show_coverage",
            "show_hardest",
            "show_public_private",
            "show_scores_with_intervals",
            "show_standing",
        ),
        "lenet": (
            "show_confusion",
            "show_curves",
            "show_kernels_before_and_after",
            "show_mistaken",
            "show_paths",
            "show_rates",
            "show_step_times",
            "show_steps",
        ),
        "modules": (
            "show_guesses",
            "show_modes",
            "show_throughput",
        ),
        "normalisation": (
            "show_averaging",
            "show_batchnorm_graph",
            "show_company",
            "show_features",
            "show_running",
        ),
        "pooling": (
            "show_kernels",
            "show_max_pooling",
            "show_routing",
            "show_shift_errors",
            "show_spots",
            "show_tables",
        ),
        "residual": (
            "show_augmented",
            "show_block",
            "show_depths",
            "show_schedule",
        ),
        "shapes": (
            "explore_windows",
            "show_dilations",
            "show_memory",
            "show_network",
            "show_paddings",
            "show_receptive_field",
            "show_shares",
            "show_windows",
        ),
        "training": (
            "show_activations",
            "show_average",
            "show_clouds",
            "show_losses",
            "show_masks",
            "show_scores",
            "show_thinned",
        ),
        "transfer": (
            "show_class_maps",
            "show_filter_sets",
            "show_fine_tuning",
        ),
    }.items()
    for name in names
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"there is no figure called {name!r}; there are: {', '.join(sorted(_WHERE))}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_WHERE)
