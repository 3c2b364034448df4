"""Segmenter created for an engine: all steps on its GPU, or all but the network on the CPU."""

from jspnet_core.cuda.emulation.host_network import HostNetwork
from jspnet_core.cuda.stages import CudaStages
from jspnet_core.engine import Engine, open_engine
from jspnet_core.errors import KernelsError
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.cpu_stages import CpuStages
from jspnet_core.pipeline.load import load_segmenter, stages_for
from jspnet_core.settings import SegmenterSettings
from tests.cuda.arrays import host_device


def test_an_engine_that_is_on_no_gpu_gets_the_cpu_around_it(caplog):
    segmenter = load_segmenter(settings=SegmenterSettings(max_blocks=1, up_axis="z"))
    assert isinstance(segmenter.stages, CpuStages)
    segmenter.close()
    segmenter.close()
    assert caplog.messages == []


class OnDevice(Engine):
    """ONNX Runtime that claims to be on a device, whose kernels may be missing."""

    def __init__(self, network, closed):
        super().__init__(network.description)
        self._network, self._closed = network, closed

    def on_device(self):
        if self._network.device is None:
            raise KernelsError("there is no nvcc")
        return self._network

    def run(self, features, pyramids):
        raise NotImplementedError

    def close(self):
        self._closed.append(True)


def test_a_frame_stays_on_the_gpu_where_the_kernels_are_available(tmp_path_factory, caplog):
    network = HostNetwork(host_device(tmp_path_factory), open_engine("onnxruntime", default_model()), 1)
    closed = []
    assert isinstance(stages_for(OnDevice(network, closed)), CudaStages)
    assert caplog.messages == []
    network.device = None
    stages = stages_for(OnDevice(network, closed))
    assert isinstance(stages, CpuStages)
    assert caplog.messages == ["only the network runs on the GPU, the rest of a frame on the CPU: there is no nvcc"]
    stages.close()
    assert closed == [True]
