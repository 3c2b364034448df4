"""The result of `benchmarks/gpu.py` as a page."""

from __future__ import annotations

from typing import Any

BATCHES = (1, 8, 32, 128)


def page(result: dict[str, Any]) -> str:
    """Markdown: a frame, the network by batch, the ceilings, and what did not run."""
    lines = [f"# Measured on {result['gpu']}", "", "Written by `benchmarks/gpu.py`.", ""]
    for part in (_frame(result), _network(result), _ceilings(result), _failures(result)):
        lines += [*part, ""] if part else []
    return "\n".join(lines)


def _frame(result: dict[str, Any]) -> list[str]:
    frame = result.get("frame", {})
    if "p95_ms" not in frame:
        return []
    lines = [
        f"A generated 640x480 frame, {frame['points']} points, voxels of {100 * frame['voxel_size']:g} cm, "
        f"{frame['blocks']} blocks: median {frame['median_ms']:.1f} ms, p95 {frame['p95_ms']:.1f} ms.",
        "", "| stage | median ms |", "|---|---:|",
    ]  # fmt: skip
    return lines + [f"| {name} | {value:.2f} |" for name, value in frame["stages_ms"].items()]


def _network(result: dict[str, Any]) -> list[str]:
    measured = {**result.get("network", {}), **result.get("compiled", {})}
    tensorrt = result.get("tensorrt", {})
    measured |= {f"TensorRT fp16, {b} blocks": tensorrt.get(f"{b} blocks, copies included") for b in BATCHES}
    routes = list(dict.fromkeys(name.rpartition(", ")[0] for name, v in measured.items() if isinstance(v, dict)))
    if not routes:
        return []
    lines = ["Network alone, median ms (TensorRT with its copies):", ""]
    lines += ["| route | " + " | ".join(f"{b} blocks" for b in BATCHES) + " |", "|---|" + "---:|" * len(BATCHES)]
    for route in routes:
        cells = [measured.get(f"{route}, {b} blocks") for b in BATCHES]
        lines.append(f"| {route} | " + " | ".join(f"{c['median_ms']:.2f}" if c else "-" for c in cells) + " |")
    parities = [f"- {name}: {text}" for name, text in result.get("network", {}).items() if name.startswith("parity")]
    return [*lines, "", *parities]


def _ceilings(result: dict[str, Any]) -> list[str]:
    ceilings, attention = result.get("ceilings", {}), result.get("attention", {})
    if "copy_gb_per_s" not in ceilings:
        return []
    lines = [f"This machine copies {ceilings['copy_gb_per_s']:.0f} GB/s (bytes read and written)."]
    if "fp16_tflop_per_s" in ceilings:
        most = ceilings["fp16_tflop_per_s"]
        lines.append(f"It multiplies fp16 matrices at {most:.0f} TFLOP/s.")
        reached = {b: attention[str(b)]["tflop_per_s"] for b in BATCHES if str(b) in attention}
        lines += [
            f"Attention of {b} blocks: {r:.0f} TFLOP/s, {100 * r / most:.0f} % of that." for b, r in reached.items()
        ]
    return lines


def _failures(result: dict[str, Any]) -> list[str]:
    failed = {name: part["error"] for name, part in result.items() if isinstance(part, dict) and "error" in part}
    return ["Not measured, or not to the end:", "", *(f"- {n}: {why}" for n, why in failed.items())] if failed else []
