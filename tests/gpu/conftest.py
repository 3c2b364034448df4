"""The device that GPU tests run kernels on: the host, in order and in reverse."""

import shutil

import pytest

from jspnet_core.gpu.host_device import HostDevice


@pytest.fixture(scope="module", params=[False, True], ids=["in order", "in reverse"])
def device(request, tmp_path_factory):
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: kernels cannot be run on the host")
    folder = tmp_path_factory.getbasetemp() / "host_kernels"
    folder.mkdir(exist_ok=True)
    return HostDevice(folder, reverse=request.param)
