"""Devices and arrays of the tests."""

import shutil

import pytest

from jspnet_core.cuda.device import uploaded
from jspnet_core.cuda.emulation.host_device import HostDevice

upload = uploaded


def host_device(tmp_path_factory, reverse=False):
    """The host as a device, its kernels compiled once a session; skips where there is no compiler."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: kernels cannot be run on the host")
    folder = tmp_path_factory.getbasetemp() / "host_kernels"
    folder.mkdir(exist_ok=True)
    return HostDevice(folder, reverse=reverse)
