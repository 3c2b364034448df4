"""Processes of tests share the machine: one thread each for what PyTorch computes, where two of them run."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported; waiting threads would take the other's core
    os.environ.setdefault("OMP_NUM_THREADS", "1")
