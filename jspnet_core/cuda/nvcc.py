"""Compile CUDA sources for a GPU with nvcc and cache the result; compiling needs no GPU.

A robot without nvcc can use a cache that was filled on another machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from jspnet_core.cuda.constants import compiler_defines
from jspnet_core.cuda.device import KERNELS, SOURCES
from jspnet_core.errors import KernelsError
from jspnet_core.io.atomic import replacing
from jspnet_core.util.cache import cache_folder

FLAGS = ("-std=c++17", "-O3", "-fmad=false", "-cubin")
"""Without fused multiply-adds results equal those of the CPU bit by bit, where the order of operations is the same."""


def compiled(source: str, capability: tuple[int, int], folder: Path | None = None) -> Path:
    """The machine code of one of `cuda.device.SOURCES` for a compute capability, kept in `folder`.

    folder: None: the engines' cache. Raises `KernelsError` where it is not there and cannot be compiled.
    """
    folder = (folder or cache_folder()) / "kernels"
    text = (KERNELS / f"{source}.cu").read_bytes() + (KERNELS / "cuda_or_host.h").read_bytes()
    digest = hashlib.sha256(text + " ".join([*FLAGS, *compiler_defines()]).encode()).hexdigest()[:16]
    path = folder / f"{source}-sm{capability[0]}{capability[1]}-{digest}.cubin"
    if not path.is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory() as scratch, replacing(path) as file:
                file.write(_compile(source, capability, Path(scratch)))
        except OSError as error:
            raise KernelsError(f"kernels cannot be kept in {folder} ({error.strerror}); set JSPNET_CACHE") from error
    return path


def compile_all(capability: tuple[int, int], folder: Path | None = None) -> None:
    """Compile every source and keep it. Raises `KernelsError`."""
    for source in SOURCES:
        compiled(source, capability, folder)


def find_nvcc() -> str | None:
    """Find nvcc on the path, in $CUDA_HOME, or where JetPack installs it outside the path."""
    places = [Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "bin", Path("/usr/local/cuda/bin")]
    return shutil.which("nvcc") or next((n for n in (shutil.which("nvcc", path=str(p)) for p in places) if n), None)


def _compile(source: str, capability: tuple[int, int], scratch: Path) -> bytes:
    nvcc = find_nvcc()
    if nvcc is None:
        raise KernelsError("nvcc, which compiles the kernels, is not installed (CUDA toolkit), and none are cached")
    target = f"-arch=sm_{capability[0]}{capability[1]}"
    command = [nvcc, *FLAGS, *compiler_defines(), target, str(KERNELS / f"{source}.cu")]
    done = subprocess.run([*command, "-o", str(scratch / "cubin")], capture_output=True, text=True, check=False)
    if done.returncode:
        message = next((line for line in done.stderr.splitlines() if "rror" in line or "fatal" in line), "no message")
        raise KernelsError(f"nvcc cannot compile {source}.cu for compute capability {capability}: {message.strip()}")
    return (scratch / "cubin").read_bytes()
