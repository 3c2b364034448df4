"""The furniture library: models with class, size, places for things and licence, read from its packed format.

`catalogue.json` lists the models, `furniture_SOURCE.npz` hold their meshes one after the other, `textures/` has
pictures with a catalogue of their own. docs/assets.md describes the format.
"""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from jspnet_core.errors import JspnetError
from jspnet_core.synthetic.assets.kinds import class_of
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.synthetic.assets.textures import Textures, read_textures
from jspnet_core.synthetic.meshes import Mesh

logger = logging.getLogger(__name__)

VAL_SHARE = 0.15
"""Share of the models of each kind that never trains."""

FREE_LICENCES = ("CC0-1.0", "CC-BY-3.0", "CC-BY-3.0-US", "CC-BY-4.0", "BSD-3-Clause", "Apache-2.0", "MIT")
"""Licences that allow commercial use of what a network learns; models of any other are left out."""

CATALOGUE = "catalogue.json"

_ARRAYS = ("v", "f", "color", "part", "glass", "v_off", "f_off", "scale")


class LibraryError(JspnetError):
    """A furniture library that cannot be used: one sentence naming the file, what was found, what is accepted."""


@dataclass(frozen=True)
class Surface:
    """A free horizontal surface of a model, in its frame.

    z: metres above the bottom. low, high: (x, y) metres. area: free square metres. clearance: metres above, or None.
    """

    z: float
    low: tuple[float, float]
    high: tuple[float, float]
    area: float
    clearance: float | None


@dataclass(frozen=True)
class Asset:
    """One model of the library. size: x width, y depth, z height in metres. label: class of the table `indoor`."""

    id: str
    kind: str
    name: str
    label: int
    s3dis: str
    placement: str
    size: tuple[float, float, float]
    elevation: float | None
    surfaces: tuple[Surface, ...]
    parts: tuple[str, ...]
    glass_share: float
    licence: str
    credit: str
    source: str
    index: int
    split: Literal["train", "val"]


@dataclass(frozen=True)
class Library:
    """Models and textures in memory. left_out: how many models are missing, by reason."""

    folder: Path
    assets: tuple[Asset, ...]
    textures: Textures
    left_out: Mapping[str, int]
    _arrays: Mapping[str, Mapping[str, np.ndarray]] = field(repr=False)
    _meshes: dict[str, Mesh] = field(default_factory=dict, repr=False)

    def of_kind(self, kind: str, split: str | None = None) -> tuple[Asset, ...]:
        """Models of a kind, of one split or of both."""
        return tuple(a for a in self.assets if a.kind == kind and split in (None, a.split))

    def kinds(self) -> tuple[str, ...]:
        """All kinds, sorted."""
        return tuple(sorted({asset.kind for asset in self.assets}))

    def mesh(self, asset: Asset) -> Mesh:
        """The model's mesh. The same object each time."""
        if asset.id not in self._meshes:
            self._meshes[asset.id] = _cut_mesh(self._arrays[asset.source], asset.index)
        return self._meshes[asset.id]


def read_library(folder: Path | str | None = None) -> Library:
    """Read a library, by default that of `assets_folder()`.

    Models that are broken, or without a free licence, are left out, named in the log and counted. Raises
    `LibraryError` where there is no library or none of its models can be used.
    """
    place = assets_folder(folder)
    entries = _read_json(place / CATALOGUE)
    arrays: dict[str, dict[str, np.ndarray]] = {}
    broken: dict[str, str] = {}
    for source in sorted({str(entry.get("source")) for entry in entries}):
        path = place / f"furniture_{source}.npz"
        try:
            arrays[source] = _read_arrays(path)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            broken[source] = f"{path.name} cannot be read"
            logger.warning("%s: cannot be read (%s); its models are left out", path, error)
    ranks = _ranks(entries)
    assets, left_out = [], Counter[str]()
    for entry in entries:
        reason = broken.get(str(entry.get("source"))) or _fault(entry, arrays)
        if reason:
            left_out[reason] += 1
            logger.warning("%s: model %s is left out: %s", place, entry.get("id", "without id"), reason)
        else:
            assets.append(_asset(entry, ranks[entry["id"]]))
    if not assets:
        raise LibraryError(f"{place}: none of {len(entries)} models can be used: {dict(left_out)}")
    return Library(place, tuple(assets), read_textures(place / "textures"), dict(left_out), arrays)


