"""What a student's notebook imports: checks, figures, and nothing that gives an exercise away.

Under grading (the environment variable ``CS_UTILS_GRADING`` is set) nothing here needs PyTorch, and
``check`` does nothing: the verdict is made elsewhere, where no student code runs.
"""

from cs_utils.checking.notebook import check, under_grading, when_done

__all__ = ["check", "when_done"]
__version__ = "0.1.0"

if not under_grading():
    # Import PyTorch now, in the first cell, so that every check answers at once.
    import cs_utils.exercises  # noqa: F401
