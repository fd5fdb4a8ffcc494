"""The figures of notebook 01: right numbers in them, readable without eyes, nothing left in the cell."""

from __future__ import annotations

import base64
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from cs_utils import plots
from cs_utils.plots import kernels, style

RAMP = [0, 0, 0, 1, 2, 3, 4, 4, 4, 4]


@pytest.fixture
def shown(monkeypatch):
    """Collect (figure, alt text) instead of displaying; every figure is drawn."""
    found = []

    def show(fig, alt):
        assert style.png(fig).startswith(b"\x89PNG")
        found.append((fig, alt))

    monkeypatch.setattr(style, "show", show)
    return found


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def test_the_filmstrip_shows_the_sums_of_the_lecture(shown):
    plots.show_sliding([1, 2, 3, 4], [1, 2, 3], padding=1)
    fig, alt = shown[0]
    assert {"0·1 + 1·2 + 2·3 = 8", "3·1 + 4·2 + 0·3 = 11"} <= set(texts(fig))
    assert "8., 14., 20., 11." in alt


def test_the_filmstrip_in_two_dimensions_shows_the_sums_of_the_lecture(shown):
    plots.show_sliding(np.arange(9).reshape(3, 3), np.arange(4).reshape(2, 2))
    assert "0·0 + 1·1 + 3·2 + 4·3 = 19" in texts(shown[0][0])
    assert "[[19., 25.], [37., 43.]]" in shown[0][1]


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), ((1, 2), (2, 0)), (3, (0, 1))])
def test_the_kernel_is_drawn_where_it_stands(stride, padding):
    sliding = kernels.Sliding(np.arange(20).reshape(4, 5), np.ones((2, 2)), stride, padding)
    for place, index in enumerate(sliding.places):
        assert sliding.window(place).sum() == sliding.out[index]


def test_a_kernel_that_does_not_fit_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"kernel of shape \(3,\) does not fit an input of shape \(2,\)"):
        plots.show_sliding([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="both be 1-D or both 2-D"):
        plots.show_sliding([1, 2], [[1]])


def test_many_places_make_a_filmstrip_of_six_that_has_the_first_and_the_last(shown):
    plots.show_sliding(np.arange(64).reshape(8, 8), np.eye(2))
    sums = [text for text in texts(shown[0][0]) if "=" in text]
    assert len(sums) == 6
    assert (sums[0], sums[-1]) == ("0·1 + 1·0 + 8·0 + 9·1 = 9", "54·1 + 55·0 + 62·0 + 63·1 = 117")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.show_sequences({"input": RAMP, "answer": [-1.5, 0, 2]}),
        lambda: plots.show_matrix(np.eye(3, 5)),
        lambda: plots.show_matrix(np.zeros((2, 2))),
        lambda: plots.show_pictures({"photo": plots.photo(), "signed": np.eye(4) - 0.5}),
        lambda: plots.show_pictures({"colour": plots.photo(colour=True)}),
        lambda: plots.show_match(*plots.crowd(), (3, 4), np.zeros((107, 159))),
        lambda: plots.show_match(*plots.crowd(), (119, 169)),
        lambda: plots.show_filters(plots.first_layer_filters()),
        lambda: plots.explore_sliding([1, 2, 3], [1, 1]),
    ],
)
def test_every_figure_draws_tells_its_content_in_words_and_returns_nothing(shown, draw):
    assert draw() is None
    assert len(shown) == 1
    assert len(shown[0][1]) > 20


def test_a_place_in_the_map_of_scores_lies_where_it_lies_in_the_picture(shown):
    plots.show_match(*plots.crowd(), (3, 4))
    picture, scored, *_ = shown[0][0].axes
    assert picture.get_xlim() == scored.get_xlim()
    assert picture.get_ylim() == scored.get_ylim()


def test_pictures_of_about_one_size_are_drawn_to_one_scale(shown):
    plots.show_pictures({"photo": plots.photo(), "map": plots.photo()[1:-1, 1:-1] - 0.5})
    photo, answer, *_ = shown[0][0].axes
    assert np.ptp(photo.get_xlim()) == np.ptp(answer.get_xlim())
    assert np.ptp(photo.get_ylim()) == np.ptp(answer.get_ylim())
    assert answer.get_xlim()[0] == photo.get_xlim()[0] - 1  # the smaller one stands in the middle


def test_the_crowd_is_a_riddle_that_only_the_normalised_correlation_solves():
    from tests.exercises import proof

    solved = proof.solutions("01_correlation")
    crowd, wanted = plots.crowd()
    plain = solved["corr2d"](crowd, wanted)
    row, column = solved["match_template"](crowd, wanted)
    assert (row, column) != np.unravel_index(plain.argmax(), plain.shape)
    found = crowd[row : row + 18, column : column + 12]
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.99


def test_first_layer_filters_are_silent_where_nothing_changes():
    filters = plots.first_layer_filters()
    assert filters.shape == (24, 3, 11, 11)
    np.testing.assert_allclose(filters.sum(axis=(1, 2, 3)), 0, atol=1e-9)


def test_a_picture_carries_its_alt_text_and_the_slider_a_picture_for_where_it_does_not_run():
    cells = [
        "from cs_utils import plots",
        "plots.show_sliding([1, 2, 3, 4], [1, 2, 3])",
        "plots.explore_sliding([1, 2, 3, 4], [1, 2, 3])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    still, (moving, folded) = notebook.cells[1].outputs[0], notebook.cells[2].outputs
    assert "14., 20." in still.metadata["image/png"]["alt"]
    assert "application/vnd.jupyter.widget-view+json" in moving.data
    alt, picture = re.search(
        'alt="([^"]+)" src="data:image/png;base64,([^"]+)"', folded.data["text/html"]
    ).groups()
    assert "14., 20." in alt and base64.b64decode(picture).startswith(b"\x89PNG")


def test_importing_the_package_loads_neither_matplotlib_nor_pytorch():
    code = (
        "import os, sys; os.environ['CS_UTILS_GRADING'] = '1'; from cs_utils import check, plots, when_done;"
    )
    code += "sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_misspelt_figure_is_answered_with_the_names_there_are():
    with pytest.raises(AttributeError, match="show_sliding"):
        _ = plots.show_slidng
