"""Read E57 files with pye57 (extra `formats`). They are not written: the library has no columns for labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.io.cloud import Table

_MOST_PER_BYTE = 64
"""Points of one byte at most: coordinates of 1 bit are beyond what is seen; it bounds what a header may allocate."""
_KINDS = {"rowIndex": "i4", "columnIndex": "i4", "intensity": "f4"} | dict.fromkeys(
    ("colorRed", "colorGreen", "colorBlue"), "u2"
)
_CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
_SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
_INVALID = ("cartesianInvalidState", "sphericalInvalidState")
_OPTIONAL = (*_KINDS, *_INVALID)


def read_e57(path: Path) -> Table:
    """The points of all scans of an E57 file in the file's frame, each with the number of its `scan`.

    Points that the file marks as invalid are NaN. Raises ValueError, OSError, ModuleNotFoundError.
    """
    import pye57
    from pye57 import libe57

    try:
        file = pye57.E57(str(path))
        try:
            scans = [_read_scan(file, number, path.stat().st_size) for number in range(file.scan_count)]
        finally:
            file.close()
    except (libe57.E57Exception, RuntimeError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not an E57 file, or damaged ({str(error).splitlines()[0][:120]})") from None
    if not scans:
        raise ValueError("holds no scan")
    names = [name for name in scans[0] if all(name in scan for scan in scans)]
    lost = sorted({name for scan in scans for name in scan} - set(names))
    notes = [f"columns that not all scans have are not kept: {', '.join(lost)}"] if lost else []
    if len(scans) > 1:
        notes.append(f"{len(scans)} scans read as one cloud; the column scan tells them apart")
    columns = {name: np.concatenate([scan[name] for scan in scans]) for name in names}
    return Table(columns, "e57", tuple(notes), (len(columns["x"]),))


def _read_scan(file: Any, number: int, size: int) -> dict[str, np.ndarray]:
    from pye57 import libe57

    header = file.get_header(number)
    count, there = header.point_count, set(header.point_fields)
    if count > size * _MOST_PER_BYTE:
        raise ValueError(f"cut short: scan {number} promises {count} points, the file has {size} bytes")
    axes = next((names for names in (_CARTESIAN, _SPHERICAL) if set(names) <= there), None)
    if axes is None:
        raise ValueError(f"scan {number} has no coordinates among {', '.join(sorted(there))}")
    data = {
        name: np.empty(count, _KINDS.get(name, "f8" if name in axes else "i1"))
        for name in (*axes, *_OPTIONAL)
        if name in there
    }
    buffers = libe57.VectorSourceDestBuffer()
    for name, values in data.items():
        buffers.append(libe57.SourceDestBuffer(file.image_file, name, values, count, True, True))
    if header.points.reader(buffers).read() != count:
        raise ValueError(f"cut short: scan {number} promises {count} points, fewer are there")
    xyz = np.stack([data.pop(name) for name in axes], axis=1)
    if axes is _SPHERICAL:
        xyz = _to_cartesian(xyz)
    if header.has_pose():
        xyz = file.to_global(xyz, header.rotation, header.translation)
    for name in _INVALID:
        if name in data:
            xyz[data.pop(name) != 0] = np.nan
    return {**dict(zip("xyz", xyz.T, strict=True)), **data, "scan": np.full(count, number, np.uint16)}


def _to_cartesian(spherical: np.ndarray) -> np.ndarray:
    """(N, 3) of range, azimuth and elevation (ASTM E2807)."""
    distance, azimuth, elevation = spherical.T
    flat = distance * np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), distance * np.sin(elevation)], axis=1)
