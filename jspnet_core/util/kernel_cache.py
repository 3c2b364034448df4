"""Continue without numba's kernel cache if it cannot be read or written: full disk, damaged file."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.caching import Cache

logger = logging.getLogger(__name__)

_warned = False


def tolerate_cache_errors() -> None:
    """Compile kernels again if their cache fails, with one warning, instead of raising its error.

    Call it before the first kernel runs. It replaces numba's own guard around reading and writing the cache, which
    tolerates such errors on Windows alone.
    """
    Cache._guard_against_spurious_io_errors = _guard


@contextmanager
def _guard(cache: Any) -> Iterator[None]:
    global _warned
    try:
        yield
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        if not _warned:
            _warned = True
            logger.warning(
                "compiled kernels cannot be kept in %s (%s): each start compiles them again, up to a minute; free some "
                "space, or set NUMBA_CACHE_DIR to another folder",
                cache.cache_path,
                error,
            )
