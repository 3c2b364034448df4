"""`jspnet warm-up`: compile the kernels of this machine ahead of the first cloud."""

from __future__ import annotations

import time

from jspnet_core.cli import options
from jspnet_core.cli.terminal import messages, output
from jspnet_core.pipeline.load import load_segmenter
from jspnet_core.pipeline.warm_up import warm_up as run_every_step
from jspnet_core.util.compilation import log_compilation


def warm_up(model: options.Model = None, engine: options.Engine = "onnxruntime", threads: options.Threads = 0) -> None:
    """Compile the kernels for this machine, or load them from the cache.

    The first cloud is then as fast as later ones. Kernels are kept in numba's cache, NUMBA_CACHE_DIR.
    """
    start = time.perf_counter()
    segmenter = load_segmenter(model, engine, options.checked(options.SegmenterSettings, {"threads": threads}))
    try:
        with log_compilation(), messages().status("running every step once"):
            run_every_step(segmenter)
    finally:
        segmenter.close()
    output().print(f"{segmenter.model_name} on {engine}: ready, {time.perf_counter() - start:.1f} s")
