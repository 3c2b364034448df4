"""Label a cloud from a file (.ply, .pcd or .npz), and draw what comes out.

python examples/01_label_a_file.py room.ply [labels.png]
"""

from __future__ import annotations

import sys

from jspnet_core.io.clouds import read_cloud
from jspnet_core.pipeline.gravity.estimate import rigid
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.report.cloud_pictures import Row, cloud_picture

path, picture = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "labels.png"
cloud = read_cloud(path)  # points (N, 3) float32, metres; colors (N, 3) uint8 or None
segmenter = Segmenter()  # the model that comes with the package
found = segmenter.segment(cloud.points, cloud.colors)  # found.label, .instance, .confidence: (N,), in the file's order

print(f"{len(cloud.points)} points; {found.gravity_source}; {found.blocks} blocks")
for instance in found.instances:
    name = segmenter.classes.names[instance.label]
    size = instance.maximum - instance.minimum
    print(
        f"{instance.id:4d} {name:9s} {instance.point_count:7d} points, {size[0]:.2f} x {size[1]:.2f} x {size[2]:.2f} m"
    )

level = rigid(found.T_gravity_input, cloud.points)  # z up, floor at z = 0
cloud_picture(picture, level, cloud.colors, [Row("JSPNet", found.label, found.instance)], segmenter.classes, path)
