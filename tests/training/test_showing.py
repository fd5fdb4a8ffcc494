"""What a training shows: rows and a bar in a terminal, a table in a notebook, rows in a file, figures."""

from __future__ import annotations

import io
import re
import sys
from html.parser import HTMLParser

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cs_utils import plots
from cs_utils.plots import history as figures
from cs_utils.plots import style
from cs_utils.training import History, fast_resnet, fit, one_cycle, progress
from cs_utils.training.progress import Progress, duration
from tests.training.small import network, spots


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """What stands there in the end: a carriage return goes back to the beginning of the line."""
        shown = []
        for line in self.getvalue().split("\n"):
            cells: list[str] = []
            for part in line.split("\r"):
                cells[: len(part)] = part
            shown.append("".join(cells).rstrip())
        return shown


def trained(**options) -> History:
    settings = {"epochs": 2, "batch_size": 16, "max_lr": 0.05, **options}
    return fit(network(), spots(64), spots(32, seed=1), **settings)


def test_in_a_file_there_is_a_row_for_each_epoch_and_no_bar(capsys):
    history = trained()
    said, head, first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Training on the CPU \(1 thread\), float32; an epoch has 4 steps\.", said)
    assert head.split("  ")[-1] == "seconds"
    assert first.split()[0] == "1/2" and second.split()[0] == "2/2"
    assert f"{history.test_accuracy[-1]:.1%}" in second
    assert len({len(line) for line in (head, first, second)}) == 1


def test_nothing_is_shown_when_nothing_shall_be(capsys):
    trained(show=False)
    assert capsys.readouterr() == ("", "")


