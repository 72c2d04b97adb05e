"""Runs of signs that could be formulas, in a plain text: where they begin and end, and whether they are."""

import dataclasses
import re

from .words import ACCENTS, CLOSING, ENGLISH, FUNCTIONS, GREEK, LARGE, OPENING, STATEMENTS, SUBSCRIPTS, TOKEN

INNER = re.compile(r"(?<![\w)\]‖])<(?=[^\s<>=-][^<>]*,[^<>]*[^\s<>-]>)([^<>]*)>")


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str
    text: str


def tokens_of(text: str) -> list[Token]:
    text = INNER.sub(r"⟨\1⟩", text)  # inner products
    found = []
    for match in TOKEN.finditer(text):
        kind, word = str(match.lastgroup), match.group()
        base, *indices = word.split("_")
        known = (
            base in GREEK or base in ACCENTS or base in FUNCTIONS or base in LARGE or base == "inf" or len(base) == 1
        )
        if kind == "name" and indices and known and all(index in GREEK or index in SUBSCRIPTS for index in indices):
            found.append(Token("word", base))
            for index in indices:
                found += [Token("operator", "_"), Token("word", index)]
        else:
            found.append(Token(kind, word))
    return found


def role_of(tokens: list[Token], k: int) -> str:
    """What a token can be: "strong" says that its run is a formula, "weak" may be part of one, "operator", "word"."""
    token, text = tokens[k], tokens[k].text
    after = tokens[k + 1] if k + 1 < len(tokens) else Token("other", "")
    if token.kind == "word":
        if text in GREEK or text in ACCENTS:
            return "strong"
        if text in FUNCTIONS or text == "sqrt":
            applied = after.text in ("(", "_", "{", "[") or (after.kind == "space" and formula_follows(tokens, k + 2))
            return "strong" if applied or (after.kind == "number" and text == "sqrt") else "word"
        if text in LARGE:
            return (
                "strong" if after.text == "_" or (after.kind == "space" and formula_follows(tokens, k + 2)) else "word"
            )
        if text in ("grad", "hess"):
            return "strong" if formula_follows(tokens, k + 2) or after.text == "_" else "word"
        if text == "inf":
            return "weak"
        if len(text) == 1:
            return "weak"
        last = tokens[k - 1 - (k > 1 and tokens[k - 1].kind == "space")] if k else Token("other", "")
        beside = last.kind in ("number", "operator", "bracket", "relation") or after.kind in ("raised", "bracket")
        return "weak" if len(text) == 2 and text not in ENGLISH and beside else "word"
    if token.kind in ("greek", "raised", "lowered", "bar"):
        return "strong"
    if token.kind in ("relation", "operator", "prime"):
        return "operator"
    return "weak" if token.kind in ("number", "bracket") else "word"


def formula_follows(tokens: list[Token], k: int) -> bool:
    """Whether a letter, a Greek name or a bracket comes next."""
    if k >= len(tokens):
        return False
    token = tokens[k]
    letter = token.kind == "word" and (token.text in GREEK or token.text in ACCENTS or len(token.text) == 1)
    function = token.text in ("sqrt", "grad", "E") or (
        token.text in FUNCTIONS and k + 1 < len(tokens) and tokens[k + 1].text in ("(", "_")
    )
    return (
        (letter and token.text not in ("a", "A", "I"))
        or function
        or token.kind in ("greek", "bar")
        or token.text in "([{⟨"
    )


def end_of_run(tokens: list[Token], start: int) -> int:
    """The end of the longest formula that could begin at `start`."""
    closers: list[tuple[str, int]] = []
    k = start
    while k < len(tokens):
        token = tokens[k]
        role = role_of(tokens, k)
        if not closers and k > start and _begins_anew(tokens, k):
            break
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


