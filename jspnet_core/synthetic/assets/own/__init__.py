"""Parametric shapes of our own: furniture, things, openings and boards, drawn at random."""
