"""Formulas found in plain text: which parts of a sentence are mathematics, and what they are in LaTeX.

"‖grad f(x_t)‖ <= eta c for every t" has the formulas ‖grad f(x_t)‖, <= eta c and t. A formula is a run of numbers, letters,
Greek names, functions, operators and brackets, in which something says that it is one: an index, a power, a relation, a
Greek name, a single letter. What is not understood stays text, so that nothing is lost.
"""

import dataclasses
import html
import itertools
import re
from collections.abc import Callable, Iterator

from .latex import latex_of
from .mathml import mathml
from .runs import Token, end_of_run, is_formula, role_of, tokens_of, trimmed
from .words import CLOSING, OPENING, SIGNS

LONG_RUN, LONG_PIECE = 24, 44  # characters; longer formulas may be broken before relations, and before sums


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of a sentence: `kind` is "text", "code" or "math", the last in LaTeX; `plain` is what was written."""

    kind: str
    content: str
    plain: str


def _broken(tokens: list[Token], start: int, end: int) -> Iterator[tuple[int, int]]:
    """A long formula in pieces that a narrow page can put on lines of their own: before relations, then before sums."""

    def cuts(first: int, last: int, wanted: Callable[[Token], bool], within: str = "") -> list[int]:
        depth, bars, found = 0, 0, []
        for k in range(first, last):
            depth += (tokens[k].text in OPENING) - (tokens[k].text in CLOSING) if tokens[k].text not in within else 0
            bars += tokens[k].kind == "bar"
            if depth == 0 and bars % 2 == 0 and k > first and tokens[k - 1].kind == "space" and wanted(tokens[k]):
                found.append(k)
        return [first, *found, last]

    def width(first: int, last: int) -> int:
        return sum(len(token.text) for token in tokens[first:last])

    def relation(token: Token) -> bool:
        return token.kind == "relation"

    def addition(token: Token) -> bool:
        return token.text in "+-−"

    parts = [(start, end)]
    for limit, wanted, within in ((LONG_RUN, relation, ""), (LONG_PIECE, addition, ""), (LONG_PIECE, addition, "[]")):
        divided = []
        for first, last in parts:
            places = cuts(first, last, wanted, within) if width(first, last) > limit else [first, last]
            divided += itertools.pairwise(places)
        parts = divided
    yield from parts


def pieces(text: str) -> list[Piece]:
    """A plain text in pieces: words, code in backticks, and formulas in LaTeX.

    Parameters
    ----------
    text : str, a paragraph or less

    Returns
    -------
    list of Piece; their `plain` joined together is the text, up to < > of inner products
    """
    tokens = tokens_of(text)
    found: list[Piece] = []

    def add(kind: str, content: str, plain: str) -> None:
        if kind == "text" and found and found[-1].kind == "text":
            found[-1] = Piece("text", found[-1].content + content, found[-1].plain + plain)
        elif plain:
            found.append(Piece(kind, content, plain))

    k = 0
    while k < len(tokens):
        token = tokens[k]
        if token.kind == "code":
            add("code", token.text.strip("`"), token.text)
            k += 1
            continue
        start, end = (
            trimmed(tokens, k, end_of_run(tokens, k))
            if token.kind != "space" and role_of(tokens, k) != "word"
            else (k, k)
        )
        if start == k and end > start and is_formula(tokens, start, end):
            for number, (first, last) in enumerate(_broken(tokens, start, end)):
                plain = "".join(piece.text for piece in tokens[first:last])
                joined = "{} " if number and plain[0] in "+-−" else ""  # an addition, and no sign of a number
                add("math", joined + latex_of(tokens, first, last), plain.rstrip())
                add("text", plain[len(plain.rstrip()) :], plain[len(plain.rstrip()) :])
            k = end
        elif token.kind == "word" and is_formula(tokens, k, k + 1) and role_of(tokens, k) == "weak":
            add("math", token.text, token.text)
            k += 1
        else:
            add("text", SIGNS.get(token.text, token.text), token.text)
            k += 1
    return found


def as_html(text: str) -> str:
    """A plain text as HTML, with its formulas as MathML."""
    made = {
        "text": html.escape,
        "code": lambda code: f"<code>{html.escape(code)}</code>",
        "math": lambda latex: mathml(latex, False),
    }
    return "".join(made[piece.kind](piece.content) for piece in pieces(text))


def as_line(text: str) -> str:
    """A plain text for a place that has letters only, such as the title of a window: powers raised where signs exist."""
    raised = str.maketrans("0123456789-+pnt()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵖⁿᵗ⁽⁾")

    def raise_(match: re.Match) -> str:
        power = match.group(1) or match.group(2)
        return power.translate(raised) if all(letter in "0123456789-+pnt()" for letter in power) else match.group()

    text = re.sub(r"\^(?:\{([^{}]*)\}|(-?\w))", raise_, text)
    return re.sub("|".join(map(re.escape, SIGNS)), lambda match: SIGNS[match.group()], text)
