"""`python -m psubench`."""

from psubench.cli import main

main()
