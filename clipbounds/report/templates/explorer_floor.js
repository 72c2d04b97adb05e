const explorer = (() => {
  const theory = clipboundsTheory;
  const setting = (state) => ({ ...state, L: 1, L0: 1, L1: 0, F0: theory.floor(state.c, state.sigma) ** 2 / 2 });
  return clipboundsExplorer({
    curves: {
      s1: (state) => theory.s1(setting(state)),
      s0: (state) => theory.s0(setting(state)),
      s0star: (state) => theory.s0star(setting(state)),
      floor: (state) => theory.floor(state.c, state.sigma),
      lower: (state) => {
        const { value } = theory.bestSkew(setting(state));
        return value > 0 ? value : NaN;
      },
      heavy: (state) => theory.floor(state.c, state.sigma, state.p),
    },
    points: { s0: 33, s0star: 25 },
    vertical: {
      label: "mean ‖∇f‖",
      logarithmic: true,
      of: ["s1", "floor"],
      range: (heights) => [10 ** Math.floor(Math.log10(Math.min(...heights) / 3)), 10 ** Math.ceil(Math.log10(Math.max(...heights)))],
    },
    say: ({ c, sigma }) => (c >= sigma / 2
      ? "Large threshold, c ≥ σ/2: the floor is u* = σ²/(4c)." : "Small threshold, c < σ/2: the floor is u* = σ − c."),
  });
})();