def _begins_anew(tokens: list[Token], k: int) -> bool:
    """Whether something else begins after a space: a negative number, "slope -.5", or a remark, "1.2 (c = 4)"."""
    if tokens[k - 1].kind != "space" or k < 2:
        return False
    if tokens[k].text in "-−":
        return k + 1 < len(tokens) and tokens[k + 1].kind == "number" and tokens[k - 2].kind == "number"
    if tokens[k].text == "(":
        rest = tokens[k + 1 :]
        inside = rest[: next((j for j, token in enumerate(rest) if token.text == ")"), len(rest))]
        if STATEMENTS.fullmatch("".join(token.text for token in inside)):
            return True
        return tokens[k - 2].kind == "number" and any(token.kind == "relation" for token in inside)
    return False


def _inside(tokens: list[Token], k: int) -> bool:
    """Whether a comma stands between parts of a formula, not of a sentence: a formula follows."""
    j = k + 1 + (k + 1 < len(tokens) and tokens[k + 1].kind == "space")
    if tokens[k].text == ".":  # a place for an argument: min(c, .)
        return j < len(tokens) and tokens[j].text in CLOSING
    if k + 2 < len(tokens) and tokens[k].text == "." and tokens[k + 1].text == ".":
        return True
    return j < len(tokens) and (role_of(tokens, j) != "word" or tokens[j].text == ".")


def trimmed(tokens: list[Token], start: int, end: int) -> tuple[int, int]:
    """Without spaces at the ends and operators that lack an operand."""
    while end > start and (
        tokens[end - 1].kind in ("space", "relation")
        or (tokens[end - 1].text in "+-*/^_·×!±−" and not _attached(tokens, end - 1))
    ):
        end -= 1
    while (
        end - 2 > start
        and tokens[end - 1].text in ("a", "A", "I")
        and tokens[end - 2].kind == "space"
        and end < len(tokens)
    ):
        if tokens[end].kind != "space" or tokens[end - 3].kind in ("relation", "operator"):
            break
        end -= 2  # the article
    while end > start and (
        tokens[start].kind in ("space", "prime") or tokens[start].text in ("+", "*", "/", "^", "_", "·", "!")
    ):
        start += 1
    return start, end


def _attached(tokens: list[Token], k: int) -> bool:
    """A star or plus glued to a letter: x*, x+."""
    return (
        tokens[k].text in "*+"
        and k > 0
        and tokens[k - 1].kind in ("word", "greek", "number")
        and role_of(tokens, k - 1) != "word"
    )


def _initial(tokens: list[Token], k: int) -> bool:
    """The S of (S)GD."""
    return k + 2 < len(tokens) and tokens[k + 1].text == ")" and tokens[k + 2].kind == "word"


def _is_statement(tokens: list[Token], solid: list[int]) -> bool:
    """S0, or (D0): the name of a statement and nothing else."""
    named = "".join(tokens[k].text for k in solid).strip("()[]*")
    return STATEMENTS.fullmatch(named) is not None


def is_formula(tokens: list[Token], start: int, end: int) -> bool:
    inside = range(start, end)
    solid = [k for k in inside if tokens[k].kind != "space"]
    roles = [role_of(tokens, k) for k in solid]
    letters = [tokens[k].text for k in solid if tokens[k].kind == "word"]
    if _is_statement(tokens, solid):
        return False
    if "strong" in roles:
        return any(tokens[k].kind not in ("bar",) for k in solid) and (
            bool(letters) or any(tokens[k].kind == "greek" for k in solid)
        )
    if len(solid) == 1 and end < len(tokens) and STATEMENTS.fullmatch(tokens[start].text + tokens[end].text):
        return False
    if len(solid) == 1:
        return len(letters) == 1 and len(letters[0]) == 1 and letters[0] not in "aAI" and not _initial(tokens, solid[0])
    if (
        tokens[end - 1].kind == "bracket"
        and end < len(tokens)
        and tokens[end].kind == "word"
        and "operator" not in roles
    ):
        return False  # (S)GD
    if letters == ["inf"]:
        return any(tokens[k].kind == "relation" for k in solid) or tokens[solid[-1]].text in CLOSING
    if not letters or (letters in (["a"], ["A"], ["I"]) and "operator" not in roles):
        return False
    glued = any(tokens[k].kind == "word" and k + 1 < end and tokens[k + 1].kind in ("number", "bracket") for k in solid)
    return "operator" in roles or glued
