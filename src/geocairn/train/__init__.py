"""Training: a recipe and a task in, a run folder with a bundle out, resumable and the same each time."""
