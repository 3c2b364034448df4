"""Write the tables of parameters and topics in docs/ros.md and the files in config/ from their descriptions.

python -m jspnet_ros.node.parameter_files      # run it when a setting or a topic changes
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from jspnet_core.settings import FrameSettings
from jspnet_ros.node.parameters import AT_START, NodeSettings, accepted_values
from jspnet_ros.node.topics import TOPICS

ROOT = Path(__file__).parents[2]
SHORT = ("sensor_pose", "voxel_size", "stride", "max_blocks")
"""The parameters that most people touch."""


def fields() -> dict[str, FieldInfo]:
    """Return all parameters by name."""
    return {**NodeSettings.model_fields, **FrameSettings.model_fields}


def topic_table() -> str:
    """Format all published topics as a table in Markdown."""
    rows = [f"| `{topic.name}` | {topic.type_name} | {topic.content} |" for topic in TOPICS]
    return "\n".join(["| topic | type | content |", "|---|---|---|", *rows])


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


def with_tables(document: str) -> str:
    """Replace the tables between their marks in a document."""
    for name, rows in (("topics", topic_table()), ("parameters", table())):
        begin, end = f"<!-- {name}: written by jspnet_ros.node.parameter_files -->", f"<!-- end of {name} -->"
        before, _, rest = document.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no marks {begin} and {end}")
        document = f"{before}{begin}\n{rows}\n{end}{after}"
    return document


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
        docs: with_tables(docs.read_text()),
    }


def _yaml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
        print(path.relative_to(ROOT))
