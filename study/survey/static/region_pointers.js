// Mouse, pen and fingers on the overlay: one draws, two enlarge and move the picture, as the wheel does.

const MOVED_PX = 6; // less is a click

export class Pointers {
  // acts: what the control does with places in the picture.
  constructor(view, acts) {
    Object.assign(this, { view, acts });
    this.down = new Map(); // pointer -> its last event
    this.presses = 0;
    this.isPanning = false; // one pointer moves the picture too
    this.gesture = null;
    const on = (name, listener, options) => view.element.addEventListener(name, listener.bind(this), options);
    on("pointerdown", this.press);
    on("pointermove", this.moved);
    on("pointerup", this.release);
    on("pointercancel", this.cancel);
    on("pointerleave", this.leave);
    on("mousedown", this.second);
    on("wheel", this.wheel, { passive: false });
  }

  press(event) {
    if (this.acts.isOff() || (event.pointerType === "mouse" && event.button !== 0)) return;
    this.view.element.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, event);
    this.presses += 1;
    this.acts.press();
    const place = this.view.place(event);
    if (this.down.size > 1) {
      if (this.gesture?.kind === "draw") this.acts.abort();
      this.gesture = this.down.size === 2 ? { kind: "pinch", ...this.spread(), zoom: this.view.zoom } : { kind: "over" };
      if (this.gesture.kind === "pinch") this.gesture.place = this.view.place(this.gesture.middle);
    } else if (this.isPanning) {
      this.gesture = { kind: "pan", event, left: this.view.left, top: this.view.top };
    } else {
      this.gesture = { kind: "draw", event, from: place };
      if (this.acts.isFreehand) this.acts.begin(place);
      this.acts.hover(place);
    }
  }

  moved(event) {
    const place = this.view.place(event);
    if (!this.down.has(event.pointerId)) {
      if (event.pointerType !== "touch" && !this.isPanning) this.acts.hover(place);
      return;
    }
    this.down.set(event.pointerId, event);
    const gesture = this.gesture;
    if (!gesture) return;
    if (gesture.kind === "pinch") this.pinch(gesture);
    if (gesture.event && Math.hypot(...this.way(gesture.event, event)) > MOVED_PX) gesture.isMoved = true;
    if (gesture.kind === "pan" && gesture.isMoved) {
      const [dx, dy] = this.way(gesture.event, event);
      const { width, height } = this.view.element.getBoundingClientRect();
      this.view.show(gesture.left - dx / width / this.view.zoom, gesture.top - dy / height / this.view.zoom);
    }
    if (gesture.kind !== "draw") return;
    if (this.acts.isFreehand) {
      const events = event.getCoalescedEvents?.() ?? [];
      this.acts.trace((events.length ? events : [event]).map((one) => this.view.place(one)));
      this.acts.hover(place);
    } else if (this.acts.isBox && gesture.isMoved) this.acts.preview(gesture.from, place);
    else this.acts.hover(place);
  }

  release(event) {
    if (!this.down.delete(event.pointerId)) return;
    const gesture = this.gesture;
    // What is left of two fingers draws nothing.
    this.gesture = this.down.size ? { kind: "over" } : null;
    if (!gesture) return;
    const place = this.view.place(event);
    if (gesture.kind === "pan" && !gesture.isMoved) this.view.show(place[0] - 0.5 / this.view.zoom, place[1] - 0.5 / this.view.zoom);
    if (gesture.kind !== "draw") return;
    if (this.acts.isFreehand) this.acts.lift();
    else if (this.acts.isBox && gesture.isMoved) this.acts.span(gesture.from, place);
    else this.acts.set(place);
  }

  cancel(event) {
    this.down.delete(event.pointerId);
    if (this.gesture?.kind === "draw") this.acts.abort();
    this.gesture = this.down.size ? { kind: "over" } : null;
  }

  leave(event) {
    if (!this.down.size && event.pointerType !== "touch" && document.activeElement !== this.view.element) this.acts.hover(null);
  }

  // The second half of a double click whose first half was on the screen before.
  second(event) {
    if (event.detail < 2 || this.presses > 1 || this.gesture?.kind !== "draw") return;
    this.acts.abort();
    this.gesture = { kind: "over" };
  }

  wheel(event) {
    if (event.ctrlKey) {
      event.preventDefault();
      this.acts.enlarge(Math.exp(-event.deltaY / 200), this.view.place(event));
      return;
    }
    const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const by = [event.deltaX, event.deltaY].map((pixels) => this.view.reach(pixels * scale));
    // At its edge the picture lets the page scroll on.
    if (this.view.zoom > 1 && this.view.show(this.view.left + by[0], this.view.top + by[1])) event.preventDefault();
  }

  pinch(gesture) {
    const { distance, middle } = this.spread();
    const box = this.view.element.getBoundingClientRect();
    const at = [(middle.clientX - box.left) / box.width, (middle.clientY - box.top) / box.height];
    this.acts.enlarge((gesture.zoom * distance) / gesture.distance / this.view.zoom, gesture.place);
    this.view.enlarge(this.view.zoom, gesture.place, at);
  }

  spread() {
    const [one, other] = [...this.down.values()];
    const [dx, dy] = this.way(one, other);
    const middle = { clientX: one.clientX + dx / 2, clientY: one.clientY + dy / 2 };
    return { distance: Math.max(1, Math.hypot(dx, dy)), middle };
  }

  way(from, to) {
    return [to.clientX - from.clientX, to.clientY - from.clientY];
  }
}
