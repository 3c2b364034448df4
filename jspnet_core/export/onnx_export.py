"""Export of a checkpoint as a model file: ONNX operators, data types and metadata."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper
from onnxscript.optimizer import fold_constants
from torch import Tensor, nn

from jspnet_core.data.provenance import describe_data, weights_licence
from jspnet_core.export.cpu_graph import optimise_for_cpu
from jspnet_core.export.fold import fold_batch_norms
from jspnet_core.export.graph import store_weights_as_float16, strip_metadata, use_int32_indices
from jspnet_core.export.precision import Precision, lower_precision
from jspnet_core.io.atomic import replacing
from jspnet_core.model_file import METADATA_KEY, ModelDescription
from jspnet_core.network import JointNetwork
from jspnet_core.network.fusion import PIFF
from jspnet_core.network.jspnet import JSPNet
from jspnet_core.network.layers import NeighborLayer
from jspnet_core.pipeline.pyramid import build_pyramid, pyramid_names, stack_pyramids
from jspnet_core.training.checkpoint import Checkpoint

OPSET = 20
"""Newest operator set that all supported TensorRT versions parse."""

CACHE_BYTES = 1 << 20
"""Size of an array of neighbours on a CPU: about that of a core's second-level cache."""


class Exportable(nn.Module):
    """Network with the arrays of its pyramid as positional inputs, in the order of `pyramid_names`."""

    def __init__(self, network: JointNetwork):
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, *pyramid: Tensor) -> tuple[Tensor, Tensor]:
        return self.network(features, dict(zip(pyramid_names(), pyramid, strict=True)))


def describe(
    checkpoint: Checkpoint,
    name: str,
    *,
    data: str | None = None,
    licence: str | None = None,
    precision: Precision = "fp32",
) -> ModelDescription:
    """Describe a checkpoint for its model file.

    data: training data, licence: of the weights; None takes both from the sources recorded in the checkpoint.
    """
    return ModelDescription(
        name=name,
        precision=precision,
        configuration=checkpoint.configuration,
        classes=checkpoint.classes.to_dict(),
        mean_sizes=checkpoint.mean_sizes,
        voxel_size=checkpoint.recipe["augmentation"]["voxel_size"],
        training={
            "data": data or describe_data(checkpoint.sources),
            "sources": [source.to_dict() for source in checkpoint.sources],
            "blocks": checkpoint.samples,
            "excluded_classes": checkpoint.excluded_classes,
            "recipe": checkpoint.recipe,
            "validation": checkpoint.metrics,
        },
        licence=licence or weights_licence(checkpoint.sources),
    )


def export_onnx(network: JointNetwork, description: ModelDescription, path: Path, *, half_weights: bool = True) -> None:
    """Write the model file, with dynamic batch size and number of points.

    description: its `precision` selects the operators in 16 bits (see `jspnet_core.export.precision`).
    half_weights: store float32 weights as float16, half the size on disk; they are converted when loaded.
    """
    cache_bytes = CACHE_BYTES if description.precision == "fp32" else None
    write_model(export_graph(network, cache_bytes), description, path, half_weights=half_weights)


def export_graph(network: JointNetwork, cache_bytes: int | None = None) -> onnx.ModelProto:
    """Export a network as a float32 graph with folded batch norms, before engine-specific edits.

    cache_bytes: of `jspnet_core.network.layers.NeighborLayer`, for a graph that runs on CPUs; None for others.
    """
    plain = fold_batch_norms(copy.deepcopy(network).cpu().eval())
    for module in plain.modules():
        if isinstance(module, PIFF):
            module.explicit = True
        elif isinstance(module, JSPNet):
            module.lazy_concat = cache_bytes is not None
        elif isinstance(module, NeighborLayer):
            module.cache_bytes = cache_bytes
    features, pyramid = example_blocks(plain, blocks=2)
    arguments = (features, *(pyramid[n] for n in pyramid_names()))
    program = torch.onnx.export(
        Exportable(plain).eval(),
        arguments,
        dynamo=True,
        opset_version=OPSET,
        verbose=False,
        input_names=["features", *pyramid_names()],
        output_names=["logits", "embeddings"],
        dynamic_shapes=(dynamic_axes("features"), tuple(dynamic_axes(n) for n in pyramid_names())),
    )
    assert program is not None
    fold_constants(program.model, input_size_limit=1 << 30, output_size_limit=1 << 30)  # slices of weights
    model = program.model_proto
    use_int32_indices(model)
    return model


def write_model(model: onnx.ModelProto, description: ModelDescription, path: Path, *, half_weights: bool) -> None:
    """Write a float32 graph as a model file of its description's precision. The graph is modified."""
    if description.precision == "fp32":
        optimise_for_cpu(model)  # TensorRT fuses the MatMuls of attention itself
    lower_precision(model, description.precision)
    if half_weights:
        store_weights_as_float16(model)
    strip_metadata(model)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(description.model_dump(mode="json"))})
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as file:
        onnx.save(model, file)


def dynamic_axes(name: str) -> dict[int, object]:
    """Return the dynamic axes of an input: the batch, and the points where it has one row per point of level 0."""
    points = name == "features" or name.startswith(("up01", "up02"))
    batch = torch.export.Dim("blocks", min=1, max=1024)
    return {0: batch, 1: torch.export.Dim("points", min=64, max=65536)} if points else {0: batch}


def example_blocks(network: JointNetwork, blocks: int, seed: int = 0) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Create random blocks: features (B, N, channels) and their pyramid, as tensors."""
    c = network.configuration
    rng = np.random.default_rng(seed)
    features = rng.random((blocks, c.points, c.channels), np.float32)
    pyramid = stack_pyramids([build_pyramid(f[:, :3], c) for f in features], c)
    return torch.from_numpy(features), {name: torch.from_numpy(array) for name, array in pyramid.items()}
