"""Rows of the paper's tables 1 and 2, quoted: S3DIS, per cent.

F. Chen, F. Wu, G. Gao et al., JSPNet, Pattern Recognition 122 (2022) 108250. None of them was measured here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperRow:
    """fold: `Area 5` or `6 fold`. values: per cent by the paper's names; what the paper does not give is left out."""

    fold: str
    method: str
    values: dict[str, float]


_SEMANTIC = ("mAcc", "oAcc", "mIoU")
_INSTANCE = ("mCov", "mWCov", "mRec", "mPre")
_ROWS = (
    ("Area 5", "PointNet", (52.1, 83.5, 43.4), None),
    ("Area 5", "SEGCloud", (54.7, None, 48.9), None),
    ("Area 5", "RSNet", (59.4, None, 51.9), None),
    ("Area 5", "3P-RNN", (71.3, 85.7, 53.4), None),
    ("Area 5", "SGPN", None, (32.7, 35.5, 28.7, 36.0)),
    ("Area 5", "ASIS", (60.9, 86.9, 53.4), (44.6, 47.8, 42.4, 55.3)),
    ("Area 5", "JSNet", (61.4, 87.7, 54.5), (48.7, 51.5, 46.9, 62.1)),
    ("Area 5", "JSPNet", (63.8, 88.2, 56.1), (50.7, 53.5, 48.0, 59.6)),
    ("6 fold", "PointNet", (60.3, 80.3, 48.9), None),
    ("6 fold", "3P-RNN", (73.6, 86.9, 56.3), None),
    ("6 fold", "MT-PNet", (None, 86.7, None), (None, None, None, 24.9)),
    ("6 fold", "MV-CRF", (None, 87.4, None), (None, None, None, 36.3)),
    ("6 fold", "SGPN", None, (37.9, 40.8, 31.2, 38.2)),
    ("6 fold", "ASIS", (70.1, 86.2, 59.3), (51.2, 55.1, 47.5, 63.6)),
    ("6 fold", "3D-BoNet", None, (None, None, 47.6, 65.6)),
    ("6 fold", "JSNet", (71.7, 88.7, 61.7), (54.1, 58.0, 53.9, 66.9)),
    ("6 fold", "JSPNet", (72.6, 89.7, 62.5), (54.9, 58.8, 55.0, 66.5)),
)


def _values(names: tuple[str, ...], numbers: tuple[float | None, ...] | None) -> dict[str, float]:
    return {name: n for name, n in zip(names, numbers or (None,) * len(names), strict=True) if n is not None}


PAPER_ROWS = tuple(
    PaperRow(fold, method, {**_values(_SEMANTIC, semantic), **_values(_INSTANCE, instance)})
    for fold, method, semantic, instance in _ROWS
)
"""In the paper's order, Area 5 first."""
