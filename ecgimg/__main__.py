"""``python -m ecgimg``."""

import os
import signal

# an import that Ctrl-C interrupts would end in a traceback, often of another error
signal.signal(signal.SIGINT, lambda *_: os._exit(130))
from ecgimg.cli import main  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)
main()
