"""Log what numba compiles, which takes up to a minute at the first start on a machine and nothing later."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

logger = logging.getLogger(__name__)


@contextmanager
def log_compilation() -> Iterator[None]:
    """Log once that kernels are compiled, each of them at level DEBUG, and at the end how many and how long.

    Kernels that come from numba's cache are not compiled and not mentioned.
    """
    names: list[str] = []
    start = 0.0

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            nonlocal start
            if not names:
                start = time.perf_counter()
                logger.info("compiling the kernels for this machine, once; this takes up to a minute")
            names.append(event.data["dispatcher"].py_func.__name__)
            logger.debug("compiling %s", names[-1])

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Listener()):
        yield
    if names:
        logger.info("compiled %d kernels in %.0f s", len(names), time.perf_counter() - start)
