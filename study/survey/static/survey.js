// The trials page: shows screens, times answers, hands them to the outbox. It knows no trial type's name.

import { fill, knows, make, render } from "./controls.js";
import { fetchParts, hasTimes, isTogether, startTimes, together } from "./later.js";
import { Outbox } from "./outbox.js";

const setup = JSON.parse(document.getElementById("setup").textContent);
const words = setup.words;
const byId = (id) => document.getElementById(id);
const [form, between, status, announcement] = ["screen", "between", "status", "announcement"].map(byId);
const breaks = new Map(setup.breaks.map((one) => [one.before, `begin_${one.kind}`]));

const screens = new Map(); // position -> screen, not yet answered
const pictures = new Map(); // address -> promise of { image, load_ms }
let last = -1; // the last position whose screen has come
let current = null; // what is on the page: { item, controls, onset, quality, ... }
let isTurning = false; // from an answer to the next screen's onset: whatever is pressed then is early
let earlyKeys = 0;
let lastAttempt = 1;
let turns = 0; // a turn that is overtaken by a later one stops where it is
let pausedBefore = null; // the position whose screen waits behind a pause
let endPause = null;
let stopTimes = () => {}; // of the screen that is asked
let news = ""; // of the answer before, said above the next screen

const outbox = new Outbox({
  address: setup.responses,
  home: setup.home,
  token: setup.token,
  csrf: setup.csrf,
  take,
  waiting: (isWaiting) => say(isWaiting ? words.offline : words.online, isWaiting ? "warning" : "good"),
  refused: () => say(words.no_cookies, "warning"),
});

// What the page is at (turning, pausing, asking, waiting, told), for whoever watches it from outside.
function at(state) {
  document.body.dataset.at = state;
}

function say(sentence, tone = "") {
  status.textContent = sentence;
  status.className = tone;
}

// What came from the server; false where the page is being left.
function take(reply) {
  if (reply.state !== "started" && outbox.answers().length === 0) {
    location.replace(reply.state === "completed" ? setup.thanks : setup.home);
    return false;
  }
  const refused = reply.refused.find((one) => one.status !== 409);
  if (reply.refused.length) {
    screens.clear();
    last = -1;
    current = null;
    if (refused) say((news = words.refused), "warning");
  }
  for (const screen of reply.screens) {
    last = Math.max(last, screen.position);
    if (!outbox.holds(screen)) screens.set(screen.position, screen);
  }
  outbox.after = last;
  for (const position of screens.keys()) {
    if (reply.due !== null && position < reply.due) screens.delete(position); // answered in another tab
  }
  prefetch();
  if (reply.refused.length) {
    outbox.ask();
    return true;
  }
  const told = reply.stored.find((one) => current?.isWaiting && one.position === current.item.position);
  if (told) {
    if (told.feedback) giveFeedback(told.feedback);
    else turn();
    return true;
  }
  const here = current?.item.position ?? pausedBefore;
  if (here === null || (reply.due !== null && here < reply.due && !current?.hasFeedback)) turn();
  return true;
}

function addresses(item) {
  return item.screen.panels.filter((panel) => panel.kind === "picture").map((panel) => panel.content);
}

function prefetch() {
  const wanted = new Set([...screens.values(), ...(current ? [current.item] : [])].flatMap(addresses));
  for (const address of pictures.keys()) if (!wanted.has(address)) pictures.delete(address);
  for (const address of wanted) if (!pictures.has(address)) pictures.set(address, picture(address));
  for (const item of screens.values()) fetchParts(item.screen);
}

