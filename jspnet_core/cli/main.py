"""The `jspnet` command. Its sub-commands live in `jspnet_core.cli` and are imported only when they run."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from jspnet_core.cli.console_log import log_to_terminal
from jspnet_core.errors import JspnetError

app = typer.Typer(
    name="jspnet",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Label indoor point clouds: a class and an object for every point.",
)

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
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("label", context_settings=_PASS_ON, add_help_option=False)
def _label(context: typer.Context) -> None:
    """Label clouds from files: IN... OUT (.ply, .pcd, .npz in; .ply, .npz out)."""
    _run("label", context.args)


@app.command("evaluate", context_settings=_PASS_ON, add_help_option=False)
def _evaluate(context: typer.Context) -> None:
    """Score a model on a folder of labelled rooms."""
    _run("evaluate", context.args)


@app.command("train", context_settings=_PASS_ON, add_help_option=False)
def _train(context: typer.Context) -> None:
    """Train JSPNet on a folder of labelled rooms (needs torch)."""
    _run("train", context.args)


@app.command("average", context_settings=_PASS_ON, add_help_option=False)
def _average(context: typer.Context) -> None:
    """Make one checkpoint of the weights of several (needs torch)."""
    _run("average", context.args)


@app.command("export", context_settings=_PASS_ON, add_help_option=False)
def _export(context: typer.Context) -> None:
    """Turn a checkpoint into a model file (needs torch)."""
    _run("export", context.args)


@app.command("build-engine", context_settings=_PASS_ON, add_help_option=False)
def _build_engine(context: typer.Context) -> None:
    """Build a model file's TensorRT engine for this machine's GPU."""
    _run("build-engine", context.args)


@app.command("prepare", context_settings=_PASS_ON, add_help_option=False)
def _prepare(context: typer.Context) -> None:
    """Turn S3DIS, ShapeNet part, ScanNet or own clouds into a folder of rooms."""
    _run("prepare", context.args)


@app.command("synth", context_settings=_PASS_ON, add_help_option=False)
def _synth(context: typer.Context) -> None:
    """Write labelled rooms and depth-camera frames of generated scenes."""
    _run("synth", context.args)


@app.command("report", context_settings=_PASS_ON, add_help_option=False)
def _report(context: typer.Context) -> None:
    """Write one page about training runs: curves, scores, pictures."""
    _run("report", context.args)


def main() -> None:
    """Entry point. What a user can mend is one line on stderr and exit code 2; a defect shows its traceback."""
    try:
        typer.main.get_command(app).main(prog_name="jspnet")
    except JspnetError as error:
        fail(str(error))


def fail(message: str) -> None:
    """One line on stderr, exit code 2."""
    print(f"jspnet: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(2)


def _run(name: str, arguments: list[str]) -> None:
    """Import `jspnet_core.cli.<name>` and run what it calls `<name>`: a function, or a Typer with sub-commands."""
    log_to_terminal()
    module = name.replace("-", "_")
    try:
        target = getattr(import_module(f"jspnet_core.cli.{module}"), module)
        if not isinstance(target, typer.Typer):
            command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            command.command()(target)
            target = command
        typer.main.get_command(target).main(args=arguments, prog_name=f"jspnet {name}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRAS:
            raise
        fail(f"'{name}' needs {missing}, which is not installed here: pip install 'jspnet[{_EXTRAS[missing]}]'")


if __name__ == "__main__":
    main()
