"""Edits of a float32 graph that reduce memory traffic of ONNX Runtime on CPUs. Results change by rounding only.

Layers as narrow as these are bound by memory, not by arithmetic: what counts is how often an array is read and written.
ONNX Runtime adds a bias and applies a ReLU within the product, but only in Gemm, which takes matrices: so layers run on
rows, whatever axes their points have.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper, shape_inference

from jspnet_core.export.attention import find_attentions
from jspnet_core.export.graph import remove_unused

NARROW = 32
"""Channels up to which ONNX Runtime's time for a row is that of turning to it, not of its numbers."""

ATTENTION_PARTS = 8
"""Parts of the queries: as many as the fewest points of a block, 64, can be split into with no part empty."""


def optimise_for_cpu(model: onnx.ModelProto) -> None:
    """Edit the graph in place."""
    _repeat_for_neighbors(model)
    _Rows(model).apply()
    for number in range(len(find_attentions(model.graph))):
        _attend_in_parts(model.graph, number * ATTENTION_PARTS)
    _multiply_for_means(model.graph)
    remove_unused(model)


def _shapes(model: onnx.ModelProto) -> dict[str, list[int | str]]:
    """Shapes of a graph's values; an axis that stays open is a name."""
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph
    return {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*inferred.value_info, *inferred.output)
    }


def _repeat_for_neighbors(model: onnx.ModelProto) -> None:
    """Repeat (B, m, 1, C) where it is subtracted from a narrow (B, m, K, C): broadcasting takes twice the time."""
    shapes, nodes = _shapes(model), []
    for node in model.graph.node:
        a, b = (shapes.get(name, []) for name in node.input) if node.op_type == "Sub" else ([], [])
        if len(a) == len(b) == 4 and a[2] != 1 == b[2] and a[3] in range(NARROW + 1):
            shape, full = f"{node.name}_shape", f"{node.name}_full"
            nodes.append(helper.make_node("Shape", [node.input[0]], [shape], name=shape))
            nodes.append(helper.make_node("Expand", [node.input[1], shape], [full], name=full))
            node.input[1] = full
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _attend_in_parts(graph: onnx.GraphProto, number: int) -> None:
    """Split the queries of an attention into chunks, whose scores stay in the CPU's cache for the next operator."""
    scores, softmax, weighed = find_attentions(graph)[number]
    (queries, keys), values, result = scores.input, weighed.input[1], weighed.output[0]
    parts = range(ATTENTION_PARTS)
    split = [f"{queries}_part_{part}" for part in parts]
    nodes = [helper.make_node("Split", [queries], split, name=f"split_{queries}", axis=1, num_outputs=ATTENTION_PARTS)]
    for part in parts:
        names = [f"{name}_part_{part}" for name in (scores.output[0], softmax.output[0], result)]
        nodes.append(helper.make_node("MatMul", [split[part], keys], names[:1], name=f"{scores.name}_{part}"))
        nodes.append(helper.make_node("Softmax", names[:1], names[1:2], name=f"{softmax.name}_{part}", axis=-1))
        nodes.append(helper.make_node("MatMul", [names[1], values], names[2:], name=f"{weighed.name}_{part}"))
    joined = [f"{result}_part_{part}" for part in parts]
    nodes.append(helper.make_node("Concat", joined, [result], name=f"join_{result}", axis=1))
    rest = [node for node in graph.node if node not in (scores, softmax)]
    at = rest.index(weighed)  # by then queries, keys and values are all there
    rest[at : at + 1] = nodes
    del graph.node[:]
    graph.node.extend(rest)


def _multiply_for_means(graph: onnx.GraphProto) -> None:
    """Replace means over all points by products with a row of 1 / N: ReduceMean over an outer axis is slow."""
    axes = {w.name: numpy_helper.to_array(w).tolist() for w in graph.initializer if w.data_type == TensorProto.INT64}
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type != "ReduceMean" or axes.get(node.input[1]) != [1]:
            nodes.append(node)
            continue
        if not any("equal_shares" in made.output for made in nodes):
            ones, zero = _constant([1, 1], graph), numpy_helper.from_array(np.zeros(1, np.float32))
            nodes += [
                helper.make_node("Shape", node.input[:1], ["points"], name="points", start=1, end=2),
                helper.make_node("Concat", [ones, "points"], ["row_of_points"], name="row_of_points", axis=0),
                helper.make_node("ConstantOfShape", ["row_of_points"], ["no_scores"], name="no_scores", value=zero),
                helper.make_node("Softmax", ["no_scores"], ["equal_shares"], name="equal_shares", axis=-1),
            ]
        nodes.append(helper.make_node("MatMul", ["equal_shares", node.input[0]], node.output, name=node.name))
    del graph.node[:]
    graph.node.extend(nodes)


