// Two pictures in one place: they take turns, or the lower one comes through as far as a slider says. Fetched when the
// first screen that shows pictures so is on its way.

import { fill, make } from "./controls.js";

const TURN_MS = 1000; // slow enough not to flash: at most one change a second

// The second figure on top of the first; returns the element to show instead of both.
export function together(layout, figures, words) {
  const [below, above] = figures;
  const place = make("div", { class: "together" }, below, above);
  const steer = layout === "slider" ? slider(above, words) : blink(below, above, words);
  return make("div", { class: "panel picture" }, place, steer);
}

function slider(above, words) {
  const names = [words.first_picture, words.second_picture];
  const input = make("input", { class: "touched", type: "range", min: 0, max: 100, value: 50, "aria-label": words.mix });
  const mix = () => {
    above.style.opacity = input.value / 100;
    input.setAttribute("aria-valuetext", fill(words.mixed, { n: input.value }));
  };
  input.addEventListener("input", mix);
  mix();
  const ends = names.map((name) => make("span", { class: "end" }, name));
  return make("div", { class: "steer" }, input, make("div", { class: "ends", "aria-hidden": "true" }, ...ends));
}

// Takes turns by itself, unless less motion is asked for, until it is stopped; then each press shows the other one.
function blink(below, above, words) {
  const show = make("button", { type: "button" }, words.other_picture);
  const run = make("button", { type: "button", "aria-pressed": "false" }, words.keep_turning);
  let timer = null;
  const turn = () => {
    const isAbove = above.classList.toggle("under") === false;
    below.classList.toggle("under", isAbove);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    run.setAttribute("aria-pressed", "false");
  };
  const start = () => {
    run.setAttribute("aria-pressed", "true");
    timer = setInterval(() => (above.isConnected ? turn() : stop()), TURN_MS);
  };
  run.addEventListener("click", () => (timer === null ? start() : stop()));
  show.addEventListener("click", () => {
    stop();
    turn();
  });
  above.classList.add("under");
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) start();
  return make("div", { class: "steer turns" }, show, run);
}
