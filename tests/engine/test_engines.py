"""Engines: equal labels, errors without a GPU, TensorRT-RTX without one, OpenVINO, PyTorch."""

import re
from importlib.util import find_spec

import numpy as np
import pytest

from jspnet_core.engine import open_engine
from jspnet_core.engine.cuda_driver import Gpu, find_gpu
from jspnet_core.engine.engine_build import BuildOptions, build_engine
from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine
from jspnet_core.engine.tensorrt_api import TensorRt
from jspnet_core.engine.tensorrt_engine import TensorRtEngine, batch_sizes
from jspnet_core.errors import EngineError, ModelFileError
from jspnet_core.model_file import default_model, read_description

RTX = ("tensorrt_rtx", "tensorrt_rtx_bindings")


def gpu_missing():
    try:
        find_gpu()
    except EngineError as error:
        return str(error)
    return None


@pytest.mark.parametrize("blocks", [(0, 1, 2), (2, 1, 4), (1, 8, 4)])
def test_blocks_that_fall_are_refused(blocks):
    with pytest.raises(EngineError, match="from 1 on"):
        BuildOptions(blocks)


def test_batch_sizes_are_powers_of_two_up_to_the_most():
    assert batch_sizes(32) == [1, 2, 4, 8, 16, 32]
    assert batch_sizes(20) == [1, 2, 4, 8, 16, 20]
    assert batch_sizes(1) == [1]


@pytest.mark.skipif(gpu_missing() is None, reason="this machine has a GPU")
def test_a_missing_gpu_is_one_sentence_with_a_choice():
    with pytest.raises(EngineError, match="engine:=onnxruntime") as raised:
        find_gpu()
    assert raised.value.args[0].count("\n") == 0


@pytest.mark.skipif(gpu_missing() is None, reason="this machine has a GPU")
def test_the_tensorrt_engine_says_what_is_missing():
    with pytest.raises(EngineError, match="engine:=onnxruntime"):
        open_engine("tensorrt", default_model())


def test_the_description_is_read_without_an_onnx_library():
    assert read_description(default_model()) == OnnxRuntimeEngine(default_model()).description


@pytest.mark.parametrize("share", [0.0, 0.4, 0.97])
def test_a_truncated_model_is_refused_before_a_gpu_is_asked_for(tmp_path, share):
    data = default_model().read_bytes()
    (tmp_path / "cut.onnx").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelFileError, match=r"cut\.onnx"):
        open_engine("tensorrt", tmp_path / "cut.onnx")


@pytest.mark.skipif(gpu_missing() is not None, reason=f"no GPU to run TensorRT on: {gpu_missing()}")
def test_tensorrt_labels_as_onnx_runtime_does():
    features, pyramids = random_blocks(5)
    reference, engine = OnnxRuntimeEngine(default_model()), TensorRtEngine(default_model(), BuildOptions((1, 4, 4)))
    expected, found = reference.run(features, pyramids), engine.run(features, pyramids)
    assert (expected[0].argmax(-1) != found[0].argmax(-1)).mean() < 0.005
    engine.close()
    engine.close()


@pytest.fixture(scope="module")
def openvino():
    pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install 'jspnet[openvino]'")
    from jspnet_core.engine.openvino_engine import OpenVinoEngine

    return OpenVinoEngine


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_openvino_gives_the_numbers_of_onnx_runtime(openvino, threads, count):
    features, pyramids = random_blocks(count)
    expected = OnnxRuntimeEngine(default_model(), threads).run(features, pyramids)
    found = openvino(default_model(), threads, "f32").run(features, pyramids)
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_openvino_in_its_own_precision_labels_as_onnx_runtime_does(openvino):
    features, pyramids = generated_blocks(4)
    engine, reference = openvino(default_model()), OnnxRuntimeEngine(default_model())
    assert engine.precision in engine.about
    expected, found = reference.run(features, pyramids), engine.run(features, pyramids)
    assert len(np.unique(expected[0].argmax(-1))) > 2, "blocks of several classes"
    assert (expected[0].argmax(-1) != found[0].argmax(-1)).mean() < 0.01  # bf16 has 8 bits
    assert engine.takes_fewer_points == reference.takes_fewer_points


def test_openvino_names_a_file_that_it_cannot_read(openvino, tmp_path):
    data = default_model().read_bytes()
    (tmp_path / "odd.onnx").write_bytes(data.replace(b"FusedGemm", b"FusedGemn").replace(b"Gemm", b"Gemn"))
    with pytest.raises(ModelFileError, match=r"odd\.onnx"):
        openvino(tmp_path / "odd.onnx")


