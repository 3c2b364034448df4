"""Settings of the scene memory."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class MemorySettings(BaseModel):
    """Settings of `SceneMemory`; every field states its unit and its bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voxel_size: float = Field(0.05, ge=0.02, le=0.5, description="edge of a voxel of the map, metres")
    max_voxels: int = Field(1_000_000, ge=1000, le=20_000_000, description="most voxels in the map")
    radius: float = Field(15.0, ge=1.0, le=1000.0, description="metres around the sensor beyond which voxels are freed")
    range_scale: float = Field(
        3.0, gt=0.0, le=100.0, description="metres at which a view counts half as much as one from near"
    )
    max_weight: float = Field(
        30.0,
        ge=1.0,
        le=200.0,
        description="votes of a voxel are halved beyond this many sure views from near, so that new views still count",
    )
    free_margin: float = Field(
        0.15, ge=0.0, le=2.0, description="metres that the sensor must see beyond a voxel to count it as free"
    )
    free_views: int = Field(3, ge=1, le=100, description="views through a voxel after which it is freed")
    match_share: float = Field(
        0.3, gt=0.0, le=1.0, description="share of an instance's voxels that must be an object's to be that object"
    )
    merge_views: int = Field(
        3, ge=1, le=100, description="views that must see two objects as one before they are merged"
    )
    split_views: int = Field(3, ge=1, le=100, description="views that must see one object as two before it is split")
    min_object_voxels: int = Field(6, ge=1, le=10_000, description="voxels of the smallest object")
    min_object_views: int = Field(2, ge=1, le=100, description="views from which an object is listed")
    max_speed: float = Field(
        5.0, gt=0.0, le=100.0, description="metres per second; a pose that moves faster has jumped (loop closure)"
    )
    jump_keep: float = Field(0.3, ge=0.0, le=1.0, description="share of the votes that is kept when the pose jumps")
    up_axis_known: bool = Field(
        True, description="whether the map frame has z up; False: gravity is estimated per frame"
    )
