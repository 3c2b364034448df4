"""Network configuration: system, widths, geometry and interpretation of the paper."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

System = Literal["pointnet", "pointnet2", "asis", "jsnet", "jspnet"]
Order = Literal["parallel", "ins2sem-sem2ins", "sem2ins-ins2sem"]
Size = Literal["s", "m", "l"]

SYSTEMS: dict[str, dict[str, str]] = {
    "pointnet": {"backbone": "pointnet", "fusion_kind": "none"},
    "pointnet2": {"backbone": "pointnet2", "fusion_kind": "none"},
    "asis": {"backbone": "pointnet2", "fusion_kind": "asis"},
    "jsnet": {"backbone": "pointconv", "fusion_kind": "jiss"},
    "jspnet": {"backbone": "pointconv", "fusion_kind": "siff+piff"},
}
"""Backbone and fusion of each named system."""


class PointNetWidths(BaseModel):
    """Widths of the PointNet backbone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    local: tuple[int, ...] = Field((64, 64, 64, 128, 1024), description="of the layers that see one point")
    block: tuple[int, ...] = Field((256, 128), description="of the layers that see the block's maximum")
    decoder: tuple[int, ...] = Field((512, 256), description="of each task's decoder")


class NetworkConfiguration(BaseModel):
    """Configuration of the network and of the pyramids that it takes. Lengths are metres.

    The defaults are the paper's widths with the readings that this project recommends: 8.30 M parameters.
    `system` chooses `backbone` and `fusion_kind` where they are not given themselves. Derive configurations by
    `NetworkConfiguration(...)`, `.narrow(...)` or `.of_size(...)`, which check and fill in, not by `model_copy`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: System = Field("jspnet", description="shorthand for a backbone and a fusion, see SYSTEMS")
    backbone: Literal["pointnet", "pointnet2", "pointconv"] = Field(
        "pointconv", description="encoder and decoders; pointconv: those of JSNet and JSPNet"
    )
    fusion_kind: Literal["none", "asis", "jiss", "siff", "piff", "siff+piff"] = Field(
        "siff+piff", description="fusion between the branches; none: no fusion"
    )
    pcff: bool = Field(True, description="the pointconv decoders join three scales (PCFF), or use the finest alone")

    classes: int = Field(13, ge=1, le=254, description="C, semantic classes")
    embedding: int = Field(5, ge=1, description="K, width of the instance embedding")
    color: bool = Field(True, description="points carry red, green, blue besides their coordinates")
    block_size: float = Field(1.0, gt=0, description="edge of a block on the ground plane")

    points: int = Field(4096, ge=64, description="N, points of a block: level 0 of the pyramid")
    levels: tuple[int, int, int, int] = Field((1024, 256, 64, 32), description="points of levels 1 to 4")
    radii: tuple[float, float, float, float] = Field(
        (0.1, 0.2, 0.4, 0.8), description="of the ball query (first) and of the density's balls"
    )
    density_variances: tuple[float, float, float] = Field((0.1, 0.2, 0.4), description="m^2, of the density's kernel")
    density_neighbors: int = Field(128, ge=1, description="most neighbours that a density looks at")
    encoder_neighbors: int = Field(32, ge=1, description="of the ball query and the encoder's kNN")
    decoder_neighbors: int = Field(16, ge=1, description="of the decoders' kNN")

    set_abstraction: tuple[int, ...] = Field((32, 32, 64), description="widths of enc1")
    point_conv: tuple[tuple[int, ...], ...] = Field(
        ((64, 64, 128), (128, 128, 256), (256, 256, 512)), description="widths of enc2 to enc4"
    )
    decoder: tuple[tuple[int, ...], ...] = Field(
        ((512, 512), (256, 256), (256, 128)), description="widths of fa1 to fa3, the depth-wise PointConv layers"
    )
    propagation: tuple[int, ...] = Field((128, 128, 128), description="widths of fa4, the feature propagation")
    feature_propagation: tuple[tuple[int, ...], ...] = Field(
        ((256, 256), (256, 256), (256, 128)), description="widths of pointnet2's other feature propagations"
    )
    pointnet: PointNetWidths = PointNetWidths()
    weight_net: int = Field(32, ge=1, description="width of the PointConv weight nets")
    density_net: int = Field(16, ge=1, description="width of the PointConv density nets")
    fusion: int = Field(128, ge=1, description="width of PCFF, SIFF and the heads")
    d_k: int = Field(64, ge=1, description="width of PIFF's queries and keys")
    d_v: int = Field(128, ge=1, description="width of PIFF's values")
    dropout: float = Field(0.5, ge=0, lt=1, description="before the last layer of both heads")

    siff_main: Literal["own", "other"] = Field("own", description="SIFF's main branch; other: eqs. 10-11 to the letter")
    siff_center: Literal["mean", "min"] = Field("mean", description="eq. 8, or the figure and the reference code (min)")
    siff_p_scale: bool = Field(False, description="the factor p of eq. 9")
    siff_join: Literal["concat", "residual"] = Field(
        "concat", description="the main branch ++ what is mixed in, or own ++ own + mixed (the reference code)"
    )
    siff_order: Order = Field("parallel", description="which branch's SIFF comes first (Table 7)")
    piff_keys: Literal["points", "level1", "level2", "pairs"] = Field(
        "points",
        description="which points offer keys and values: all N; those of level 1 or 2 (fewer, evenly spread); or means "
        "of two that follow each other (the reference code)",
    )
    piff_values: Literal["other", "own"] = Field("other", description="keys and values; own: eq. 12 to the letter")
    piff_join: Literal["concat", "add"] = Field("concat", description="eqs. 15-16, or the figure (add)")
    piff_dropout: float = Field(0.0, ge=0, lt=1, description="of the attention's probabilities; reference code: 0.5")
    piff_heads: Literal["own", "swapped"] = Field("own", description="swapped: each feeds the other task's head (code)")
    piff_order: Order = Field("parallel", description="which branch's PIFF comes first (Table 7)")

    @model_validator(mode="before")
    @classmethod
    def _system_fills_in(cls, given: Any) -> Any:
        """A checkpoint from before there were systems holds none of the three: it is a JSPNet."""
        return {**SYSTEMS.get(given.get("system", "jspnet"), {}), **given} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _orders_fit(self) -> NetworkConfiguration:
        if self.siff_order != "parallel" and self.siff_main == "other" and self.siff_join == "concat":
            raise ValueError("siff_order must be parallel, or siff_join residual, where siff_main is other")
        if self.piff_keys == "pairs" and self.points % 2:
            raise ValueError(f"piff_keys pairs needs an even number of points, found points={self.points}")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> NetworkConfiguration:
        sizes = (self.points, *self.levels)
        if any(a < b for a, b in zip(sizes, sizes[1:], strict=False)):
            raise ValueError(f"levels must not grow, found {sizes}")
        if self.encoder_neighbors > self.levels[2] or self.decoder_neighbors > self.encoder_neighbors:
            raise ValueError(
                f"decoder_neighbors <= encoder_neighbors <= levels[2] is needed, found "
                f"{self.decoder_neighbors}, {self.encoder_neighbors}, {self.levels[2]}"
            )
        if self.propagation[-1] != self.decoder[2][-1] or self.decoder[1][-1] != 2 * self.propagation[-1]:
            raise ValueError("PCFF adds fa2 to fa4 ++ fa3: decoder[1][-1] == 2 * decoder[2][-1] == 2 * propagation[-1]")
        return self

    @property
    def has_siff(self) -> bool:
        return self.fusion_kind in ("siff", "siff+piff")

    @property
    def has_piff(self) -> bool:
        return self.fusion_kind in ("piff", "siff+piff")

    @property
    def piff_samples(self) -> bool:
        """Return whether PIFF's keys are the points of a pyramid level, whose number is fixed."""
        return self.piff_keys in ("level1", "level2")

    @property
    def piff_key_count(self) -> int:
        """Keys that each of PIFF's queries looks at."""
        n1, n2, *_ = self.levels
        return {"points": self.points, "level1": n1, "level2": n2, "pairs": self.points // 2}[self.piff_keys]

    @property
    def channels(self) -> int:
        """Width of a point's features: block x y z, (red green blue,) room x y z."""
        return 9 if self.color else 6

    @classmethod
    def narrow(cls, **changes: Any) -> NetworkConfiguration:
        """Half the widths and points, keys of PIFF from level 2: a sixth of the weights, for machines without a GPU."""
        half = dict(
            points=2048,
            levels=(512, 128, 32, 16),
            set_abstraction=(16, 16, 32),
            point_conv=((32, 32, 64), (64, 64, 128), (128, 128, 256)),
            decoder=((256, 256), (128, 128), (128, 64)),
            propagation=(64, 64, 64),
            feature_propagation=((128, 128), (128, 128), (128, 64)),
            pointnet=PointNetWidths(local=(32, 32, 32, 64, 512), block=(128, 64), decoder=(256, 128)),
            weight_net=16,
            fusion=64,
            d_k=16,
            d_v=32,
            piff_keys="level2",
        )
        return cls(**{**half, **changes})

    @classmethod
    def of_size(cls, size: Size, **changes: Any) -> NetworkConfiguration:
        """A network by its size.

        All take blocks of 2 m: walls, doors and bookcases look too much alike in the paper's blocks of 1 m.
        l: the paper's widths. m: half of them. s: m with half the points.
        """
        if size == "l":
            return cls(**{"block_size": 2.0, **changes})
        finest = dict(points=4096, levels=(1024, 256, 64, 32)) if size == "m" else {}
        return cls.narrow(**{"block_size": 2.0, **finest, **changes})
