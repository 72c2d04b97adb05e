const explorer = (() => {
  const theory = clipboundsTheory;
  const WORDS = { variance: "the variance of clipped noise", start: "the start", bias: "the bias of clients with different noise" };
  return clipboundsExplorer({
    curves: {
      law: theory.law, variance: theory.variance, start: theory.startExponent, bias: theory.biasExponent, proved: theory.proved,
      strong: theory.strong,
    },
    points: { proved: 161 },
    vertical: { label: "exponent of the squared error", logarithmic: false, of: ["variance"], range: () => [0, 1.3] },
    say: (state, values) => {
      const decides = Object.keys(WORDS).reduce((a, b) => (values[b] < values[a] ? b : a));
      const named = decides === "bias" && !state.unequal ? "the bias of clients with different curvature" : WORDS[decides];
      const advice = `Theorem 2 is at its best with q = ${theory.bestPower(state).toPrecision(3)}.`;
      return `At these settings ${named} decides. ${advice}`;
    },
  });
})();
