"""Formulas found in plain text: which parts of a sentence are mathematics, and what they are in LaTeX.

"‖grad f(x_t)‖ <= eta c for every t" has the formulas ‖grad f(x_t)‖, <= eta c and t. A formula is a run of numbers, letters,
Greek names, functions, operators and brackets, in which something says that it is one: an index, a power, a relation, a
Greek name, a single letter. What is not understood stays text, so that nothing is lost.
"""

import dataclasses
import html
import re
from collections.abc import Iterator

from .mathml import mathml
from .words import (
    ACCENTS,
    CLOSING,
    ENGLISH,
    FUNCTIONS,
    GREEK,
    LARGE,
    LOWERED,
    OPENING,
    OPERATORS,
    RAISED,
    RELATIONS,
    SIGNS,
    STATEMENTS,
    SUBSCRIPTS,
    TOKEN,
    UNICODE_GREEK,
)

LONG_RUN, LONG_PIECE = 24, 44  # characters; longer formulas may be broken before relations, and before sums
INNER = re.compile(r"(?<![\w)\]‖])<(?=[^\s<>=-][^<>]*,[^<>]*[^\s<>-]>)([^<>]*)>")


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of a sentence: `kind` is "text", "code" or "math", the last in LaTeX; `plain` is what was written."""

    kind: str
    content: str
    plain: str


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str
    text: str


def _tokens(text: str) -> list[Token]:
    text = INNER.sub(r"⟨\1⟩", text)  # inner products
    found = []
    for match in TOKEN.finditer(text):
        kind, word = str(match.lastgroup), match.group()
        base, *indices = word.split("_")
        known = base in GREEK or base in ACCENTS or base in FUNCTIONS or base in LARGE or base == "inf" or len(base) == 1
        if kind == "name" and indices and known and all(index in GREEK or index in SUBSCRIPTS for index in indices):
            found.append(Token("word", base))
            for index in indices:
                found += [Token("operator", "_"), Token("word", index)]
        else:
            found.append(Token(kind, word))
    return found


def _role(tokens: list[Token], k: int) -> str:
    """What a token can be: "strong" says that its run is a formula, "weak" may be part of one, "operator", "word"."""
    token, text = tokens[k], tokens[k].text
    after = tokens[k + 1] if k + 1 < len(tokens) else Token("other", "")
    if token.kind == "word":
        if text in GREEK or text in ACCENTS:
            return "strong"
        if text in FUNCTIONS or text == "sqrt":
            applied = after.text in ("(", "_", "{", "[") or (after.kind == "space" and _formula_follows(tokens, k + 2))
            return "strong" if applied or after.kind == "number" and text == "sqrt" else "word"
        if text in LARGE:
            return "strong" if after.text == "_" or (after.kind == "space" and _formula_follows(tokens, k + 2)) else "word"
        if text in ("grad", "hess"):
            return "strong" if _formula_follows(tokens, k + 2) or after.text == "_" else "word"
        if text == "inf":
            return "weak"
        if len(text) == 1:
            name = text + (after.text if after.kind == "number" else "")
            divided = k + 2 < len(tokens) and tokens[k + 2].text in ("/", "_", "^")
            return "word" if STATEMENTS.fullmatch(name) and not divided else "weak"
        last = tokens[k - 1 - (k > 1 and tokens[k - 1].kind == "space")] if k else Token("other", "")
        beside = last.kind in ("number", "operator", "bracket", "relation") or after.kind in ("raised", "bracket")
        return "weak" if len(text) == 2 and text not in ENGLISH and beside else "word"
    if token.kind in ("greek", "raised", "lowered", "bar"):
        return "strong"
    if token.kind in ("relation", "operator", "prime"):
        return "operator"
    return "weak" if token.kind in ("number", "bracket") else "word"


def _formula_follows(tokens: list[Token], k: int) -> bool:
    """Whether a letter, a Greek name or a bracket comes next."""
    if k >= len(tokens):
        return False
    token = tokens[k]
    letter = token.kind == "word" and (token.text in GREEK or token.text in ACCENTS or len(token.text) == 1)
    function = token.text in ("sqrt", "grad", "E") or (token.text in FUNCTIONS and k + 1 < len(tokens) and tokens[k + 1].text in ("(", "_"))
    return (letter and token.text not in ("a", "A", "I")) or function or token.kind in ("greek", "bar") or token.text in "([{⟨"


def _run(tokens: list[Token], start: int) -> int:
    """The end of the longest formula that could begin at `start`."""
    closers: list[tuple[str, int]] = []
    k = start
    while k < len(tokens):
        token = tokens[k]
        role = _role(tokens, k)
        if token.text in OPENING:
            closers.append((OPENING[token.text], k))
        elif token.text in CLOSING:
            # half-open intervals end with the other kind
            if not closers or (token.text != closers[-1][0] and {token.text, closers[-1][0]} != {")", "]"}):
                break
            closers.pop()
        elif token.kind != "space" and role == "word" and not (closers and token.text in ",;." and _inside(tokens, k)):
            break
        k += 1
    return closers[0][1] if closers else k


def _inside(tokens: list[Token], k: int) -> bool:
    """Whether a comma stands between parts of a formula, not of a sentence: a formula follows."""
    j = k + 1 + (k + 1 < len(tokens) and tokens[k + 1].kind == "space")
    if tokens[k].text == ".":  # a place for an argument: min(c, .)
        return j < len(tokens) and tokens[j].text in CLOSING
    if k + 2 < len(tokens) and tokens[k].text == "." and tokens[k + 1].text == ".":
        return True
    return j < len(tokens) and (_role(tokens, j) != "word" or tokens[j].text == ".")


def _trim(tokens: list[Token], start: int, end: int) -> tuple[int, int]:
    """Without spaces at the ends and operators that lack an operand."""
    while end > start and (tokens[end - 1].kind in ("space", "relation") or (tokens[end - 1].text in "+-*/^_·×!±−" and not _attached(tokens, end - 1))):
        end -= 1
    while end > start and (tokens[start].kind in ("space", "prime") or tokens[start].text in ("+", "*", "/", "^", "_", "·", "!")):
        start += 1
    return start, end


def _attached(tokens: list[Token], k: int) -> bool:
    """A star or plus glued to a letter: x*, x+."""
    return tokens[k].text in "*+" and k > 0 and tokens[k - 1].kind in ("word", "greek", "number") and _role(tokens, k - 1) != "word"


def _is_formula(tokens: list[Token], start: int, end: int) -> bool:
    inside = range(start, end)
    solid = [k for k in inside if tokens[k].kind != "space"]
    roles = [_role(tokens, k) for k in solid]
    letters = [tokens[k].text for k in solid if tokens[k].kind == "word"]
    if "strong" in roles:
        return any(tokens[k].kind not in ("bar",) for k in solid) and (bool(letters) or any(tokens[k].kind == "greek" for k in solid))
    if len(solid) == 1:
        return len(letters) == 1 and len(letters[0]) == 1 and letters[0] not in "aAI"
    if letters == ["inf"]:
        return any(tokens[k].kind == "relation" for k in solid) or tokens[solid[-1]].text in CLOSING
    if not letters or letters in (["a"], ["A"], ["I"]) and "operator" not in roles:
        return False
    glued = any(tokens[k].kind == "word" and k + 1 < end and tokens[k + 1].kind in ("number", "bracket") for k in solid)
    return "operator" in roles or glued


def _argument(tokens: list[Token], k: int, end: int) -> tuple[str, int]:
    """The LaTeX of one argument that begins at k, of an index, a power or a root, and where it ends."""
    if k < end and tokens[k].text in ("{", "("):
        depth, j = 1, k + 1
        while j < end and depth:
            depth += (tokens[j].text == tokens[k].text) - (tokens[j].text == OPENING[tokens[k].text])
            j += 1
        return _latex(tokens, k + 1, j - 1), j
    sign = ""
    if k < end and tokens[k].text in ("-", "−", "+"):
        sign, k = tokens[k].text, k + 1
    if k >= end:
        return sign, k
    if tokens[k].kind == "word" and tokens[k].text in SUBSCRIPTS:
        return r"\infty" if tokens[k].text == "inf" else rf"\mathrm{{{tokens[k].text}}}", k + 1
    return sign + _latex(tokens, k, k + 1), k + 1


def _latex(tokens: list[Token], start: int, end: int) -> str:
    parts: list[str] = []
    k = start
    while k < end:
        token, text = tokens[k], tokens[k].text
        before = tokens[k - 1] if k > start else Token("space", " ")
        after = tokens[k + 1] if k + 1 < end else Token("space", " ")
        k += 1
        if token.kind == "word":
            part, k = _word(tokens, k - 1, end)
            parts.append(part)
        elif token.kind == "number":
            index = before.kind == "word" and len(before.text) == 1 or before.text in GREEK
            parts.append(f"_{{{text}}}" if index else text.replace("%", r"\%"))
        elif token.kind == "greek":
            parts.append(UNICODE_GREEK[text] + " ")
        elif token.kind == "raised":
            power = text.translate(RAISED)
            if parts and parts[-1] == "^{*}":
                parts[-1] = f"^{{*{power}}}"
            else:
                parts.append(f"^{{{power}}}")
        elif token.kind == "lowered":
            parts.append(f"_{{{text.translate(LOWERED)}}}")
        elif text in ("^", "_"):
            argument, k = _argument(tokens, k, end)
            star = parts and parts[-1] == "^{*}" and text == "^"
            if star:
                parts[-1] = f"^{{*{argument}}}"
            else:
                parts.append(f"{text}{{{argument}}}")
        elif text == "*" and before.kind in ("word", "greek", "number", "raised") and (after.kind not in ("word", "number", "greek")):
            parts.append("^{*}")
        elif text == "+" and before.kind == "word" and after.text in (")", ",", " ") and (k >= end or after.text != " "):
            parts.append("^{+}")
        elif token.kind == "bar":
            parts.append(r"\|" if text == "‖" else "|")
        elif token.kind == "bracket":
            parts.append({"{": r"\{", "}": r"\}", "⟨": r"\langle ", "⟩": r"\rangle "}.get(text, text))
        elif token.kind == "relation":
            parts.append(f" {RELATIONS[text]} ")
        elif token.kind == "prime":
            parts.append(text)
        elif token.kind == "space":
            parts.append(" ")
        elif text in "," or text == ";":
            parts.append(f"{text}\\, ")
        else:
            parts.append(OPERATORS.get(text, text))
    return "".join(parts).strip()


def _word(tokens: list[Token], k: int, end: int) -> tuple[str, int]:
    """The LaTeX of a word and where what it takes ends."""
    text = tokens[k].text
    space = k + 1 < end and tokens[k + 1].kind == "space"
    if text == "sqrt":
        argument, k = _argument(tokens, k + 1 + space, end)
        return rf"\sqrt{{{argument}}}", k
    if text in ("grad", "hess"):
        return r"\nabla " if text == "grad" else r"\nabla^2 ", k + 1 + space
    if text == "inf":
        follows = k + 1 + space < end and (tokens[k + 1].text == "_" or (space and tokens[k + 2].kind in ("word", "bracket") and tokens[k + 2].text not in CLOSING))
        return (r"\inf " if follows else r"\infty "), k + 1
    for known in (GREEK, ACCENTS, FUNCTIONS, LARGE):
        if text in known:
            return known[text] + " ", k + 1
    if text in ("E", "P") and k + 1 < end and (tokens[k + 1].text in "([‖|" or space):
        return rf"\mathbb {text}" + r"\," * space, k + 1
    return (text if len(text) <= 2 else rf"\mathrm{{{text}}}"), k + 1


def _broken(tokens: list[Token], start: int, end: int) -> Iterator[tuple[int, int]]:
    """A long formula in pieces that a narrow page can put on lines of their own: before relations, then before sums."""

    def cuts(first: int, last: int, wanted) -> list[int]:
        depth, bars, found = 0, 0, []
        for k in range(first, last):
            depth += (tokens[k].text in OPENING) - (tokens[k].text in CLOSING)
            bars += tokens[k].kind == "bar"
            if depth == 0 and bars % 2 == 0 and k > first and tokens[k - 1].kind == "space" and wanted(tokens[k]):
                found.append(k)
        return [first, *found, last]

    def width(first: int, last: int) -> int:
        return sum(len(token.text) for token in tokens[first:last])

    def split(first: int, last: int, limit: int, wanted) -> Iterator[tuple[int, int]]:
        if width(first, last) <= limit:
            yield first, last
            return
        places = cuts(first, last, wanted)
        yield from zip(places, places[1:], strict=False)

    for first, last in split(start, end, LONG_RUN, lambda token: token.kind == "relation"):
        yield from split(first, last, LONG_PIECE, lambda token: token.text in "+-−")


def pieces(text: str) -> list[Piece]:
    """A plain text in pieces: words, code in backticks, and formulas in LaTeX.

    Parameters
    ----------
    text : str, a paragraph or less

    Returns
    -------
    list of Piece; their `plain` joined together is the text, up to < > of inner products
    """
    tokens = _tokens(text)
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
        start, end = _trim(tokens, k, _run(tokens, k)) if token.kind != "space" and _role(tokens, k) != "word" else (k, k)
        if start == k and end > start and _is_formula(tokens, start, end):
            for first, last in _broken(tokens, start, end):
                plain = "".join(piece.text for piece in tokens[first:last])
                add("math", _latex(tokens, first, last), plain.rstrip())
                add("text", plain[len(plain.rstrip()) :], plain[len(plain.rstrip()) :])
            k = end
        elif token.kind == "word" and _is_formula(tokens, k, k + 1) and _role(tokens, k) == "weak":
            add("math", token.text, token.text)
            k += 1
        else:
            add("text", SIGNS.get(token.text, token.text), token.text)
            k += 1
    return found


def as_html(text: str) -> str:
    """A plain text as HTML, with its formulas as MathML."""
    made = {"text": html.escape, "code": lambda code: f"<code>{html.escape(code)}</code>", "math": lambda latex: mathml(latex, False)}
    return "".join(made[piece.kind](piece.content) for piece in pieces(text))


def as_line(text: str) -> str:
    """A plain text for a place that has letters only, such as the title of a window: powers raised where signs exist."""
    raised = str.maketrans("0123456789-+pnt()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵖⁿᵗ⁽⁾")

    def raise_(match: re.Match) -> str:
        power = match.group(1) or match.group(2)
        return power.translate(raised) if all(letter in "0123456789-+pnt()" for letter in power) else match.group()

    text = re.sub(r"\^(?:\{([^{}]*)\}|(-?\w))", raise_, text)
    return re.sub("|".join(map(re.escape, SIGNS)), lambda match: SIGNS[match.group()], text)
