"""An engine of the CPU between kernels that run on the host, for tests and rehearsals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from jspnet_core.cuda.device import Device, DeviceArray, uploaded
from jspnet_core.cuda.device_network import check_fits, network_inputs
from jspnet_core.cuda.emulation.host_device import HostDevice
from jspnet_core.engine import Engine
from jspnet_core.pipeline.pyramid import unstack_pyramids


class HostNetwork:
    """A network on the CPU as a `cuda.device_network.DeviceNetwork`."""

    def __init__(self, device: HostDevice, engine: Engine, most: int):
        check_fits(engine.description.configuration)
        self.description, self.most, self._engine = engine.description, most, engine
        self.device: Device = device
        self.inputs: Mapping[str, DeviceArray] = network_inputs(device, engine.description.configuration, most)

    def current(self) -> AbstractContextManager[None]:
        return nullcontext()

    def run(self, blocks: int) -> tuple[DeviceArray, DeviceArray]:
        stacked = {name: self.device.download(array, blocks) for name, array in self.inputs.items()}
        features = stacked.pop("features")
        logits, embeddings = self._engine.run(features, unstack_pyramids(stacked, self.description.configuration))
        return uploaded(self.device, logits), uploaded(self.device, embeddings)

    def close(self) -> None:
        """Do nothing: the host's arrays free themselves."""