@pytest.mark.skipif(find_spec("openvino") is not None, reason="OpenVINO is installed")
def test_missing_openvino_is_one_sentence_with_a_choice():
    with pytest.raises(EngineError, match="engine:=onnxruntime"):
        open_engine("openvino", default_model())


def test_a_block_alone_and_among_others_gets_the_same_numbers():
    features, pyramids = random_blocks(3)
    engine = OnnxRuntimeEngine(default_model(), threads=2)
    together = engine.run(features, pyramids)
    for b in range(3):
        for all_, one in zip(together, engine.run(features[b : b + 1], pyramids[b : b + 1]), strict=True):
            np.testing.assert_allclose(all_[b], one[0], atol=1e-4)


def generated_blocks(count):
    """Blocks of a generated room."""
    from jspnet_core.pipeline.blocks import block_features, cut_blocks
    from jspnet_core.pipeline.pyramid import build_pyramid
    from jspnet_core.synthetic import make_scene

    c, rng = read_description(default_model()).configuration, np.random.default_rng(0)
    room = make_scene(0, "office").room_cloud(rng, 1500)
    points = (room.points - [0, 0, room.points[:, 2].min()]).astype(np.float32)
    blocks = cut_blocks(
        points,
        points_per_block=c.points,
        block_size=c.block_size,
        stride=c.block_size,
        min_points=500,
        rng=rng,
        max_blocks=count,
    )
    features = block_features(points, room.colors, blocks.index, color=c.color, block_size=c.block_size)
    return features, [build_pyramid(f[:, :3], c) for f in features]


@pytest.mark.skipif(gpu_missing() is not None, reason=f"no GPU to run TensorRT on: {gpu_missing()}")
@pytest.mark.parametrize("name", ["tensorrt", "torch"])
def test_a_frame_on_the_gpu_is_labelled_as_on_the_cpu(name, tmp_path):
    """Opened in one thread, used in another, closed in a third; labels differ by what blocks draw at random."""
    from concurrent.futures import ThreadPoolExecutor

    from jspnet_core.cuda.stages import CudaStages
    from jspnet_core.pipeline.load import load_segmenter
    from jspnet_core.settings import FrameSettings
    from jspnet_core.synthetic import make_scene

    room = make_scene(5, "office").room_cloud(np.random.default_rng(0), 300.0)
    settings, model = FrameSettings(up_axis="z"), default_model().with_suffix(".pt" if name == "torch" else ".onnx")
    segmenter = load_segmenter(model, name, settings)
    assert isinstance(segmenter.stages, CudaStages)
    with ThreadPoolExecutor(1) as thread:
        found, again = (thread.submit(segmenter.segment, room.points, room.colors).result() for _ in range(2))
    with ThreadPoolExecutor(1) as thread:
        thread.submit(segmenter.close).result()
    segmenter.close()
    with pytest.raises(EngineError, match="closed"):
        segmenter.segment(room.points, room.colors)
    expected = load_segmenter(settings=settings).segment(room.points, room.colors)
    np.testing.assert_array_equal(found.label, again.label)
    assert (found.label == expected.label).mean() > 0.9
    assert found.blocks == expected.blocks


def random_blocks(count):
    from jspnet_core.pipeline.pyramid import build_pyramid

    c = read_description(default_model()).configuration
    features = np.random.default_rng(0).random((count, c.points, c.channels), np.float32)
    return features, [build_pyramid(f[:, :3], c) for f in features]


@pytest.fixture(scope="module")
def rtx():
    if not any(find_spec(name) for name in RTX):
        pytest.skip("TensorRT-RTX is not installed: pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings")
    return TensorRt(RTX)


def test_tensorrt_rtx_builds_the_default_model_for_another_gpu(rtx):
    phases = []
    engine, _ = build_engine(
        rtx,
        default_model(),
        BuildOptions((1, 4, 8)),
        capability=(8, 6),
        progress=lambda name, share: phases.append(share),
    )
    assert len(engine) > 1e6
    assert phases, "progress is shown"
    with pytest.raises(EngineError, match=r"8\.7"):
        build_engine(rtx, default_model(), BuildOptions(), capability=(8, 7))


def test_the_driver_must_be_as_new_as_the_cuda_of_tensorrt(rtx):
    assert rtx.oldest_driver == 13000, "tensorrt_rtx_cu13 is installed"
    assert TensorRt(RTX).version.startswith("TensorRT-RTX ")


