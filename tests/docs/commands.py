"""Code blocks of the documentation, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))

COMMANDS = ("", "bash", "sh", "python")
"""Languages of blocks that hold commands; others show output or files."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (run|needs: [^>]+?) -->\n\Z")
_INLINE = re.compile(r"`((?:jspnet|make|python -m|ros2 launch jspnet_ros|torchrun) [^`]+)`")


@dataclass(frozen=True)
class Block:
    """A code block. mark: `run`, `needs: ...`, or empty where no comment precedes it."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def holds_commands(self) -> bool:
        return self.language in COMMANDS

    @property
    def measures(self) -> bool:
        """Holds a benchmark, which is not run: it needs a quiet machine, and tests/benchmarks runs it in small."""
        return "python -m benchmarks" in self.text

    @cached_property
    def commands(self) -> list[list[str]]:
        """Words of each command of a shell block."""
        return [] if self.language == "python" else list(words_of(self.text))


def blocks(page: Path) -> list[Block]:
    """All code blocks of a page."""
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        mark = _MARK.search(text[: match.start()])
        line = text[: match.start()].count("\n") + 1
        found.append(Block(page, line, match[1], match[2], mark[1] if mark else ""))
    return found


def commands(page: Path) -> list[list[str]]:
    """Words of every command on a page: of its shell blocks, and of code within sentences."""
    found = [words for block in blocks(page) if block.holds_commands for words in block.commands]
    for inline in _INLINE.findall(_FENCE.sub("", page.read_text())):
        found += words_of(inline)
    return found


def words_of(text: str) -> Iterator[list[str]]:
    """Words of each simple command, without assignments before it and comments behind it."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||;|\|", _without_comment(line)):
            try:
                words = shlex.split(part)
            except ValueError:  # a quote that spans `|`, as in prose
                continue
            while words and re.match(r"\w+=", words[0]):
                words.pop(0)
            if words:
                yield words


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#.*$", "", line)
