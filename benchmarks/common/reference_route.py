"""The straightforward route of the public reference implementations, on one frame, timed by the same stages.

numpy for voxels, blocks and sampling, a KD-tree per layer, PyTorch eager, scikit-learn's mean shift per block, and
BlockMerging point by point. Gravity is this project's: the references have none. It does the same work as `Segmenter`
with the same trained weights, so both label nearly every point alike; the blocks' random points differ.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from sklearn.cluster import MeanShift
from sklearn.neighbors import KDTree

from benchmarks.common.reference_geometry import reference_pyramid
from benchmarks.common.reference_merging import ReferenceMerging, keep_large
from jspnet_core.model_file import ModelDescription, default_model
from jspnet_core.pipeline.blocks import sample_block
from jspnet_core.pipeline.gravity.estimate import find_gravity
from jspnet_core.pipeline.pyramid import Pyramid, stack_pyramids
from jspnet_core.settings import SegmenterSettings
from jspnet_core.spatial.transforms import rotation_about_z, transform_points
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.util.stage_timer import StageTimer


class ReferenceRoute:
    """Labels one cloud at a time with the default model."""

    def __init__(self, description: ModelDescription, settings: SegmenterSettings):
        self.c, self.settings, self.description = description.configuration, settings, description
        self.network = Checkpoint.load(default_model().with_suffix(".pt")).build().eval()

    def segment(self, points: np.ndarray, colors: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
        """points (N, 3) float32, colors (N, 3) uint8. Returns label and instance of each point, ms by stage."""
        clock, s = StageTimer(), self.settings
        with clock.stage("voxels"):
            finite = np.flatnonzero(np.isfinite(points).all(axis=1))
            cells = np.floor(points[finite] / s.voxel_size).astype(np.int64)
            _, first, voxel_of_point = np.unique(cells, axis=0, return_index=True, return_inverse=True)
            xyz, rgb = points[finite[first]], colors[finite[first]]
        with clock.stage("gravity"):
            xyz = transform_points(rotation_about_z(s.turn) @ find_gravity(xyz, s.up_axis).T_gravity_input, xyz)
        with clock.stage("blocks"):
            index = self.cut(xyz)
            features = [self.features(xyz, rgb, row) for row in index]
        with clock.stage("pyramid"):
            pyramids = [reference_pyramid(f[:, :3], self.c) for f in features]
        with clock.stage("network"):
            results = [self.run(f, p) for f, p in zip(features, pyramids, strict=True)]
        with clock.stage("labels"):
            labels = [logits.argmax(axis=1) for logits, _ in results]
        with clock.stage("clusters"):
            clusters = [self.cluster(embedding) for _, embedding in results]
        with clock.stage("merging"):
            block_ids = self.merge(features, clusters, labels)
        with clock.stage("painting"):
            label, instance = paint(xyz, index, np.stack(labels), block_ids)
            full = np.full(len(points), 255, np.int64), np.zeros(len(points), np.int64)
            full[0][finite], full[1][finite] = label[voxel_of_point], instance[voxel_of_point]
        return full[0], full[1], clock.milliseconds

    def cut(self, xyz: np.ndarray) -> np.ndarray:
        """Blocks every `stride` block edges, each a test of every voxel: (B, N) indices."""
        c, rng = self.c, np.random.default_rng(0)
        step, least = self.settings.stride * c.block_size, self.settings.min_block_points
        low, high = xyz.min(axis=0), xyz.max(axis=0)
        counts = np.ceil(np.maximum(high - low - c.block_size, 0) / step).astype(int) + 1
        rows = []
        for i in range(counts[0]):
            for j in range(counts[1]):
                corner = low[:2] + step * np.array([i, j])
                inside = ((xyz[:, :2] >= corner) & (xyz[:, :2] <= corner + c.block_size)).all(axis=1)
                if inside.sum() >= least:
                    rows.append(sample_block(np.flatnonzero(inside), c.points, rng))
        return np.stack(rows)

    def features(self, xyz: np.ndarray, rgb: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Channels of one block's points: (N, 9) float32, or (N, 6) without colour."""
        low, high = xyz.min(axis=0), xyz.max(axis=0)
        low[2] = 0.0
        local = xyz[index].copy()
        local[:, :2] -= local[:, :2].min(axis=0) + 0.5 * self.c.block_size
        room = np.clip((xyz[index] - low) / (high - low), 0, 1)
        channels = [local, rgb[index] / 255.0, room] if self.c.color else [local, room]
        return np.concatenate(channels, axis=1).astype(np.float32)

    def run(self, features: np.ndarray, pyramid: Pyramid) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N, C) and embeddings (N, K) of one block, PyTorch eager."""
        tensors = {name: torch.from_numpy(a) for name, a in stack_pyramids([pyramid], self.c).items()}
        with torch.no_grad():
            logits, embeddings = self.network(torch.from_numpy(features[None]), tensors)
        return logits[0].numpy(), embeddings[0].numpy()

    def cluster(self, embeddings: np.ndarray) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # every point in a bin of its own
            return MeanShift(bandwidth=self.settings.bandwidth, bin_seeding=True).fit(embeddings).labels_

    def merge(self, features: list[np.ndarray], clusters: list[np.ndarray], labels: list[np.ndarray]) -> np.ndarray:
        """Instance of every block point after the size filter: (B, N), 0 for none."""
        room = [np.clip(f[:, -3:], 0, 1) for f in features]
        merging = ReferenceMerging()
        for block in zip(room, clusters, labels, strict=True):
            merging.add(*block)
        ids, mean_size = merging.of_points(np.concatenate(room)), self.description.mean_instance_sizes()
        ids = keep_large(ids, np.concatenate(labels), mean_size, self.settings.min_instance_ratio)
        return ids.reshape(len(room), -1)


def paint(xyz: np.ndarray, index: np.ndarray, labels: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label and instance of every voxel, of the nearest one where no block drew it."""
    label, instance = np.full(len(xyz), -1), np.zeros(len(xyz), np.int64)
    label[index], instance[index] = labels, ids
    drawn, missing = np.flatnonzero(label >= 0), np.flatnonzero(label < 0)
    if len(missing):
        source = drawn[KDTree(xyz[drawn]).query(xyz[missing])[1][:, 0]]
        label[missing], instance[missing] = label[source], instance[source]
    return label, instance
