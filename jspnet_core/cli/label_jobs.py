"""Pairs of input and output files of `jspnet label`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from jspnet_core.cli.settings_options import OptionError
from jspnet_core.io.clouds import READABLE, WRITABLE, CloudFileError, check_writable
from jspnet_core.io.text import holds_rows

logger = logging.getLogger(__name__)

Job = tuple[Path, Path]
_PROSE = (".txt", ".csv")  # in a folder these may be other things than clouds


def find_jobs(inputs: Sequence[Path], out: Path, form: str | None) -> list[Job]:
    """Return pairs of input and output file; all outputs have been checked to be writable.

    A folder keeps its structure in OUT. form: suffix of the files in an OUT folder without the dot; None for that of
    each input. Raises `CloudFileError`, `OptionError`.
    """
    sources = [pair for path in inputs for pair in _sources(path, out)]
    if out.suffix and not out.is_dir() and not any(path.is_dir() for path in inputs):
        if len(sources) > 1:
            raise OptionError(f"{len(sources)} clouds cannot go to the one file {out}; name a folder as OUT")
        check_writable(out)
        return [(sources[0][0], out)]
    if out.exists() and not out.is_dir():
        raise OptionError(f"{len(sources)} clouds cannot go to the one file {out}; name a folder as OUT")
    targets = [out / relative.with_suffix(_suffix(relative, form)) for _, relative in sources]
    twice = {str(target.relative_to(out)) for target in targets if targets.count(target) > 1}
    if twice:
        raise OptionError(f"several inputs would be written to {', '.join(sorted(twice))} in {out}")
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        check_writable(target)
    return list(zip([source for source, _ in sources], targets, strict=True))


def _sources(path: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """The clouds of a path, each with its place below OUT."""
    if not path.exists():
        raise CloudFileError(f"{path}: no such file")
    if not path.is_dir():
        yield path, Path(path.name)
        return
    found = 0
    for file in sorted(path.rglob("*")):
        if not file.is_file() or file.name.startswith(".") or out.resolve() in file.resolve().parents:
            continue
        if file.suffix.lower() not in READABLE or (file.suffix.lower() in _PROSE and not holds_rows(file)):
            logger.info("%s: left out, not a cloud", file)
            continue
        found += 1
        yield file, file.relative_to(path)
    if not found:
        raise CloudFileError(f"{path}: no {', '.join(READABLE)} files in this folder")


def _suffix(path: Path, form: str | None) -> str:
    if form is not None:
        return f".{form}"
    return path.suffix if path.suffix.lower() in WRITABLE else ".ply"
