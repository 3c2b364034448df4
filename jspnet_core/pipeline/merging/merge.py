"""Clusters of blocks to instances of the cloud, by the setting `merging`, and the size filter."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Literal

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.model_file import ModelDescription
from jspnet_core.pipeline.merging.block_merging import legacy_cells, merge_blocks, split_by_class
from jspnet_core.pipeline.merging.connected_components import split_at_gaps
from jspnet_core.pipeline.merging.contact import join_clusters
from jspnet_core.pipeline.merging.fragments import REACH, join_fragments
from jspnet_core.settings import SegmenterSettings


def merge_clusters(
    merging: Literal["contact", "fixed", "legacy"],
    xyz: np.ndarray,
    index: np.ndarray,
    clusters: np.ndarray,
    block_label: np.ndarray,
    label: np.ndarray,
    executor: Executor | None = None,
) -> np.ndarray:
    """Instance of each voxel, (V,) int32, 0 and up with gaps, -1 for none. See `join_clusters` and `merge_blocks`.

    xyz: (V, 3) float32, metres. index, clusters, block_label: (B, N). label: (V,) uint8, of the voxels.
    """
    if merging != "legacy":
        clusters = split_by_class(clusters, block_label)
    if merging == "contact":
        return join_clusters(xyz, index, clusters, block_label, executor=executor)
    of_voxel = legacy_cells(xyz) if merging == "legacy" else np.arange(len(xyz))
    cells, cell_of_voxel = np.unique(of_voxel, return_inverse=True)
    merged = merge_blocks(cell_of_voxel[index], clusters, block_label, len(cells), merging)
    return np.where(label == UNLABELLED, -1, merged[cell_of_voxel])  # a cell may hold voxels that no block drew


def split_and_join(
    xyz: np.ndarray, merged: np.ndarray, label: np.ndarray, mean_size: np.ndarray, settings: SegmenterSettings
) -> np.ndarray:
    """Split instances at gaps, then join fragments too small for the size filter to what they touch.

    xyz: (V, 3) float32, metres. merged: (V,) int32, see `merge_clusters`. label: (V,) uint8, of the voxels.
    mean_size: (C,) float64, see `filter_sizes`. A fragment joins another class only where it has no more than
    `settings.always_kept` voxels: a speck on a table in a frame, and not a small table in a room, where that is 0.
    Returns (V,) int32 as merged; the reference's merging is left as it is.
    """
    gap, reach = settings.split_gap, REACH
    if settings.merging == "legacy":
        return merged
    if gap:
        merged, reach = split_at_gaps(xyz, merged, gap), min(gap, REACH)  # what a gap separates stays apart
    smallest = settings.min_instance_ratio * mean_size
    return join_fragments(xyz, merged, label, smallest, settings.always_kept, reach)


def filter_sizes(description: ModelDescription, settings: SegmenterSettings) -> np.ndarray:
    """Mean instance size of each class for the size filter: (C,) float64, voxels of `settings.voxel_size`, NaN unknown.

    Bounded so that instances of more than `settings.always_kept` voxels pass.
    """
    unit = (settings.voxel_size / description.voxel_size) ** 2  # surfaces: voxels go with the area
    mean_size = description.mean_instance_sizes() / unit
    if settings.always_kept and settings.min_instance_ratio:
        mean_size = np.minimum(mean_size, settings.always_kept / settings.min_instance_ratio)
    return mean_size
