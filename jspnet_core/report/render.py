"""Pages from jinja2 templates: one renderer for reports and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(package: str, template: str, **content: Any) -> str:
    """Render a template of the folder `templates` in a package.

    Templates whose name ends in .html.j2 are escaped. Filters: percent, a share 0 to 1 as per cent, "-" for None;
    table, rows of cells as a Markdown table below the headings. Raises jinja2's errors for a name without a value.
    """
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = lambda share: "-" if share is None else f"{100 * share:.1f}"
    environment.filters["table"] = markdown_table
    return environment.get_template(template).render(**content)


def markdown_table(body: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    """A Markdown table: the first column aligned to the left, the others to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in body])
