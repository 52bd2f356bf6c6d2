"""`python -m karyolot` is the command line."""

from karyolot.commands.cli import main

main()
