"""`python -m karyolot` is the command line."""

from karyolot.cli import main

main()
