"""LaTeX for readers: MathML for pages, a line of plain text for descriptions of pictures."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# what the converter makes of formulas; text that looks like another element, or a link, is no formula
ELEMENTS = frozenset(
    [
        "math",
        "mrow",
        "mi",
        "mn",
        "mo",
        "ms",
        "mtext",
        "mspace",
        "msup",
        "msub",
        "msubsup",
        "mover",
        "munder",
        "munderover",
        "mfrac",
        "msqrt",
        "mroot",
        "mtable",
        "mtr",
        "mtd",
        "mlabeledtr",
        "mphantom",
        "mstyle",
        "mpadded",
        "menclose",
        "mmultiscripts",
        "mprescripts",
        "none",
        "merror",
        "semantics",
        "annotation",
    ]
)
NAMESPACE = "http://www.w3.org/1998/Math/MathML"
LIMITS = {"max", "min", "inf", "sup", "lim"}
FENCES = {
    r"\{": "{",
    r"\}": "}",
    r"\|": "‖",
    r"\lfloor": "⌊",
    r"\rfloor": "⌋",
    r"\lceil": "⌈",
    r"\rceil": "⌉",
}  # as the converter leaves them after \Big
DOUBLE_STRUCK = {"E": "𝔼", "P": "ℙ", "R": "ℝ", "N": "ℕ", "Z": "ℤ"}


def _tree(latex: str, display: bool) -> Element:
    from latex2mathml.converter import convert

    root = ET.fromstring(convert(latex, display="block" if display else "inline"))
    for node in root.iter():
        node.tag = node.tag.removeprefix(f"{{{NAMESPACE}}}")
        if node.tag not in ELEMENTS or any("href" in name or name.startswith("on") for name in node.attrib):
            raise ValueError(f"{node.tag} with {sorted(node.attrib)} is no part of a formula")
        if node.text in FENCES:
            node.text = FENCES[node.text]
        # browsers know no other mathvariant than "normal"
        if node.get("mathvariant") == "double-struck" and node.text in DOUBLE_STRUCK:
            node.text = DOUBLE_STRUCK[node.text]
            del node.attrib["mathvariant"]
        if display and node.tag == "msub" and node[0].text in LIMITS:
            node.tag = "munder"
        if not display and node.tag == "mo" and node.text in ("|", "‖"):
            node.set("stretchy", "false")  # powers stay at their height
        if node.get("width") == "negativethinmathspace":
            node.set("width", "-0.167em")
    return root


def mathml(latex: str, display: bool = True) -> str:
    """`latex` as a MathML element; text that is not LaTeX of the usual kind is shown as it is.

    Parameters
    ----------
    latex : str, without dollars
    display : bool, a formula of its own, or one in a line of text

    Returns
    -------
    str, HTML
    """
    try:
        root = _tree(latex, display)
    except Exception:  # the converter has no common exception class; a plug-in's typo must not cost the page
        return f"<code>{escape(latex)}</code>"
    root.set("xmlns", NAMESPACE)
    root.set("alttext", latex)
    return ET.tostring(root, encoding="unicode")


def _grouped(text: str) -> str:
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def _spoken(node: Element) -> str:
    parts = [_spoken(child) for child in node]
    if node.tag in ("msup", "mover") and len(parts) == 2:
        return f"{parts[0]}^{_grouped(parts[1])}" if node.tag == "msup" else parts[0]
    if node.tag in ("msub", "munder") and len(parts) == 2:
        return f"{parts[0]}_{_grouped(parts[1])}"
    if node.tag == "msubsup":
        return f"{parts[0]}_{_grouped(parts[1])}^{_grouped(parts[2])}"
    if node.tag == "mfrac":
        return f"{_grouped(parts[0])}/{_grouped(parts[1])}"
    if node.tag == "msqrt":
        return f"√({''.join(parts)})"
    if node.tag == "mspace":
        return " "
    return (node.text or "") + "".join(parts)


def plain_text(label: str) -> str:
    """A label with formulas between dollars, as matplotlib draws it, in one line of plain text.

    Parameters
    ----------
    label : str, for example ``"threshold $c/\\sigma$"``
    """

    def speak(match: re.Match[str]) -> str:
        try:
            return _spoken(_tree(match.group(1), False))
        except Exception:  # as in `mathml`
            return match.group(1)

    return re.sub(r"\s+", " ", re.sub(r"\$([^$]*)\$", speak, label)).strip()
