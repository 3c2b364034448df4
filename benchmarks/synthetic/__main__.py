"""Milliseconds of one core for a furnished room, its scan, and sensor frames of it, stage by stage.

`python -m benchmarks.synthetic [--assets DIR] [--scenes N] [--frames M]`: the first scene, which compiles, is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import numpy as np

from jspnet_core.synthetic.assets.library import read_library
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.synthetic.layout import make_furnished_scene
from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.random_frames import random_frame
from jspnet_core.synthetic.render.shade import Light, light_scene
from jspnet_core.synthetic.render.triangles import Triangles, flatten
from jspnet_core.synthetic.scan import Cloud, scan_room
from jspnet_core.synthetic.sensors.devices import KINDS, devices_of


def _frame(scene: FurnishedScene, triangles: Triangles, light: Light, kind: str, rng: np.random.Generator) -> Cloud:
    return random_frame(scene, triangles, light, devices_of((kind,)), rng).cloud("view")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", help="furniture library; own: own shapes alone")
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--frames", type=int, default=2, help="of each kind of sensor in each scene")
    arguments = parser.parse_args()
    library = None if arguments.assets == "own" else read_library(assets_folder(arguments.assets))
    spent: dict[str, list[float]] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        begin = process_time()
        result = work()
        spent.setdefault(stage, []).append(1e3 * (process_time() - begin))
        return result

    for number in range(arguments.scenes + 1):
        scene = timed("layout", partial(make_furnished_scene, number, library=library))
        triangles = timed("triangles", partial(flatten, scene.placed, None if library is None else library.textures))
        light = timed("light", partial(light_scene, scene, triangles))
        timed("scan of a room", partial(scan_room, scene, triangles, light, 0, np.random.default_rng(0)))
        for kind in KINDS:
            for i in range(arguments.frames):
                rng = np.random.default_rng((number, i))
                timed(f"frame, {kind}", partial(_frame, scene, triangles, light, kind, rng))
        if number == 0:
            spent.clear()
    print("| stage | median ms | p95 ms |\n|---|---|---|")
    for stage, times in spent.items():
        print(f"| {stage} | {np.median(times):.0f} | {np.percentile(times, 95):.0f} |")


if __name__ == "__main__":
    main()
