"""The stages of both routes as stacked bars, as shares of each cloud's whole time."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

AROUND = ("whole frame", "read", "publish")


def draw(results: list[dict], path: Path) -> None:
    """One pair of bars per input: this project's milliseconds, and the reference's, on axes of their own."""
    stages = [stage for stage in results[0]["ours_ms"] if stage not in AROUND]
    names = [result["input"].split(",")[0].removeprefix("whole ") for result in results]
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.9 + 0.75 * len(results)), sharey=True, layout="constrained")
    routes = (("ours_ms", "this project"), ("reference_ms", "the references' route"))
    for axis, (key, title) in zip(axes, routes, strict=True):
        left = [0.0] * len(results)
        for number, stage in enumerate(stages):
            widths = [result[key][stage]["median"] for result in results]
            axis.barh(names, widths, left=left, label=stage, color=plt.get_cmap("tab10")(number), height=0.6)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        for name, result, end in zip(names, results, left, strict=True):
            axis.annotate(f" {result[key]['whole frame']['median']:,.0f}", (end, name), va="center", fontsize=8)
        axis.set(title=title, xlabel="ms per cloud, median", xlim=(0, 1.12 * max(left)))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(stages), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
