"""One file per revision, in their order."""
