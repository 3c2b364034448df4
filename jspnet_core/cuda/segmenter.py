"""A whole frame on the device: uploaded once, labels downloaded once. `GpuSegmenter._segment` is the list of its steps.

Downloads in between are a few numbers: how many voxels, how full the columns are, how many instances. Where no
transform is given the voxels come down too, because gravity is found on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.cuda.device import DeviceArray, uploaded
from jspnet_core.cuda.device_network import DeviceNetwork, check_fits
from jspnet_core.cuda.frame import (
    DeviceBlocks,
    DevicePyramids,
    DeviceVoxels,
    block_features,
    cut_blocks,
    find_voxels,
    in_gravity_frame,
)
from jspnet_core.cuda.labels import Clusters, DeviceVotes, Votes, mean_shift, no_clusters
from jspnet_core.cuda.labels_to_points import paint
from jspnet_core.cuda.merging import (
    Instances,
    Merged,
    join_clusters,
    merge_blocks,
    name_instances,
    no_instances,
    split_by_class,
)
from jspnet_core.pipeline.merging.connected_components import split_at_gaps
from jspnet_core.pipeline.segmenter import check_cloud, filter_sizes, gravity_transform, merge_on_cpu, no_finite_point
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import SegmenterSettings, min_class_voxels
from jspnet_core.spatial.transforms import rotation_about_z
from jspnet_core.util.stage_timer import StageTimer


class GpuSegmenter:
    """As `pipeline.segmenter.Segmenter`, all of a frame on one device. Not for several threads at once.

    It may be opened, used and closed in different threads: the device belongs to a thread only during a call.
    Raises `KernelsError` for a model that the kernels are not made for.
    """

    def __init__(self, network: DeviceNetwork, settings: SegmenterSettings | None = None):
        self.settings = settings or SegmenterSettings()
        self.description = network.description
        self.classes: ClassTable = self.description.class_table()
        self.model_name: str = self.description.name
        self.about = ""
        self.after_stage: Callable[[], None] | None = None
        """Called at the end of each stage; to wait for the device here is to time the stages, and to slow them."""
        c = self.description.configuration
        check_fits(c)
        self._network, self._device = network, network.device
        with network.current():
            self._pyramids: DevicePyramids | None = DevicePyramids(self._device, c, network.inputs)

    def close(self) -> None:
        """Free the device; may be called twice."""
        if self._pyramids is not None:
            with self._network.current():  # its arrays go back to the device's memory
                self._pyramids = None
        self._network.close()

    def segment(
        self,
        points: np.ndarray,
        colors: np.ndarray | None = None,
        *,
        T_gravity_input: np.ndarray | None = None,
        instances: bool = True,
    ) -> Segmentation:
        """See `pipeline.segmenter.Segmenter.segment`; blocks draw their points in another random order."""
        check_cloud(points, colors)
        with self._network.current():
            return self._segment(points, colors, T_gravity_input, instances)

    def _segment(
        self, points: np.ndarray, colors: np.ndarray | None, given: np.ndarray | None, instances: bool
    ) -> Segmentation:
        s, d, c, clock = self.settings, self._device, self.description.configuration, StageTimer()
        with self._stage(clock, "voxels"):
            found_voxels = find_voxels(d, points, s.voxel_size)
            if found_voxels.count == 0:
                raise no_finite_point(points)
            rgb = None if colors is None else uploaded(d, colors)
        with self._stage(clock, "gravity"):
            down = slice(0) if given is not None else d.download(found_voxels.representative, found_voxels.count)
            gravity = gravity_transform(points[down], given, s)
            T = gravity.T_gravity_input
            voxels = in_gravity_frame(d, found_voxels, T)
        with self._stage(clock, "blocks"):
            turned = rotation_about_z(s.turn) @ T
            seen = in_gravity_frame(d, found_voxels, turned) if s.turn else voxels  # by the network
            blocks = cut_blocks(d, seen, c, s, turned[:2, 3])
        ballots, clusters = DeviceVotes(d, voxels, blocks, c.classes), no_clusters(d, blocks)
        self._label_blocks(seen, rgb, blocks, ballots, clusters, clock, instances)
        with self._stage(clock, "labels"):
            votes = ballots.result_without_rare(min_class_voxels(s)) if s.min_class_area else ballots.result()
        if instances:
            with self._stage(clock, "merging"):
                named = self._merge(voxels, blocks, clusters, votes)
        else:
            named = no_instances(d, voxels)
        with self._stage(clock, "painting"):
            label, instance, confidence, found = paint(d, voxels, votes, named, reach=4 * s.voxel_size)
        return Segmentation(
            label,
            instance,
            confidence,
            found,
            T,
            gravity.source,
            len(blocks),
            blocks.left_out,
            clock.milliseconds,
            gravity.is_sure,
        )

    def _label_blocks(
        self,
        voxels: DeviceVoxels,
        rgb: DeviceArray | None,
        blocks: DeviceBlocks,
        ballots: DeviceVotes,
        clusters: Clusters,
        clock: StageTimer,
        instances: bool,
    ) -> None:
        """Send the blocks through the network, as many at a time as it takes; adds to `ballots` and `clusters`."""
        s, d, c, most = self.settings, self._device, self.description.configuration, self._network.most
        assert self._pyramids is not None, "current() refuses what is closed"
        for begin in range(0, len(blocks), most):
            end = min(begin + most, len(blocks))
            part = blocks.rows(begin, end)
            with self._stage(clock, "blocks"):
                block_features(d, voxels, part, rgb, c, self._network.inputs["features"])
            with self._stage(clock, "pyramid"):
                self._pyramids.build(len(part))
            with self._stage(clock, "network"):
                logits, embeddings = self._network.run(len(part))
            with self._stage(clock, "labels"):
                ballots.add(logits, begin, end)
            if instances:
                with self._stage(clock, "clusters"):
                    mean_shift(d, embeddings, part.count, s.bandwidth, clusters.rows(begin, end))

    def _merge(self, voxels: DeviceVoxels, blocks: DeviceBlocks, clusters: Clusters, votes: Votes) -> Instances:
        s, d = self.settings, self._device
        sizes = filter_sizes(self.description, s)
        if len(blocks) == 0:
            return no_instances(d, voxels)
        if s.merging == "legacy":
            return self._merge_on_cpu(voxels, blocks, clusters, votes)
        split_by_class(d, blocks, clusters, votes.block_label, len(sizes))
        merge = join_clusters if s.merging == "contact" else merge_blocks
        merged = merge(d, blocks, voxels, clusters, votes.block_label, len(sizes))
        if s.split_gap:
            merged = self._split_on_cpu(voxels, merged)
        return name_instances(d, voxels, merged, votes.label, sizes, s.min_instance_ratio)

    def _merge_on_cpu(self, voxels: DeviceVoxels, blocks: DeviceBlocks, clusters: Clusters, votes: Votes) -> Instances:
        """The reference's merging, for comparisons with the paper: it has no kernel."""
        s, d, v = self.settings, self._device, voxels.count
        xyz, label = d.download(voxels.xyz, v), d.download(votes.label, v)
        index, of_point, block_label = (d.download(a) for a in (blocks.index, clusters.of_point, votes.block_label))
        merged = merge_on_cpu(s.merging, xyz, index, of_point, block_label, label)
        of_voxel = uploaded(d, merged)
        return name_instances(
            d,
            voxels,
            Merged(of_voxel, max(int(merged.max()) + 1, 1)),
            votes.label,
            filter_sizes(self.description, s),
            s.min_instance_ratio,
        )

    def _split_on_cpu(self, voxels: DeviceVoxels, merged: Merged) -> Merged:
        """For whole rooms: frames of a sensor are not split, and so it has no kernel."""
        d, v = self._device, voxels.count
        pieces = split_at_gaps(d.download(voxels.xyz, v), d.download(merged.of_voxel), self.settings.split_gap)
        return Merged(uploaded(d, pieces), max(int(pieces.max()) + 1, 1))

    @contextmanager
    def _stage(self, clock: StageTimer, name: str) -> Iterator[None]:
        with clock.stage(name):
            yield
            if self.after_stage is not None:
                self.after_stage()
