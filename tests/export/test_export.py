"""The model file: content, equality with PyTorch, and errors for damaged files."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from jspnet_core.classes import S3DIS
from jspnet_core.engine import open_engine
from jspnet_core.engine.onnxruntime_engine import run_session
from jspnet_core.errors import EngineError, ModelFileError
from jspnet_core.export.cpu_graph import ATTENTION_PARTS
from jspnet_core.export.fold import fold_batch_norms
from jspnet_core.export.onnx_export import (
    CACHE_BYTES,
    OPSET,
    describe,
    example_blocks,
    export_graph,
    export_onnx,
    write_model,
)
from jspnet_core.export.parity import ParityError, adjusted_rand_index, check_parity
from jspnet_core.network import JSPNet, build_network
from jspnet_core.network.layers import NeighborLayer
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint

# Operators that TensorRT 10.3 and newer take without a plug-in, as far as this network may need them.
PORTABLE_OPERATORS = {
    "Add",
    "Cast",
    "Concat",
    "Gather",
    "MatMul",
    "Mul",
    "Pow",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "Gemm",
    "Squeeze",
    "Identity",
    "Pad",
    "Split",
    "ConstantOfShape",
    "Expand",
}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = JSPNet(
        NetworkConfiguration.narrow(points=256, levels=(64, 48, 32, 16), point_conv=((16, 16), (16, 16), (16, 16)))
    )
    for m in network.modules():  # as after training: fresh batch norms would hide a wrong fold
        if isinstance(m, nn.BatchNorm1d):
            nn.init.normal_(m.running_mean, std=0.1)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
            nn.init.uniform_(m.weight, 0.5, 2.0)
            nn.init.normal_(m.bias, std=0.1)
    return network.eval()


@pytest.fixture(scope="module")
def description(network):
    recipe = {"augmentation": {"voxel_size": 0.03}}
    checkpoint = Checkpoint(network.configuration, S3DIS, network.state_dict(), None, 7, recipe, {}, [None, *range(12)])
    return describe(checkpoint, "a name", data="some rooms", licence="some licence")


@pytest.fixture(scope="module")
def plain(network):
    return export_graph(network)


def write(plain, description, path):
    graph = onnx.ModelProto()
    graph.CopyFrom(plain)
    write_model(graph, description, path, half_weights=False)
    return path


@pytest.fixture(scope="module")
def model(plain, description, tmp_path_factory):
    return write(plain, description, tmp_path_factory.mktemp("model") / "model.onnx")


def test_folding_batch_norms_changes_nothing(network):
    features, pyramid = example_blocks(network, 2)
    with torch.inference_mode():
        expected = network(features, pyramid)
        folded = JSPNet(network.configuration)
        folded.load_state_dict(network.state_dict())
        folded = fold_batch_norms(folded.eval())
        got = folded(features, pyramid)
    assert not any(isinstance(m, nn.BatchNorm1d) for m in folded.modules())
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_the_model_computes_what_pytorch_computes(network, model):
    parity = check_parity(network, model, example_blocks(network, 3)[0].numpy())
    assert parity.logits[1] <= parity.logits[0] < 1e-3
    assert parity.embeddings[1] <= parity.embeddings[0] < 1e-3
    assert parity.changed < 0.005
    assert parity.ari > 0.99


def test_layers_take_their_bias_and_relu_in_one_pass(model, plain):
    operators = [node.op_type for node in onnx.load(model).graph.node]
    biases = sum(node.op_type == "Add" and any(".bias" in name for name in node.input) for node in plain.graph.node)
    assert biases > 50
    assert operators.count("Gemm") >= biases - 6, "all but the depth-wise layers' own"
    attentions = 2 * 2 * ATTENTION_PARTS
    assert operators.count("MatMul") == 3 + attentions + 2, "PointConv's, attentions', means"
    assert operators.count("ReduceMean") == 6, "over channels; those over points are products"


def test_the_graph_for_cpus_computes_what_the_plain_one_does(plain, model, tmp_path):
    network_input = np.random.default_rng(1).random((2, 256, 9), np.float32)
    described = open_engine("onnxruntime", model).description
    from jspnet_core.pipeline.pyramid import build_pyramid

    pyramids = [build_pyramid(f[:, :3], described.configuration) for f in network_input]
    onnx.save(plain, tmp_path / "plain.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "plain.onnx", providers=["CPUExecutionProvider"])
    found = open_engine("onnxruntime", model).run(network_input, pyramids)
    for a, b in zip(run_session(session, network_input, pyramids), found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("points", [64, 67, 130])
def test_attention_in_parts_takes_any_number_of_points(network, model, points):
    from jspnet_core.pipeline.pyramid import build_pyramid, stack_pyramids

    c = network.configuration
    features = np.random.default_rng(2).random((2, points, 9), np.float32)
    pyramids = [build_pyramid(f[:, :3], c) for f in features]
    tensors = {name: torch.from_numpy(array) for name, array in stack_pyramids(pyramids, c).items()}
    with torch.inference_mode():
        expected = network(torch.from_numpy(features), tensors)
    for a, b in zip(open_engine("onnxruntime", model).run(features, pyramids), expected, strict=True):
        np.testing.assert_allclose(a, b.numpy(), atol=1e-4)


def test_products_of_features_that_stay_apart_are_summed_by_the_products(half):
    graph = onnx.load(half).graph
    weights = {w.name for w in graph.initializer} | {node.output[0] for node in graph.node if node.op_type == "Cast"}
    layers = {n.output[0] for n in graph.node if n.op_type == "MatMul" and n.input[1] in weights}
    assert not [n.name for n in graph.node if n.op_type == "Add" and layers & set(n.input)]
    onto_arrays = [n for n in graph.node if n.op_type == "Gemm" and n.input[2] not in weights]
    assert len(onto_arrays) == 2 * 4, "PCFF's three scales, SIFF's parts, PIFF's"


@pytest.fixture(scope="module")
def half(network, description, tmp_path_factory):
    path = tmp_path_factory.mktemp("half") / "half.onnx"
    export_onnx(network, description, path)
    return path


def test_half_weights_halve_the_file_and_keep_the_labels(network, half, model):
    assert half.stat().st_size < 0.7 * model.stat().st_size
    casts = [node for node in onnx.load(half).graph.node if node.op_type == "Cast"]
    assert casts
    assert all(node.input[0].endswith("_half") for node in casts), "of weights alone, not of indices"
    assert check_parity(network, half, example_blocks(network, 3)[0].numpy()).changed < 0.005


def test_layers_before_a_gather_are_rounded_as_they_are_behind_it(network, plain, description, half, tmp_path):
    """Both of a difference's terms must see the same half weights: offsets of metres would not cancel."""
    behind, graph = tmp_path / "behind.onnx", onnx.ModelProto()
    graph.CopyFrom(plain)
    write_model(graph, description, behind, half_weights=True)
    from jspnet_core.pipeline.pyramid import build_pyramid

    features = np.random.default_rng(3).random((2, 256, 9), np.float32)
    features[..., :3] += 100.0 * np.arange(2, dtype=np.float32)[:, None, None]
    pyramids = [build_pyramid(f[:, :3], network.configuration) for f in features]
    for a, b in zip(
        *(open_engine("onnxruntime", path).run(features, pyramids) for path in (behind, half)), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.parametrize("system", ["jspnet", "pointnet2"])
@pytest.mark.parametrize("cache", [1, 1 << 12, CACHE_BYTES])
def test_layers_cut_for_a_cache_compute_the_same(system, cache):
    torch.manual_seed(0)
    c = NetworkConfiguration.narrow(system=system, points=256, levels=(64, 48, 32, 16))
    network = build_network(c).double().eval()
    features, pyramid = example_blocks(network, 2)
    arguments = features.double(), {k: v.double() if v.is_floating_point() else v for k, v in pyramid.items()}
    with torch.inference_mode():
        expected = network(*arguments)
        for module in network.modules():
            if isinstance(module, NeighborLayer):
                module.cache_bytes = cache
            elif isinstance(module, JSPNet):
                module.lazy_concat = True
        for a, b in zip(network(*arguments), expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0.0, atol=1e-10)


@pytest.fixture(scope="module", params=["fp16", "bf16-mixed"])
def mixed(request, plain, description, tmp_path_factory):
    lowered = description.model_copy(update={"precision": request.param})
    return request.param, write(plain, lowered, tmp_path_factory.mktemp("mixed") / "mixed.onnx")


def test_mixed_precision_keeps_the_labels(network, mixed):
    precision, path = mixed
    parity = check_parity(network, path, example_blocks(network, 3)[0].numpy())
    assert parity.changed < 0.02  # random weights: classes are nearly tied
    assert parity.logits[0] > 0.0, "nothing was computed in 16 bits"


def test_mixed_precision_is_in_the_types_of_the_graph(mixed):
    precision, path = mixed
    model = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True)
    types = {v.name: v.type.tensor_type.elem_type for v in (*model.graph.value_info, *model.graph.output)}
    low = {"fp16": onnx.TensorProto.FLOAT16, "bf16-mixed": onnx.TensorProto.BFLOAT16}[precision]
    products = [types[n.output[0]] for n in model.graph.node if n.op_type == "MatMul"]
    assert products.count(low) == (len(products) - 3 if precision == "fp16" else 10), "heads' ends; two attentions"
    for op in ("Softmax", "Sub", "ReduceMean"):
        assert {types[n.output[0]] for n in model.graph.node if n.op_type == op} == {onnx.TensorProto.FLOAT}
    assert {v.type.tensor_type.elem_type for v in model.graph.output} == {onnx.TensorProto.FLOAT}


