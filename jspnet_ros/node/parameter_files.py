"""Write the parameter table in docs/ros.md and the files in config/ from the parameters' descriptions.

python -m jspnet_ros.node.parameter_files      # run it when a setting changes
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from jspnet_core.settings import FrameSettings
from jspnet_ros.node.parameters import AT_START, NodeSettings, accepted_values

ROOT = Path(__file__).parents[2]
SHORT = ("sensor_pose", "voxel_size", "stride", "max_blocks")
"""The parameters that most people touch."""

BEGIN, END = "<!-- parameters: written by jspnet_ros.node.parameter_files -->", "<!-- end of parameters -->"


def fields() -> dict[str, FieldInfo]:
    """Return all parameters by name."""
    return {**NodeSettings.model_fields, **FrameSettings.model_fields}


def table() -> str:
    """Format all parameters as a table in Markdown."""
    lines = ["| parameter | default | accepted | meaning |", "|---|---|---|---|"]
    for name, field in fields().items():
        default = "empty" if field.default == "" else f"`{_yaml(field.default)}`"
        lines.append(f"| `{name}` | {default} | {accepted_values(field)} | {field.description} |")
    return "\n".join(lines)


def parameter_file(first_line: str, names: tuple[str, ...]) -> str:
    """Format a parameter file with the defaults of `names`, each below its description."""
    text = f"# {first_line}\n/**/jspnet_segmenter:\n  ros__parameters:\n"
    for name in names:
        field = fields()[name]
        meaning = f"{field.description}; accepted: {accepted_values(field).replace('`', '')}"
        text += textwrap.indent("\n".join(textwrap.wrap(meaning, 112)), "    # ") + "\n"
        text += f"    {name}: {_yaml(field.default)}\n"
    return text


def with_table(document: str) -> str:
    """Replace the table between the two marks of a document."""
    return re.sub(f"(?s){BEGIN}.*{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", document)


def files() -> dict[Path, str]:
    """Return the generated text of each file."""
    docs = ROOT / "docs" / "ros.md"
    everything = tuple(name for name in fields() if name not in AT_START)
    return {
        ROOT / "config" / "segment.yaml": parameter_file(
            "The parameters that most people touch; segment_advanced.yaml has all of them.", SHORT
        ),
        ROOT / "config" / "segment_advanced.yaml": parameter_file(
            "Every parameter with its default; pass a copy as params_file:=FILE.", everything
        ),
        docs: with_table(docs.read_text()),
    }


def _yaml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
        print(path.relative_to(ROOT))
