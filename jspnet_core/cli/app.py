"""The command `jspnet` and the list of its sub-commands, each of which is imported only when it runs."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from jspnet_core import __version__
from jspnet_core.cli.fail import fail
from jspnet_core.cli.terminal import with_verbosity

COMMANDS = {
    "label": "Label clouds from files: IN... OUT (.ply, .pcd, .las, .e57, .xyz, .csv, .npz ...).",
    "diff": "Compare two saved maps: objects that appeared, are gone, or moved.",
    "evaluate": "Score a model on a folder of labelled rooms.",
    "train": "Train JSPNet on a folder of labelled rooms (needs torch).",
    "average": "Average the weights of several checkpoints (needs torch).",
    "export": "Turn a checkpoint into a model file (needs torch).",
    "warm-up": "Compile the kernels of this machine, so that the first cloud is as fast as later ones.",
    "build-engine": "Build a model file's TensorRT engine for this machine's GPU.",
    "prepare": "Turn S3DIS, ShapeNet part, ScanNet or own clouds into a folder of rooms.",
    "synth": "Write labelled rooms and depth-camera frames of generated scenes.",
    "report": "Write a page about training runs: curves, scores, pictures.",
}
"""Module in `jspnet_core.cli`, with a hyphen for each underscore, and the line in the list of commands."""

_EXTRAS = {
    "torch": "train",
    "tensorboard": "train",
    "jinja2": "report",
    "matplotlib": "report",
    "onnx": "export",
    "onnxscript": "export",
    "pandas": "prepare",
    "h5py": "prepare",
    "sklearn": "prepare",
}


class LazyCommand(TyperCommand):
    """Sub-command listed with its help text; its module is imported only when it runs."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        assert self.name is not None
        try:
            loaded = load_command(self.name)
            return loaded.make_context(info_name, args, *rest, **extra)
        except ModuleNotFoundError as error:
            return _say_extra(self.name, error)


class LazyGroup(TyperGroup):
    """The group of all sub-commands."""

    def __init__(self, **attributes: Any):
        super().__init__(**attributes)
        for name, words in COMMANDS.items():
            self.add_command(LazyCommand(name, callback=None, help=words))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:  # a library that a command imports when it needs it
            return _say_extra(ctx.invoked_subcommand or "", error)


app = typer.Typer(
    cls=LazyGroup,
    name="jspnet",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Label indoor point clouds: a class and an object for every point.",
)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="print the version and exit")) -> None:
    if version:
        typer.echo(f"jspnet {__version__}")
        raise typer.Exit


def load_command(name: str) -> Any:
    """The sub-command of a module in `jspnet_core.cli`: its function of the same name, or a Typer of several."""
    module = name.replace("-", "_")
    target = getattr(import_module(f"jspnet_core.cli.{module}"), module)
    if not isinstance(target, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        paragraphs = (target.__doc__ or "").split("\n\n")
        single.command(name, help="\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))(target)
        target = single
    for command in target.registered_commands:
        assert command.callback is not None
        command.callback = with_verbosity(command.callback)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # from here on files that are half written are removed
    return typer.main.get_command(target)


def _say_extra(command: str, error: ModuleNotFoundError) -> None:
    missing = (error.name or "").partition(".")[0]
    if missing not in _EXTRAS:
        raise error
    fail(f"'{command}' needs {missing}, which is not installed here: pip install 'jspnet[{_EXTRAS[missing]}]'")
