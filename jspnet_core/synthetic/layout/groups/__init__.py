"""Groups of furniture that belong together. Each function furnishes one group and returns whether it found a place."""
