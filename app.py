"""The app for whoever looks for it here: ``python app.py`` is ``ecgimg app``."""

import sys

from ecgimg.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "app")
    main()
