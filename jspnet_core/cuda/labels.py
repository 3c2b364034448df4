"""A frame on the device, what the network says: votes and clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.device import WARP, Device, DeviceArray, chunks, filled, zeros
from jspnet_core.cuda.frame import THREADS, DeviceBlocks, DeviceVoxels
from jspnet_core.pipeline.mean_shift_kernels import MAX_STEPS, MAX_STEPS_IN_ALL

ONE = 2.0**24
"""A probability of 1 as an integer: ONE in block_merging.cu and labels_to_points.cu."""

CLIMBERS = 128
"""Blocks of threads that climb at a time from the seeds of one block of points."""


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

    def rows(self, begin: int, end: int) -> Clusters:
        """Those of some of the blocks, in place."""
        return Clusters(self.of_point.rows(begin, end), self.count.rows(begin, end))


class DeviceVotes:
    """As `pipeline.labels_to_points.Votes`: probabilities of voxels, added up some blocks at a time.

    block_label: (B, N) uint8, of the blocks that were added.
    """

    def __init__(self, device: Device, voxels: DeviceVoxels, blocks: DeviceBlocks, classes: int):
        self._device, self._voxels, self._blocks, self._classes = device, voxels, blocks, classes
        self._total = zeros(device, (voxels.count, classes), np.uint32)
        self._times = zeros(device, (voxels.count,), np.int32)
        self.block_label = device.empty(blocks.index.shape, np.uint8)

    def add(self, logits: DeviceArray, begin: int, end: int) -> None:
        """logits: (>= end - begin, N, C) float32, of the blocks from `begin` to `end`."""
        n, part = self._blocks.index.shape[1], self._blocks.rows(begin, end)
        self._device.launch(
            "vote",
            (chunks(n, THREADS), len(part)),
            THREADS,
            logits,
            part.index,
            part.count,
            n,
            self._classes,
            self.block_label.rows(begin, end),
            self._total,
            self._times,
        )

    def result(self) -> Votes:
        v, device = self._voxels, self._device
        label, confidence = device.empty((v.count,), np.uint8), device.empty((v.count,), np.float32)
        device.launch(
            "count_votes",
            (chunks(v.count, THREADS), 1),
            THREADS,
            self._total,
            self._times,
            v.count_on_device,
            self._classes,
            label,
            confidence,
        )
        return Votes(self.block_label, label, confidence)

    def result_without_rare(self, least: float) -> Votes:
        """`result` as `without_rare_classes` on the CPU leaves it: no class of fewer than `least` voxels."""
        d, v, votes, rows = self._device, self._voxels, self.result(), math.prod(self._blocks.index.shape)
        found, bar = zeros(d, (self._classes,), np.int32), np.float64(least)
        grid, here = (chunks(v.count, THREADS), 1), v.count_on_device
        d.launch("class_voxels", grid, THREADS, votes.label, here, self._classes, found)
        d.launch(
            "without_rare",
            grid,
            THREADS,
            self._total,
            self._times,
            here,
            self._classes,
            found,
            bar,
            votes.label,
            votes.confidence,
        )
        d.launch(
            "rare_points",
            (chunks(rows, THREADS), 1),
            THREADS,
            self._blocks.index,
            rows,
            votes.label,
            self._classes,
            found,
            bar,
            votes.block_label,
        )
        return votes


def no_clusters(device: Device, blocks: DeviceBlocks) -> Clusters:
    """Room for the clusters of all blocks."""
    return Clusters(device.empty(blocks.index.shape, np.int32), zeros(device, blocks.count.shape, np.int32))


def mean_shift(device: Device, embeddings: DeviceArray, counts: DeviceArray, bandwidth: float, found: Clusters) -> None:
    """As `pipeline.mean_shift.mean_shift_blocks`: embeddings (>= B, N, D) float32, D <= 8; counts (B,) int32.

    found: of as many blocks, with counts of zero; the result is written there.
    """
    blocks, (n, dims) = counts.shape[0], embeddings.shape[1:]
    width, grid = np.float32(bandwidth), (1, blocks)
    slots = 1 << (2 * n - 1).bit_length()
    keys = filled(device, (blocks, slots), np.uint64, 0xFF)
    seeds, modes, centers = (device.empty((blocks, n, dims), np.float32) for _ in range(3))
    seeded, number, steps = (zeros(device, (blocks,), np.int32) for _ in range(3))
    clusters, kept = found.of_point, found.count
    held, rank = device.empty((blocks, n), np.int32), device.empty((blocks, n), np.int32)
    sizes = zeros(device, (blocks, n), np.int32)
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
