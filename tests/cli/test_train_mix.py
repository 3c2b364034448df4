"""`jspnet train --mix`: several sources, class tables that differ, a schedule by time, and the model at the end."""

from dataclasses import replace

import numpy as np
import pytest
import typer

from jspnet_core.classes import INDOOR, S3DIS
from jspnet_core.cli.mix import parse_mix
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.train import train
from jspnet_core.data.class_tables import read_class_table
from jspnet_core.data.room_index import RoomIndex, write_index
from jspnet_core.data.room_writer import write_room
from jspnet_core.errors import ClassTableError
from jspnet_core.model_file import read_description
from jspnet_core.training.checkpoint import Checkpoint
from tests.labelled_rooms import SMALL, box_room, write_rooms
from tests.training.test_load_weights import SMALL_SIZES

BED = INDOOR.names.index("bed")


def run(*arguments):
    """The command, with exceptions as they are."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(train)
    network = [word for size in SMALL_SIZES for word in ("--network", size)]
    small = [] if "--resume" in arguments else network
    app([str(word) for word in (*arguments, "--batch", 2, "--workers", 0, *small)], standalone_mode=False)


@pytest.fixture
def real(tmp_path):
    return write_rooms(tmp_path / "real", [box_room(0), box_room(1)], train=["box_0"], val=["box_1"])


def prepared(folder, table, single_views=False):
    """Two rooms whose last label is the table's last class."""
    folder.mkdir()
    entries = {}
    for seed in (2, 3):
        room = box_room(seed)
        label = np.where(room.label == room.label.max(), min(BED, len(table) - 1), np.minimum(room.label, 1))
        room = replace(room, label=label.astype(np.uint8))
        entries[room.name] = write_room(folder, room, table, room.name, single_views)
    splits = {"train": ["box_2"], "val": ["box_3"]}
    index = RoomIndex(
        data="t", settings={}, classes=table.to_dict(), single_views=single_views, splits=splits, rooms=entries
    )
    write_index(folder, index)
    return folder


def test_a_mix_is_names_with_shares():
    assert parse_mix("real=0.4,furnished=0.6") == {"real": 0.4, "furnished": 0.6}
    assert parse_mix("data/a=b=2") == {"data/a=b": 2.0}


@pytest.mark.parametrize("text", ["real", "real=", "real=0", "real=-1", "real=x", "real=1,real=2", "=1"])
def test_a_mix_without_shares_is_refused(text):
    with pytest.raises(OptionError, match="must be NAME=SHARE, as real=0.4"):
        parse_mix(text)


def test_rooms_of_two_tables_and_frames_train_one_network(real, tmp_path):
    rooms = prepared(tmp_path / "indoor", INDOOR)
    frames = prepared(tmp_path / "frames", INDOOR, single_views=True)
    out = tmp_path / "run"
    run(real, "--mix", f"real=0.4,{rooms}=0.3,{frames}=0.3", "--out", out, "--samples", 8)
    last = Checkpoint.load(out / "last.pt")
    assert last.classes == INDOOR
    assert last.samples == 8
    assert set(last.metrics["sources"]) == {"real", str(rooms), str(frames)}
    assert last.mean_sizes[BED] is not None  # from rooms with all the classes
    assert not (out / "model.onnx").exists()
    run(real, "--mix", f"real=0.4,{rooms}=0.6", "--out", out, "--resume", "--samples", 12)
    assert Checkpoint.load(out / "last.pt").samples == 12


def test_a_run_by_time_ends_with_a_model_and_its_card(real, tmp_path):
    out = tmp_path / "run"
    run(real, "--mix", "real=1", "--out", out, "--minutes", 0.02)
    assert Checkpoint.load(out / "last.pt").recipe["minutes"] == 0.02
    description = read_description(out / "model.onnx")
    assert description.class_table().names == S3DIS.names
    assert description.configuration.points == SMALL.points
    card = (out / "model.md").read_text()
    assert "Licence of the weights" in card
    assert "Last validation" in card


def test_tables_that_do_not_fit_are_both_named(real, tmp_path):
    crates = prepared(tmp_path / "crates", read_class_table("floor,crate")[0])
    with pytest.raises(ClassTableError, match=r"ceiling, floor.* as the classes floor, crate"):
        run(real, "--mix", f"real=0.5,{crates}=0.5", "--out", tmp_path / "run", "--samples", 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mix", "real=1"], "name the folder of rooms"),
        (["--mix", "nowhere=1"], "--mix nowhere=...: no folder of this name"),
        ([], "name a folder of rooms, or the sources with --mix"),
    ],
)
def test_sources_that_are_not_there_are_named(tmp_path, arguments, words):
    with pytest.raises(OptionError, match=words):
        run(*arguments, "--out", tmp_path / "run")
