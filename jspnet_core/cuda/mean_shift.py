"""Mean shift on the device, see `pipeline.mean_shift`; the number of steps is bounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.blocks import DeviceBlocks
from jspnet_core.cuda.device import MAX_THREADS, THREADS, WARP, Device, DeviceArray, chunks, filled, zeros
from jspnet_core.pipeline.mean_shift_kernels import MAX_STEPS, MAX_STEPS_IN_ALL

SEEDS_AT_ONCE = 128
"""Blocks of threads that seek modes at the same time, for one block of points."""


@dataclass(frozen=True)
class Clusters:
    """of_point: (B, N) int32, -1 at the padding; count: (B,) int32."""

    of_point: DeviceArray
    count: DeviceArray

    def rows(self, begin: int, end: int) -> Clusters:
        """Clusters of a range of blocks, in place."""
        return Clusters(self.of_point.rows(begin, end), self.count.rows(begin, end))


def empty_clusters(device: Device, blocks: DeviceBlocks) -> Clusters:
    """Allocate the clusters of all blocks."""
    return Clusters(device.empty(blocks.index.shape, np.int32), zeros(device, blocks.count.shape, np.int32))


def mean_shift(device: Device, embeddings: DeviceArray, counts: DeviceArray, bandwidth: float, found: Clusters) -> None:
    """Cluster each block, see `pipeline.mean_shift.mean_shift_blocks`.

    embeddings: (>= B, N, D) float32, D <= `MAX_DIMS`. counts: (B,) int32.
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
    device.launch("seed_bins", grid, MAX_THREADS, embeddings, counts, n, dims, width, keys, slots - 1, seeds, seeded)
    grid_of_seeds, threads = (min(SEEDS_AT_ONCE, n), blocks), min(THREADS, WARP * chunks(n, WARP))

    def seek(starts: DeviceArray, start_counts: DeviceArray, skip: DeviceArray | None) -> None:
        inputs, bounds = (embeddings, counts, n, dims, width, starts, start_counts, skip), (MAX_STEPS, MAX_STEPS_IN_ALL)
        device.launch("seek_modes", grid_of_seeds, threads, *inputs, *bounds, modes, held, number, steps)

    seek(seeds, seeded, None)
    # Where no seed sees a point, all of them lying in the far corners of their bins, the points are the seeds.
    first = zeros(device, (blocks,), np.int32)
    device.launch("copy_counts", (chunks(blocks, THREADS), 1), THREADS, number, blocks, first)
    seek(embeddings, counts, first)
    device.launch("choose_modes", grid, THREADS, modes, held, number, n, dims, width, centers, kept)
    per_point = (chunks(n, THREADS), blocks)
    device.launch("assign_points", per_point, THREADS, embeddings, counts, n, dims, centers, kept, clusters, sizes)
    device.launch("rank_clusters", grid, MAX_THREADS, n, kept, sizes, rank, clusters)
