// The page's side of DrawDigit: a sheet to draw on. Python scales the drawing and asks the network.

const SHEET = 560; // pixels of the sheet's canvas, whatever its size in the page
const INK = 112; // pixels of the drawing that Python gets
const SEEN = 28;
const PEN = 36; // width in the sheet's pixels, about that of the data's pens
const PAUSE = 33; // milliseconds between an answer and the next question

function render({ model, el }) {
  const sheet = element("canvas", { class: "bp-sheet", width: SHEET, height: SHEET });
  const seen = element("canvas", { class: "bp-seen", width: SEEN, height: SEEN });
  const bars = [...Array(10).keys()].map(bar);
  const text = liveText({ class: "bp-draw-text" });
  const pen = sheet.getContext("2d");
  Object.assign(pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round", shadowColor: "#000", shadowBlur: 12 });

  const whole = element("div", { class: "bp-draw" },
    element("div", { class: "bp-pictures" },
      element("div", { class: "bp-drawing" },
        element("p", { class: "bp-heading" }, "Draw a digit here", button("Clear", clear)),
        element("div", { class: "bp-paper" }, sheet)),
      element("div", {},
        element("p", { class: "bp-heading" }, "The network sees"),
        element("div", { class: "bp-paper" }, seen),
        element("p", { class: "bp-note" }, "28 × 28 pixels, centred and scaled like the data"))),
    element("div", { class: "bp-probabilities" },
      element("p", { class: "bp-heading" }, "The probability it gives each digit"),
      element("ol", { role: "list", "aria-label": "Probability of each digit" }, ...bars.map(({ row }) => row)),
      text));
  el.append(whole,
    element("div", { class: "bp-controls", role: "group", "aria-label": "Take a digit from the data" },
      element("span", {}, "Or take a digit from the data:"),
      button("Previous", () => pick("previous")), button("Next", () => pick("next")),
      button("Next misread one", () => pick("misread"))));

  // Ask Python. One drawing is on its way at a time; what is drawn meanwhile goes together, after the answer.
  let waiting = false, drawn = false, opening = true, patience, pause;
  function ask(kind, buffers) {
    waiting = true;
    whole.setAttribute("aria-busy", "true");
    clearTimeout(patience);
    patience = setTimeout(() => { text.textContent = "Python is busy. The reading follows."; }, 2000);
    model.send({ kind }, undefined, buffers);
  }
  function askAboutDrawing() {
    if (!drawn || waiting) return;
    drawn = false;
    ask("ink", [ink()]);
  }
  function pick(which) {
    drawn = opening = false; // the picked digit takes the drawing's place
    ask(which);
  }
  function answered(message) {
    if (message.kind !== "done") return;
    waiting = false;
    clearTimeout(patience);
    say();
    clearTimeout(pause);
    pause = setTimeout(askAboutDrawing, PAUSE);
  }
  model.on("msg:custom", answered);

  function ink() {
    const small = element("canvas", { width: INK, height: INK }).getContext("2d", { willReadFrequently: true });
    small.imageSmoothingQuality = "high";
    small.drawImage(sheet, 0, 0, INK, INK);
    return small.getImageData(0, 0, INK, INK).data.filter((_, i) => i % 4 === 3).buffer; // how opaque each pixel is
  }

  // The first stroke takes the place of the digit that the sheet opened with; later ones may change a digit.
  let last;
  function clear() {
    opening = false;
    pen.clearRect(0, 0, SHEET, SHEET);
    drawn = true;
    askAboutDrawing();
  }
  function stroke(event) {
    const box = sheet.getBoundingClientRect();
    for (const { clientX, clientY } of event.getCoalescedEvents?.() ?? []) line(clientX, clientY, box);
    line(event.clientX, event.clientY, box);
    drawn = true;
    askAboutDrawing();
  }
  function line(clientX, clientY, box) {
    const here = [(clientX - box.left) / box.width * SHEET, (clientY - box.top) / box.height * SHEET];
    pen.beginPath();
    pen.moveTo(...(last ?? here));
    pen.lineTo(...here);
    pen.stroke();
    last = here;
  }
  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    if (opening) pen.clearRect(0, 0, SHEET, SHEET);
    opening = false;
    sheet.setPointerCapture(event.pointerId);
    last = undefined;
    stroke(event);
  });
  sheet.addEventListener("pointermove", (event) => {
    if (sheet.hasPointerCapture(event.pointerId)) stroke(event);
  });

  // Show what Python answered. The text waits for a pause in the drawing: a screen reader could not follow.
  let quiet;
  function say() {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      if (waiting || drawn) return; // the next answer will say it
      whole.setAttribute("aria-busy", "false");
      text.textContent = model.get("reading").text;
    }, 400);
  }
  function show() {
    const { picture, probabilities, text: words, index, label } = model.get("reading");
    const image = new ImageData(SEEN, SEEN);
    for (let i = 0; i < SEEN * SEEN; i++) image.data[4 * i + 3] = picture.getUint8(i); // black, more or less opaque
    seen.getContext("2d").putImageData(image, 0, 0);
    const best = probabilities.indexOf(Math.max(...probabilities));
    bars.forEach((bar, digit) => bar.show(probabilities[digit], digit === best, digit === label));
    describe(seen, `The picture of 28 by 28 pixels that the network sees. ${words}`);
    describe(sheet, `A sheet to draw a digit on. ${words}`);
    if (index !== null) copyToSheet();
    say();
  }
  function copyToSheet() {
    pen.clearRect(0, 0, SHEET, SHEET);
    pen.shadowColor = "transparent";
    pen.drawImage(seen, 0, 0, SHEET, SHEET);
    pen.shadowColor = "#000";
  }
  const stop = onChange(model, ["reading"], show);
  copyToSheet(); // a second view of a drawing begins with what the network sees of it

  return () => {
    stop();
    model.off("msg:custom", answered);
    [patience, pause, quiet].forEach(clearTimeout);
  };
}

/** One digit's row: its bar, its probability in numbers, and a mark if the label says so. */
function bar(digit) {
  const fill = element("div", { class: "bp-fill" });
  const value = element("span", { class: "bp-value" });
  const label = element("span", { class: "bp-true" });
  const row = element("li", {}, element("span", {}, digit), element("div", { class: "bp-track" }, fill), value, label);
  return {
    row,
    show(probability, best, isLabel) {
      fill.style.width = `${100 * (probability ?? 0)}%`;
      value.textContent = probability === undefined ? "–" : `${(100 * probability).toFixed(1)} %`;
      label.textContent = isLabel ? "label" : "";
      row.classList.toggle("bp-best", best && probability !== undefined);
    },
  };
}

export default { render: onStage(render) };
