"""Every format in and out: coordinates exact, further columns kept, colours of any range, headers verified."""

from __future__ import annotations

import io
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.io.clouds import WRITABLE, Cloud, CloudFileError, read_cloud, read_table, write_cloud
from jspnet_core.io.ply import write_vertices
from jspnet_core.segmentation import Segmentation

N = 40
RNG = np.random.default_rng(7)
XYZ = np.round(RNG.uniform(-3, 3, (N, 3)), 3)
RGB = RNG.integers(0, 256, (N, 3)).astype(np.uint8)
RGB[0] = 0, 255, 2  # the whole range, whatever the scale
UTM = np.array([448_263.25, 5_411_932.75, 112.5])


def found(n: int = N) -> Segmentation:
    label, instance = (np.arange(n) % 14).astype(np.uint8), (np.arange(n) % 5).astype(np.uint32)
    return Segmentation(label, instance, np.linspace(0, 1, n, dtype=np.float32), [], np.eye(4), "given", 1, 0)


def ply(path: Path, **columns: np.ndarray) -> Path:
    with path.open("wb") as file:
        write_vertices(file, dict(zip("xyz", XYZ.astype(np.float32).T, strict=True)) | columns)
    return path


def made(path: Path, xyz: np.ndarray = XYZ) -> Path:
    """A cloud with the columns intensity (float32) and ring (uint16) in the format of the suffix."""
    intensity, ring = np.arange(N, dtype=np.float32) / 3, np.arange(N, dtype=np.uint16) * 9
    further: dict[str, np.ndarray] = {"intensity": intensity, "ring": ring}
    colors: dict[str, np.ndarray] = dict(zip(("red", "green", "blue"), RGB.T, strict=True))
    match path.suffix:
        case ".ply":
            with path.open("wb") as file:
                write_vertices(file, {**dict(zip("xyz", xyz.T, strict=True)), **colors, **further})
        case ".pcd":
            rows = np.empty(N, [("xyz", "<f8", 3), ("rgb", "<u4"), ("intensity", "<f4"), ("ring", "<u2")])
            rows["xyz"], rows["intensity"], rows["ring"] = xyz, intensity, ring
            rows["rgb"] = (RGB.astype(np.uint32) << [16, 8, 0]).sum(axis=1)
            head = "FIELDS x y z rgb intensity ring\nSIZE 8 8 8 4 4 2\nTYPE F F F U F U\nCOUNT 1 1 1 1 1 1\n"
            path.write_bytes(
                f"VERSION 0.7\n{head}WIDTH {N}\nHEIGHT 1\nPOINTS {N}\nDATA binary\n".encode() + rows.tobytes()
            )
        case ".las" | ".laz":
            laspy = pytest.importorskip("laspy")
            header = laspy.LasHeader(point_format=7, version="1.4")
            header.scales, header.offsets = np.full(3, 0.001), np.floor(xyz.min(axis=0))
            header.add_extra_dim(laspy.ExtraBytesParams(name="ring", type=np.uint16))
            las = laspy.LasData(header)
            las.x, las.y, las.z = xyz.T
            las.red, las.green, las.blue = (RGB.astype(np.uint16) * 256).T
            las.intensity, las.ring = (3 * intensity).astype(np.uint16), ring
            las.write(str(path))
        case ".npz":
            np.savez(path, xyz=xyz, rgb=RGB, **further)
        case ".npy":
            np.save(path, np.column_stack([xyz, RGB, intensity, ring]))
        case suffix:
            mark = "," if suffix == ".csv" else " "
            heading = (
                [mark.join(["x", "y", "z", "red", "green", "blue", "intensity", "ring"])] if suffix == ".csv" else []
            )
            texts = [[repr(float(v)) for v in p] + [str(v) for v in c] for p, c in zip(xyz, RGB, strict=True)]
            lines = [mark.join([*r, str(i), str(k)]) for r, i, k in zip(texts, intensity, ring, strict=True)]
            path.write_text("\n".join([*heading, *lines, ""]))
    return path


