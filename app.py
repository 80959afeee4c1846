"""The app for whoever looks for it here: ``python app.py`` is ``ecgimg app``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "app")
    runpy.run_module("ecgimg", run_name="__main__")
