"""The shipped model passes TensorRT-RTX: it is built for absent GPUs, with fused attention."""

import re
from importlib.util import find_spec

import onnx
import pytest

from jspnet_core.engine.engine_build import BuildOptions, build_engine
from jspnet_core.engine.tensorrt_api import TensorRt
from jspnet_core.export.attention import find_attentions
from jspnet_core.export.precision import PRECISIONS
from jspnet_core.model_file import default_model, read_description

RTX = ("tensorrt_rtx", "tensorrt_rtx_bindings")
CAPABILITIES = [(8, 0), (8, 6), (8, 9)]


@pytest.fixture(scope="module")
def rtx():
    if not any(find_spec(name) for name in RTX):
        pytest.skip("TensorRT-RTX is not installed: pip install tensorrt-rtx-cu13-libs tensorrt-rtx-cu13-bindings")
    return TensorRt(RTX)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The shipped checkpoint, exported in every precision: the folder, and the number of its attentions."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from jspnet_core.export.onnx_export import describe, export_graph, write_model
    from jspnet_core.training.checkpoint import Checkpoint

    state, folder = Checkpoint.load(default_model().with_suffix(".pt")), tmp_path_factory.mktemp("exported")
    plain = export_graph(state.build())
    for precision in PRECISIONS:
        model = onnx.ModelProto()
        model.CopyFrom(plain)
        write_model(
            model,
            describe(state, "n", data="d", licence="l", precision=precision),
            folder / f"{precision}.onnx",
            half_weights=False,
        )
    attentions = len(find_attentions(plain.graph))
    return folder, attentions


def test_the_checkpoint_is_that_of_the_model_file(exported):
    folder, attentions = exported
    assert read_description(folder / "fp16.onnx").configuration == read_description(default_model()).configuration
    assert attentions == 2 * read_description(default_model()).configuration.has_piff


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda c: f"SM {c[0]}.{c[1]}")
@pytest.mark.parametrize("precision", [p for p in PRECISIONS if p != "fp32"])
def test_it_builds_and_every_attention_becomes_one_kernel(rtx, exported, precision, capability):
    folder, attentions = exported
    engine, _ = build_engine(rtx, folder / f"{precision}.onnx", BuildOptions(blocks=(1, 8, 32)), capability=capability)
    calls = re.findall(rb"(?<![A-Za-z0-9_])_gemm_mha_v2(?![A-Za-z0-9_])", engine)  # once for each call of the kernel
    assert len(calls) == attentions, "attention is not fused: its N x N matrix would go to memory"
