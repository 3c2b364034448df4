"""Provenance: what weights were trained on, and under which licences, from the rooms to the model file."""

import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.data.provenance import GENERATED_DATA, S3DIS_DATA, UNKNOWN_LICENCE, DataSource, weights_licence
from jspnet_core.data.room_index import RoomIndex, write_index
from jspnet_core.data.room_writer import write_room
from jspnet_core.data.rooms import rooms_source
from jspnet_core.export.onnx_export import describe
from jspnet_core.model_file import model_path
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.recipe import Recipe
from jspnet_core.training.run import start
from jspnet_core.training.transfer.weight_averaging import average_checkpoints
from tests.labelled_rooms import SMALL, box_room, write_rooms

MINE = DataSource("my flat", "CC-BY-4.0")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint trained on known data, and an older one that records none."""
    folder, rooms = tmp_path_factory.mktemp("trained"), [box_room(0)]
    start(folder / "run", SMALL, Recipe(), rooms, sources=[MINE]).checkpoint().save(folder / "known.pt")
    start(folder / "run", SMALL, Recipe(), rooms).checkpoint().save(folder / "unknown.pt")
    return folder


def test_the_index_of_prepared_rooms_names_their_data_and_its_licence(tmp_path):
    entry = write_room(tmp_path, box_room(0), S3DIS, "box_0")
    index = RoomIndex(
        data="rooms",
        title=MINE.name,
        licence=MINE.licence,
        settings={},
        classes=S3DIS.to_dict(),
        splits={"train": ["box_0"]},
        rooms={"box_0": entry},
    )
    write_index(tmp_path, index)
    assert rooms_source(tmp_path) == MINE


def test_the_licence_of_npz_rooms_is_unknown(tmp_path):
    write_rooms(tmp_path / "flat", [box_room(0)], train=["box_0"])
    assert rooms_source(tmp_path / "flat") == DataSource("flat", "")


def test_a_users_own_model_does_not_claim_to_be_trained_on_s3dis(trained):
    description = describe(Checkpoint.load(trained / "known.pt"), "mine")
    assert description.training["data"] == "my flat"
    assert description.licence == "weights trained on my flat: CC-BY-4.0"


def test_a_model_of_unknown_data_says_so(trained):
    assert describe(Checkpoint.load(trained / "unknown.pt"), "mine").licence == UNKNOWN_LICENCE
    assert describe(Checkpoint.load(trained / "unknown.pt"), "mine", licence="CC0-1.0").licence == "CC0-1.0"


def test_weights_inherit_the_data_of_the_weights_they_began_from(trained, tmp_path):
    research = Checkpoint.load(model_path("s3dis", ".pt"))
    assert research.sources == [S3DIS_DATA, GENERATED_DATA]
    run = start(tmp_path, SMALL, Recipe(), [box_room(0)], init=research, sources=[MINE])
    assert run.checkpoint().sources == [S3DIS_DATA, GENERATED_DATA, MINE]
    assert "research use only" in weights_licence(run.sources)
    unknown = start(
        tmp_path, SMALL, Recipe(), [box_room(0)], init=Checkpoint.load(trained / "unknown.pt"), sources=[MINE]
    )
    assert "licence unknown" in weights_licence(unknown.sources)


def test_averaged_weights_inherit_the_data_of_all(trained):
    mean = average_checkpoints([trained / "known.pt", trained / "unknown.pt"], [0.5, 0.5])
    assert weights_licence(mean.sources) == "weights trained on my flat: CC-BY-4.0; unknown data: licence unknown"
