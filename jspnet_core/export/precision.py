"""Mixed precision of a model file: the data types are part of the graph, engines do not choose them.

TensorRT 11 builds strongly typed networks only, so the file must define which operators compute in 16 bits.

fp16: 16 bits everywhere but for inputs and outputs; differences of coordinates; softmax, means, squares and sigmoids
(SIFF, gates); the last layer of the semantic head and the last two of the embedding head, whose small differences
separate objects. bf16-mixed: bfloat16, with its 8 bits of mantissa, in the two attentions alone, most of the
arithmetic; in other operators it changed clusters.
"""

from __future__ import annotations

from typing import Literal, get_args

import onnx
from onnx import TensorProto, helper, numpy_helper

from jspnet_core.export.attention import find_attentions, linear_before, make_attention_fusible

Precision = Literal["fp32", "fp16", "bf16-mixed"]
PRECISIONS = get_args(Precision)

_TYPES = {"fp16": TensorProto.FLOAT16, "bf16-mixed": TensorProto.BFLOAT16}
_LOW = set(_TYPES.values())
_SINGLE = {"Softmax", "ReduceMean", "Pow", "Sigmoid", "Sub"}
_MOVES = {"Reshape", "Slice", "Gather", "Unsqueeze", "Squeeze", "Transpose", "Identity"}  # the first input's values
_INTEGERS = {"Shape", "Cast"}
_SINGLE_LAYERS = {"logits": 1, "embeddings": 2}
"""Layers at the end of each head that stay in float32."""


def lower_precision(model: onnx.ModelProto, precision: Precision) -> None:
    """Convert a float32 graph to a precision, in place, with attention that can be fused. fp32 changes nothing."""
    if precision != "fp32":
        make_attention_fusible(model)
        _Retyping(model.graph, _TYPES[precision]).apply()


class _Retyping:
    """One pass over the nodes in their order; `types` holds the element type of every float value so far."""

    def __init__(self, graph: onnx.GraphProto, low: int):
        self.graph, self.low = graph, low
        self.weights = {w.name: w for w in graph.initializer if w.data_type == TensorProto.FLOAT}
        self.types = {v.name: TensorProto.FLOAT for v in graph.input if _is_float(v)}
        self.raw = set(self.types)  # values that only moved since they came in: coordinates, colours, weights of 3-NN
        self.single = _last_layers(graph)
        if low == TensorProto.BFLOAT16:
            self.single |= {node.name for node in graph.node} - _attention_nodes(graph)
        self.nodes: list[onnx.NodeProto] = []
        self.made: dict[tuple[str, int], str] = {}

    def apply(self) -> None:
        for node in list(self.graph.node):
            self._retype(node)
        for output in self.graph.output:
            assert self.types[output.name] == TensorProto.FLOAT, f"{output.name} would not be float32"
        used = {name for node in self.nodes for name in node.input}
        narrow = [
            numpy_helper.from_array(
                numpy_helper.to_array(self.weights[name]).astype(helper.tensor_dtype_to_np_dtype(to)), made
            )
            for (name, to), made in self.made.items()
            if name in self.weights
        ]
        kept = [w for w in self.graph.initializer if w.name in used]
        for field, values in ((self.graph.node, self.nodes), (self.graph.initializer, kept + narrow)):
            del field[:]
            field.extend(values)
        del self.graph.value_info[:]

    def _retype(self, node: onnx.NodeProto) -> None:
        floats = [name for name in node.input if name in self.types or name in self.weights]
        if node.op_type not in _INTEGERS and floats:
            to = self._type_of(node, floats)
            for i, name in enumerate(node.input):
                if name in floats:
                    node.input[i] = self._as(name, to)
            self.types.update(dict.fromkeys(node.output, to))
            if node.op_type in _MOVES | {"Concat"} and self.raw.issuperset(floats):
                self.raw.update(node.output)
        self.nodes.append(node)

    def _type_of(self, node: onnx.NodeProto, floats: list[str]) -> int:
        if node.op_type in _MOVES:
            return self.types[floats[0]]
        single = node.name in self.single or node.op_type in _SINGLE or self.raw.issuperset(floats)
        return TensorProto.FLOAT if single else self.low

    def _as(self, name: str, to: int) -> str:
        """The value in the type wanted: itself, a weight stored in it, or the result of a Cast."""
        if self.types.get(name, TensorProto.FLOAT) == to:
            return name
        if (name, to) not in self.made:
            self.made[name, to] = f"{name}_{TensorProto.DataType.Name(to).lower()}"
            if name not in self.weights:
                made = self.made[name, to]
                self.nodes.append(_cast(name, made, to))
                self.types[made] = to
        return self.made[name, to]


def _last_layers(graph: onnx.GraphProto) -> set[str]:
    """Names of the nodes of each head's last layers, walking back from the outputs."""
    producer = {output: node for node in graph.node for output in node.output}
    names = set()
    for output, layers in _SINGLE_LAYERS.items():
        node = producer.get(output)
        while node is not None and layers:
            names.add(node.name)
            layers -= node.op_type == "MatMul"
            node = producer.get(node.input[0])
    return names


def _attention_nodes(graph: onnx.GraphProto) -> set[str]:
    """Names of the nodes from the linear layers of queries, keys and values to what the softmax weighs."""
    names = set()
    for scores, _, weighed in find_attentions(graph):
        names |= {scores.name, weighed.name}
        for value in (*scores.input, weighed.input[1]):
            names.update(node.name for node in linear_before(graph, value))
    return names


def _is_float(value: onnx.ValueInfoProto) -> bool:
    return value.type.tensor_type.elem_type == TensorProto.FLOAT


def emulated(model: onnx.ModelProto) -> onnx.ModelProto:
    """Emulate 16-bit operators in float32, each result rounded, for runtimes that lack them.

    This is what hardware that multiplies in 16 bits and adds in 32 computes, but for the order of its sums.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    typed = {w.name: w.data_type for w in graph.initializer if w.data_type in _LOW}
    nodes = [_cast(name, f"{name}_wide", TensorProto.FLOAT) for name in typed]
    for node in graph.node:
        to = _result_type(node, typed)
        for i, name in enumerate(node.input):
            node.input[i] = f"{name}_wide" if name in typed else name
        nodes.append(node)
        if to is not None and to in _LOW:
            (name,) = node.output
            typed[name] = to
            if node.op_type != "Cast":
                node.output[0] = f"{name}_exact"
                nodes.append(_cast(f"{name}_exact", name, to))
            nodes.append(_cast(name, f"{name}_wide", TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return result


def _result_type(node: onnx.NodeProto, typed: dict[str, int]) -> int | None:
    """16-bit type of a node's result; None for any other."""
    if node.op_type == "Cast":
        return next(a.i for a in node.attribute if a.name == "to")
    if node.op_type == "Shape":
        return None
    return next((typed[name] for name in node.input if name in typed), None)


def _cast(source: str, result: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [result], name=f"cast_{result}", to=to)
