"""Gravity direction and floor height of a cloud."""
