"""JSPNet: SIFF and PIFF between the two branches (paper, Fig. 2), in parallel or one after the other (Table 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from jspnet_core.network.fusion import PIFF, SIFF, LazyGatedConcat
from jspnet_core.network.joint import Head, JointNetwork
from jspnet_core.network_config import NetworkConfiguration, Order

Fuse = Callable[[Tensor, Tensor], Tensor]

LAZY_CONCAT = dict(
    fusion_kind="siff+piff",
    siff_order="parallel",
    piff_order="parallel",
    piff_values="other",
    piff_join="concat",
    piff_heads="own",
)
"""Configuration for which lazy concatenation is implemented; besides, the keys of PIFF must be a pyramid level."""


class JSPNet(JointNetwork):
    """SIFF and PIFF on top of a backbone; without one of them (Table 6) its input is passed on.

    lazy_concat: for inference on CPUs, do not materialise concatenated features if the configuration is `LAZY_CONCAT`.
    """

    lazy_concat = False

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__(configuration)
        c = configuration
        width = c.fusion
        if c.has_siff:
            sem_other, ins_other = other_widths(c.siff_order, width, 2 * width)
            self.semantic_siff = SIFF(c, other=sem_other)
            self.instance_siff = SIFF(c, other=ins_other)
            width *= 2
        if c.has_piff:
            sem_other, ins_other = other_widths(c.piff_order, width, PIFF.joined(c, width))
            self.semantic_piff = PIFF(c, c.classes, own=width, other=sem_other)
            self.instance_piff = PIFF(c, c.embedding, own=width, other=ins_other)
        else:
            self.semantic_head = Head(width, c.classes, c.dropout, tail=c.fusion)
            self.instance_head = Head(width, c.embedding, c.dropout, tail=c.fusion)

    def heads(self, sem: Tensor, ins: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        c = self.configuration
        if (
            self.lazy_concat
            and c.piff_samples
            and all(getattr(c, name) == value for name, value in LAZY_CONCAT.items())
        ):
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
        """Compute the heads with fewer passes over memory (see `jspnet_core.network.fusion.LazyGatedConcat`)."""
        to_sem, to_ins = (
            LazyGatedConcat(self.semantic_siff.parts(sem, ins)),
            LazyGatedConcat(self.instance_siff.parts(ins, sem)),
        )
        logits = self.semantic_piff.label_lazily(to_sem, to_ins, sample)
        return logits, self.instance_piff.label_lazily(to_ins, to_sem, sample)


def exchange(order: Order, to_sem: Fuse, to_ins: Fuse, sem: Tensor, ins: Tensor) -> tuple[Tensor, Tensor]:
    """Apply `to_sem(own, other)` and `to_ins(own, other)` to both branches; the second gets the first one's result."""
    if order == "ins2sem-sem2ins":
        sem = to_sem(sem, ins)
        return sem, to_ins(ins, sem)
    if order == "sem2ins-ins2sem":
        ins = to_ins(ins, sem)
        return to_sem(sem, ins), ins
    return to_sem(sem, ins), to_ins(ins, sem)


def other_widths(order: Order, before: int, after: int) -> tuple[int, int]:
    """Return the widths of the other branch's features in `exchange`, for the semantic and the instance branch."""
    return (
        after if order == "sem2ins-ins2sem" else before,
        after if order == "ins2sem-sem2ins" else before,
    )
