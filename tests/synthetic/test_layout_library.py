"""Scenes furnished from a library: models of the asked split alone, and many of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jspnet_core.synthetic.assets.library import Library, read_library
from jspnet_core.synthetic.layout import make_furnished_scene

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "furniture"
KINDS = ("living_room", "kitchen", "office", "library", "dwelling")


@pytest.fixture(scope="module")
def library() -> Library:
    """The furniture library of the shared data."""
    if not (SHARED / "catalogue.json").is_file():
        pytest.skip(f"no furniture library in {SHARED}")
    return read_library(SHARED)


def used_models(library: Library, split: str) -> set[str]:
    """Ids of the library's models that stand in some scenes of a split."""
    names = {id(library.mesh(asset)): asset.id for asset in library.assets}
    scenes = [make_furnished_scene(seed, kind, library, split) for kind in KINDS for seed in range(3)]
    return {names[id(p.mesh)] for scene in scenes for p in scene.placed if id(p.mesh) in names}


@pytest.mark.parametrize("split", ["train", "val"])
def test_only_models_of_the_asked_split_are_used(library: Library, split: str) -> None:
    used = used_models(library, split)
    allowed = {asset.id for asset in library.assets if asset.split == split}
    assert len(used) > 25
    assert used <= allowed


def test_pictures_of_the_library_lie_on_floors_and_walls(library: Library) -> None:
    scene = make_furnished_scene(3, "living_room", library)
    materials = [m for p in scene.placed if isinstance(p.materials, dict) for m in p.materials.values()]
    materials += [p.materials for p in scene.placed if p.materials and not isinstance(p.materials, dict)]
    named = {m.texture for m in materials if m.texture}
    assert named
    assert named <= set(library.textures.entries)


def test_few_parts_are_nearly_black(library: Library) -> None:
    """Colours that are drawn are neither nearly black nor burnt out."""
    shares = []
    for kind in KINDS:
        scene = make_furnished_scene(5, kind, library)
        for placed in scene.placed:
            drawn = placed.materials.values() if isinstance(placed.materials, dict) else [placed.materials]
            shares += [sum(m.color) / 3 for m in drawn if m is not None and m.color is not None]
    dark = [value for value in shares if value < 30]
    assert len(dark) < 0.08 * len(shares)
    assert max(shares) < 253
