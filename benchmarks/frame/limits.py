"""Roofline: time of each stage at the limit of arithmetic or memory."""

from __future__ import annotations

from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import UPSAMPLINGS

BOUND_BY = {
    "read": "memory",
    "voxels": "latency: a random access to the hash table wherever a point lies in another voxel than the one before",
    "gravity": "its trials, on a bounded number of points",
    "blocks": "latency: gathers of single points",
    "pyramid": "arithmetic: distances to every candidate near a box of queries, and picking the nearest of them",
    "network": "memory between narrow layers, and gathers; its products, three fifths of it, run near the ceiling",
    "labels": "memory: votes go to voxels in random order",
    "clusters": "arithmetic of mode seeking: each step visits the boxes that AABB pruning does not exclude",
    "merging": "latency: searches among the points near the borders",
    "painting": "memory, and the search that fills gaps",
    "publish": "memory: 52 bytes are written for each point",
}
"""Reason why each stage does not reach its roofline."""


def bytes_moved(points: int, voxels: int, blocks: int, c: NetworkConfiguration) -> dict[str, float]:
    """Bytes that each stage must read and write at least once: its input and its output."""
    drawn = blocks * c.points
    levels = (c.points, *c.levels)
    pyramid = levels[1] * (1 + c.encoder_neighbors)
    pyramid += sum(levels[level] * c.encoder_neighbors + levels[level + 1] * c.encoder_neighbors for level in (1, 2, 3))
    pyramid += sum(6 * levels[fine] for fine, _ in UPSAMPLINGS)
    return {
        "read": (16 + 15) * points,  # a record of 16 bytes; xyz and rgb
        "voxels": (12 + 4) * points + 19 * voxels,  # xyz, voxel of each point; index, xyz and rgb of each voxel
        "gravity": 24 * voxels,
        "blocks": 12 * voxels + (4 + 15 + 4 * c.channels) * drawn,
        "pyramid": 12 * drawn + 4 * pyramid * blocks,
        "labels": (4 * c.classes + 5) * drawn + 8 * c.classes * voxels,
        "clusters": (4 * c.embedding + 4) * drawn,
        "merging": (12 + 4 + 4 + 1) * drawn + 4 * voxels,
        "painting": 9 * voxels + (4 + 9) * points,
        "publish": (2 * 17 + 4 + 24 + 28) * points,  # twice xyz, label and confidence, once instance; both records
    }


def limits_ms(
    points: int, voxels: int, blocks: int, c: NetworkConfiguration, gflop: float, ceilings: dict
) -> dict[str, float]:
    """Milliseconds by stage: bytes over the copy's bandwidth; for the network, its `gflop` over the runtime's own."""
    limits = {
        stage: 1e-6 * count / ceilings["copy_gb_per_s"]
        for stage, count in bytes_moved(points, voxels, blocks, c).items()
    }
    limits["network"] = 1e3 * gflop / ceilings["sgemm_gflop_per_s"]["onnxruntime"]
    return limits
