"""Models by name: those that come with the package, and files."""

from pathlib import Path

import pytest

from jspnet_core.errors import ModelFileError
from jspnet_core.model_file import MODELS, default_model, model_path, read_description


def test_models_of_the_package_have_names():
    assert model_path(None) == model_path("default") == model_path(Path("default")) == default_model()
    assert read_description(model_path("research")).name
    assert model_path("research", ".pt").is_file()


def test_anything_else_is_a_file():
    assert model_path("runs/mine/model.onnx") == Path("runs/mine/model.onnx")


def test_a_name_without_a_file_names_those_that_are_installed(monkeypatch):
    monkeypatch.setitem(MODELS, "large", "not_there")
    with pytest.raises(ModelFileError, match=r"model 'large' is not installed .*; installed are default, research"):
        model_path("large")
