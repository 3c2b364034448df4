"""Labelled rooms as training batches."""
