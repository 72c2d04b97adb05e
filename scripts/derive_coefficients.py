"""Derive the polynomial coefficients of `clipbounds/lanes/coefficients.py`.

Each function is approximated in relative error by the Remez exchange algorithm in 60-digit arithmetic
(mpmath), then its coefficients are rounded to float64. Run

    python scripts/derive_coefficients.py > clipbounds/lanes/coefficients.py

and the file is rewritten; the accuracy of the finished functions is tested in tests/lanes.
"""

import sys

import mpmath as mp

mp.mp.dps = 60


def remez(target, low, high, terms, rounds=12):
    """Polynomial with `terms` coefficients that minimises max |target - poly| on [low, high]."""
    low, high = mp.mpf(low), mp.mpf(high)
    middle, half = (low + high) / 2, (high - low) / 2
    count = terms + 1
    nodes = [middle - half * mp.cos(mp.pi * k / terms) for k in range(count)]
    for _ in range(rounds):
        system = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for row, x in enumerate(nodes):
            for column in range(terms):
                system[row, column] = x**column
            system[row, terms] = (-1) ** row
            right[row] = target(x)
        solution = mp.lu_solve(system, right)
        coefficients = [solution[k] for k in range(terms)]

        def error(x, coefficients=coefficients):
            return target(x) - mp.polyval(coefficients[::-1], x)

        samples = [middle - half * mp.cos(mp.pi * mp.mpf(k) / 800) for k in range(801)]
        errors = [error(x) for x in samples]
        # one extremum of |error| on every stretch of constant sign: the alternation set of the next round
        stretches, current = [], [0]
        for k in range(1, len(samples)):
            if errors[k] * errors[current[-1]] < 0:
                stretches.append(current)
                current = []
            current.append(k)
        stretches.append(current)
        peaks = [samples[max(stretch, key=lambda k: abs(errors[k]))] for stretch in stretches]
        if len(peaks) != count:
            break
        nodes = peaks
    return coefficients, float(max(abs(e) for e in errors))


def log_tail(z):
    """R(z) with log((1+s)/(1-s)) = 2s + s R(s²)."""
    if z < mp.mpf(10) ** -12:
        return 2 * z / 3 + 2 * z**2 / 5
    s = mp.sqrt(z)
    return (mp.log((1 + s) / (1 - s)) - 2 * s) / s


def exp_tail(r):
    """(e^r - 1 - r)/r²."""
    if abs(r) < mp.mpf(10) ** -8:
        return mp.mpf(1) / 2 + r / 6 + r**2 / 24 + r**3 / 120
    return (mp.exp(r) - 1 - r) / r**2


def exp2_tail(r):
    """(2^r - 1)/r."""
    step = r * mp.log(2)
    return mp.log(2) * (1 + step * exp_tail(step))


def sin_tail(z):
    """(sin r - r)/r³ at z = r²."""
    if z < mp.mpf(10) ** -12:
        return -mp.mpf(1) / 6 + z / 120 - z**2 / 5040
    r = mp.sqrt(z)
    return (mp.sin(r) - r) / r**3


def half_turn_tail(z):
    """(sin(pi t) - pi t)/t³ at z = t²."""
    if z < mp.mpf(10) ** -12:
        return -(mp.pi**3) / 6 + mp.pi**5 * z / 120 - mp.pi**7 * z**2 / 5040
    t = mp.sqrt(z)
    return (mp.sinpi(t) - mp.pi * t) / t**3


def cos_tail(z):
    """(cos r - 1 + r²/2)/r⁴ at z = r²."""
    if z < mp.mpf(10) ** -8:
        return mp.mpf(1) / 24 - z / 720 + z**2 / 40320 - z**3 / 3628800
    r = mp.sqrt(z)
    return (mp.cos(r) - 1 + z / 2) / z**2


def main(out):
    root = mp.sqrt(2) - 1
    tables = {
        # s = f/(2+f) for 1+f in [1/sqrt2, sqrt2]; R(z)/z is fitted, so R keeps its zero at 0
        "LOG": (lambda z: log_tail(z) / z if z else mp.mpf(2) / 3, 0, (root / (root + 2)) ** 2, 7),
        "EXP": (exp_tail, -mp.log(2) / 2, mp.log(2) / 2, 11),
        # in base 2, to 7e-16 of the functions (base_two.py)
        "LOG2": (lambda z: (log_tail(z) / z if z else mp.mpf(2) / 3) / mp.log(2), 0, (root / (root + 2)) ** 2, 6),
        "EXP2": (exp2_tail, -mp.mpf(1) / 2, mp.mpf(1) / 2, 10),
        "SIN": (sin_tail, 0, (mp.pi / 4) ** 2, 6),
        "COS": (cos_tail, 0, (mp.pi / 4) ** 2, 6),
        "HALF_TURN": (half_turn_tail, 0, mp.mpf(1) / 4, 8),
    }
    print('"""Polynomial coefficients, written by scripts/derive_coefficients.py. Lowest degree first."""\n', file=out)
    for name, (target, low, high, terms) in tables.items():
        coefficients, error = remez(target, low, high, terms)
        body = "".join(f"    {float(c)!r},\n" for c in coefficients)
        print(f"# largest absolute error {error:.1e}\n{name} = (\n{body})", file=out)
        if name == "HALF_TURN":
            rests = [repr(float(c - mp.mpf(float(c)))) for c in (mp.pi, coefficients[0])]
            print(
                f"# what rounding took from pi and from the first of them\nHALF_TURN_RESTS = ({', '.join(rests)})",
                file=out,
            )
    for name, value, bits in (("LN2", mp.log(2), 32), ("HALF_PI", mp.pi / 2, 33)):
        # the leading parts have `bits` bits, so that their products with a small integer are exact
        rest, parts = value, []
        for _ in range(2):
            scale = mp.mpf(2) ** (bits - int(mp.floor(mp.log(abs(rest), 2))) - 1)
            part = mp.floor(rest * scale) / scale
            parts.append(float(part))
            rest -= part
        parts.append(float(rest))
        print(f"{name} = ({', '.join(repr(p) for p in parts)})", file=out)


if __name__ == "__main__":
    main(sys.stdout)
