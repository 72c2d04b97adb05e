"""What the words and signs of plain formulas are in LaTeX."""

import re

GREEK = {
    **{
        name: rf"\{name}"
        for name in [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "zeta",
            "eta",
            "theta",
            "kappa",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "phi",
            "chi",
            "psi",
            "omega",
            "Gamma",
            "Delta",
            "Theta",
            "Lambda",
            "Xi",
            "Pi",
            "Sigma",
            "Phi",
            "Psi",
            "Omega",
        ]
    },
    "eps": r"\varepsilon",
    "epsilon": r"\varepsilon",
    "lam": r"\lambda",
    "lambda": r"\lambda",
    "kap": r"\kappa",
    "ell": r"\ell",
}
ACCENTS = {
    **{f"{letter}bar": rf"\bar {letter}" for letter in "GDRVegmvx"},
    "ghat": r"\hat g",
    "mubar": r"\bar\mu",
}
FUNCTIONS = {
    name: rf"\{name}" for name in ["ln", "log", "exp", "sin", "cos", "tan", "cosh", "sinh", "tanh", "max", "min", "sup"]
}
FUNCTIONS |= {
    "avg": r"\operatorname{avg}",
    "lim": r"\lim",
    "sign": r"\operatorname{sign}",
    "clip": r"\operatorname{clip}",
    "Bin": r"\operatorname{Bin}",
    "arg": r"\arg",
}
LARGE = {"sum": r"\sum", "prod": r"\prod", "int": r"\int"}
SUBSCRIPTS = {"max", "min", "out", "opt", "inf", "eff"}  # words that stay words below the line
RELATIONS = {
    "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">", "=": "=", "!=": r"\ne", "->": r"\to", "<-": r"\leftarrow", "~": r"\sim",
    "≤": r"\le", "≥": r"\ge", "→": r"\to", "←": r"\leftarrow", "≈": r"\approx", "∈": r"\in", "∝": r"\propto",
}  # fmt: skip
OPERATORS = {
    "+": "+", "-": "-", "−": "-", "*": r"\cdot ", "·": r"\cdot ", "×": r"\times ", "/": "/", "±": r"\pm ", "∇": r"\nabla ", "∞": r"\infty ",
    "√": r"\surd ", "!": "!", "∑": r"\sum ", "Σ": r"\sum ",
}  # fmt: skip
SIGNS = {"<=": "≤", ">=": "≥", "->": "→", "<-": "←", "!=": "≠"}  # where they stand between words
OPENING, CLOSING = {"(": ")", "[": "]", "{": "}", "⟨": "⟩"}, {")", "]", "}", "⟩"}
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵖⁿᵗ", "0123456789-+pnt")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
UNICODE_GREEK = dict(zip("αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΦΨΩ", [r"\alpha", r"\beta", r"\gamma", r"\delta", r"\varepsilon", r"\zeta", r"\eta", r"\theta", r"\kappa", r"\lambda", r"\mu", r"\nu", r"\xi", r"\pi", r"\rho", r"\sigma", r"\tau", r"\varphi", r"\chi", r"\psi", r"\omega", r"\Gamma", r"\Delta", r"\Theta", r"\Lambda", r"\Xi", r"\Pi", r"\Phi", r"\Psi", r"\Omega"], strict=True))  # fmt: skip

# words of two letters that are English; other pairs beside an operator are products
ENGLISH = frozenset(
    [
        "am",
        "an",
        "as",
        "at",
        "be",
        "by",
        "do",
        "go",
        "he",
        "if",
        "in",
        "is",
        "it",
        "me",
        "my",
        "no",
        "of",
        "on",
        "or",
        "so",
        "to",
        "up",
        "us",
        "we",
        "Al",
        "An",
        "As",
        "At",
        "Be",
        "By",
        "Do",
        "He",
        "If",
        "In",
        "Is",
        "It",
        "My",
        "No",
        "Of",
        "On",
        "Or",
        "So",
        "To",
        "Up",
        "We",
        "vs",
        "th",
        "st",
        "nd",
        "rd",
        "eq",
        "cf",
        "ie",
        "eg",
        "ms",
        "us",
        "GD",
        "ns",
        "MB",
        "kB",
        "GB",
        "CI",
        "cb",
        "np",
    ]
)
STATEMENTS = re.compile(r"[SDBI]\d")  # S0, D1, I2: names of statements, not variables

TOKEN = re.compile(
    r"(?P<code>``[^`]*``|`[^`]*`)"
    r"|(?P<space>\s+)"
    r"|(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?%?|\.\d+%?)"
    r"|(?P<abbreviation>\b(?:e\.g|i\.e|a\.s|w\.r\.t|resp)\.)"
    r"|(?P<name>[A-Za-z]+(?:\.[A-Za-z_]\w*)+|[A-Za-z]\w*(?:_[A-Za-z]{3,}\w*)+_?(?!\w))"
    r"|(?P<possessive>[A-Za-z]{2,}['’]s?(?!\w))"
    r"|(?P<word>[^\W\d_αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΦΨΩΣ⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵖⁿᵗ₀-₉½]+)"
    r"|(?P<greek>[αβγδεζηθκλμνξπρστφχψωΓΔΘΛΞΠΦΨΩ])"
    r"|(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵖⁿᵗ]+)"
    r"|(?P<lowered>[₀-₉]+)"
    r"|(?P<relation><=|>=|!=|->|<-|[<>=~≤≥→←≈∈∝])"
    r"|(?P<bracket>[()\[\]{}⟨⟩])"
    r"|(?P<bar>[‖|])"
    r"|(?P<prime>'+)"
    r"|(?P<operator>[-+*/^_±·×∇∞√−∑Σ!])"
    r"|(?P<other>.)",
    re.S,
)
