"""A map as files: a labelled cloud (ply) and its objects (json)."""

from __future__ import annotations

import json
from pathlib import Path

from jspnet_core.classes import ClassTable
from jspnet_core.io.atomic import replacing
from jspnet_core.io.ply import write_vertices
from jspnet_core.memory.map_object import MapObject
from jspnet_core.memory.scene_memory import MapCloud


def write_map(path: Path, cloud: MapCloud) -> None:
    """Write the map as binary PLY: x y z (double) red green blue label instance confidence."""
    columns = dict(zip("xyz", cloud.points.T, strict=True))
    columns |= dict(zip(("red", "green", "blue"), cloud.colors.T, strict=True))
    columns |= {"label": cloud.label, "instance": cloud.instance, "confidence": cloud.confidence}
    with replacing(path) as file:
        write_vertices(file, columns, ["map of jspnet"])


def write_objects(path: Path, objects: list[MapObject], classes: ClassTable) -> None:
    """Write the objects as JSON: a list, each with class name, lengths in metres, map frame."""
    listed = [object_entry(item, classes) for item in objects]
    with replacing(path) as file:
        file.write((json.dumps({"classes": list(classes.names), "objects": listed}, indent=1) + "\n").encode())


def object_entry(item: MapObject, classes: ClassTable) -> dict:
    """One object as JSON types."""
    vectors = {name: getattr(item, name).tolist() for name in ("centroid", "minimum", "maximum", "center", "size")}
    numbers = {name: getattr(item, name) for name in ("yaw", "first_seen", "last_seen", "views")}
    probabilities = {classes.names[i]: round(float(p), 4) for i, p in enumerate(item.probabilities) if p >= 0.01}
    return {
        "id": item.id,
        "class": classes.names[item.label],
        "confidence": round(item.confidence, 4),
        "voxels": item.point_count,
        **vectors,
        **numbers,
        "probabilities": probabilities,
    }
