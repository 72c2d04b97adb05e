// Sliders, the address, curves and numbers of an explorer page; the formulas are in the theory files, and a page's script says
// which of them are drawn.
const clipboundsExplorer = (() => {
  const byId = (name) => document.getElementById(name);
  const GRAIN = 300; // positions of a slider; the starting values are among them
  const SLICE = 12; // milliseconds of computing at a time, so that the sliders stay smooth
  const raised = (k) => String(k).replace(/[-0-9]/g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);
  function shown(value) {
    if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5)) return String(Number(value.toPrecision(4)));
    const [digits, exponent] = value.toExponential(2).split("e");
    return `${Number(digits)}·10${raised(Number(exponent))}`;
  }

  function slider(input) {
    const [low, high, start] = [input.dataset.low, input.dataset.high, input.dataset.start].map(Number);
    const linear = "linear" in input.dataset, integer = "integer" in input.dataset;
    const share = (value) => (linear ? (value - low) / (high - low) : Math.log(value / low) / Math.log(high / low));
    const at = (x) => (linear ? low + x * (high - low) : low * (high / low) ** x);
    // three digits are what the page shows, so three digits are what it computes with
    const round = (value) => (integer ? Math.round(Number(value.toPrecision(3))) : Number(value.toPrecision(3)));
    Object.assign(input, { min: 0, max: GRAIN, step: 1 });
    return {
      low, high, linear, integer, share, at, start,
      read: () => round(at(Number(input.value) / GRAIN)),
      write: (value) => { input.value = Math.round(GRAIN * Math.min(1, Math.max(0, share(value)))); },
      show: (value) => {
        byId(`${input.id}-value`).textContent = shown(value);
        input.setAttribute("aria-valuetext", shown(value));
      },
    };
  }
  const tick = (box) => ({
    start: 0,
    read: () => Number(box.checked),
    write: (value) => { box.checked = Boolean(value); },
    show: () => {},
  });

  function element(parent, tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }
  const power = (k) => (k >= -2 && k <= 2 ? String(Number((10 ** k).toFixed(2))) : `10${raised(k)}`);

  // an axis: positions of values, and its ticks
  function scale(logarithmic, low, high, from, to) {
    if (logarithmic) {
      const [a, b] = [Math.log10(low), Math.log10(high)], ticks = [];
      for (let k = Math.ceil(a - 1e-9); k <= b + 1e-9; k += Math.max(1, Math.round((b - a) / 8))) ticks.push([10 ** k, power(k)]);
      return { ticks, at: (value) => from + ((Math.log10(value) - a) / (b - a)) * (to - from) };
    }
    const rough = (high - low) / 5, unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * unit).find((size) => size >= rough), ticks = [];
    for (let k = Math.ceil(low / step); k * step <= high + 1e-9; k++) ticks.push([k * step, String(Number((k * step).toPrecision(3)))]);
    return { ticks, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
  }

  function drawAxes(svg, axis, vertical, label, mark) {
    const drawing = svg.querySelector("g"), width = svg.clientWidth || 640, height = svg.clientHeight || 400;
    const left = 62, right = width - 14, top = 14, bottom = height - 46, middle = (top + bottom) / 2;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.replaceChildren();
    const x = scale(!axis.linear, axis.low, axis.high, left, right);
    const y = scale(vertical.logarithmic, vertical.low, vertical.high, bottom, top);
    for (const [value, text] of x.ticks) {
      element(drawing, "line", { class: "grid", x1: x.at(value), x2: x.at(value), y1: top, y2: bottom });
      element(drawing, "text", { x: x.at(value), y: bottom + 18, "text-anchor": "middle" }, text);
    }
    for (const [value, text] of y.ticks) {
      element(drawing, "line", { class: "grid", x1: left, x2: right, y1: y.at(value), y2: y.at(value) });
      element(drawing, "text", { x: left - 8, y: y.at(value) + 4, "text-anchor": "end" }, text);
    }
    element(drawing, "text", { x: (left + right) / 2, y: height - 8, "text-anchor": "middle" }, label);
    element(drawing, "text", { x: 15, y: middle, "text-anchor": "middle", transform: `rotate(-90 15 ${middle})` }, vertical.label);
    element(drawing, "line", { class: "mark", x1: x.at(mark), x2: x.at(mark), y1: top, y2: bottom });
    const line = (points) => {
      let pen = false;
      return points.map(([at, value]) => {
        const inside = Number.isFinite(value) && (!vertical.logarithmic || value > 0) && y.at(value) <= bottom + 1 && y.at(value) >= top - 1;
        if (!inside) { pen = false; return ""; }
        const command = `${pen ? "L" : "M"}${x.at(at).toFixed(1)} ${y.at(value).toFixed(1)}`;
        pen = true;
        return command;
      }).join("");
    };
    return (name, look) => {
      const path = element(drawing, "path", { class: `${name} look-${look}`, "data-curve": name });
      return (points) => path.setAttribute("d", line(points));
    };
  }

  // curves: {name: state -> number, NaN where it says nothing}; points: {name: how many}, 81 where it is not said;
  // vertical: {label, logarithmic, of: names that set the range, range: values -> [low, high]}; say: (state, values) -> text
  return ({ curves, points = {}, vertical, say }) => {
    const inputs = [...byId("sliders").querySelectorAll("input")];
    const controls = Object.fromEntries(inputs.map((input) => [input.id, input.type === "range" ? slider(input) : tick(input)]));
    const plots = [...document.querySelectorAll("svg.plot")];
    const names = Object.keys(curves);
    let timer = 0, drawnWidth = 0;
    const state = () => Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.read()]));
    const values = (now = state()) => Object.fromEntries(names.map((name) => [name, curves[name](now)]));
    const reset = () => Object.values(controls).forEach((control) => control.write(control.start));

    function fromAddress() {
      for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
        const value = Number(text);
        if (controls[name] && Number.isFinite(value) && (value > 0 || !controls[name].share)) controls[name].write(value);
      }
    }

    function redraw() {
      const now = state(), found = values(now);
      for (const [name, control] of Object.entries(controls)) control.show(now[name]);
      for (const name of names) byId(`${name}-number`).textContent = Number.isFinite(found[name]) ? shown(found[name]) : "says nothing here";
      const address = `#${new URLSearchParams(now)}`;
      byId("address").href = address;
      byId("regime").textContent = say(now, found);
      const told = names.map((name) => `${name} ${Number.isFinite(found[name]) ? shown(found[name]) : "says nothing"}`).join(", ");
      clearTimeout(timer);
      const tasks = [];
      for (const plot of plots) {
        const axisName = plot.id.slice("plot-".length), axis = controls[axisName];
        const label = document.querySelector(`label[for="${axisName}"]`).textContent;
        byId(`description-${axisName}`).textContent = `Against ${label}. At ${shown(now[axisName])}: ${told}.`;
        delete plot.dataset.ready;
        const grid = (count) => [...new Set(Array.from({ length: count }, (_, k) => {
          const value = axis.at(k / (count - 1));
          return axis.integer ? Math.round(value) : value;
        }))];
        const lines = {};
        const at = (name, value) => curves[name]({ ...now, [axisName]: value });
        for (const name of vertical.of) lines[name] = grid(points[name] ?? 81).map((value) => [value, at(name, value)]);
        const heights = Object.values(lines).flat().map(([, value]) => value).filter((value) => Number.isFinite(value));
        const [low, high] = vertical.range(heights);
        const path = drawAxes(plot, axis, { ...vertical, low, high }, label, now[axisName]);
        names.forEach((name, look) => {
          const draw = path(name, look);
          if (lines[name]) return draw(lines[name]);
          const done = [], missing = grid(points[name] ?? 81);
          tasks.push(() => {
            done.push([missing[done.length], at(name, missing[done.length])]);
            if (done.length < missing.length) return true;
            draw(done);
            return false;
          });
        });
      }
      drawnWidth = plots[0].clientWidth;
      const advance = () => {
        const end = performance.now() + SLICE;
        while (tasks.length && performance.now() < end) if (!tasks[0]()) tasks.shift();
        if (tasks.length) timer = setTimeout(advance);
        else plots.forEach((plot) => { plot.dataset.ready = "yes"; });
      };
      advance();
      return address;
    }
    const write = () => history.replaceState(null, "", redraw());

    byId("sliders").addEventListener("input", write);
    byId("sliders").addEventListener("submit", (event) => event.preventDefault());
    byId("sliders").addEventListener("reset", (event) => { event.preventDefault(); reset(); write(); });
    addEventListener("hashchange", () => { fromAddress(); redraw(); });
    reset();
    fromAddress();
    redraw();
    new ResizeObserver(() => { if (plots[0].clientWidth !== drawnWidth) redraw(); }).observe(plots[0]);
    return { state, values };
  };
})();
