"""State of the node on /diagnostics, once a second and at once after a failure.

Written here and not with diagnostic_updater, whose timer follows /clock: a node that waits for a clock that nobody
publishes would report nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from jspnet_ros.node.statistics import LITTLE, SUSTAINED, Snapshot

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
Verdict = tuple[bytes, str]


@dataclass(frozen=True)
class NodeState:
    """The node's side of the diagnostics, beside the frame counters.

    name: fully qualified. problem: why the node could not be configured or deactivated itself; empty if neither.
    silence_warn_s, silence_error_s: seconds without a cloud until it is a warning, an error; 0: never.
    clock_missing: sim time is used and nothing publishes it. about: further lines, such as model, engine and topic.
    """

    name: str
    active: bool
    problem: str = ""
    topic: str = ""
    slow_frame_ms: float = 0.0
    silence_warn_s: float = 0.0
    silence_error_s: float = 0.0
    clock_missing: bool = False
    about: dict[str, str] = field(default_factory=dict)


def diagnostics(stamp: Time, state: NodeState, now: Snapshot, before: Snapshot) -> DiagnosticArray:
    """Make the message for one period.

    before: the counters at the end of the period before this one.
    """
    level, message = _judge(state, now, before)
    status = DiagnosticStatus(level=level, name=f"{state.name}: labelling", message=message, hardware_id=state.name)
    status.values = [KeyValue(key=key, value=value) for key, value in {**state.about, **_values(now)}.items()]
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array


def _judge(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict:
    """Level and sentence: the first check that applies, the gravest first."""
    if state.problem:
        return ERROR, state.problem
    if not state.active:
        return OK, "not active"
    for check in CHECKS:
        verdict = check(state, now, before)
        if verdict is not None:
            return verdict
    return OK, f"{now.labelled} frames labelled"


def _failure(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    return (ERROR, now.last_failure) if now.failures > before.failures else None


def _silence(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    sentence = f"no cloud on {state.topic} for {now.silence_s:.0f} s"
    if now.received == 0:
        sentence = f"no cloud has arrived on {state.topic} in {now.silence_s:.0f} s"
    if 0 < state.silence_error_s <= now.silence_s:
        return ERROR, sentence
    if 0 < state.silence_warn_s <= now.silence_s or now.received == 0:
        return WARN, sentence
    return None


def _slow(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    slow = [total > state.slow_frame_ms > 0 for total in now.totals_ms]
    if len(slow) == SUSTAINED and all(slow):
        return ERROR, f"every frame takes longer than slow_frame_ms {state.slow_frame_ms:.0f}"
    if now.labelled > before.labelled and slow and slow[-1]:
        return WARN, f"the last frame took {now.totals_ms[-1]:.0f} ms"
    return None


def _refused(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    refused = {reason: n - before.refused.get(reason, 0) for reason, n in now.refused.items()}
    if not any(refused.values()):
        return None
    return WARN, "clouds refused: " + ", ".join(f"{n} {reason}" for reason, n in refused.items() if n)


def _clock(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    if not state.clock_missing:
        return None
    return WARN, "use_sim_time is true, but nothing publishes /clock: latencies and transforms are not available"


def _few_labels(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    last = now.last
    if last is None or now.labelled == before.labelled:
        return None
    if last.returns == 0:
        return WARN, "the last cloud holds no point with a return: the outputs are empty"
    if last.labelled < LITTLE * last.returns:
        share = 100 * last.labelled / last.returns
        reason = last.units or "check that its coordinates are metres, its gravity frame, and max_blocks"
        return WARN, f"only {share:.1f} % of the last cloud's points got a label: {reason}"
    return None


def _gravity(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    if now.last is None or now.labelled == before.labelled or now.last.gravity_is_sure:
        return None
    return WARN, f"gravity: {now.last.gravity_source}; set up_axis, sensor_pose or target_frame"


def _idle(state: NodeState, now: Snapshot, before: Snapshot) -> Verdict | None:
    return (OK, "idle: nobody subscribes to an output") if now.unwanted > before.unwanted else None


CHECKS: tuple[Callable[[NodeState, Snapshot, Snapshot], Verdict | None], ...] = (
    _failure,
    _silence,
    _slow,
    _refused,
    _clock,
    _few_labels,
    _gravity,
    _idle,
)
"""In the order of their weight; the first that applies is reported."""


def _values(now: Snapshot) -> dict[str, str]:
    values = {name: str(getattr(now, name)) for name in ("received", "labelled", "skipped", "lost", "unwanted")}
    values["refused"] = str(sum(now.refused.values()))
    values.update({f"refused {reason}": str(count) for reason, count in sorted(now.refused.items())})
    values["seconds since the last cloud"] = f"{now.silence_s:.1f}"
    if now.last is not None:
        last = now.last
        values["gravity"] = last.gravity_source
        values["blocks"], values["blocks left out"] = str(last.blocks), str(last.blocks_left_out)
        values["instances"] = "not asked for" if last.instances is None else str(last.instances)
        values["points with a return"], values["points labelled"] = str(last.returns), str(last.labelled)
        values["age ms"] = f"{last.age_ms:.1f}"
        values["latency ms"] = "unknown" if last.latency_ms is None else f"{last.latency_ms:.1f}"
        values["total ms"] = f"{last.total_ms:.1f}"
        values.update({f"{stage} ms": f"{milliseconds:.1f}" for stage, milliseconds in last.stages_ms.items()})
    return values
