"""Test-time augmentation: labels from class probabilities averaged over rotations of the cloud about z."""

from __future__ import annotations

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.engine import Engine
from jspnet_core.pipeline.inference import cut_for_network, infer_blocks
from jspnet_core.pipeline.labels_to_points import fill_gaps
from jspnet_core.pipeline.voting import softmax, without_rare_classes
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.settings import SegmenterSettings, min_class_voxels
from jspnet_core.spatial.transforms import rotation_about_z, transform_points


def average_over_rotations(
    engine: Engine, points: np.ndarray, colors: np.ndarray, sensor: np.ndarray, settings: SegmenterSettings, votes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a cloud about z by `votes` angles, evenly spaced from `settings.turn` on, and average the probabilities.

    points: (M, 3) float32, metres, all finite, z up, floor at 0. colors: (M, 3) uint8. sensor: (2,) metres. Each pass
    has its own voxels and blocks. Points that were never drawn take the nearest point's label, as at runtime.
    Returns label (M,) uint8, 255 for none, and its mean probability (M,) float32.
    """
    total = np.zeros((len(points), engine.description.configuration.classes), np.float32)
    for degrees in settings.turn + 360.0 * np.arange(votes) / votes:
        turn = rotation_about_z(degrees)
        turned = np.ascontiguousarray(transform_points(turn, points))
        total += _probabilities(engine, turned, colors, turn[:2, :2] @ sensor, settings)
    drawn = total.sum(axis=1)
    label = np.where(drawn > 0, total.argmax(axis=1), UNLABELLED).astype(np.uint8)
    confidence = total.max(axis=1) / np.maximum(drawn, 1.0)
    per_voxel = len(points) / len(voxelize(points, settings.voxel_size).representative)
    least = per_voxel * min_class_voxels(settings)
    label, confidence, _ = without_rare_classes(label, confidence, total, drawn, least)
    none = np.zeros(len(points), np.uint32)
    label, confidence, _ = fill_gaps(points, label, confidence, none, reach=4 * settings.voxel_size)
    return label, confidence


def _probabilities(
    engine: Engine, points: np.ndarray, colors: np.ndarray, sensor: np.ndarray, s: SegmenterSettings
) -> np.ndarray:
    """Average class probabilities over the blocks with a point's voxel: (M, C) float32, 0 without any."""
    c = engine.description.configuration
    voxels = voxelize(points, s.voxel_size)
    xyz, rgb = points[voxels.representative], colors[voxels.representative]
    blocks = cut_for_network(xyz, c, s, sensor)
    logits, _ = infer_blocks(engine, xyz, rgb, blocks, s.threads)
    used = np.arange(c.points) < blocks.count[:, None]
    voxel, share = blocks.index[used], softmax(logits[used])
    times = np.bincount(voxel, minlength=len(xyz))
    total = np.stack([np.bincount(voxel, share[:, k], len(xyz)) for k in range(c.classes)], axis=1)
    return (total / np.maximum(times, 1)[:, None]).astype(np.float32)[voxels.of_point]
