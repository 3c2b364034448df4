"""Detect coordinates that are not metres, from the usual size of rooms and camera frames."""

from __future__ import annotations

import numpy as np

UNITS = {"millimetres": 0.001, "centimetres": 0.01, "inches": 0.0254, "feet": 0.3048}
_SMALLEST, _LARGEST = 0.5, 20.0
"""Metres. The smallest extent of an indoor cloud, its height or depth, lies between these."""

_WIDEST = 500.0  # metres; beyond, what is flat is no floor in metres either
_HEIGHT, _WIDTH = 2.7, 5.0
"""Metres, of a usual room."""


def unit_warning(points: np.ndarray, option: str = "--scale ") -> str:
    """Return a message with the probable unit of a cloud and the factor to metres; empty for metres.

    option: what sets the factor, up to the factor.
    points: (N, 3), NaN and Inf for no return. What is judged is the smallest of the three extents that hold 96 % of
    the points: of rooms their height, of camera frames height, width or depth.
    """
    finite = points[np.isfinite(points).all(axis=1)]
    if len(finite) < 100:
        return ""
    low, high = np.percentile(finite[:: max(len(finite) // 50_000, 1)], [2, 98], axis=0)
    extents = high - low
    smallest, largest = float(extents.min()), float(extents.max())
    if _SMALLEST <= smallest <= _LARGEST or (smallest < _SMALLEST and 1.0 <= largest <= _WIDEST):
        return ""  # the second: a flat piece of floor or wall
    usual, found = (_HEIGHT, smallest) if smallest > _LARGEST or largest < 1.0 else (_WIDTH, largest)
    size = " x ".join(f"{extent:.3g}" for extent in extents)
    fits = {unit: abs(np.log(found * factor / usual)) for unit, factor in UNITS.items()}
    likely = [f"{unit} ({option}{UNITS[unit]:g})" for unit in sorted(fits, key=fits.__getitem__) if fits[unit] < 0.95]
    if found > _LARGEST and likely:
        return f"its extent is {size}: these seem to be {' or '.join(likely)}, not metres"
    fitting = float(f"{usual / max(found, 1e-12):.2g}")
    return f"its extent is {size}, not that of a room in metres: {option}{fitting:g} would make it {usual} m"
