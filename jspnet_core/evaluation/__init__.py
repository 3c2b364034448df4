"""Scores of a model on labelled rooms."""
