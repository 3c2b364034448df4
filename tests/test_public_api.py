"""`import jspnet_core`: the public names, the light import, and the base of the errors."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import jspnet_core


def test_every_public_name_is_importable():
    for name in jspnet_core.__all__:
        assert getattr(jspnet_core, name) is not None
    assert {"Segmenter", "load_segmenter", "Segmentation", "SegmenterSettings", "FrameSettings"} <= set(
        dir(jspnet_core)
    )


def test_an_unknown_name_raises_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Labeller'"):
        _ = jspnet_core.Labeller


def test_importing_the_package_loads_no_numerical_library():
    code = "import sys, jspnet_core; print({'numpy', 'numba', 'torch', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_package_is_typed():
    assert (Path(jspnet_core.__file__).parent / "py.typed").is_file()


def test_every_value_error_of_the_package_is_a_jspnet_error():
    odd = []
    for module in pkgutil.walk_packages(jspnet_core.__path__, "jspnet_core."):
        if module.name.endswith("__main__"):
            continue
        try:
            loaded = importlib.import_module(module.name)
        except jspnet_core.JspnetError:
            continue  # CUDA modules without a GPU's libraries
        for name, value in vars(loaded).items():
            if isinstance(value, type) and value.__module__ == module.name and issubclass(value, ValueError):
                odd += [f"{module.name}.{name}"] if not issubclass(value, jspnet_core.JspnetError) else []
    assert odd == []
