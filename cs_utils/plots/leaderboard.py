"""Figures of notebook 12: the pictures, how sure a score is, what a board gives away, and where one
stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cs_utils.plots import style

Score = tuple[float, float, float]  # what was found, and the ends of its interval; all from 0 to 1
BOARDS = ((style.RED, "--", "s"), (style.BLUE, "-", "o"), (style.GREEN, ":", "^"))


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


# --- the pictures -------------------------------------------------------------------------------------------


def show_classes(images: Any, labels: Any, classes: Sequence[str], *, each: int = 8) -> None:
    """A row of pictures for every class, the first ones that there are."""
    labels = np.asarray(labels)
    fig = style.figure(0.95 * each + 1.2, 0.95 * len(classes))
    grid = fig.subplots(len(classes), each, squeeze=False)
    for label, (axes, name) in enumerate(zip(grid, classes, strict=True)):
        for ax in axes:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, image in zip(axes, np.asarray(images[np.flatnonzero(labels == label)[:each]]), strict=False):
            ax.imshow(image)
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10, parse_math=False)
    style.show(fig, f"Training pictures, {each} of each class, a row for each: {', '.join(classes)}.")


def show_balance(parts: Mapping[str, Any], classes: Sequence[str]) -> None:
    """How many pictures of each class, part -> counts (classes,)."""
    counts = {name: np.asarray(values) for name, values in parts.items()}
    fig = style.figure(8.4, 2.9)
    ax = fig.subplots()
    width = 0.8 / len(counts)
    for number, ((name, values), colour, hatch) in enumerate(
        zip(counts.items(), (style.BLUE, style.ORANGE, style.GREEN), ("", "//", ".."), strict=False)
    ):
        at = np.arange(len(classes)) + (number - (len(counts) - 1) / 2) * width
        ax.bar(at, values, width, label=name, color=colour, hatch=hatch, edgecolor="white")
    ax.set_xticks(range(len(classes)), classes, rotation=30, ha="right", fontsize=9, parse_math=False)
    ax.set_ylabel("pictures")
    if len(counts) > 1:
        ax.legend(frameon=False, fontsize=9, ncols=len(counts), loc="lower right", bbox_to_anchor=(1, 1))
    _plain(ax)
    told = "; ".join(f"{name}: {values.min():,} to {values.max():,}" for name, values in counts.items())
    style.show(fig, f"Pictures for each of {len(classes)} classes. Fewest and most of a class: {told}.")


def show_hardest(
    images: Any, labels: Any, probabilities: Any, classes: Sequence[str], *, most: int = 12
) -> None:
    """The wrong answers that a network was surest of: the picture, its class, what it was taken for.

    probabilities: (n, classes).
    """
    labels, shares = np.asarray(labels), np.asarray(probabilities)
    told, sure = shares.argmax(1), shares.max(1)
    wrong = np.flatnonzero(told != labels)
    worst = wrong[np.argsort(-sure[wrong])][:most]
    across = 6
    down = max(1, -(-len(worst) // across))
    fig = style.figure(1.6 * across, 2.0 * down)
    axes = fig.subplots(down, across, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    names = [f"{classes[labels[one]]}, not {classes[told[one]]}" for one in worst]
    for ax, one, name in zip(axes, worst, names, strict=False):
        ax.imshow(np.asarray(images[one]))
        ax.set_title(f"{name}\n{100 * sure[one]:.0f} % sure", fontsize=8, parse_math=False)
    style.show(
        fig,
        f"The {len(worst)} wrong answers that the network was surest of, of {len(wrong):,} wrong ones among "
        f"{len(labels):,}: {'; '.join(names)}.",
    )


# --- how sure -----------------------------------------------------------------------------------------------


def _with_interval(ax: Axes, at: float, score: Score, colour: str, mark: str, label: str = "") -> None:
    found, low, high = (100 * value for value in score)
    ax.plot([low, high], [at, at], color=colour, linewidth=2)
    ax.plot(
        [low, low, np.nan, high, high], [at - 0.12, at + 0.12, np.nan, at - 0.12, at + 0.12], color=colour
    )
    ax.plot(found, at, mark, color=colour, markersize=7, label=label)


def _said(score: Score) -> str:
    return f"{_percent(score[0])} ({100 * score[1]:.1f} to {100 * score[2]:.1f})"


def show_scores_with_intervals(
    scores: Mapping[str, Score], *, what: str = "right on the validation pictures"
) -> None:
    """Name -> (accuracy, low, high), one below the other."""
    fig = style.figure(7.6, 0.9 + 0.42 * len(scores))
    ax = fig.subplots()
    for at, score in enumerate(scores.values()):
        _with_interval(ax, at, score, style.BLUE, "o")
    ax.set_yticks(range(len(scores)), list(scores), parse_math=False)
    ax.set_ylim(len(scores) - 0.5, -0.5)
    ax.set_xlabel(f"{what}, %, with 95 % intervals")
    ax.grid(axis="x", alpha=0.3)
    _plain(ax)
    told = "; ".join(f"{name} {_said(score)}" for name, score in scores.items())
    style.show(fig, f"Share {what}, with 95 % intervals: {told}.")


def show_coverage(low: Any, high: Any, truth: float) -> None:
    """Intervals (m,) of many samples beside the true share; those that miss it stand out."""
    low, high = 100 * np.asarray(low, float), 100 * np.asarray(high, float)
    missed = (low > 100 * truth) | (high < 100 * truth)
    fig = style.figure(8.4, 2.9)
    ax = fig.subplots()
    for chosen, colour, width in ((~missed, style.SKY, 1.6), (missed, style.RED, 2.6)):
        at = np.flatnonzero(chosen)
        ax.vlines(at, low[at], high[at], color=colour, linewidth=width)
    ax.axhline(100 * truth, color=style.INK, linewidth=1)
    ax.set(xlabel="sample", ylabel="interval, %")
    _plain(ax)
    style.show(
        fig,
        f"{len(low)} intervals as vertical lines beside the true share of {_percent(truth)}: {missed.sum()} "
        "miss "
        "it, drawn thicker and red.",
    )


# --- what a board gives away --------------------------------------------------------------------------------


def show_attack(boards: Mapping[str, Any], *, truth: float = 0.5) -> None:
    """What boards show after each upload of somebody who only guesses, name -> (uploads,) from 0 to 1.

    truth: what the guesses are worth on pictures that no board has scored.
    """
    fig = style.figure(8.0, 3.2)
    ax = fig.subplots()
    for (name, shown), (colour, line, mark) in zip(boards.items(), BOARDS, strict=False):
        shown = 100 * np.asarray(shown, float)
        uploads = np.arange(1, len(shown) + 1)
        ax.plot(
            uploads, shown, line, color=colour, marker=mark, markevery=max(1, len(shown) // 8), label=name
        )
    ax.axhline(100 * truth, color=style.INK, linewidth=1)
    ax.annotate("what it is worth", (1, 100 * truth), (0, -12), textcoords="offset points", fontsize=9)
    ax.set(xlabel="uploads", ylabel="shown, %", ylim=(100 * truth - 6, None))
    ax.legend(frameon=False, fontsize=9, loc="upper left")
    _plain(ax)
    told = "; ".join(f"{name} shows {_percent(np.asarray(shown)[-1])}" for name, shown in boards.items())
    style.show(
        fig,
        f"Score shown against number of uploads, for uploads that only guess and are worth "
        f"{_percent(truth)}. In "
        f"the end: {told}.",
    )


def show_public_private(results: Sequence[Mapping[str, Any]]) -> None:
    """Public and private score of each row, with intervals.

    A row has name, own, and public and private: (score, low, high).
    """
    fig = style.figure(7.6, 1.1 + 0.5 * len(results))
    ax = fig.subplots()
    for at, row in enumerate(results):
        _with_interval(ax, at - 0.13, row["public"], style.ORANGE, "s", "public" if not at else "")
        _with_interval(ax, at + 0.13, row["private"], style.BLUE, "o", "private" if not at else "")
    ax.set_yticks(range(len(results)), [row["name"] for row in results], parse_math=False)
    for label, row in zip(ax.get_yticklabels(), results, strict=True):
        label.set_fontweight("bold" if row.get("own") else "normal")
    ax.set_ylim(len(results) - 0.5, -0.5)
    ax.set_xlabel("right, %, with 95 % intervals")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(frameon=False, fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    _plain(ax)
    told = "; ".join(
        f"{row['name']} public {_said(row['public'])}, private {_said(row['private'])}" for row in results
    )
    style.show(fig, f"Public and private scores with 95 % intervals: {told}.")


# --- where one stands ---------------------------------------------------------------------------------------


def show_standing(
    rows: Sequence[Mapping[str, Any]],
    own: Mapping[str, Any] | None,
    history: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Rows of a board as the server sends them, the own one marked; beside it what each own upload showed."""
    fig = style.figure(9.0 if history else 6.5, 1.2 + 0.42 * max(len(rows), 3))
    axes = fig.subplots(1, 2 if history else 1, squeeze=False, width_ratios=(3, 2) if history else None)[0]
    for at, row in enumerate(rows):
        mine = row == own
        score = row["score"], row["low"], row["high"]
        _with_interval(axes[0], at, score, style.RED if mine else style.BLUE, "D" if mine else "o")
    names = [f"{row['rank']}  {_short(row['name'])}{'  (you)' if row == own else ''}" for row in rows]
    axes[0].set_yticks(range(len(rows)), names, parse_math=False)
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    axes[0].set_xlabel("public score, %, with 95 % intervals")
    axes[0].grid(axis="x", alpha=0.3)
    if history:
        shown = [100 * one["shown"] for one in history]
        axes[1].step(range(1, len(shown) + 1), shown, where="post", color=style.RED, marker="D", markersize=4)
        axes[1].set(xlabel="your uploads", ylabel="shown, %")
        axes[1].xaxis.get_major_locator().set_params(integer=True)
    for ax in axes:
        _plain(ax)
    told = "; ".join(
        f"{name}: {_said((row['score'], row['low'], row['high']))}"
        for name, row in zip(names, rows, strict=True)
    )
    uploads = (
        f" Shown after each of your {len(history)} uploads: {', '.join(f'{one:.1f}' for one in shown)} %."
        if history
        else ""
    )
    style.show(fig, f"Rows of the board with 95 % intervals: {told}.{uploads}")


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
