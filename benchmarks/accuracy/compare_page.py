"""The figures of `compare.py` as a table for the terminal, and as the page docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.accuracy.compare_sets import SETS, VARIANTS, Comparison
from jspnet_core.report.render import render

COLUMNS = ("mIoU", "mAcc", "oAcc", "mCov", "mWCov", "mPre", "mRec")

Runs = Mapping[str, Sequence[dict]]
"""Finished runs by variant, one per seed."""

BY_HAND = "<!-- Written manually from here on; kept when the page is generated again. -->\n"


def written_by_hand(path: Path) -> str:
    """Return the part of a page that was written manually."""
    text = path.read_text() if path.exists() else ""
    return text.partition(BY_HAND)[2]


def values(runs: Sequence[dict], column: str) -> np.ndarray:
    """Per cent, one per seed."""
    return np.array([100 * run["scores"][column] for run in runs])


def spread(runs: Sequence[dict], column: str) -> float:
    """Range over the seeds, in points of per cent."""
    return float(np.ptp(values(runs, column)))


def milliseconds(runs: Sequence[dict]) -> str:
    timed = [run["timing"] for run in runs if run["timing"]]
    blocks = sum(t["blocks"] for t in timed)
    return f"{1e3 * sum(t['cpu_seconds'] for t in timed) / blocks:.0f}" if blocks else "-"


def rows(comparison: Comparison, found: Runs) -> list[tuple[str, ...]]:
    """Name, weights, ms per block, seeds, and the columns."""
    lines = []
    for variant in comparison.variants:
        runs = found.get(variant, [])
        if runs:
            scores = (f"{values(runs, c).mean():.1f} ± {spread(runs, c) / 2:.1f}" for c in COLUMNS)
            weights = f"{runs[0]['parameters']:,}"
            lines.append((VARIANTS[variant].title, weights, milliseconds(runs), str(len(runs)), *scores))
    return lines


HEADINGS = ("network", "weights", "ms/block", "seeds", *COLUMNS)


def table(comparison: Comparison, found: Runs) -> Table:
    shown = Table(*HEADINGS, title=comparison.title, box=None)
    for row in rows(comparison, found):
        shown.add_row(*row)
    return shown


def verdict(subject: str, other: str, found: Runs) -> str:
    """Sentence on the columns in which one network beats another, or loses, by more than the seeds' spread."""
    ours, theirs = found.get(subject, []), found.get(other, [])
    names = f"{VARIANTS[subject].title} against {VARIANTS[other].title}"
    if min(len(ours), len(theirs)) < 2:
        return f"- {names}: fewer than two seeds are finished, no conclusion."
    ahead: list[str] = []
    behind: list[str] = []
    for column in COLUMNS:
        gain = values(ours, column).mean() - values(theirs, column).mean()
        if abs(gain) > max(spread(ours, column), spread(theirs, column)):
            (ahead if gain > 0 else behind).append(f"{column} ({gain:+.1f})")
    within = len(COLUMNS) - len(ahead) - len(behind)
    parts = [
        f"better in {', '.join(ahead)}" if ahead else "better in no column",
        f"worse in {', '.join(behind)}" if behind else "worse in none",
        f"{within} of {len(COLUMNS)} columns within the spread",
    ]
    return f"- {names}: {'; '.join(parts)}."


def section(name: str, found: Runs) -> dict:
    """Title, rows and sentences of a set of systems."""
    comparison = SETS[name]
    sentences = [verdict(subject, other, found) for subject, other in comparison.pairs]
    return {"title": comparison.title, "rows": rows(comparison, found), "sentences": sentences}


def answer(found: Runs) -> str:
    """The page's first sentences: does JSPNet beat the others on this budget?"""
    verdicts = [verdict("jspnet", other, found)[2:] for other in ("jsnet", "asis", "pointnet2") if other in found]
    return "**Does JSPNet beat the others on the same budget, by more than the seeds' spread?** " + " ".join(verdicts)


def page(names: Sequence[str], content: Mapping, by_hand: str = "") -> str:
    budget, found = content["budget"], content["runs"]
    configuration = VARIANTS["jspnet"].configuration(budget["size"])
    flags = f"--size {budget['size']} --blocks {budget['blocks']} --batch {budget['batch']}"
    flags += "".join(f" --set {name}" for name in names if name != "systems" or len(names) > 1)
    written = render(
        "benchmarks",
        "accuracy.md.j2",
        flags=flags,
        answer=answer(found),
        rooms=content["rooms"],
        validation=content["validation_rooms"],
        blocks=f"{budget['blocks']:,}",
        batch=budget["batch"],
        rate=budget["learning_rate"],
        size=budget["size"],
        points=configuration.points,
        widths="the paper's" if budget["size"] == "l" else "half the paper's",
        share=f"{budget['blocks'] / 1_673_300:.1%}",
        headings=HEADINGS,
        sections=[section(name, found) for name in names],
    )
    return f"{written}\n{BY_HAND}{by_hand}"
