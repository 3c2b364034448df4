"""Attention in a form that TensorRT fuses into one kernel, without an N x N matrix in memory.

Found by building variants with TensorRT-RTX 1.7 and looking for its fused kernel: it takes 16-bit MatMul - Softmax -
MatMul of rank 4 (blocks, one head, points, width), with equal widths of queries, keys and values, and the scale in the
query. A float32 Softmax between two Casts is fused too. Rank 3, or queries narrower than values, is not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

_HEAD = "attention_head_axis"


class Attention(NamedTuple):
    """Nodes of one attention: scores of queries and keys, softmax, and weighted sum of the values."""

    scores: onnx.NodeProto
    softmax: onnx.NodeProto
    weighed: onnx.NodeProto


def find_attentions(graph: onnx.GraphProto) -> list[Attention]:
    """Return every MatMul - Softmax - MatMul of a graph."""
    producer = {output: node for node in graph.node for output in node.output}
    found = []
    for softmax in [node for node in graph.node if node.op_type == "Softmax"]:
        scores = producer.get(softmax.input[0])
        weighed = [node for node in graph.node if node.op_type == "MatMul" and softmax.output[0] in node.input[:1]]
        if scores is not None and scores.op_type == "MatMul" and len(weighed) == 1:
            found.append(Attention(scores, softmax, weighed[0]))
    return found


def make_attention_fusible(model: onnx.ModelProto) -> None:
    """Add a head axis to every attention, and pad queries and keys with zeros to the width of the values."""
    graph = model.graph
    attentions = find_attentions(graph)
    if attentions:
        graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), _HEAD))
    for number in range(len(attentions)):
        attention = find_attentions(graph)[number]  # search again: each edit replaces the nodes
        _widen(graph, attention)
        _add_head(graph, attention)
    del graph.value_info[:]


def linear_before(graph: onnx.GraphProto, value: str) -> list[onnx.NodeProto]:
    """The nodes from `value` back to the linear layer that it comes from, that layer's MatMul last."""
    producer = {output: node for node in graph.node for output in node.output}
    nodes = []
    while value in producer:
        node = producer[value]
        nodes.append(node)
        if node.op_type == "MatMul":
            return nodes
        value = node.input[0]
    return nodes


def _widen(graph: onnx.GraphProto, attention: Attention) -> None:
    weights = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    *narrow, value = (linear_before(graph, name) for name in (*attention.scores.input, attention.weighed.input[1]))
    width = next(weights[i].shape[-1] for i in value[-1].input if i in weights)
    for node in (node for nodes in narrow for node in nodes if node.op_type in ("MatMul", "Add")):
        for position, name in enumerate(node.input):
            missing = width - weights[name].shape[-1] if name in weights else 0
            if missing > 0:  # under another name, for layers with equal weights share them
                node.input[position] = f"{node.name}_{name}"
                padded = np.pad(weights[name], [(0, 0)] * (weights[name].ndim - 1) + [(0, missing)])
                graph.initializer.append(numpy_helper.from_array(padded, node.input[position]))


def _add_head(graph: onnx.GraphProto, attention: Attention) -> None:
    scores, softmax, weighed = attention
    nodes = list(graph.node)
    transpose = next(node for node in nodes if scores.input[1] in node.output)
    assert transpose.op_type == "Transpose", f"{scores.name} multiplies by {transpose.op_type}, not a transpose"
    for node, position in ((scores, 0), (transpose, 0), (weighed, 1)):
        name = f"{node.input[position]}_head"
        unsqueeze = helper.make_node("Unsqueeze", [node.input[position], _HEAD], [name], name=f"head_{name}")
        nodes.insert(nodes.index(node), unsqueeze)
        node.input[position] = name
    _set(transpose, "perm", [0, 1, 3, 2])
    _set(softmax, "axis", -1)
    result = weighed.output[0]
    weighed.output[0] = f"{result}_head"
    squeeze = helper.make_node("Squeeze", [f"{result}_head", _HEAD], [result], name=f"no_head_{result}")
    nodes.insert(nodes.index(weighed) + 1, squeeze)
    del graph.node[:]
    graph.node.extend(nodes)


def _set(node: onnx.NodeProto, name: str, value: int | list[int]) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
