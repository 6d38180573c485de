// GraphStepper: draws what graph_stepper.py laid out, and shows as much of it as is known at the step.

const SMALLEST = 0.85, LARGEST = 1.25; // of the drawing: smaller, it is scrolled; never larger than that
const PACE = 1300; // milliseconds a step while playing
const DIRECTION = { given: "Start", forward: "Forward →", start: "← Backward", backward: "← Backward" };

function render({ model, el }) {
  const graph = model.get("graph"), last = graph.steps.length - 1;
  let timer = null, whole = false;

  const drawing = drawGraph(graph);
  const view = element("div", { class: "bp-graph-view", tabindex: 0, role: "group",
    "aria-label": "Computation graph. Arrow keys step, space plays, Home and End jump." }, drawing.svg);
  const phase = element("span", { class: "bp-graph-phase" });
  const sentence = liveText({ class: "bp-graph-sentence" });
  const equation = element("div", { class: "bp-graph-equation", "aria-hidden": "true" }); // the sentence says the same
  const back = button("Back", () => go(at() - 1), { title: "One step back (left arrow)" });
  const step = button("Step", () => go(at() + 1), { title: "One step on (right arrow)" });
  step.classList.add("bp-graph-main");
  const play = button("Play", () => (timer ? stop() : start()), { title: "Play or pause (space)" });
  const reset = button("Reset", () => go(0), { title: "Back to the start (Home)" });
  const fit = button("Whole graph", () => { whole = !whole; resize(); }, { "aria-pressed": "false",
    title: "Show the whole graph, however small, or follow the step" });
  const place = slider("Position", { max: last, value: at(), oninput: go });
  const numbers = element("details", { class: "bp-graph-numbers", ontoggle: update }, element("summary", {}, "All numbers as a table"));
  const legend = element("p", { class: "bp-graph-legend" },
    element("span", { class: "bp-graph-key bp-values" }, "above the line: value, moving right"),
    element("span", { class: "bp-graph-key bp-gradients" }, "under the dashes: gradient, moving left"));
  el.append(view, element("div", { class: "bp-controls" }, back, step, play, reset, place, fit),
    element("div", { class: "bp-graph-told" }, phase, sentence), equation, legend, numbers);

  function at() { return model.get("step"); }

  function go(to, playing = false) {
    if (!playing) stop();
    model.set("step", Math.min(last, Math.max(0, to)));
    model.save_changes();
  }

  function start() {
    if (at() === last) go(0);
    timer = setInterval(() => (at() < last ? go(at() + 1, true) : stop()), PACE);
    play.textContent = "Pause";
    sentence.setAttribute("aria-live", "off"); // nobody can listen that fast
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    sentence.setAttribute("aria-live", "polite");
  }

  function update() {
    const now = at(), { phase: which, sentence: words, parts } = graph.steps[now];
    drawing.show(now);
    phase.textContent = DIRECTION[which];
    phase.dataset.phase = which;
    sentence.textContent = words.replace(/^(Forward|Backward): /, "");
    equation.replaceChildren(...parts.map(drawPart));
    equation.hidden = !parts.length;
    back.disabled = reset.disabled = now === 0;
    step.disabled = now === last;
    place.show(now, `${now} of ${last}`);
    describe(drawing.svg, `Computation graph of ${graph.nodes.at(-1).name}, step ${now} of ${last}. ${words}`);
    if (numbers.open) numbers.replaceChildren(numbers.firstChild, table(graph, now));
    follow();
  }

  function resize() {
    const room = view.clientWidth / graph.width, fits = room >= SMALLEST;
    const scale = whole ? Math.min(room, LARGEST) : Math.min(LARGEST, Math.max(SMALLEST, room));
    drawing.svg.setAttribute("width", Math.floor(graph.width * scale));
    drawing.svg.setAttribute("height", Math.ceil(graph.height * scale));
    fit.hidden = fits;
    fit.setAttribute("aria-pressed", String(whole && !fits));
    fade();
    follow();
  }

  function follow() { // keep what happens in view
    const { node, edge } = graph.steps[at()];
    const scale = drawing.svg.clientWidth / graph.width;
    const places = [node, edge?.[0]].filter((i) => i !== null && i !== undefined).map((i) => graph.nodes[i]);
    const left = places.length ? Math.min(...places.map((n) => n.x - n.width)) : 0;
    const right = places.length ? Math.max(...places.map((n) => n.x + n.wire)) : 0;
    view.scrollTo({ left: ((left + right) / 2) * scale - view.clientWidth / 2, behavior: lessMotion() ? "auto" : "smooth" });
  }

  const keys = { ArrowRight: () => go(at() + 1), ArrowLeft: () => go(at() - 1), Home: () => go(0), End: () => go(last),
    " ": () => (timer ? stop() : start()) };
  const press = (event) => {
    const own = event.target.matches("button, summary") ? event.key === " " : event.target.matches("input");
    if (own || event.ctrlKey || event.altKey || event.metaKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  };
  const fade = () => { // where there is more to scroll to
    view.classList.toggle("bp-more-left", view.scrollLeft > 2);
    view.classList.toggle("bp-more-right", view.scrollLeft < view.scrollWidth - view.clientWidth - 2);
  };
  el.addEventListener("keydown", press);
  view.addEventListener("scroll", fade);
  const size = new ResizeObserver(resize);
  size.observe(view);
  const forget = onChange(model, ["step"], update);
  return () => { stop(); size.disconnect(); forget(); el.removeEventListener("keydown", press); };
}

/** The svg of the whole graph, and show(step), which reveals what is known by then. */
function drawGraph(graph) {
  const edges = graph.edges.map((edge) => {
    const value = svg("path", { d: path(edge.way), class: "bp-wire" });
    const gradient = svg("path", { d: path(edge.way, 4), class: "bp-gradient-wire" });
    return { ...edge, value, gradient };
  });
  const nodes = graph.nodes.map((node, index) => drawNode(node, edges.some((edge) => edge.parent === index)));
  const whole = svg("svg", { viewBox: `0 0 ${graph.width} ${graph.height}`, class: "bp-graph" },
    ...edges.flatMap((edge) => [edge.value, edge.gradient]), ...nodes.map((node) => node.drawn));

  function show(step) {
    const now = graph.steps[step];
    for (const edge of edges) {
      const passed = edge.passed !== null && edge.passed <= step;
      const active = now.edge !== null && now.edge[0] === edge.child && now.edge[1] === edge.slot;
      edge.value.classList.toggle("bp-known", edge.used <= step);
      edge.value.classList.toggle("bp-active", now.phase === "forward" && now.node === edge.child);
      edge.gradient.style.display = passed ? "" : "none";
      edge.gradient.classList.toggle("bp-active", active);
    }
    const factor = now.parts.find((part) => part.role === "local")?.text;
    nodes.forEach((node, index) => node.show(step, now.node === index, now.edge?.[0] === index, factor));
  }
  return { svg: whole, show };
}

/** From point to point: a bend, a straight piece, a bend, a straight piece … */
function path(way, shift = 0) {
  const points = way.map(([x, y]) => [x, y + shift]);
  let d = `M${points[0]}`;
  for (let i = 1; i < points.length; i += 2) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]], middle = (x0 + x1) / 2;
    d += `C${middle},${y0} ${middle},${y1} ${x1},${y1}L${points[i + 1]}`;
  }
  return d;
}

