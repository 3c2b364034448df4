"""A whole frame on the device: uploaded once, labels downloaded once. `GpuSegmenter.segment` is the list of its steps.

Downloads in between are a few numbers: how many voxels, how full the columns are, how many instances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from jspnet_core.engine.model_file import ModelDescription
from jspnet_core.gpu.device import Device, DeviceArray
from jspnet_core.gpu.frame import DevicePyramids, block_features, cut_blocks, voxelise
from jspnet_core.gpu.labels import mean_shift, merge, paint, vote
from jspnet_core.segmentation import Segmentation
from jspnet_core.segmenter import filter_sizes
from jspnet_core.settings import SegmenterSettings
from jspnet_core.stage_clock import StageClock

Network = Callable[[dict[str, DeviceArray], int], tuple[DeviceArray, DeviceArray]]
"""Runs the network on the first so many blocks of its inputs: logits (>= B, N, C) and embeddings (>= B, N, D)."""


class GpuSegmenter:
    """JSPNet on a device. Not for several threads at once.

    settings: `max_blocks` bounds the device's memory, so it must not be 0; `merging` must be `fixed`.
    Raises ValueError for settings that the device cannot serve.
    """

    def __init__(self, device: Device, description: ModelDescription, settings: SegmenterSettings):
        if settings.max_blocks == 0 or settings.merging != "fixed":
            raise ValueError(
                f"on a GPU max_blocks must be bounded and merging 'fixed', found {settings.max_blocks} and "
                f"{settings.merging!r}"
            )
        c = description.configuration
        self.description, self.settings, self._device = description, settings, device
        self.pyramids = DevicePyramids(device, c, settings.max_blocks)
        self.after_stage: Callable[[], None] | None = None
        """Called at the end of each stage; to wait for the device here is to time the stages, and to slow them."""
        self.features = device.empty((settings.max_blocks, c.points, c.channels), np.float32)

    def segment(
        self, points: np.ndarray, colors: np.ndarray | None, T_gravity_input: np.ndarray, network: Network
    ) -> Segmentation:
        """As `jspnet_core.segmenter.Segmenter.segment`, for a cloud with finite points and a known transform."""
        s, d, c, clock = self.settings, self._device, self.description.configuration, StageClock()
        with self._stage(clock, "voxels"):
            voxels = voxelise(d, points, s.voxel_size, T_gravity_input)
        with self._stage(clock, "blocks"):
            blocks = cut_blocks(d, voxels, c, s, T_gravity_input[:2, 3])
            rgb = None
            if colors is not None:
                rgb = d.empty(colors.shape, np.uint8)
                d.upload(rgb, colors)
            block_features(d, voxels, blocks, rgb, c, self.features)
        with self._stage(clock, "pyramid"):
            self.pyramids.build(self.features, len(blocks))
        with self._stage(clock, "network"):
            logits, embeddings = network({**self.pyramids.arrays, "features": self.features}, len(blocks))
        with self._stage(clock, "labels"):
            votes = vote(d, logits, blocks, voxels)
        with self._stage(clock, "clusters"):
            clusters = mean_shift(d, embeddings, blocks.count, s.bandwidth)
        with self._stage(clock, "merging"):
            mean_size = filter_sizes(self.description, s)
            instances = merge(d, blocks, voxels, clusters, votes, mean_size, s.min_instance_ratio)
        with self._stage(clock, "painting"):
            label, instance, confidence, found = paint(d, voxels, votes, instances, reach=4 * s.voxel_size)
        return Segmentation(
            label, instance, confidence, found, T_gravity_input, "given transform", len(blocks), blocks.left_out,
            clock.milliseconds,
        )  # fmt: skip

    @contextmanager
    def _stage(self, clock: StageClock, name: str) -> Iterator[None]:
        with clock.stage(name):
            yield
            if self.after_stage is not None:
                self.after_stage()
