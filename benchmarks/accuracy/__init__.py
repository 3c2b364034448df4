"""Accuracy of systems and training recipes."""
