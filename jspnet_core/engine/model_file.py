"""The model file: an ONNX network with all that is needed to use it inside, as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from jspnet_core.classes import ClassTable
from jspnet_core.configuration import NetworkConfiguration

METADATA_KEY = "jspnet"
FORMAT = 1

REPAIR = "fetch or export the model again (jspnet export CHECKPOINT MODEL.onnx)"


class ModelFileError(ValueError):
    """A model file that cannot be used: one sentence naming the file and the fix."""


class ModelDescription(BaseModel):
    """What a model file says of itself.

    classes: the class table (`class_table()` gives it as an object). mean_sizes: mean instance size by class in
    voxels of `voxel_size` metres, None for a class without instances in training. training: data, settings and
    validation figures, for people. licence: of the weights.
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

    def class_table(self) -> ClassTable:
        return ClassTable.from_dict(self.classes)

    def mean_instance_sizes(self) -> np.ndarray:
        """(C,) float64, in voxels, NaN where unknown."""
        return np.array([np.nan if size is None else size for size in self.mean_sizes], np.float64)

    @classmethod
    def from_metadata(cls, path: Path, metadata: Mapping[str, str]) -> ModelDescription:
        """Raises `ModelFileError` when the metadata is missing, or of another format."""
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


def default_model() -> Path:
    """The model that comes with the package."""
    return Path(__file__).parent.parent / "models" / "jspnet_s3dis.onnx"
