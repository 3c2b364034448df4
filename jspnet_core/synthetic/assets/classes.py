"""Classes of the table `indoor` by kind of furniture."""

from __future__ import annotations

from jspnet_core.classes import S3DIS

NAMES = (*S3DIS.names, "bed", "cabinet", "counter", "appliance", "sanitary")
NAMES += ("screen", "lamp", "plant", "curtain", "picture")
INDOOR_ID = {name: number for number, name in enumerate(NAMES)}
"""Numbers of the classes: the 13 of S3DIS first, with their numbers."""

_KINDS = {
    "bed": "bed bunk_bed crib futon",
    "cabinet": "cabinet chest drawers filing_cabinet kitchen_tall_cabinet kitchen_wall_cabinet locker nightstand "
    "tv_stand wardrobe",
    "counter": "kitchen_counter kitchen_island",
    "appliance": "air_conditioner cooktop dishwasher freezer fridge heater hood microwave oven printer stove "
    "washing_machine water_cooler water_heater",
    "sanitary": "bathtub bidet shower sink toilet urinal vanity",
    "screen": "laptop monitor tv",
    "lamp": "lamp_ceiling lamp_floor lamp_table lamp_wall",
    "plant": "flowers plant plant_small",
    "curtain": "curtain shower_curtain",
    "picture": "picture picture_stand",
}
_CLASS_OF_KIND = {kind: name for name, kinds in _KINDS.items() for kind in kinds.split()}


def indoor_class(kind: str, s3dis: str) -> int:
    """Class of the table `indoor`: by kind where one of its own classes fits, else the class in S3DIS.

    Raises KeyError for a kind without a class of its own whose S3DIS class is unknown.
    """
    return INDOOR_ID[_CLASS_OF_KIND.get(kind, s3dis)]
