"""Rooms of primitives: boxes, cylinders and ellipsoids, ray-cast by a structured-light camera."""
