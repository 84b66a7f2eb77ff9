// The control for marking regions on a picture: points, boxes, outlines or brush strokes, all on one overlay, with a
// mouse, by touch, or with the keyboard alone.

import { fill, group, make } from "./controls.js";
import { Pointers } from "./region_pointers.js";
import { area, mayClose, mayGoOn, simplified } from "./region_shapes.js";
import { View } from "./region_view.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.02; // of what is seen of the picture; with Shift five times as far
const NEAR_PX = 10; // closer than this is the same place
const MOST_POINTS = 2000;
const MOST_CORNERS = 200;

export function region(control, words, panels) {
  const { tool, brush } = control;
  const most = control.high ?? Infinity;
  const [tally, heard] = [make("p", { class: "tally" }), make("p", { class: "hidden", role: "status" })];
  const help = make("div", {}, make("p", { class: "hint" }, words[`mark_${tool}`]), make("p", { class: "hint key-hint" }, words.mark_keys));
  const tools = make("div", { class: "tools" });
  const element = group(control, words, "mark", help, tools, tally, heard);
  help.id = `${element.getAttribute("aria-describedby")}-help`;
  const panel = panels[control.panel ?? 0];
  const label = fill(words.marking_area, { picture: panel.querySelector("img").alt });
  const view = new View(panel, label, `${help.id} ${element.getAttribute("aria-describedby")}`);
  view.element.classList.add(tool);

  let regions = [];
  let open = []; // the points of a region that is not finished
  let history = []; // [regions, open] before each change
  let cursor = null; // where the pointer or the keyboard's cross-hair is
  let isByKeyboard = false;

  const draw = () => view.draw(tool, brush ?? 0, regions, open, cursor, isByKeyboard);
  const say = (sentence) => {
    heard.textContent = sentence;
  };
  const round = (point) => point.map((x) => Math.round(x * 1e5) / 1e5);
  const spot = ([x, y]) => fill(words.marked_at, { x: Math.round(100 * x), y: Math.round(100 * y) });
  const isNear = (one, other) => Math.hypot(one[0] - other[0], (one[1] - other[1]) * view.aspect) <= view.reach(NEAR_PX);
  // A refusal is both seen and heard.
  const refuse = (sentence) => {
    tally.textContent = sentence;
    say(sentence);
  };

  function tell() {
    const count = tool === "brush" ? words.strokes_marked : most < Infinity && most > 1 ? words.regions_of : words.regions_marked;
    tally.textContent = fill(count, { n: regions.length, most });
  }

  function update(sentence = "") {
    // Also tells the page that somebody has begun to answer, and takes away what it said was wrong.
    element.dispatchEvent(new Event("input", { bubbles: true }));
    tell();
    say(sentence ? `${sentence} ${tally.textContent}` : tally.textContent);
    if (close) close.hidden = open.length < 3;
    draw();
  }

  const remember = () => history.push([regions, open]);

  function add(points, sentence) {
    if ([...regions, points].reduce((sum, one) => sum + one.length, 0) > MOST_POINTS) {
      [regions, open] = history.pop();
      draw();
      refuse(words.marks_full);
      return;
    }
    regions = most === 1 && tool !== "brush" ? [points] : [...regions, points];
    open = [];
    update(sentence);
  }

  // Where only one may be marked, a new one takes its place.
  function hasRoom() {
    if (regions.length < most || most === 1) return true;
    refuse(fill(words.too_many_regions, { most }));
    return false;
  }

  // Set a point or corner, as a click, a tap and Enter do; of a brush: put it down, or lift it.
  function set(place) {
    const point = round(place);
    if (tool === "brush" && open.length) lift();
    else if (open.length) go(point);
    else if (hasRoom()) {
      remember();
      if (tool === "point") add([point], fill(words.point_set, { at: spot(point) }));
      else {
        open = [point];
        update(tool === "brush" ? words.brush_down : fill(words.corner_set, { n: 1, at: spot(point) }));
      }
    }
  }

  function go(point) {
    if (tool === "box") {
      if (point[0] === open[0][0] || point[1] === open[0][1]) refuse(words.box_flat);
      else {
        remember();
        add([open[0], point], fill(words.box_marked, { from: spot(open[0]), to: spot(point) }));
      }
    } else if (open.length > 2 && (isNear(point, open[0]) || isNear(point, open[open.length - 1]))) finish();
    else if (!isNear(point, open[open.length - 1])) {
      if (!mayGoOn(open, point)) refuse(words.sides_cross);
      else if (open.length === MOST_CORNERS) refuse(words.marks_full);
      else {
        remember();
        open = [...open, point];
        update(fill(words.corner_set, { n: open.length, at: spot(point) }));
      }
    }
  }

  function finish() {
    if (open.length < 3) refuse(words.outline_open);
    else if (!mayClose(open)) refuse(words.sides_cross);
    else {
      remember();
      add(open, fill(words.outline_closed, { n: open.length }));
    }
  }

  function lift() {
    // A tenth of a brush's radius is not seen.
    add(simplified(open, Math.max((brush ?? 0) / 20, 1e-4)).map(round), words.stroke_marked);
  }

  function undo() {
    if (!history.length) return;
    [regions, open] = history.pop();
    update(words.taken_back);
  }

  function clear() {
    if (regions.length || open.length) remember();
    [regions, open] = [[], []];
    update(words.all_cleared);
  }

  function enlarge(factor, at = null) {
    const middle = [view.left + 0.5 / view.zoom, view.top + 0.5 / view.zoom];
    view.enlarge(view.zoom * factor, at ?? (isByKeyboard && cursor ? cursor : middle));
    if (view.zoom === 1) pan(false);
    move.hidden = view.zoom === 1;
    say(fill(words.enlarged, { n: Math.round(10 * view.zoom) / 10 }));
    draw();
  }

  function pan(isOn) {
    pointers.isPanning = isOn;
    move.setAttribute("aria-pressed", isOn);
    view.element.classList.toggle("panning", isOn);
  }

  function button(text, act, attributes = {}) {
    const one = make("button", { type: "button", ...attributes }, text);
    one.addEventListener("click", act);
    tools.append(one);
    return one;
  }

  button(words.undo, undo);
  button(words.clear, clear);
  button(words.zoom_in, () => enlarge(2));
  button(words.zoom_out, () => enlarge(1 / 2));
  const move = button(words.move_picture, () => pan(!pointers.isPanning), { "aria-pressed": "false", hidden: true });
  const closing = () => {
    view.element.focus({ preventScroll: true }); // the button goes
    finish();
  };
  const close = tool === "polygon" ? button(words.close_outline, closing, { hidden: true }) : null;

  const pointers = new Pointers(view, {
    isOff: () => element.matches(":disabled"),
    isFreehand: tool === "brush",
    isBox: tool === "box",
    hover(place) {
      isByKeyboard = false;
      cursor = place;
      draw();
    },
    press: () => element.dispatchEvent(new Event("input", { bubbles: true })),
    set,
    // A box is drawn from corner to corner as well.
    span(from, to) {
      if (open.length) set(to);
      else if (hasRoom()) {
        remember();
        open = [round(from)];
        go(round(to));
        if (open.length) [regions, open] = history.pop();
      }
    },
    begin(place) {
      if (open.length) lift(); // the keyboard's
      remember();
      open = [place];
    },
    trace(places) {
      open = [...open, ...places];
    },
    lift,
    abort() {
      if (tool === "brush" && open.length) [regions, open] = history.pop();
      draw();
    },
    preview(from, to) {
      view.draw(tool, 0, regions, open.length ? open : [from], to, false);
    },
    enlarge,
  });

  view.element.addEventListener("keydown", (event) => {
    if (element.matches(":disabled") || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const acts = { Enter: () => set(cursor), " ": () => set(cursor), Backspace: undo, Delete: undo, Escape: drop, "+": () => enlarge(2), "=": () => enlarge(2), "-": () => enlarge(1 / 2) };
    if (!arrow && (!acts[event.key] || event.repeat)) return;
    event.preventDefault();
    // The cross-hair begins where the pointer was, or in the middle of what is seen.
    cursor ??= [view.left + 0.5 / view.zoom, view.top + 0.5 / view.zoom];
    isByKeyboard = true;
    if (!arrow) {
      acts[event.key]();
      draw();
      return;
    }
    const step = (event.shiftKey ? 5 * STEP : STEP) / view.zoom;
    cursor = cursor.map((x, axis) => Math.min(1, Math.max(0, x + arrow[axis] * step)));
    if (tool === "brush" && open.length) open = [...open, cursor];
    view.reveal(cursor);
    say(spot(cursor));
    draw();
  });

  function drop() {
    if (!open.length) return;
    remember();
    open = [];
    update(words.taken_back);
  }

  view.element.addEventListener("focus", () => {
    if (!view.element.matches(":focus-visible")) return;
    isByKeyboard = true;
    cursor ??= [0.5, 0.5];
    draw();
  });
  view.element.addEventListener("blur", () => {
    isByKeyboard = false;
    cursor = null;
    draw();
  });

  tell();
  return {
    element,
    value: () => (regions.length ? regions : null),
    problem() {
      if (tool === "brush" && open.length) lift();
      if (open.length) return tool === "box" ? words.box_open : words.outline_open;
      if (regions.length && tool !== "brush" && regions.length < (control.low ?? 1)) return fill(words.too_few_regions, { n: control.low });
      const { least_area: least, most_area: largest } = control;
      if (!regions.length || (least === null && largest === null)) return "";
      const size = area(tool, regions, brush ?? 0);
      const percent = (share) => Math.round(1e4 * share) / 100;
      if (least !== null && size < least) return fill(words.marked_too_little, { percent: percent(least), is: percent(size) });
      if (largest !== null && size > largest) return fill(words.marked_too_much, { percent: percent(largest), is: percent(size) });
      return "";
    },
    focus: () => view.element.focus(),
    digit: () => false,
  };
}