// A picture, fetched and decoded; tried until it comes, because a screen without its picture is no trial.
async function picture(address) {
  const began = performance.now();
  for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
    const image = new Image();
    image.src = address;
    try {
      await image.decode();
      return { image, load_ms: performance.now() - began };
    } catch {
      if (current === null) say(words.retrying_picture, "warning");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

// On to the next screen that is here and unanswered.
async function turn() {
  const mine = ++turns;
  at("turning");
  stopTimes();
  isTurning = true;
  current = pausedBefore = endPause = null;
  // Not taken away: the page would shrink, and another button come under a finger that is still clicking.
  form.classList.add("away");
  between.hidden = true;
  const position = Math.min(...screens.keys());
  if (!Number.isFinite(position)) {
    waitForScreens();
    return;
  }
  const { attempt, phase } = screens.get(position);
  // An attempt that was not enough is followed by the next one, at the same positions.
  const kind = attempt > lastAttempt ? `again_${phase}` : breaks.get(position);
  lastAttempt = attempt;
  if (kind) {
    breaks.delete(position);
    await pause(kind, position);
    if (mine !== turns) return;
    pausedBefore = null;
    between.hidden = true;
    at("turning");
  }
  current = { item: screens.get(position) };
  await show(current.item);
}

function waitForScreens() {
  const isSaving = outbox.answers().length > 0;
  if (!status.textContent) say(isSaving ? words.finishing : words.loading);
  if (isSaving) return; // the reply to the answers brings the screens
  outbox.after = last = -1;
  outbox.ask();
}

function pause(kind, position) {
  pausedBefore = position;
  form.hidden = true;
  byId("between-heading").textContent = words[kind];
  byId("between-text").textContent = fill(words[`${kind}_text`], { n: position, total: setup.total });
  byId("read-again").hidden = !kind.endsWith("quiz");
  between.hidden = false;
  say("");
  byId("between-heading").focus();
  at("pausing");
  return new Promise((resolve) => {
    endPause = resolve;
  });
}

async function show(item) {
  const slow = setTimeout(() => say(words.loading), 400);
  const loaded = await Promise.all(addresses(item).map((address) => pictures.get(address) ?? picture(address)));
  await fetchParts(item.screen);
  clearTimeout(slow);
  if (current?.item !== item) return; // answered in another tab while its pictures were on their way
  if (!item.screen.controls.every(knows)) {
    say(words.unknown_control, "warning");
    return;
  }
  const controls = lay(item.screen, loaded);
  say(navigator.onLine === false ? words.offline : news, "warning");
  current = { item, controls, onset: null, hiddenMs: 0, hiddenSince: null, firstMs: null };
  current.quality = {
    load_ms: Math.max(0, ...loaded.map((one) => one.load_ms)),
    times_shown: outbox.shown(item),
    is_resized: false,
    is_pasted: false,
  };
  const shown = current;
  requestAnimationFrame((drawn) => {
    if (current !== shown) return;
    form.hidden = false;
    form.classList.remove("away");
    window.scrollTo(0, 0);
    requestAnimationFrame(function isSeen(onset) {
      if (current !== shown) return;
      if (onset - drawn < 1) {
        requestAnimationFrame(isSeen); // a browser that is late hands out the time of one frame twice
        return;
      }
      shown.onset = onset;
      Object.assign(shown.quality, {
        frame_ms: onset - drawn,
        early_keys: earlyKeys,
        viewport: [window.innerWidth, window.innerHeight, window.devicePixelRatio],
      });
      earlyKeys = 0;
      isTurning = false;
      byId("prompt").focus({ preventScroll: true });
      at("asking");
      if (hasTimes(item.screen)) stopTimes = startTimes(shown, words, (ms) => current === shown && send([], ms, true));
      announcement.textContent = fill(words.progress, { n: item.position + 1, total: setup.total });
    });
  });
}

// Panels of one sort stand side by side: texts, the pictures to choose among, and those beside them.
function rows(panels, elements) {
  const sort = ({ kind, caption }) => `${kind} ${Boolean(caption)}`;
  const made = [];
  panels.forEach((panel, index) => {
    if (index === 0 || sort(panel) !== sort(panels[index - 1])) made.push(make("div", { class: "row" }));
    made.at(-1).append(elements[index]);
  });
  return made;
}

function inOnePlace(screen, elements) {
  const [figures, others] = [true, false].map((is) => elements.filter((_, n) => (screen.panels[n].kind === "picture") === is));
  const texts = others.length ? [make("div", { class: "row" }, ...others)] : [];
  return [make("div", { class: "row" }, together(screen.layout, figures, words)), ...texts];
}

// Fill the form while it is not seen; returns its controls.
function lay(screen, loaded) {
  form.className = `${screen.layout} away`;
  byId("progress").value = current.item.position;
  byId("progress-text").textContent = fill(words.progress, { n: current.item.position + 1, total: setup.total });
  byId("prompt").textContent = screen.prompt;
  const shown = [...loaded];
  const panels = screen.panels.map((panel) => {
    if (panel.kind === "text") return make("p", { class: "panel text" }, panel.content);
    const { image } = shown.shift();
    image.alt = panel.alt || words.picture;
    const caption = panel.caption ? [make("figcaption", {}, panel.caption)] : [];
    return make("figure", { class: "panel picture" }, ...caption, image);
  });
  byId("stage").replaceChildren(...(isTogether(screen) ? inOnePlace(screen, panels) : rows(screen.panels, panels)));
  byId("stage").hidden = panels.length === 0;
  byId("stage").classList.remove("gone");
  const controls = screen.controls.map((control) =>
    render({ ...control, isNamedByPrompt: control.label === screen.prompt }, words, panels),
  );
  byId("controls").replaceChildren(...controls.map((control) => control.element));
  byId("controls").disabled = false;
  byId("feedback").hidden = true;
  byId("hint").textContent = words.press_number;
  byId("hint").hidden = !form.querySelector("#controls kbd, .scale");
  byId("next").disabled = false;
  byId("next-text").textContent = words.next;
  return controls;
}

function submit(time) {
  if (isTurning || !current || current.isWaiting || current.onset === null) return;
  if (current.hasFeedback) {
    turn();
    return;
  }
  if (time - current.onset < current.item.screen.minimum_ms) return;
  const wrong = current.controls.filter((control) => !control.check());
  if (wrong.length) {
    wrong[0].focus();
    return;
  }
  const given = current.controls.map((control) => [control.name, control.value()]).filter(([, value]) => value !== null);
  send(given, time - current.onset);
}

// An answer, or that the time was over before one.
function send(given, responseMs, isTimedOut = false) {
  const { item, quality } = current;
  stopTimes();
  news = isTimedOut ? words.time_over : "";
  isTurning = true;
  screens.delete(item.position);
  current.isWaiting = item.feedback;
  byId("next").disabled = current.isWaiting;
  at("waiting");
  outbox.put({
    position: item.position,
    attempt: item.attempt,
    client_id: uuid(),
    answer: Object.fromEntries(given),
    response_ms: round(responseMs),
    ...(isTimedOut ? { is_timed_out: true } : {}),
    quality: {
      ...quality,
      load_ms: round(quality.load_ms),
      frame_ms: round(quality.frame_ms),
      hidden_ms: round(current.hiddenMs),
      ...(current.firstMs === null ? {} : { first_ms: round(current.firstMs) }),
    },
  });
  if (!current.isWaiting) turn();
}

function giveFeedback({ is_correct: isCorrect, answer }) {
  current.isWaiting = false;
  current.hasFeedback = true;
  isTurning = false;
  byId("controls").disabled = true;
  const feedback = byId("feedback");
  feedback.textContent = isCorrect ? words.right : fill(words.wrong, { answer });
  feedback.className = isCorrect ? "good" : "warning";
  feedback.hidden = false;
  byId("next").disabled = false;
  byId("next-text").textContent = words.continue;
  byId("hint").textContent = words.press_enter;
  byId("hint").hidden = false;
  feedback.focus();
  at("told");
}

function round(ms) {
  return Math.round(Math.max(0, ms) * 10) / 10;
}

// randomUUID exists only on secure origins; a laboratory's plain http is none.
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function goOn() {
  const end = endPause;
  endPause = null;
  end?.();
}

// A number key goes to the control that has the focus, else to the first that is unanswered and has a use for it.
function takeDigit(digit) {
  const focused = current.controls.filter((control) => control.element.contains(document.activeElement));
  const open = current.controls.filter((control) => control.value() === null);
  return [...focused, ...open, ...current.controls].some((control) => control.digit(digit));
}

function isTyping(target) {
  return target.matches("textarea, input[type=text]");
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const isDigit = /^[0-9]$/.test(event.key) && !isTyping(event.target);
  if (!isDigit && event.key !== "Enter") return;
  if (!between.hidden) {
    if (event.key === "Enter" && !event.target.closest("a, #continue")) {
      event.preventDefault();
      goOn();
    }
    return;
  }
  if (isTurning || !current?.onset) {
    if (!event.target.closest("a")) event.preventDefault();
    earlyKeys += 1;
    return;
  }
  if (event.defaultPrevented) return; // a control had a use for it
  if (isDigit && !current.isWaiting && !current.hasFeedback && takeDigit(Number(event.key))) {
    noteFirst(event);
    event.preventDefault();
  } else if (event.key === "Enter" && !event.target.closest("a, textarea, button")) {
    event.preventDefault();
    submit(event.timeStamp);
  }
});

function noteFirst(event) {
  if (current?.onset != null && current.firstMs === null) current.firstMs = event.timeStamp - current.onset;
}

// The second half of a double click belongs to the screen of its first half, whatever is under it now.
let began = 0;
const swallow = (event) => {
  if (event.detail <= 1) began = event.timeStamp;
  else if (!current?.onset || began < current.onset) {
    event.preventDefault();
    event.stopPropagation();
  }
};
document.addEventListener("click", swallow, true);

let pressed = null;
byId("next").addEventListener("click", (event) => {
  pressed = event.timeStamp;
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit(pressed ?? event.timeStamp);
  pressed = null;
});
byId("continue").addEventListener("click", goOn);
byId("controls").addEventListener("pointerdown", noteFirst);
byId("controls").addEventListener("input", noteFirst);
byId("controls").addEventListener("paste", () => {
  if (current?.quality) current.quality.is_pasted = true;
});
window.addEventListener("resize", () => {
  if (current?.onset != null) current.quality.is_resized = true;
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    if (current?.onset != null) current.hiddenSince = performance.now();
    return;
  }
  if (current?.hiddenSince != null) {
    current.hiddenMs += performance.now() - current.hiddenSince;
    current.hiddenSince = null;
  }
  outbox.ask(); // another tab may have answered this screen meanwhile
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) outbox.ask();
});
window.addEventListener("offline", () => say(words.offline, "warning"));

byId("no-script").remove();
isTurning = true;
if (document.cookie.includes("csrftoken=")) {
  say(words.loading);
  take(setup.first);
  outbox.send(); // what an earlier visit left unsent
} else {
  say(words.no_cookies, "warning"); // better now than with the first answer, which could not be stored
}