class _Rows:
    """One pass over the nodes: MatMul - Add (- Relu) of a layer becomes Reshape - Gemm (- Relu) - Reshape.

    Layers that follow each other hand on their rows; the Reshapes between them are then unused.
    """

    def __init__(self, model: onnx.ModelProto):
        self.graph = model.graph
        self.dims = {w.name: list(w.dims) for w in self.graph.initializer}
        self.shapes = _shapes(model)
        self.uses = Counter([name for node in self.graph.node for name in node.input])
        self.uses.update(output.name for output in self.graph.output)
        self.consumer = {name: node for node in self.graph.node for name in node.input}
        self.rows: dict[str, str] = {}  # values that exist as rows, too
        self.made: set[str] = set()  # values of the nodes so far
        self.nodes = [helper.make_node("Shape", ["features"], ["block_axes"], name="block_axes", start=0, end=2)]

    def apply(self) -> None:
        done: set[str] = set()
        for node in self.graph.node:
            if node.output[0] in done:
                continue
            add = self._sum_behind(node)
            if add is None:
                self.nodes.append(node)
                self.made.update(node.output)
            else:
                done.update(self._layer(node, add))
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        del self.graph.value_info[:]

    def _sum_behind(self, node: NodeProto) -> NodeProto | None:
        """Find the Add that a Gemm can absorb: of a bias, or of an array computed before it."""
        if node.op_type != "MatMul" or len(self.dims.get(node.input[1], [])) != 2:
            return None
        add = self._only_consumer(node.output[0], "Add")
        if add is None:
            return None
        addend = self._addend(node, add)
        alike = addend in self.made and addend in self.shapes and self.shapes[addend] == self.shapes[node.output[0]]
        return add if alike or len(self.dims.get(addend, [])) == 1 else None

    @staticmethod
    def _addend(product: NodeProto, add: NodeProto) -> str:
        return next(name for name in add.input if name != product.output[0])

    def _only_consumer(self, value: str, operator: str) -> NodeProto | None:
        node = self.consumer.get(value)
        return node if node is not None and node.op_type == operator and self.uses[value] == 1 else None

    def _layer(self, product: NodeProto, add: NodeProto) -> list[str]:
        """Write the layer on rows. Returns the values that it stands for."""
        source, weight = product.input
        addend, result = self._addend(product, add), add.output[0]
        inputs = [self._rows_of(source, self.dims[weight][0]), weight]
        inputs.append(addend if addend in self.dims else self._rows_of(addend, self.dims[weight][1]))
        made = f"{result}_rows"
        self.nodes.append(helper.make_node("Gemm", inputs, [made], name=f"layer_{result}"))
        relu, values = self._only_consumer(result, "Relu"), [result]
        if relu is not None:
            values.append(relu.output[0])
            self.nodes.append(helper.make_node("Relu", [made], [f"{values[1]}_rows"], name=f"relu_{result}"))
        self.rows[values[-1]] = f"{values[-1]}_rows"
        self._with_axes(values[-1])
        self.made.update(values)
        return values

    def _rows_of(self, value: str, width: int) -> str:
        if value not in self.rows:
            self.rows[value] = f"{value}_rows"
            shape = _constant([-1, width], self.graph)
            self.nodes.append(helper.make_node("Reshape", [value, shape], [self.rows[value]], name=f"to_{value}"))
        return self.rows[value]

    def _with_axes(self, value: str) -> None:
        """Restore the axes of rows. The batch and, at level 0, the points are dynamic."""
        shape = self.shapes[value]
        if all(isinstance(size, int) for size in shape[1:]):
            wanted = _constant([-1, *shape[1:]], self.graph)
        else:
            wanted, width = f"axes_{shape[-1]}", _constant([shape[-1]], self.graph)
            if all(wanted not in node.output for node in self.nodes):
                self.nodes.append(helper.make_node("Concat", ["block_axes", width], [wanted], name=wanted, axis=0))
        self.nodes.append(helper.make_node("Reshape", [f"{value}_rows", wanted], [value], name=f"from_{value}"))


def _constant(values: list, graph: onnx.GraphProto) -> str:
    """Name of an int64 constant of the graph, made if it is not there yet."""
    name = "ints_" + "_".join(map(str, values))
    if all(w.name != name for w in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    return name
