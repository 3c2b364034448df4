"""JSPNet: SIFF and PIFF between the two branches (paper, Fig. 2), in parallel or one after the other (Table 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from jspnet_core.network.fusion import PIFF, SIFF, LazyGatedConcat
from jspnet_core.network.joint import Head, JointNetwork
from jspnet_core.network_config import NetworkConfiguration, Order

Fuse = Callable[[Tensor, Tensor], Tensor]

APART = dict(
    fusion_kind="siff+piff",
    siff_order="parallel",
    piff_order="parallel",
    piff_values="other",
    piff_join="concat",
    piff_heads="own",
)
"""Readings whose joined features need not be put together; PIFF's keys are a level's points besides."""


class JSPNet(JointNetwork):
    """SIFF and PIFF on top of a backbone; without one of them (Table 6) its input goes on as it is.

    apart: for inference on CPUs: what SIFF and PIFF join stays apart where `APART` has the configuration's readings.
    """

    apart = False

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__(configuration)
        c = configuration
        width = c.fusion
        if c.has_siff:
            sem_sees, ins_sees = other_widths(c.siff_order, width, 2 * width)
            self.semantic_siff = SIFF(c, other=sem_sees)
            self.instance_siff = SIFF(c, other=ins_sees)
            width *= 2
        if c.has_piff:
            sem_sees, ins_sees = other_widths(c.piff_order, width, PIFF.joined(c, width))
            self.semantic_piff = PIFF(c, c.classes, own=width, other=sem_sees)
            self.instance_piff = PIFF(c, c.embedding, own=width, other=ins_sees)
        else:
            self.semantic_head = Head(width, c.classes, c.dropout, tail=c.fusion)
            self.instance_head = Head(width, c.embedding, c.dropout, tail=c.fusion)

    def heads(self, sem: Tensor, ins: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        c = self.configuration
        if self.apart and c.piff_samples and all(getattr(c, name) == reading for name, reading in APART.items()):
            return self._heads_lazily(sem, ins, pyramid["sample"])
        if c.has_siff:
            sem, ins = exchange(c.siff_order, self.semantic_siff, self.instance_siff, sem, ins)
        if not c.has_piff:
            return self.semantic_head(sem), self.instance_head(ins)
        to_sem = partial(self.semantic_piff.fuse, anchors=pyramid["sample"])
        to_ins = partial(self.instance_piff.fuse, anchors=pyramid["sample"])
        sem, ins = exchange(c.piff_order, to_sem, to_ins, sem, ins)
        if c.piff_heads == "swapped":
            sem, ins = ins, sem
        return self.semantic_piff.label(sem), self.instance_piff.label(ins)

    def _heads_lazily(self, sem: Tensor, ins: Tensor, sample: Tensor) -> tuple[Tensor, Tensor]:
        """The same with fewer passes over memory: see `jspnet_core.network.fusion.LazyGatedConcat`."""
        to_sem, to_ins = (
            LazyGatedConcat(self.semantic_siff.parts(sem, ins)),
            LazyGatedConcat(self.instance_siff.parts(ins, sem)),
        )
        logits = self.semantic_piff.label_lazily(to_sem, to_ins, sample)
        return logits, self.instance_piff.label_lazily(to_ins, to_sem, sample)


def exchange(order: Order, to_sem: Fuse, to_ins: Fuse, sem: Tensor, ins: Tensor) -> tuple[Tensor, Tensor]:
    """Both branches after `to_sem(own, other)` and `to_ins(own, other)`; whoever is second sees the first's result."""
    if order == "ins2sem-sem2ins":
        sem = to_sem(sem, ins)
        return sem, to_ins(ins, sem)
    if order == "sem2ins-ins2sem":
        ins = to_ins(ins, sem)
        return to_sem(sem, ins), ins
    return to_sem(sem, ins), to_ins(ins, sem)


def other_widths(order: Order, before: int, after: int) -> tuple[int, int]:
    """Widths of the other branch's features that the semantic and the instance branch meet in `exchange`."""
    return (
        after if order == "sem2ins-ins2sem" else before,
        after if order == "ins2sem-sem2ins" else before,
    )
