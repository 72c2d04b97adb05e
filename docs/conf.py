"""Sphinx: pages in Markdown, formulas as MathML, no network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "clipbounds"
author = "the clipbounds authors"
copyright = "2026, the clipbounds authors"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "mathml_math",
    "plain_docstrings",
    "spoken_formulas",
    "rooms",
]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # what a notebook shows depends on the package, not only on its own text
nb_execution_timeout = 300
nb_execution_raise_on_error = True
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "clipbounds"
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which a browser refuses for files
smartquotes = False  # a prime is no quotation mark
toc_object_entries_show_parents = "hide"
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
napoleon_use_rtype = False
suppress_warnings = ["ref.python", "mystnb.unknown_mime_type"]  # a type in a docstring may have namesakes