function drawNode(node, isRead) {
  const { x, y, width, height } = node, middle = x - width / 2, end = x + node.wire - (isRead ? 0 : 6);
  const wire = svg("path", { d: `M${x},${y}H${end}`, class: "bp-wire" });
  const back = svg("path", { d: `M${x},${y + 4}H${end}`, class: "bp-gradient-wire" });
  const box = svg("rect", { x: x - width, y: y - height / 2, width, height, rx: node.shape ? 6 : height / 2,
    class: `bp-node bp-node-${node.kind}` });
  const ring = svg("rect", { x: x - width - 4, y: y - height / 2 - 4, width: width + 8, height: height + 8,
    rx: node.shape ? 9 : height / 2 + 4, class: "bp-ring" });
  const source = svg("rect", { x: x + 1, y: y + 6, width: Math.max(30, end - x - 2), height: node.over + 3, rx: 4,
    class: "bp-source" });
  const value = node.value ? block(node.value, x + 4, y - 4, "bp-number bp-values", true) : svg("g");
  const gradients = node.gradients.map(([step, content], i) =>
    [step, block(content, x + 4, y + 7, "bp-number bp-gradients", false, i < node.gradients.length - 1)]);
  const drawn = svg("g", {}, svg("title", {}, node.name), wire, back, source, value,
    ...gradients.map(([, number]) => number), ring, box,
    svg("text", { x: middle, y: y + (node.shape ? -4 : 4.5), class: "bp-inside" }, node.inside));
  if (node.shape) drawn.append(svg("text", { x: middle, y: y + 14, class: "bp-under" }, node.shape),
    svg("text", { x: node.label, y: y - height / 2 - 8, class: "bp-formula" }, node.above));
  else if (node.above) drawn.append(svg("text", { x: middle, y: y - height / 2 - 8, class: "bp-above" }, node.above));
  const chip = svg("rect", { y: y + height / 2 + 7, height: 17, rx: 4 });
  const factor = svg("text", { y: y + height / 2 + 20 });
  const local = svg("g", { class: "bp-local" }, chip, factor);
  drawn.append(local);

  function show(step, receives, gives, localText) {
    const known = node.known <= step, latest = gradients.filter(([since]) => since <= step).at(-1);
    wire.classList.toggle("bp-known", known);
    value.style.display = known ? "" : "none";
    back.style.display = latest ? "" : "none";
    for (const [, number] of gradients) number.style.display = number === latest?.[1] ? "" : "none";
    ring.style.display = receives ? "" : "none";
    source.style.display = gives ? "" : "none";
    local.style.display = gives && localText && !node.shape ? "" : "none";
    factor.textContent = `× ${localText}`;
    const wide = 7.2 * factor.textContent.length + 8, left = Math.max(x - wide, x - width - 20); // not over the column before
    chip.setAttribute("width", wide);
    chip.setAttribute("x", left);
    factor.setAttribute("x", left + wide / 2);
  }
  return { drawn, show };
}