@pytest.mark.parametrize(("capability", "taken"), [((8, 9), True), ((12, 9), True), ((9, 0), False), ((8, 7), False)])
def test_a_gpu_that_tensorrt_rtx_does_not_run_on_is_named(rtx, capability, taken, tmp_path):
    """It builds an engine for a data centre's GPU without complaint, and then refuses to load it."""
    gpu = Gpu("NVIDIA H200", capability, 13000)
    if taken:
        rtx.check_gpu(gpu)
        return
    with pytest.raises(EngineError, match=r"does not run on NVIDIA H200.*it takes 7\.5, 8\.0, .*engine:=onnxruntime"):
        rtx.check_gpu(gpu)


def test_building_ahead_is_for_engines_that_are_built():
    from jspnet_core.engine.prebuild import build_ahead

    with pytest.raises(EngineError, match="'onnxruntime' needs no building"):
        build_ahead("onnxruntime", default_model())


def test_a_file_that_tensorrt_cannot_parse_is_named(rtx, tmp_path):
    import onnx

    model = onnx.load(default_model())
    model.graph.node[5].op_type = "NoSuchOperator"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(ModelFileError, match=r"cannot parse .*odd\.onnx"):
        build_engine(rtx, tmp_path / "odd.onnx", BuildOptions(), capability=(8, 6))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from jspnet_core.classes import S3DIS
    from jspnet_core.network import build_network
    from jspnet_core.network_config import NetworkConfiguration
    from jspnet_core.training.checkpoint import Checkpoint

    torch.manual_seed(0)
    configuration = NetworkConfiguration.narrow(
        points=256, levels=(64, 48, 32, 16), point_conv=((16, 16), (16, 16), (16, 16))
    )
    network = build_network(configuration).eval()
    path = tmp_path_factory.mktemp("checkpoint") / "best.pt"
    recipe = {"augmentation": {"voxel_size": 0.03}}
    Checkpoint(configuration, S3DIS, network.state_dict(), None, 7, recipe, {}, [None] * 13).save(path)
    return path


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    """One network in the three precisions, traced once."""
    import onnx

    from jspnet_core.export.onnx_export import describe, export_graph, write_model
    from jspnet_core.training.checkpoint import Checkpoint

    state, folder = Checkpoint.load(checkpoint), tmp_path_factory.mktemp("exported")
    plain = export_graph(state.build())
    for precision in ("fp32", "fp16", "bf16-mixed"):
        model = onnx.ModelProto()
        model.CopyFrom(plain)
        description = describe(state, "n", data="d", licence="l", precision=precision)
        write_model(model, description, folder / f"{precision}.onnx", half_weights=False)
    return folder


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16-mixed"])
def test_both_attentions_become_one_kernel_each_in_16_bits(rtx, exported, precision):
    engine, _ = build_engine(rtx, exported / f"{precision}.onnx", BuildOptions((1, 4, 8)), capability=(8, 6))
    kernels = set(re.findall(rb"_gemm_mha_v2_0x[0-9a-f]{32}", engine))
    assert bool(kernels) == (precision != "fp32"), "TensorRT fuses attention in 16 bits alone"


def test_torch_labels_as_onnx_runtime_does(checkpoint, exported):
    from jspnet_core.pipeline.pyramid import build_pyramid

    engine, reference = open_engine("torch", checkpoint), open_engine("onnxruntime", exported / "fp32.onnx")
    c = reference.description.configuration
    assert engine.description.configuration == c
    features = np.random.default_rng(0).random((3, c.points, c.channels), np.float32)
    pyramids = [build_pyramid(f[:, :3], c) for f in features]
    for found, expected in zip(engine.run(features, pyramids), reference.run(features, pyramids), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)  # on a GPU in 16 bits
    assert engine.run(features[:0], [])[0].shape == (0, c.points, 13)


def test_torch_keeps_the_ends_of_the_heads_in_single_precision(checkpoint):
    from jspnet_core.engine.torch_engine import TorchEngine

    engine, plain = TorchEngine.open(checkpoint, "cpu", "bf16"), TorchEngine.open(checkpoint, "cpu")
    c = engine.description.configuration
    features = np.random.default_rng(0).random((1, c.points, c.channels), np.float32)
    from jspnet_core.pipeline.pyramid import build_pyramid

    pyramids = [build_pyramid(features[0, :, :3], c)]
    rough, exact = engine.run(features, pyramids), plain.run(features, pyramids)
    assert 0 < np.abs(rough[0] - exact[0]).max() < 0.2
    assert len(np.unique(rough[1])) > 0.5 * rough[1].size, "the last layer is not rounded to 8 bits"


def test_torch_reads_checkpoints_only():
    with pytest.raises(EngineError, match=r"reads a checkpoint.*jspnet_indoor\.onnx"):
        open_engine("torch", default_model())
