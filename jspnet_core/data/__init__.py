"""Labelled rooms, from whatever data set, in one format."""
