"""Memory over frames: a voxel map whose labels settle, and objects that keep their ids."""

from jspnet_core.memory.map_object import MapObject
from jspnet_core.memory.scene_memory import SceneMemory
from jspnet_core.memory.settings import MemorySettings

__all__ = ["MapObject", "MemorySettings", "SceneMemory"]
