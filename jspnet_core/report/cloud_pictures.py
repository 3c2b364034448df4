"""Pictures of labelled clouds: input colours, semantic labels and instances side by side.

Needs matplotlib (extra `viz`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from jspnet_core.classes import NO_INSTANCE, UNLABELLED, ClassTable, instance_palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EMPTY = np.array([225, 225, 225], np.uint8)
"""Colour of pixels without a return and of points without a label or an instance."""


@dataclass(frozen=True)
class Row:
    """Labels to show beside each other.

    name: what they are, such as "network" or "truth". label: uint8. instance: unsigned integers, 0 for none.
    """

    name: str
    label: np.ndarray
    instance: np.ndarray


def frame_picture(
    path: Path | str,
    colors: np.ndarray,
    rows: list[Row],
    classes: ClassTable,
    title: str = "",
    depth: np.ndarray | None = None,
) -> None:
    """Write a picture of an organised frame: its colours, then labels and instances, one line for each of `rows`.

    colors: (H, W, 3) uint8. rows: label and instance (H, W) each. title: a line above the picture.
    depth: (H, W) metres, NaN for no return; stands at the beginning of the second line.
    Raises ValueError for labels of another size.
    """
    height, width = colors.shape[:2]
    for row in rows:
        if row.label.shape != (height, width) or row.instance.shape != (height, width):
            raise ValueError(
                f"{row.name}: label {row.label.shape} and instance {row.instance.shape} must be {(height, width)}"
            )
    panels = [(f"{row.name}: labels", f"{row.name}: instances", row) for row in rows]
    figure, axes = _grid(len(rows), [width / height] * 3, title)
    for line, (label_name, instance_name, row) in zip(axes, panels, strict=True):
        if row is rows[0]:
            _show(line[0], colors, "camera")
        elif depth is not None:
            _show(line[0], depth_colors(depth), "depth")
        _show(line[1], shaded(label_colors(row.label, classes), colors, row.label != UNLABELLED), label_name)
        _show(line[2], shaded(instance_colors(row.instance), colors, row.instance != NO_INSTANCE), instance_name)
        _name_instances(line[2], row, classes)
    _legend(figure, rows, classes)
    figure.savefig(path)


def cloud_picture(
    path: Path | str,
    points: np.ndarray,
    colors: np.ndarray | None,
    rows: list[Row],
    classes: ClassTable,
    title: str = "",
    view_yaw: float = 0.6,
    cut_height: float = 2.0,
) -> None:
    """Write a picture of a cloud without organisation, seen obliquely from above and straight from above.

    points: (N, 3) metres, z up, floor at z = 0. colors: (N, 3) uint8, or None: shaded by height.
    rows: label and instance (N,) each. view_yaw: radians, direction of view about z.
    cut_height: metres; what is higher, and walls on the near side, is left out, so that the room can be seen into.
    """
    shown = np.isfinite(points).all(1) & (np.abs(points) < 100.0).all(1)
    shown[shown] = points[shown, 2] < cut_height
    if not shown.any():
        raise ValueError(f"none of {len(points)} points is finite and below {cut_height} m")
    natural = _by_height(points) if colors is None else colors
    opened = shown.copy()
    opened[shown] = _beyond_near_walls(points[shown], view_yaw)
    views = [(opened, np.radians(40.0)), (shown, np.pi / 2)]
    figure, axes = _grid(2 * len(rows), [1.25] * 3, title)
    for line, (row, (kept, pitch)) in zip(axes, [(row, view) for row in rows for view in views], strict=True):
        paints = natural[kept], label_colors(row.label[kept], classes), instance_colors(row.instance[kept])
        names = "height" if colors is None else "colours", f"{row.name}: labels", f"{row.name}: instances"
        place = _project(points[kept], view_yaw, pitch)
        size = _spacing(points[kept])
        for axis, paint, name in zip(line, paints, names, strict=True):
            _show(axis, splat(*place, paint, size), name if kept is opened else "")
    _legend(figure, [Row(row.name, row.label[shown], row.instance[shown]) for row in rows], classes)
    figure.savefig(path)


def label_colors(label: np.ndarray, classes: ClassTable) -> np.ndarray:
    """(...) uint8 labels to (..., 3) uint8 colours; `EMPTY` where there is none."""
    colors = classes.palette()[label]
    colors[label == UNLABELLED] = EMPTY
    return colors


def instance_colors(instance: np.ndarray) -> np.ndarray:
    """(...) instance ids to (..., 3) uint8 colours; `EMPTY` for none."""
    colors = instance_palette(np.arange(int(instance.max(initial=0)) + 1, dtype=np.uint32))[instance]
    colors[instance == NO_INSTANCE] = EMPTY
    return colors


def depth_colors(depth: np.ndarray) -> np.ndarray:
    """(H, W) metres to (H, W, 3) uint8: near is bright, far is dark; `EMPTY` where there is no return."""
    from matplotlib import colormaps

    near, far = np.nanquantile(depth, [0.01, 0.99]) if np.isfinite(depth).any() else (0.0, 1.0)
    share = np.clip((far - np.nan_to_num(depth)) / max(far - near, 1e-6), 0.0, 1.0)
    image = (255 * colormaps["magma"](0.1 + 0.8 * share)[..., :3]).astype(np.uint8)
    image[~np.isfinite(depth)] = EMPTY
    return image


def shaded(paint: np.ndarray, colors: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Paint over a photograph so that its shapes stay visible, faded where there is nothing to paint.

    paint, colors: (H, W, 3) uint8. where: (H, W) bool. Returns (H, W, 3) uint8.
    """
    grey = colors.astype(np.float32).mean(-1, keepdims=True) / 255.0
    mixed = paint * (0.55 + 0.45 * grey) + 30.0 * grey
    faded = EMPTY * (0.8 + 0.2 * grey)
    return np.where(where[..., None], np.clip(mixed, 0, 255), faded).astype(np.uint8)


