"""JSPNet: joint semantic and instance segmentation of indoor point clouds.

Everything in this package works without ROS. The runtime (points in, labels out) works without
torch as well; only `jspnet_core.network`, `jspnet_core.training` and `jspnet_core.export` need it.
"""

__version__ = "0.1.0"
