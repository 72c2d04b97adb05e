const explorer = (() => {
  const theory = clipboundsTheory;
  return clipboundsExplorer({
    curves: { spider: theory.costH, paper: theory.costP, mini: theory.costM, clipped: theory.costC },
    points: { spider: 41, paper: 41, mini: 41, clipped: 41 },
    vertical: {
      label: "gradients",
      logarithmic: true,
      of: ["spider", "paper", "mini", "clipped"],
      range: (heights) => [10 ** Math.floor(Math.log10(Math.min(...heights, 1e9))), 10 ** Math.ceil(Math.log10(Math.max(...heights, 10)))],
    },
    say: (state, { spider, clipped }) => {
      if (!Number.isFinite(spider) || !Number.isFinite(clipped)) return "A plan whose hypotheses fail at this ε has no number: lower ε.";
      return spider <= clipped ? `SPIDER spends ${(clipped / spider).toPrecision(3)} times less than clipped SGD.`
        : `Clipped SGD spends ${(spider / clipped).toPrecision(3)} times less than SPIDER: ε is not small enough for variance reduction to pay.`;
    },
  });
})();
