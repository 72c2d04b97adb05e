const explorer = (() => {
  const { deviation, deviationStar, leastError } = clipboundsTheory;
  return clipboundsExplorer({
    curves: {
      constant: (state) => deviation(state, "constant", "chernoff"),
      growing: (state) => deviation(state, "growing", "chernoff"),
      bernstein: (state) => deviation(state, "constant", "bernstein"),
      least: leastError,
      star: (state) => deviationStar(state, "constant"),
      starGrowing: (state) => deviationStar(state, "growing"),
    },
    points: { growing: 25, starGrowing: 25 },
    vertical: {
      label: "error over σ",
      logarithmic: true,
      of: ["bernstein", "least"],
      range: (heights) => [10 ** Math.floor(Math.log10(Math.min(...heights))), 10 ** Math.ceil(Math.log10(Math.max(...heights)))],
    },
    say: ({ delta }, { constant, growing, least, star, starGrowing }) => {
      const smallest = (...values) => Math.min(...values.filter(Number.isFinite));
      const [one, many] = [smallest(constant, star), smallest(growing, starGrowing)], best = Math.min(one, many);
      return `${many < one ? "Growing thresholds are" : "One threshold is"} better here, and at most ${(best / least).toPrecision(3)} times what no estimator can beat, at δ = ${delta}.`;
    },
  });
})();
