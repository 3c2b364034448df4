"""Begin from trained weights: slim checkpoints, other classes, and errors that name the right file."""

import json

import numpy as np
import pytest
import torch

from jspnet_core.classes import INDOOR, S3DIS, ClassTable
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.train import train as command
from jspnet_core.data.room_index import RoomIndex, write_index
from jspnet_core.data.room_writer import write_room
from jspnet_core.data.rooms import RoomFileError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.recipe import Recipe
from jspnet_core.training.transfer.load_weights import check_classes, class_layers, load_init_checkpoint
from tests.labelled_rooms import SMALL, box_room, write_rooms

OWN = ClassTable(("chair", "shelf", "floor"), ((1, 2, 3), (4, 5, 6), (7, 8, 9)), ("chair", "shelf"))


@pytest.fixture(scope="module")
def rooms():
    return [box_room(0), box_room(1)]


@pytest.fixture(scope="module")
def trained(rooms, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run = training.start(folder, SMALL, Recipe(samples=2, batch=2, ema=0.5), rooms)
    with training.progress_bar(visible=False) as progress:
        training.train(run, rooms, rooms[:1], workers=0, progress=progress)
    return folder


ABLATIONS = {
    "ASIS pipeline, PointNet": ("pointnet", [], ("pointnet", "none")),
    "ASIS on PointNet": ("asis", ["backbone=pointnet"], ("pointnet", "asis")),
    "ASIS pipeline, PointNet++, SIFF&PIFF": ("pointnet2", ["fusion_kind=siff+piff"], ("pointnet2", "siff+piff")),
    "JSNet pipeline without": ("jsnet", ["fusion_kind=none"], ("pointconv", "none")),
    "SIFF alone, without PCFF": ("jspnet", ["fusion_kind=siff", "pcff=false"], ("pointconv", "siff")),
    "sem2ins first": ("jspnet", ["siff_order=sem2ins-ins2sem"], ("pointconv", "siff+piff")),
}
SMALL_SIZES = [
    f"{name}={json.dumps(SMALL.model_dump(mode='json')[name])}"
    for name in (
        "points",
        "levels",
        "encoder_neighbors",
        "decoder_neighbors",
        "set_abstraction",
        "point_conv",
        "decoder",
        "propagation",
        "feature_propagation",
        "weight_net",
        "fusion",
    )
]


@pytest.mark.parametrize("row", ABLATIONS)
def test_rows_of_the_papers_ablations_train_by_options(row, rooms, tmp_path):
    system, switches, expected = ABLATIONS[row]
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    command(
        folder,
        system=system,
        size="s",
        network=[*switches, *SMALL_SIZES],
        out=tmp_path / "run",
        samples=2,
        batch=2,
        workers=0,
    )
    last = Checkpoint.load(tmp_path / "run" / "last.pt")
    c = last.configuration
    assert (c.system, c.backbone, c.fusion_kind, c.points) == (system, *expected, SMALL.points)
    for switch in switches:
        name, _, value = switch.partition("=")
        assert str(getattr(c, name)).lower() == value
    assert last.samples == 2


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        ("siff", "must be KEY=VALUE with a KEY of backbone, fusion_kind, pcff"),
        ("classes=4", "must be KEY=VALUE with a KEY of backbone"),
        ("fusion_kind=siif", "fusion_kind is 'siif': Input should be 'none'"),
        ("levels=[9000,8,8,8]", "levels must not grow"),
    ],
)
def test_switches_of_the_network_that_do_not_fit_are_refused(rooms, tmp_path, switch, words):
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    with pytest.raises(OptionError, match=words):
        command(folder, network=[switch], out=tmp_path / "run")


def test_a_slim_checkpoint_is_small_and_nearly_the_same_network(trained, tmp_path):
    last = Checkpoint.load(trained / "last.pt")
    last.slim().save(tmp_path / "slim.pt")
    assert (tmp_path / "slim.pt").stat().st_size < 0.25 * (trained / "last.pt").stat().st_size
    slim = Checkpoint.load(tmp_path / "slim.pt")
    assert slim.optimizer is None
    whole, halved = last.build().state_dict(), slim.build().state_dict()
    for name, weight in whole.items():
        assert halved[name].dtype == weight.dtype
        torch.testing.assert_close(halved[name], weight, rtol=1e-3, atol=1e-6)
    run = training.start(tmp_path / "run", NetworkConfiguration(), Recipe(), [box_room(0)], init=slim)
    assert run.network.configuration == last.configuration
    assert run.notes == []


