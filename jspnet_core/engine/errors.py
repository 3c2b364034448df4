"""Why an engine cannot be had."""

from __future__ import annotations


class EngineError(ValueError):
    """An engine that cannot be had on this machine: one sentence with the choice that is left."""
