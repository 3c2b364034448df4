"""The result of `benchmarks/gpu` as a page."""

from __future__ import annotations

from typing import Any

BATCHES = (1, 8, 32, 128)


def page(result: dict[str, Any]) -> str:
    """Format as Markdown: whole frames, stages, network by batch, ceilings, and failed sections."""
    lines = [f"# Measured on {result['gpu']}", "", "Written by `benchmarks/gpu`.", ""]
    for part in (_frame(result), _stages(result), _network(result), _ceilings(result), _failures(result)):
        lines += [*part, ""] if part else []
    return "\n".join(lines)


def _frame(result: dict[str, Any]) -> list[str]:
    frame, tensorrt, compiled = (result.get(name, {}) for name in ("frame", "tensorrt", "compiled"))
    if "p95_ms" not in frame:
        return []
    routes = {
        "PyTorch, CUDA graphs, fp16": (frame, ""),
        "TensorRT, fp16": (tensorrt, ""),
        "torch.compile, fp16": (compiled, "frame_"),
        "PyTorch, eager, fp32": (frame, "eager_"),
    }
    measured = {name: route for name, route in routes.items() if f"{route[1]}stages_ms" in route[0]}
    lines = [
        f"A generated 640x480 frame, {frame['points']} points, voxels of {100 * frame['voxel_size']:g} cm, "
        f"{frame['blocks']} blocks, from the upload to the labels, ms:",
        "",
        "| | " + " | ".join(measured) + " |",
        "|---|" + "---:|" * len(measured),
    ]
    for row in ("median_ms", "p95_ms"):
        cells = [f"{part[prefix + row]:.1f}" for part, prefix in measured.values()]
        lines.append(f"| whole frame, {row.removesuffix('_ms')} | " + " | ".join(cells) + " |")
    for stage in frame["stages_ms"]:
        cells = [f"{part[prefix + 'stages_ms'].get(stage, 0):.2f}" for part, prefix in measured.values()]
        lines.append(f"| {stage}, waiting after each | " + " | ".join(cells) + " |")
    energy = frame.get("joules_per_frame")
    note = (
        f"{energy:.2f} J a frame (the GPU's, PyTorch)." if energy else f"Energy: {frame.get('energy', 'not measured')}."
    )
    return [*lines, "", note]


def _stages(result: dict[str, Any]) -> list[str]:
    stages = {blocks: row for blocks, row in result.get("stages", {}).items() if isinstance(row, dict)}
    if not stages:
        return []
    names = [name for name in next(iter(stages.values())) if name != "points"]
    lines = ["A generated room, bounded to so many blocks, median ms, waiting after each stage:", ""]
    lines += ["| stage | " + " | ".join(f"{b} blocks" for b in stages) + " |", "|---|" + "---:|" * len(stages)]
    return lines + [f"| {n} | " + " | ".join(f"{row[n]:.2f}" for row in stages.values()) + " |" for n in names]


def _network(result: dict[str, Any]) -> list[str]:
    measured = {**result.get("network", {}), **result.get("compiled", {})}
    tensorrt = result.get("tensorrt", {})
    measured |= {f"TensorRT fp16, {b} blocks": tensorrt.get(f"{b} blocks") for b in BATCHES}
    measured |= {
        f"TensorRT fp16 with copies, {b} blocks": tensorrt.get(f"{b} blocks, copies included") for b in BATCHES
    }
    measured = {name: took for name, took in measured.items() if isinstance(took, dict) and " blocks" in name}
    routes = list(dict.fromkeys(name.rpartition(", ")[0] for name in measured))
    if not routes:
        return []
    lines = ["Network alone, median ms:", ""]
    lines += ["| route | " + " | ".join(f"{b} blocks" for b in BATCHES) + " |", "|---|" + "---:|" * len(BATCHES)]
    for route in routes:
        cells = [measured.get(f"{route}, {b} blocks") for b in BATCHES]
        lines.append(f"| {route} | " + " | ".join(f"{c['median_ms']:.2f}" if c else "-" for c in cells) + " |")
    return [*lines, "", *_shares(result, measured), "", *_parities(result)]


def _shares(result: dict[str, Any], measured: dict[str, Any]) -> list[str]:
    """Share of the two peaks that the fastest route reaches, by the work counted in `benchmarks.gpu.work`."""
    work, ceilings = result.get("network", {}), result.get("ceilings", {})
    if "gflop_per_block" not in work or "fp16_tflop_per_s" not in ceilings:
        return []
    lines = []
    for blocks in BATCHES:
        took = [c["median_ms"] for name, c in measured.items() if name.endswith(f", {blocks} blocks")]
        if took:
            rate, moved = blocks * work["gflop_per_block"] / min(took), blocks * work["mb_per_block"] / min(took)
            shares = 100 * rate / ceilings["fp16_tflop_per_s"], 100 * moved / ceilings["copy_gb_per_s"]
            lines.append(
                f"Fastest route, {blocks} blocks: {rate:.1f} TFLOP/s, {shares[0]:.0f} % of the fp16 ceiling; "
                f"{moved:.0f} GB/s of what unfused layers would move, {shares[1]:.0f} % of the copy ceiling."
            )
    return lines


def _parities(result: dict[str, Any]) -> list[str]:
    return [f"- {name}: {text}" for name, text in result.get("parity", {}).items() if name.startswith("parity")]


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
