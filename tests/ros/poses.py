"""Poses for the tests."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Pose
from scipy.spatial.transform import Rotation

CAMERA_POSE = "0.5 -0.25 1.2 -1.5707963 0 -1.5707963"
"""An optical frame that looks along x, 1.2 m above the floor: z forward becomes x, y down becomes -z."""


def pose_matrix(pose: Pose) -> np.ndarray:
    """(4, 4) float64."""
    p, q = pose.position, pose.orientation
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
    T[:3, 3] = p.x, p.y, p.z
    return T
