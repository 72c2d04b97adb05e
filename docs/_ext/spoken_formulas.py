"""Formulas in docstrings are plain text (docs/formulas.md); in the reference they are shown as mathematics."""

from docutils import nodes
from sphinx import addnodes

from clipbounds.formulas import pieces

LEFT_ALONE = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.title, nodes.comment, nodes.raw)
NAMES = (addnodes.desc_signature, addnodes.pending_xref, nodes.reference, nodes.strong)


def inside(node, kinds):
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def replacement(text):
    made = {
        "text": nodes.Text,
        "code": lambda code: nodes.literal("", code),
        "math": lambda latex: nodes.math(latex, latex),
    }
    return [made[piece.kind](piece.content) for piece in pieces(str(text))]


def show(app, doctree):
    if not app.env.docname.startswith("api/"):
        return
    for text in list(doctree.findall(nodes.Text)):
        if not inside(text.parent, LEFT_ALONE) and not inside(text.parent, NAMES):
            text.parent.replace(text, replacement(text))


def setup(app):
    app.connect("doctree-read", show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
