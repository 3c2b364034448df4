"""Errors whose message is written for users: one sentence with what was found and what is accepted."""

from __future__ import annotations


class JspnetError(ValueError):
    """Base of every error that a user can correct: an input, a file, an option, or what a machine lacks.

    Commands print its message as one line and end with exit code 2; any other exception is a defect of the program.
    """


class CloudError(JspnetError):
    """A cloud that cannot be segmented.

    reason: a short slug for counting: shape, dtype, colors, empty, no_finite_point, extent.
    """

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


class ModelFileError(JspnetError):
    """A model file that cannot be used; names the file and the remedy."""


class ClassTableError(JspnetError):
    """Class tables that do not fit together; names both."""


class EngineError(JspnetError):
    """An inference engine that is not available on this machine; names the alternative."""


class KernelsError(EngineError):
    """CUDA kernels that are not available, although the network may run on the GPU."""
