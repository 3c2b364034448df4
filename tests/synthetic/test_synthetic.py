"""Generated rooms: properties that training and the demo rely on."""

from __future__ import annotations

import numpy as np
import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.synthetic import KINDS, Camera, Scene, camera_path, make_scene
from jspnet_core.synthetic.primitives.materials import Material
from jspnet_core.synthetic.primitives.raycast import NOTHING, cast_pixels, seen_from
from jspnet_core.synthetic.primitives.solids import BOX, CYLINDER, Builder, Primitives, pose
from jspnet_core.synthetic.primitives.surfaces import sample_surfaces

GREY = Material((0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def office() -> Scene:
    return make_scene(2, "office")


def outside_distance(solids: Primitives, points: np.ndarray) -> np.ndarray:
    """(N, P) signed distances of points to the solids' boxes, their least over cylinders and ellipsoids too."""
    local = np.einsum("pji,npj->npi", solids.rotation, points[:, None] - solids.center)
    return (np.abs(local) - solids.half).max(2)


def test_same_seed_same_room(office: Scene):
    again = make_scene(2, "office")
    np.testing.assert_array_equal(again.solids.center, office.solids.center)
    np.testing.assert_array_equal(again.light.level, office.light.level)
    assert len(make_scene(3, "office").solids) != len(office.solids)


def test_unknown_kind_names_the_accepted_ones():
    with pytest.raises(ValueError, match="office, meeting, hallway, pantry, found 'garage'"):
        make_scene(0, "garage")


@pytest.mark.parametrize("kind", KINDS)
def test_room_cloud_is_a_labelled_room(kind: str):
    scene = make_scene(4, kind)
    cloud = scene.room_cloud(np.random.default_rng(0), density=400.0)
    assert cloud.points.dtype == np.float32
    assert cloud.points.shape == cloud.colors.shape == (len(cloud.label), 3)
    np.testing.assert_allclose(cloud.points.min(0), 0.0, atol=1e-6)
    names = {S3DIS.names[label] for label in np.unique(cloud.label)}
    assert {"ceiling", "floor", "wall", "door", "clutter"} <= names
    floor = cloud.points[cloud.label == S3DIS.names.index("floor"), 2]
    assert np.median(floor) < 0.05
    ceiling = cloud.points[cloud.label == S3DIS.names.index("ceiling"), 2]
    assert np.median(ceiling) == pytest.approx(scene.size[2], abs=0.06)
    for instance in np.unique(cloud.instance):
        assert len(np.unique(cloud.label[cloud.instance == instance])) == 1
    area = 2 * scene.size[0] * scene.size[1] + 2 * scene.size[2] * (scene.size[0] + scene.size[1])
    assert 0.6 * area < len(cloud.label) / 400.0 < 2.0 * area


def test_scan_sees_fronts_only():
    """Two blocks that touch, a third behind them: only faces toward the eye with nothing before them are seen."""
    build = Builder(np.random.default_rng(0))
    with build.instance("clutter"):
        build.box((2.0, -0.5, 0.0), (1.0, 1.0, 1.0), GREY)
        build.box((2.0, 0.5, 0.0), (1.0, 1.0, 1.0), GREY)
        build.box((4.0, 0.0, 0.0), (0.5, 0.5, 0.5), GREY)
    s = build.finish()
    points, normals, index = sample_surfaces(s, 500.0, np.random.default_rng(1))
    seen = seen_from(points, normals, np.zeros((1, 3)), s.kind, s.center, s.rotation, s.half, s.radius)
    np.testing.assert_array_equal(seen, (index < 2) & (normals[:, 0] < -0.5))
    beside = seen_from(points, normals, np.array([[4.0, 9.0, 0.0]]), s.kind, s.center, s.rotation, s.half, s.radius)
    assert beside[(index == 2) & (normals[:, 1] > 0.5)].all()
    assert not beside[(index == 0) & (np.abs(normals[:, 1]) > 0.5)].any(), "the face inside the other block"


def test_cast_finds_the_nearest_solid_like_a_slow_search():
    """Against an independent computation: march along rays until inside a solid."""
    rng = np.random.default_rng(3)
    build = Builder(rng)
    with build.instance("clutter"):
        for _ in range(12):
            place = pose(*rng.uniform(-1.5, 1.5, 2), rng.uniform(2.0, 4.0), rng.uniform(0, 6))
            with build.at(place):
                size = tuple(rng.uniform(0.2, 0.8, 3))
                (build.box, build.blob)[int(rng.integers(2))]((0, 0, 0), size, GREY)
                build.rod((0.5, 0, 0), size[0] / 3, size[1], GREY)
    s = build.finish()
    camera = Camera(width=40, height=30, focal_x=30, focal_y=30, center_x=19.5, center_y=14.5)
    depth, hit = np.empty((30, 40)), np.empty((30, 40), np.int32)
    cast_pixels(np.zeros(3), np.eye(3), camera.rays(), s.kind, s.center, s.rotation, s.half, s.radius, depth, hit)
    expected = march(s, camera.rays().reshape(-1, 3)).reshape(30, 40)
    assert (hit >= 0).mean() > 0.2
    agree = np.abs(np.minimum(depth, 9.0) - np.minimum(expected, 9.0)) < 0.011
    assert agree.mean() > 0.995  # the march steps over what it cuts by less than its step
    assert np.all((depth == NOTHING) == (hit < 0))


def march(s: Primitives, rays: np.ndarray, step: float = 0.01) -> np.ndarray:
    """Depth at which each ray first is inside a solid, in steps of a centimetre; NOTHING beyond 6 m."""
    depth = np.full(len(rays), NOTHING)
    for z in np.arange(step, 6.0, step):
        local = np.einsum("pji,npj->npi", s.rotation, (z * rays)[:, None] - s.center) / s.half
        box = np.abs(local).max(2) <= 1.0
        tube = (np.hypot(local[..., 0], local[..., 1]) <= 1.0) & (np.abs(local[..., 2]) <= 1.0)
        blob = np.linalg.norm(local, axis=2) <= 1.0
        inside = np.where(s.kind == BOX, box, np.where(s.kind == CYLINDER, tube, blob)).any(1)
        depth[inside & (depth == NOTHING)] = z
    return depth


def test_frame_lies_on_the_surfaces_it_names(office: Scene):
    T_world_camera = next(camera_path(office, frames=8, seed=1))
    frame = office.depth_frame(T_world_camera, np.random.default_rng(0))
    assert frame.points.shape == (480, 640, 3)
    assert frame.points.dtype == np.float32
    assert frame.colors.dtype == np.uint8
    seen = np.isfinite(frame.points[..., 2])
    assert 0.8 < seen.mean() < 1.0, "some holes, but mostly returns"
    assert np.all(frame.label[~seen] == 255)
    assert np.all(frame.instance[~seen] == 0)
    assert np.all(frame.instance[seen] > 0)
    points = frame.points[seen][::97].astype(np.float64) @ T_world_camera[:3, :3].T + T_world_camera[:3, 3]
    instance = frame.instance[seen][::97]
    distance = np.where(office.solids.instance == instance[:, None], np.abs(outside_distance(office.solids, points)), 9)
    boxes_only = np.isin(instance, np.unique(office.solids.instance[office.solids.kind != BOX]), invert=True)
    off = distance.min(1)[boxes_only]
    assert np.median(off) < 0.02
    assert (off < 0.1).mean() > 0.97, "but for mixed pixels at edges"


def test_noise_grows_with_distance(office: Scene):
    """Twenty looks at the same view: the spread at 3 m is several times that at 1 m."""
    T_world_camera = next(camera_path(office, frames=4, seed=0))
    rng = np.random.default_rng(5)
    depths = np.stack([office.depth_frame(T_world_camera, rng).points[..., 2] for _ in range(20)])
    steady = np.isfinite(depths).all(0) & (np.ptp(depths, axis=0) < 0.1)
    mean, spread = depths[:, steady].mean(0), depths[:, steady].std(0)
    near, far = mean < np.quantile(mean, 0.1), mean > np.quantile(mean, 0.9)
    assert 0.0005 < np.median(spread[near]) < 0.5 * np.median(spread[far]) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_walk_hits_nothing_and_looks_about(kind: str):
    scene = make_scene(1, kind)
    poses = np.stack(list(camera_path(scene, frames=120, seed=2)))
    assert poses.shape == (120, 4, 4)
    eyes = poses[:, :3, 3]
    assert eyes[:, 2].min() >= 1.0
    assert eyes[:, 2].max() <= 1.5
    assert outside_distance(scene.solids, eyes).min() > 0.05
    steps = np.linalg.norm(np.diff(eyes, axis=0, append=eyes[:1]), axis=1)
    assert steps.max() < 0.35, "a walk, not jumps"
    forward = poses[:, :3, 2]
    assert np.all(forward[:, 2] < 0.0), "pitched down"
    np.testing.assert_allclose(poses[:, 2, 0], 0.0, atol=1e-12, err_msg="no roll")
    yaw = np.arctan2(forward[:, 1], forward[:, 0])
    assert len(np.unique(np.round(yaw / (np.pi / 4)))) >= 8, "looks in all directions"
