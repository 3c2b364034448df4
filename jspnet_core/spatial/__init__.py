"""Spatial data structures and neighbour searches on CPUs."""
