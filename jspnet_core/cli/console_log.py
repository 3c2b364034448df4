"""Log messages of the package on the terminal."""

from __future__ import annotations

import logging


def log_to_terminal() -> None:
    """Show what the package logs, INFO and above, on stderr, one line each."""
    from rich.console import Console
    from rich.logging import RichHandler

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    source = logging.getLogger("jspnet_core")
    source.addHandler(RichHandler(console=console, show_time=False, show_path=False))
    source.setLevel(logging.INFO)
