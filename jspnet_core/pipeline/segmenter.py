"""The algorithm on one page: `Segmenter.segment` takes a cloud through the ten steps of `pipeline.stages`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.engine import Engine, open_engine
from jspnet_core.errors import CloudError, EngineError
from jspnet_core.model_file import model_path
from jspnet_core.pipeline.cpu_stages import CpuStages
from jspnet_core.pipeline.gravity.estimate import Gravity, find_gravity
from jspnet_core.pipeline.objects import drop_unsure, rate_objects
from jspnet_core.pipeline.stages import Stages
from jspnet_core.pipeline.strays import check_heights, without_strays
from jspnet_core.pipeline.voxelize import MAX_COORDINATE
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import SegmenterSettings, min_class_voxels
from jspnet_core.spatial.transforms import rotation_about_z
from jspnet_core.util.stage_timer import StageTimer


class Segmenter:
    """JSPNet, ready to label clouds. Not for several threads at once.

    model: a model file; None for the one that comes with the package.
    engine: one of `jspnet_core.engine.ENGINES`, or a loaded one; `model` is not read then, and `close` leaves it open.
    stages: where the steps run; None: on the CPU around `engine`. With stages, `model` and `engine` are not read.
    Raises `ModelFileError` for a file that cannot be used, `EngineError` for an engine that is not available.

    settings may be replaced between two clouds, but for `threads`. about: runtime and precision, for the log.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        engine: str | Engine = "onnxruntime",
        settings: SegmenterSettings | None = None,
        *,
        stages: Stages | None = None,
    ):
        self.settings = settings or SegmenterSettings()
        self.stages = stages or _on_cpu(model, engine, self.settings.threads)
        self.description = self.stages.description
        self.classes: ClassTable = self.description.class_table()
        self.model_name: str = self.description.name
        self.about = self.stages.about

    @property
    def engine(self) -> Engine:
        """The engine of a segmenter on the CPU. Raises `EngineError` where the network's data stay on a GPU."""
        if not isinstance(self.stages, CpuStages):
            raise EngineError("this segmenter keeps all of a frame on the GPU and has no engine for single blocks")
        return self.stages.engine

    def close(self) -> None:
        """Free threads and device, and the engine if it was opened here; may be called twice."""
        self.stages.close()

    def segment(
        self,
        points: np.ndarray,
        colors: np.ndarray | None = None,
        *,
        T_gravity_input: np.ndarray | None = None,
        instances: bool = True,
    ) -> Segmentation:
        """Label every point of a cloud.

        points: (N, 3) float32, metres, any frame; rows that are not finite, beyond 1e4 m, or far from all others stay
            unlabelled.
        colors: (N, 3) uint8, red green blue, or None.
        T_gravity_input: (4, 4), from the points' frame to one with z up and the floor at z = 0; None: estimated from
            the cloud, see `settings.up_axis`.
        instances: False leaves out clustering and merging; every instance id is 0 then.
        Raises `CloudError` for arrays of a wrong shape or dtype, for clouds without a finite point, and for those that
        reach more than a hundred metres above the floor.
        """
        check_cloud(points, colors)
        points, box = without_strays(points)
        s, stages, timer = self.settings, self.stages, StageTimer(self.stages.end_stage)
        with stages.current():
            with timer.stage("voxels"):
                found, count = stages.voxelize(points, colors, s.voxel_size)
                if count == 0:
                    raise _no_finite_point(points)
            with timer.stage("gravity"):
                gravity = self._gravity(found, points, T_gravity_input)
                T = gravity.T_gravity_input
                check_heights(points, box, T)
                voxels = stages.to_gravity_frame(found, T)
            with timer.stage("blocks"):
                turned = stages.rotate(voxels, T, s.turn) if s.turn else voxels  # seen by the network alone
                blocks = stages.cut_blocks(turned, s, sensor=(rotation_about_z(s.turn) @ T)[:2, 3])
            votes, clusters = stages.no_votes(voxels, blocks), stages.no_clusters(blocks)
            self._infer(turned, blocks, votes, clusters if instances else None, timer)
            with timer.stage("labels"):
                labels = stages.label_voxels(votes, blocks, min_class_voxels(s))
            if instances:
                with timer.stage("merging"):
                    merged = stages.merge(voxels, blocks, clusters, labels, s)
            else:
                merged = stages.no_instances(voxels)
            with timer.stage("painting"):
                label, ids, confidence, found_objects = stages.labels_to_points(
                    voxels, labels, merged, reach=4 * s.voxel_size
                )
                ids, objects = drop_unsure(ids, rate_objects(found_objects, s.voxel_size), s.min_confidence)
        of_blocks = stages.count_blocks(blocks)
        return Segmentation(
            label, ids, confidence, objects, T, gravity.source, *of_blocks, timer.milliseconds, gravity.is_sure
        )

    def _gravity(self, voxels: Any, points: np.ndarray, given: np.ndarray | None) -> Gravity:
        """Take the transform given, or estimate one from the voxels."""
        if given is not None:
            return Gravity(np.asarray(given, np.float64), "given transform")
        return find_gravity(self.stages.representatives(voxels, points), self.settings.up_axis)

    def _infer(self, voxels: Any, blocks: Any, votes: Any, clusters: Any, timer: StageTimer) -> None:
        """Run the network batch by batch; of a batch only votes and clusters are kept. clusters: None: not searched."""
        stages = self.stages
        for batch in stages.batches(blocks):
            with timer.stage("blocks"):
                features = stages.block_features(voxels, blocks, batch)
            with timer.stage("pyramid"):
                pyramids = stages.build_pyramids(features, batch)
            with timer.stage("network"):
                logits, embeddings = stages.run_network(features, pyramids, batch)
            with timer.stage("labels"):
                stages.vote(votes, blocks, batch, logits)
            if clusters is not None:
                with timer.stage("clusters"):
                    stages.cluster(clusters, blocks, batch, embeddings, self.settings.bandwidth)


def check_cloud(points: np.ndarray, colors: np.ndarray | None) -> None:
    """Raise `CloudError`, naming what was found and what is accepted."""
    if points.ndim != 2 or points.shape[1] != 3:
        raise CloudError("shape", f"points has shape {points.shape}, must be (N, 3)")
    if points.dtype != np.float32:
        raise CloudError("dtype", f"points has dtype {points.dtype}, must be float32")
    if len(points) == 0:
        raise CloudError("empty", "the cloud has no points")
    if colors is not None and (colors.shape != points.shape or colors.dtype != np.uint8):
        raise CloudError("colors", f"colors is {colors.shape} {colors.dtype}, must be {points.shape} uint8")


def _on_cpu(model: Path | str | None, engine: str | Engine, threads: int) -> CpuStages:
    if isinstance(engine, Engine):
        return CpuStages(engine, threads)
    path = model_path(model)
    return CpuStages(open_engine(engine, path, threads), threads, owns_engine=True)


def _no_finite_point(points: np.ndarray) -> CloudError:
    return CloudError("no_finite_point", f"none of {len(points)} points is finite and within {MAX_COORDINATE} m")
