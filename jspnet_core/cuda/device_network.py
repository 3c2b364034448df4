"""The network between kernels: inputs and outputs stay on the device."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np

from jspnet_core.cuda.device import MAX_THREADS, WARP, Device, DeviceArray, zeros
from jspnet_core.errors import KernelsError
from jspnet_core.model_file import ModelDescription
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import UPSAMPLINGS

POINTS_PER_THREAD = 8
"""Points of which a thread of farthest point sampling holds the distances in registers."""

MAX_POINTS = POINTS_PER_THREAD * MAX_THREADS
"""Most points of a block."""

MAX_DIMS = 8
"""Most dimensions of the embeddings, which mean shift holds in registers."""

BLOCKS_PER_CALL = 32
"""Blocks that go through a device's network together: the bound for its memory."""


class DeviceNetwork(Protocol):
    """A network with arrays on a device.

    inputs: `features` (most, N, channels) float32 and the arrays of a stacked pyramid, for `most` blocks. Rows that no
        block fills must hold indices that are in range: zeros, or those of an earlier call.
    most: blocks of a call.
    """

    description: ModelDescription
    device: Device
    inputs: Mapping[str, DeviceArray]
    most: int

    def current(self) -> AbstractContextManager[None]:
        """Make the device's context current in this thread. Call all other methods, and every kernel, inside."""
        ...

    def run(self, blocks: int) -> tuple[DeviceArray, DeviceArray]:
        """Run the first `blocks` blocks of the inputs: logits (>= B, N, classes) and embeddings (>= B, N, K) float32.

        Both are overwritten by the next call.
        """
        ...

    def close(self) -> None:
        """Free the device; may be called twice, from any thread."""


def check_fits(configuration: NetworkConfiguration) -> None:
    """Raise `KernelsError` for a model that exceeds the limits of the kernels."""
    c = configuration
    for what, found, most in (
        ("points of a block", c.points, MAX_POINTS),
        ("neighbours", c.encoder_neighbors, WARP),
        ("dimensions of the embedding", c.embedding, MAX_DIMS),
    ):
        if found > most:
            raise KernelsError(f"the kernels take up to {most} {what}, this model has {found}")


def input_shapes(configuration: NetworkConfiguration) -> dict[str, tuple[tuple[int, ...], type]]:
    """Shape for one block, and dtype, of the features and of each array of its pyramid."""
    c = configuration
    sizes, k = (c.points, *c.levels), c.encoder_neighbors
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "features": ((c.points, c.channels), np.float32),
        "sample": ((sizes[1],), np.int32),
        "ball": ((sizes[1], k), np.int32),
    }
    shapes |= {f"near{level}": ((sizes[level], k), np.int32) for level in (1, 2, 3)}
    shapes |= {f"density{level}": ((sizes[level], k), np.float32) for level in (2, 3, 4)}
    for fine, coarse in UPSAMPLINGS:
        shapes[f"up{fine}{coarse}_index"] = (sizes[fine], 3), np.int32
        shapes[f"up{fine}{coarse}_weight"] = (sizes[fine], 3), np.float32
    return shapes


def network_inputs(device: Device, configuration: NetworkConfiguration, most: int) -> dict[str, DeviceArray]:
    """Allocate the inputs of `most` blocks, all zeros."""
    return {n: zeros(device, (most, *shape), dtype) for n, (shape, dtype) in input_shapes(configuration).items()}


def batch_sizes(most: int) -> list[int]:
    """Batch sizes that calls are padded to, so that few graphs are captured: powers of two below `most`, and `most`."""
    return [*(1 << i for i in range(most.bit_length()) if 1 << i < most), most]