def test_onnx_runtime_says_when_it_has_no_operators(mixed):
    precision, path = mixed
    if precision == "fp16":
        assert open_engine("onnxruntime", path).description.precision == "fp16"
    else:
        with pytest.raises(ModelFileError, match="--precision fp32"):
            open_engine("onnxruntime", path)


def test_a_model_that_labels_otherwise_is_refused(network, model, tmp_path):
    features = example_blocks(network, 2)[0].numpy()
    broken = onnx.load(model)
    bias = next(w for w in broken.graph.initializer if w.name.endswith("semantic_piff.out.bias"))
    moved = onnx.numpy_helper.to_array(bias) + np.linspace(0, 1, 13, dtype=np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(moved, bias.name))
    onnx.save(broken, tmp_path / "broken.onnx")
    with pytest.raises(ParityError, match="at most 0.5 %"):
        check_parity(network, tmp_path / "broken.onnx", features).check(tmp_path / "broken.onnx", clusters=True)


def test_the_rand_index_is_that_of_scikit_learn():
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 500), rng.integers(0, 4, 500)
    for x, y in ((a, b), (a, a // 2), (a, a), (a, np.zeros_like(a))):
        assert adjusted_rand_index(x, y) == pytest.approx(adjusted_rand_score(x, y))


def test_the_graph_is_plain_with_open_batch_and_int32_indices(model):
    graph = onnx.load(model).graph
    assert {node.op_type for node in graph.node} <= PORTABLE_OPERATORS
    assert onnx.load(model).opset_import[0].version <= OPSET
    assert not [node for node in graph.node if node.op_type == "Cast"], "indices are taken as they come, int32"
    for value in graph.input:
        tensor = value.type.tensor_type
        assert tensor.shape.dim[0].dim_param, f"the batch of {value.name} is fixed"
        assert tensor.elem_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT32)


def test_the_file_carries_all_that_its_user_needs(network, model):
    description = open_engine("onnxruntime", model).description
    assert description.configuration == network.configuration
    assert description.class_table() == S3DIS
    assert description.name == "a name"
    assert description.training["data"] == "some rooms"
    assert description.licence == "some licence"
    np.testing.assert_array_equal(description.mean_instance_sizes(), [np.nan, *range(12)])


def test_a_batch_gives_what_its_blocks_give_alone(network, model):
    from jspnet_core.pipeline.pyramid import build_pyramid

    engine = open_engine("onnxruntime", model)
    features = example_blocks(network, 3)[0].numpy()
    pyramids = [build_pyramid(f[:, :3], network.configuration) for f in features]
    together = engine.run(features, pyramids)
    alone = engine.run(features[2:], pyramids[2:])
    np.testing.assert_allclose(together[0][2:], alone[0], atol=1e-5)
    np.testing.assert_allclose(together[1][2:], alone[1], atol=1e-5)
    assert engine.run(features[:0], [])[0].shape == (0, 256, 13)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"nothing\.onnx does not exist"):
        open_engine("onnxruntime", tmp_path / "nothing.onnx")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_named(model, tmp_path, share):
    data = model.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelFileError, match=r"cut\.onnx"):
        open_engine("onnxruntime", path)


def test_another_onnx_file_is_refused(tmp_path):
    path = tmp_path / "other.onnx"
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "other", [x], [y])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), path)
    with pytest.raises(ModelFileError, match="not a JSPNet model"):
        open_engine("onnxruntime", path)


def test_a_model_of_another_format_is_refused(model, tmp_path):
    proto = onnx.load(model)
    described = json.loads(proto.metadata_props[0].value)
    described["format"] = 99
    onnx.helper.set_model_props(proto, {"jspnet": json.dumps(described)})
    path = tmp_path / "new.onnx"
    onnx.save(proto, path)
    with pytest.raises(ModelFileError, match="format 99"):
        open_engine("onnxruntime", path)


def test_an_unknown_engine_names_the_accepted_ones(model):
    with pytest.raises(EngineError, match="onnxruntime, openvino, tensorrt"):
        open_engine("abacus", model)
