"""Figures of notebook 11: filters of a first layer, what fine-tuning brings, and maps over pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cs_utils.plots import style

HOT = "inferno"


def _array(values: Any) -> np.ndarray:
    """Of a tensor, too."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def show_filter_sets(sets: Mapping[str, Any]) -> None:
    """Filters (D, 3, h, w) under their names, in colour; grey is 0, and each filter has its own scale."""
    arrays = {name: _array(filters).astype(float) for name, filters in sets.items()}
    across = 12
    rows = {name: math.ceil(len(filters) / across) for name, filters in arrays.items()}
    fig = style.figure(9.5, 0.35 * len(arrays) + 0.85 * sum(rows.values()))
    parts = fig.subfigures(len(arrays), 1, height_ratios=list(rows.values()), squeeze=False)[:, 0]
    for part, (name, filters) in zip(parts, arrays.items(), strict=True):
        part.suptitle(name, fontsize=10, x=0.01, ha="left")
        axes = part.subplots(rows[name], across, squeeze=False).ravel()
        for ax in axes:
            ax.axis("off")
        for ax, weights in zip(axes, filters, strict=False):
            limit = float(np.abs(weights).max()) or 1.0
            ax.imshow((0.5 + weights / (2 * limit)).transpose(1, 2, 0))
    rough = {name: _roughness(filters) for name, filters in arrays.items()}
    told = "; ".join(
        f"{name}: {len(arrays[name])} filters, roughness {value:.2f}" for name, value in rough.items()
    )
    style.show(
        fig,
        f"First-layer filters as small colour pictures. {told}. (Roughness: how much neighbouring numbers "
        "differ, compared with what chance gives, 1.)",
    )


def _roughness(filters: np.ndarray) -> float:
    """Squared difference of neighbours over twice the variance: 1 for independent numbers, 0 for flat."""
    differences = np.diff(filters, axis=3) ** 2
    return float(differences.mean() / (2 * filters.var(axis=(2, 3)).mean() + 1e-12))


def show_fine_tuning(results: Mapping[str, tuple[float, float]]) -> None:
    """Bars: for each way of training (accuracy from 0 to 1, seconds)."""
    names = list(results)
    fig = style.figure(8.5, 0.5 + 0.45 * len(names))
    for ax, place, label, colour in zip(
        fig.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.1}),
        (0, 1),
        ("right, %", "seconds"),
        (style.BLUE, style.ORANGE),
        strict=True,
    ):
        values = [100 * results[name][0] if place == 0 else results[name][1] for name in names]
        bars = ax.barh(range(len(names)), values, color=colour)
        ax.bar_label(bars, [f"{value:.0f}" for value in values], padding=2, fontsize=9)
        ax.set(yticks=range(len(names)), yticklabels=names, xlabel=label, xlim=(0, 1.15 * max(*values, 1)))
        ax.spines[["top", "right"]].set_visible(False)
    fig.axes[0].invert_yaxis()
    told = "; ".join(
        f"{name} {100 * share:.0f} % in {seconds:.0f} s" for name, (share, seconds) in results.items()
    )
    style.show(fig, f"Share of test pictures that are right, and time: {told}.")


def show_class_maps(
    pictures: Any, maps: Any, titles: Sequence[str], *, masks: Any = None, hot: str = "the map of its class"
) -> None:
    """Each picture, and under it the picture with its map over it, the peak as a cross.

    pictures: uint8 (N, H, W, 3) or (N, H, W). maps: (N, H, W). masks: outlines, drawn in white.
    """
    pictures, maps = _array(pictures), _array(maps)
    count = len(titles)
    fig = style.figure(1.5 * count + 0.4, 3.6)
    inside = []
    for number, axes in enumerate(fig.subplots(2, count, squeeze=False).T):
        image = pictures[number]
        for ax in axes:
            ax.imshow(image, cmap="gray" if image.ndim == 2 else None)
            ax.axis("off")
        axes[1].imshow(maps[number], cmap=HOT, alpha=0.6)
        row, column = np.unravel_index(maps[number].argmax(), maps[number].shape)
        axes[1].plot(column, row, marker="x", color=style.SKY, markersize=9, markeredgewidth=2.5)
        if masks is not None:
            mask = _array(masks)[number]
            axes[1].contour(mask, levels=[0.5], colors="white", linewidths=1)
            inside.append(bool(mask[row, column]))
        axes[0].set_title(titles[number], fontsize=9)
    told = f" The peak lies inside the outline in {sum(inside)} of {count} pictures." if inside else ""
    style.show(
        fig,
        f"{count} pictures ({', '.join(titles)}), and below {hot} over each, bright where it is high, with "
        f"a cross at its peak.{told}",
    )
