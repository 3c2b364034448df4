"""Model files: ONNX networks with a description in their metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from jspnet_core.classes import ClassTable
from jspnet_core.errors import ModelFileError
from jspnet_core.network_config import NetworkConfiguration

METADATA_KEY = "jspnet"
FORMAT = 1

REPAIR = "fetch or export the model again (jspnet export CHECKPOINT MODEL.onnx)"


class ModelDescription(BaseModel):
    """Description of a model, kept in its file.

    classes: the class table (`class_table()` gives it as an object). mean_sizes: mean instance size by class in
    voxels of `voxel_size` metres, None for a class without instances in training. training: data, settings and
    validation figures, for people. licence: of the weights. precision: what the graph computes in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    name: str
    configuration: NetworkConfiguration
    classes: dict[str, Any]
    mean_sizes: list[float | None]
    voxel_size: float
    training: dict[str, Any]
    licence: str
    precision: Literal["fp32", "fp16", "bf16-mixed"] = "fp32"

    def class_table(self) -> ClassTable:
        return ClassTable.from_dict(self.classes)

    def mean_instance_sizes(self) -> np.ndarray:
        """(C,) float64, in voxels, NaN where unknown."""
        return np.array([np.nan if size is None else size for size in self.mean_sizes], np.float64)

    @classmethod
    def from_metadata(cls, path: Path, metadata: Mapping[str, str]) -> ModelDescription:
        """Parse metadata. Raises `ModelFileError` where it is missing, or of another format."""
        if METADATA_KEY not in metadata:
            raise ModelFileError(
                f"{path} is an ONNX file but not a JSPNet model (no {METADATA_KEY!r} metadata); {REPAIR}"
            )
        try:
            described = json.loads(metadata[METADATA_KEY])
            if described.get("format") != FORMAT:
                found = described.get("format")
                raise ModelFileError(f"{path} has model format {found}, this version reads format {FORMAT}; {REPAIR}")
            return cls(**described)
        except (json.JSONDecodeError, ValidationError, AttributeError) as error:
            raise ModelFileError(
                f"{path} has damaged {METADATA_KEY!r} metadata ({type(error).__name__}); {REPAIR}"
            ) from error


def read_description(path: Path) -> ModelDescription:
    """Read the description of a model file, without an ONNX library: engines read it before they load the network.

    Raises `ModelFileError` for a file that is missing, truncated, or not a JSPNet model.
    """
    if not path.is_file():
        raise ModelFileError(f"{path} does not exist; name an existing model file, or leave the default")
    try:
        metadata = dict(_pair(entry) for number, entry in _fields(path.read_bytes()) if number == _METADATA_FIELD)
    except (IndexError, ValueError) as error:
        raise ModelFileError(f"{path} is truncated or not an ONNX model; {REPAIR}") from error
    return ModelDescription.from_metadata(path, metadata)


_METADATA_FIELD = 14  # ModelProto.metadata_props


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Length-delimited fields of a protocol buffer message: number and content. Raises where it is damaged."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            at = _varint(data, at)[1]
        elif kind == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("a field ends beyond the message")
            yield tag >> 3, data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {kind} does not occur in a model")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def _pair(entry: bytes) -> tuple[str, str]:
    """Key and value of a StringStringEntryProto."""
    parts = dict(_fields(entry))
    return parts[1].decode(), parts.get(2, b"").decode()


MODELS = {
    "default": "jspnet_indoor",
    "research": "jspnet_research",
    "s3dis": "jspnet_s3dis",
    "large": "jspnet_large",
}
"""Files of the models that come with the package, by name: `default` may be used for anything; the weights of
`research` and `s3dis` were trained on S3DIS and are for research alone; `large` is the wide one for
GPUs, if it is installed."""


def default_model() -> Path:
    """The model that comes with the package."""
    return model_path(None)


def model_path(model: Path | str | None, suffix: str = ".onnx") -> Path:
    """Path of a model by its name, one of `MODELS`, or of a file; None: the default.

    suffix: `.onnx` or `.pt`, of a named model. Raises `ModelFileError` for a name whose file is not installed.
    """
    name = "default" if model is None else str(model)
    if name not in MODELS:
        return Path(name)
    path = Path(__file__).parent / "models" / (MODELS[name] + suffix)
    if not path.is_file():
        there = [known for known, file in MODELS.items() if (path.parent / (file + suffix)).is_file()]
        raise ModelFileError(f"model {name!r} is not installed (no {path}); installed are {', '.join(there)}")
    return path
