"""`jspnet prepare shapenet`: shapes with instances, and a network that trains on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.cli.app import app
from jspnet_core.data.room_index import RoomFileError, read_index
from jspnet_core.data.rooms import open_rooms, room_classes, room_geometry

pytest.importorskip("pandas", reason="pandas (extra prepare) is not installed")
pytest.importorskip("sklearn", reason="scikit-learn (extra prepare) is not installed")
CAPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "shapenetpart_caps"


def prepare(*arguments: str | Path | int) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["prepare", "shapenet", *map(str, arguments), "--workers", "1"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


def cloud(rng: np.random.Generator, middle: tuple[float, float, float], size: tuple[float, float, float], n: int):
    return np.array(middle) + (rng.random((n, 3)) - 0.5) * size


def table(root: Path, name: str, seed: int = 0) -> None:
    """A table as the data set has it, y up, any size: a top (part 47) and four separate legs (48)."""
    rng = np.random.default_rng(seed)
    legs = [cloud(rng, (x, -0.5, z), (0.1, 1.0, 0.1), 300) for x in (-0.9, 0.9) for z in (-0.6, 0.6)]
    xyz = np.concatenate([cloud(rng, (0, 0.05, 0), (2.0, 0.1, 1.4), 1600), *legs]) * 7.0
    part = np.repeat([47, 48], [1600, 1200])
    path = root / "04379243" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.column_stack([xyz, np.zeros_like(xyz), part]), fmt="%.6f")


def test_parts_that_do_not_touch_are_instances(tmp_path: Path) -> None:
    root, out = tmp_path / "shapes", tmp_path / "out"
    for i in range(4):
        table(root, f"shape{i}", i)
    (root / "synsetoffset2category.txt").write_text("Table\t04379243\n")
    assert prepare(root, out)[0] == 0
    rooms = open_rooms(out, "train") + open_rooms(out, "val")
    names = room_classes(out).names
    assert (len(rooms), len(names)) == (4, 50)
    for room in rooms:
        top, legs = room.label == names.index("table_0"), room.label == names.index("table_1")
        assert len(room) == 2048
        assert np.all(top | legs)
        assert len(np.unique(room.instance[top])) == 1
        assert len(np.unique(room.instance[legs])) == 4
        assert room.points[top, 2].min() > room.points[legs, 2].max() - 0.05  # z is up
        assert 1.0 < np.linalg.norm(np.ptp(room.points, axis=0)) <= 2 * np.sqrt(3)
    assert rooms[0].name.startswith("04379243_shape")
    assert read_index(out).settings == {"points": 2048, "eps": 0.12, "min_samples": 5}
    assert prepare(root, out, "--eps", "2.0", "--points", "0")[0] == 0
    (room,) = open_rooms(out, "val")
    assert (len(room), len(np.unique(room.instance))) == (2800, 2)


def test_a_foreign_shape_is_named(tmp_path: Path) -> None:
    table(tmp_path / "shapes", "good")
    (tmp_path / "shapes" / "bad.txt").write_text("0 0 0 0 0 1 50\n" * 200)
    (tmp_path / "shapes" / "empty.txt").write_text("x y z\n")
    code, said = prepare(tmp_path / "shapes", tmp_path / "out")
    assert code == 2
    assert "bad.txt: parts are 50 to 50; accepted are 0 to 49" in said
    assert "empty.txt: no line of 7 numbers" in said
    with pytest.raises(RoomFileError, match="no .txt files"):
        prepare(tmp_path / "out", tmp_path / "other")


@pytest.mark.skipif(not CAPS.is_dir(), reason="the ShapeNet part caps are not beside this checkout")
def test_a_real_cap_is_a_panel_and_a_peak(tmp_path: Path) -> None:
    assert prepare(CAPS, tmp_path)[0] == 0
    rooms = open_rooms(tmp_path, "train") + open_rooms(tmp_path, "val")
    assert [(len(room), len(np.unique(room.instance))) for room in rooms] == [(2048, 2)] * 6
    assert {room_classes(tmp_path).names[label] for room in rooms for label in set(room.label)} == {"cap_0", "cap_1"}


def test_a_network_trains_on_shapes(tmp_path: Path) -> None:
    """A step over whole shapes, 6 channels per point and 50 classes, changes the weights and lowers the loss."""
    pytest.importorskip("torch", reason="torch (extra train) is not installed")
    from jspnet_core.network_config import NetworkConfiguration
    from jspnet_core.training import train as training
    from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
    from jspnet_core.training.recipe import Augmentation, Recipe

    for i in range(2):
        table(tmp_path / "shapes", f"shape{i}", i)
    prepare(tmp_path / "shapes", tmp_path / "out", "--val", "*1")
    rooms = open_rooms(tmp_path / "out", "train")
    assert room_geometry(tmp_path / "out") == {"color": False, "block_size": 4.0}
    small = NetworkConfiguration.narrow(
        classes=50,
        points=256,
        levels=(64, 32, 16, 16),
        encoder_neighbors=16,
        decoder_neighbors=8,
        **room_geometry(tmp_path / "out"),
    )
    recipe = Recipe(learning_rate=1e-3, norm_momentum=0.1)
    run = training.start(tmp_path / "run", small, recipe, rooms, classes=room_classes(tmp_path / "out"))
    blocks = RandomBlockDataset(rooms, run.network.configuration, Augmentation(views=0.0), seed=0)
    batch = blocks.collate([blocks[0], blocks[1]])
    assert batch["features"].shape == (2, 256, 6)
    assert np.ptp(batch["features"][0, :, 2].numpy()) > 0.5 * np.ptp(rooms[0].points[:, 2])  # whole, not cut
    losses = [training.train_step(run, run.network, batch)["total"] for _ in range(8)]
    assert float(losses[-1]) < 0.8 * float(losses[0])
