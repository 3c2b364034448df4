"""Semantic voting on the device, see `pipeline.voting`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.blocks import DeviceBlocks
from jspnet_core.cuda.device import THREADS, Device, DeviceArray, chunks, zeros
from jspnet_core.cuda.voxelize import DeviceVoxels

PROBABILITY_ONE = 1 << 24
"""A probability of 1 as an integer: sums of integers do not depend on the order of the threads."""


@dataclass(frozen=True)
class DeviceLabels:
    """block_label: (B, N) uint8; label: (V,) uint8, 255 for none; confidence: (V,) float32."""

    block_label: DeviceArray
    label: DeviceArray
    confidence: DeviceArray


class DeviceVotes:
    """Sums of the class probabilities of voxels, added some blocks at a time; see `pipeline.voting.Votes`.

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

    def result(self) -> DeviceLabels:
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
        return DeviceLabels(self.block_label, label, confidence)

    def result_without_rare(self, least: float) -> DeviceLabels:
        """Compute `result` without classes of fewer than `least` voxels, see `pipeline.voting.without_rare_classes`."""
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
