"""State of a sensor from frame to frame: its device, picture size, exposure and faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.render.exposure import Exposure, random_exposure
from jspnet_core.synthetic.sensors.devices import Device
from jspnet_core.synthetic.sensors.stereo import Matching, matching_of
from jspnet_core.synthetic.sensors.time_of_flight import Flight, random_flight

GREY_SHARE = 0.06
"""Share of the frames whose driver gives no colour."""

REGISTERED_SHARE = 0.6
"""Share of the coloured frames whose driver drops what the colour camera does not see; others leave it black."""


@dataclass(frozen=True)
class Setup:
    """One sensor.

    width, height: pixels. exposure: of the colour camera; None where there is no colour. faults: of the depth
    measurement; None for lidars. registered: whether points outside the colour picture are dropped. seed: of what the
    scene keeps, the infrared brightness of its objects and the dirt on its panes.
    """

    device: Device
    width: int
    height: int
    exposure: Exposure | None
    faults: Matching | Flight | None
    registered: bool
    seed: int


def random_setup(device: Device, rng: np.random.Generator, width: int | None = None, aim: float = 1.0) -> Setup:
    """A sensor with faults and exposure drawn by chance.

    width: pixels, at most the device's, which is the default; the height goes with it. aim: as bright as usual.
    """
    width = min(width or device.width, device.width)
    colored = device.color_field_x > 0 and rng.random() >= GREY_SHARE
    return Setup(
        device=device,
        width=width,
        height=round(device.height * width / device.width),
        exposure=random_exposure(rng, aim) if colored else None,
        faults=_faults(device, width / device.width, rng),
        registered=bool(colored and rng.random() < REGISTERED_SHARE),
        seed=int(rng.integers(2**31)),
    )


def _faults(device: Device, scale: float, rng: np.random.Generator) -> Matching | Flight | None:
    if device.kind == "lidar":
        return None
    return random_flight(rng) if device.kind == "time_of_flight" else matching_of(device, scale, rng)