def _read_json(path: Path) -> list[dict]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LibraryError(
            f"{path}: no such file; a furniture library has one (docs/assets.md). --assets DIR or JSPNET_ASSETS names "
            "a library, --assets own does without"
        ) from None
    except (OSError, ValueError) as error:
        raise LibraryError(f"{path}: not a JSON file ({error})") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise LibraryError(f"{path}: must be a list of models, each an object")
    return entries


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in _ARRAYS}
    faces = len(arrays["f"])
    arrays["glass"] = np.unpackbits(arrays["glass"])[:faces].astype(bool)
    if not len(arrays["color"]) == len(arrays["part"]) == len(arrays["glass"]) == faces:
        raise ValueError(f"{faces} faces, but columns of other lengths")
    return arrays


def _fault(entry: dict, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> str:
    """Reason why a model cannot be used; empty if it can."""
    for key in ("id", "kind", "s3dis", "placement", "size_m", "index", "source"):
        if key not in entry:
            return f"no {key} in the catalogue"
    if entry.get("licence") not in FREE_LICENCES:
        return f"licence {entry.get('licence') or 'missing'}"
    own, index = arrays[entry["source"]], entry["index"]
    if not 0 <= index < len(own["scale"]):
        return "no mesh"
    (a, b), (c, d) = own["v_off"][index : index + 2], own["f_off"][index : index + 2]
    if b <= a or d <= c or int(own["f"][c:d].max()) >= b - a or not np.isfinite(own["scale"][index]):
        return "broken mesh"
    if len(entry["size_m"]) != 3 or min(entry["size_m"]) <= 0:
        return "no size"
    return ""


def _ranks(entries: list[dict]) -> dict[str, float]:
    """Place of each model among those of its kind, 0 to 1, in the order of a hash of its id."""
    by_kind: dict[str, list[str]] = {}
    for entry in entries:
        if "id" in entry and "kind" in entry:
            by_kind.setdefault(entry["kind"], []).append(entry["id"])
    ranks = {}
    for ids in by_kind.values():
        ids.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
        ranks.update({name: (number + 0.5) / len(ids) for number, name in enumerate(ids)})
    return ranks


def _asset(entry: dict, rank: float) -> Asset:
    surfaces = tuple(
        Surface(z, (x0, y0), (x1, y1), area, clearance)
        for z, x0, x1, y0, y1, area, clearance in entry.get("surface_rects", ())
    )
    return Asset(
        id=entry["id"],
        kind=entry["kind"],
        name=entry.get("name", entry["id"]),
        label=class_of(entry["kind"]),
        s3dis=entry["s3dis"],
        placement=entry["placement"],
        size=tuple(entry["size_m"]),
        elevation=entry.get("elevation_m"),
        surfaces=surfaces,
        parts=tuple(entry.get("parts", ())),
        glass_share=float(entry.get("glass_faces", 0.0)),
        licence=entry["licence"],
        credit=entry.get("credit", ""),
        source=entry["source"],
        index=entry["index"],
        split="val" if rank < VAL_SHARE else "train",
    )


def _cut_mesh(arrays: Mapping[str, np.ndarray], index: int) -> Mesh:
    (a, b), (c, d) = arrays["v_off"][index : index + 2], arrays["f_off"][index : index + 2]
    return Mesh(
        vertices=arrays["v"][a:b].astype(np.float32) * np.float32(arrays["scale"][index]),
        faces=arrays["f"][c:d].astype(np.int32),
        color=arrays["color"][c:d],
        part=arrays["part"][c:d],
        glass=arrays["glass"][c:d],
    )
