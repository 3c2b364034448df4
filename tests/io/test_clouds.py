"""Cloud files: every format read, every flaw refused in one sentence, labels written atomically."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pypcd4 import Encoding, PointCloud

from jspnet_core.classes import S3DIS
from jspnet_core.io.clouds import Cloud, CloudFileError, check_writable, read_cloud, write_cloud
from jspnet_core.io.ply import read_vertices
from jspnet_core.segmentation import Segmentation

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
POINTS = np.array([[0.5, -1.25, 2.0], [np.nan, np.nan, np.nan], [3.75, 0.125, -0.5], [1, 2, 3]], np.float32)
COLORS = np.array([[255, 0, 128], [1, 2, 3], [200, 100, 50], [0, 255, 254]], np.uint8)


def segmentation(n: int) -> Segmentation:
    rng = np.random.default_rng(n)
    return Segmentation(
        label=rng.choice(np.array([0, 7, 255], np.uint8), n),
        instance=rng.integers(0, 100_000, n).astype(np.uint32),
        confidence=rng.random(n).astype(np.float32),
        instances=[],
        T_gravity_input=np.eye(4),
        gravity_source="given",
        blocks=1,
        blocks_left_out=0,
    )


def ply_header(form: str, properties: str, count: int = 4, more: str = "") -> bytes:
    lines = [f"property {p}" for p in properties.split(", ")] + ([more] if more else [])
    return (
        "\n".join(
            [
                "ply",
                f"format {form} 1.0",
                "comment made up",
                f"element vertex {count}",
                *lines,
                *([more] if more else []),
                "",
            ]
        ).encode()
        + b"end_header\n"
    )


def ascii_ply(more: str = "", tail: str = "") -> bytes:
    rows = [f"{x} {y} {z} {r} {g} {b} 9" for (x, y, z), (r, g, b) in zip(POINTS.tolist(), COLORS.tolist(), strict=True)]
    header = ply_header("ascii", "float x, float y, float z, uchar red, uchar green, uchar blue, int extra", 4, more)
    return header + "\n".join([*rows, tail]).encode()


def binary_ply(order: str) -> bytes:
    """Double coordinates in another order of columns, so that only the names identify them."""
    form = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    header = ply_header(form, "uchar blue, double z, double y, double x, uchar green, uint8 red")
    rows = zip(POINTS.tolist(), COLORS.tolist(), strict=True)
    return header + b"".join(struct.pack(order + "BdddBB", b, z, y, x, g, r) for (x, y, z), (r, g, b) in rows)


@pytest.mark.parametrize(
    "content",
    [
        ascii_ply(),
        ascii_ply("element face 1\nproperty list uchar int vertex_indices", "3 0 1 2\n"),
        ascii_ply().replace(b"\n", b"\r\n"),
        binary_ply("<"),
        binary_ply(">"),
        binary_ply("<") + b"whatever follows",
    ],
    ids=["ascii", "ascii mesh", "ascii CRLF", "little endian", "big endian", "more elements"],
)
def test_ply_is_read_in_every_encoding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.PLY").write_bytes(content)
    cloud = read_cloud(tmp_path / "a.PLY")
    np.testing.assert_array_equal(cloud.points, POINTS)
    assert cloud.colors is not None
    np.testing.assert_array_equal(cloud.colors, COLORS)
    assert (cloud.points.dtype, cloud.colors.dtype) == (np.float32, np.uint8)


@pytest.mark.parametrize("encoding", list(Encoding)[:3], ids=lambda e: e.value)
@pytest.mark.parametrize(("name", "kind"), [("rgb", np.float32), ("rgb", np.uint32), ("rgba", np.uint32)])
def test_pcd_is_read_in_every_encoding(tmp_path: Path, encoding: Encoding, name: str, kind: type) -> None:
    packed = (COLORS[:, 0].astype(np.uint32) << 16) | (COLORS[:, 1].astype(np.uint32) << 8) | COLORS[:, 2]
    columns = [*POINTS.T, packed.view(kind) if kind is np.float32 else packed]
    pcd = PointCloud.from_points(columns, ("x", "y", "z", name), (np.float32, np.float32, np.float32, kind))
    pcd.save(tmp_path / "a.pcd", encoding)
    cloud = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_allclose(cloud.points, POINTS)
    assert cloud.colors is not None
    if not (encoding is Encoding.ASCII and kind is np.float32):  # a packed float in decimals loses bits for any reader
        np.testing.assert_array_equal(cloud.colors, COLORS)


@pytest.mark.parametrize("key", ["xyz", "xyz_mm"])
def test_npz_is_read_in_metres_and_millimetres(tmp_path: Path, key: str) -> None:
    points = np.array([[0, 1.5, 2.345], [4, 0, 65.535]])
    xyz = points.astype(np.float32) if key == "xyz" else np.round(points * 1000).astype(np.uint16)
    np.savez(tmp_path / "a.npz", **{key: xyz}, rgb=COLORS[:2])  # type: ignore[arg-type]
    cloud = read_cloud(tmp_path / "a.npz")
    np.testing.assert_allclose(cloud.points, points, atol=1e-5)
    np.testing.assert_array_equal(cloud.colors, COLORS[:2])  # type: ignore[arg-type]


def test_clouds_without_colours_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(ply_header("ascii", "float x, float y, float z", 1) + b"1 2 3\n")
    np.savez(tmp_path / "a.npz", xyz=POINTS)
    PointCloud.from_xyz_points(POINTS).save(tmp_path / "a.pcd")
    for name in ("a.ply", "a.npz", "a.pcd"):
        assert read_cloud(tmp_path / name).colors is None


def bad_files() -> dict[str, Any]:
    pcd = b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 9\nHEIGHT 1\n"
    xy = ply_header("ascii", "float x, float y", 1)
    return {
        "cut.ply": (binary_ply("<")[:-20], "cut short: its header promises 4 vertices, 3"),
        "fewer.ply": (ascii_ply()[: -len("1.0 2.0 3.0 0 255 254 9\n")], "cut short: .* 3 are there"),
        "header.ply": (binary_ply("<")[:60], "no 'end_header'"),
        "empty.ply": (b"", "does not start with 'ply'"),
        "words.ply": (b"hello\nworld\n", "does not start with 'ply'"),
        "flat.ply": (xy + b"1 2\n", "no x, y and z among x, y"),
        "list.ply": (ply_header("ascii", "list uchar int x", 1), "an element 'vertex' with numbers"),
        "letters.ply": (ply_header("ascii", "float x, float y, float z", 1) + b"a b c\n", "letters.ply: .*'a'"),
        "empty.pcd": (b"", "not a PCD file"),
        "noise.pcd": (bytes(range(256)) * 20, "not a PCD file"),
        "cut.pcd": (
            pcd + b"POINTS 9\nDATA binary\n" + bytes(50),
            "cut short: its header promises 9 points, there are 4",
        ),
        "fewer.pcd": (pcd + b"POINTS 9\nDATA ascii\n1 2 3\n", "cut short: its header promises 9 points, there are 1"),
        "lzf.pcd": (pcd + b"POINTS 9\nDATA binary_compressed\n" + struct.pack("II", 30, 108) + bytes(30), "damaged"),
        "zip.npz": (b"PK\x03\x04" + bytes(100), "not an npz file, or cut short"),
        "cloud.obj": (b"v 1 2 3\n", "read from .ply, .pcd, .*, not from '.obj'"),
        "cloud": (b"1 2 3\n", "not from 'this'"),
    }


@pytest.mark.parametrize("name", bad_files())
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, words = bad_files()[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CloudFileError, match=words) as refused:
        read_cloud(tmp_path / name)
    assert str(refused.value).startswith(str(tmp_path / name))
    assert "\n" not in str(refused.value)


def test_npz_of_something_else_and_missing_files_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", voxels=POINTS)
    with pytest.raises(CloudFileError, match="none of xyz, points, .* among voxels"):
        read_cloud(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", xyz=POINTS, rgb=COLORS[:2])
    with pytest.raises(CloudFileError, match=r"'rgb' is \(2, 3\) uint8, must be \(4, 3\) uint8"):
        read_cloud(tmp_path / "b.npz")
    with pytest.raises(CloudFileError, match="no such file"):
        read_cloud(tmp_path / "c.npz")


@pytest.mark.parametrize("suffix", [".ply", ".npz"])
@pytest.mark.parametrize("colors", [COLORS, None], ids=["colours", "no colours"])
def test_labels_come_back_for_every_point_in_order(tmp_path: Path, suffix: str, colors: np.ndarray | None) -> None:
    path, given = tmp_path / f"out{suffix}", segmentation(4)
    write_cloud(path, Cloud(POINTS, colors), given, S3DIS)
    stored: Any = read_vertices(path) if suffix == ".ply" else np.load(path)
    for name, kind in (("label", np.uint8), ("instance", np.uint32), ("confidence", np.float32)):
        np.testing.assert_array_equal(stored[name], getattr(given, name))
        assert stored[name].dtype == kind
    again = read_cloud(path)
    np.testing.assert_array_equal(again.points, POINTS)
    np.testing.assert_array_equal(again.colors, colors)  # type: ignore[arg-type]
    assert b"bookcase" in path.read_bytes() or np.load(path)["class_names"][10] == "bookcase"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.ply"
    path.write_text("old")
    with pytest.raises(ValueError, match="5 labels for 4 points"):
        write_cloud(path, Cloud(POINTS, COLORS), segmentation(5))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.ply"]


def test_where_nothing_can_be_written_is_known_before(tmp_path: Path) -> None:
    for name, words in (("a.e57", "written to .ply, .pcd"), ("none/a.ply", "no folder"), ("dir.ply", "is a folder")):
        (tmp_path / "dir.ply").mkdir(exist_ok=True)
        with pytest.raises(CloudFileError, match=words):
            check_writable(tmp_path / name)


@pytest.mark.skipif(not (DATA / "pcl").is_dir(), reason="the Kinect clouds are not beside this checkout")
def test_real_kinect_clouds_are_read() -> None:
    cloud = read_cloud(DATA / "pcl" / "milk_cartoon_all_small_clorox.pcd")
    assert len(cloud) == 640 * 480
    assert np.isfinite(cloud.points).all(axis=1).sum() == 241_407
    assert cloud.colors is not None
    assert 30 < cloud.colors.mean() < 220
    assert read_cloud(DATA / "pcl" / "capture0001.pcd").colors is None
