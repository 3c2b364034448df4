"""Settings of the segmentation of a cloud; node parameters and command-line options are made from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

UpAxis = Literal["auto", "optical", "x", "y", "z", "-x", "-y", "-z"]

MaxBlocks = Annotated[
    int, Field(ge=0, le=100_000, description="most blocks per cloud, nearest to the sensor first; 0: no bound")
]
Stride = Annotated[
    float,
    Field(
        ge=0.1,
        le=1.0,
        description="distance between neighbouring blocks as a share of their width; 0.5 as in the paper",
    ),
]
Turn = Annotated[
    float,
    Field(
        ge=-180.0,
        le=180.0,
        description="angle between the blocks' axes and the cloud's, in degrees about z: yaw offset of the block grid: "
        "training rotates rooms at random, so walls parallel to the blocks, as in scans of whole rooms, are rare there",
    ),
]
AlwaysKept = Annotated[
    int,
    Field(
        ge=0,
        le=1_000_000,
        description="instances of more voxels than this stay, however large their class usually is; 0: no such bound",
    ),
]


Bandwidth = Annotated[float, Field(gt=0.0, le=10.0, description="mean-shift bandwidth in embedding units")]
SplitGap = Annotated[
    float,
    Field(
        ge=0.0,
        le=10.0,
        description="an instance is split where a part of it lies further than this from the rest, in metres; 0: never",
    ),
]
MinClassArea = Annotated[
    float,
    Field(
        ge=0.0,
        le=100.0,
        description="a class that covers less than this of the cloud, in square metres, is suppressed: its voxels "
        "take their next best class; 0: no such bound",
    ),
]


class SegmenterSettings(BaseModel):
    """Settings of `Segmenter`; every field states its unit and its bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    up_axis: UpAxis = Field(
        "auto",
        description="which axis of a cloud points up, where no transform is given: auto (decided by floor, walls and "
        "viewpoint, with any tilt), optical (a camera's axes, x right, y down, z forward, with its tilt), or one axis "
        "exactly; the height of the floor is estimated in all cases",
    )
    voxel_size: float = Field(0.03, ge=0.005, le=0.2, description="edge of a voxel in metres")
    stride: Stride = 0.75
    turn: Turn = 30.0
    max_blocks: MaxBlocks = 0
    min_block_points: int = Field(32, ge=1, le=4096, description="blocks with fewer voxels are left out")
    bandwidth: Bandwidth = 0.7  # the paper's is 0.6
    merging: Literal["contact", "fixed", "legacy"] = Field(
        "contact",
        description="how clusters of neighbouring blocks become one instance: where they touch (contact), or by the "
        "points that blocks share: BlockMerging without the reference's id-0 defect (fixed), or with it (legacy)",
    )
    split_gap: SplitGap = 0.15
    min_class_area: MinClassArea = 0.15
    min_instance_ratio: float = Field(
        0.2,
        ge=0.0,
        le=1.0,
        description="instances of fewer drawn voxels than this share of their class's mean size are dropped",
    )
    always_kept: AlwaysKept = 0
    min_confidence: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="objects of a lower confidence are dropped, and their points keep their class; it is the mean "
        "probability of an object's points times A / (A + 0.45), A its visible surface in square metres; 0: all stay",
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="of the points that a block draws where it has more than the network takes"
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads of the network; 0: one per core")


class FrameSettings(SegmenterSettings):
    """Settings for single frames of a sensor: bounded time, and objects of which one side is visible."""

    stride: Stride = 1.0
    turn: Turn = 0.0  # a sensor's heading is arbitrary
    max_blocks: MaxBlocks = 32
    split_gap: SplitGap = 0.0  # an object behind another one is visible in parts, and yet one instance
    min_class_area: MinClassArea = 0.1  # it may show a small part of the only object of a class
    always_kept: AlwaysKept = 60  # a frame shows a piece of the floor, and its mean size is that of a whole one


def min_class_voxels(settings: SegmenterSettings) -> float:
    """Voxels that a class of a cloud must have: what is seen are surfaces, and a voxel counts as one of its faces."""
    return settings.min_class_area / settings.voxel_size**2
