"""Constants of the kernels, given to the compiler: every value has one definition, in Python."""

from __future__ import annotations

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.cuda.blocks import MICROMETRES
from jspnet_core.cuda.device import MAX_THREADS, THREADS
from jspnet_core.cuda.device_network import MAX_DIMS, POINTS_PER_THREAD
from jspnet_core.cuda.voting import PROBABILITY_ONE
from jspnet_core.cuda.voxelize import CHUNK
from jspnet_core.pipeline.mean_shift_kernels import CONVERGED
from jspnet_core.pipeline.merging.block_merging import MIN_NEW_POINTS, MIN_OVERLAP
from jspnet_core.pipeline.merging.contact import MIN_CONTACT_POINTS, MIN_CONTACT_SHARE

CONSTANTS: dict[str, int | float] = {
    "CHUNK": CHUNK,
    "CONVERGED": CONVERGED,
    "MAX_DIMS": MAX_DIMS,
    "MAX_THREADS": MAX_THREADS,
    "MICROMETRES": MICROMETRES,
    "MIN_CONTACT_POINTS": MIN_CONTACT_POINTS,
    "MIN_CONTACT_SHARE": MIN_CONTACT_SHARE,
    "MIN_NEW_POINTS": MIN_NEW_POINTS,
    "MIN_OVERLAP": MIN_OVERLAP,
    "NO_INSTANCE": NO_INSTANCE,
    "POINTS_PER_THREAD": POINTS_PER_THREAD,
    "PROBABILITY_ONE": PROBABILITY_ONE,
    "THREADS": THREADS,
    "UNLABELLED": UNLABELLED,
}


def compiler_defines() -> list[str]:
    """Options that define the constants for nvcc and g++."""
    return [f"-D{name}={value!r}" for name, value in CONSTANTS.items()]
