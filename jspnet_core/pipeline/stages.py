"""The steps that label a cloud, as an interface: on the CPU (`cpu_stages`) and on a GPU (`cuda.stages`).

`Segmenter.segment` calls them in order. What one step returns is only handed to later ones: voxels, blocks and labels
are numpy arrays on the CPU and arrays in the device's memory on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from jspnet_core.model_file import ModelDescription
from jspnet_core.segmentation import Instance
from jspnet_core.settings import SegmenterSettings

Voxels = Any
Blocks = Any
Batch = Any
Features = Any
Pyramids = Any
Votes = Any
Labels = Any
Clusters = Any
Instances = Any


class Stages(Protocol):
    """The steps of one cloud. V voxels, B blocks of N points, C classes; every frame is metric.

    description: of the model. about: runtime and precision of the network, for the log; may be empty.
    """

    description: ModelDescription
    about: str

    def current(self) -> AbstractContextManager[None]:
        """Make the device the calling thread's; all steps are called inside."""
        ...

    def voxelize(self, points: np.ndarray, colors: np.ndarray | None, size: float) -> tuple[Voxels, int]:
        """One representative point per voxel of edge `size`, in the input frame. Also returns V, 0 for no point."""
        ...

    def representatives(self, voxels: Voxels, points: np.ndarray) -> np.ndarray:
        """Representatives among the input's points, (V, 3) float32, on the host."""
        ...

    def to_gravity_frame(self, voxels: Voxels, T_gravity_input: np.ndarray) -> Voxels:
        """Voxels in the frame with z up and the floor at z = 0."""
        ...

    def rotate(self, voxels: Voxels, T_gravity_input: np.ndarray, degrees: float) -> Voxels:
        """Voxels of the gravity frame turned about z, for the blocks' axes alone."""
        ...

    def cut_blocks(self, voxels: Voxels, settings: SegmenterSettings, sensor: np.ndarray) -> Blocks:
        """Blocks of the ground plane, those nearest to `sensor` (2,) where their number is bounded."""
        ...

    def count_blocks(self, blocks: Blocks) -> tuple[int, int]:
        """Number of the blocks, and of those that the bound left out."""
        ...

    def batches(self, blocks: Blocks) -> Iterable[Batch]:
        """Parts of the blocks that go through the network together, so that memory is bounded."""
        ...

    def block_features(self, voxels: Voxels, blocks: Blocks, batch: Batch) -> Features:
        """Input features of each block point (paper, section 4.2)."""
        ...

    def build_pyramids(self, features: Features, batch: Batch) -> Pyramids:
        """Sampling and grouping indices (paper, section 3.1)."""
        ...

    def run_network(self, features: Features, pyramids: Pyramids, batch: Batch) -> tuple[Any, Any]:
        """Logits and embeddings of the batch's points."""
        ...

    def no_votes(self, voxels: Voxels, blocks: Blocks) -> Votes:
        """Votes before the first batch."""
        ...

    def vote(self, votes: Votes, blocks: Blocks, batch: Batch, logits: Any) -> None:
        """Add a batch's class probabilities to `votes`."""
        ...

    def no_clusters(self, blocks: Blocks) -> Clusters:
        """Clusters before the first batch."""
        ...

    def cluster(self, clusters: Clusters, blocks: Blocks, batch: Batch, embeddings: Any, bandwidth: float) -> None:
        """Mean shift in each block of a batch; writes to `clusters`."""
        ...

    def label_voxels(self, votes: Votes, blocks: Blocks, min_voxels: float) -> Labels:
        """Class of each voxel and block point, without classes of fewer than `min_voxels` voxels."""
        ...

    def merge(
        self, voxels: Voxels, blocks: Blocks, clusters: Clusters, labels: Labels, settings: SegmenterSettings
    ) -> Instances:
        """Instances of the cloud from the clusters of its blocks."""
        ...

    def no_instances(self, voxels: Voxels) -> Instances:
        """Instances of a cloud in which none are searched."""
        ...

    def labels_to_points(
        self, voxels: Voxels, labels: Labels, instances: Instances, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Instance]]:
        """Label, instance and confidence of every input point, and a summary of the instances, on the host.

        reach: metres within which a voxel that no block drew takes the labels of its nearest neighbour.
        """
        ...

    def end_stage(self) -> None:
        """Called at the end of each timed stage; may wait for the device."""

    def close(self) -> None:
        """Free memory and threads; may be called twice."""