def splat(
    right: np.ndarray, up: np.ndarray, away: np.ndarray, colors: np.ndarray, size: float, width: int = 640
) -> np.ndarray:
    """Points as squares, near ones over far ones, on white.

    right, up, away: (N,) metres. size: of the squares in metres. Returns (H, W, 3) uint8, `width` pixels and a little.
    """
    scale = (width - 1) / max(np.ptp(right), 1.25 * np.ptp(up), 1e-6)
    square = int(np.clip(round(size * scale), 2, 9))
    column = ((right - (right.min() + right.max()) / 2) * scale + width / 2 - 0.5).astype(int).clip(0, width - 1)
    row = ((up.max() - up) * scale).astype(int)
    order = np.argsort(-away, kind="stable")
    image = np.full((int(row.max()) + square, width + square, 3), 255, np.uint8)
    nearest = np.full(image.shape[:2], -1)
    for down in range(square):
        for across in range(square):
            np.maximum.at(nearest, (row[order] + down, column[order] + across), np.arange(len(order)))
    drawn = nearest >= 0
    image[drawn] = colors[order][nearest[drawn]]
    return image


def _project(points: np.ndarray, yaw: float, pitch: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parallel projection looking along `yaw`, `pitch` down: right, up and away, (N,) metres each."""
    x, y, z = points.T
    right = np.sin(yaw) * x - np.cos(yaw) * y
    ahead = np.cos(yaw) * x + np.sin(yaw) * y
    return right, np.cos(pitch) * z + np.sin(pitch) * ahead, np.cos(pitch) * ahead - np.sin(pitch) * z


def _beyond_near_walls(points: np.ndarray, yaw: float) -> np.ndarray:
    """(N,) bool: not within 20 cm of the two sides of the cloud's box that are nearest to the onlooker."""
    low, high = np.quantile(points[:, :2], 0.005, axis=0), np.quantile(points[:, :2], 0.995, axis=0)
    ahead = np.array([np.cos(yaw), np.sin(yaw)])
    return np.where(ahead > 0, points[:, :2] > low + 0.2, points[:, :2] < high - 0.2).all(1) | (points[:, 2] < 0.1)


def _spacing(points: np.ndarray) -> float:
    """Typical distance in metres from a point to its tenth neighbour: squares of that size leave few gaps."""
    sample = points[:: max(1, len(points) // 1000)]
    distance, _ = cKDTree(points).query(sample, k=min(11, len(points)))
    return float(np.median(np.asarray(distance).reshape(len(sample), -1)[:, -1]))


def _by_height(points: np.ndarray) -> np.ndarray:
    """Grey by height for clouds without colours, (N, 3) uint8."""
    share = np.clip(np.nan_to_num(points[:, 2:]) / 2.2, 0.0, 1.0)
    return (70 + 165 * share).astype(np.uint8).repeat(3, axis=1)


def _grid(rows: int, aspects: list[float], title: str) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    panel = 4.4
    wide = panel * sum(aspects) / aspects[0]
    tall = rows * (panel / aspects[0] + 0.28)
    top, bottom = 0.42 if title else 0.08, 0.45
    figure = Figure(figsize=(wide, tall + top + bottom), dpi=110, facecolor="white")
    axes = figure.subplots(rows, len(aspects), squeeze=False, gridspec_kw={"width_ratios": aspects})
    whole = tall + top + bottom
    figure.subplots_adjust(0.006, bottom / whole, 0.994, 1 - (top + 0.24) / whole, 0.02, 0.28 / (panel / aspects[0]))
    for axis in axes.flat:
        axis.set_axis_off()
    if title:
        figure.text(0.5, 1 - 0.22 / whole, title, ha="center", va="center", fontsize=12)
    return figure, axes


def _show(axis: Axes, image: np.ndarray, name: str) -> None:
    axis.imshow(image, interpolation="antialiased")
    axis.set_title(name, fontsize=10, pad=4)


def _name_instances(axis: Axes, row: Row, classes: ClassTable) -> None:
    """Write the class of every large enough thing on it."""
    from matplotlib.patheffects import withStroke

    for number in np.unique(row.instance[row.instance != NO_INSTANCE]):
        rows, columns = np.nonzero(row.instance == number)
        labels = row.label[rows, columns]
        label = int(np.bincount(labels, minlength=256).argmax())
        if label == UNLABELLED or not classes.is_thing(label) or len(rows) < 0.006 * row.label.size:
            continue
        middle = np.argmin(np.abs(rows - np.median(rows)) + np.abs(columns - np.median(columns)))
        axis.text(
            columns[middle],
            rows[middle],
            classes.names[label],
            color="white",
            fontsize=8,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2, foreground="black")],
            clip_on=True,
        )


def _legend(figure: Figure, rows: list[Row], classes: ClassTable) -> None:
    from matplotlib.patches import Patch

    counts = sum(np.bincount(row.label.ravel(), minlength=256) for row in rows)
    order = [label for label in range(len(classes)) if np.asarray(counts)[label] > 0]
    patches = [
        Patch(facecolor=_hex(classes.colors[label]), edgecolor="0.3", label=classes.names[label]) for label in order
    ]
    if np.asarray(counts)[UNLABELLED] > 0:
        patches.append(Patch(facecolor=_hex(EMPTY), edgecolor="0.3", label="none"))
    figure.legend(
        handles=patches,
        loc="lower center",
        ncols=14,
        frameon=False,
        fontsize=9.5,
        handlelength=1.1,
        columnspacing=1.2,
        handletextpad=0.4,
        borderaxespad=0.2,
    )


def _hex(color: Sequence[int] | np.ndarray) -> str:
    red, green, blue = (int(part) for part in color)
    return f"#{red:02x}{green:02x}{blue:02x}"
