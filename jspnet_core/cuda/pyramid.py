"""Pyramids of a batch of blocks on the device, see `pipeline.pyramid`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from jspnet_core.cuda.device import MAX_THREADS, THREADS, WARP, Device, DeviceArray, chunks
from jspnet_core.cuda.device_network import POINTS_PER_THREAD
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import UPSAMPLINGS


class DevicePyramids:
    """Builder of the pyramids of a batch, in the input arrays of the network.

    arrays: see `cuda.device_network.DeviceNetwork.inputs`.
    """

    def __init__(self, device: Device, configuration: NetworkConfiguration, arrays: Mapping[str, DeviceArray]):
        c = configuration
        self._device, self._configuration, self.arrays = device, c, arrays
        most = arrays["features"].shape[0]
        self._level1 = device.empty((most, c.levels[0], 3), np.float32)
        self._density = device.empty((most, c.levels[0]), np.float32)

    def build(self, blocks: int) -> None:
        """Build the pyramids of the first `blocks` blocks of `features`; indices are flat over the batch."""
        c, launch, a = self._configuration, self._device.launch, self.arrays
        features = a["features"]
        n, n1, channels = c.points, c.levels[0], c.channels
        threads = min(MAX_THREADS, WARP * math.ceil(n / (POINTS_PER_THREAD * WARP)))
        launch(
            "farthest_points", (1, blocks), threads, features, channels, n, n1, a["sample"], self._level1, shared=12 * n
        )
        rows = THREADS // WARP
        launch(
            "ball_query",
            (chunks(n1, rows), blocks),
            THREADS,
            features,
            channels,
            n,
            self._level1,
            n1,
            np.float32(c.radii[0] ** 2),
            c.encoder_neighbors,
            a["ball"],
        )
        for level in (1, 2, 3):
            self._neighbours(level, blocks)
        for fine, coarse in UPSAMPLINGS:
            at_points = (features, channels, n, n) if fine == 0 else (self._level1, 3, n1, c.levels[fine - 1])
            launch(
                "three_nearest",
                (chunks(at_points[3], THREADS), blocks),
                THREADS,
                *at_points,
                self._level1,
                n1,
                c.levels[coarse - 1],
                a[f"up{fine}{coarse}_index"],
                a[f"up{fine}{coarse}_weight"],
            )

    def _neighbours(self, level: int, blocks: int) -> None:
        c, launch, a = self._configuration, self._device.launch, self.arrays
        n, n1, rows = c.levels[level - 1], c.levels[0], THREADS // WARP
        grid, k = (chunks(n, rows), blocks), c.encoder_neighbors
        launch("nearest_points", grid, THREADS, self._level1, n1, n, k, a[f"near{level}"])
        square, variance = np.float32(c.radii[level] ** 2), np.float32(c.density_variances[level - 1])
        launch("ball_density", grid, THREADS, self._level1, n1, n, square, variance, c.density_neighbors, self._density)
        below = c.levels[level]
        launch(
            "relative_inverse",
            (chunks(below, rows), blocks),
            THREADS,
            self._density,
            a[f"near{level}"],
            n,
            below,
            k,
            a[f"density{level + 1}"],
        )
