"""Triangles, light, scans and frames of furnished scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jspnet_core.synthetic.assets.kinds import CLASS_ID
from jspnet_core.synthetic.frames import SensorFrame, take_frame
from jspnet_core.synthetic.places import in_outline
from jspnet_core.synthetic.poses import HIGHEST, LOWEST, random_pose
from jspnet_core.synthetic.primitives.path import look
from jspnet_core.synthetic.render.raster import NOTHING, View, draw
from jspnet_core.synthetic.render.shade import Light, light_scene, shade
from jspnet_core.synthetic.render.triangles import Triangles, flatten
from jspnet_core.synthetic.scan import MARGIN, scan_room
from jspnet_core.synthetic.sensors.devices import DEVICES, Device, devices_of
from jspnet_core.synthetic.sensors.setup import random_setup
from tests.synthetic.small_room import DEEP, TALL, WIDE, box_mesh, place, small_room


@pytest.fixture(scope="module")
def scene():
    return small_room()


@pytest.fixture(scope="module")
def triangles(scene) -> Triangles:
    return flatten(scene.placed)


@pytest.fixture(scope="module")
def light(scene, triangles):
    return light_scene(scene, triangles)


def view_from(eye, yaw: float, pitch: float = 0.1, size=(64, 48)) -> View:
    return View(look(np.array(eye), yaw, pitch), *size, size[0] * 0.8, size[0] * 0.8, size[0] / 2, size[1] / 2)


def cast(triangles: Triangles, view: View, opaque: bool) -> np.ndarray:
    """Depth of the first triangle behind every pixel, by intersecting every ray with every triangle."""
    chosen = triangles.faces[triangles.glass != opaque]
    a, b, c = (triangles.vertices[chosen[:, k]].astype(float) for k in range(3))
    depth = np.full((view.height, view.width), np.inf)
    eye = view.T_world_camera[:3, 3]
    for row in range(view.height):
        for column in range(view.width):
            pixel = [(column - view.center_x) / view.focal_x, (row - view.center_y) / view.focal_y, 1.0]
            ray = view.T_world_camera[:3, :3] @ pixel
            across = np.cross(ray, c - a)
            det = (across * (b - a)).sum(1)
            with np.errstate(divide="ignore", invalid="ignore"):
                u = ((eye - a) * across).sum(1) / det
                other = np.cross(eye - a, b - a)
                v = (other @ ray) / det
                t = (other * (c - a)).sum(1) / det
            hit = (np.abs(det) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
            depth[row, column] = t[hit].min(initial=np.inf)
    return depth


@pytest.mark.parametrize(("eye", "yaw", "pitch"), [((1.2, 0.4, 1.4), 0.8, 0.3), ((3.5, 2.6, 0.3), -2.5, -0.3)])
def test_the_rasterizer_finds_what_single_rays_find(triangles, eye, yaw, pitch):
    view = view_from(eye, yaw, pitch)
    drawn, expected = draw(triangles, view), cast(triangles, view, opaque=True)
    same = np.isclose(drawn.depth, expected, rtol=1e-3) | (np.isinf(drawn.depth) & np.isinf(expected))
    assert same.mean() > 0.999  # a ray along the edge of two boxes may fall on either
    panes = cast(triangles, view, opaque=False)
    in_front = panes < expected
    assert np.mean((drawn.glass != NOTHING) == in_front) > 0.999


def test_triangles_that_reach_behind_the_camera_are_drawn_up_to_it(triangles):
    drawn = draw(triangles, view_from((2.0, 0.3, 0.6), np.pi / 2, 0.0))
    below = triangles.label[drawn.opaque[-1]]
    assert (drawn.opaque[-1] != NOTHING).all()
    assert set(below) <= {CLASS_ID["floor"], CLASS_ID["chair"]}


def test_a_scan_holds_visible_surfaces_of_the_room_alone(scene, triangles, light):
    cloud = scan_room(scene, triangles, light, 0, np.random.default_rng(1))
    assert 5_000 < len(cloud) <= 150_000
    low, high = cloud.points.min(0), cloud.points.max(0)
    assert (low > [-MARGIN, -MARGIN, -0.1]).all()
    assert (high < [WIDE + MARGIN, DEEP + MARGIN, TALL + 0.1]).all()
    # Outer sides of the walls and the inside of the cabinet are out of sight.
    inner = (cloud.instance == 11) & (np.abs(cloud.points - [0.3, 1.5, 0.9]) < [0.2, 0.4, 0.8]).all(1)
    assert not inner.any()
    walls = cloud.points[cloud.instance == 3]
    assert np.abs(walls[:, 0]).mean() < 0.02
    assert {1, 2, 3, 8, 9, 10, 11} <= set(np.unique(cloud.instance).tolist())
    assert (cloud.label[cloud.instance == 8] == CLASS_ID["table"]).all()


def test_the_same_seed_gives_the_same_scan(scene, triangles, light):
    one, other = (scan_room(scene, triangles, light, 0, np.random.default_rng(5)) for _ in range(2))
    for name in ("points", "colors", "label", "instance"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_scan_is_thinned_to_the_most_points_asked_for(scene, triangles, light):
    assert len(scan_room(scene, triangles, light, 0, np.random.default_rng(1), most=2000)) == 2000


def test_a_room_without_free_floor_is_refused(scene, triangles, light):
    full = replace(scene, free=(np.zeros((0, 2)),))
    with pytest.raises(ValueError, match="no free floor"):
        scan_room(full, triangles, light, 0, np.random.default_rng(1))
    with pytest.raises(ValueError, match="no room has free floor"):
        random_pose(full, triangles, np.random.default_rng(1))


def test_pictures_are_neither_black_nor_burnt_out_whatever_the_lamps_give(scene, triangles):
    for power in (0.01, 1.0, 100.0):
        lamps = tuple(replace(lamp, power=lamp.power * power) for lamp in scene.lighting.lamps)
        lit = replace(scene, lighting=replace(scene.lighting, lamps=lamps))
        means = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            colors = scan_room(lit, triangles, light_scene(lit, triangles), 0, rng).colors
            if colors.any():
                means.append(colors.mean())
                assert (colors.max(1) > 250).mean() < 0.2
        assert min(means) > 70
        assert max(means) < 200


def test_tables_cast_shadows(scene, triangles, light):
    points = np.array([[2.0, 1.5, 0.0], [3.2, 1.5, 0.0]], np.float32)
    floor = np.flatnonzero((triangles.label == CLASS_ID["floor"]) & (triangles.normal[:, 2] > 0.9))
    if not len(floor):
        floor = np.flatnonzero((triangles.label == CLASS_ID["floor"]) & (np.abs(triangles.normal[:, 2]) > 0.9))
    below, beside = shade(triangles, light, points, np.full(2, floor[0], np.int32), np.array([1.0, 1.0, 1.5]))
    assert below.mean() < 0.8 * beside.mean()


def framed(triangles: Triangles, light: Light, device: Device, pose: np.ndarray, seed: int, width: int) -> SensorFrame:
    rng = np.random.default_rng(seed)
    return take_frame(triangles, light, random_setup(device, rng, width), pose, rng)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_every_device_measures_the_room_with_its_noise(scene, triangles, light, device):
    pose = look(np.array([3.4, 0.5, 1.2]), 2.5, 0.25)
    frame = framed(triangles, light, device, pose, 3, 320)
    seen = np.isfinite(frame.points[..., 0])
    assert seen.mean() > (0.1 if device.kind == "lidar" else 0.3)
    assert (frame.label[seen] < 23).all()
    assert (frame.label[~seen] == 255).all()
    assert (frame.instance[seen] > 0).all()
    assert (frame.instance[~seen] == 0).all()
    cloud = frame.cloud("view")
    floor = cloud.points[cloud.label == CLASS_ID["floor"], 2]
    if len(floor) > 50:
        assert abs(np.median(floor)) < 0.04  # the height above the floor is kept
        assert np.std(floor) > 1e-4


def test_devices_lose_black_things_and_stereo_loses_what_one_eye_does_not_see(scene):
    black, white = box_mesh((2, 2, 2)), box_mesh((230, 230, 230))
    shell = list(scene.placed[:7])
    pose = look(np.array([0.5, 1.5, 0.8]), 0.0, 0.0)
    share = {}
    for name, mesh in (("black", black), ("white", white)):
        room = flatten([*shell, place(mesh, "clutter", 20, (3.0, 1.5, 0.2), (0.1, 1.5, 1.5))])
        light = light_scene(scene, room)
        lost = []
        for seed in range(4):
            for device in devices_of(("stereo", "time_of_flight")):
                frame = framed(room, light, device, pose, seed, 212)
                middle = frame.instance[frame.instance.shape[0] // 2 - 8 :, :][:16, 90:122]
                lost.append(np.mean(middle == 0))
        share[name] = np.mean(lost)
    assert share["black"] > share["white"] + 0.2


def test_poses_keep_to_the_free_floor_and_to_the_heights_of_robots_and_people(scene, triangles):
    rng = np.random.default_rng(0)
    poses = np.array([random_pose(scene, triangles, rng) for _ in range(300)])
    eyes, forward = poses[:, :3, 3], poses[:, :3, 2]
    assert (eyes[:, 2] >= LOWEST).all()
    assert (eyes[:, 2] <= HIGHEST).all()
    pitch = np.degrees(np.arcsin(-forward[:, 2]))
    assert pitch.min() >= -45.1
    assert pitch.max() <= 60.1
    nearest = np.abs(eyes[:, None, :2] - scene.free[0][None]).sum(2).min(1)
    assert nearest.max() < 1e-9
    np.testing.assert_allclose(
        poses[:, :3, :3] @ poses[:, :3, :3].transpose(0, 2, 1), np.tile(np.eye(3), (300, 1, 1)), atol=1e-9
    )


def test_one_point_stays_of_each_voxel_above_the_floor():
    points = np.array([[[0.001, 0.001, 0.001], [0.002, 0.001, 0.001], [0.02, 0, 0], [np.nan] * 3]], np.float32)
    pose = np.eye(4)
    pose[2, 3] = 0.7
    label = np.array([[1, 2, 3, 255]], np.uint8)
    frame = SensorFrame(points, np.zeros((1, 4, 3), np.uint8), label, label.astype(np.int32), pose, "none")
    cloud = frame.cloud("view", 0.012)
    assert cloud.label.tolist() == [1, 3]
    np.testing.assert_allclose(cloud.points[:, 2], [0.701, 0.7], atol=1e-6)


def test_points_near_an_l_shaped_outline_belong_to_it():
    outline = np.array([[0, 0], [4, 0], [4, 2], [2, 2], [2, 4], [0, 4]], float)
    points = np.array([[1, 3], [3, 3], [3, 1], [2.1, 3], [-0.3, 1]])
    assert in_outline(points, outline, 0.2).tolist() == [True, False, True, True, False]
