"""The result of `jspnet label` as a table on the terminal."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table

from jspnet_core.classes import NO_INSTANCE, UNLABELLED, ClassTable
from jspnet_core.segmentation import Segmentation


def print_summary(
    console: Console, classes: ClassTable, found: Segmentation, took: dict[str, float], brief: bool
) -> None:
    """Print points, instances, gravity and times; unless brief, a table of the classes as well."""
    labelled = int((found.label != UNLABELLED).sum())
    things = sum(classes.is_thing(instance.label) for instance in found.instances)
    console.print(
        f"  {len(found.label):,} points, {labelled / max(len(found.label), 1):.1%} labelled; "
        f"{len(found.instances)} instances, {things} of them objects; {sum(took.values()) / 1e3:.2f} s",
        highlight=False,
    )
    sure = found.gravity_is_sure
    console.print(f"  gravity: {found.gravity_source}", highlight=False, style="" if sure else "yellow")
    if found.blocks_left_out:
        console.print(
            f"  {found.blocks_left_out} of {found.blocks + found.blocks_left_out} blocks left out (--max-blocks)"
        )
    if not brief:
        console.print(_class_table(classes, found))
        stages = ", ".join(f"{stage} {ms:.0f}" for stage, ms in took.items())
        console.print(f"  ms: {stages} ({found.blocks} blocks)", highlight=False)


def _class_table(classes: ClassTable, found: Segmentation) -> Table:
    """Points, share, instances and confidence of each class that was found."""
    table = Table("class", box=None, padding=(0, 2))
    for heading in ("points", "share", "instances", "confidence"):
        table.add_column(heading, justify="right")
    points = np.bincount(found.label, minlength=256)
    confidence = np.bincount(found.label, found.confidence, 256) / np.maximum(points, 1)
    instances = np.bincount([instance.label for instance in found.instances], minlength=256)
    for i, name in enumerate(classes.names):
        if points[i]:
            share = f"{points[i] / len(found.label):.1%}"
            table.add_row(name, f"{points[i]:,}", share, str(instances[i]), f"{confidence[i]:.2f}")
    if points[UNLABELLED]:
        table.add_row("no label", f"{points[UNLABELLED]:,}", f"{points[UNLABELLED] / len(found.label):.1%}", "", "")
    outside = int(((found.instance == NO_INSTANCE) & (found.label != UNLABELLED)).sum())
    if outside:
        table.add_row("labelled, in no instance", f"{outside:,}", f"{outside / len(found.label):.1%}", "", "")
    return table
