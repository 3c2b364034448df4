"""Ending a node on SIGINT and SIGTERM while its ROS context stays valid for the threads that still publish."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Signal handling for a node whose context was made without rclpy's signal handlers.

    Those shut the context down at once, in the middle of a publication; the publishing thread then fails with an
    unrelated error. Here a signal raises KeyboardInterrupt while the node is being made, and ends `spin`, with the
    context still valid, afterwards.
    """

    def __init__(self) -> None:
        self._happened = False
        self._ended = threading.Event()
        for number in SIGNALS:
            signal.signal(number, self._raise)

    def spin(self, node: Node) -> None:
        """Run the node's callbacks until a signal or `end`; the current callback is finished first.

        Not `spin_until_future_complete`: rclpy adds a callback to the future with every wake-up and never removes it.
        """
        if self._happened:  # and some library kept the KeyboardInterrupt for itself
            return
        executor = SingleThreadedExecutor(context=node.context)
        executor.add_node(node)
        wake = node.create_guard_condition(lambda: None)
        receiver, sender = socket.socketpair()
        sender.setblocking(False)
        with receiver, sender:
            thread = threading.Thread(target=self._await_signal, args=(receiver, wake.trigger), daemon=True)
            thread.start()  # the main thread may be waiting inside DDS when a signal comes
            signal.set_wakeup_fd(sender.fileno())
            for number in SIGNALS:
                signal.signal(number, lambda *_: None)
            while not self._ended.is_set():
                executor.spin_once()
            signal.set_wakeup_fd(-1)
        node.destroy_guard_condition(wake)
        executor.shutdown()

    def end(self) -> None:
        """End `spin` after the current callback; to be called from one of the node's callbacks."""
        self._ended.set()

    def hold(self) -> None:
        """From now on keep a signal for `check`: KeyboardInterrupt inside rclpy's C++ comes out as another error."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came, also where some library kept the first one for itself."""
        if self._happened:
            raise KeyboardInterrupt

    def _await_signal(self, receiver: socket.socket, wake: Callable[[], None]) -> None:
        try:
            signalled = receiver.recv(1)
        except OSError:  # `spin` ended without a signal and closed the socket
            return
        if signalled:
            self._ended.set()
            wake()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._happened = True

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self._note(number, frame)
        raise KeyboardInterrupt
