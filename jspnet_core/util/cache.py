"""Cache folder of engines and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$JSPNET_CACHE`, else `jspnet` in `$XDG_CACHE_HOME`, else `~/.cache/jspnet`."""
    if "JSPNET_CACHE" in os.environ:
        return Path(os.environ["JSPNET_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jspnet"
