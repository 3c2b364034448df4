"""Write docs/node_performance.md from the figures of benchmarks/node/__main__.py."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np

from jspnet_core.report.render import render


def page(result: dict) -> str:
    start, flood, allocator = result["start"], result["flood"], result["allocator"]
    outputs, nodes = flood["outputs"], allocator["nodes"]
    none, packages = outputs["no output"], list(start["imports"].items())
    total = sum(seconds for _, seconds in packages)
    return render(
        "benchmarks",
        "node.md.j2",
        flood_machine=machine(flood),
        flood_input=sentence(flood["input"]),
        megabytes=flood["MB"],
        rate=flood["rate"],
        flood=flood_table(outputs),
        received=1e3 * none["CPU s"] / max(none["counts"]["received"], 1),
        publish_all=100 * outputs["all outputs"]["publish share"],
        publish_one=100 * outputs["semantic alone"]["publish share"],
        start_machine=machine(start),
        starts=len(start["wall s"]),
        start_wall=median(start["wall s"]),
        start_cpu=median(start["CPU s"]),
        cold_cpu=start["cold CPU s"],
        modules=", ".join(f"{name} {100 * seconds / total:.0f} %" for name, seconds in packages[:5]),
        allocator_machine=machine(allocator),
        allocator_input=sentence(allocator["input"]),
        rounds=len(next(iter(nodes.values()))["total ms"]),
        settings=settings(nodes),
        allocator=allocator_table(nodes),
        verdict=verdict(nodes),
    )


def machine(section: dict) -> str:
    """Machine on which a section was measured."""
    cores = section["cores"]
    busy = ", busy with other work" if section["load"] > cores else ""
    return (
        f"{cores} core{'s' if cores > 1 else ''} of {section['processor']}, load average {section['load']:.1f}{busy}."
    )


def sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "this processor")


def flood_table(flood: dict[str, dict]) -> str:
    head = [
        "",
        "sent",
        "received",
        "labelled",
        "skipped",
        "lost",
        "processing ms",
        "age ms",
        "latency ms",
        "oldest ms",
        "age in processing times, median and most",
        "memory MB, begin to end",
        "CPU s",
    ]
    lines = [row(head), "|---" * len(head) + "|"]
    for name, found in flood.items():
        counts, times, memory = found["counts"], found["times ms"], found["memory MB"]
        middle = [f"{median(times[kind]):.0f}" if times[kind] else "" for kind in ("total", "age", "latency")]
        oldest = f"{max(times['age']):.0f}" if times["age"] else ""
        fates = [str(counts[fate]) for fate in ("received", "labelled", "skipped", "lost")]
        kept = f"{memory[len(memory) // 4]:.0f} to {memory[-1]:.0f}"
        age = (oldest, in_processing_times(times))
        lines.append(row([name, str(found["sent"]), *fates, *middle, *age, kept, f"{found['CPU s']:.1f}"]))
    return "\n".join(lines)


def in_processing_times(times: dict[str, list[float]]) -> str:
    """Clouds' ages over the time that each itself took to process; nothing where a message of either was lost."""
    if not times["age"] or len(times["age"]) != len(times["total"]):
        return ""
    ratio = np.array(times["age"]) / times["total"]
    return f"{np.median(ratio):.2f}, {ratio.max():.2f}"


def allocator_table(found: dict[str, dict]) -> str:
    head = [
        "allocator",
        "processing ms, median",
        "to as it is",
        "CPU ms per frame",
        "to as it is",
        "page faults per frame",
        "memory MB",
    ]
    lines = [row(head), "|---" + "|---:" * (len(head) - 1) + "|"]
    plain = next(iter(found.values()))
    for name, of_node in found.items():
        frames, ratio = len(of_node["total ms"]), np.array(of_node["total ms"]) / plain["total ms"]
        cpu = 1e3 * of_node["CPU s"] / frames
        figures = [
            f"{median(of_node['total ms']):.0f}",
            f"{np.median(ratio):.2f}",
            f"{cpu:.0f}",
            f"{of_node['CPU s'] / plain['CPU s']:.2f}",
            f"{of_node['page faults'] / frames:.0f}",
            f"{of_node['memory MB']:.0f}",
        ]
        lines.append(row([name, *figures]))
    return "\n".join(lines)


def settings(nodes: dict[str, dict]) -> str:
    """Environment variables of each single setting."""
    return "\n".join(
        f"- {name}: " + " ".join(f"`{key}={value}`" for key, value in of_node["environment"].items())
        for name, of_node in nodes.items()
        if of_node["environment"] and name != "both"
    )


def verdict(nodes: dict[str, dict]) -> str:
    """Conclusion from the figures: a gain must exceed twice the difference of two equal nodes, and 5 %."""
    plain, again, *others = nodes.items()
    noise = abs(again[1]["CPU s"] / plain[1]["CPU s"] - 1)
    base = (plain[1]["CPU s"] + again[1]["CPU s"]) / 2
    name, best = min(others, key=lambda item: item[1]["CPU s"])
    gain = max(0.0, 1 - best["CPU s"] / base)
    found = f"Two equal nodes differ by {100 * noise:.0f} %; the best other setting, {name}, saves {100 * gain:.0f} %"
    judgement = "a gain" if gain > max(2 * noise, 0.05) else "no significant gain"
    launched = "The launch file does not change the allocator."
    return f"{found} of a frame's CPU time: {judgement}. {launched}"


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
