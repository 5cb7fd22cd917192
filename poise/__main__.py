"""`python -m poise` is the `poise` command."""

from poise.cli.app import main

main()
