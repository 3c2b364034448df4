"""Scores as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from jspnet_core.evaluation import RoomResult
from jspnet_core.metrics import Score


def print_score(console: Console, score: Score, results: Sequence[RoomResult], what: str = "rooms") -> None:
    """One set of rooms or views: by class and in all, and what has to be known to read it."""
    console.print(_table(score))
    say(console, f"oAcc {percent(score.overall_accuracy)}; everything in per cent")
    if score.never_predicted:
        say(console, f"never predicted, so precision 0: {', '.join(score.never_predicted)}")
    if score.absent:
        say(console, f"neither in the rooms nor predicted, so in no mean: {', '.join(score.absent)}")
    points, unlabelled = sum(r.points for r in results), sum(r.unlabelled for r in results)
    seconds, blocks, left_out = (sum(getattr(r, key) for r in results) for key in ("seconds", "blocks", "left_out"))
    beyond = f" ({left_out:,} more left out)" if left_out else ""
    say(
        console,
        f"{score.rooms} {what}, {points:,} points ({unlabelled / points:.2%} without a label, counted as wrong), "
        f"{blocks:,} blocks{beyond}, {seconds:.1f} s",
    )


def print_ratios(console: Console, rooms: Score, views: Score) -> None:
    """Whole rooms and single views side by side."""
    table = Table("", "rooms", "views", "views / rooms", box=None, padding=(0, 1))
    for name, ratio in ratios(rooms, views).items():
        table.add_row(
            name,
            percent(rooms.to_dict()[name]),
            percent(views.to_dict()[name]),
            "-" if ratio is None else f"{ratio:.2f}",
        )
    console.print(table)


def ratios(rooms: Score, views: Score) -> dict[str, float | None]:
    """Score of the views as a share of that of the rooms, by the scores' names; None where either is missing or 0."""
    of_rooms, of_views = rooms.to_dict(), views.to_dict()
    names = [name for name, value in of_rooms.items() if isinstance(value, float | None)]
    return {name: of_views[name] / of_rooms[name] if of_rooms[name] and of_views[name] else None for name in names}


def say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _table(score: Score) -> Table:
    """Per cent, by class and in all."""
    table = Table("class", box=None, padding=(0, 1))
    for heading in ("Acc", "IoU", "Cov", "WCov", "Pre", "Rec", "true", "found"):
        table.add_column(heading, justify="right")
    for c in score.classes:
        shares = (c.accuracy, c.iou, c.coverage, c.weighted_coverage, c.precision, c.recall)
        table.add_row(c.name, *map(percent, shares), str(c.true_instances), str(c.predicted_instances))
    table.add_section()
    means = (
        score.mean_accuracy, score.mean_iou, score.mean_coverage, score.mean_weighted_coverage, score.mean_precision,
        score.mean_recall,
    )  # fmt: skip
    table.add_row("mean", *map(percent, means), style="bold")
    return table
