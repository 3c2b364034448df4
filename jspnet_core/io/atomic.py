"""Atomic writes of files and folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Create a temporary file beside `path`, renamed to `path` at the end and removed after an error."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("xb") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Create a temporary folder beside `path`, renamed to `path` at the end and removed after an error.

    What a process that was killed left behind is removed by the next one.
    """
    _remove_leftovers(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.mkdir()
    try:
        yield partial
        if path.exists():
            old = path.with_name(f".{path.name}.{os.getpid()}.old")
            os.replace(path, old)
            os.replace(partial, path)
            shutil.rmtree(old)
        else:
            os.replace(partial, path)
    finally:
        if partial.exists():
            shutil.rmtree(partial)


def _remove_leftovers(path: Path) -> None:
    for partial in path.parent.glob(f".{path.name}.*.part"):
        writer = partial.name.split(".")[-2]
        if writer.isdigit() and not _runs(int(writer)):
            shutil.rmtree(partial)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
