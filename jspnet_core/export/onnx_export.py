"""Export a checkpoint as the model file: plain ONNX operators, types and metadata inside."""

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

from jspnet_core.export.cpu_graph import optimise_for_cpu
from jspnet_core.export.fold import fold_batch_norms
from jspnet_core.export.graph import store_weights_as_float16, strip_metadata, use_int32_indices
from jspnet_core.export.precision import Precision, lower
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

CACHE = 1 << 20
"""Bytes that an array of neighbours may take on a CPU: about what a core's second-level cache holds."""


class Exportable(nn.Module):
    """JSPNet with its pyramid as positional inputs, which become the names of the graph's inputs."""

    def __init__(self, network: JointNetwork):
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, *pyramid: Tensor) -> tuple[Tensor, Tensor]:
        return self.network(features, dict(zip(pyramid_names(), pyramid, strict=True)))


def describe(
    checkpoint: Checkpoint, name: str, data: str, licence: str, precision: Precision = "fp32"
) -> ModelDescription:
    """The metadata of a checkpoint's model file. data: what it was trained on; licence: of the weights."""
    return ModelDescription(
        name=name,
        precision=precision,
        configuration=checkpoint.configuration,
        classes=checkpoint.classes.to_dict(),
        mean_sizes=checkpoint.mean_sizes,
        voxel_size=checkpoint.recipe["augmentation"]["voxel_size"],
        training={
            "data": data,
            "blocks": checkpoint.samples,
            "never": checkpoint.never,
            "recipe": checkpoint.recipe,
            "validation": checkpoint.metrics,
        },
        licence=licence,
    )


def export_onnx(network: JointNetwork, description: ModelDescription, path: Path, *, half_weights: bool = True) -> None:
    """Write the model file; the batch and the number of points stay open.

    description: its `precision` says which operators compute in 16 bits (see `jspnet_core.export.precision`).
    half_weights: store float32 weights as float16, half the size on disk; they are cast to float32 when loaded.
    """
    cache = CACHE if description.precision == "fp32" else None
    write_model(plain_graph(network, cache), description, path, half_weights=half_weights)


def plain_graph(network: JointNetwork, cache: int | None = None) -> onnx.ModelProto:
    """The network as a float32 graph, batch norms folded, before anything is written for one engine or another.

    cache: None, or the bytes of `jspnet_core.network.layers.NeighborLayer` for a graph that runs on CPUs.
    """
    plain = fold_batch_norms(copy.deepcopy(network).cpu().eval())
    for module in plain.modules():
        if isinstance(module, PIFF):
            module.explicit = True
        elif isinstance(module, JSPNet):
            module.apart = cache is not None
        elif isinstance(module, NeighborLayer):
            module.cache = cache
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
        dynamic_shapes=(open_axes("features"), tuple(open_axes(n) for n in pyramid_names())),
    )
    assert program is not None
    fold_constants(program.model, input_size_limit=1 << 30, output_size_limit=1 << 30)  # weights that were cut up
    model = program.model_proto
    use_int32_indices(model)
    return model


def write_model(model: onnx.ModelProto, description: ModelDescription, path: Path, *, half_weights: bool) -> None:
    """Write a plain graph as the model file of its description's precision; the graph is changed."""
    if description.precision == "fp32":
        optimise_for_cpu(
            model
        )  # the others are for TensorRT, which finds its attentions among MatMuls and fuses by itself
    lower(model, description.precision)
    if half_weights:
        store_weights_as_float16(model)
    strip_metadata(model)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(description.model_dump(mode="json"))})
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as file:
        onnx.save(model, file)


def open_axes(name: str) -> dict[int, object]:
    """Which axes of an input may change: the batch everywhere, the points where level 0 is counted."""
    points = name == "features" or name.startswith(("up01", "up02"))
    batch = torch.export.Dim("blocks", min=1, max=1024)
    return {0: batch, 1: torch.export.Dim("points", min=64, max=65536)} if points else {0: batch}


def example_blocks(network: JointNetwork, blocks: int, seed: int = 0) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Random blocks of the right shape: features (B, N, channels) and their pyramid, as tensors."""
    c = network.configuration
    rng = np.random.default_rng(seed)
    features = rng.random((blocks, c.points, c.channels), np.float32)
    pyramid = stack_pyramids([build_pyramid(f[:, :3], c) for f in features], c)
    return torch.from_numpy(features), {name: torch.from_numpy(array) for name, array in pyramid.items()}
