from tests.gradebook.fixtures import course, course_template

__all__ = ["course", "course_template"]
