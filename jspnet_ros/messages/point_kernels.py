"""Compiled loops over the points of a cloud; they release the interpreter's lock."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def fill_labels(
    records: np.ndarray, points: np.ndarray, palette: np.ndarray, label: np.ndarray, confidence: np.ndarray
) -> None:
    """Write the labelled points of a cloud, one point after the other: field by field, each cache line would be fetched
    and written six times.

    records: (N,) with x, y, z, rgb, label and confidence. points: (N, 3) float32 or float64. label, confidence: (N,).
    palette: packed colours (float32) by label.
    """
    for i in range(len(records)):
        record = records[i]
        record.x, record.y, record.z = points[i, 0], points[i, 1], points[i, 2]
        record.rgb = palette[label[i]]
        record.label, record.confidence = label[i], confidence[i]


@njit(nogil=True, cache=True)
def fill_instances(
    records: np.ndarray,
    points: np.ndarray,
    palette: np.ndarray,
    label: np.ndarray,
    confidence: np.ndarray,
    instance: np.ndarray,
) -> None:
    """Write labelled points as `fill_labels`, with the instance of each point, (N,); palette: by instance."""
    for i in range(len(records)):
        record = records[i]
        record.x, record.y, record.z = points[i, 0], points[i, 1], points[i, 2]
        record.rgb = palette[instance[i]]
        record.label, record.confidence, record.instance = label[i], confidence[i], instance[i]


@njit(nogil=True, cache=True)
def take_points(words: np.ndarray, x: int, y: int, z: int, rgb: int, points: np.ndarray, colors: np.ndarray) -> None:
    """Write points (N, 3) and colors (N, 3) uint8 from the four-byte words of a cloud's points, (N, words) uint32.

    x, y, z, rgb: columns of `words`; rgb -1: none, and nothing is written to `colors`. points: uint32, the bits of
    float32. A point at exactly (0, 0, 0) is a driver's mark for no return and becomes NaN.
    """
    for i in range(len(words)):
        a, b, c = words[i, x], words[i, y], words[i, z]
        if ((a | b | c) & 0x7FFFFFFF) == 0:  # zeros of either sign
            a = b = c = np.uint32(0x7FC00000)
        points[i, 0], points[i, 1], points[i, 2] = a, b, c
        if rgb >= 0:
            packed = words[i, rgb]  # 0xAARRGGBB
            colors[i, 0], colors[i, 1], colors[i, 2] = (packed >> 16) & 255, (packed >> 8) & 255, packed & 255
