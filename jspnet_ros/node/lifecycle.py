"""Lifecycle helpers that rclpy's managed nodes lack: logged exceptions, refused transitions, returned memory."""

from __future__ import annotations

import ctypes
import gc
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

AnyNode = TypeVar("AnyNode", bound=LifecycleNode)
Transition = Callable[[AnyNode, LifecycleState], TransitionCallbackReturn]


def logged(transition: Transition[AnyNode]) -> Transition[AnyNode]:
    """Log the exceptions of a transition; rclpy turns them into an error state without a log line."""

    def with_log(node: AnyNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception:
            node.get_logger().error(f"{transition.__name__} failed:\n{traceback.format_exc()}")
            raise

    return with_log


def answer_impossible_transitions(node: LifecycleNode) -> None:
    """Refuse a requested transition that is not available in the node's state; rclpy would end the process."""
    service = next(s for s in node.services if s.srv_type is ChangeState)
    change_state = service.callback

    def change_if_possible(request: Any, response: Any) -> Any:
        possible = [(t[0], t[1]) for t in node._state_machine.available_transitions]
        wanted = request.transition
        if not any(wanted.label == label if wanted.label else wanted.id == id_ for id_, label in possible):
            node.get_logger().warning(
                f"transition {wanted.label or wanted.id} refused: in state {node._state_machine.current_state[1]} "
                f"accepted are {', '.join(f'{label} ({id_})' for id_, label in possible)}"
            )
            response.success = False
            return response
        return change_state(request, response)

    service.callback = change_if_possible


def return_memory() -> None:
    """Give the memory of a closed model back to the system, where the C library can: glibc would keep it.

    Threads and the objects they work for refer to each other, so that only the garbage collector frees them.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
