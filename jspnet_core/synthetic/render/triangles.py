"""All placed meshes of a scene as flat arrays of triangles, ready for the rasteriser and the shader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.assets.textures import EDGE, Texture, Textures
from jspnet_core.synthetic.meshes import Material, PlacedMesh

NO_TEXTURE = -1
BLACK = 0.028
"""Linear brightness below which a surface swallows much of the infrared light of depth cameras."""


@dataclass(frozen=True)
class Triangles:
    """F triangles of P placed meshes. World frame: metres, z up, floor at z = 0.

    vertices: (V, 3) float32. faces: (F, 3) int32, of one placed mesh after the other.
    normal: (F, 3) float32, unit, either side; zeros for triangles without area.
    label: (F,) uint8, `indoor`. instance: (F,) int32. color: (F, 3) float32, linear base colour, tint with a texture.
    texture: (F,) int16, row of `pictures`, or NO_TEXTURE. axis: (F,) uint8, 0 to 2, along which the texture is
    projected, in the mesh's frame. glass, mirror: (F,) bool. placed: (F,) int32, row of the arrays below.

    vertex_start, face_start: (P + 1,) int64. center, half: (P, 3) float32, middle and half extents
    of the bounding boxes. radius: (P,) float32, of spheres around their middles.
    local: (P, 3, 4) float32, world to mesh in metres, moved by chance: texture coordinates.
    pictures: (T, 256, 256, 3) uint8 sRGB. means: (T, 3) float32, their linear colours. metres: (T, 2)
    float32. tileable: (T,) bool.
    """

    vertices: np.ndarray
    faces: np.ndarray
    normal: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    color: np.ndarray
    texture: np.ndarray
    axis: np.ndarray
    glass: np.ndarray
    mirror: np.ndarray
    placed: np.ndarray
    vertex_start: np.ndarray
    face_start: np.ndarray
    center: np.ndarray
    half: np.ndarray
    radius: np.ndarray
    local: np.ndarray
    pictures: np.ndarray
    means: np.ndarray
    metres: np.ndarray
    tileable: np.ndarray

    def __len__(self) -> int:
        return len(self.faces)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, float32, from sRGB values 0 to 255."""
    return _LINEAR[np.asarray(srgb, np.uint8)]


def _linear_table() -> np.ndarray:
    value = np.arange(256) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


_LINEAR = _linear_table()


def flatten(placed: Sequence[PlacedMesh], textures: Textures | None = None) -> Triangles:
    """Triangles of placed meshes in the world frame.

    textures: where the names of materials are looked up; without them surfaces get the textures' absence: their plain
    colour. Raises ValueError for no mesh at all.
    """
    if not placed:
        raise ValueError("placed: no mesh; a scene has at least one")
    names = _used_textures(placed, textures)
    vertices = [p.mesh.vertices @ p.T_world_mesh[:3, :3].T.astype(np.float32) for p in placed]
    vertices = [v + p.T_world_mesh[:3, 3].astype(np.float32) for v, p in zip(vertices, placed, strict=True)]
    vertex_start = np.cumsum([0, *(len(v) for v in vertices)])
    face_start = np.cumsum([0, *(len(p.mesh.faces) for p in placed)])
    faces = np.concatenate([p.mesh.faces + start for p, start in zip(placed, vertex_start, strict=False)])
    counts = np.diff(face_start)
    number = np.repeat(np.arange(len(placed), dtype=np.int32), counts)
    looks = [_look(p, names, textures) for p in placed]
    flat = np.concatenate(vertices)
    normal = _normals(flat, faces)
    local = np.stack([_texture_frame(p) for p in placed])
    boxes = np.array([(v.min(0), v.max(0)) for v in vertices])
    center, half = boxes.mean(1), (boxes[:, 1] - boxes[:, 0]) / 2
    return Triangles(
        vertices=flat,
        faces=faces.astype(np.int32),
        normal=normal,
        label=np.repeat(np.array([p.label for p in placed], np.uint8), counts),
        instance=np.repeat(np.array([p.instance for p in placed], np.int32), counts),
        color=np.concatenate([look[0] for look in looks]),
        texture=np.concatenate([look[1] for look in looks]),
        axis=np.abs(np.einsum("fij,fj->fi", local[number, :, :3], normal)).argmax(1).astype(np.uint8),
        glass=np.concatenate([p.mesh.glass for p in placed]).astype(bool),
        mirror=np.concatenate([look[2] for look in looks]),
        placed=number,
        vertex_start=vertex_start.astype(np.int64),
        face_start=face_start.astype(np.int64),
        center=center.astype(np.float32),
        half=half.astype(np.float32),
        radius=(np.linalg.norm(half, axis=1) + 1e-4).astype(np.float32),
        local=local,
        **_atlas(names, textures),
    )


