// The vocabulary of screens: one function for each kind of control, none for any trial type.
//
// A control is { element, value(), problem(), focus(), digit(n) }: value() is null while there is no answer, problem()
// is a sentence or "", digit(n) takes a number key and says whether it had a use for it.

let serial = 0;

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// Which of the values a number key means: the one that is called so, or the first to the tenth by place.
function byDigit(values, digit) {
  const called = values.findIndex(([, label]) => label === String(digit));
  if (called >= 0) return called;
  const place = digit === 0 ? 9 : digit - 1;
  return place < values.length ? place : -1;
}

function keyHint(values, index) {
  const [, label] = values[index];
  if (/^\d+$/.test(label) || index > 9) return "";
  return make("kbd", { "aria-hidden": "true" }, String((index + 1) % 10));
}

export function group(control, words, className, ...children) {
  const id = `control-${++serial}`;
  const legend = make("legend", { class: control.isNamedByPrompt ? "hidden" : "name" }, control.label);
  const optional = control.required ? [] : [make("p", { class: "hint" }, words.optional)];
  const problem = make("p", { class: "problem", id: `${id}-problem` });
  const described = { class: className, "aria-describedby": problem.id };
  return make("fieldset", described, legend, ...optional, ...children, problem);
}

function choice(control, words) {
  const name = `choice-${++serial}`;
  const type = control.several ? "checkbox" : "radio";
  const inputs = control.values.map(([value]) => make("input", { type, name, value }));
  const labels = control.values.map(([, label], index) =>
    make("label", { class: "option" }, inputs[index], make("span", {}, label), keyHint(control.values, index)),
  );
  const hint = control.several ? [make("p", { class: "hint" }, words.choose_several)] : [];
  const chosen = () => inputs.filter((input) => input.checked).map((input) => input.value);
  return {
    element: group(control, words, "choice", ...hint, make("div", { class: "options" }, ...labels)),
    value: () => (control.several ? (chosen().length ? chosen() : null) : (chosen()[0] ?? null)),
    problem: () => "",
    focus: () => (inputs.find((input) => input.checked) ?? inputs[0]).focus(),
    digit(digit) {
      const index = byDigit(control.values, digit);
      if (index < 0) return false;
      inputs[index].focus();
      inputs[index].click();
      return true;
    },
  };
}

function scale(control, words) {
  const made = choice({ ...control, several: false }, words);
  made.element.className = "scale";
  if (control.values.length <= 7) made.element.classList.add("short");
  const options = made.element.querySelector(".options");
  options.before(make("p", { class: "end low" }, control.low_label));
  options.after(make("p", { class: "end high" }, control.high_label));
  options.style.setProperty("--points", control.values.length);
  // A screen reader hears what the ends mean; the eye sees it beside them.
  const labels = options.querySelectorAll("label > span");
  if (control.low_label) labels[0].append(make("span", { class: "hidden" }, `, ${control.low_label}`));
  if (control.high_label) labels[labels.length - 1].append(make("span", { class: "hidden" }, `, ${control.high_label}`));
  return made;
}

function slider(control, words) {
  const [low, high] = [control.low ?? 0, control.high ?? 100];
  const input = make("input", { type: "range", min: low, max: high, step: control.step ?? "any" });
  input.value = (low + high) / 2;
  input.setAttribute("aria-label", control.label);
  input.setAttribute("aria-valuetext", words.slider_untouched);
  let isTouched = false;
  const touch = () => {
    isTouched = true;
    input.classList.add("touched");
    input.setAttribute("aria-valuetext", input.value);
  };
  for (const event of ["input", "change", "pointerdown"]) input.addEventListener(event, touch);
  const ends = make(
    "div",
    { class: "ends" },
    make("p", { class: "end low" }, control.low_label),
    make("p", { class: "end high" }, control.high_label),
  );
  return {
    element: group(control, words, "slider", make("p", { class: "hint" }, words.slider_hint), input, ends),
    value: () => (isTouched ? Number(input.value) : null),
    problem: () => "",
    focus: () => input.focus(),
    digit: () => false,
  };
}

function text(control, words) {
  const isLong = control.maximum_length > 200;
  const input = isLong
    ? make("textarea", { rows: 4, "aria-label": control.label })
    : make("input", { type: "text", autocomplete: "off", "aria-label": control.label });
  const length = () => [...input.value].length;
  return {
    element: group(control, words, "text", input),
    value: () => (input.value.trim() === "" ? null : input.value),
    problem: () => (length() > control.maximum_length ? fill(words.too_long, { n: control.maximum_length }) : ""),
    focus: () => input.focus(),
    digit: () => false,
  };
}

function number(control, words) {
  const input = make("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": control.label });
  const given = () => Number(input.value.trim().replace(",", "."));
  const fits = () => Number.isFinite(given()) && given() >= (control.low ?? -Infinity) && given() <= (control.high ?? Infinity);
  return {
    element: group(control, words, "number", input),
    value: () => (input.value.trim() === "" ? null : fits() ? given() : input.value),
    problem: () =>
      input.value.trim() === "" || fits() ? "" : fill(words.bad_number, { low: control.low, high: control.high }),
    focus: () => input.focus(),
    digit: () => false,
  };
}

function order(control, words) {
  const chosen = [];
  const buttons = control.values.map(([value, label], index) => {
    const place = make("span", { class: "place", "aria-hidden": "true" });
    const button = make("button", { type: "button", class: "option" }, place, make("span", {}, label), keyHint(control.values, index));
    button.addEventListener("click", () => {
      const at = chosen.indexOf(value);
      if (at >= 0) chosen.splice(at, 1);
      else chosen.push(value);
      show();
    });
    return button;
  });
  const show = () =>
    control.values.forEach(([value, label], index) => {
      const at = chosen.indexOf(value);
      buttons[index].querySelector(".place").textContent = at < 0 ? "" : String(at + 1);
      buttons[index].setAttribute("aria-pressed", at >= 0);
      buttons[index].setAttribute("aria-label", at < 0 ? label : fill(words.order_place, { label, n: at + 1 }));
    });
  show();
  return {
    element: group(control, words, "order", make("p", { class: "hint" }, words.order_hint), make("div", { class: "options" }, ...buttons)),
    value: () => (chosen.length ? [...chosen] : null),
    problem: () => (chosen.length && chosen.length < control.values.length ? words.unanswered : ""),
    focus: () => buttons[0].focus(),
    digit(digit) {
      const index = byDigit(control.values, digit);
      if (index < 0) return false;
      buttons[index].focus();
      buttons[index].click();
      return true;
    },
  };
}

const KINDS = { choice, scale, slider, text, number, order };

export function knows(control) {
  return control.kind in KINDS;
}

// A kind of control from a module of its own.
export function learn(kind, make) {
  KINDS[kind] = make;
}

// panels are the screen's, as elements: one of them may be what is marked.
export function render(control, words, panels) {
  const made = KINDS[control.kind](control, words, panels);
  const problem = made.element.querySelector(".problem");
  const clear = () => {
    problem.textContent = "";
    for (const input of made.element.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  };
  made.element.addEventListener("input", clear);
  made.element.addEventListener("click", clear);
  return {
    ...made,
    name: control.name,
    // Says what is missing or wrong; true where nothing is.
    check() {
      const sentence = made.problem() || (control.required && made.value() === null ? words.unanswered : "");
      clear();
      problem.textContent = sentence;
      if (sentence) {
        for (const input of made.element.querySelectorAll("input, textarea")) input.setAttribute("aria-invalid", "true");
      }
      return !sentence;
    },
  };
}
