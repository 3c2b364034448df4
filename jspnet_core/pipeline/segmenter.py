"""The whole algorithm: a cloud in, labels out. `Segmenter.segment` is the list of its steps."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Literal

import numpy as np

from jspnet_core.classes import UNLABELLED, ClassTable
from jspnet_core.engine import Engine, open_engine
from jspnet_core.engine.model_file import ModelDescription, default_model
from jspnet_core.errors import CloudError
from jspnet_core.pipeline.blocks import Blocks
from jspnet_core.pipeline.gravity.estimate import Gravity, find_gravity
from jspnet_core.pipeline.inference import cut_for_network, infer_batches
from jspnet_core.pipeline.labels_to_points import fill_gaps, paint_points, summarize_instances
from jspnet_core.pipeline.mean_shift import mean_shift_blocks
from jspnet_core.pipeline.merging.block_merging import finish_instances, legacy_cells, merge_blocks, split_by_class
from jspnet_core.pipeline.merging.connected_components import split_at_gaps
from jspnet_core.pipeline.merging.contact import join_clusters
from jspnet_core.pipeline.voting import Votes
from jspnet_core.pipeline.voxelize import MAX_COORDINATE, voxelize
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import SegmenterSettings, min_class_voxels
from jspnet_core.spatial.transforms import rotation_about_z, transform_points
from jspnet_core.util.stage_timer import StageTimer
from jspnet_core.util.threads import available_cores, create_pool


class Segmenter:
    """JSPNet, ready to label clouds. Not for several threads at once.

    model: a model file; None for the one that comes with the package.
    engine: one of `jspnet_core.engine.ENGINES`, or a loaded one; `model` is not read then.
    Raises `ModelFileError` for a file that cannot be used, `EngineError` for an engine that cannot be had.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        engine: str | Engine = "onnxruntime",
        settings: SegmenterSettings | None = None,
    ):
        self.settings = settings or SegmenterSettings()
        self.owns_engine = isinstance(engine, str)
        if isinstance(engine, str):
            path = default_model() if model is None else Path(model)
            engine = open_engine(engine, path, self.settings.threads)
        self.engine = engine
        self.description = self.engine.description
        self.classes: ClassTable = self.description.class_table()
        self.model_name: str = self.description.name
        self.about: str = getattr(engine, "about", "")
        self._threads = self.settings.threads or available_cores()
        self._executor = create_pool(self._threads)

    def close(self) -> None:
        """Free its threads, and the engine if it was opened here; may be called twice."""
        if self._executor is not None:
            self._executor.shutdown()
        if self.owns_engine and hasattr(self.engine, "close"):
            self.engine.close()

    def segment(
        self,
        points: np.ndarray,
        colors: np.ndarray | None = None,
        *,
        T_gravity_input: np.ndarray | None = None,
        instances: bool = True,
    ) -> Segmentation:
        """Label every point of a cloud.

        points: (N, 3) float32, metres, any frame; rows that are not finite, or beyond 1e4 m, stay unlabelled.
        colors: (N, 3) uint8, red green blue, or None.
        T_gravity_input: (4, 4), from the points' frame to one with z up and the floor at z = 0; None: it is found
            in the cloud as `settings.up_axis` says.
        instances: False leaves out clustering and merging; every instance id is 0 then.
        Raises `CloudError` for arrays of a wrong shape or dtype and for clouds without a finite point.
        """
        check_cloud(points, colors)
        s, clock = self.settings, StageTimer()
        with clock.stage("voxels"):
            voxels = voxelize(points, s.voxel_size, self._executor, self._threads)
            if len(voxels.representative) == 0:
                raise no_finite_point(points)
            xyz = points[voxels.representative]  # (V, 3)
            rgb = None if colors is None else colors[voxels.representative]
        with clock.stage("gravity"):
            gravity = gravity_transform(xyz, T_gravity_input, s)
            T = gravity.T_gravity_input
            xyz = np.ascontiguousarray(transform_points(T, xyz))
        with clock.stage("blocks"):
            turn = rotation_about_z(s.turn)
            seen = (
                np.ascontiguousarray(transform_points(turn, xyz)) if s.turn else xyz
            )  # by the network; all else is as it was
            blocks = self._cut(seen, sensor=(turn @ T)[:2, 3])
        votes = Votes(len(xyz), len(self.classes))
        block_label, clusters = self._label_blocks(seen, rgb, blocks, votes, clock, instances)
        with clock.stage("labels"):
            label, confidence, there = votes.result(min_class_voxels(s))
            if not there.all():
                block_label = np.where(there[block_label], block_label, label[blocks.index])
        ids = np.zeros(len(xyz), np.uint32)
        instance_label = np.zeros(0, np.uint8)
        if instances:
            with clock.stage("merging"):
                ids, instance_label = self._merge(xyz, blocks, clusters, block_label, label)
        with clock.stage("painting"):
            label, confidence, ids = fill_gaps(xyz, label, confidence, ids, 4 * s.voxel_size, self._executor)
            labels, confidences, instance, points_of = paint_points(voxels.of_point, label, confidence, ids)
            found = summarize_instances(xyz, points_of, confidence, ids, instance_label)
        return Segmentation(
            labels,
            instance,
            confidences,
            found,
            T,
            gravity.source,
            len(blocks),
            blocks.left_out,
            clock.milliseconds,
            gravity.is_sure,
        )

    def _label_blocks(
        self, xyz: np.ndarray, rgb: np.ndarray | None, blocks: Blocks, votes: Votes, clock: StageTimer, instances: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Send the blocks through the network, some at a time: of a batch only labels and clusters are kept.

        Adds to `votes`. Returns the label (B, N) uint8 and, with `instances`, the cluster (B, N) int32 of each block
        point, -1 at the padding.
        """
        s = self.settings
        block_label = np.zeros(blocks.index.shape, np.uint8)
        clusters = np.full(blocks.index.shape, -1, np.int32)
        for rows, logits, embeddings in infer_batches(self.engine, xyz, rgb, blocks, self._executor, clock):
            n, count = logits.shape[1], blocks.count[rows]
            with clock.stage("labels"):
                block_label[rows, :n] = votes.add(logits, blocks.index[rows, :n], count)
            if instances:
                with clock.stage("clusters"):
                    clusters[rows, :n] = mean_shift_blocks(embeddings, count, s.bandwidth, self._executor)
        return block_label, clusters

    def _cut(self, xyz: np.ndarray, sensor: np.ndarray) -> Blocks:
        return cut_for_network(xyz, self.description.configuration, self.settings, sensor)

    def _merge(
        self, xyz: np.ndarray, blocks: Blocks, clusters: np.ndarray, block_label: np.ndarray, label: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Instance of each voxel (V,) uint32 and the class of each instance (K,) uint8."""
        s = self.settings
        mean_size = filter_sizes(self.description, s)
        merged = merge_on_cpu(s.merging, xyz, blocks.index, clusters, block_label, label, self._executor)
        if s.split_gap and s.merging != "legacy":
            merged = split_at_gaps(xyz, merged, s.split_gap)
        return finish_instances(merged, label, mean_size, s.min_instance_ratio)


def gravity_transform(xyz: np.ndarray, given: np.ndarray | None, settings: SegmenterSettings) -> Gravity:
    """Take the transform given, or estimate one from xyz (V, 3) float32, which is not read otherwise."""
    if given is not None:
        return Gravity(np.asarray(given, np.float64), "given transform")
    return find_gravity(xyz, settings.up_axis)


def merge_on_cpu(
    merging: Literal["contact", "fixed", "legacy"],
    xyz: np.ndarray,
    index: np.ndarray,
    clusters: np.ndarray,
    block_label: np.ndarray,
    label: np.ndarray,
    executor: Executor | None = None,
) -> np.ndarray:
    """Instance of each voxel, (V,) int32, 0 and up with gaps, -1 for none. See `join_clusters` and `merge_blocks`.

    xyz: (V, 3) float32; index, clusters, block_label: (B, N); label: (V,) uint8, of the voxels.
    """
    if merging != "legacy":
        clusters = split_by_class(clusters, block_label)
    if merging == "contact":
        return join_clusters(xyz, index, clusters, block_label, executor=executor)
    of_voxel = legacy_cells(xyz) if merging == "legacy" else np.arange(len(xyz))
    cells, cell_of_voxel = np.unique(of_voxel, return_inverse=True)
    merged = merge_blocks(cell_of_voxel[index], clusters, block_label, len(cells), merging)
    return np.where(label == UNLABELLED, -1, merged[cell_of_voxel])  # a cell may hold voxels that no block drew


def filter_sizes(description: ModelDescription, settings: SegmenterSettings) -> np.ndarray:
    """Mean instance size of each class (C,) float64 in voxels, NaN where unknown, as the size filter is to see it."""
    unit = (settings.voxel_size / description.voxel_size) ** 2  # surfaces: voxels go with the area
    mean_size = description.mean_instance_sizes() / unit
    if settings.always_kept and settings.min_instance_ratio:
        mean_size = np.minimum(mean_size, settings.always_kept / settings.min_instance_ratio)
    return mean_size


def no_finite_point(points: np.ndarray) -> CloudError:
    return CloudError("no_finite_point", f"none of {len(points)} points is finite and within {MAX_COORDINATE} m")


def check_cloud(points: np.ndarray, colors: np.ndarray | None) -> None:
    """Raises `CloudError`, naming what was found and what is accepted."""
    if points.ndim != 2 or points.shape[1] != 3:
        raise CloudError("shape", f"points has shape {points.shape}, must be (N, 3)")
    if points.dtype != np.float32:
        raise CloudError("dtype", f"points has dtype {points.dtype}, must be float32")
    if len(points) == 0:
        raise CloudError("empty", "the cloud has no points")
    if colors is not None and (colors.shape != points.shape or colors.dtype != np.uint8):
        raise CloudError("colors", f"colors is {colors.shape} {colors.dtype}, must be {points.shape} uint8")
