"""Results of a model in a smaller class table: probabilities of merged classes are summed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.engine.base import Engine
from jspnet_core.model_file import ModelDescription
from jspnet_core.pipeline.pyramid import Pyramid


class MergedClassesEngine(Engine):
    """An engine on the CPU that answers in the classes of `table`.

    Raises `ClassTableError`, naming both tables, where the model's classes cannot be read as these.
    """

    def __init__(self, engine: Engine, table: ClassTable):
        model = engine.description.class_table()
        labels = model.labels_in(table)
        super().__init__(
            merged_description(engine.description, table),
            takes_fewer_points=engine.takes_fewer_points,
            about=engine.about,
        )
        self._engine = engine
        self._members = [np.flatnonzero(labels == label) for label in range(len(table))]

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        logits, embeddings = self._engine.run(features, pyramids)
        return merge_logits(logits, self._members), embeddings

    def close(self) -> None:
        self._engine.close()


def merge_logits(logits: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """Logits whose softmax sums the probabilities of each group: (..., C) float32 to (..., len(members)).

    members: labels of each group, (n,) integers; one without any gets the probability 0.
    """
    merged = np.full((*logits.shape[:-1], len(members)), -np.inf, np.float32)
    for group, of in enumerate(members):
        if len(of) == 1:
            merged[..., group] = logits[..., of[0]]
        elif len(of):
            part = logits[..., of]
            most = part.max(axis=-1, keepdims=True)
            merged[..., group] = most[..., 0] + np.log(np.exp(part - most).sum(axis=-1))
    return merged


def merged_description(description: ModelDescription, table: ClassTable) -> ModelDescription:
    """Description of a model that answers in the classes of `table`; a class that stands for several is as large as the
    model's class of its name, or else as the smallest of them."""
    model = description.class_table()
    labels, sizes = model.labels_in(table), description.mean_sizes
    merged: list[float | None] = []
    for label, name in enumerate(table.names):
        own = sizes[model.names.index(name)] if name in model.names else None
        known = [size for size, of in zip(sizes, labels, strict=True) if of == label and size is not None]
        merged.append(own if own is not None else min(known, default=None))
    configuration = description.configuration.model_copy(update={"classes": len(table)})
    changes = {"classes": table.to_dict(), "mean_sizes": merged, "configuration": configuration}
    return description.model_copy(update=changes)
