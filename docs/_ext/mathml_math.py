"""Formulas as MathML, written when the pages are built: nothing is fetched when they are read."""

from sphinx.util.math import get_node_equation_number

from clipbounds.formulas import mathml


def inline(writer, node):
    writer.body.append(mathml(node.astext(), display=False))
    raise_skip()


def block(writer, node):
    number = get_node_equation_number(writer, node) if node["number"] else ""
    label = f'<span class="eqno">({number})</span>' if number else ""
    writer.body.append(f'<div class="math">{label}{mathml(node.astext())}</div>')
    raise_skip()


def raise_skip():
    from docutils import nodes

    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
