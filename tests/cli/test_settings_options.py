"""Options generated from settings models: the model's help texts, bounds and defaults, defined once."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from jspnet_core.cli.settings_options import OptionError, checked, key_values, options_from


class Settings(BaseModel):
    edge: float = Field(0.5, gt=0, le=2.0, description="edge in metres")
    most_blocks: int = Field(3, ge=1, description="most blocks")
    wide: bool = Field(False, description="twice as wide")


def command(**how: Any) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @options_from("settings", Settings.model_fields, names={"most_blocks": "blocks"}, **how)
    def run(name: str, settings: dict[str, Any], loud: bool = False) -> None:
        typer.echo(f"{name} {sorted(settings.items())} {loud}")

    return app


def test_each_field_is_an_option_with_its_default_and_description() -> None:
    runner = CliRunner()
    result = runner.invoke(command(), ["room", "--blocks", "7", "--wide", "--loud"])
    assert result.output == "room [('edge', 0.5), ('most_blocks', 7), ('wide', True)] True\n"
    shown = runner.invoke(command(), ["--help"], env={"COLUMNS": "160"}).output
    for words in ("--edge", "edge in metres", "[default: 0.5]", "--blocks", "--no-wide"):
        assert words in shown
    assert runner.invoke(command(), ["room", "--blocks", "0"]).exit_code == 2


def test_options_without_a_default_are_passed_on_only_where_they_are_given() -> None:
    app = command(unset=True, more_help={"edge": " or what the room has"})
    assert CliRunner().invoke(app, ["room", "--edge", "1.5"]).output == "room [('edge', 1.5)] False\n"
    assert "or what the room has" in CliRunner().invoke(app, ["--help"], env={"COLUMNS": "160"}).output


def test_values_that_do_not_fit_are_named_in_a_sentence() -> None:
    with pytest.raises(OptionError, match="edge is 0.0: Input should be greater than 0"):
        checked(Settings, {"edge": 0.0})
    with pytest.raises(OptionError, match="--set: edge is 'x'"):
        checked(Settings, {"edge": "x"}, "--set")
    assert key_values("--set", ["a=1.5", "b=word", "c=[1, 2]"], ["a", "b", "c"]) == {"a": 1.5, "b": "word", "c": [1, 2]}
    for wrong in ("a", "d=1"):
        with pytest.raises(OptionError, match=f"--set {wrong}: must be KEY=VALUE with a KEY of a, b"):
            key_values("--set", [wrong], ["a", "b"])
