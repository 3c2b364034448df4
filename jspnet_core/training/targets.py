"""Targets of the semantic loss for rooms of several class tables.

A label of a smaller table stands for several classes of the network: `clutter` of S3DIS may be a bed, lamp or plant.
Its probability is the sum of theirs, so that such a label does not decide between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jspnet_core.classes import UNLABELLED, ClassTable


@dataclass(frozen=True)
class Targets:
    """Targets of the labels of several class tables, for a network with C classes.

    classes: of the network. members: (T, C) bool, which classes each target stands for: first the C classes themselves,
    then the groups of classes that a label of a smaller table stands for.
    """

    classes: ClassTable
    members: np.ndarray

    @classmethod
    def of(cls, classes: ClassTable, tables: Sequence[ClassTable]) -> Targets:
        """Targets for rooms labelled by these tables. Raises `ClassTableError`, naming both, where one does not fit."""
        rows = [row.tobytes() for row in np.eye(len(classes), dtype=bool)]
        for table in tables:
            rows += [row.tobytes() for row in _members(classes, table) if row.any()]
        unique = dict.fromkeys(rows)
        return cls(classes, np.stack([np.frombuffer(row, bool) for row in unique]))

    def groups(self) -> np.ndarray:
        """(T - C, C) bool: the targets that stand for several classes."""
        return self.members[len(self.classes) :]

    def groups_on(self, device: torch.device) -> Tensor | None:
        """`groups` on a device, None without any, for which the loss is simpler."""
        groups = self.groups()
        return torch.from_numpy(groups).to(device) if len(groups) else None

    def of_labels(self, table: ClassTable) -> np.ndarray:
        """Target of each label of rooms with this table: (256,) uint8; 255 for labels without one."""
        known = {row.tobytes(): target for target, row in enumerate(self.members)}
        targets = np.full(UNLABELLED + 1, UNLABELLED, np.uint8)
        for label, row in enumerate(_members(self.classes, table)):
            if row.any():
                targets[label] = known[row.tobytes()]
        return targets

    def counts(self, of_target: np.ndarray) -> np.ndarray:
        """Points that each target's classes have for certain, (T,), from points by target (T,)."""
        inside = (self.members[:, None, :] >= self.members[None, :, :]).all(axis=2)  # does row t hold all of row u?
        return inside @ of_target


def _members(classes: ClassTable, table: ClassTable) -> np.ndarray:
    """(L, C) bool: the network's classes that each of a table's L labels stands for. The larger table is read as the
    smaller one, of the same size by names."""
    members = np.zeros((len(table), len(classes)), bool)
    if len(classes) >= len(table):
        members[classes.labels_in(table), np.arange(len(classes))] = True
    else:
        members[np.arange(len(table)), table.labels_in(classes)] = True
    return members
