"""The training part of the first run."""
