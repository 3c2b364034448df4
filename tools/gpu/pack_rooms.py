"""Pack labelled rooms for a machine that can only be reached with a small upload: thinned, in millimetres, compressed.

    python tools/gpu/pack_rooms.py ROOMS_DIR OUT.xz [--split train] [--voxel 0.025]

`unpack` writes them as a prepared folder again. Heights and places are kept to a millimetre.
"""

from __future__ import annotations

import argparse
import io
import lzma
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jspnet_core.classes import UNLABELLED, ClassTable
from jspnet_core.data.preparation import DatasetInfo, PreparationResult, write_room_index
from jspnet_core.data.room_writer import morton_order, write_room
from jspnet_core.data.rooms import Room, open_rooms, room_classes
from jspnet_core.data.splits import SplitRule
from jspnet_core.pipeline.voxelize import voxelize

HIGHEST = np.iinfo(np.uint16).max


def pack(rooms: list[Room], classes: ClassTable, voxel: float, out: Path) -> None:
    """Write rooms, z above the lowest point, as one xz file."""
    arrays: dict[str, np.ndarray] = {"names": np.array([room.name for room in rooms])}
    for i, room in enumerate(rooms):
        points = np.asarray(room.points)
        kept = voxelize(points, voxel).representative
        kept = kept[morton_order(points[kept])]
        millimetres = np.rint(1000.0 * points[kept]).astype(np.int64)
        if millimetres.max() > HIGHEST:
            raise ValueError(f"{room.name}: {points.max():.1f} m wide, packed rooms are at most 65.5 m")
        arrays[f"{i}_xyz"] = np.diff(millimetres, axis=0, prepend=0).astype(np.int32).T  # neighbours: small numbers
        arrays[f"{i}_rgb"] = room.colors[kept].T
        arrays[f"{i}_label"] = room.label[kept]
        arrays[f"{i}_instance"] = np.unique(room.instance[kept], return_inverse=True)[1].astype(np.uint16)
    for key, value in arrays.items():  # deltas of neighbours nearly always fit 16 bits
        if key.endswith("_xyz") and np.abs(value).max() <= np.iinfo(np.int16).max:
            arrays[key] = value.astype(np.int16)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, table=np.array(classes.to_dict()["names"]), **arrays)
    out.write_bytes(lzma.compress(buffer.getvalue(), preset=6))


def unpack(packed: Path, folder: Path, classes: ClassTable) -> None:
    """Write the rooms as a prepared folder with the split `train`. Raises ValueError for rooms of other classes."""
    with np.load(io.BytesIO(lzma.decompress(packed.read_bytes())), allow_pickle=False) as arrays:
        if tuple(arrays["table"].tolist()) != classes.names:
            raise ValueError(f"{packed}: rooms of the classes {arrays['table'].tolist()}, expected {classes.names}")
        folder.mkdir(parents=True)
        outcomes = []
        for i, name in enumerate(arrays["names"].tolist()):
            points = np.cumsum(arrays[f"{i}_xyz"].astype(np.int64), axis=1).T.astype(np.float32) / 1000.0
            label, instance = arrays[f"{i}_label"], arrays[f"{i}_instance"].astype(np.int32)
            colors = np.ascontiguousarray(arrays[f"{i}_rgb"].T)
            room = Room(name, points, colors, label, instance)
            outcomes.append(PreparationResult(name, name, write_room(folder, room, classes, name)))
        write_room_index(outcomes, folder, DatasetInfo("packed", classes), SplitRule(share=0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--voxel", type=float, default=0.025)
    given = parser.parse_args()
    rooms = open_rooms(given.rooms, given.split)
    pack(rooms, room_classes(given.rooms), given.voxel, given.out)
    points = sum(int((room.label != UNLABELLED).sum()) for room in rooms)
    print(f"{given.out}: {len(rooms)} rooms of {points} points, {given.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
