// What few studies ask for: kinds of control, times, and two pictures in one place. Their modules are fetched when the
// first screen that needs them is on its way.

import { knows, learn } from "./controls.js";

const MODULES = { region: () => import("./regions.js") };

export let together = null;
export let startTimes = null;

export async function fetchParts(screen) {
  for (const control of screen.controls.filter(({ kind }) => kind in MODULES)) {
    if (!knows(control)) learn(control.kind, (await come(MODULES[control.kind]))[control.kind]);
  }
  if (hasTimes(screen) && !startTimes) ({ startTimes } = await come(() => import("./times.js")));
  if (isTogether(screen) && !together) ({ together } = await come(() => import("./together.js")));
}

export function hasTimes(screen) {
  return Boolean(screen.minimum_ms || screen.picture_ms || screen.deadline_ms);
}

export function isTogether(screen) {
  return ["blink", "slider"].includes(screen.layout) && screen.panels.filter(({ kind }) => kind === "picture").length === 2;
}

// Tried until it comes, because a screen without its parts is no trial.
async function come(fetch) {
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    try {
      return await fetch();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
