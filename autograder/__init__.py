"""What an instructor runs. No student code runs in any process of this package but `autograder.sandbox.inside`."""
