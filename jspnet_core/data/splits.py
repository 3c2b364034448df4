"""Split of rooms into training and validation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from jspnet_core.data.room_index import RoomFileError


@dataclass(frozen=True)
class SplitRule:
    """Rule that selects validation rooms by name patterns (`Area_5_*`) or, without patterns, a share of all rooms.

    The share is selected by the hash of the name: the same rooms on every machine, and new rooms move few others.
    """

    val: tuple[str, ...] = ()
    share: float = 0.15

    def apply(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return names by split, `train` and `val`, both sorted."""
        if self.val:
            val = {name for name in names if any(fnmatchcase(name, pattern) for pattern in self.val)}
        else:
            by_hash = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
            least = 1 if self.share and len(names) > 1 else 0
            val = set(by_hash[: max(least, round(self.share * len(names)))])
        return {"train": sorted(set(names) - val), "val": sorted(val)}

    def check(self, names: Sequence[str]) -> None:
        """Raise `RoomFileError` for a pattern that matches no room."""
        for pattern in self.val:
            if not any(fnmatchcase(name, pattern) for name in names):
                some = ", ".join(sorted(names)[:5])
                raise RoomFileError(f"--val is {pattern}, which matches none of the {len(names)} rooms: {some} ...")
