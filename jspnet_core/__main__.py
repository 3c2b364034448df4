"""`python -m jspnet_core`: the `jspnet` command."""

from jspnet_core.cli.main import main

main()
