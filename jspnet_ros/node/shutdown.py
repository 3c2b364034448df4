"""Ending a node from outside without pulling its ROS context from under its threads."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """What SIGINT and SIGTERM do to a node whose context was made without rclpy's signal handlers.

    Those shut the context down at once, in the middle of whatever publishes; that thread then fails with an error that
    has nothing to do with it. Here a signal raises KeyboardInterrupt while the node is being made, and ends `spin`,
    with the context still valid, afterwards.
    """

    def __init__(self) -> None:
        self._happened = False
        for number in SIGNALS:
            signal.signal(number, self._raise)

    def spin(self, node: Node) -> None:
        """Run the node's callbacks until a signal; the callback under way ends first. Signals after it do nothing."""
        if self._happened:  # and some library kept the KeyboardInterrupt for itself
            return
        executor, interrupted = SingleThreadedExecutor(context=node.context), Future()
        executor.add_node(node)
        receiver, sender = socket.socketpair()
        sender.setblocking(False)
        with receiver, sender:
            thread = threading.Thread(target=_complete, args=(interrupted, receiver), name="signals", daemon=True)
            thread.start()  # the main one may be waiting inside DDS when a signal comes
            signal.set_wakeup_fd(sender.fileno())
            for number in SIGNALS:
                signal.signal(number, lambda *_: None)
            executor.spin_until_future_complete(interrupted)
            signal.set_wakeup_fd(-1)
        executor.shutdown()

    def hold(self) -> None:
        """From now on a signal is kept for `check`: raised inside rclpy's C++ it comes out as another error."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raises KeyboardInterrupt if a signal came, also where some library kept the first one for itself."""
        if self._happened:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._happened = True

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self._note(number, frame)
        raise KeyboardInterrupt


def _complete(interrupted: Future, receiver: socket.socket) -> None:
    if receiver.recv(1):
        interrupted.set_result(None)
