// Kinds of control that few studies ask for: their module is fetched when the first screen that has one is on its way.

import { knows, learn } from "./controls.js";

const MODULES = { region: () => import("./regions.js") };

// Tried until they come, because a screen without its control is no trial.
export async function fetchKinds(controls) {
  for (const control of controls.filter(({ kind }) => kind in MODULES)) {
    for (let wait = 500; !knows(control); wait = Math.min(wait * 2, 8000)) {
      try {
        learn(control.kind, (await MODULES[control.kind]())[control.kind]);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }
}
