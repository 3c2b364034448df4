"""The CUDA kernels, compiled for the host from the same source, against their CPU versions on the same inputs."""

import numpy as np
import pytest

from jspnet_core.cuda.blocks import block_features, choose_columns, cut_blocks
from jspnet_core.cuda.device import SOURCES, kernel_names
from jspnet_core.cuda.device_network import network_inputs
from jspnet_core.cuda.nvcc import compiled, find_nvcc
from jspnet_core.cuda.pyramid import DevicePyramids
from jspnet_core.cuda.voxelize import voxelize
from jspnet_core.errors import CloudError, KernelsError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.blocks import block_features as cpu_block_features
from jspnet_core.pipeline.pyramid import build_pyramid, index_sources, pyramid_names, stack_pyramids, unstack_pyramids
from jspnet_core.pipeline.voxelize import voxelize as cpu_voxelize
from jspnet_core.settings import SegmenterSettings
from jspnet_core.spatial.transforms import transform_points

CONFIGURATION = NetworkConfiguration.narrow(
    points=256, levels=(64, 48, 32, 16), point_conv=((16, 16), (16, 16), (16, 16)), block_size=1.0
)
TURN = np.array([[0.6, -0.8, 0, 0.3], [0.8, 0.6, 0, -2.0], [0, 0, 1, 0.5], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def cloud():
    """A floor and a wall, 2.4 m wide, with points that are no returns."""
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 2.4, (6000, 3)).astype(np.float32)
    points[:3000, 2] = rng.normal(0, 0.005, 3000)
    points[3000:, 1] = rng.normal(2.0, 0.005, 3000)
    points[::97] = np.nan
    points[5, 0], points[6, 1] = np.inf, 1e30
    return points, rng.integers(0, 256, points.shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [0.05, 0.3])
def test_voxels_are_those_of_the_cpu(device, cloud, size):
    points, _ = cloud
    expected, found = cpu_voxelize(points, size), voxelize(device, points, size, TURN)
    assert found.count == len(expected.representative)
    np.testing.assert_array_equal(device.download(found.representative, found.count), expected.representative)
    np.testing.assert_array_equal(device.download(found.of_point), expected.of_point)
    xyz = device.download(found.xyz, found.count)
    np.testing.assert_allclose(xyz, transform_points(TURN, points[expected.representative]), atol=1e-6)
    np.testing.assert_array_equal(device.download(found.low_high), [*xyz.min(axis=0), *xyz.max(axis=0)])


@pytest.mark.parametrize("stride", [1.0, 0.4])
def test_blocks_hold_the_voxels_of_their_columns(device, cloud, stride):
    points, colors = cloud
    c, settings = CONFIGURATION, SegmenterSettings(stride=stride, min_block_points=40)
    voxels = voxelize(device, points, 0.08, TURN)
    blocks = cut_blocks(device, voxels, c, settings, sensor=np.zeros(2))
    xyz, index = device.download(voxels.xyz, voxels.count), device.download(blocks.index)
    columns = columns_of(xyz, c.block_size, stride, settings.min_block_points)
    assert len(columns) == len(blocks) > 1
    for row, count, column in zip(index, device.download(blocks.count), columns, strict=True):
        assert count == min(len(column), c.points)
        assert len(set(row[:count])) == count, "the first points of a block are different ones"
        assert set(row[:count]) <= set(column)
        assert set(row[count:]) <= set(row[:count])
        assert not np.array_equal(row[:count], np.sort(row[:count])), "the order is random"
    features = device.empty((len(blocks), c.points, 9), np.float32)
    on_device = device.empty(colors.shape, np.uint8)
    device.upload(on_device, colors)
    block_features(device, voxels, blocks, on_device, c, features)
    rgb = colors[device.download(voxels.representative, voxels.count)]
    expected = cpu_block_features(xyz, rgb, index, color=True, block_size=c.block_size)
    np.testing.assert_allclose(device.download(features), expected, atol=1e-6)


def columns_of(xyz, size, stride, fewest):
    """Members of the grid's columns, straight from the definition."""
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    counts = np.ceil(np.maximum(high - low - size, 0.0)[:2] / stride).astype(int) + 1
    members = []
    for i in range(counts[0]):
        for j in range(counts[1]):
            begin = low[:2].astype(np.float64) + stride * np.array([i, j])
            inside = (xyz[:, :2] >= begin).all(axis=1) & (xyz[:, :2] <= begin + size).all(axis=1)
            members.append(np.flatnonzero(inside))
    return [column for column in members if len(column) >= fewest]


def test_a_point_in_the_far_distance_does_not_take_all_memory(device, cloud):
    points = cloud[0].copy()
    points[7] = [9000.0, -9000.0, 0.0]
    voxels = voxelize(device, points, 0.3, np.eye(4))
    with pytest.raises(CloudError, match="covers 900") as error:
        cut_blocks(device, voxels, CONFIGURATION, SegmenterSettings(stride=1.0), sensor=np.zeros(2))
    assert error.value.reason == "extent"


def test_full_blocks_are_drawn_evenly(device):
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(0, 0.9, (3000, 2)), rng.uniform(0, 1, (3000, 1))], axis=1).astype(np.float32)
    voxels = voxelize(device, points, 0.01, np.eye(4))
    blocks = cut_blocks(device, voxels, CONFIGURATION, SegmenterSettings(stride=1.0), sensor=np.zeros(2))
    (row,) = device.download(blocks.index)
    assert len(set(row)) == CONFIGURATION.points < voxels.count
    quarters = np.bincount(4 * row // voxels.count, minlength=4)
    assert quarters.min() > 0.6 * CONFIGURATION.points / 4, "no part of the cloud is preferred"


def test_the_nearest_columns_are_kept():
    members = np.array([50, 10, 60, 70, 80])
    middles = np.array([[0.0, 0], [1, 0], [2, 0], [3, 0], [4, 0]])
    sums = np.rint(1e6 * middles * members[:, None]).astype(np.int64)
    chosen, left_out = choose_columns(members, sums, 32, 2, np.array([3.6, 0.0]))
    assert chosen.tolist() == [3, 4]
    assert left_out == 2
    assert choose_columns(members, sums, 32, 0, np.zeros(2))[0].tolist() == [0, 2, 3, 4]


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(1)
    features = rng.uniform(0, 1, (3, CONFIGURATION.points, 9)).astype(np.float32)
    features[0, 200:] = features[0, :56]  # padding: the same points again
    features[1, :, 2] = 0.0  # a plane
    return features


def test_pyramids_are_those_of_the_cpu(device, features):
    expected = stack_pyramids([build_pyramid(f[:, :3], CONFIGURATION) for f in features], CONFIGURATION)
    found = pyramids_on(device, features)
    for name in ("sample", "ball"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    for name in ("density2", "density3", "density4"):
        np.testing.assert_allclose(np.sort(found[name], axis=-1), np.sort(expected[name], axis=-1), rtol=1e-4)
    xyz = levels_of(features, found["sample"])
    for name, level in index_sources().items():
        if name.startswith("near"):  # equally near ones may come in another order
            np.testing.assert_allclose(
                distances(xyz[level], xyz[level], found[name]),
                distances(xyz[level], xyz[level], expected[name]),
                atol=1e-6,
            )
        if name.startswith("up"):
            fine = xyz[int(name[2])]
            np.testing.assert_allclose(
                distances(fine, xyz[level], found[name]), distances(fine, xyz[level], expected[name]), atol=1e-6
            )
            weight = name.replace("index", "weight")
            np.testing.assert_allclose(found[weight], expected[weight], atol=2e-4)


def pyramids_on(device, features):
    arrays = network_inputs(device, CONFIGURATION, most=4)
    device.upload(arrays["features"], features)
    DevicePyramids(device, CONFIGURATION, arrays).build(len(features))
    return {name: device.download(arrays[name], len(features)) for name in pyramid_names()}


def levels_of(features, sample):
    """Flat coordinates (B * n, 3) of each level."""
    c = CONFIGURATION
    points = features[..., :3].reshape(-1, 3)
    level1 = points[sample]  # (B, n1, 3)
    return [points, *(level1[:, :n].reshape(-1, 3) for n in c.levels)]


def distances(fine, coarse, index):
    rows = fine.reshape(len(index), -1, 3)
    return np.linalg.norm(coarse[index] - rows[:, : index.shape[1], None], axis=-1)


def test_stacked_pyramids_come_apart_again(features):
    pyramids = [build_pyramid(f[:, :3], CONFIGURATION) for f in features]
    for found, expected in zip(
        unstack_pyramids(stack_pyramids(pyramids, CONFIGURATION), CONFIGURATION), pyramids, strict=True
    ):
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("name", SOURCES)
def test_kernels_compile_for_gpus(name, tmp_path):
    if find_nvcc() is None:
        pytest.skip("nvcc is not installed: kernels cannot be compiled for a GPU")
    path = compiled(name, (8, 7), tmp_path)
    assert path.read_bytes()[:4] == b"\x7fELF"
    assert all(kernel.encode() in path.read_bytes() for kernel in kernel_names(name))


def test_compiled_kernels_need_no_compiler(tmp_path, monkeypatch):
    if find_nvcc() is None:
        pytest.skip("nvcc is not installed: kernels cannot be compiled for a GPU")
    path = compiled("labels_to_points", (8, 0), tmp_path)
    monkeypatch.setattr("jspnet_core.cuda.nvcc.find_nvcc", lambda: None)
    assert compiled("labels_to_points", (8, 0), tmp_path) == path
    with pytest.raises(KernelsError, match="nvcc, which compiles the kernels, is not installed"):
        compiled("labels_to_points", (9, 0), tmp_path)


def test_a_gpu_that_nvcc_does_not_know_is_named(tmp_path):
    if find_nvcc() is None:
        pytest.skip("nvcc is not installed: kernels cannot be compiled for a GPU")
    with pytest.raises(KernelsError, match=r"compute capability \(3, 1\): nvcc fatal"):
        compiled("labels_to_points", (3, 1), tmp_path)
    assert not list((tmp_path / "kernels").iterdir())
