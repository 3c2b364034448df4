"""Provenance of trained weights: which data they were trained on, and under which licences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

UNKNOWN_LICENCE = "unknown: of the data it was trained on"
"""Licence of weights whose training data states none."""


@dataclass(frozen=True)
class DataSource:
    """Data that a network was trained on. licence: terms of use of the data; empty where unknown."""

    name: str
    licence: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


S3DIS_DATA = DataSource("S3DIS (Stanford Large-Scale 3D Indoor Spaces)", "research use only, not commercial")
SCANNET_DATA = DataSource("ScanNet", "research and education only, not commercial (ScanNet Terms of Use)")
SHAPENET_DATA = DataSource("ShapeNet part", "research and education only, not commercial (ShapeNet Terms of Use)")
GENERATED_DATA = DataSource("rooms of this package's scene generator", "Apache-2.0")
FURNISHED_DATA = DataSource(
    "rooms of this package's scene generator, furnished with free models (Sweet Home 3D, Infinigen, own)",
    "commercial use allowed; authors of the models are credited",
)
UNKNOWN_DATA = DataSource("unknown data")
"""Stands for the training data of a checkpoint that does not record any."""


def merge_sources(*groups: Iterable[DataSource]) -> list[DataSource]:
    """Join lists of sources; each source is kept once, in the order of its first appearance."""
    return list(dict.fromkeys(source for group in groups for source in group))


def describe_data(sources: Sequence[DataSource]) -> str:
    """Return the names of the sources as one line; `unknown` without any."""
    return "; ".join(source.name for source in sources) or "unknown"


def weights_licence(sources: Sequence[DataSource]) -> str:
    """Return the licence of weights trained on these sources: the terms of every source, one after the other."""
    if not any(source.licence for source in sources):
        return UNKNOWN_LICENCE
    terms = (f"{source.name}: {source.licence or 'licence unknown'}" for source in sources)
    return f"weights trained on {'; '.join(terms)}"
