"""Find the nearest object of a class in a saved map.

    python examples/05_nearest_chair.py map.npz [--class chair] [--from X Y]

map.npz comes from `jspnet label SEQUENCE OUT --memory`, or from the node's service `~/save_map`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from jspnet_core.memory.storage import load_objects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("map", type=Path)
    parser.add_argument("--class", dest="name", default="chair")
    parser.add_argument("--from", dest="place", type=float, nargs=2, default=(0.0, 0.0), help="x y, metres, map frame")
    options = parser.parse_args()
    objects, classes = load_objects(options.map)
    if options.name not in classes.names:
        parser.error(f"no class {options.name!r}; the map has {', '.join(classes.names)}")
    here = np.array(options.place)
    found = [item for item in objects if classes.names[item.label] == options.name]
    if not found:
        print(f"no {options.name} in {options.map}, among {len(objects)} objects")
        return
    nearest = min(found, key=lambda item: float(np.linalg.norm(item.centroid[:2] - here)))
    distance = np.linalg.norm(nearest.centroid[:2] - here)
    place = " ".join(f"{value:.2f}" for value in nearest.centroid)
    print(f"{options.name} {nearest.id} is {distance:.2f} m away, at {place} ({len(found)} of this class)")


if __name__ == "__main__":
    main()
