"""Exit with an error that the user can correct."""

from __future__ import annotations

import sys
from typing import NoReturn


def fail(message: str) -> NoReturn:
    """Print one line on stderr and exit with code 2."""
    print(f"jspnet: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(2)
