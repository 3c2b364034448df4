"""Results of an evaluation as a JSON file, and pooling of several files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jspnet_core.errors import JspnetError
from jspnet_core.evaluation.evaluate import RoomResult
from jspnet_core.evaluation.metrics import Score, summarise
from jspnet_core.io.atomic import replacing


class EvaluationFileError(JspnetError):
    """A file of results that cannot be read or pooled."""


@dataclass(frozen=True)
class Evaluation:
    """Results of rooms and, optionally, of single views of them.

    model, split: names of the model and the split. protocol: `points` or `paper`. names, things: of the class table.
    settings: of segmenter and protocol. views: results of the views, room by room. view_settings: of their simulation.
    """

    model: str
    split: str
    protocol: str
    names: tuple[str, ...]
    things: tuple[str, ...]
    settings: dict[str, Any]
    rooms: list[RoomResult]
    views: list[RoomResult] = field(default_factory=list)
    view_settings: dict[str, Any] = field(default_factory=dict)

    def score(self) -> Score:
        """Summarise the rooms."""
        return summarise([room.score for room in self.rooms], self.names, self.things)

    def view_score(self) -> Score:
        """Summarise the views. Raises ValueError without views."""
        return summarise([view.score for view in self.views], self.names, self.things)

    def write(self, path: Path) -> None:
        """Write JSON, one line per entry and room. Raises OSError."""
        content = self.to_dict()
        rooms = ",\n  ".join(json.dumps(room, allow_nan=False) for room in content.pop("per_room"))
        lines = [f'"{key}": {json.dumps(value, allow_nan=False)}' for key, value in content.items()]
        text = ",\n ".join([*lines, f'"per_room": [\n  {rooms}\n ]'])
        with replacing(path) as file:
            file.write(f"{{{text}}}\n".encode())

    def to_dict(self) -> dict[str, Any]:
        """Return the scores by the paper's names, and the counts of each room and view."""
        head = {
            "model": self.model,
            "split": self.split,
            "protocol": self.protocol,
            "thing_classes": list(self.things),
            "settings": self.settings,
        }
        content = {**head, **self.score().to_dict(), "per_room": [room.to_dict() for room in self.rooms]}
        if self.views:
            score = self.view_score()
            content["views"] = {
                **self.view_settings,
                **score.to_dict(),
                "ratio": ratios(self.score(), score),
                "per_room": [view.to_dict() for view in self.views],
            }
        return content

    @classmethod
    def read(cls, path: Path) -> Evaluation:
        """Read a file of `write`. Raises `EvaluationFileError`."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            views = content.get("views", {"per_room": []})
            return cls(
                content["model"],
                content["split"],
                content["protocol"],
                tuple(content["classes"]),
                tuple(content["thing_classes"]),
                content["settings"],
                [RoomResult.from_dict(room) for room in content["per_room"]],
                [RoomResult.from_dict(view) for view in views["per_room"]],
                {key: value for key, value in views.items() if key in VIEW_SETTINGS},
            )
        except OSError as error:
            raise EvaluationFileError(f"{path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationFileError(
                f"{path}: not written by `jspnet evaluate --json` of this version ({type(error).__name__}: {error})"
            ) from None


VIEW_SETTINGS = ("of_each_room", "seed", "camera", "settings")
"""Names of the entries of `Evaluation.view_settings`."""


def ratios(rooms: Score, views: Score) -> dict[str, float | None]:
    """Divide the scores of the views by those of the rooms, by name; None if either is missing or 0."""
    pairs = {name: (views.figures()[name], value) for name, value in rooms.figures().items()}
    return {name: view / room if room and view is not None else None for name, (view, room) in pairs.items()}


def pool(paths: Sequence[Path]) -> Evaluation:
    """Pool results of different rooms, as the six folds, or of the same rooms with different seeds.

    Equal to one evaluation of all rooms. Raises `EvaluationFileError` for files of different classes or protocols, for
    rooms that occur in two files of one seed, and if only some files have views.
    """
    parts = [Evaluation.read(path) for path in paths]
    if not parts:
        raise EvaluationFileError("no files to pool; pass files written by `jspnet evaluate --json`")
    first = parts[0]
    for path, part in zip(paths, parts, strict=True):
        for key in ("names", "things", "protocol"):
            if getattr(part, key) != getattr(first, key):
                raise EvaluationFileError(
                    f"{path}: {key} is {getattr(part, key)}, in {paths[0]} it is {getattr(first, key)}"
                )
        if bool(part.views) != bool(first.views):
            raise EvaluationFileError(f"{path} and {paths[0]}: only one of them contains single views")
    rooms = [room for part in parts for room in part.rooms]
    of_seed = Counter((name, part.settings.get("seed")) for part in parts for name in {r.name for r in part.rooms})
    twice = sorted(name for (name, _), count in of_seed.items() if count > 1)
    if twice:
        raise EvaluationFileError(
            f"rooms occur in two files of the same seed and would count twice: {', '.join(twice[:5])}"
        )
    return replace(
        first,
        model=", ".join(dict.fromkeys(part.model for part in parts)),
        split=", ".join(dict.fromkeys(part.split for part in parts)),
        settings={"pooled": {str(path): part.settings for path, part in zip(paths, parts, strict=True)}},
        rooms=rooms,
        views=[view for part in parts for view in part.views],
    )
