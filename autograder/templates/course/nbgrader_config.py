# Read by plain `nbgrader` commands (formgrader too) when they are run in this folder.

import os

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

from autograder.course import Course
from autograder.source import NamedStubs

c = get_config()  # noqa: F821

here = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.root = here
c.CourseDirectory.course_id = "convnets"  # the same as in course.toml
c.CourseDirectory.db_url = Course(here).db_url
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.key", "*.part", ".git"]
# formgrader's button "generate" makes the same release as `autograder init --update`
c.GenerateAssignment.preprocessors = [
    NamedStubs if step is ClearSolutions else step for step in GenerateAssignment().preprocessors
]
