"""Sphinx: pages in Markdown, formulas as MathML, no network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "clipbounds"
author = "the clipbounds authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml_math", "plain_docstrings", "rooms"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Theory of gradient clipping, checked against numbers", "page_width": "70rem"}
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_math_renderer = "mathml"
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
napoleon_use_rtype = False
suppress_warnings = ["ref.python"]  # a type in a docstring may have namesakes
