"""The LaTeX of a run of signs."""

from .runs import Token, formula_follows
from .words import (
    ACCENTS,
    FUNCTIONS,
    GREEK,
    LARGE,
    LOWERED,
    OPENING,
    OPERATORS,
    RAISED,
    RELATIONS,
    SUBSCRIPTS,
    UNICODE_GREEK,
)


def _argument(tokens: list[Token], k: int, end: int) -> tuple[str, int]:
    """The LaTeX of one argument that begins at k, of an index, a power or a root, and where it ends."""
    if k < end and tokens[k].text in ("{", "("):
        depth, j = 1, k + 1
        while j < end and depth:
            depth += (tokens[j].text == tokens[k].text) - (tokens[j].text == OPENING[tokens[k].text])
            j += 1
        return latex_of(tokens, k + 1, j - 1), j
    sign = ""
    if k < end and tokens[k].text in ("-", "−", "+"):
        sign, k = tokens[k].text, k + 1
    if k >= end:
        return sign, k
    if sign and tokens[k].text == "(":
        inner, k = _argument(tokens, k, end)
        return f"{sign}({inner})", k
    if tokens[k].kind == "word" and tokens[k].text in SUBSCRIPTS:
        return r"\infty" if tokens[k].text == "inf" else rf"\mathrm{{{tokens[k].text}}}", k + 1
    return sign + latex_of(tokens, k, k + 1), k + 1


def _script(parts: list[str], sign: str, argument: str) -> None:
    """An index or a power; a second one joins the first."""
    if parts and parts[-1].startswith(f"{sign}{{"):
        joint = "," if sign == "_" else "" if parts[-1] == "^{*}" else " "
        parts[-1] = f"{parts[-1][:-1]}{joint}{argument}}}"
    else:
        parts.append(f"{sign}{{{argument}}}")


def latex_of(tokens: list[Token], start: int, end: int) -> str:
    parts: list[str] = []
    bars = dict.fromkeys("‖|", 0)
    paired = {sign: sum(token.text == sign for token in tokens[start:end]) % 2 == 0 for sign in bars}
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
            index = (before.kind == "word" and len(before.text) == 1) or before.text in GREEK
            if index:
                _script(parts, "_", text)
            else:
                parts.append(text.replace("%", r"\%"))
        elif token.kind == "greek":
            parts.append(UNICODE_GREEK[text] + " ")
        elif token.kind == "raised":
            _script(parts, "^", text.translate(RAISED))
        elif token.kind == "lowered":
            _script(parts, "_", text.translate(LOWERED))
        elif text in ("^", "_"):
            argument, k = _argument(tokens, k, end)
            _script(parts, text, argument)
        elif (
            text == "*"
            and before.kind in ("word", "greek", "number", "raised")
            and (after.kind not in ("word", "number", "greek"))
        ):
            _script(parts, "^", "*")
        elif (
            text == "+" and before.kind == "word" and after.text in (")", ",", " ") and (k >= end or after.text != " ")
        ):
            _script(parts, "^", "+")
        elif token.kind == "bar":
            bars[text] += paired[text]  # a pair is one part, which a power belongs to
            bar = r"\|" if text == "‖" else "|"
            parts.append(bar if not paired[text] else f"{{{bar}" if bars[text] % 2 else f"{bar}}}")
        elif token.kind == "bracket":
            parts.append({"{": r"\{", "}": r"\}", "⟨": r"\langle ", "⟩": r"\rangle "}.get(text, text))
        elif token.kind == "relation":
            parts.append(f" {RELATIONS[text]} ")
        elif token.kind == "prime":
            _script(parts, "^", r"\prime" * len(text))
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
    space = k + 1 < len(tokens) and tokens[k + 1].kind == "space"
    if text == "sqrt":
        argument, k = _argument(tokens, k + 1 + space, end)
        return rf"\sqrt{{{argument}}}", k
    if text in ("grad", "hess"):
        return r"\nabla " if text == "grad" else r"\nabla^2 ", k + 1 + space
    if text == "inf":
        after = tokens[k + 1 + space].text if k + 1 + space < len(tokens) else ""
        follows = after == "_" or (space and (after == "over" or formula_follows(tokens, k + 2)))
        return (r"\inf " if follows else r"\infty "), k + 1
    for known in (GREEK, ACCENTS, FUNCTIONS, LARGE):
        if text in known:
            return known[text] + " ", k + 1
    if text in ("E", "P") and k + 1 < end and (tokens[k + 1].text in "([‖|" or space):
        return rf"\mathbb {text}" + r"\," * space, k + 1
    return (text if len(text) <= 2 else rf"\mathrm{{{text}}}"), k + 1
