const explorer = (() => {
  const { deviation, leastError } = clipboundsTheory;
  return clipboundsExplorer({
    curves: {
      constant: (state) => deviation(state, "constant", "chernoff"),
      growing: (state) => deviation(state, "growing", "chernoff"),
      bernstein: (state) => deviation(state, "constant", "bernstein"),
      least: leastError,
    },
    points: { growing: 25 },
    vertical: {
      label: "error over σ",
      logarithmic: true,
      of: ["bernstein", "least"],
      range: (heights) => [10 ** Math.floor(Math.log10(Math.min(...heights))), 10 ** Math.ceil(Math.log10(Math.max(...heights)))],
    },
    say: ({ delta }, { constant, growing, least }) => {
      const best = Math.min(constant, growing);
      return `${growing < constant ? "Growing thresholds are" : "One threshold is"} better here, and at most ${(best / least).toPrecision(3)} times what no estimator can beat, at δ = ${delta}.`;
    },
  });
})();
