"""Evidence of a run: a bundle that tells all that it depended on, and the command that repeats it."""