@pytest.mark.parametrize("suffix", WRITABLE)
def test_every_format_comes_back_exact_with_all_its_columns_and_the_labels(suffix: str, tmp_path: Path) -> None:
    """At the coordinates of a surveyor, where float32 has half metres."""
    source, target = made(tmp_path / f"in{suffix}", XYZ + UTM), tmp_path / f"out{suffix}"
    cloud = read_cloud(source)
    np.testing.assert_allclose(cloud.points + cloud.offset, XYZ + UTM, atol=3e-4)
    assert any("offset of (448263, 5411933, 113)" in note or "offset of" in note for note in cloud.notes)
    assert cloud.colors is not None
    np.testing.assert_array_equal(cloud.colors, RGB)
    write_cloud(target, cloud, found(), S3DIS)
    before, after = read_table(source).columns, read_table(target).columns
    assert list(after)[: len(before)] == list(before)
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values, err_msg=name)
        assert after[name].dtype == values.dtype
    last = list(after.values())[-3:]
    for values, expected in zip(last, (found().label, found().instance, found().confidence), strict=True):
        np.testing.assert_allclose(values.astype(np.float64), expected, rtol=1e-6)
    if suffix not in (".xyz", ".txt", ".pts", ".asc"):
        assert list(after)[-3:] == ["label", "instance", "confidence"]


@pytest.mark.parametrize("target", WRITABLE)
@pytest.mark.parametrize("source", [".ply", ".pcd", ".laz", ".npz", ".csv"])
def test_a_format_is_turned_into_another(source: str, target: str, tmp_path: Path) -> None:
    if ".laz" in (source, target) or target == ".las":
        pytest.importorskip("laspy")
    write_cloud(tmp_path / f"out{target}", read_cloud(made(tmp_path / f"in{source}")), found())
    again = read_cloud(tmp_path / f"out{target}")
    np.testing.assert_allclose(again.points, XYZ, atol=1e-4)
    assert again.colors is not None
    np.testing.assert_array_equal(again.colors, RGB)


def test_a_labelled_file_is_labelled_again_without_growing(tmp_path: Path) -> None:
    path = made(tmp_path / "a.ply")
    for _ in range(2):
        write_cloud(path, read_cloud(path), found(), S3DIS)
    table = read_table(path)
    assert list(table.columns)[-5:] == ["intensity", "ring", "label", "instance", "confidence"]
    assert table.class_names == dict(enumerate(S3DIS.names))


def test_labels_that_another_program_wrote_are_kept(tmp_path: Path) -> None:
    path = ply(tmp_path / "a.ply", label=np.arange(N, dtype=np.int32))
    write_cloud(path, read_cloud(path), found())
    columns = read_table(path).columns
    np.testing.assert_array_equal(columns["input_label"], np.arange(N))
    np.testing.assert_array_equal(columns["label"], found().label)


