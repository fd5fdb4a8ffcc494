"""RULES.md of a competition: what counts, and which training data are allowed."""

from __future__ import annotations

from autograder.text import printable

SHAPES, OWN = "shapes", "own"  # what competition.json calls drawn pictures and an instructor's own

_RULES = """\
# Rules: {title}

**The task.** Say for every picture of `test.npz` which class it is of, and upload your predictions. Only
the server has the labels. Half of the test pictures, and which half is secret, make the public score, which
the board shows at once. The other half make the private score: it is computed when the competition closes,
of the upload that your team selected, or else of its best public one. The final order is that of the private
scores.

**Training data.** {data}

**Test pictures** are for predicting only: nobody looks at them to write down labels, and nobody trains on
labels written by hand. Training on what your own network says of them (pseudo-labels) is allowed.

**Uploads.** So many a day as the board says; only those that were scored count. The score that is shown
changes only when an upload is clearly better, so uploading one small change after another tells nothing.
Compare your attempts on pictures of `train.npz` that you kept aside.

**Teams.** A student is in one team, and a team has one row. Ideas may be shared with everybody; predictions,
weights and code stay in the team.

**The method note** in notebook 12 says how your selected upload was made, which data and network it began
with, and what did not work. Your instructor may ask for the code that made it.
"""

_CHANGED = "`train.npz`, and whatever you make of its pictures (turned, mirrored, cropped, mixed, ...)."

_DATA = {
    (SHAPES, False): f"""{_CHANGED}
Pictures of your own are not allowed: `cs_utils.shapes`, which drew these, is public (the seed is not), and
with it the larger training set would win, not the better idea. Nor are networks that have learned from any
other pictures: those of `cs_utils.pretrained` have seen thousands of such shapes.""",
    (SHAPES, True): """`train.npz`, and pictures of your own: `cs_utils.shapes`, which drew these, is
public (the seed is not). You may draw as many with it as you like, and begin with a network that has learned
from others, such as those of `cs_utils.pretrained`. The method note says how many, and which network.""",
    (OWN, False): f"""{_CHANGED}
Pictures from elsewhere are not allowed, and neither are networks that have learned from such.""",
    (OWN, True): """`train.npz`, and any other pictures that are not test pictures of this competition. The
method note says where they come from, or which network you began with.""",
}


def rules(title: str, pictures: str, own_training_data: bool) -> str:
    """The text. pictures: `SHAPES` or `OWN`. own_training_data: whether more may be used than train.npz."""
    return _RULES.format(title=printable(title, 200), data=_DATA[pictures, own_training_data])
