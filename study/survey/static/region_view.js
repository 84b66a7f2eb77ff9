// The overlay on a picture: which part of it is seen, where in it a pointer is, and what is drawn on it.

import { make } from "./controls.js";

const SVG = "http://www.w3.org/2000/svg";
const UNITS = 1000; // of the drawing, across the picture
export const MOST_ZOOM = 8;

export class View {
  // panel holds the picture; label and described name the overlay for a screen reader.
  constructor(panel, label, described) {
    const image = panel.querySelector("img");
    this.aspect = image.naturalHeight / image.naturalWidth || 1;
    image.draggable = false;
    this.drawing = drawn("svg", { viewBox: `0 0 ${UNITS} ${UNITS * this.aspect}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.sheet = make("div", { class: "sheet" }, image, this.drawing);
    const names = { role: "application", "aria-label": label, "aria-describedby": described };
    this.element = make("div", { class: "marking", tabindex: 0, ...names }, this.sheet);
    this.element.style.aspectRatio = String(1 / this.aspect);
    panel.replaceChildren(this.element);
    [this.zoom, this.left, this.top] = [1, 0, 0];
  }

  // Where a pointer is in the picture, as fractions of it; beyond the edge it is at the edge.
  place(event) {
    const box = this.element.getBoundingClientRect();
    const within = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [this.left + within[0] / this.zoom, this.top + within[1] / this.zoom].map(clamped);
  }

  // How much of the picture a number of screen pixels is.
  reach(pixels) {
    return pixels / (this.element.clientWidth * this.zoom || 1);
  }

  // Show the picture so many times as large, with a place of it where it was (or at another place of the view).
  enlarge(zoom, [x, y], at = [(x - this.left) * this.zoom, (y - this.top) * this.zoom]) {
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, zoom));
    this.show(x - at[0] / this.zoom, y - at[1] / this.zoom);
  }

  // Show the part of the picture that begins there; false where it is shown already.
  show(left, top) {
    const most = 1 - 1 / this.zoom;
    const before = [this.left, this.top];
    [this.left, this.top] = [left, top].map((start) => Math.min(most, Math.max(0, start)));
    Object.assign(this.sheet.style, {
      width: `${100 * this.zoom}%`,
      height: `${100 * this.zoom}%`,
      left: `${-100 * this.zoom * this.left}%`,
      top: `${-100 * this.zoom * this.top}%`,
    });
    this.element.classList.toggle("zoomed", this.zoom > 1);
    return this.left !== before[0] || this.top !== before[1];
  }

  // Move the picture no farther than is needed to see a place of it.
  reveal([x, y]) {
    const [size, margin] = [1 / this.zoom, 0.1 / this.zoom];
    const start = (now, to) => Math.max(to + margin - size, Math.min(now, to - margin));
    this.show(start(this.left, x), start(this.top, y));
  }

  // Draw regions, the unfinished one, and the cross-hair. Every line is dark on white, to be seen on any picture.
  draw(tool, width, regions, open, cursor, isCrossed) {
    const painted = tool === "brush" ? [...regions, ...(open.length ? [open] : [])] : [];
    const closed = painted.length ? this.painted(width, painted) : regions.flatMap((points) => this.region(tool, points));
    const begun = open.length && tool !== "brush" ? this.begun(tool, open, cursor) : [];
    const cross = cursor && isCrossed ? this.cross(cursor) : [];
    const around = tool === "brush" && cursor ? [this.dot(cursor, (width / 2) * UNITS, "rim")] : [];
    const strokes = drawn("g", { class: tool }, ...closed);
    this.drawing.replaceChildren(strokes, ...begun, ...around, ...cross);
  }

  region(tool, points) {
    if (tool === "point") return this.pin(points[0]);
    if (tool === "box") {
      const [[x, y], [u, v]] = points;
      return this.outlined("polygon", [[x, y], [u, y], [u, v], [x, v]], "region");
    }
    return this.outlined("polygon", points, "region");
  }

  begun(tool, open, cursor) {
    const pins = open.flatMap((point, k) => this.pin(point, k === 0 && tool === "polygon" && open.length > 2));
    if (tool === "box") return cursor ? [...this.region("box", [open[0], cursor]), ...pins] : pins;
    return [...this.outlined("polyline", cursor ? [...open, cursor] : open, "begun"), ...pins];
  }

  outlined(tag, points, name) {
    const at = { points: points.map((point) => this.at(point).join(" ")).join(", ") };
    return [drawn(tag, { class: `${name} under`, ...at }), drawn(tag, { class: name, ...at })];
  }

  // All strokes on one ground, so that they look like one region.
  painted(width, strokes) {
    const ways = strokes.map((points) => (points.length > 1 ? points : [points[0], points[0]]));
    const paths = ways.map((points) => `M${points.map((point) => this.at(point).join(" ")).join("L")}`);
    const layers = [["stroke ground", width + this.reach(4)], ["stroke", width]];
    return layers.flatMap(([name, wide]) => paths.map((d) => drawn("path", { class: name, d, "stroke-width": wide * UNITS })));
  }

  // A mark of one size on the screen, whatever the zoom: a line of no length with a round end.
  pin(point, isFirst = false) {
    const [x, y] = this.at(point);
    const path = `M${x} ${y}h0`;
    const size = isFirst ? "pin first" : "pin";
    return [drawn("path", { class: `${size} under`, d: path }), drawn("path", { class: size, d: path }), drawn("path", { class: "pin eye", d: path })];
  }

  dot(point, radius, name) {
    const [cx, cy] = this.at(point);
    return drawn("g", {}, drawn("circle", { class: `${name} under`, cx, cy, r: radius }), drawn("circle", { class: name, cx, cy, r: radius }));
  }

  cross(point) {
    const [x, y] = this.at(point);
    const [far, near] = [this.reach(18) * UNITS, this.reach(5) * UNITS];
    const arms = [[1, 0], [-1, 0], [0, 1], [0, -1]].map(([dx, dy]) => `M${x + near * dx} ${y + near * dy}L${x + far * dx} ${y + far * dy}`);
    return ["cross under", "cross"].map((name) => drawn("path", { class: name, d: arms.join("") }));
  }

  at([x, y]) {
    return [x * UNITS, y * UNITS * this.aspect].map((value) => Math.round(value * 100) / 100);
  }
}

function clamped(value) {
  return Math.min(1, Math.max(0, value));
}

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
