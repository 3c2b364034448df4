"""`jspnet prepare`: convert data sets and own clouds to a folder of rooms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from jspnet_core.classes import S3DIS
from jspnet_core.cli.prepare_progress import run
from jspnet_core.data.class_tables import read_class_table
from jspnet_core.data.own_rooms import ReadOptions, find_own_rooms
from jspnet_core.data.preparation import DatasetInfo, RoomSource
from jspnet_core.data.provenance import S3DIS_DATA, SCANNET_DATA, SHAPENET_DATA, DataSource
from jspnet_core.data.room_index import INDEX_NAME, read_index, write_index
from jspnet_core.data.splits import SplitRule
from jspnet_core.io.clouds import READABLE
from jspnet_core.util.threads import available_cores

prepare = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn data sets and own clouds into a folder of rooms that trains (docs/data.md).",
)

Root = Annotated[Path, typer.Argument(metavar="ROOT", exists=True, file_okay=False, help="folder of the data set")]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="folder of rooms to write; an earlier one is replaced")]
DEFAULT_SHARE = SplitRule().share
Val = Annotated[
    list[str] | None, typer.Option(help="rooms for validation: a name or a pattern as 'Area_5_*'; may be repeated")
]
ValShare = Annotated[float, typer.Option(min=0.0, max=1.0, help="without --val, share of rooms for validation")]
IgnoreUnknown = Annotated[
    bool, typer.Option("--ignore-unknown", help="read labels without a class, and NaN, as 255, unlabelled")
]
Workers = Annotated[int, typer.Option(min=0, help="processes; 0: one per core")]


@prepare.command()
def s3dis(
    root: Annotated[
        Path,
        typer.Argument(
            metavar="ROOT",
            exists=True,
            file_okay=False,
            help="Stanford3dDataset_v1.2_Aligned_Version, or a folder of block files (.h5)",
        ),
    ],
    out: Out,
    val: Val = None,
    workers: Workers = 0,
) -> None:
    """S3DIS: the text tree Area_*/ROOM/Annotations/*.txt, or the public h5 block files.

    Area 5 is the validation split unless --val is given; 'prepare split' changes it later.
    """
    sources: Sequence[RoomSource]
    if any(root.glob("*.h5")):
        from jspnet_core.data.s3dis_h5 import find_h5_rooms

        sources, kind = find_h5_rooms(root), "s3dis h5 blocks"
    else:
        from jspnet_core.data.s3dis import find_rooms

        sources, kind = find_rooms(root), "s3dis"
    patterns = tuple(val or ())
    if not patterns and any(source.name.startswith("Area_5_") for source in sources):
        patterns = ("Area_5_*",)
    run(sources, out, DatasetInfo(kind, S3DIS, source=S3DIS_DATA), SplitRule(patterns), workers or available_cores())


@prepare.command()
def shapenet(
    root: Root,
    out: Out,
    points: Annotated[int, typer.Option(min=0, help="points of a shape, drawn at random; 0: all")] = 2048,
    eps: Annotated[float, typer.Option(min=1e-6, help="of DBSCAN, with the shape in the unit sphere")] = 0.12,
    min_samples: Annotated[int, typer.Option(min=1, help="of DBSCAN")] = 5,
    val: Val = None,
    val_share: ValShare = DEFAULT_SHARE,
    workers: Workers = 0,
) -> None:
    """ShapeNet part: text files of x y z nx ny nz part; the instances are DBSCAN clusters of each part."""
    from jspnet_core.data.shapenet import BLOCK_SIZE, PARTS, find_shapes

    settings: dict[str, str | bool | int | float] = {"points": points, "eps": eps, "min_samples": min_samples}
    sources = find_shapes(root, points, eps, min_samples)
    data = DatasetInfo("shapenet part", PARTS, settings, color=False, block_size=BLOCK_SIZE, source=SHAPENET_DATA)
    run(sources, out, data, SplitRule(tuple(val or ()), val_share), workers or available_cores())


@prepare.command()
def scannet(
    root: Root,
    out: Out,
    classes: Annotated[Literal["s3dis", "nyu40"], typer.Option(help="the 13 of S3DIS, or ScanNet's own 40")] = "s3dis",
    ignore_unknown: IgnoreUnknown = False,
    val: Val = None,
    val_share: ValShare = DEFAULT_SHARE,
    workers: Workers = 0,
) -> None:
    """ScanNet: SCENE_vert.npy, SCENE_sem_label.npy and SCENE_ins_label.npy, as mmdetection3d writes them."""
    from jspnet_core.data.scannet import class_table, find_scenes

    data = DatasetInfo("scannet", class_table(classes), {"classes": classes}, source=SCANNET_DATA)
    scenes = find_scenes(root, classes, ignore_unknown)
    run(scenes, out, data, SplitRule(tuple(val or ()), val_share), workers or available_cores())


@prepare.command()
def rooms(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="IN", help=f"{', '.join(READABLE)} files, or folders of them")
    ],
    out: Out,
    classes: Annotated[
        str, typer.Option(help="s3dis; indoor; names of the labels 0, 1, ... as 'wall,floor,chair'; or a .json file")
    ] = "s3dis",
    label_field: Annotated[str, typer.Option(help="name of the label property [default: common names]")] = "",
    instance_field: Annotated[str, typer.Option(help="name of the instance property [default: common names]")] = "",
    drop_nan: Annotated[bool, typer.Option("--drop-nan", help="drop points that are NaN or Inf")] = False,
    ignore_unknown: IgnoreUnknown = False,
    title: Annotated[str, typer.Option(help="name of the data, for models trained on it [default: OUT]")] = "",
    licence: Annotated[str, typer.Option(help="licence of the data, which models trained on it inherit")] = "",
    val: Val = None,
    val_share: ValShare = DEFAULT_SHARE,
    workers: Workers = 0,
) -> None:
    """Own rooms: labelled clouds with z up, in metres, one room per file."""
    table, labels = read_class_table(classes)
    reading = ReadOptions(table, labels, label_field, instance_field, drop_nan, ignore_unknown)
    settings: dict[str, str | bool | int | float] = {"drop_nan": drop_nan, "ignore_unknown": ignore_unknown}
    data = DatasetInfo("rooms", table, settings, source=DataSource(title or out.resolve().name, licence))
    run(
        find_own_rooms(inputs, reading), out, data, SplitRule(tuple(val or ()), val_share), workers or available_cores()
    )


@prepare.command()
def split(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS_DIR", help="folder written by 'prepare'")],
    val: Val = None,
    val_share: ValShare = DEFAULT_SHARE,
) -> None:
    """Change the validation split: rewrites the index, not the rooms. For the six folds of S3DIS."""
    index = read_index(rooms_dir)
    rule = SplitRule(tuple(val or ()), val_share)
    rule.check(list(index.rooms))
    splits = rule.apply(list(index.rooms))
    write_index(rooms_dir, index.model_copy(update={"splits": splits}))
    typer.echo(f"{rooms_dir / INDEX_NAME}: " + ", ".join(f"{len(names)} {name}" for name, names in splits.items()))
