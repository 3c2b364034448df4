"""Engines other than ONNX Runtime: the cache of built engines, what is said where a GPU is missing, PyTorch."""

import json
import multiprocessing
import re
import time
from importlib.util import find_spec

import numpy as np
import pytest

from jspnet_core.engine import EngineError, ModelFileError, open_engine
from jspnet_core.engine.cuda_driver import find_gpu
from jspnet_core.engine.engine_build import BuildOptions, build_engine
from jspnet_core.engine.engine_cache import EngineCache, EngineKey
from jspnet_core.engine.model_file import default_model, read_description
from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine
from jspnet_core.engine.tensorrt_api import TensorRt
from jspnet_core.engine.tensorrt_engine import TensorRtEngine, batch_sizes

RTX = ("tensorrt_rtx", "tensorrt_rtx_bindings")


def gpu_missing():
    try:
        find_gpu()
    except EngineError as error:
        return str(error)
    return None


@pytest.fixture
def key(tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"weights")
    return EngineKey.of(model, "fp16", "TensorRT 10.3.0", "Some GPU", (8, 7), BuildOptions())


class Builder:
    """Counts builds, and says what an engine was built for."""

    def __init__(self, engine=b"engine\nof two lines", timing=b"measured"):
        self.engine, self.timing, self.given = engine, timing, []

    def __call__(self, timing):
        self.given.append(timing)
        return self.engine, self.timing


def test_an_engine_is_built_once(tmp_path, key):
    cache, build, log = EngineCache(tmp_path / "engines"), Builder(), []
    assert cache.get(key, build, log.append) == build.engine
    assert cache.get(key, build, log.append) == build.engine
    assert build.given == [b""]
    assert log[0] == "building an engine for Some GPU with TensorRT 10.3.0: none is there yet"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tensorrt": "TensorRT 11.0.0"}, "tensorrt is TensorRT 11.0.0, the engine here has TensorRT 10.3.0"),
        ({"gpu": "Another GPU"}, "gpu is Another GPU, the engine here has Some GPU"),
        ({"capability": (8, 9)}, "capability is [8, 9], the engine here has [8, 7]"),
        ({"precision": "fp32"}, "precision is fp32, the engine here has fp16"),
        ({"blocks": (1, 8, 16)}, "blocks is [1, 8, 16], the engine here has [1, 32, 128]"),
        ({"model_sha256": "0" * 64}, "model_sha256 is 000000000000, the engine here has"),
    ],
)
def test_another_model_gpu_or_version_gets_an_engine_of_its_own(tmp_path, key, change, said):
    cache, log = EngineCache(tmp_path / "engines"), []
    cache.get(key, Builder(), log.append)
    other = Builder(b"another")
    changed = EngineKey(**{**vars(key), **change})
    assert cache.get(changed, other, log.append) == b"another"
    assert cache.get(key, other, log.append) == b"engine\nof two lines", "the first engine is still there"
    assert len(other.given) == 1
    assert said in log[2]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-3], "is corrupt"),
        (lambda data: data[:40], "is no engine file"),
        (lambda data: b"", "is no engine file"),
        (lambda data: data[:-1] + b"!", "is corrupt"),
        (lambda data: data.replace(b"Some GPU", b"Evil GPU"), "holds an engine for something else"),
    ],
)
def test_damaged_and_foreign_files_are_built_again(tmp_path, key, damage, said):
    cache, build, log = EngineCache(tmp_path / "engines"), Builder(), []
    cache.get(key, build, log.append)
    path = cache.path(key)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(key, build, log.append) == build.engine
    assert said in log[2]
    assert cache.get(key, build, log.append) == build.engine
    assert build.given == [b"", b"measured"], "the second build knows what the first one measured"


def test_a_build_that_fails_leaves_nothing(tmp_path, key):
    cache = EngineCache(tmp_path / "engines")

    def fail(timing):
        raise EngineError("no memory")

    with pytest.raises(EngineError, match="no memory"):
        cache.get(key, fail, lambda text: None)
    assert not list(cache.folder.glob("*.engine"))
    assert not list(cache.folder.glob(".*"))


def build_slowly(folder, key, results):
    def build(timing):
        time.sleep(0.5)
        return f"built by {multiprocessing.current_process().name}".encode(), b""

    results.put(EngineCache(folder).get(key, build, lambda text: None))


def test_processes_that_start_together_build_once(tmp_path, key):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=build_slowly, args=(tmp_path, key, results)) for _ in range(3)]
    for process in processes:
        process.start()
    engines = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(engines) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="JSPNET_CACHE"):
        EngineCache(tmp_path / "file" / "engines")


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


def random_blocks(count):
    from jspnet_core.pyramid import build_pyramid

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
    from jspnet_core.configuration import NetworkConfiguration
    from jspnet_core.network import build_network
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
    """The same network in the three precisions, written once."""
    import onnx

    from jspnet_core.export.onnx_export import describe, export_onnx
    from jspnet_core.export.precision import lower
    from jspnet_core.training.checkpoint import Checkpoint

    state, folder = Checkpoint.load(checkpoint), tmp_path_factory.mktemp("exported")
    export_onnx(state.build(), describe(state, "n", "d", "l"), folder / "fp32.onnx", half_weights=False)
    for precision in ("fp16", "bf16-mixed"):
        model = onnx.load(folder / "fp32.onnx")
        lower(model, precision)
        description = {**json.loads(model.metadata_props[0].value), "precision": precision}
        onnx.helper.set_model_props(model, {"jspnet": json.dumps(description)})
        onnx.save(model, folder / f"{precision}.onnx")
    return folder


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16-mixed"])
def test_both_attentions_become_one_kernel_each_in_16_bits(rtx, exported, precision):
    engine, _ = build_engine(rtx, exported / f"{precision}.onnx", BuildOptions((1, 4, 8)), capability=(8, 6))
    kernels = set(re.findall(rb"_gemm_mha_v2_0x[0-9a-f]{32}", engine))
    assert bool(kernels) == (precision != "fp32"), "TensorRT fuses attention in 16 bits alone"


def test_torch_labels_as_onnx_runtime_does(checkpoint, exported):
    from jspnet_core.pyramid import build_pyramid

    engine, reference = open_engine("torch", checkpoint), open_engine("onnxruntime", exported / "fp32.onnx")
    c = reference.description.configuration
    assert engine.description.configuration == c
    features = np.random.default_rng(0).random((3, c.points, c.channels), np.float32)
    pyramids = [build_pyramid(f[:, :3], c) for f in features]
    for found, expected in zip(engine.run(features, pyramids), reference.run(features, pyramids), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert engine.run(features[:0], [])[0].shape == (0, c.points, 13)


def test_torch_keeps_the_ends_of_the_heads_in_single_precision(checkpoint):
    from jspnet_core.training.torch_engine import TorchEngine

    engine, plain = TorchEngine.open(checkpoint, "cpu", "bf16"), TorchEngine.open(checkpoint, "cpu")
    c = engine.description.configuration
    features = np.random.default_rng(0).random((1, c.points, c.channels), np.float32)
    from jspnet_core.pyramid import build_pyramid

    pyramids = [build_pyramid(features[0, :, :3], c)]
    rough, exact = engine.run(features, pyramids), plain.run(features, pyramids)
    assert 0 < np.abs(rough[0] - exact[0]).max() < 0.2
    assert len(np.unique(rough[1])) > 0.5 * rough[1].size, "the last layer is not rounded to 8 bits"


def test_torch_reads_checkpoints_only():
    with pytest.raises(EngineError, match=r"reads a checkpoint.*jspnet_s3dis\.onnx"):
        open_engine("torch", default_model())
