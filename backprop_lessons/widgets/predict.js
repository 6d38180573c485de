// The page's side of Predict. It does not hold the answer before the learner has committed a guess.

let questions = 0; // radio buttons of two questions must not share a name

function render({ model, el }) {
  const name = `bp-predict-${++questions}`;
  const choices = model.get("choices").map((value) => element("input", { type: "radio", name, value }));
  const number = element("input", {
    type: "text", inputmode: "decimal", autocomplete: "off", id: `${name}-number`,
    "aria-describedby": `${name}-unit ${name}-problem`,
  });
  const commit = element("button", { type: "submit", class: "bp-button bp-commit" }, "Commit my guess");
  const problem = element("p", { class: "bp-problem", id: `${name}-problem`, role: "alert" });
  const fields = choices.length
    ? element("div", { class: "bp-choices" }, ...choices.map((input) =>
        element("label", {}, input, element("span", {}, ...marked(input.value)))))
    : element("div", { class: "bp-number" }, element("label", { for: number.id }, "Your guess"), number,
        element("span", { id: `${name}-unit` }, model.get("unit")));
  const controls = element("div", { class: "bp-controls" }, commit, problem);
  const result = element("div", { class: "bp-result", tabindex: "-1", "aria-live": "polite" });
  const form = element("form", { class: "bp-predict", novalidate: true, onsubmit: submit },
    element("fieldset", {}, element("legend", {}, ...marked(model.get("question"))), fields, controls), result);
  el.append(form);

  let waiting = false;
  function wait(now) {
    waiting = now;
    commit.textContent = now ? "Finding out …" : "Commit my guess";
    form.setAttribute("aria-busy", now);
  }

  function submit(event) {
    event.preventDefault();
    if (waiting || model.get("result").sentence) return;
    wait(true);
    const guess = choices.length ? choices.find((input) => input.checked)?.value ?? "" : number.value;
    model.send({ kind: "commit", guess });
  }

  const done = (message) => { if (message.kind === "done") wait(false); };
  model.on("msg:custom", done);

  const stopProblem = onChange(model, ["problem"], () => {
    problem.textContent = model.get("problem");
    number.setAttribute("aria-invalid", Boolean(model.get("problem")));
    if (model.get("problem") && form.contains(document.activeElement)) (choices[0] ?? number).focus();
  });

  const stopResult = onChange(model, ["result"], () => {
    const { guess, answer, right, sentence, explanation } = model.get("result");
    const committed = sentence !== undefined;
    const active = form.contains(document.activeElement);
    fields.hidden = controls.hidden = committed;
    result.replaceChildren();
    if (committed) {
      result.append(
        element("div", { class: "bp-both" },
          element("p", {}, element("span", {}, "You predicted"), ...marked(guess)),
          element("p", { class: "bp-happened" }, element("span", {}, "What happened"), ...marked(answer), right ? " ✓" : "")),
        element("p", {}, element("strong", {}, sentence), " ", ...marked(explanation)),
        button("Predict again", () => model.send({ kind: "again" })));
    }
    if (active) (committed ? result : choices.find((input) => input.checked) ?? choices[0] ?? number).focus();
  });

  return () => { model.off("msg:custom", done); stopProblem(); stopResult(); };
}

/** Text in which `backquoted` parts are code, as nodes. */
function marked(text) {
  return text.split("`").map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

export default { render: onStage(render) };
