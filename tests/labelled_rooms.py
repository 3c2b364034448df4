"""Small rooms with labels, and a small network, for tests of training."""

import json

import numpy as np

from jspnet_core.data.rooms import Room
from jspnet_core.network_config import NetworkConfiguration

SMALL = NetworkConfiguration.narrow(
    points=256,
    levels=(64, 32, 16, 8),
    encoder_neighbors=16,
    decoder_neighbors=8,
    set_abstraction=(8, 16),
    point_conv=((16, 16), (16, 32), (32, 32)),
    decoder=((32,), (32,), (16,)),
    propagation=(16, 16),
    weight_net=8,
    fusion=16,
    dropout=0.0,
)

FLOOR, WALL, TABLE, CHAIR = 1, 2, 7, 8


def box_room(seed: int, name: str = "", size: tuple[float, float] = (3.0, 2.5)) -> Room:
    """A floor, four walls, a table and a chair, as surfaces of random points."""
    rng = np.random.default_rng(seed)
    w, d = size

    def surface(low, high, label, instance, color):
        count = int(600 * np.prod(np.sort(np.subtract(high, low))[1:])) + 40
        points = rng.uniform(low, high, (count, 3))
        return points, np.full((count, 3), color), np.full(count, label), np.full(count, instance)

    x, y = rng.uniform([0.3, 0.3], [w - 1.2, d - 1.2])
    parts = [
        surface((0, 0, 0), (w, d, 0), FLOOR, 1, (90, 70, 50)),
        surface((0, 0, 0), (w, 0, 2), WALL, 2, (200, 200, 190)),
        surface((0, d, 0), (w, d, 2), WALL, 3, (200, 200, 190)),
        surface((0, 0, 0), (0, d, 2), WALL, 4, (200, 200, 190)),
        surface((w, 0, 0), (w, d, 2), WALL, 5, (200, 200, 190)),
        surface((x, y, 0.7), (x + 0.9, y + 0.6, 0.7), TABLE, 6, (120, 60, 20)),
        surface((x + 0.2, y + 0.7, 0.4), (x + 0.6, y + 1.1, 0.4), CHAIR, 7, (20, 20, 160)),
    ]
    points, colors, label, instance = (np.concatenate([part[i] for part in parts]) for i in range(4))
    return Room(
        name or f"box_{seed}",
        points.astype(np.float32),
        colors.astype(np.uint8),
        label.astype(np.uint8),
        instance.astype(np.int32),
    )


def write_rooms(folder, rooms, **splits):
    """A folder of npz rooms with a split.json."""
    folder.mkdir(parents=True, exist_ok=True)
    for room in rooms:
        np.savez(folder / f"{room.name}.npz", xyz=room.points, rgb=room.colors, sem=room.label, ins=room.instance)
    (folder / "split.json").write_text(json.dumps(splits))
    return folder
