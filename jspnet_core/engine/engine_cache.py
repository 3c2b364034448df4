"""Engine cache on disk: one engine per model, TensorRT, GPU, precision and profile, checked by its checksum.

A file is one line of JSON (its key, and the checksum of the rest) and the engine. It is written under another name
first. Processes that want the same engine at the same time wait for the one that builds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from jspnet_core.engine.engine_build import BuildOptions
from jspnet_core.errors import EngineError
from jspnet_core.io.atomic import replacing
from jspnet_core.util.cache import cache_folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineKey:
    """Key of an engine: all that it depends on. capability: (major, minor); blocks: of the optimisation profile."""

    model_sha256: str
    tensorrt: str
    gpu: str
    capability: tuple[int, int]
    precision: str
    blocks: tuple[int, int, int]
    memory_mb: int

    @classmethod
    def of(
        cls, model: Path, precision: str, tensorrt: str, gpu: str, capability: tuple[int, int], options: BuildOptions
    ) -> EngineKey:
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
        return cls(digest, tensorrt, gpu, capability, precision, options.blocks, options.memory_mb)

    def to_json(self) -> dict[str, object]:
        """The key as plain JSON values."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


class EngineCache:
    """A folder of engines, made when it is first needed. Raises `EngineError` where it cannot be written."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder or cache_folder()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def path(self, key: EngineKey) -> Path:
        return self.folder / f"{key.digest()[:24]}.engine"

    def get(self, key: EngineKey, build: Callable[[bytes], tuple[bytes, bytes]]) -> bytes:
        """The engine of a key, from disk or built: `build` gets a timing cache and returns the engine and the next one.

        Raises `EngineError` where the folder cannot be read or written, or the disk is full.
        """
        try:
            return self._get(key, build)
        except OSError as error:
            raise self._unusable(error) from error

    def _get(self, key: EngineKey, build: Callable[[bytes], tuple[bytes, bytes]]) -> bytes:
        engine, _ = self._read(key)
        if engine is not None:
            return engine
        with self._lock(key):
            engine, reason = self._read(key)  # somebody else may have built it meanwhile
            if engine is None:
                logger.info("building an engine for %s with %s: %s", key.gpu, key.tensorrt, reason)
                timing = self.folder / f"{hashlib.sha256((key.tensorrt + key.gpu).encode()).hexdigest()[:24]}.timing"
                engine, measured = build(timing.read_bytes() if timing.is_file() else b"")
                self._write(key, engine)
                if measured:
                    with replacing(timing) as file:
                        file.write(measured)
                logger.info("engine kept in %s", self.path(key))
        return engine

    def discard(self, key: EngineKey) -> None:
        """Delete an engine that TensorRT does not load."""
        self.path(key).unlink(missing_ok=True)

    def _unusable(self, error: OSError) -> EngineError:
        return EngineError(f"engines cannot be kept in {self.folder} ({error.strerror or error}); set JSPNET_CACHE")

    def _read(self, key: EngineKey) -> tuple[bytes | None, str]:
        """Return the engine, or None and the reason to build it."""
        path = self.path(key)
        if not path.is_file():
            return None, self._why_there_is_none(key)
        header, _, engine = path.read_bytes().partition(b"\n")
        try:
            described = json.loads(header)
        except ValueError:
            return None, f"{path.name} is no engine file"
        if not isinstance(described, dict) or described.get("key") != key.to_json():
            return None, f"{path.name} holds an engine for something else"
        if described.get("sha256") != hashlib.sha256(engine).hexdigest():
            return None, f"{path.name} is corrupt: its checksum is another"
        return engine, ""

    def _why_there_is_none(self, key: EngineKey) -> str:
        """Name the differences from the most similar cached engine."""
        wanted = key.to_json()
        reasons = []
        for path in self.folder.glob("*.engine"):
            with path.open("rb") as file:
                header = file.readline(65536)
            try:
                found = json.loads(header)["key"]
                differing = {name: found[name] for name in wanted if found[name] != wanted[name]}
            except (ValueError, KeyError, TypeError):
                continue
            reasons.append((len(differing), differing))
        if not reasons:
            return "none is there yet"
        differing = min(reasons, key=lambda reason: reason[0])[1]
        return "; ".join(
            f"{name} is {_short(wanted[name])}, the engine here has {_short(v)}" for name, v in differing.items()
        )

    def _write(self, key: EngineKey, engine: bytes) -> None:
        header = {"key": key.to_json(), "sha256": hashlib.sha256(engine).hexdigest()}
        with replacing(self.path(key)) as file:
            file.write(json.dumps(header).encode() + b"\n" + engine)

    @contextmanager
    def _lock(self, key: EngineKey) -> Iterator[None]:
        with (self.folder / f"{self.path(key).name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logger.info("another process is building this engine; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _short(value: object) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)
