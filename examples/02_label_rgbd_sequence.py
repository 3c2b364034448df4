"""Label the frames of an RGB-D sequence one by one, then all of them as one cloud, and draw what comes out.

    python examples/02_label_rgbd_sequence.py FOLDER [--out out/rgbd] [--every 5]

FOLDER is in the layout of the 7-Scenes data set: frame-000000.color.png (or .jpg), frame-000000.depth.png in
millimetres, frame-000000.pose.txt (camera to world) and camera-intrinsics.txt. The first frame should show some
floor: gravity is estimated from it for the cloud of all of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from jspnet_core.io.rgbd import RgbdFrame, read_sequence
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.report.cloud_pictures import Row, cloud_picture, frame_picture
from jspnet_core.segmentation import Segmentation
from jspnet_core.spatial.transforms import transform_points


def label_frame(segmenter: Segmenter, frame: RgbdFrame, path: Path) -> Segmentation:
    """One view as a robot gets it: the frame in which z is up is found in the cloud."""
    found = segmenter.segment(frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3))
    shape = frame.points.shape[:2]
    row = Row("JSPNet", found.label.reshape(shape), found.instance.reshape(shape))
    title = f"{frame.name}: {found.gravity_source}; {found.blocks} blocks, {sum(found.timings_ms.values()):.0f} ms"
    frame_picture(path, frame.colors, [row], segmenter.classes, title)
    print(f"{path}: {title}")
    return found


def label_together(segmenter: Segmenter, frames: list[RgbdFrame], T_gravity_world: np.ndarray, path: Path) -> None:
    """All views as one cloud in the frame of their poses, which need not be level: `T_gravity_world` makes it so."""
    points = np.concatenate([frame.world_points() for frame in frames])
    colors = np.concatenate([frame.colors.reshape(-1, 3) for frame in frames])
    kept = np.isfinite(points).all(1)
    kept[kept] = np.random.default_rng(0).random(kept.sum()) < 1.0 / len(frames)  # the views overlap
    found = segmenter.segment(points[kept], colors[kept], T_gravity_input=T_gravity_world)
    level = transform_points(T_gravity_world, points[kept])  # z up, floor at z = 0
    title = f"{len(frames)} views as one cloud: {found.blocks} blocks, {sum(found.timings_ms.values()):.0f} ms"
    row = Row("JSPNet", found.label, found.instance)
    cloud_picture(path, level, colors[kept], [row], segmenter.classes, title)
    print(f"{path}: {title}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/rgbd"))
    parser.add_argument("--every", type=int, default=5, help="label every n-th frame")
    parser.add_argument("--model", type=Path, default=None, help="model file; default: the one of the package")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    segmenter = Segmenter(options.model)
    frames = list(read_sequence(options.folder))[:: options.every]
    found = [label_frame(segmenter, frame, options.out / f"{frame.name}.png") for frame in frames]
    if frames[0].T_world_camera is None:
        parser.error(f"{options.folder} has no poses: frame-000000.pose.txt and so on are needed to join the views")
    T_gravity_world = found[0].T_gravity_input @ np.linalg.inv(frames[0].T_world_camera)
    label_together(segmenter, frames, T_gravity_world, options.out / "together.png")


if __name__ == "__main__":
    main()
