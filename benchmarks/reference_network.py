"""The trained network as PyTorch, its weights read back from the model file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.network import JSPNet


def network_from_model_file(path: Path, configuration: NetworkConfiguration) -> JSPNet:
    """JSPNet in evaluation mode; its batch norms, which the model file has folded into the weights, change nothing."""
    network = JSPNet(configuration)
    missing, unexpected = network.load_state_dict(_weights(onnx.load(path).graph), strict=False)
    unset = [name for name in missing if ".norm." not in name]
    if unset or unexpected:
        raise ValueError(f"{path} and its configuration differ: no weights for {unset}, unknown weights {unexpected}")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d) and module.running_var is not None:
            module.running_var.fill_(1.0 - module.eps)
    return network.eval()


def _weights(graph: onnx.GraphProto) -> dict[str, torch.Tensor]:
    """Biases keep their names; a weight is the second factor of the product to which its bias is added."""
    values = {w.name: numpy_helper.to_array(w).astype(np.float32) for w in graph.initializer if w.data_type in (1, 10)}
    producers = {node.output[0]: node for node in graph.node}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in values:  # stored in half precision
            values[node.output[0]] = values[node.input[0]]
    state = {}
    for node in graph.node:
        names = [name for name in node.input if name in values and ".bias" in name]
        if node.op_type != "Add" or not names:
            continue
        bias = names[0].removeprefix("network.").split("_half")[0]
        state[bias] = torch.from_numpy(values[names[0]].copy())
        product = next((producers[name] for name in node.input if name in producers and name not in values), None)
        if product is not None and product.op_type == "MatMul" and product.input[1] in values:
            state[bias.removesuffix("bias") + "weight"] = torch.from_numpy(values[product.input[1]].T.copy())
    return state
