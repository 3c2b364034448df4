"""Threads and timers."""
