"""Label a cloud from a file (.ply, .pcd or .npz) and write it with its labels.

python examples/01_label_a_file.py room.ply [labelled.ply]
"""

from __future__ import annotations

import sys

from jspnet_core import load_segmenter, read_cloud, write_cloud

source, target = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "labelled.ply"
cloud = read_cloud(source)  # points (N, 3) float32, metres; colors (N, 3) uint8 or None
segmenter = load_segmenter()  # the model that comes with the package, on the CPU
found = segmenter.segment(cloud.points, cloud.colors)  # found.label, .instance, .confidence: (N,), in the file's order
write_cloud(target, cloud, found, segmenter.classes)

print(f"{len(cloud.points)} points; {found.gravity_source}; {found.blocks} blocks; labels written to {target}")
for instance in found.instances:
    name = segmenter.classes.names[instance.label]
    size = " x ".join(f"{edge:.2f}" for edge in instance.maximum - instance.minimum)
    print(f"{instance.id:4d} {name:9s} {instance.point_count:7d} points, {size} m")
