"""Sets of networks for `compare.py`: systems and ablations of the paper's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jspnet_core.network_config import NetworkConfiguration

TINY = dict(points=1024, levels=(256, 64, 32, 16), piff_keys="level1")
"""A quarter of the paper's points: what some thousand blocks on one CPU core allow. Keys are as many as in size m."""


@dataclass(frozen=True)
class Variant:
    """Network to train: its name in tables, and its differences from JSPNet's defaults."""

    title: str
    changes: dict[str, object]

    def configuration(self, size: Literal["s", "m", "l", "tiny"], classes: int = 13) -> NetworkConfiguration:
        if size == "tiny":
            return NetworkConfiguration.narrow(classes=classes, **TINY, **self.changes)
        return NetworkConfiguration.of_size(size, classes=classes, **self.changes)


INS_FIRST, SEM_FIRST = "sem2ins-ins2sem", "ins2sem-sem2ins"

VARIANTS = {
    "pointnet": Variant("PointNet", dict(system="pointnet")),
    "pointnet2": Variant("PointNet++", dict(system="pointnet2")),
    "asis": Variant("ASIS", dict(system="asis")),
    "jsnet": Variant("JSNet", dict(system="jsnet")),
    "jspnet": Variant("JSPNet", {}),
    "pointnet-siff-piff": Variant("PointNet, SIFF&PIFF", dict(system="pointnet", fusion_kind="siff+piff")),
    "pointnet2-siff-piff": Variant("PointNet++, SIFF&PIFF", dict(system="pointnet2", fusion_kind="siff+piff")),
    "jsnet-plain": Variant("JSNet pipeline, w/o module", dict(system="jsnet", fusion_kind="none")),
    "bare": Variant("no PCFF, SIFF, PIFF", dict(fusion_kind="none", pcff=False)),
    "siff": Variant("PCFF, SIFF", dict(fusion_kind="siff")),
    "piff": Variant("PCFF, PIFF", dict(fusion_kind="piff")),
    "no-pcff": Variant("SIFF, PIFF", dict(pcff=False)),
    "siff-sem-first": Variant("SIFF, ins2sem then sem2ins", dict(fusion_kind="siff", siff_order=SEM_FIRST)),
    "siff-ins-first": Variant("SIFF, sem2ins then ins2sem", dict(fusion_kind="siff", siff_order=INS_FIRST)),
    "piff-sem-first": Variant("PIFF, ins2sem then sem2ins", dict(fusion_kind="piff", piff_order=SEM_FIRST)),
    "piff-ins-first": Variant("PIFF, sem2ins then ins2sem", dict(fusion_kind="piff", piff_order=INS_FIRST)),
}
"""Every network by its id, which is also the name of its runs' folder."""


@dataclass(frozen=True)
class Comparison:
    """Networks of one table, and the pairs (which, against which) that its sentences are about."""

    title: str
    variants: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


def against(subject: str, *others: str) -> tuple[tuple[str, str], ...]:
    return tuple((subject, other) for other in others)


SETS = {
    "systems": Comparison(
        "Systems",
        ("pointnet", "pointnet2", "asis", "jsnet", "jspnet"),
        against("jspnet", "jsnet", "asis", "pointnet2", "pointnet"),
    ),
    "fusion": Comparison(
        "SIFF and PIFF on other pipelines (the paper's Tables 4 and 5)",
        ("pointnet", "pointnet-siff-piff", "pointnet2", "pointnet2-siff-piff", "jsnet-plain", "jspnet"),
        (("pointnet-siff-piff", "pointnet"), ("pointnet2-siff-piff", "pointnet2"), ("jspnet", "jsnet-plain")),
    ),
    "components": Comparison(
        "Components (the paper's Table 6)",
        ("bare", "siff", "piff", "no-pcff", "jspnet"),
        against("jspnet", "bare", "siff", "piff", "no-pcff"),
    ),
    "order": Comparison(
        "Order of the two directions (the paper's Table 7); `PCFF, SIFF` and `PCFF, PIFF` are parallel",
        ("siff", "siff-sem-first", "siff-ins-first", "piff", "piff-sem-first", "piff-ins-first"),
        (*against("siff", "siff-sem-first", "siff-ins-first"), *against("piff", "piff-sem-first", "piff-ins-first")),
    ),
}
