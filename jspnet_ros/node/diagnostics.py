"""The state of the node on /diagnostics, once a second."""

from __future__ import annotations

from dataclasses import dataclass, field

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from jspnet_ros.node.statistics import SUSTAINED, Snapshot


@dataclass(frozen=True)
class NodeState:
    """What diagnostics say beside the frames.

    problem: why the node could not be configured; empty if it could.
    about: further lines, such as model, engine and topic.
    """

    name: str
    active: bool
    problem: str = ""
    topic: str = ""
    slow_frame_ms: float = 0.0
    about: dict[str, str] = field(default_factory=dict)


def diagnostics(stamp: Time, state: NodeState, now: Snapshot, before: Snapshot) -> DiagnosticArray:
    """The message for one period.

    before: the counts at the end of the period before this one.
    """
    level, message = _judge(state, now, before)
    status = DiagnosticStatus(level=level, name=f"{state.name}: labelling", message=message, hardware_id=state.name)
    status.values = [KeyValue(key=key, value=value) for key, value in {**state.about, **_values(now)}.items()]
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array


def _judge(state: NodeState, now: Snapshot, before: Snapshot) -> tuple[bytes, str]:
    """Level and sentence: the worst first. One slow frame is a warning, five in a row are an error."""
    if state.problem:
        return DiagnosticStatus.ERROR, state.problem
    if not state.active:
        return DiagnosticStatus.OK, "not active"
    slow = [total > state.slow_frame_ms > 0 for total in now.totals_ms]
    if len(slow) == SUSTAINED and all(slow):
        return DiagnosticStatus.ERROR, f"every frame takes longer than slow_frame_ms {state.slow_frame_ms:.0f}"
    refused = {reason: n - before.refused.get(reason, 0) for reason, n in now.refused.items()}
    if any(refused.values()):
        reasons = ", ".join(f"{n} {reason}" for reason, n in refused.items() if n)
        return DiagnosticStatus.WARN, f"clouds refused: {reasons}"
    if now.labelled > before.labelled and slow and slow[-1]:
        return DiagnosticStatus.WARN, f"the last frame took {now.totals_ms[-1]:.0f} ms"
    if now.labelled > before.labelled and now.last is not None and not now.last.gravity_is_sure:
        return DiagnosticStatus.WARN, f"gravity: {now.last.gravity_source}; set up_axis, sensor_pose or target_frame"
    if now.received == 0:
        return DiagnosticStatus.WARN, f"no cloud has arrived on {state.topic}"
    if now.unwanted > before.unwanted:
        return DiagnosticStatus.OK, "idle: nobody subscribes to an output"
    return DiagnosticStatus.OK, f"{now.labelled} frames labelled"


def _values(now: Snapshot) -> dict[str, str]:
    counts = ("received", "labelled", "skipped", "lost", "unwanted", "overtaken")
    values = {name: str(getattr(now, name)) for name in counts}
    values["refused"] = str(sum(now.refused.values()))
    values.update({f"refused {reason}": str(count) for reason, count in sorted(now.refused.items())})
    if now.last is not None:
        values["gravity"] = now.last.gravity_source
        values["blocks"], values["blocks left out"] = str(now.last.blocks), str(now.last.blocks_left_out)
        values["instances"] = str(now.last.instances)
        values["age ms"] = f"{now.last.age_ms:.1f}"
        values["latency ms"] = f"{now.last.latency_ms:.1f}"
        values["total ms"] = f"{now.last.total_ms:.1f}"
        values.update({f"{stage} ms": f"{milliseconds:.1f}" for stage, milliseconds in now.last.stages_ms.items()})
    return values