def test_classes_of_the_same_name_are_taken_over_and_others_begin_anew(trained, rooms, tmp_path):
    init = Checkpoint.load(trained / "best.pt")
    run = training.start(tmp_path, SMALL, Recipe(), rooms, classes=OWN, init=init)
    assert run.network.configuration.classes == 3
    assert "weights of 2 classes loaded, 1 classes initialised: shelf" in run.notes[0]
    for name, weight in run.network.state_dict().items():
        if name in class_layers(SMALL):
            torch.testing.assert_close(weight[0], init.weights[name][S3DIS.names.index("chair")])
            torch.testing.assert_close(weight[2], init.weights[name][S3DIS.names.index("floor")])
        else:
            torch.testing.assert_close(weight, init.weights[name])


def test_classes_of_a_larger_table_begin_as_their_parents_and_share_their_probability(trained, rooms, tmp_path):
    init = Checkpoint.load(trained / "best.pt")
    check_classes(trained / "best.pt", init.classes, INDOOR)  # needs no --new-head
    run = training.start(tmp_path, SMALL, Recipe(), rooms, classes=INDOOR, init=init)
    assert "weights of 13 classes loaded, 10 classes split from their parents: bed, cabinet" in run.notes[0]
    state = run.network.state_dict()
    (bias,), (weight,) = ([n for n in class_layers(SMALL) if n.endswith(end)] for end in ("bias", "weight"))
    features = torch.randn(20, state[weight].shape[1], generator=torch.Generator().manual_seed(0))
    now = (features @ state[weight].T + state[bias]).softmax(1)
    before = (features @ init.weights[weight].T + init.weights[bias]).softmax(1)
    read = torch.zeros(20, 13).index_add_(1, torch.from_numpy(INDOOR.labels_in(S3DIS)).long(), now)
    torch.testing.assert_close(read, before)


@pytest.mark.parametrize("system", ["pointnet", "pointnet2", "asis", "jsnet", "jspnet"])
def test_every_system_has_one_last_layer_of_classes(system):
    layers = class_layers(NetworkConfiguration.narrow(system=system))
    assert len(layers) == 2
    assert {name.rpartition(".")[2] for name in layers} == {"weight", "bias"}


def test_other_classes_are_named_with_both_tables(trained):
    path = trained / "best.pt"
    with pytest.raises(CheckpointError, match="ceiling, floor, .*; the rooms have chair, shelf, floor; --new-head"):
        check_classes(path, Checkpoint.load(path).classes, OWN)


def test_a_model_file_is_refused_with_the_name_of_the_checkpoint_beside_it(tmp_path):
    model = tmp_path / "model.onnx"
    with pytest.raises(CheckpointError, match="best.pt of the run that it was exported from"):
        load_init_checkpoint(model)
    (tmp_path / "model.pt").touch()
    with pytest.raises(CheckpointError, match=r"use a checkpoint: .*model\.pt"):
        load_init_checkpoint(model)


def test_options_that_do_not_go_together_are_refused(tmp_path):
    with pytest.raises(OptionError, match="--init starts a new run"):
        command(tmp_path, init=tmp_path / "a.pt", resume=True)
    with pytest.raises(OptionError, match="requires --init"):
        command(tmp_path, new_head=True)
    with pytest.raises(OptionError, match="--system is not accepted with --init"):
        command(tmp_path, init=tmp_path / "a.pt", system="asis")
    with pytest.raises(OptionError, match="--size is not accepted with --resume"):
        command(tmp_path, resume=True, size="s")


def test_switches_that_no_weight_depends_on_may_be_changed_and_others_are_refused(trained, rooms, tmp_path):
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    options = dict(init=trained / "best.pt", samples=1, batch=1, workers=0, settings=["learning_rate=1e-9"])
    with pytest.raises(CheckpointError, match=r"weights have other shapes.* decoder_neighbors or piff_keys"):
        command(folder, network=["d_v=8"], out=tmp_path / "refused", **options)
    assert not (tmp_path / "refused").exists()
    command(folder, network=["decoder_neighbors=4", "piff_keys=level1"], out=tmp_path / "run", **options)
    before, begun = (Checkpoint.load(path) for path in (trained / "best.pt", tmp_path / "run" / "last.pt"))
    assert (begun.configuration.decoder_neighbors, begun.configuration.piff_keys) == (4, "level1")
    assert (before.configuration.decoder_neighbors, before.configuration.piff_keys) == (8, "level2")
    for name, weight in dict(before.build().named_parameters()).items():
        torch.testing.assert_close(begun.network[name], weight.detach())


