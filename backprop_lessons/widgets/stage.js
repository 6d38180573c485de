// What all widgets share. This file is put in front of each widget's own script: no import, no build step.

/**
 * Wrap a widget's render function: the element gets the course's style, keeps its keys from JupyterLab's
 * shortcuts, hides its still picture once it is live, and shows errors from Python and from render itself.
 * render receives { model, el } and may return a function that cleans up.
 */
function onStage(render) {
  return ({ model, el }) => {
    const body = element("div", { class: "bp-stage-body" });
    const problem = element("p", { class: "bp-error", role: "alert", hidden: true });
    el.classList.add("backprop", "bp-stage");
    el.append(body, problem);
    el.addEventListener("keydown", (event) => event.stopPropagation());
    const showStill = hideStill(el);
    const stopErrors = onChange(model, ["error"], () => say(problem, model.get("error")));
    let cleanUp;
    try {
      cleanUp = render({ model, el: body });
    } catch (error) {
      say(problem, `This widget could not be drawn. ${error}`);
      console.error(error);
    }
    return () => { stopErrors(); showStill(); cleanUp?.(); };
  };
}

function say(problem, text) {
  problem.textContent = text;
  problem.hidden = !text;
}

/** Hide the still picture in the output just before this one; returns a function that shows it again. */
function hideStill(el) {
  let still, over = false;
  const look = () => {
    if (over) return;
    if (!el.isConnected) { requestAnimationFrame(look); return; } // render runs before the element is in the page
    const before = el.closest(".jp-OutputArea-child")?.previousElementSibling;
    still = before?.querySelector(".backprop-still") ? before : undefined;
    if (still) still.style.display = "none";
  };
  look();
  return () => { over = true; if (still) still.style.display = ""; };
}

/** Call update now and whenever one of the named traits changes; returns a function that stops it. */
function onChange(model, names, update) {
  const events = names.map((name) => `change:${name}`).join(" ");
  model.on(events, update);
  update();
  return () => model.off(events, update);
}

/** An HTML element: attributes by name, functions become listeners (onclick: …), then children. */
function element(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A native button; its text is its name. */
function button(text, action, attributes = {}) {
  return element("button", { type: "button", class: "bp-button", onclick: action, ...attributes }, text);
}

/** A native range input under a visible label; .input is the control, .show(value, text) sets both. */
function slider(label, { min = 0, max, step = 1, value = 0, oninput }) {
  const input = element("input", { type: "range", min, max, step, oninput: () => oninput(Number(input.value)) });
  const shown = element("span", { class: "bp-slider-value", "aria-hidden": "true" }); // read from aria-valuetext
  const whole = element("label", { class: "bp-slider" }, element("span", {}, label), input, shown);
  whole.input = input;
  whole.show = (number, text = String(number)) => {
    input.value = number;
    input.setAttribute("aria-valuetext", text);
    shown.textContent = text;
  };
  whole.show(value);
  return whole;
}

/** A paragraph that a screen reader reads aloud when its text changes. */
function liveText(attributes = {}) {
  return element("p", { class: "bp-live", role: "status", "aria-live": "polite", ...attributes });
}

/** Mark a drawing (svg or canvas) as one picture with a text; call it again whenever the picture changes. */
function describe(drawing, text) {
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", text);
}

/** True when the reader asked the system for less movement. */
function lessMotion() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
