"""Hook of MkDocs: add pages that stand outside docs/ to the site, and rewrite the links that lead out of docs/.

mkdocs.yml names this file. A link to a page of `PAGES` leads to its copy in the site. A link to any other file of the
repository, which a site cannot show, becomes the file's path as text. A link to a file that does not exist is left
as it is, so that MkDocs reports it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = {
    "benchmarks.md": "benchmarks/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "model_card.md": "jspnet_core/models/jspnet_indoor.md",
    "security.md": "SECURITY.md",
}
"""Page of the site: file of the repository."""

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of `PAGES`."""
    from mkdocs.structure.files import File

    for page, source in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Mend the links of one page."""
    uri = page.file.src_uri
    return with_site_links(markdown, PAGES.get(uri, f"docs/{uri}"))


def with_site_links(markdown: str, source: str) -> str:
    """The text of a page with links that hold in the site. source: its file, relative to the root."""
    return LINK.sub(lambda match: _site_link(match, posixpath.dirname(source)), markdown)


def _site_link(match: re.Match[str], folder: str) -> str:
    text, target, anchor = match[1], match[2], match[3] or ""
    if "://" in target or target.startswith("mailto:"):
        return match[0]
    path = posixpath.normpath(posixpath.join(folder, target))
    for page, source in PAGES.items():
        if path == source:
            return f"[{text}]({page}{anchor})"
    if path.startswith("docs/"):
        return f"[{text}]({path.removeprefix('docs/')}{anchor})"
    if (ROOT / path).exists():
        return text if path in text else f"{text} (`{path}`)"
    return match[0]
