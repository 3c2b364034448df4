"""The steps of a cloud on the CPU, around any engine. See `pipeline.stages`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np

from jspnet_core.engine.base import Engine
from jspnet_core.pipeline.blocks import Blocks, extent
from jspnet_core.pipeline.inference import Batch, BatchedInference, cut_for_network
from jspnet_core.pipeline.labels_to_points import fill_gaps, paint_points, summarize_instances
from jspnet_core.pipeline.mean_shift import mean_shift_blocks
from jspnet_core.pipeline.merging.block_merging import finish_instances
from jspnet_core.pipeline.merging.merge import filter_sizes, merge_clusters, split_and_join
from jspnet_core.pipeline.pyramid import Pyramid
from jspnet_core.pipeline.voting import Votes
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.segmentation import Instance
from jspnet_core.settings import SegmenterSettings
from jspnet_core.spatial.transforms import rotation_about_z, transform_points
from jspnet_core.util.threads import available_cores, create_pool


@dataclass(frozen=True)
class CpuVoxels:
    """V voxels of a cloud of N points.

    of_point: (N,) int32, voxel of each input point, -1 for none. representative: (V,) int32 into the input.
    xyz: (V, 3) float32, metres; bounds: its smallest and largest coordinates, two (3,), from the gravity frame on.
    colors: (V, 3) uint8 or None.
    """

    of_point: np.ndarray
    representative: np.ndarray
    xyz: np.ndarray
    colors: np.ndarray | None
    bounds: tuple[np.ndarray, np.ndarray] | None = None

    def moved(self, T: np.ndarray) -> CpuVoxels:
        """The voxels under a rigid transform (4, 4)."""
        xyz = np.ascontiguousarray(transform_points(T, self.xyz))
        return replace(self, xyz=xyz, bounds=extent(xyz))


@dataclass(frozen=True)
class CpuVotes:
    """voxels: summed probabilities; block_label: (B, N) uint8, class of each block point by its own logits."""

    voxels: Votes
    block_label: np.ndarray


@dataclass(frozen=True)
class CpuLabels:
    """block_label: (B, N) uint8; label: (V,) uint8, 255 for none; confidence: (V,) float32."""

    block_label: np.ndarray
    label: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class CpuInstances:
    """of_voxel: (V,) uint32, 1 to K, 0 for none; category: (K,) uint8, class of each instance."""

    of_voxel: np.ndarray
    category: np.ndarray


class CpuStages:
    """The stages on the CPU, see `pipeline.stages.Stages`.

    threads: 0: one per core. owns_engine: `close` closes the engine, too.
    """

    def __init__(self, engine: Engine, threads: int = 0, owns_engine: bool = False):
        self.engine, self.description, self.about = engine, engine.description, engine.about
        self._owns_engine = owns_engine
        self._threads = threads or available_cores()
        self._executor = create_pool(self._threads)
        self._inference = BatchedInference(engine, self._executor)

    def current(self) -> AbstractContextManager[None]:
        return nullcontext()

    def voxelize(self, points: np.ndarray, colors: np.ndarray | None, size: float) -> tuple[CpuVoxels, int]:
        found = voxelize(points, size, self._executor, self._threads)
        first = found.representative
        rgb = None if colors is None else colors[first]
        return CpuVoxels(found.of_point, first, points[first], rgb), len(first)

    def representatives(self, voxels: CpuVoxels, points: np.ndarray) -> np.ndarray:
        return points[voxels.representative]

    def to_gravity_frame(self, voxels: CpuVoxels, T_gravity_input: np.ndarray) -> CpuVoxels:
        return voxels.moved(T_gravity_input)

    def rotate(self, voxels: CpuVoxels, T_gravity_input: np.ndarray, degrees: float) -> CpuVoxels:
        return voxels.moved(rotation_about_z(degrees))

    def cut_blocks(self, voxels: CpuVoxels, settings: SegmenterSettings, sensor: np.ndarray) -> Blocks:
        return cut_for_network(voxels.xyz, self.description.configuration, settings, sensor)

    def count_blocks(self, blocks: Blocks) -> tuple[int, int]:
        return len(blocks), blocks.left_out

    def batches(self, blocks: Blocks) -> Iterator[Batch]:
        return self._inference.batches(blocks)

    def block_features(self, voxels: CpuVoxels, blocks: Blocks, batch: Batch) -> np.ndarray:
        bounds = voxels.bounds or extent(voxels.xyz)
        return self._inference.features(voxels.xyz, voxels.colors, bounds, blocks, batch)

    def build_pyramids(self, features: np.ndarray, batch: Batch) -> list[Pyramid]:
        return self._inference.pyramids(features, batch)

    def run_network(self, features: np.ndarray, pyramids: list[Pyramid], _: Batch) -> tuple[np.ndarray, np.ndarray]:
        return self.engine.run(features, pyramids)

    def no_votes(self, voxels: CpuVoxels, blocks: Blocks) -> CpuVotes:
        classes = self.description.configuration.classes
        return CpuVotes(Votes(len(voxels.xyz), classes), np.zeros(blocks.index.shape, np.uint8))

    def vote(self, votes: CpuVotes, blocks: Blocks, batch: Batch, logits: np.ndarray) -> None:
        rows, n = batch.rows, logits.shape[1]
        votes.block_label[rows, :n] = votes.voxels.add(logits, blocks.index[rows, :n], blocks.count[rows])

    def no_clusters(self, blocks: Blocks) -> np.ndarray:
        return np.full(blocks.index.shape, -1, np.int32)

    def cluster(
        self, clusters: np.ndarray, blocks: Blocks, batch: Batch, embeddings: np.ndarray, bandwidth: float
    ) -> None:
        rows, n = batch.rows, embeddings.shape[1]
        clusters[rows, :n] = mean_shift_blocks(embeddings, blocks.count[rows], bandwidth, self._executor)

    def label_voxels(self, votes: CpuVotes, blocks: Blocks, min_voxels: float) -> CpuLabels:
        label, confidence, present = votes.voxels.result(min_voxels)
        block_label = votes.block_label
        if not present.all():
            block_label = np.where(present[block_label], block_label, label[blocks.index])
        return CpuLabels(block_label, label, confidence)

    def merge(
        self, voxels: CpuVoxels, blocks: Blocks, clusters: np.ndarray, labels: CpuLabels, settings: SegmenterSettings
    ) -> CpuInstances:
        s, xyz = settings, voxels.xyz
        merged = merge_clusters(
            s.merging, xyz, blocks.index, clusters, labels.block_label, labels.label, self._executor
        )
        sizes = filter_sizes(self.description, s)
        merged = split_and_join(xyz, merged, labels.label, sizes, s)
        return CpuInstances(*finish_instances(merged, labels.label, sizes, s.min_instance_ratio))

    def no_instances(self, voxels: CpuVoxels) -> CpuInstances:
        return CpuInstances(np.zeros(len(voxels.xyz), np.uint32), np.zeros(0, np.uint8))

    def labels_to_points(
        self, voxels: CpuVoxels, labels: CpuLabels, instances: CpuInstances, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Instance]]:
        label, confidence, ids = fill_gaps(
            voxels.xyz, labels.label, labels.confidence, instances.of_voxel, reach, self._executor
        )
        labels_, confidences, ids_, points = paint_points(voxels.of_point, label, confidence, ids)
        return labels_, ids_, confidences, summarize_instances(voxels.xyz, points, confidence, ids, instances.category)

    def end_stage(self) -> None:
        """Do nothing: every step ends before it returns."""

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()
        if self._owns_engine:
            self.engine.close()
