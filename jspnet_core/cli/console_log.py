"""Log records of the package on the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def log_to_terminal() -> None:
    """Show what the package logs, INFO and above, on stderr, one line each."""
    from rich.console import Console
    from rich.logging import RichHandler

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    source = logging.getLogger("jspnet_core")
    source.addHandler(RichHandler(console=console, show_time=False, show_path=False))
    source.setLevel(logging.INFO)


class ConsoleHandler(logging.Handler):
    """Print log messages on a rich console, unwrapped, so that they can be copied."""

    def __init__(self, console: Console):
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(self.format(record), soft_wrap=True, markup=False, highlight=False)


@contextmanager
def log_to(console: Console) -> Iterator[None]:
    """Send the package's log records to a console, in place of all other handlers.

    A progress bar must share its console with the log, otherwise each overwrites the other's lines.
    """
    package = logging.getLogger("jspnet_core")
    handlers, level, propagate = package.handlers, package.level, package.propagate
    package.handlers, package.propagate = [ConsoleHandler(console)], False
    if level == logging.NOTSET:
        package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.handlers, package.propagate = handlers, propagate
        package.setLevel(level)
