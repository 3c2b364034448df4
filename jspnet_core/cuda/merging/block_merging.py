"""BlockMerging on the device, see `pipeline.merging.block_merging`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.blocks import DeviceBlocks
from jspnet_core.cuda.device import MAX_THREADS, THREADS, Device, DeviceArray, chunks, filled, uploaded, zeros
from jspnet_core.cuda.mean_shift import Clusters
from jspnet_core.cuda.voxelize import DeviceVoxels
from jspnet_core.pipeline.merging.block_merging import MIN_SPLIT_POINTS


@dataclass(frozen=True)
class Merged:
    """of_voxel: (V,) int32, 0 to most - 1 with gaps, -1 for none. most: at least 1."""

    of_voxel: DeviceArray
    most: int


@dataclass(frozen=True)
class Instances:
    """of_voxel: as merged; names: ids from 1 on by merged instance, 0 for those dropped.

    category: (ids,) uint8; count: of the ids, on the host.
    """

    of_voxel: DeviceArray
    names: DeviceArray
    category: DeviceArray
    count: int


def split_by_class(
    device: Device,
    blocks: DeviceBlocks,
    clusters: Clusters,
    block_label: DeviceArray,
    classes: int,
    least: int = MIN_SPLIT_POINTS,
) -> None:
    """Split clusters by class in place, see `pipeline.merging.block_merging`. block_label: (B, N) uint8."""
    count, n = blocks.index.shape
    votes, numbers = (device.empty((count, n, classes), np.int32) for _ in range(2))
    device.launch(
        "split_by_class",
        (1, count),
        MAX_THREADS,
        blocks.count,
        block_label,
        n,
        classes,
        least,
        votes,
        numbers,
        clusters.of_point,
        clusters.count,
    )


def merge_blocks(
    device: Device,
    blocks: DeviceBlocks,
    voxels: DeviceVoxels,
    clusters: Clusters,
    block_label: DeviceArray,
    classes: int,
) -> Merged:
    """Merge in mode `fixed`, see `pipeline.merging.block_merging`; cells are voxels. block_label: (B, N) uint8."""
    count, n = blocks.index.shape
    slots = 1 << (2 * n - 1).bit_length()
    of_voxel, cell_label = filled(device, (voxels.count,), np.int32, 0xFF), zeros(device, (voxels.count,), np.uint8)
    sizes, target = device.empty((n,), np.int32), device.empty((n,), np.int32)
    scratch = device.empty((n, classes), np.int32)
    best, keys = device.empty((n,), np.uint64), device.empty((slots,), np.uint64)
    overlaps, highest = device.empty((slots,), np.int32), device.empty((1,), np.int32)
    device.launch(
        "merge_blocks",
        (1, 1),
        MAX_THREADS,
        blocks.index,
        blocks.count,
        clusters.of_point,
        clusters.count,
        block_label,
        count,
        n,
        classes,
        of_voxel,
        cell_label,
        sizes,
        scratch,
        target,
        best,
        keys,
        overlaps,
        slots - 1,
        highest,
    )
    return Merged(of_voxel, max(int(device.download(highest)[0]) + 1, 1))


def finish_instances(
    device: Device, voxels: DeviceVoxels, merged: Merged, label: DeviceArray, mean_size: np.ndarray, ratio: float
) -> Instances:
    """Assign classes and drop small instances, see `pipeline.merging.block_merging`.

    label: (V,) uint8. mean_size: (C,) float64, voxels, NaN where unknown.
    """
    classes, most = len(mean_size), merged.most
    tally = zeros(device, (most, classes), np.int32)
    names, category = device.empty((most,), np.int32), device.empty((most,), np.uint8)
    number, means = device.empty((1,), np.int32), uploaded(device, np.asarray(mean_size, np.float64))
    highest = uploaded(device, np.array([most - 1], np.int32))
    grid, here = (chunks(voxels.count, THREADS), 1), voxels.count_on_device
    device.launch("instance_votes", grid, THREADS, merged.of_voxel, label, here, classes, tally)
    inputs = tally, highest, classes, means, np.float64(ratio)
    device.launch("finish_instances", (1, 1), MAX_THREADS, *inputs, names, category, number)
    return Instances(merged.of_voxel, names, category, int(device.download(number)[0]))


def no_instances(device: Device, voxels: DeviceVoxels) -> Instances:
    """Create the result of a cloud without instance segmentation."""
    of_voxel = filled(device, (voxels.count,), np.int32, 0xFF)
    return Instances(of_voxel, zeros(device, (1,), np.int32), zeros(device, (1,), np.uint8), 0)
