"""How the documentation is built: `make docs`, into build/docs, without the network."""

from __future__ import annotations

import sys
from pathlib import Path

from ecgimg import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ecgimg"
author = "The ecgimg maintainers"
copyright = "the ecgimg maintainers. Research use only, not a medical device"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "build_tables",
    "command_help",
    "plain_references",
    "repository_files",
]
exclude_patterns = ["_ext", "_static"]

# Notebooks are shown with the outputs that they are kept with; tests/test_notebooks.py runs each of them.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # none is used, and they would come from the network
myst_heading_anchors = 3

default_role = "py:obj"
autodoc_typehints = "none"  # the docstrings say types and shapes
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"ecgimg {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"quickstart": [], "how-it-works": [], "benchmarks": [], "limits": []}
html_theme_options = {
    "logo": {"text": "ecgimg"},
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
