"""Labelled rooms of all data sets in one format."""
