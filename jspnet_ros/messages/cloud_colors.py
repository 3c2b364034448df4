"""Colours of a PointCloud2 as red, green and blue, 0 to 255, whatever fields hold them."""

from __future__ import annotations

import numpy as np

PACKED = ("rgb", "rgba")
CHANNELS = (("r", "g", "b"), ("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
COLOR_NAMES = frozenset(PACKED).union(*CHANNELS)
"""Fields that may hold colour, in lower case."""


def packed_field(records: np.ndarray) -> str | None:
    """Return the name of the field with red, green and blue in four bytes, as drivers send them; None without one."""
    fields = dict(records.dtype.fields or {})
    return next((n for n in PACKED if n in fields and fields[n][0].itemsize == 4), None)


def channel_fields(records: np.ndarray) -> tuple[str, str, str] | None:
    """Return the names of three fields for red, green and blue; None without them."""
    fields = dict(records.dtype.fields or {})
    return next((names for names in CHANNELS if all(name in fields for name in names)), None)


def read_colors(records: np.ndarray, notes: dict[str, str]) -> np.ndarray | None:
    """Read colours as (N, 3) uint8; None where no field holds any, or none that can be read, with a note.

    Channels are 0 to 255 (UINT8); other datatypes are converted by their range: 0 to 1, 0 to 255 or 0 to 65535.
    """
    packed, channels = packed_field(records), channel_fields(records)
    if packed is not None:
        return unpack_rgb(records[packed])
    if channels is not None:
        return _from_channels([records[name] for name in channels], channels, notes)
    for name in PACKED:
        if name in (records.dtype.names or ()):
            notes["colours"] = (
                f"field {name} is {records[name].dtype.name}, FLOAT32, UINT32 or INT32 with four packed bytes is "
                "accepted: colours are left out"
            )
    return None


def unpack_rgb(column: np.ndarray) -> np.ndarray:
    """Split (N,) four-byte values 0xAARRGGBB, whatever type they are declared as, into (N, 3) uint8."""
    order = ">" if column.dtype.byteorder == ">" else "<"
    value = np.ascontiguousarray(column).view(order + "u4").astype("<u4")
    return np.ascontiguousarray(value.view(np.uint8).reshape(-1, 4)[:, 2::-1])  # bytes: blue green red alpha


def pack_rgb(colors: np.ndarray) -> np.ndarray:
    """Pack (N, 3) uint8, red green blue, into (N,) float32 with the bytes 0x00RRGGBB, as drivers and viewers do."""
    packed = np.zeros((len(colors), 4), np.uint8)
    packed[:, :3] = colors[:, ::-1]
    return packed.view("<f4")[:, 0]


def _from_channels(columns: list[np.ndarray], names: tuple[str, str, str], notes: dict[str, str]) -> np.ndarray | None:
    """Scale three columns of one range to (N, 3) uint8."""
    if all(column.dtype == np.uint8 for column in columns):
        return np.stack(columns, axis=1)
    values = np.nan_to_num(np.stack(columns, axis=1).astype(np.float64), posinf=0.0, neginf=0.0)
    lowest, highest = values.min(initial=0.0), values.max(initial=0.0)
    fractions = all(column.dtype.kind == "f" for column in columns) and highest <= 1.0
    top = 1.0 if fractions else 255.0 if highest <= 255 else 65535.0
    fields = f"fields {' '.join(names)} are {columns[0].dtype.name}"
    if lowest < 0 or highest > top:
        notes["colours"] = (
            f"{fields} from {lowest:g} to {highest:g}, 0 to 1, 255 or 65535 is accepted: colours are left out"
        )
        return None
    notes["colours"] = f"{fields}: read as colours from 0 to {top:g}"
    return np.rint(values * (255.0 / top)).astype(np.uint8)
