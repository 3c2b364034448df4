"""Scores as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from jspnet_core.evaluation.evaluate import RoomResult
from jspnet_core.evaluation.metrics import MEAN_NAMES, Score
from jspnet_core.evaluation.results import Evaluation, ratios

COLUMNS = {
    "accuracy": "Acc",
    "iou": "IoU",
    "coverage": "Cov",
    "weighted_coverage": "WCov",
    "precision": "Pre",
    "recall": "Rec",
    "ap": "AP",
    "ap50": "AP50",
    "ap25": "AP25",
}
"""Headings of the scores of a class."""


def print_evaluation(console: Console, evaluation: Evaluation) -> None:
    """Tables of rooms and, if there are any, of views, and a comparison of both."""
    score = evaluation.score()
    print_score(console, score, evaluation.rooms, "rooms", evaluation.protocol)
    if not evaluation.views:
        return
    of_views, settings = evaluation.view_score(), evaluation.view_settings
    differing = [f"{k} {v}" for k, v in settings["settings"].items() if evaluation.settings.get(k) != v]
    say(
        console,
        f"\nsingle views, {settings['of_each_room']} of each room, seed {settings['seed']}; with the settings of a "
        f"sensor's frames: {', '.join(differing) or 'those of the rooms'}",
    )
    print_score(console, of_views, evaluation.views, "views", evaluation.protocol)
    console.print(_side_by_side(score, of_views))


def print_score(console: Console, score: Score, results: Sequence[RoomResult], what: str, protocol: str) -> None:
    """Table of a set of rooms or views, by class and in total, with notes on how to read it."""
    console.print(_table(score))
    say(console, f"oAcc {percent(score.overall_accuracy)}; everything in per cent")
    if score.never_predicted:
        nan = "; not a number in the reference, and its mPre with it" if protocol == "paper" else ""
        say(console, f"never predicted, so precision 0: {', '.join(score.never_predicted)}{nan}")
    if score.absent:
        nan = "; not a number in the reference, and every mean with it" if protocol == "paper" else ""
        say(console, f"neither in the rooms nor predicted, so in no mean: {', '.join(score.absent)}{nan}")
    points, unlabelled = sum(r.points for r in results), sum(r.unlabelled for r in results)
    seconds, blocks, left_out = (sum(getattr(r, key) for r in results) for key in ("seconds", "blocks", "left_out"))
    beyond = f" ({left_out:,} more left out)" if left_out else ""
    counted = "points of blocks" if protocol == "paper" else "points"
    say(
        console,
        f"{score.rooms} {what}, {points:,} {counted} ({unlabelled / points:.2%} without a label, counted as wrong), "
        f"{blocks:,} blocks{beyond}, {seconds:.1f} s",
    )


def say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _table(score: Score) -> Table:
    """Table of scores in per cent, by class and in total."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("class", no_wrap=True)
    for heading in (*COLUMNS.values(), "true", "found"):
        table.add_column(heading, justify="right")
    for c in score.classes:
        shares = [percent(getattr(c, key)) for key in COLUMNS]
        table.add_row(c.name, *shares, str(c.true_instances), str(c.predicted_instances))
    table.add_section()
    for name, means in (("mean", score.means), ("things", score.things), ("stuff", score.stuff)):
        shares = [percent(means[MEAN_NAMES[key]]) for key in COLUMNS]
        table.add_row(name, *shares, style="bold" if name == "mean" else None)
    return table


def _side_by_side(rooms: Score, views: Score) -> Table:
    table = Table("", "rooms", "views", "views / rooms", box=None, padding=(0, 1))
    for name, ratio in ratios(rooms, views).items():
        shares = percent(rooms.figures()[name]), percent(views.figures()[name])
        table.add_row(name, *shares, "-" if ratio is None else f"{ratio:.2f}")
    return table
