"""What an instructor runs. No student code runs in these processes but in `autograder.sandbox.inside`."""
