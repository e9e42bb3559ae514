"""`python -m maw`."""

from maw.cli.main import main

main()