def _materials(placed: PlacedMesh) -> Mapping[int, Material]:
    if placed.materials is None:
        return {}
    if isinstance(placed.materials, Material):
        return dict.fromkeys(np.unique(placed.mesh.part).tolist(), placed.materials)
    return placed.materials


def _used_textures(placed: Sequence[PlacedMesh], textures: Textures | None) -> dict[str, int]:
    """Row of the atlas by name; names that the library does not have stay out."""
    known = textures.entries if textures is not None else {}
    used = {m.texture for p in placed for m in _materials(p).values() if m.texture in known}
    return {name: row for row, name in enumerate(sorted(str(name) for name in used))}


def _look(
    placed: PlacedMesh, names: Mapping[str, int], textures: Textures | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Appearance of a mesh's faces: linear colour (F, 3) float32, texture row (F,) int16, mirror (F,) bool."""
    mesh = placed.mesh
    color, texture = to_linear(mesh.color), np.full(len(mesh.faces), NO_TEXTURE, np.int16)
    mirror = np.zeros(len(mesh.faces), bool)
    for part, material in _materials(placed).items():
        chosen = mesh.part == part
        mirror[chosen] = material.mirror
        if material.color is not None:
            color[chosen] = to_linear(np.array(material.color))
        if material.texture in names and textures is not None:
            texture[chosen] = names[str(material.texture)]
            if material.color is None:
                color[chosen] = _mean_color(textures.entries[str(material.texture)])
    return color, texture, mirror


def _mean_color(texture: Texture) -> np.ndarray:
    return to_linear(np.clip(np.round(texture.mean), 0, 255))


def _atlas(names: Mapping[str, int], textures: Textures | None) -> dict[str, np.ndarray]:
    if not names or textures is None:
        flat = np.zeros((1, EDGE, EDGE, 3), np.uint8)
        return {
            "pictures": flat,
            "means": to_linear(flat[:, 0, 0]),
            "metres": np.ones((1, 2), np.float32),
            "tileable": np.ones(1, bool),
        }
    entries = [textures.entries[name] for name in names]
    return {
        "pictures": np.stack([textures.picture(name) for name in names]),
        "means": np.stack([_mean_color(entry) for entry in entries]),
        "metres": np.array([entry.metres for entry in entries], np.float32),
        "tileable": np.array([entry.tileable for entry in entries], bool),
    }


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.divide(normal, length, out=np.zeros_like(normal), where=length > 1e-12).astype(np.float32)


def _texture_frame(placed: PlacedMesh) -> np.ndarray:
    """World to mesh, rotation and place without the scale, (3, 4) float32: textures keep their size in metres."""
    turn = placed.T_world_mesh[:3, :3] / np.linalg.norm(placed.T_world_mesh[:3, :3], axis=0)
    spread = (placed.instance * np.array([0.618034, 0.414214, 0.259921])) % 1.0 * 3.0
    offset = spread - turn.T @ placed.T_world_mesh[:3, 3]
    return np.c_[turn.T, offset].astype(np.float32)
