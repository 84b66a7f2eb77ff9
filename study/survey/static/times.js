// The times of a screen, from its onset: before one no answer is taken, after others its pictures are gone and the trial
// ends. Fetched when the first screen that has any is on its way.

import { fill } from "./controls.js";

const byId = (id) => document.getElementById(id);

// late(ms) is called when the time to answer is over; returns what stops all of them.
export function startTimes({ item, onset }, words, late) {
  const { minimum_ms: minimum, picture_ms: seen, deadline_ms: deadline } = item.screen;
  const [next, hint, left] = ["next", "hint", "time-left"].map(byId);
  const timers = [];
  const since = () => performance.now() - onset;
  const at = (ms, then) => timers.push(setTimeout(then, ms - since()));
  if (seen) at(seen, () => byId("stage").classList.add("gone"));
  if (minimum) {
    const { hidden, textContent } = hint;
    next.setAttribute("aria-disabled", "true");
    Object.assign(hint, { hidden: false, textContent: words.look_first });
    at(minimum, () => {
      next.removeAttribute("aria-disabled");
      Object.assign(hint, { hidden, textContent });
    });
  }
  if (deadline) {
    const tell = () => {
      left.textContent = fill(words.time_left, { n: Math.ceil((deadline - since()) / 1000) });
    };
    tell();
    timers.push(setInterval(tell, 1000));
    at(deadline, () => late(Math.max(deadline, since())));
  }
  return () => {
    for (const timer of timers) clearTimeout(timer); // intervals have numbers of the same kind
    left.textContent = "";
    next.removeAttribute("aria-disabled");
  };
}
