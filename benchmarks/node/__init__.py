"""Time, memory and age of clouds in the running node."""
