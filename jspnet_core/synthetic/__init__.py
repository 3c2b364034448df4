"""Generated indoor rooms, and a simulated depth camera that looks at them. Needs neither torch nor ROS."""

from jspnet_core.synthetic.primitives.camera import Camera, DepthFrame
from jspnet_core.synthetic.primitives.rooms import KINDS, make_scene
from jspnet_core.synthetic.primitives.scene import RoomCloud, Scene, camera_path

__all__ = ["KINDS", "Camera", "DepthFrame", "RoomCloud", "Scene", "camera_path", "make_scene"]