def test_the_command_fine_tunes_and_resumes(trained, rooms, tmp_path):
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    options = dict(out=tmp_path / "run", batch=1, workers=0)
    command(folder, init=trained / "best.pt", samples=1, settings=["ema=0.9"], **options)
    assert Checkpoint.load(tmp_path / "run" / "best.pt").samples == 1
    command(folder, resume=True, samples=2, **options)
    last = Checkpoint.load(tmp_path / "run" / "last.pt")
    assert last.samples == 2
    assert last.recipe["ema"] == 0.9


def prepared(folder, rooms, classes=S3DIS, **options):
    """A folder of prepared rooms: the first trains, the others validate."""
    folder.mkdir()
    entries = {room.name: write_room(folder, room, classes, room.name) for room in rooms}
    splits = {"train": [rooms[0].name], "val": [room.name for room in rooms[1:]]}
    write_index(
        folder, RoomIndex(data="tests", settings={}, classes=classes.to_dict(), splits=splits, rooms=entries, **options)
    )
    return folder


def test_a_run_goes_on_with_the_classes_it_has_and_says_when_the_rooms_are_others(trained, rooms, tmp_path, capsys):
    options = dict(out=tmp_path / "run", batch=1, workers=0)
    command(prepared(tmp_path / "one", rooms), init=trained / "best.pt", samples=1, **options)
    others = ClassTable(tuple(f"kind {i}" for i in range(13)), S3DIS.colors, ())
    with pytest.raises(CheckpointError, match=r"last\.pt has the classes ceiling, .*; the rooms have kind 0, .*"):
        command(prepared(tmp_path / "others", rooms, others), resume=True, **options)
    command(prepared(tmp_path / "two", rooms[::-1]), resume=True, samples=2, **options)
    assert "the rooms are not those that the run was started with" in " ".join(capsys.readouterr().out.split())
    command(tmp_path / "two", resume=True, samples=3, **options)
    assert "the rooms are not those" not in " ".join(capsys.readouterr().out.split())


def test_a_model_of_other_blocks_than_suit_the_rooms_is_refused(trained, rooms, tmp_path):
    folder = prepared(tmp_path / "shapes", rooms, color=False, block_size=4.0)
    words = r"blocks of 1 m with colour, the rooms need blocks of 4 m without colour"
    with pytest.raises(CheckpointError, match=words):
        command(folder, init=trained / "best.pt", out=tmp_path / "run")
    with pytest.raises(CheckpointError, match=words):
        command(folder, resume=True, out=trained)


def test_a_run_is_not_begun_anew_by_forgetting_to_resume(trained, rooms, tmp_path):
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    before = (trained / "last.pt").read_bytes()
    with pytest.raises(OptionError, match="contains a run: continue it with --resume"):
        command(folder, out=trained, samples=1)
    assert (trained / "last.pt").read_bytes() == before


def test_a_room_without_instances_is_named(trained, rooms, tmp_path):
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    content = dict(np.load(folder / "box_0.npz"))
    del content["ins"]
    np.savez(folder / "box_0.npz", **content)
    with pytest.raises(RoomFileError, match=r"box_0\.npz.*ins"):
        command(folder, init=trained / "best.pt", out=tmp_path / "run")


def test_a_class_that_is_never_said_is_silent_once_built_and_can_be_trained_again(trained, tmp_path):
    best = Checkpoint.load(trained / "best.pt")
    best.excluded_classes = ["floor", "sofa"]
    best.save(tmp_path / "quiet.pt")
    quiet = Checkpoint.load(tmp_path / "quiet.pt")
    states = [c.build().state_dict() for c in (quiet, Checkpoint.load(trained / "best.pt"))]
    bias, kept = (state["semantic_piff.out.bias"] for state in states)
    assert [S3DIS.names[i] for i in torch.nonzero(bias < kept - 1000).flatten().tolist()] == ["floor", "sofa"]
    run = training.start(tmp_path / "run", SMALL, Recipe(samples=2), [box_room(0)], init=quiet)
    assert run.network.state_dict()["semantic_piff.out.bias"].min() > -1000
    assert run.checkpoint().excluded_classes == []
