"""A page about training runs: curves, scores, confusion, pictures of rooms, and what the runs were."""
