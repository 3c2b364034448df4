"""Entry point of the `jspnet` command. Imports nothing heavy, so that an interrupt at the start ends it quietly."""

from __future__ import annotations

import signal
import sys

from jspnet_core.cli.fail import fail


def main() -> None:
    """Run the command. An error of the user is one line on stderr and exit code 2; a bug has a traceback.

    Exit code 130 after an interrupt.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until a command has begun: imports would print a traceback
    from jspnet_core.cli.app import app
    from jspnet_core.errors import JspnetError

    try:
        app(prog_name="jspnet")
    except JspnetError as error:
        fail(str(error))
    except KeyboardInterrupt:
        print("jspnet: interrupted", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
