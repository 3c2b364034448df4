"""Depth cameras and lidars: real devices, and the errors of each kind of sensor."""
