"""Device of the sections of `benchmarks.gpu`: the GPU, or, in a rehearsal, the host.

A rehearsal runs the same lines with a tiny network on the CPU, so that a mistake in them does not wait for a GPU. Its
times mean nothing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from jspnet_core.classes import S3DIS
from jspnet_core.cuda.device_network import BLOCKS_PER_CALL, DeviceNetwork
from jspnet_core.cuda.emulation.host_device import HostDevice
from jspnet_core.cuda.emulation.host_network import HostNetwork
from jspnet_core.engine.torch_engine import TorchEngine
from jspnet_core.errors import EngineError
from jspnet_core.network import build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint

VOXEL = 0.025
TINY = NetworkConfiguration.narrow(
    points=128, levels=(64, 48, 32, 16), point_conv=((16, 16), (16, 16), (16, 16)), encoder_neighbors=16
)


class Place:
    """checkpoint: a network to measure; None: the full one with random weights, as fast and no use for labels."""

    def __init__(self, rehearsal: bool, checkpoint: Path | None):
        self.rehearsal, self.name = rehearsal, "cpu" if rehearsal else "cuda"
        self.batches = (1, 2) if rehearsal else (1, 8, 32, 128)
        self.frames = 2 if rehearsal else 33  # of which the first tenth warms up
        self.checkpoint = checkpoint or self._random()
        self.configuration = Checkpoint.load(self.checkpoint).configuration

    def synchronize(self) -> None:
        if not self.rehearsal:
            torch.cuda.synchronize()

    def milliseconds(self, call: Callable[[], object], repeats: int = 20) -> dict[str, float]:
        """Median and 95th percentile of a call and what the GPU does for it, after three to warm up."""
        times = []
        repeats, warm = (1, 0) if self.rehearsal else (repeats, 3)
        for turn in range(warm + repeats):
            begin = time.perf_counter()
            call()
            self.synchronize()
            if turn >= warm:
                times.append(1e3 * (time.perf_counter() - begin))
        return {"median_ms": float(np.median(times)), "p95_ms": float(np.percentile(times, 95))}

    def engine(
        self,
        precision: Literal["fp32", "fp16", "bf16"],
        graphs: bool,
        path: Path | None = None,
        compiled: bool = False,
    ) -> TorchEngine:
        """Network in PyTorch; a rehearsal supports only float32 without graphs."""
        if self.rehearsal:
            return TorchEngine.open(path or self.checkpoint, "cpu", "fp32", graphs=False)
        return TorchEngine.open(path or self.checkpoint, "cuda", precision, graphs, compiled)

    def network(self, engine: TorchEngine, most: int = BLOCKS_PER_CALL, sizes: Sequence[int] = ()) -> DeviceNetwork:
        """The engine between kernels; sizes: see `TorchNetwork`."""
        if not self.rehearsal:
            from jspnet_core.engine.torch_on_device import TorchNetwork

            return TorchNetwork(engine, most, sizes)
        folder = Path(tempfile.gettempdir()) / "jspnet_rehearsal_kernels"
        folder.mkdir(exist_ok=True)
        return HostNetwork(HostDevice(folder), engine, min(most, 4))

    def on_gpu_only(self, what: str) -> None:
        """Raises `EngineError` in a rehearsal."""
        if self.rehearsal:
            raise EngineError(f"{what} needs a GPU, this is a rehearsal")

    def _random(self) -> Path:
        torch.manual_seed(0)
        configuration = TINY if self.rehearsal else NetworkConfiguration()
        network = build_network(configuration)
        file = Path(tempfile.gettempdir()) / f"jspnet_random_{configuration.points}.pt"
        recipe = {"augmentation": {"voxel_size": VOXEL}}
        Checkpoint(configuration, S3DIS, network.state_dict(), None, 0, recipe, {}, [None] * 13).save(file)
        return file
