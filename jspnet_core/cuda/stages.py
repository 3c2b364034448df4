"""The steps of a cloud on one device: uploaded once, labels downloaded once. See `pipeline.stages`.

Downloads in between are a few numbers: how many voxels, how full the columns are, how many instances. Where gravity is
to be estimated the voxels come down, too, because that runs on the CPU; and with instances the voxels, their labels and
merged instances, because fragments are joined there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.blocks import DeviceBlocks, block_features, cut_blocks
from jspnet_core.cuda.device import DeviceArray, uploaded
from jspnet_core.cuda.device_network import DeviceNetwork
from jspnet_core.cuda.labels_to_points import labels_to_points
from jspnet_core.cuda.mean_shift import Clusters, empty_clusters, mean_shift
from jspnet_core.cuda.merging.block_merging import (
    Instances,
    Merged,
    finish_instances,
    merge_blocks,
    no_instances,
    split_by_class,
)
from jspnet_core.cuda.merging.contact import join_clusters
from jspnet_core.cuda.pyramid import DevicePyramids
from jspnet_core.cuda.voting import DeviceLabels, DeviceVotes
from jspnet_core.cuda.voxelize import DeviceVoxels, FoundVoxels, find_voxels, to_gravity_frame
from jspnet_core.pipeline.merging.merge import filter_sizes, merge_clusters, split_and_join
from jspnet_core.segmentation import Instance
from jspnet_core.settings import SegmenterSettings
from jspnet_core.spatial.transforms import rotation_about_z

Inputs = Mapping[str, DeviceArray]


@dataclass(frozen=True)
class CudaVoxels:
    """found: in the input frame; moved: in the gravity frame, None before; colors: (N, 3) uint8 of the input."""

    found: FoundVoxels
    colors: DeviceArray | None
    moved: DeviceVoxels | None = None

    @property
    def here(self) -> DeviceVoxels:
        assert self.moved is not None, "voxels are in the gravity frame from the second step on"
        return self.moved


class CudaStages:
    """The stages on a GPU, see `pipeline.stages.Stages`. Takes the network over and closes it.

    May be created, used and closed in different threads: the device belongs to a thread only during a call.
    at_end: called at the end of each timed stage; to wait for the device there is to time the stages, and to slow them.
    """

    def __init__(self, network: DeviceNetwork, about: str = "", at_end: Callable[[], None] | None = None):
        self.description, self.about = network.description, about
        self._network, self._device, self._at_end = network, network.device, at_end
        with network.current():
            c, inputs = self.description.configuration, network.inputs
            self._pyramids: DevicePyramids | None = DevicePyramids(self._device, c, inputs)

    def current(self) -> AbstractContextManager[None]:
        return self._network.current()

    def voxelize(self, points: np.ndarray, colors: np.ndarray | None, size: float) -> tuple[CudaVoxels, int]:
        found = find_voxels(self._device, points, size)
        rgb = None if colors is None or found.count == 0 else uploaded(self._device, colors)
        return CudaVoxels(found, rgb), found.count

    def representatives(self, voxels: CudaVoxels, points: np.ndarray) -> np.ndarray:
        return points[self._device.download(voxels.found.representative, voxels.found.count)]

    def to_gravity_frame(self, voxels: CudaVoxels, T_gravity_input: np.ndarray) -> CudaVoxels:
        moved = to_gravity_frame(self._device, voxels.found, T_gravity_input)
        return CudaVoxels(voxels.found, voxels.colors, moved)

    def rotate(self, voxels: CudaVoxels, T_gravity_input: np.ndarray, degrees: float) -> CudaVoxels:
        return self.to_gravity_frame(voxels, rotation_about_z(degrees) @ T_gravity_input)

    def cut_blocks(self, voxels: CudaVoxels, settings: SegmenterSettings, sensor: np.ndarray) -> DeviceBlocks:
        return cut_blocks(self._device, voxels.here, self.description.configuration, settings, sensor)

    def count_blocks(self, blocks: DeviceBlocks) -> tuple[int, int]:
        return len(blocks), blocks.left_out

    def batches(self, blocks: DeviceBlocks) -> Iterator[slice]:
        most = self._network.most
        return (slice(begin, min(begin + most, len(blocks))) for begin in range(0, len(blocks), most))

    def block_features(self, voxels: CudaVoxels, blocks: DeviceBlocks, batch: slice) -> Inputs:
        inputs, part = self._network.inputs, blocks.rows(batch.start, batch.stop)
        c = self.description.configuration
        block_features(self._device, voxels.here, part, voxels.colors, c, inputs["features"])
        return inputs

    def build_pyramids(self, _: Inputs, batch: slice) -> Inputs:
        assert self._pyramids is not None, "current() refuses what is closed"
        self._pyramids.build(batch.stop - batch.start)
        return self._network.inputs

    def run_network(self, _: Inputs, __: Inputs, batch: slice) -> tuple[DeviceArray, DeviceArray]:
        return self._network.run(batch.stop - batch.start)

    def no_votes(self, voxels: CudaVoxels, blocks: DeviceBlocks) -> DeviceVotes:
        return DeviceVotes(self._device, voxels.here, blocks, self.description.configuration.classes)

    def vote(self, votes: DeviceVotes, blocks: DeviceBlocks, batch: slice, logits: DeviceArray) -> None:
        votes.add(logits, batch.start, batch.stop)

    def no_clusters(self, blocks: DeviceBlocks) -> Clusters:
        return empty_clusters(self._device, blocks)

    def cluster(
        self, clusters: Clusters, blocks: DeviceBlocks, batch: slice, embeddings: DeviceArray, bandwidth: float
    ) -> None:
        counts = blocks.rows(batch.start, batch.stop).count
        mean_shift(self._device, embeddings, counts, bandwidth, clusters.rows(batch.start, batch.stop))

    def label_voxels(self, votes: DeviceVotes, blocks: DeviceBlocks, min_voxels: float) -> DeviceLabels:
        return votes.result_without_rare(min_voxels) if min_voxels else votes.result()

    def merge(
        self,
        voxels: CudaVoxels,
        blocks: DeviceBlocks,
        clusters: Clusters,
        labels: DeviceLabels,
        settings: SegmenterSettings,
    ) -> Instances:
        if len(blocks) == 0:
            return self.no_instances(voxels)
        d, here, s = self._device, voxels.here, settings
        sizes = filter_sizes(self.description, s)
        if s.merging == "legacy":
            merged = self._merge_on_cpu(here, blocks, clusters, labels, s)
        else:
            split_by_class(d, blocks, clusters, labels.block_label, len(sizes))
            merge = join_clusters if s.merging == "contact" else merge_blocks
            merged = merge(d, blocks, here, clusters, labels.block_label, len(sizes))
            merged = self._split_and_join_on_cpu(here, merged, labels, sizes, s)
        return finish_instances(d, here, merged, labels.label, sizes, s.min_instance_ratio)

    def no_instances(self, voxels: CudaVoxels) -> Instances:
        return no_instances(self._device, voxels.here)

    def labels_to_points(
        self, voxels: CudaVoxels, labels: DeviceLabels, instances: Instances, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Instance]]:
        return labels_to_points(self._device, voxels.here, labels, instances, reach)

    def end_stage(self) -> None:
        if self._at_end is not None:
            self._at_end()

    def close(self) -> None:
        if self._pyramids is not None:
            with self._network.current():  # its arrays go back to the device's memory
                self._pyramids = None
        self._network.close()

    def _merge_on_cpu(
        self, voxels: DeviceVoxels, blocks: DeviceBlocks, clusters: Clusters, labels: DeviceLabels, s: SegmenterSettings
    ) -> Merged:
        """Merge on the CPU: the reference's merging, for comparisons with the paper, has no kernel."""
        d, v = self._device, voxels.count
        xyz, label = d.download(voxels.xyz, v), d.download(labels.label, v)
        index, of_point, block_label = (d.download(a) for a in (blocks.index, clusters.of_point, labels.block_label))
        merged = merge_clusters(s.merging, xyz, index, of_point, block_label, label)
        return Merged(uploaded(d, merged), max(int(merged.max()) + 1, 1))

    def _split_and_join_on_cpu(
        self, voxels: DeviceVoxels, merged: Merged, labels: DeviceLabels, sizes: np.ndarray, s: SegmenterSettings
    ) -> Merged:
        """Split at gaps and join fragments. It has no kernel: union-find over a few hundred fragments is sequential."""
        d, v = self._device, voxels.count
        xyz, label = d.download(voxels.xyz, v), d.download(labels.label, v)
        joined = split_and_join(xyz, d.download(merged.of_voxel), label, sizes, s)
        return Merged(uploaded(d, joined), max(int(joined.max()) + 1, 1))
