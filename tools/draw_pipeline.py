"""Draw docs/pipeline.png: what each of the ten steps makes of one frame of a generated room.

python -m tools.draw_pipeline [OUT.png]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jspnet_core.classes import instance_palette
from jspnet_core.engine import open_engine
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.cpu_stages import CpuLabels, CpuStages, CpuVoxels
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.report.cloud_pictures import EMPTY, instance_colors, label_colors, shaded, splat
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import FrameSettings
from jspnet_core.synthetic import DepthFrame, camera_path, make_scene
from tools.architecture import ROOT, STEPS

PITCH = np.radians(38.0)


class RecordingStages(CpuStages):
    """The steps on the CPU, with their results kept.

    kept: results by step. embedding: (V, K) float32, of a voxel in the last block that holds it.
    """

    def __init__(self, *arguments: Any, **keywords: Any):
        super().__init__(*arguments, **keywords)
        self.kept: dict[str, Any] = {"pyramids": {}}

    def to_gravity_frame(self, voxels: CpuVoxels, T_gravity_input: np.ndarray) -> CpuVoxels:
        self.kept["voxels"] = super().to_gravity_frame(voxels, T_gravity_input)
        return self.kept["voxels"]

    def cut_blocks(self, *arguments: Any, **keywords: Any) -> Any:
        self.kept["blocks"] = super().cut_blocks(*arguments, **keywords)
        return self.kept["blocks"]

    def run_network(self, features: np.ndarray, pyramids: list, batch: Any) -> tuple[np.ndarray, np.ndarray]:
        logits, embeddings = super().run_network(features, pyramids, batch)
        blocks, n = self.kept["blocks"], embeddings.shape[1]
        none = np.full((len(self.kept["voxels"].xyz), embeddings.shape[2]), np.nan)
        embedding = self.kept.setdefault("embedding", none)
        for row, pyramid, vectors in zip(batch.rows, pyramids, embeddings, strict=True):
            embedding[blocks.index[row, :n]] = vectors
            self.kept["pyramids"][int(row)] = pyramid
        return logits, embeddings

    def label_voxels(self, *arguments: Any, **keywords: Any) -> CpuLabels:
        self.kept["labels"] = super().label_voxels(*arguments, **keywords)
        return self.kept["labels"]

    def merge(self, voxels: CpuVoxels, blocks: Any, clusters: np.ndarray, labels: CpuLabels, settings: Any) -> Any:
        self.kept["clusters"] = clusters.copy()
        self.kept["instances"] = super().merge(voxels, blocks, clusters, labels, settings)
        return self.kept["instances"]


def colours_of_steps(kept: dict[str, Any], segmenter: Segmenter) -> dict[str, np.ndarray]:
    """(V, 3) uint8 colours of the voxels by step, of those steps that a voxel shows."""
    voxels, blocks, labels = kept["voxels"], kept["blocks"], kept["labels"]
    xyz, count = voxels.xyz, len(voxels.xyz)
    return {
        "voxels": voxels.colors,
        "gravity": _ramp(xyz[:, 2]),
        "blocks": _by_block(np.broadcast_to(np.arange(len(blocks))[:, None] + 1, blocks.index.shape), blocks, count),
        "pyramid": _levels(kept["pyramids"], blocks, segmenter, count),
        "network": _three_axes(kept["embedding"]),
        "votes": label_colors(labels.label, segmenter.classes),
        "clusters": _by_block(kept["clusters"] + 1 + 100 * np.arange(len(blocks))[:, None], blocks, count),
        "merging": instance_colors(kept["instances"].of_voxel),
    }


def _by_block(ids: np.ndarray, blocks: Any, count: int) -> np.ndarray:
    """Colours of ids (B, N) of block points; a voxel shows the last block that holds it."""
    of_voxel = np.zeros(count, np.uint32)
    of_voxel[blocks.index] = ids
    colors = instance_palette(of_voxel)
    colors[of_voxel == 0] = EMPTY
    return colors


def _levels(pyramids: dict[int, Any], blocks: Any, segmenter: Segmenter, count: int) -> np.ndarray:
    """The samples of all blocks: the coarser the level, the darker."""
    colors = np.tile(EMPTY, (count, 1))
    shades = ((170, 205, 210), (90, 150, 180), (35, 75, 135), (200, 25, 60))
    levels = segmenter.description.configuration.levels
    for row, pyramid in pyramids.items():
        for number, shade in zip(levels, shades, strict=True):
            colors[blocks.index[row, pyramid["sample"][:number]]] = shade
    return colors


def _three_axes(embedding: np.ndarray) -> np.ndarray:
    """The three main axes of the embeddings as red, green and blue."""
    seen = np.isfinite(embedding).all(axis=1)
    centred = embedding[seen] - embedding[seen].mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:3]
    values = centred @ axes.T
    low, high = np.quantile(values, [0.03, 0.97], axis=0)
    colors = np.tile(EMPTY, (len(embedding), 1))
    colors[seen] = 255 * np.clip((values - low) / (high - low), 0, 1)
    return colors


def _ramp(height: np.ndarray) -> np.ndarray:
    from matplotlib import colormaps

    return (255 * colormaps["viridis"](np.clip(height / 2.6, 0, 1))[:, :3]).astype(np.uint8)


def seen_from_behind(xyz: np.ndarray, T_gravity_camera: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, up and away (N,) metres, looking along the camera and down on what it sees."""
    ahead = T_gravity_camera[:2, 2] / np.linalg.norm(T_gravity_camera[:2, 2])
    along, right = xyz[:, :2] @ ahead, xyz[:, :2] @ (ahead[1], -ahead[0])
    return right, np.cos(PITCH) * xyz[:, 2] + np.sin(PITCH) * along, np.cos(PITCH) * along - np.sin(PITCH) * xyz[:, 2]


def panels(frame: DepthFrame, found: Segmentation, segmenter: Segmenter, kept: dict[str, Any]) -> list[np.ndarray]:
    """An image per step."""
    xyz = kept["voxels"].xyz
    place = seen_from_behind(xyz, found.T_gravity_input)
    inside = xyz[:, 2] < 2.4  # without the ceiling
    images = {}
    for name, colors in colours_of_steps(kept, segmenter).items():
        shown = inside & (colors != EMPTY).any(axis=1)
        size = 0.045 if shown.sum() == inside.sum() else 0.085  # blocks draw some of their voxels
        right, up, away = (axis[shown] for axis in place)
        images[name] = splat(right, up, away, colors[shown], size)
    label = found.label.reshape(frame.colors.shape[:2])
    last = shaded(label_colors(label, segmenter.classes), frame.colors, label != 255)
    return [frame.colors, *images.values(), last]


def main(path: Path) -> None:
    """Label one frame and write the picture."""
    scene = make_scene(seed=8, kind="meeting")
    T_world_camera = list(camera_path(scene, frames=40))[20]
    frame = scene.depth_frame(T_world_camera, np.random.default_rng(0))
    stages = RecordingStages(open_engine("onnxruntime", default_model()))
    segmenter = Segmenter(settings=FrameSettings(stride=0.75), stages=stages)
    found = segmenter.segment(frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3))
    figure = Figure(figsize=(15, 5.6), dpi=80, layout="constrained")
    shown = panels(frame, found, segmenter, stages.kept)
    for number, (axis, step, image) in enumerate(zip(figure.subplots(2, 5).flat, STEPS, shown, strict=True), 1):
        axis.imshow(image)
        axis.set_title(f"{number}  {step.name}", fontsize=13, loc="left")
        axis.axis("off")
    figure.savefig(path)
    segmenter.close()
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pipeline.png")