def test_in_a_terminal_the_bar_rewrites_its_line_and_is_gone_in_the_end(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    trained()
    drawn = [part for part in re.split(r"[\r\n]", terminal.getvalue()) if "█" in part]
    assert len(drawn) == 8
    assert re.search(
        r"    1/2  █+░+  loss \d\.\d{3}  accuracy \d+\.\d%  [\d,]+ images/s  \d+ s left", drawn[1]
    )
    assert len(terminal.lines()) == 5 and not any("█" in line for line in terminal.lines())
    assert max(map(len, drawn)) < 80


def test_a_narrow_terminal_is_not_overrun(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    trained()
    assert max(len(p) for p in re.split(r"[\r\n]", terminal.getvalue()) if "█" in p) <= 39


class Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells = 0

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.cells += tag == "td"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_in_a_notebook_one_table_is_replaced(monkeypatch):
    IPython = pytest.importorskip("IPython")
    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    def display(bundle, raw, display_id):
        shown.append(bundle)
        return Handle()

    monkeypatch.setattr(progress, "EVERY", 0.0)
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", display)
    trained()
    assert "<progress" in shown[2]["text/html"] or "█" in shown[2]["text/html"]
    last = shown[-1]
    parser = Balanced()
    parser.feed(last["text/html"])
    assert not parser.open and parser.cells == 2 * len(progress.HEAD)
    assert "█" not in last["text/html"] and len(last["text/plain"].splitlines()) == 4


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")]
)
def test_times_are_said_as_people_do(seconds, text):
    assert duration(seconds) == text


def test_a_look_is_due_four_times_a_second(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    bar = Progress(trained(show=False), show=False)
    found = []
    for now[0] in (0.1, 0.26, 0.3, 0.5, 0.52):
        found.append(bar.due())
    assert found == [False, True, False, False, True]


# --- history and figures ----------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch):
    """The (figure, sentence) pairs that were shown."""
    seen = []
    monkeypatch.setattr(figures, "show", lambda fig, sentence: seen.append((fig, sentence)))
    return seen


def made_up(accuracies=(0.5, 0.75), per_epoch=4) -> History:
    rates = [one_cycle(step, len(accuracies) * per_epoch) for step in range(len(accuracies) * per_epoch)]
    history = History(len(accuracies), per_epoch, 8, torch.device("cpu"), rates)
    for index, accuracy in enumerate(accuracies):
        history.start_epoch()
        for step in range(per_epoch):
            scores = torch.eye(2)[[0] * 8]
            labels = torch.tensor([0] * 6 + [1] * 2)
            history.record(torch.tensor(2.0 - index - step / 8), scores, labels)
        history.end_epoch()
        history.add_test(1.0 - index / 2, accuracy)
    return history


def test_a_history_adds_up_what_was_recorded():
    history = made_up()
    assert history.losses == [2.0, 1.875, 1.75, 1.625, 1.0, 0.875, 0.75, 0.625]
    assert history.train_loss == [1.8125, 0.8125]
    assert history.train_accuracy == [0.75, 0.75]
    assert history.test_accuracy == [0.5, 0.75]
    assert history.images_per_second == pytest.approx(64 / history.train_seconds)
    assert repr(history).startswith("History of 2 epochs: accuracy 75.0%, on the test set 75.0%; ")


def test_the_figure_shows_the_numbers_and_says_them(shown):
    made_up().plot()
    fig, sentence = shown[0]
    losses, accuracies, rates = fig.axes
    assert list(losses.lines[0].get_ydata()) == made_up().losses
    assert list(losses.lines[0].get_xdata()) == [step / 4 for step in range(8)]
    assert list(losses.lines[2].get_ydata()) == [1.0, 0.5]
    assert list(accuracies.lines[1].get_xdata()) == [1, 2]
    assert max(rates.lines[0].get_ydata()) == 1
    assert sentence == (
        "Loss, accuracy and learning rate over 2 epochs. The loss goes from 2.00 to 0.62; the accuracy of "
        "the last epoch is 75.0%, 75.0% on the test set."
    )


def test_epochs_without_a_test_are_left_out_of_the_line(shown):
    made_up((float("nan"), 0.6, float("nan"), 0.9)).plot()
    made_up((float("nan"),)).plot()
    with_gaps, without = shown
    assert list(with_gaps[0].axes[1].lines[1].get_xdata()) == [2, 4]
    assert "on the test set" not in without[1]


def test_the_running_mean_is_that_of_the_last_losses():
    losses = list(range(100))  # the mean of 2
    assert figures._running(losses)[:3].tolist() == [0, 0.5, 1.5]


def test_trainings_are_told_apart_without_colours(shown):
    runs = {"plain": made_up(), "residual": made_up((0.6, 0.9)), "third": made_up((0.1, 0.2))}
    plots.show_histories(runs)
    fig, sentence = shown[0]
    looks = {(line.get_linestyle(), line.get_marker()) for line in fig.axes[1].lines}
    assert len(looks) == 3
    assert "residual: The loss goes from 2.00 to 0.62" in sentence and "90.0% on the test set" in sentence


def test_the_search_for_a_rate_is_drawn_even_when_the_loss_ran_away(shown):
    plots.show_rate_search([0.01, 0.1, 1.0], [2.0, 1.0, float("inf")], [2.0, 1.5, float("inf")], 0.05)
    fig, sentence = shown[0]
    assert "Suggested rate: 0.05." in sentence and "1.50 where it is smallest" in sentence
    assert "suggested: 0.05" in [text.get_text() for text in fig.axes[0].get_legend().get_texts()]


def test_every_figure_has_a_sentence_that_fits_under_it(shown):
    made_up().plot()
    plots.show_histories({"one": made_up(), "two": made_up()})
    plots.show_rate_search([0.01, 0.1], [2.0, 1.0], [2.0, 1.5], 0.05)
    for fig, sentence in shown:
        FigureCanvasAgg(fig).draw()
        under = fig._supxlabel.get_window_extent()
        assert sentence.endswith(".")
        assert under.x0 >= 0 and under.x1 <= fig.bbox.x1, sentence
        assert len(style.png(fig)) > 5000


# --- settings ---------------------------------------------------------------------------------------------


def test_the_fast_resnet_has_settings_for_every_machine():
    small, full = fast_resnet("cpu"), fast_resnet("cuda")
    assert small.images[0] < 50_000 and full.images == (None, None)
    for recipe in (small, full):
        fit(network(channels=3), spots(64, channels=3), **{**recipe.options, "epochs": 1, "show": False})
