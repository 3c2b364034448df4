"""Clusters of blocks to instances of the cloud, by the setting `merging`, and the size filter."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Literal

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.model_file import ModelDescription
from jspnet_core.pipeline.merging.block_merging import legacy_cells, merge_blocks, split_by_class
from jspnet_core.pipeline.merging.contact import join_clusters
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


def filter_sizes(description: ModelDescription, settings: SegmenterSettings) -> np.ndarray:
    """Mean instance size of each class for the size filter: (C,) float64, voxels of `settings.voxel_size`, NaN unknown.

    Bounded so that instances of more than `settings.always_kept` voxels pass.
    """
    unit = (settings.voxel_size / description.voxel_size) ** 2  # surfaces: voxels go with the area
    mean_size = description.mean_instance_sizes() / unit
    if settings.always_kept and settings.min_instance_ratio:
        mean_size = np.minimum(mean_size, settings.always_kept / settings.min_instance_ratio)
    return mean_size
