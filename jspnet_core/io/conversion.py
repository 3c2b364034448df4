"""Convert tables between formats: coordinates, colours and labels get the column names of the format."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jspnet_core.io.cloud import Cloud, Table
from jspnet_core.io.columns import colours, coordinates, is_coordinate_or_colour
from jspnet_core.io.npz import MILLIMETRES, NpzExtra
from jspnet_core.io.text import TextExtra

_LABELS = {"label": "uf", "instance": "uf", "confidence": "f"}
"""Kinds of the columns that jspnet writes: text and npy files hold doubles."""


def world_coordinates(table: Table, scale: float = 1.0) -> np.ndarray:
    """(N, 3) float32 or float64, metres, the pose that the file states applied. Raises ValueError without x, y, z.

    scale: metres of one unit of the file.
    """
    xyz = _coordinates(table)
    if scale != 1.0:
        xyz = xyz.astype(np.float64) * scale
    if table.T_world_input is not None:
        T = table.T_world_input
        with np.errstate(over="ignore", invalid="ignore"):  # NaN and Inf: no return
            xyz = xyz.astype(np.float64) @ T[:3, :3].T + scale * T[:3, 3]
    return xyz


def table_of(cloud: Cloud) -> Table:
    """Create the columns of a cloud that was not read from a file."""
    exact = cloud.points.astype(np.float64) + cloud.offset if cloud.offset.any() else cloud.points.astype(np.float32)
    columns = dict(zip("xyz", exact.T, strict=True))
    if cloud.colors is not None:
        columns |= dict(zip(("red", "green", "blue"), cloud.colors.T, strict=True))
    return Table(columns, shape=(len(cloud),))


def without_labels(table: Table) -> Table:
    """The table without the columns that an earlier labelling wrote; others of these names become input_label etc."""
    own = all(name in table.columns and table.columns[name].dtype.kind in kinds for name, kinds in _LABELS.items())
    kept: dict[str, np.ndarray] = {}
    for name, values in table.columns.items():
        if name not in _LABELS:
            kept[name] = values
        elif not own:
            kept[f"input_{name}"] = values
    extra = None if own and isinstance(table.extra, TextExtra) else table.extra  # its lines hold the labels
    return replace(table, columns=kept, extra=extra)


def in_format(table: Table, target: str) -> Table:
    """Return the table unchanged if it was read from the format `target`, else with the usual column names.

    These are x y z red green blue, or, for npz, xyz (N, 3) and rgb (N, 3).
    """
    if table.format == target:
        return table
    xyz, (rgb, _) = _coordinates(table), colours(table.columns)
    columns: dict[str, np.ndarray] = {"xyz": xyz} if target == "npz" else dict(zip("xyz", xyz.T, strict=True))
    if rgb is not None:
        columns |= {"rgb": rgb} if target == "npz" else dict(zip(("red", "green", "blue"), rgb.T, strict=True))
    points = table.extra.points if isinstance(table.extra, NpzExtra) else None
    for name, values in table.columns.items():
        if name != points and (rgb is None or not is_coordinate_or_colour(name)) and name not in columns:
            columns[name] = values
    return replace(table, columns=columns, extra=None)


def _coordinates(table: Table) -> np.ndarray:
    if not isinstance(table.extra, NpzExtra):
        return coordinates(table.columns)
    xyz = table.columns[table.extra.points]
    return xyz.astype(np.float64) / 1000.0 if table.extra.points == MILLIMETRES else xyz
