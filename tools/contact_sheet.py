"""Contact sheet of furnished scenes, for the eye: light, colours, classes, faults of sensors.

`python tools/contact_sheet.py OUT.png [--assets DIR|own] [--rooms 4] [--frames 8] [--seed 0] [--unseen]`

Rooms come first: colours, classes, instances, from above without the ceiling. Frames follow, two a row: colours, depth
(white at 6 m), classes, and the cloud from behind the camera.
"""

from __future__ import annotations

import argparse

import numpy as np
from PIL import Image

from jspnet_core.classes import INDOOR, UNLABELLED, instance_palette
from jspnet_core.data.furnished import SceneSource, make
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.synthetic.frames import SensorFrame
from jspnet_core.synthetic.random_frames import random_frame
from jspnet_core.synthetic.scan import Cloud, scan_room
from jspnet_core.synthetic.sensors.devices import KINDS, devices_of
from jspnet_core.synthetic.world import OWN

TILE = (320, 240)
WHITE_DEPTH = 6.0


def splat(points: np.ndarray, colors: np.ndarray, eye: np.ndarray, target: np.ndarray, tile=TILE) -> np.ndarray:
    """Points (N, 3) seen from `eye`, two pixels each, nearest in front: (H, W, 3) uint8."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    local = (points - eye) @ np.stack([right, np.cross(forward, right), forward], axis=1)
    order = np.argsort(-local[:, 2])
    local, colors = local[order], colors[order]
    local, colors = local[local[:, 2] > 0.2], colors[local[:, 2] > 0.2]
    pixel = (0.75 * tile[0] * local[:, :2] / local[:, 2:] + np.array(tile) / 2).astype(int)
    picture = np.full((tile[1], tile[0], 3), 255, np.uint8)
    owner = np.full(tile[0] * tile[1], -1)
    for shift in np.ndindex(2, 2):
        moved = pixel + shift
        inside = ((moved >= 0) & (moved < tile)).all(1)
        np.maximum.at(owner, moved[inside, 1] * tile[0] + moved[inside, 0], np.flatnonzero(inside))
    picture.reshape(-1, 3)[owner >= 0] = colors[owner[owner >= 0]]
    return picture


def room_row(cloud: Cloud) -> np.ndarray:
    """Colours, classes and instances of a scanned room from above, without what is higher than 2.2 m."""
    kept = cloud.points[:, 2] < 2.2
    points = cloud.points[kept]
    low, high = points.min(0), points.max(0)
    middle, size = (low + high) / 2, float((high - low)[:2].max())
    eye = np.array([middle[0] - 0.45 * size, middle[1] - 0.75 * size, high[2] + 0.75 * size])
    paints = cloud.colors, INDOOR.palette()[cloud.label], instance_palette(cloud.instance)
    target = np.array([middle[0], middle[1], 0.3])
    tile = (TILE[0] * 8 // 3, TILE[1] * 2)
    return np.hstack([splat(points, paint[kept], eye, target, tile) for paint in paints])


def frame_tiles(frame: SensorFrame) -> np.ndarray:
    """Colours, depth, classes of a frame, and its cloud from behind the sensor."""
    depth = np.nan_to_num(frame.points[..., 2]) / WHITE_DEPTH
    classes = INDOOR.palette()[frame.label]
    classes[frame.label == UNLABELLED] = 0
    flat = np.repeat((255 * np.clip(depth, 0, 1)).astype(np.uint8)[..., None], 3, axis=2)
    cloud = frame.cloud("view")
    pose = frame.T_world_camera
    ahead = pose[:3, 0] if depth.min() < 0 else pose[:3, 2]  # a lidar's frame looks along x
    paint = cloud.colors if cloud.colors.any() else INDOOR.palette()[cloud.label]
    eye = pose[:3, 3] - 1.2 * ahead + [0.0, 0.0, 0.9]
    pictures = [np.asarray(Image.fromarray(p).resize(TILE, 0)) for p in (frame.colors, flat, classes)]
    return np.hstack([*pictures, splat(cloud.points, paint, eye, pose[:3, 3] + 2.2 * ahead)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--assets", help="furniture library; own: own shapes alone")
    parser.add_argument("--rooms", type=int, default=4)
    parser.add_argument("--frames", type=int, default=8, help="one a scene")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="of room; by default any")
    parser.add_argument("--sensor", choices=KINDS, help="by default all")
    parser.add_argument("--unseen", action="store_true", help="furniture that never trains")
    arguments = parser.parse_args()
    assets = OWN if arguments.assets == OWN else str(assets_folder(arguments.assets))
    devices = devices_of((arguments.sensor,) if arguments.sensor else KINDS)
    rows, tiles = [], []
    for number in range(max(arguments.rooms, arguments.frames)):
        source = SceneSource(number, arguments.seed, assets, arguments.unseen, arguments.kind)
        taken = make(source)
        print(number, taken[0].kind, f"{len(taken[1])} triangles")
        if number < arguments.rooms:
            rows.append(room_row(scan_room(*taken, 0, source.rng(100))))
        if number < arguments.frames:
            frame = random_frame(*taken, devices, source.rng(1000))
            print("  ", frame.device, frame.label.shape)
            tiles.append(frame_tiles(frame))
    tiles += [np.zeros_like(tiles[0])] * (len(tiles) % 2)
    rows += [np.hstack(tiles[i : i + 2]) for i in range(0, len(tiles), 2)]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    Image.fromarray(np.vstack(rows)).save(arguments.out)


if __name__ == "__main__":
    main()
