"""The furniture library: what is read, and what is left out, named and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jspnet_core.synthetic.assets.kinds import CLASS_ID
from jspnet_core.synthetic.assets.library import VAL_SHARE, LibraryError, read_library
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.synthetic.meshes import Material, PlacedMesh
from jspnet_core.synthetic.render.triangles import flatten, to_linear
from tests.synthetic.small_room import box_mesh

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "furniture"


def write_library(folder: Path, kinds: list[str], **changes: dict[str, object]) -> Path:
    """A library of boxes, one of each kind in turn. changes: by id, what its entry differs in; None removes a key."""
    mesh = box_mesh((10, 200, 30))
    count = len(kinds)
    (folder / "textures").mkdir(parents=True)
    np.savez(
        folder / "furniture_made.npz",
        v=np.tile((mesh.vertices * 1000).astype(np.int16), (count, 1)),
        f=np.tile(mesh.faces.astype(np.uint16), (count, 1)),
        color=np.tile(mesh.color, (count, 1)),
        part=np.tile(mesh.part, count),
        glass=np.packbits(np.tile(mesh.glass, count)),
        v_off=np.arange(count + 1) * len(mesh.vertices),
        f_off=np.arange(count + 1) * len(mesh.faces),
        scale=np.full(count, 0.0005),
    )
    entries = []
    for number, kind in enumerate(kinds):
        entry: dict[str, Any] = {
            "id": f"m{number}", "kind": kind, "s3dis": "clutter", "source": "made", "index": number,
            "placement": "floor_free", "licence": "CC0-1.0", "size_m": [0.5, 0.5, 0.5],
            "surface_rects": [[0.5, -0.2, 0.2, -0.2, 0.2, 0.16, None]], "parts": ["wood"],
        }  # fmt: skip
        entry.update(changes.get(entry["id"], {}))
        entries.append({key: value for key, value in entry.items() if value is not None})
    (folder / "catalogue.json").write_text(json.dumps(entries))
    Image.fromarray(np.full((256, 256, 3), (180, 90, 30), np.uint8)).save(folder / "textures" / "oak.jpg")
    texture = {"file": "oak.jpg", "kind": "wood", "metres": [1, 1], "tileable": True, "licence": "CC0-1.0"}
    (folder / "textures" / "catalogue.json").write_text(
        json.dumps([{**texture, "mean_rgb": [180, 90, 30]}, {**texture, "file": "gone.jpg", "mean_rgb": [0, 0, 0]}])
    )
    return folder


def test_models_come_with_mesh_class_surfaces_and_textures(tmp_path):
    library = read_library(write_library(tmp_path, ["bed", "cup"]))
    bed, cup = library.assets
    assert (bed.label, cup.label) == (CLASS_ID["bed"], CLASS_ID["clutter"])
    assert bed.surfaces[0].z == 0.5
    assert bed.surfaces[0].clearance is None
    mesh = library.mesh(bed)
    np.testing.assert_allclose(mesh.vertices.max(0), [0.25, 0.25, 0.5], atol=1e-6)
    assert library.mesh(bed) is mesh
    assert list(library.textures.entries) == ["oak.jpg"]
    assert library.textures.picture("oak.jpg").shape == (256, 256, 3)
    with pytest.raises(KeyError, match="pine"):
        library.textures.picture("pine.jpg")


def test_models_that_cannot_be_used_are_named_and_counted(tmp_path, caplog):
    changes = {
        "m1": {"licence": None},
        "m2": {"licence": "CC-BY-NC-4.0"},
        "m3": {"index": 99},
        "m4": {"size_m": [0.0, 1.0, 1.0]},
        "m5": {"kind": None},
    }
    library = read_library(write_library(tmp_path, ["cup"] * 7, **changes))
    assert [asset.id for asset in library.assets] == ["m0", "m6"]
    assert sum(library.left_out.values()) == 5
    assert library.left_out["licence missing"] == 1
    assert library.left_out["licence CC-BY-NC-4.0"] == 1
    assert all(f"model m{number}" in caplog.text for number in range(1, 6))


def test_a_source_that_cannot_be_read_leaves_the_others(tmp_path):
    folder = write_library(tmp_path, ["cup", "bed"], m1={"source": "broken"})
    (folder / "furniture_broken.npz").write_bytes(b"not a zip file")
    library = read_library(folder)
    assert [asset.id for asset in library.assets] == ["m0"]
    assert library.left_out == {"furniture_broken.npz cannot be read": 1}


def test_a_missing_library_names_the_remedy(tmp_path):
    with pytest.raises(LibraryError, match="--assets own does without"):
        read_library(tmp_path)
    folder = write_library(tmp_path / "bad", ["cup"], m0={"licence": None})
    with pytest.raises(LibraryError, match="none of 1 models"):
        read_library(folder)


def test_a_share_of_each_kind_never_trains_and_stays_the_same(tmp_path):
    kinds = ["chair"] * 40 + ["bed"] * 20
    library = read_library(write_library(tmp_path, kinds))
    for kind, count in (("chair", 40), ("bed", 20)):
        assert len(library.of_kind(kind, "val")) == round(VAL_SHARE * count)
    again = read_library(tmp_path)
    assert [a.split for a in again.assets] == [a.split for a in library.assets]


def test_the_library_lies_outside_the_package(monkeypatch, tmp_path):
    monkeypatch.delenv("JSPNET_ASSETS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert assets_folder() == tmp_path / "jspnet" / "furniture"
    monkeypatch.setenv("JSPNET_ASSETS", str(tmp_path / "mine"))
    assert assets_folder() == tmp_path / "mine"
    assert assets_folder("here") == Path("here")


def test_materials_tint_textures_and_recolor_parts(tmp_path):
    library = read_library(write_library(tmp_path, ["cup"]))
    mesh = library.mesh(library.assets[0])
    looks = (None, Material((200, 0, 0)), Material(texture="oak.jpg"), {0: Material((255, 255, 255), "oak.jpg")})
    placed = [PlacedMesh(mesh, np.eye(4), 12, number + 1, look) for number, look in enumerate(looks)]
    triangles = flatten(placed, library.textures)
    colors = triangles.color[triangles.face_start[:-1]]
    np.testing.assert_allclose(colors[0], to_linear([10, 200, 30]))
    np.testing.assert_allclose(colors[1], to_linear([200, 0, 0]))
    np.testing.assert_allclose(colors[2], to_linear([180, 90, 30]))
    np.testing.assert_allclose(colors[3], 1.0)
    assert (triangles.texture[triangles.face_start[:-1]] >= 0).tolist() == [False, False, True, True]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no furniture library at {SHARED}")
def test_the_whole_library_can_be_used():
    library = read_library(SHARED)
    assert len(library.assets) == 1224
    assert library.left_out == {}
    for asset in library.assets:
        mesh = library.mesh(asset)
        size = np.ptp(mesh.vertices, axis=0)
        np.testing.assert_allclose(size, asset.size, rtol=0.02, atol=0.005)
        assert abs(mesh.vertices[:, 2].min()) < 0.005
