"""Depth cameras and lidars: real devices, and what each kind of sensor adds to the truth."""
