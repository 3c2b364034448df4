"""A frame on the device: labels back on every input point, and a summary of each instance."""

from __future__ import annotations

import numpy as np

from jspnet_core.cuda.device import INT_MAX, Device, chunks, uploaded, zeros
from jspnet_core.cuda.frame import THREADS, DeviceVoxels
from jspnet_core.cuda.labels import ONE, Votes
from jspnet_core.cuda.merging import Instances
from jspnet_core.segmentation import Instance


def paint(
    device: Device, voxels: DeviceVoxels, votes: Votes, instances: Instances, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Instance]]:
    """As `fill_gaps`, `summarize_instances` and the painting of `Segmenter`: label, instance and confidence (N,)."""
    v, n = voxels.count, voxels.of_point.shape[0]
    labelled, missing = device.empty((v,), np.int32), device.empty((v,), np.int32)
    lengths, id_ = zeros(device, (2,), np.int32), device.empty((v,), np.uint32)
    grid, here = (chunks(v, THREADS), 1), voxels.count_on_device
    device.launch(
        "split_voxels",
        grid,
        THREADS,
        votes.label,
        instances.of_voxel,
        instances.names,
        here,
        labelled,
        missing,
        lengths,
        id_,
    )
    device.launch(
        "fill_gaps",
        grid,
        THREADS,
        voxels.xyz,
        labelled,
        missing,
        lengths,
        np.float32(reach),
        votes.label,
        votes.confidence,
        id_,
    )
    label, confidence = device.empty((n,), np.uint8), device.empty((n,), np.float32)
    instance, points = device.empty((n,), np.uint32), zeros(device, (v,), np.int32)
    device.launch(
        "paint",
        (chunks(n, THREADS), 1),
        THREADS,
        voxels.of_point,
        n,
        votes.label,
        votes.confidence,
        id_,
        label,
        confidence,
        instance,
        points,
    )
    found = max(instances.count, 1)
    sums = zeros(device, (found, 5), np.int64)
    bounds = uploaded(device, np.tile(np.array([INT_MAX] * 3 + [-INT_MAX - 1] * 3, np.int32), (found, 1)))
    device.launch("summarize", grid, THREADS, voxels.xyz, id_, votes.confidence, points, here, sums, bounds)
    summary = summaries(
        device.download(sums, instances.count),
        device.download(bounds, instances.count),
        device.download(instances.category, instances.count),
    )
    return device.download(label), device.download(instance), device.download(confidence), summary


def summaries(sums: np.ndarray, bounds: np.ndarray, category: np.ndarray) -> list[Instance]:
    """Instances that have a point. sums (K, 5) int64, bounds (K, 6) int32 ordered as their floats, category (K,)."""
    edges = np.where(bounds < 0, bounds ^ 0x7FFFFFFF, bounds).view(np.float32).astype(np.float64)
    return [
        Instance(
            k + 1,
            int(category[k]),
            float(row[4] / ONE / row[0]),
            int(row[0]),
            1e-6 * row[1:4] / row[0],
            edges[k, :3],
            edges[k, 3:],
        )
        for k, row in enumerate(sums)
        if row[0]
    ]
