"""Stamps of message headers as integers; every value that the message can hold is accepted."""

from __future__ import annotations

from builtin_interfaces.msg import Time


def stamp_ns(stamp: Time) -> int:
    """Convert a stamp to nanoseconds since 1970; negative where its seconds are (rclpy's `Time` refuses those)."""
    return stamp.sec * 10**9 + stamp.nanosec
