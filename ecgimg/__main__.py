"""``python -m ecgimg``."""

from ecgimg.cli import main

main()
