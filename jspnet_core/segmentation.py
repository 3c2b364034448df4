"""Result of the runtime: a label for every input point, and the instances."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Instance:
    """One instance of a class, of a thing or of structure alike.

    id: 1, 2, ...; the value of `Segmentation.instance` at its points.
    label: class id in the model's class table.
    confidence: 0 to 1; of `Segmenter` the mean softmax probability of the points' labels times a factor for the size,
        see `pipeline.objects`.
    point_count: input points that belong to it.
    centroid, minimum, maximum: (3,) float64, metres, gravity frame.
    voxel_count: voxels that belong to it.
    """

    id: int
    label: int
    confidence: float
    point_count: int
    centroid: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    voxel_count: int = 0


@dataclass(frozen=True)
class Segmentation:
    """Labels of one cloud, in the order of its points.

    label: (N,) uint8, class id, or 255 where the point carries no label.
    instance: (N,) uint32, id of the instance, or 0 for none.
    confidence: (N,) float32, softmax probability of the label, 0 where there is none.
    instances: one entry per id that occurs in `instance`, ascending.
    T_gravity_input: (4, 4) float64, from the input's frame to the gravity frame (z up, floor at z = 0, metres).
    gravity_source: where that transform came from, in words for people.
    blocks: blocks that went through the network.
    blocks_left_out: blocks beyond the frame's budget; their points stay unlabelled.
    timings_ms: milliseconds spent, by stage, in the order of the stages.
    gravity_is_sure: False where the up direction or the height of the floor is a guess; labels may then be wrong.
    """

    label: np.ndarray
    instance: np.ndarray
    confidence: np.ndarray
    instances: list[Instance]
    T_gravity_input: np.ndarray
    gravity_source: str
    blocks: int
    blocks_left_out: int
    timings_ms: dict[str, float] = field(default_factory=dict)
    gravity_is_sure: bool = True
