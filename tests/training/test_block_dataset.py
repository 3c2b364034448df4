"""Training blocks: reproducible by number, equal to those of the runtime, and changed by each option."""

import numpy as np
import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.data.depth_view import CameraPose, DepthCamera, simulate_view
from jspnet_core.data.rooms import Room, RoomFileError
from jspnet_core.pipeline.blocks import cut_blocks, extent
from jspnet_core.training.dataset.augmentation import augment_colors, random_transform
from jspnet_core.training.dataset.grid_dataset import GridBlockDataset
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.dataset.room_bounds import check_rooms, points_near, room_bounds
from jspnet_core.training.recipe import PAPER, Augmentation
from jspnet_core.training.validation import NO_AUGMENTATION
from tests.labelled_rooms import CHAIR, SMALL, WALL, box_room

GRID = PAPER.augmentation


@pytest.fixture(scope="module")
def rooms():
    return [box_room(0), box_room(1, size=(4.2, 2.2))]


def changed(augmentation, **switches):
    return Augmentation(**{**augmentation.model_dump(), **switches})


@pytest.mark.parametrize("augmentation", [Augmentation(), GRID])
def test_the_same_seed_draws_the_same_block_and_another_number_another(rooms, augmentation):
    kind = RandomBlockDataset if augmentation.cut == "around" else GridBlockDataset
    one, two = (kind(rooms, SMALL, augmentation, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one[3]["features"], two[3]["features"])
    assert not np.array_equal(one[3]["features"], one[4]["features"])


@pytest.mark.parametrize("views", [0.0, 1.0])
def test_blocks_of_training_are_those_of_the_runtime(rooms, views):
    blocks = RandomBlockDataset(rooms, SMALL, Augmentation(views=views), seed=0)
    for number in range(6):
        block = blocks[number]
        x, y = block["features"][:, 0], block["features"][:, 1]
        assert block["features"].shape == (256, 9)
        assert x.min() == pytest.approx(-0.5, abs=1e-5)
        assert max(np.ptp(x), np.ptp(y)) <= 1.0 + 1e-4
        assert block["features"][:, 6:].min() >= -0.3  # a tilted floor
        assert block["features"][:, 6:].max() <= 1.0 + 1e-5
        assert set(block["instance"]) == set(range(block["instance"].max() + 1))


def test_a_block_of_a_turned_room_has_the_features_of_the_whole_turned_room(rooms):
    """Only the block's surroundings are turned; the room's turned extent comes from its bounds."""
    room = rooms[1]
    shape = room_bounds(room)
    for angle in (0.0, 0.7, 2.0):
        c, s = np.cos(angle), np.sin(angle)
        pose = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
        for exact, outlined in zip(extent(room.points @ pose), extent(shape.corners @ pose), strict=True):
            np.testing.assert_allclose(outlined, exact, atol=0.0 if angle == 0.0 else 0.01)
    np.testing.assert_array_equal(
        points_near(room.points, 1.0, 1.0, 0.5), np.flatnonzero((np.abs(room.points[:, :2] - 1.0) <= 0.5).all(axis=1))
    )


def test_turning_keeps_distances_and_heights(rooms):
    points = rooms[0].points[:500]
    turned = points @ random_transform(Augmentation(), np.random.default_rng(0))
    np.testing.assert_allclose(turned[:, 2], points[:, 2])
    before, after = (np.linalg.norm(p[:250] - p[250:], axis=1) for p in (points, turned))
    np.testing.assert_allclose(after, before, atol=1e-4)
    assert not np.allclose(turned, points)


def test_switches_of_the_pose():
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(random_transform(NO_AUGMENTATION, rng), np.eye(3))
    mirrors = [np.linalg.det(random_transform(changed(NO_AUGMENTATION, mirror=True), rng)) for _ in range(40)]
    assert 5 < sum(d < 0 for d in mirrors) < 35
    sizes = [random_transform(changed(NO_AUGMENTATION, scale=0.1), rng)[2, 2] for _ in range(40)]
    assert 0.9 <= min(sizes) < 0.95
    assert 1.05 < max(sizes) <= 1.1


def test_jitter_moves_points_by_its_size(rooms):
    still, moved = (
        RandomBlockDataset(rooms, SMALL, changed(NO_AUGMENTATION, jitter=j), seed=0)[0]["features"] for j in (0.0, 0.01)
    )
    assert 0.008 < (moved[:, 2] - still[:, 2]).std() < 0.012


def test_switches_of_the_colours():
    rng = np.random.default_rng(0)
    colors = rng.uniform(0.4, 0.6, (50, 3)).astype(np.float32)
    colors[:5] = 0.0
    np.testing.assert_array_equal(augment_colors(colors, NO_AUGMENTATION, rng), colors)
    assert not augment_colors(colors, changed(NO_AUGMENTATION, color_drop=1.0), rng).any()
    stretched = [np.ptp(augment_colors(colors, changed(NO_AUGMENTATION, contrast=1.0), rng)[5:]) for _ in range(20)]
    assert max(stretched) > 0.7
    assert not augment_colors(colors, changed(NO_AUGMENTATION, contrast=1.0, color_gain=0.5), rng)[:5].any()
    gained = augment_colors(colors, changed(NO_AUGMENTATION, color_gain=0.5), rng)
    np.testing.assert_allclose((gained[5:] / colors[5:]).std(axis=0), 0.0, atol=1e-5)
    assert not np.allclose(gained, colors)


def test_balance_meets_rare_classes_in_whichever_room_has_them(rooms):
    bare = Room(
        "bare", *(getattr(rooms[0], k)[rooms[0].label <= WALL] for k in ("points", "colors", "label", "instance"))
    )
    shares = []
    for balance in (0.0, 1.0):
        blocks = RandomBlockDataset([bare] * 9 + [rooms[0]], SMALL, changed(NO_AUGMENTATION, balance=balance), seed=0)
        shares.append(np.mean([(blocks[i]["label"] == CHAIR).any() for i in range(30)]))
    assert shares[0] < 0.25 < 0.4 < shares[1]


def test_a_view_hides_what_is_behind_a_wall():
    y, z = np.meshgrid(np.arange(-2, 2, 0.02), np.arange(0, 2, 0.02))
    wall = np.stack([np.full(y.size, 2.0), y.ravel(), z.ravel()], 1)
    behind = wall + [0.5, 0.0, 0.0]
    room = np.concatenate([wall, behind]).astype(np.float32)
    exact = DepthCamera(noise=0.0, tilt=0.0, floor_error=0.0)
    sight = simulate_view(room, np.random.default_rng(0), exact, CameraPose(np.array([0.0, 0.0, 1.0]), 0.0, 0.0))
    assert len(sight.visible) > 1000
    assert (sight.visible < len(wall)).all()
    np.testing.assert_allclose(sight.points, room[sight.visible], atol=1e-5)


def test_a_view_is_as_wrong_as_a_depth_camera():
    """Noise grows with the square of the range, gravity is tilted, the floor is off."""
    y, z = np.meshgrid(np.arange(-1, 1, 0.02), np.arange(0, 2, 0.02))
    walls = [np.stack([np.full(y.size, x), y.ravel(), z.ravel()], 1).astype(np.float32) for x in (1.0, 4.0)]
    pose = CameraPose(np.array([0.0, 0.0, 1.0]), 0.0, 0.0)
    rng = np.random.default_rng(0)
    noise = []
    for wall in walls:
        sight = simulate_view(wall, rng, DepthCamera(noise=0.002, tilt=0.0, floor_error=0.0), pose)
        noise.append((sight.points - wall[sight.visible])[:, 0].std())
    assert noise == pytest.approx([0.002, 0.032], rel=0.15)
    sparse, tilts, lifts = walls[1][::20], [], []
    for _ in range(100):
        sight = simulate_view(sparse, rng, DepthCamera(noise=0.0, tilt=0.05, floor_error=0.0), pose)
        risen = (sight.points - sparse[sight.visible])[:, 2]
        tilts.append(np.polyfit(sparse[sight.visible, 1], risen, 1)[0])
        sight = simulate_view(sparse, rng, DepthCamera(noise=0.0, tilt=0.0, floor_error=0.05), pose)
        lifts.append((sight.points - sparse[sight.visible])[0, 2])
    assert np.std(tilts) == pytest.approx(0.05, rel=0.3)
    assert np.std(lifts) == pytest.approx(0.05, rel=0.3)


def test_colour_is_missing_where_the_colour_camera_cannot_look():
    """Beside a near object, on the side away from the lens: the left, for the colour camera stands to the right."""
    y, z = np.meshgrid(np.arange(-2, 2, 0.01), np.arange(0, 2, 0.01))
    back = np.stack([np.full(y.size, 3.0), y.ravel(), z.ravel()], 1)
    near_by = back[np.abs(back[:, 1]) < 0.4] * [0.4, 0.4, 1.0]
    room = np.concatenate([near_by, back]).astype(np.float32)
    pose = CameraPose(np.array([0.0, 0.0, 1.0]), 0.0, 0.0)
    sight = simulate_view(room, np.random.default_rng(0), DepthCamera(color_baseline=0.1, color_focal=0.5), pose)
    lost = room[sight.visible[~sight.colored]]
    assert len(lost) > 50
    assert (lost[:, 1] > 0).mean() > 0.9  # y points left of a camera that looks along x
    assert (
        simulate_view(
            room, np.random.default_rng(0), DepthCamera(color_baseline=0.0, color_focal=0.5), pose
        ).colored.mean()
        > 0.95
    )


def test_views_lose_colour_by_the_switch(rooms):
    shares = []
    for edge in (0.0, 1.0):
        switches = dict(views=1.0, view=DepthCamera(color_focal=2.0), edge_color=edge)
        blocks = RandomBlockDataset(rooms, SMALL, changed(NO_AUGMENTATION, **switches), seed=0)
        shares.append(np.mean([(blocks[i]["features"][:, 3:6] == 0).all(axis=1).mean() for i in range(8)]))
    assert shares[0] == 0.0
    assert shares[1] > 0.1


def test_the_grid_is_the_runtimes_and_an_epoch_holds_each_block_once(rooms):
    blocks = GridBlockDataset(rooms, SMALL, GRID, seed=0)
    expected = sum(
        len(
            cut_blocks(
                r.points, points_per_block=256, block_size=1.0, stride=0.5, min_points=100, rng=np.random.default_rng(0)
            )
        )
        for r in rooms
    )
    assert len(blocks.columns) == expected
    orders = [blocks.order(epoch) for epoch in range(2)]
    assert all(sorted(order) == list(range(expected)) for order in orders)
    assert not np.array_equal(*orders)
    assert np.count_nonzero(np.diff(blocks.columns[blocks.order(0), 0])) == 1  # room by room
    mixed = GridBlockDataset(rooms, SMALL, changed(GRID, shuffle="all"), seed=0)
    assert np.count_nonzero(np.diff(mixed.columns[mixed.order(0), 0])) > 1


def test_the_grids_points_are_drawn_anew_or_once(rooms):
    for redraw in (True, False):
        blocks = GridBlockDataset(rooms, SMALL, changed(GRID, redraw=redraw), seed=0)
        again = len(blocks.columns) + int(np.flatnonzero(blocks.order(1) == blocks.column(0))[0])
        same = np.array_equal(blocks[0]["features"], blocks[again]["features"])
        assert same is not redraw


def test_the_papers_points_repeat(rooms):
    repeats = []
    for replacement in (True, False):
        features = GridBlockDataset(rooms, SMALL, changed(GRID, replacement=replacement), seed=0)[0]["features"]
        repeats.append(len(features) - len(np.unique(features, axis=0)))
    assert repeats[0] > 0
    assert repeats[1] == 0


def test_random_places_differ_from_the_grid_and_between_epochs(rooms):
    blocks = GridBlockDataset(rooms, SMALL, changed(GRID, cut="random"), seed=0)
    assert len(blocks.columns) == 3 * 3 + 5 * 3
    n = len(blocks.columns)
    again = n + int(np.flatnonzero(blocks.order(1) == blocks.column(0))[0])
    assert not np.array_equal(blocks[0]["features"], blocks[again]["features"])


def part(room: Room, keep, **arrays) -> Room:
    fields = {k: getattr(room, k)[keep] for k in ("points", "colors", "label", "instance")}
    return Room(room.name, **{**fields, **arrays})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: part(r, slice(20)), "20 points, at least 100 are needed"),
        (
            lambda r: part(r, slice(None), label=np.where(r.label == CHAIR, 40, r.label)),
            r"class ids 40; accepted are 0 to 12",
        ),
        (lambda r: part(r, slice(None), label=np.full_like(r.label, 255)), "no point has a class"),
        (lambda r: part(r, slice(None), instance=np.zeros_like(r.instance)), "one instance id"),
    ],
)
def test_rooms_that_cannot_train_are_named(rooms, spoil, message):
    with pytest.raises(RoomFileError, match=f"(?s)here, room box_0: .*{message}"):
        check_rooms([rooms[1], spoil(rooms[0])], S3DIS, "here", "train")
    check_rooms(rooms, S3DIS, "here", "train")
    with pytest.raises(RoomFileError, match="'train' has no rooms"):
        check_rooms([], S3DIS, "here", "train")


def test_rooms_in_millimetres_end_with_a_sentence(rooms):
    room = part(rooms[0], slice(None), points=rooms[0].points * 1000)
    with pytest.raises(RoomFileError, match="are the coordinates metres"):
        RandomBlockDataset([room], SMALL, NO_AUGMENTATION, seed=0)[0]
