"""JSPNet: joint semantic and instance segmentation of indoor point clouds.

    from jspnet_core import load_segmenter, read_cloud

    segmenter = load_segmenter()
    cloud = read_cloud("room.ply")
    found = segmenter.segment(cloud.points, cloud.colors)  # found.label, found.instance, found.confidence: (N,)

No module of this package needs ROS. The runtime (points in, labels out) needs no torch; `network`, `training`,
`export` and the engine `torch` do. Names are imported when they are first used, so that `import jspnet_core` is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jspnet_core.errors import JspnetError
    from jspnet_core.io.clouds import Cloud, read_cloud, write_cloud
    from jspnet_core.pipeline.load import load_segmenter
    from jspnet_core.pipeline.segmenter import Segmenter
    from jspnet_core.segmentation import Instance, Segmentation
    from jspnet_core.settings import FrameSettings, SegmenterSettings

__version__ = "0.1.0"

_MODULES = {
    "Cloud": "io.clouds",
    "FrameSettings": "settings",
    "Instance": "segmentation",
    "JspnetError": "errors",
    "Segmentation": "segmentation",
    "Segmenter": "pipeline.segmenter",
    "SegmenterSettings": "settings",
    "load_segmenter": "pipeline.load",
    "read_cloud": "io.clouds",
    "write_cloud": "io.clouds",
}

__all__ = [
    "Cloud",
    "FrameSettings",
    "Instance",
    "JspnetError",
    "Segmentation",
    "Segmenter",
    "SegmenterSettings",
    "__version__",
    "load_segmenter",
    "read_cloud",
    "write_cloud",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