/** A number, rows of numbers or a strip of cells, standing on y or hanging under it. */
function block(content, x, y, style, above, more = false) {
  if (content.heat) {
    const { heat, cell } = content, top = above ? y - cell * heat.length : y;
    const cells = heat.flatMap((row, i) => row.flatMap((entry, j) => {
      const corner = { x: x + cell * j, y: top + cell * i };
      const square = svg("rect", { ...corner, width: cell, height: cell, class: "bp-cell",
        "fill-opacity": 0.75 * Math.abs(entry) });
      if (entry >= 0 || cell < 12) return [square];
      return [square, svg("text", { x: corner.x + cell / 2, y: corner.y + 10, class: "bp-minus" }, "−")];
    }));
    return svg("g", { class: style }, ...cells,
      svg("rect", { x, y: top, width: cell * heat[0].length, height: cell * heat.length, class: "bp-heat-frame" }));
  }
  const rows = content.rows ?? [[content.text + (more ? " + …" : "")]];
  const column = Math.max(...rows.flat().map((entry) => entry.length)) * 7 + 8, top = above ? y - 15 * rows.length : y;
  return svg("g", { class: style }, ...rows.flatMap((row, i) => row.map((entry, j) =>
    svg("text", { x: x + column * j, y: top + 15 * i + 12 }, entry))));
}

/** One piece of the equation under the graph. */
function drawPart({ role, caption, text, rows, heat, shape, range }) {
  if (role === "sign") return element("span", { class: "bp-sign" }, text);
  let body = text;
  if (rows) {
    const line = (row) => element("tr", {}, ...row.map((entry) => element("td", {}, entry)));
    body = element("table", {}, element("tbody", {}, ...rows.map(line)));
  }
  if (heat) body = element("div", { class: "bp-heat", style: `grid-template-columns: repeat(${heat[0].length}, 8px)` },
    ...heat.flat().map((entry) => element("i", { style: `opacity: ${Math.abs(entry)}` })));
  const lines = [["incoming", "local"].includes(role) && element("b", {}, role), caption, shape, range].filter(Boolean)
    .map((line) => element("span", {}, line));
  return element("figure", { class: `bp-part bp-part-${role.replace(" ", "-")}` },
    element("div", { class: "bp-part-body" }, body), element("figcaption", {}, ...lines));
}

function table(graph, step) {
  const words = ({ text, rows, range, shape }) => text ?? `${rows?.map((row) => row.join(", ")).join("; ") ?? range} ${shape}`;
  const inOrder = [...graph.nodes].sort((a, b) => a.x - b.x || a.y - b.y);
  const rows = inOrder.map((node) => {
    const latest = node.gradients.filter(([since]) => since <= step).at(-1);
    const open = latest && node.gradients.some(([since]) => since > step);
    return element("tr", {}, element("th", { scope: "row" }, node.name),
      element("td", {}, node.known > step ? "not yet" : node.value ? words(node.value) : node.inside),
      element("td", {}, latest ? words(latest[1]) + (open ? " so far" : "") : node.gradients.length ? "not yet" : "none"));
  });
  return element("table", {}, element("thead", {}, element("tr", {},
    ...["Node", "Value", "Gradient"].map((name) => element("th", { scope: "col" }, name)))), element("tbody", {}, ...rows));
}

export default { render: onStage(render) };
