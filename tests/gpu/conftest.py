"""The device that GPU tests run kernels on: the host, in order and in reverse."""

import pytest

from tests.gpu.arrays import host_device


@pytest.fixture(scope="module", params=[False, True], ids=["in order", "in reverse"])
def device(request, tmp_path_factory):
    return host_device(tmp_path_factory, reverse=request.param)
