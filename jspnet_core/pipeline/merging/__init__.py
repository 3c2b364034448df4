"""Merging of the clusters of neighbouring blocks into instances."""
