"""Location of the furniture library on this machine."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "JSPNET_ASSETS"


def assets_folder(folder: Path | str | None = None) -> Path:
    """The library's folder: the argument, else $JSPNET_ASSETS, else jspnet/furniture in the user's cache folder.

    The folder need not exist. The cache folder is $XDG_CACHE_HOME, or ~/.cache where that is not set.
    """
    if folder:
        return Path(folder)
    if named := os.environ.get(VARIABLE):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "jspnet" / "furniture"
