"""Edits of an exported graph that keep its results: smaller, with operators and types that engines support well."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def use_int32_indices(model: onnx.ModelProto) -> None:
    """Use int32 indices in Gather; the exporter converts them to int64, which no engine needs."""
    graph = model.graph
    integers = {v.name for v in graph.input if v.type.tensor_type.elem_type == TensorProto.INT32}
    for node in graph.node:
        if node.op_type in ("Reshape", "Slice", "Gather", "Split", "Transpose") and node.input[0] in integers:
            integers.update(node.output)
    narrow = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Cast" and n.input[0] in integers}
    for node in graph.node:
        if node.op_type == "Gather" and node.input[1] in narrow:
            node.input[1] = narrow[node.input[1]]
    remove_unused(model)


def remove_unused(model: onnx.ModelProto) -> None:
    """Remove nodes and weights whose results are not used."""
    graph = model.graph
    wanted = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted.update(node.input)
            kept.append(node)
    weights = [w for w in graph.initializer if w.name in wanted]
    shapes = [v for v in graph.value_info if v.name in wanted]
    for field, values in ((graph.node, kept[::-1]), (graph.initializer, weights), (graph.value_info, shapes)):
        del field[:]
        field.extend(values)


def store_weights_as_float16(model: onnx.ModelProto) -> None:
    """Store float32 weights as float16, each followed by a Cast, which runtimes fold when they load the model."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < 64:
            continue
        array = numpy_helper.to_array(weight).astype(np.float16)
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(array, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], name=f"widen_{name}", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    halved = {cast.output[0] for cast in casts}
    for value in [v for v in graph.value_info if v.name in halved]:
        graph.value_info.remove(value)


def strip_metadata(model: onnx.ModelProto) -> None:
    """Remove the exporter's metadata, which contains source paths of the exporting machine."""
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.graph.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
