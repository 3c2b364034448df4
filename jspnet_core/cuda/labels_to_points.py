"""Labels of voxels onto every input point, on the device; see `pipeline.labels_to_points`."""

from __future__ import annotations

import numpy as np

from jspnet_core.cuda.blocks import MICROMETRES
from jspnet_core.cuda.device import INT_MAX, THREADS, Device, chunks, uploaded, zeros
from jspnet_core.cuda.merging.block_merging import Instances
from jspnet_core.cuda.voting import PROBABILITY_ONE, DeviceLabels
from jspnet_core.cuda.voxelize import DeviceVoxels
from jspnet_core.segmentation import Instance


def labels_to_points(
    device: Device, voxels: DeviceVoxels, labels: DeviceLabels, instances: Instances, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Instance]]:
    """Fill gaps, paint points and summarise instances. Returns label, instance and confidence (N,), on the host.

    See `pipeline.labels_to_points`: `fill_gaps`, `paint_points` and `summarize_instances`.
    """
    v, n = voxels.count, voxels.of_point.shape[0]
    labelled, missing = device.empty((v,), np.int32), device.empty((v,), np.int32)
    lengths, id_ = zeros(device, (2,), np.int32), device.empty((v,), np.uint32)
    grid, here = (chunks(v, THREADS), 1), voxels.count_on_device
    device.launch(
        "split_voxels",
        grid,
        THREADS,
        labels.label,
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
        labels.label,
        labels.confidence,
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
        labels.label,
        labels.confidence,
        id_,
        label,
        confidence,
        instance,
        points,
    )
    found = max(instances.count, 1)
    sums = zeros(device, (found, 6), np.int64)
    bounds = uploaded(device, np.tile(np.array([INT_MAX] * 3 + [-INT_MAX - 1] * 3, np.int32), (found, 1)))
    device.launch("summarize", grid, THREADS, voxels.xyz, id_, labels.confidence, points, here, sums, bounds)
    summary = summaries(
        device.download(sums, instances.count),
        device.download(bounds, instances.count),
        device.download(instances.category, instances.count),
    )
    return device.download(label), device.download(instance), device.download(confidence), summary


def summaries(sums: np.ndarray, bounds: np.ndarray, category: np.ndarray) -> list[Instance]:
    """Instances that have a point. sums (K, 6) int64, bounds (K, 6) int32 ordered as their floats, category (K,)."""
    edges = np.where(bounds < 0, bounds ^ 0x7FFFFFFF, bounds).view(np.float32).astype(np.float64)
    return [
        Instance(
            k + 1,
            int(category[k]),
            float(row[4] / PROBABILITY_ONE / row[0]),
            int(row[0]),
            row[1:4] / MICROMETRES / row[0],
            edges[k, :3],
            edges[k, 3:],
            int(row[5]),
        )
        for k, row in enumerate(sums)
        if row[0]
    ]