def test_an_organised_cloud_stays_organised(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", xyz=XYZ.reshape(8, 5, 3), rgb=RGB.reshape(8, 5, 3), depth=np.ones((8, 5)), k=np.eye(3))
    write_cloud(tmp_path / "b.npz", read_cloud(tmp_path / "a.npz"), found())
    with np.load(tmp_path / "b.npz") as file:
        shapes = {key: file[key].shape for key in file.files}
    assert shapes == {"xyz": (8, 5, 3), "rgb": (8, 5, 3), "depth": (8, 5), "k": (3, 3)} | dict.fromkeys(
        ("label", "instance", "confidence"), (8, 5)
    )


SCALED: dict[str, np.ndarray] = {
    "uint8": RGB,
    "int8": RGB.view(np.int8),
    "int16": RGB.astype(np.int16),
    "int32": RGB.astype(np.int32),
    "uint32": RGB.astype(np.uint32),
    "uint16 to 255": RGB.astype(np.uint16),
    "uint16 times 256": RGB.astype(np.uint16) * 256,
    "uint16 times 257": RGB.astype(np.uint16) * 257,
    "float to 1": (RGB / 255).astype(np.float32),
    "double to 1": RGB / 255,
    "float to 255": RGB.astype(np.float32),
    "float to 65535": RGB.astype(np.float32) * 257,
}


@pytest.mark.parametrize(
    "names", [("red", "green", "blue"), ("R", "G", "B"), ("diffuse_red", "diffuse_green", "diffuse_blue")]
)
@pytest.mark.parametrize("kind", SCALED)
def test_colours_of_any_range_are_converted_with_a_note(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    cloud = read_cloud(ply(tmp_path / "a.ply", **dict(zip(names, SCALED[kind].T, strict=True))))
    assert cloud.colors is not None
    np.testing.assert_array_equal(cloud.colors, RGB)
    assert bool(cloud.notes) == (kind != "uint8")


def test_colours_out_of_any_range_or_absent_leave_the_shape_and_say_so(tmp_path: Path) -> None:
    wild = ply(tmp_path / "a.ply", red=np.full(N, -5.0), green=np.zeros(N), blue=np.full(N, 1e6))
    for path in (wild, ply(tmp_path / "b.ply", intensity=np.ones(N, np.float32))):
        cloud = read_cloud(path)
        assert cloud.colors is None
        assert "labelled by shape alone" in " ".join(cloud.notes)


def test_splats_give_the_colours_of_their_constant_harmonic(tmp_path: Path) -> None:
    harmonics = {f"f_dc_{i}": ((RGB[:, i] / 255 - 0.5) / 0.28209479).astype(np.float32) for i in range(3)}
    cloud = read_cloud(ply(tmp_path / "a.ply", **harmonics))
    np.testing.assert_array_equal(cloud.colors, RGB)  # type: ignore[arg-type]


def listed_ply(encoding: str, lengths: np.ndarray) -> bytes:
    """Vertices with a list between their numbers, after an element that holds lists as well."""
    order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[encoding]
    head = [
        "ply",
        f"format {encoding} 1.0",
        "element face 2",
        "property list uchar int vertex_indices",
        f"element vertex {N}",
        "property float x",
        "property list ushort double weights",
        "property float y",
        "property float z",
        "end_header",
        "",
    ]
    rows = [[3, 0, 1, 2], [4, 0, 1, 2, 3]]
    points = [
        [p[0], n, *range(n), p[1], p[2]] for p, n in zip(XYZ.astype(np.float32).tolist(), lengths.tolist(), strict=True)
    ]
    if not order:
        return "\n".join([*head[:-1], *(" ".join(map(str, row)) for row in [*rows, *points]), ""]).encode()
    body = b"".join(struct.pack(f"{order}B{len(row) - 1}i", *row) for row in rows)
    body += b"".join(struct.pack(f"{order}fH{row[1]}dff", *row) for row in points)
    return "\n".join(head).encode() + body


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("lengths", [np.full(N, 3), np.arange(N) % 4], ids=["equal", "different"])
def test_lists_and_elements_before_the_vertices_are_skipped(encoding: str, lengths: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(listed_ply(encoding, lengths))
    cloud = read_cloud(tmp_path / "a.ply")
    np.testing.assert_array_equal(cloud.points, XYZ.astype(np.float32))
    assert "list properties of the vertices are not kept: weights" in cloud.notes
    assert "elements other than the vertices are not kept: 2 face" in cloud.notes
    (tmp_path / "a.ply").write_bytes(listed_ply(encoding, lengths)[:-20])
    with pytest.raises(CloudFileError, match="cut short|could not convert"):
        read_cloud(tmp_path / "a.ply")


def pcd(*lines: str, data: bytes) -> bytes:
    return "\n".join([*lines, ""]).encode() + data


PLAIN = XYZ.astype("<f4").tobytes()
TEXT = "\n".join(" ".join(map(str, p)) for p in XYZ.astype(np.float32).tolist()).encode()
PCDS = {
    "no COUNT": pcd("FIELDS x y z", "SIZE 4 4 4", "TYPE F F F", f"WIDTH {N}", "HEIGHT 1", "DATA binary", data=PLAIN),
    "no SIZE and TYPE": pcd("FIELDS x y z", f"WIDTH {N}", f"POINTS {N}", "DATA ascii", data=TEXT),
    "version .5": pcd("VERSION .5", "COLUMNS x y z", f"POINTS {N}", "DATA ascii", data=TEXT),
    "capitals": pcd("FIELDS x y z", f"WIDTH {N}", "DATA BINARY", data=PLAIN),
    "tabs": pcd("FIELDS\tx\ty\tz", f"WIDTH\t{N}", "COUNT\t1\t1\t1", "DATA\tascii", data=TEXT.replace(b" ", b"\t")),
    "empty field": pcd(
        "FIELDS x none y _ z",
        "COUNT 1 0 1 0 1",
        "SIZE 4 4 4 1 4",
        "TYPE F F F U F",
        f"WIDTH {N}",
        "DATA binary",
        data=PLAIN,
    ),
    "lower case type": pcd("FIELDS x y z", "TYPE f f f", f"WIDTH {N}", "DATA binary", data=PLAIN + b"more"),
}


@pytest.mark.parametrize("name", PCDS)
def test_pcd_headers_have_the_defaults_of_the_point_cloud_library(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.pcd").write_bytes(PCDS[name])
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.pcd").points, XYZ.astype(np.float32))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("SIZE 4 4", "SIZE '4 4' must be 3 whole numbers"),
        ("SIZE 4 4 3", "SIZE: z of type F has 3 bytes"),
        ("TYPE F F Q", "TYPE 'F F Q' must be one of F, I, U"),
        ("COUNT 1 1 -1", "COUNT '1 1 -1' must be 3 whole numbers"),
        ("COUNT 1 1 1000000000", "COUNT: z has 1000000000 values per point"),
        ("VIEWPOINT 0 0 0 1", "VIEWPOINT '0 0 0 1' must be tx ty tz qw qx qy qz"),
        ("WIDTH wide", "WIDTH 'wide' must be 1 whole number"),
        ("COLOUR 1", "a header line 'COLOUR 1'"),
    ],
)
def test_a_pcd_header_line_that_cannot_be_is_named(line: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.pcd").write_bytes(pcd("FIELDS x y z", f"WIDTH {N}", line, "DATA binary", data=PLAIN))
    with pytest.raises(CloudFileError, match=words):
        read_cloud(tmp_path / "a.pcd")


def test_the_pose_of_a_pcd_is_applied_to_the_points_and_kept_in_the_file(tmp_path: Path) -> None:
    half = float(np.sqrt(0.5))
    view = f"VIEWPOINT 2.5 2 1.4 {half!r} {half!r} 0 0"  # 90 degrees about x
    (tmp_path / "a.pcd").write_bytes(pcd("FIELDS x y z", f"WIDTH {N}", view, "DATA binary", data=PLAIN))
    cloud = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_allclose(cloud.points, XYZ[:, [0, 2, 1]] * [1, -1, 1] + [2.5, 2, 1.4], atol=1e-5)
    write_cloud(tmp_path / "b.pcd", cloud, found())
    np.testing.assert_array_equal(read_cloud(tmp_path / "b.pcd").points, cloud.points)
    assert f"VIEWPOINT 2.5 2.0 1.4 {half!r}".encode() in (tmp_path / "b.pcd").read_bytes()


@pytest.mark.parametrize(
    "odd", ["nan", "-nan(ind)", "nan(snan)", "1.#QNAN", "-1.#IND", "1.#INF", "-1.#IND00", "inf", "NaN"]
)
@pytest.mark.parametrize("suffix", [".ply", ".xyz", ".pcd"])
def test_numbers_that_are_none_are_no_returns(odd: str, suffix: str, tmp_path: Path) -> None:
    head = {
        ".ply": "ply\nformat ascii 1.0\nelement vertex 2\n"
        "property float x\nproperty float y\nproperty float z\nend_header\n",
        ".pcd": "FIELDS x y z\nWIDTH 2\nDATA ascii\n",
        ".xyz": "",
    }
    (tmp_path / f"a{suffix}").write_text(f"{head[suffix]}1 2 3\n{odd} {odd} {odd}\n")
    points = read_cloud(tmp_path / f"a{suffix}").points
    assert points[0].tolist() == [1, 2, 3]
    assert not np.isfinite(points[1]).any()


TEXTS = {
    "blanks.xyz": "1.5 2 3 10 20 30\n4 5 6 0 255 7\n",
    "tabs.txt": "1.5\t2\t3\t10\t20\t30\r\n4\t5\t6\t0\t255\t7\r\n",
    "commas.csv": "1.5,2,3,10,20,30\n4,5,6,0,255,7\n",
    "spaced.csv": "1.5, 2, 3, 10, 20, 30\n4, 5, 6, 0, 255, 7\n",
    "trailing.csv": "1.5;2;3;10;20;30;\n4;5;6;0;255;7;\n",
    "decimal.csv": "1,5;2;3;10;20;30\n4;5;6;0;255;7\n",
    "decimal.txt": "1,5 2,0 3,0 10 20 30\n4,0 5,0 6,0 0 255 7\n",
    "header.csv": "X,Y,Z,R,G,B\n1.5,2,3,10,20,30\n4,5,6,0,255,7\n",
    "quoted.csv": '"r";"g";"b";"x";"y";"z"\n10;20;30;1.5;2;3\n0;255;7;4;5;6\n',
    "cloudcompare.asc": "//X Y Z Rf Gf Bf\n1.5 2 3 0.039216 0.078431 0.117647\n4 5 6 0 1 0.027451\n",
    "comments.xyz": "# made up\n# x y z red green blue\n\n1.5 2 3 10 20 30\n4 5 6 0 255 7\n",
    "leica.pts": "2\n1.5 2 3 -1200 10 20 30\n4 5 6 77 0 255 7\n",
    "normals.txt": "1.5 2 3 0 0 1 10 20 30\n4 5 6 0.6 -0.8 0 0 255 7\n",
    "exponents.xyz": "1.5e0 2E+0 3 10 20 30\n4 5 6 0 255 7",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_read_with_any_delimiter_and_header(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(TEXTS[name].encode())
    cloud = read_cloud(tmp_path / name)
    np.testing.assert_array_equal(cloud.points, np.array([[1.5, 2, 3], [4, 5, 6]], np.float32))
    np.testing.assert_array_equal(cloud.colors, np.array([[10, 20, 30], [0, 255, 7]], np.uint8))  # type: ignore[arg-type]
    write_cloud(tmp_path / f"out_{name}", cloud, found(2))
    first = TEXTS[name].splitlines()[-1].rstrip(";")
    assert (tmp_path / f"out_{name}").read_text().splitlines()[-1].startswith(first)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no rows of numbers"),
        (b"hello world, this is\nno cloud\n", "no rows of numbers|neither a row"),
        (b"1 2\n3 4\n", "2 columns|neither a row"),
        (b"1 2 3\n4 5\n", "3 columns but 2 were found at row 2"),
        (b"1 2 3\n4 five 6\n", "could not convert string 'five'"),
        (b"PK\x03\x04\x00\x00\x00", "not text"),
        (b"100\n1 2 3\n", "first line promises 100 points, 1 are there"),
    ],
)
def test_text_that_holds_no_points_is_refused_in_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.pts").write_bytes(content)
    with pytest.raises(CloudFileError, match=words) as refused:
        read_cloud(tmp_path / "a.pts")
    assert "\n" not in str(refused.value)
    assert "usecols" not in str(refused.value)


def ply_of(count: str, form: str) -> bytes:
    numbers = "property float x\nproperty float y\nproperty float z"
    return f"ply\nformat {form} 1.0\nelement vertex {count}\n{numbers}\nend_header\n1 2 3\n".encode()


def npz_of(shape: str, size: int | None = None) -> bytes:
    """An npz file whose array promises a shape; its data are zeros, `size` bytes of them."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xyz.npy", "w", force_zip64=True) as file,
    ):
        file.write(array)
        for _ in range((size or 1 << 20) >> 20):
            file.write(bytes(1 << 20))
    return packed.getvalue()


PROMISES = {
    "ascii.ply": ply_of("1000000000000", "ascii"),
    "binary.ply": ply_of("1000000000000", "binary_little_endian"),
    "digits.ply": ply_of("9" * 200, "ascii"),
    "camera.ply": ply_of("1", "binary_little_endian").replace(
        b"element vertex", b"element camera 99999999999\nproperty int i\nelement vertex"
    ),
    "list.ply": ply_of("1000000000", "ascii").replace(
        b"property float z", b"property float z\nproperty list uint int i"
    ),
    "long_list.ply": ply_of("1", "binary_big_endian").replace(
        b"property float x", b"property list uint double i\nproperty float x"
    ),
    "points.pcd": pcd("FIELDS x y z", "POINTS 1000000000000", "DATA ascii", data=TEXT),
    "binary.pcd": pcd("FIELDS x y z", "WIDTH 1000000", "HEIGHT 1000000", "DATA binary", data=PLAIN),
    "count.pcd": pcd("FIELDS x y z", "COUNT 1 1 16000000", "POINTS 40", "DATA binary", data=PLAIN),
    "lzf.pcd": pcd(
        "FIELDS x y z",
        "POINTS 300000000",
        "DATA binary_compressed",
        data=struct.pack("<II", 400, 3600000000) + bytes(400),
    ),
    "header.npz": npz_of("(100000000000, 3)"),
    "bomb.npz": npz_of("(50000000, 3)", 1200 << 20),
    "header.npy": b"\x93NUMPY\x01\x00"
    + struct.pack("<H", 118)
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (90000000000, 3), }".ljust(117)
    + b"\n"
    + bytes(64),
    "count.pts": b"1000000000000\n1 2 3\n",
}


@pytest.mark.parametrize("name", PROMISES)
def test_a_header_that_promises_too_much_is_refused_and_nothing_allocated_for_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(PROMISES[name])
    tracemalloc.start()
    try:
        with pytest.raises(CloudFileError) as refused:
            read_cloud(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(refused.value).startswith(str(tmp_path / name))
    assert peak < 10 * len(PROMISES[name]) + (1 << 20)


def test_a_las_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    for suffix in (".las", ".laz"):
        data = bytearray(made(tmp_path / f"a{suffix}").read_bytes())
        data[247:255] = struct.pack("<Q", 10**12)  # number of points in LAS 1.4
        (tmp_path / f"b{suffix}").write_bytes(data)
        with pytest.raises(CloudFileError, match="promises 1000000000000 points|damaged"):
            read_cloud(tmp_path / f"b{suffix}")
        (tmp_path / f"c{suffix}").write_bytes(made(tmp_path / f"a{suffix}").read_bytes()[:-30])
        with pytest.raises(CloudFileError, match="cut short|damaged"):
            read_cloud(tmp_path / f"c{suffix}")


def test_e57_scans_are_read_as_one_cloud_in_the_frame_of_the_file(tmp_path: Path) -> None:
    pye57 = pytest.importorskip("pye57")
    file = pye57.E57(str(tmp_path / "a.e57"), mode="w")
    for shift in (0.0, 10.0):
        data = dict(zip(("cartesianX", "cartesianY", "cartesianZ"), np.ascontiguousarray(XYZ.T), strict=True))
        data |= dict(zip(("colorRed", "colorGreen", "colorBlue"), np.ascontiguousarray(RGB.T), strict=True))
        data["intensity"] = np.linspace(0, 1, N, dtype=np.float32)
        file.write_scan_raw(data, rotation=np.array([0.0, 0, 0, 1]), translation=np.array([shift, 0, 0]))
    file.close()
    cloud = read_cloud(tmp_path / "a.e57")
    turned = XYZ * [-1, -1, 1]  # half a turn about z
    np.testing.assert_allclose(cloud.points, np.vstack([turned, turned + [10, 0, 0]]), atol=1e-5)
    np.testing.assert_array_equal(cloud.colors, np.vstack([RGB, RGB]))  # type: ignore[arg-type]
    assert any("2 scans read as one cloud" in note for note in cloud.notes)
    write_cloud(tmp_path / "b.ply", cloud, found(2 * N))
    columns = read_table(tmp_path / "b.ply").columns
    assert np.bincount(columns["scan"].astype(int)).tolist() == [N, N]
    np.testing.assert_array_equal(columns["intensity"][:N], np.linspace(0, 1, N, dtype=np.float32))
    (tmp_path / "c.e57").write_bytes((tmp_path / "a.e57").read_bytes()[:2000])
    with pytest.raises(CloudFileError, match=r"c\.e57: .*damaged"):
        read_cloud(tmp_path / "c.e57")


@pytest.mark.parametrize(("suffix", "library"), [(".las", "laspy"), (".laz", "laspy"), (".e57", "pye57")])
def test_a_format_whose_library_is_missing_names_the_extra(
    suffix: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / f"a{suffix}").write_bytes(b"LASF")
    with pytest.raises(CloudFileError, match=r"need .*, which is not installed: pip install 'jspnet\[formats\]'"):
        read_cloud(tmp_path / f"a{suffix}")


def test_a_scale_turns_the_units_of_a_file_into_metres_and_leaves_the_file_its_units(tmp_path: Path) -> None:
    with (tmp_path / "mm.ply").open("wb") as file:
        write_vertices(file, dict(zip("xyz", XYZ.T * 1000, strict=True)))
    cloud = read_cloud(tmp_path / "mm.ply", scale=0.001)
    np.testing.assert_allclose(cloud.points, XYZ, atol=1e-6)
    write_cloud(tmp_path / "out.ply", cloud, found())
    np.testing.assert_array_equal(read_table(tmp_path / "out.ply").columns["x"], XYZ[:, 0] * 1000)


def test_a_cloud_of_no_file_is_written_with_its_offset(tmp_path: Path) -> None:
    write_cloud(tmp_path / "a.ply", Cloud(XYZ.astype(np.float32), RGB, UTM), found())
    np.testing.assert_allclose(read_table(tmp_path / "a.ply").columns["y"], XYZ[:, 1] + UTM[1], atol=1e-6)
