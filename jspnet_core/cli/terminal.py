"""The terminal: results on stdout, log messages and progress on stderr, and how much of them is shown."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="show details of the work as well")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="show warnings and errors only")]

_PACKAGE = "jspnet_core"


def with_verbosity(command: Callable[..., Any]) -> Callable[..., Any]:
    """Command with the options --verbose and --quiet; log messages of the package go to stderr."""
    if getattr(command, "has_verbosity", False):
        return command
    signature = inspect.signature(command, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter("verbose", keyword, default=False, annotation=Verbose),
        inspect.Parameter("quiet", keyword, default=False, annotation=Quiet),
    ]

    @functools.wraps(command)
    def run(*arguments: Any, verbose: bool = False, quiet: bool = False, **values: Any) -> Any:
        log_to_terminal(verbose=verbose, quiet=quiet)
        return command(*arguments, **values)

    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *more])  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in (*signature.parameters.values(), *more)}
    run.has_verbosity = True  # type: ignore[attr-defined]
    return run


def log_to_terminal(*, verbose: bool = False, quiet: bool = False) -> None:
    """Show what the package logs on stderr, one line each: INFO and above, DEBUG if verbose, WARNING if quiet."""
    source = logging.getLogger(_PACKAGE)
    for handler in [h for h in source.handlers if isinstance(h, TerminalHandler)]:
        source.removeHandler(handler)
    source.addHandler(TerminalHandler(messages()))
    source.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)


@contextmanager
def log_to(console: Console) -> Iterator[None]:
    """Send the package's log messages to a console, in place of all other handlers.

    A progress bar must share its console with the log, otherwise each overwrites the other's lines.
    """
    package = logging.getLogger(_PACKAGE)
    handlers, level, propagate = package.handlers, package.level, package.propagate
    package.handlers, package.propagate = [TerminalHandler(console)], False
    if level == logging.NOTSET:
        package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.handlers, package.propagate = handlers, propagate
        package.setLevel(level)


class TerminalHandler(logging.Handler):
    """One unwrapped line per message, the level before warnings and errors."""

    def __init__(self, console: Console):
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        self.console.print(f"jspnet: {level}{self.format(record)}", soft_wrap=True, markup=False, highlight=False)


def is_quiet() -> bool:
    """Return whether only warnings and errors are shown."""
    return logging.getLogger(_PACKAGE).level == logging.WARNING


def output() -> Console:
    """Stdout, for results; nothing is shown there with --quiet."""
    return Console(highlight=False, quiet=is_quiet())


def messages() -> Console:
    """Stderr, for messages."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def progress_bar() -> Progress:
    """A bar with counts and times on stderr that vanishes at the end; nothing with --quiet."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=messages(), transient=True, disable=is_quiet())
