"""`jspnet synth --scenes furnished`: scans, frames with their height, held-out scenes, the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jspnet_core.classes import INDOOR
from jspnet_core.data.room_index import read_index
from jspnet_core.data.rooms import are_single_views, open_rooms
from jspnet_core.synthetic.assets.library import LibraryError
from tests.cli.test_synth import content, synth

ARGUMENTS = ("--scenes", "furnished", "--rooms", 2, "--frames", 5, "--val-share", 0.5, "--assets", "own")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rooms and five frames of own shapes, by one process."""
    out = tmp_path_factory.mktemp("furnished") / "one"
    assert synth(out, *ARGUMENTS, "--workers", 1) == 0
    return out


def test_scans_are_rooms_of_the_indoor_classes(made: Path) -> None:
    index = read_index(made)
    assert index.class_table() == INDOOR
    assert {name: len(rooms) for name, rooms in index.splits.items()} == {"train": 1, "val": 1}
    (room,) = open_rooms(made, "train")
    assert {0, 1, 2} <= set(room.label)
    assert 2_000 < len(room) <= 150_000
    assert len(np.unique(room.instance)) > 5


def test_frames_keep_their_height_above_the_floor(made: Path) -> None:
    folder = made / "frames"
    assert are_single_views(folder)
    views = open_rooms(folder, "train") + open_rooms(folder, "val")
    assert len(views) == 5
    for view in views:
        floor = view.points[view.label == 1, 2]
        assert view.points[:, :2].min() == 0.0
        if len(floor) > 100:
            assert abs(np.median(floor)) < 0.05


def test_scenes_that_validate_have_names_of_their_own(made: Path) -> None:
    for folder in (made, made / "frames"):
        splits = read_index(folder).splits
        assert all(name.startswith("unseen_") for name in splits["val"])
        assert all(name.startswith("furnished_") for name in splits["train"])


def test_bytes_depend_on_the_seed_and_not_on_the_processes(made: Path, tmp_path: Path) -> None:
    assert synth(tmp_path / "two", *ARGUMENTS, "--workers", 2) == 0
    assert content(tmp_path / "two") == content(made)
    assert synth(tmp_path / "two", *ARGUMENTS, "--seed", 1) == 0
    assert set(read_index(tmp_path / "two").rooms).isdisjoint(read_index(made).rooms)


def test_a_missing_library_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="none.catalogue.json: no such file"):
        synth(tmp_path / "out", "--scenes", "furnished", "--rooms", 1, "--assets", tmp_path / "none")
    assert not (tmp_path / "out").exists()
