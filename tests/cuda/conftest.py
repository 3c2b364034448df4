"""The devices that GPU tests run kernels on: the host, in order and in reverse, and the GPU where there is one."""

import pytest

from jspnet_core.engine.cuda_driver import find_gpu
from jspnet_core.errors import EngineError
from tests.cuda.arrays import host_device


@pytest.fixture(scope="module", params=["in order", "in reverse", "gpu"])
def device(request, tmp_path_factory):
    if request.param != "gpu":
        yield host_device(tmp_path_factory, reverse=request.param == "in reverse")
        return
    try:
        find_gpu()
        from jspnet_core.cuda.cuda_device import CudaDevice, cuda
    except EngineError as error:
        pytest.skip(f"no GPU to run kernels on: {error}")
    cuda.init()
    context = cuda.Device(0).make_context()
    there = CudaDevice()
    yield there
    there.close()
    context.detach()
