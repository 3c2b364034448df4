"""A frame on the device, from what the network says to labels on every point: votes, clusters, merging, painting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.gpu.device import INT_MAX, WARP, Device, DeviceArray, chunks
from jspnet_core.gpu.frame import THREADS, DeviceBlocks, DeviceVoxels
from jspnet_core.mean_shift_kernels import MAX_STEPS, MAX_STEPS_IN_ALL
from jspnet_core.segmentation import Instance

CLIMBERS = 128
"""Blocks of threads that climb at a time from the seeds of one block of points."""

_ONE = 2.0**24  # a confidence of 1 as an integer: ONE in painting.cu


@dataclass(frozen=True)
class Votes:
    """block_label: (B, N) uint8; label: (V,) uint8, 255 for none; confidence: (V,) float32."""

    block_label: DeviceArray
    label: DeviceArray
    confidence: DeviceArray


@dataclass(frozen=True)
class Clusters:
    """of_point: (B, N) int32, -1 at the padding; count: (B,) int32."""

    of_point: DeviceArray
    count: DeviceArray


@dataclass(frozen=True)
class Instances:
    """of_voxel: (V,) int32 by merging, -1 for none; names: ids from 1 on by merged instance, 0 for those dropped.

    category: (ids,) uint8; count: of the ids, on the host.
    """

    of_voxel: DeviceArray
    names: DeviceArray
    category: DeviceArray
    count: int


def vote(device: Device, logits: DeviceArray, blocks: DeviceBlocks, voxels: DeviceVoxels) -> Votes:
    """As `jspnet_core.painting.vote`: logits (>= B, N, C) float32."""
    count, n = blocks.index.shape
    classes = logits.shape[2]
    total, times = zeros(device, (voxels.count, classes), np.uint32), zeros(device, (voxels.count,), np.int32)
    label, confidence = device.empty((voxels.count,), np.uint8), device.empty((voxels.count,), np.float32)
    block_label = device.empty((count, n), np.uint8)
    device.launch(
        "vote", (chunks(n, THREADS), count), THREADS, logits, blocks.index, blocks.count, n, classes, block_label,
        total, times,
    )  # fmt: skip
    device.launch(
        "count_votes", (chunks(voxels.count, THREADS), 1), THREADS, total, times, voxels.count_on_device, classes,
        label, confidence,
    )  # fmt: skip
    return Votes(block_label, label, confidence)


def mean_shift(device: Device, embeddings: DeviceArray, counts: DeviceArray, bandwidth: float) -> Clusters:
    """As `jspnet_core.mean_shift.mean_shift_blocks`: embeddings (>= B, N, D) float32, D <= 8; counts (B,) int32."""
    blocks, (n, dims) = counts.shape[0], embeddings.shape[1:]
    if dims > 8:
        raise ValueError(f"the kernels take embeddings of up to 8 dimensions, found {dims}")
    width, grid = np.float32(bandwidth), (1, blocks)
    slots = 1 << (2 * n - 1).bit_length()
    keys = device.empty((blocks, slots), np.uint64)
    device.fill(keys, 0xFF)
    seeds, modes, centers = (device.empty((blocks, n, dims), np.float32) for _ in range(3))
    seeded, number, steps, kept = (zeros(device, (blocks,), np.int32) for _ in range(4))
    held, rank = device.empty((blocks, n), np.int32), device.empty((blocks, n), np.int32)
    sizes, clusters = zeros(device, (blocks, n), np.int32), device.empty((blocks, n), np.int32)
    device.launch("seed_bins", grid, 1024, embeddings, counts, n, dims, width, keys, slots - 1, seeds, seeded)
    bounds, results = (MAX_STEPS, MAX_STEPS_IN_ALL), (modes, held, number, steps)
    climbers, together = (min(CLIMBERS, n), blocks), min(THREADS, WARP * chunks(n, WARP))
    device.launch(
        "climb", climbers, together, embeddings, counts, n, dims, width, seeds, seeded, None, *bounds, *results
    )
    # Where no seed saw a point, all of them lying in the far corners of their bins, the points climb themselves.
    first = zeros(device, (blocks,), np.int32)
    device.launch("copy_counts", (chunks(blocks, THREADS), 1), THREADS, number, blocks, first)
    device.launch(
        "climb", climbers, together, embeddings, counts, n, dims, width, embeddings, counts, first, *bounds, *results
    )
    device.launch("choose_modes", grid, 256, modes, held, number, n, dims, width, centers, kept)
    per_point = (chunks(n, THREADS), blocks)
    device.launch("assign_points", per_point, THREADS, embeddings, counts, n, dims, centers, kept, clusters, sizes)
    device.launch("rank_clusters", grid, 1024, n, kept, sizes, rank, clusters)
    return Clusters(clusters, kept)


def merge(
    device: Device, blocks: DeviceBlocks, voxels: DeviceVoxels, clusters: Clusters, votes: Votes,
    mean_size: np.ndarray, ratio: float,
) -> Instances:  # fmt: skip
    """As `merge_blocks` (mode `fixed`) and `finish_instances` of `jspnet_core.merging`: mean_size (C,) float64."""
    count, n = blocks.index.shape
    classes, slots = len(mean_size), 1 << (2 * n - 1).bit_length()
    of_voxel, cell_label = device.empty((voxels.count,), np.int32), zeros(device, (voxels.count,), np.uint8)
    device.fill(of_voxel, 0xFF)
    sizes, target = device.empty((n,), np.int32), device.empty((n,), np.int32)
    scratch = device.empty((n, classes), np.int32)
    best, keys = device.empty((n,), np.uint64), device.empty((slots,), np.uint64)
    overlaps, highest = device.empty((slots,), np.int32), device.empty((1,), np.int32)
    device.launch(
        "merge_blocks", (1, 1), 1024, blocks.index, blocks.count, clusters.of_point, clusters.count, votes.block_label,
        count, n, classes, of_voxel, cell_label, sizes, scratch, target, best, keys, overlaps, slots - 1, highest,
    )  # fmt: skip
    most = int(device.download(highest)[0]) + 1
    tally = zeros(device, (max(most, 1), classes), np.int32)
    names, category = device.empty((max(most, 1),), np.int32), device.empty((max(most, 1),), np.uint8)
    number, means = device.empty((1,), np.int32), device.empty((classes,), np.float64)
    device.upload(means, np.asarray(mean_size, np.float64))
    grid = (chunks(voxels.count, THREADS), 1)
    device.launch("instance_votes", grid, THREADS, of_voxel, votes.label, voxels.count_on_device, classes, tally)
    device.launch(
        "name_instances", (1, 1), 1024, tally, highest, classes, means, np.float64(ratio), names, category, number
    )
    return Instances(of_voxel, names, category, int(device.download(number)[0]))


def paint(
    device: Device, voxels: DeviceVoxels, votes: Votes, instances: Instances, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Instance]]:
    """As `fill_gaps`, `summarise_instances` and the painting of `Segmenter`: label, instance and confidence (N,)."""
    v, n = voxels.count, voxels.of_point.shape[0]
    labelled, missing = device.empty((v,), np.int32), device.empty((v,), np.int32)
    lengths, id_ = zeros(device, (2,), np.int32), device.empty((v,), np.uint32)
    grid, here = (chunks(v, THREADS), 1), voxels.count_on_device
    device.launch(
        "split_voxels", grid, THREADS, votes.label, instances.of_voxel, instances.names, here, labelled, missing,
        lengths, id_,
    )  # fmt: skip
    device.launch(
        "fill_gaps", grid, THREADS, voxels.xyz, labelled, missing, lengths, np.float32(reach), votes.label,
        votes.confidence, id_,
    )  # fmt: skip
    label, confidence = device.empty((n,), np.uint8), device.empty((n,), np.float32)
    instance, points = device.empty((n,), np.uint32), zeros(device, (v,), np.int32)
    device.launch(
        "paint", (chunks(n, THREADS), 1), THREADS, voxels.of_point, n, votes.label, votes.confidence, id_, label,
        confidence, instance, points,
    )  # fmt: skip
    found = max(instances.count, 1)
    sums, bounds = zeros(device, (found, 5), np.int64), device.empty((found, 6), np.int32)
    device.upload(bounds, np.tile(np.array([INT_MAX] * 3 + [-INT_MAX - 1] * 3, np.int32), (found, 1)))
    device.launch("summarise", grid, THREADS, voxels.xyz, id_, votes.confidence, points, here, sums, bounds)
    summary = summaries(
        device.download(sums, instances.count), device.download(bounds, instances.count),
        device.download(instances.category, instances.count),
    )  # fmt: skip
    return device.download(label), device.download(instance), device.download(confidence), summary


def summaries(sums: np.ndarray, bounds: np.ndarray, category: np.ndarray) -> list[Instance]:
    """Instances that have a point. sums (K, 5) int64, bounds (K, 6) int32 ordered as their floats, category (K,)."""
    edges = np.where(bounds < 0, bounds ^ 0x7FFFFFFF, bounds).view(np.float32).astype(np.float64)
    return [
        Instance(
            k + 1, int(category[k]), float(row[4] / _ONE / row[0]), int(row[0]), 1e-6 * row[1:4] / row[0],
            edges[k, :3], edges[k, 3:],
        )
        for k, row in enumerate(sums) if row[0]
    ]  # fmt: skip


def zeros(device: Device, shape: tuple[int, ...], dtype: type) -> DeviceArray:
    array = device.empty(shape, dtype)
    device.fill(array, 0)
    return array
