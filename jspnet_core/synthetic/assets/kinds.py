"""Kinds of furniture and things, and the class of each in the table `indoor`."""

from __future__ import annotations

from jspnet_core.classes import INDOOR

CLASS_ID = {name: number for number, name in enumerate(INDOOR.names)}

# What is not named here is clutter.
_KINDS_OF_CLASS = {
    "wall": "wall",
    "beam": "beam",
    "column": "column",
    "window": "window blind shutter glass_wall",
    "door": "door double_door garage_door elevator",
    "table": "dining_table desk coffee_table side_table bar_table office_table meeting_table game_table workbench "
    "changing_table dressing_table",
    "chair": "chair office_chair bar_stool lounge_chair bench stool child_chair wheelchair bar_chair high_chair",
    "sofa": "sofa armchair corner_sofa ottoman",
    "bookcase": "bookcase shelf wall_shelf shop_shelf metal_rack",
    "board": "whiteboard pinboard projection_screen blackboard flipchart",
    "bed": "bed bunk_bed crib futon",
    "cabinet": "cabinet kitchen_wall_cabinet kitchen_tall_cabinet filing_cabinet tv_stand wardrobe locker chest "
    "nightstand wall_unit drawers sideboard",
    "counter": "kitchen_counter kitchen_island shop_counter",
    "appliance": "fridge freezer oven stove dishwasher washing_machine microwave hood cooktop",
    "sanitary": "toilet sink bathtub shower bidet urinal vanity shower_head",
    "screen": "tv wall_tv monitor laptop computer projector",
    "lamp": "lamp_ceiling lamp_table lamp_floor lamp_wall",
    "plant": "plant plant_small flowers",
    "curtain": "curtain shower_curtain",
    "picture": "picture poster",
}
CLASS_OF_KIND = {kind: CLASS_ID[name] for name, kinds in _KINDS_OF_CLASS.items() for kind in kinds.split()}


def class_of(kind: str) -> int:
    """Class id in the table `indoor`; kinds without a class of their own are clutter."""
    return CLASS_OF_KIND.get(kind, CLASS_ID["clutter"])
