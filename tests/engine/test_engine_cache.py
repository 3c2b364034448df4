"""The cache of built engines: built once, keyed by all that an engine depends on, never damaged or of another key."""

import logging
import multiprocessing
import time

import pytest

from jspnet_core.engine.engine_build import BuildOptions
from jspnet_core.engine.engine_cache import EngineCache, EngineKey
from jspnet_core.engine.progress_log import ProgressLog
from jspnet_core.errors import EngineError


@pytest.fixture(autouse=True)
def _log_of_level_info(caplog):
    caplog.set_level(logging.INFO, logger="jspnet_core")


@pytest.fixture
def key(tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes(b"weights")
    return EngineKey.of(model, "fp16", "TensorRT 10.3.0", "Some GPU", (8, 7), BuildOptions())


class Builder:
    """Builder that records its calls and returns a fixed engine."""

    def __init__(self, engine=b"engine\nof two lines", timing=b"measured"):
        self.engine, self.timing, self.given = engine, timing, []

    def __call__(self, timing):
        self.given.append(timing)
        return self.engine, self.timing


def test_an_engine_is_built_once(tmp_path, key, caplog):
    cache, build = EngineCache(tmp_path / "engines"), Builder()
    assert cache.get(key, build) == build.engine
    assert cache.get(key, build) == build.engine
    assert build.given == [b""]
    assert caplog.messages[0] == "building an engine for Some GPU with TensorRT 10.3.0: none is there yet"


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
def test_another_model_gpu_or_version_gets_an_engine_of_its_own(tmp_path, key, change, said, caplog):
    cache = EngineCache(tmp_path / "engines")
    cache.get(key, Builder())
    other = Builder(b"another")
    changed = EngineKey(**{**vars(key), **change})
    assert cache.get(changed, other) == b"another"
    assert cache.get(key, other) == b"engine\nof two lines", "the first engine is still there"
    assert len(other.given) == 1
    assert said in caplog.messages[2]


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
def test_damaged_and_foreign_files_are_built_again(tmp_path, key, damage, said, caplog):
    cache, build = EngineCache(tmp_path / "engines"), Builder()
    cache.get(key, build)
    path = cache.path(key)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(key, build) == build.engine
    assert said in caplog.messages[2]
    assert cache.get(key, build) == build.engine
    assert build.given == [b"", b"measured"], "the second build knows what the first one measured"


def test_a_build_that_fails_leaves_nothing(tmp_path, key):
    cache = EngineCache(tmp_path / "engines")

    def fail(timing):
        raise EngineError("no memory")

    with pytest.raises(EngineError, match="no memory"):
        cache.get(key, fail)
    assert not list(cache.folder.glob("*.engine"))
    assert not list(cache.folder.glob(".*"))


def build_slowly(folder, key, results):
    def build(timing):
        time.sleep(0.5)
        return f"built by {multiprocessing.current_process().name}".encode(), b""

    results.put(EngineCache(folder).get(key, build))


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


def test_a_folder_that_breaks_while_running_is_named(tmp_path, key):
    cache = EngineCache(tmp_path / "engines")
    cache.folder.rmdir()
    cache.folder.write_text("")
    with pytest.raises(EngineError, match=r"engines cannot be kept in .*engines .*; set JSPNET_CACHE"):
        cache.get(key, Builder())


def test_progress_is_logged_at_intervals(caplog):
    progress = ProgressLog(seconds=3600.0)
    for step in range(100):
        progress("timing layers", step / 100)
    assert caplog.messages == ["building the engine: timing layers, 0 %"]
