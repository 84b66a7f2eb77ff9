// Answers on their way: kept on this device until the server says that they are stored, and sent again until it does.

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
const REQUEST_MS = 20000;

export class Outbox {
  // take(reply) is called with each reply of the server; waiting(isWaiting) when the connection goes and comes back.
  // refused() when it takes nothing because the security cookie does not come back.
  constructor({ address, home, token, csrf, take, waiting, refused }) {
    Object.assign(this, { address, home, csrf, take, waiting, refused });
    this.prefix = `gander.${token}.`;
    this.kept = new Map(); // for browsers that refuse local storage
    this.after = -1;
    this.most = 8;
    this.isSending = false;
    this.isAsked = false;
    this.wake = () => {};
    window.addEventListener("online", () => this.wake());
  }

  name(kind, { position, attempt }) {
    return `${this.prefix}${kind}.${position}.${attempt}`;
  }

  // The first answer to a screen stays, whichever tab gave it.
  put(answer) {
    const name = this.name("answer", answer);
    if (read(name) === null && !this.kept.has(name)) {
      this.kept.set(name, answer);
      write(name, JSON.stringify(answer));
    }
    this.send();
  }

  holds(screen) {
    const name = this.name("answer", screen);
    return this.kept.has(name) || read(name) !== null;
  }

  drop(screen) {
    for (const kind of ["answer", "shown"]) {
      this.kept.delete(this.name(kind, screen));
      remove(this.name(kind, screen));
    }
  }

  answers() {
    const all = new Map(this.kept);
    for (const name of names()) {
      if (name.startsWith(`${this.prefix}answer.`) && !all.has(name)) {
        try {
          all.set(name, JSON.parse(read(name)));
        } catch {
          remove(name); // half written by a browser that died
        }
      }
    }
    return [...all.values()].filter(Boolean).sort((a, b) => a.position - b.position || a.attempt - b.attempt);
  }

  // How often this screen has been shown in this browser, this time included.
  shown(screen) {
    const name = this.name("shown", screen);
    const times = (Number(read(name) ?? this.kept.get(name)) || 0) + 1;
    write(name, String(times));
    return times;
  }

  // Ask for screens even where there is nothing to send.
  ask() {
    this.isAsked = true;
    this.send();
  }

  async send() {
    if (this.isSending) {
      this.wake();
      return;
    }
    this.isSending = true;
    let wait = FIRST_WAIT_MS;
    while (this.isAsked || this.answers().length > 0) {
      const answers = this.answers().slice(0, this.most);
      const reply = await this.exchange(answers);
      if (reply) {
        if (wait > FIRST_WAIT_MS) this.waiting(false);
        wait = FIRST_WAIT_MS;
        this.isAsked = false;
        if (!this.settle(reply, answers)) break;
      }
      if (!reply || answers.some((answer) => this.holds(answer))) {
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
        if (wait > 2 * FIRST_WAIT_MS) this.waiting(true);
        await this.sleep(wait * (0.75 + Math.random() / 2));
      }
    }
    this.isSending = false;
  }

  // The server's reply, or null where there was none, or none that says anything about the answers.
  async exchange(answers) {
    try {
      const response = await fetch(this.address, {
        method: "POST",
        cache: "no-store",
        credentials: "same-origin",
        keepalive: true,
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrf },
        body: JSON.stringify({ responses: answers, after: this.after }),
        signal: AbortSignal.timeout ? AbortSignal.timeout(REQUEST_MS) : undefined,
      });
      if (response.status === 429 || response.status >= 500) return null;
      const body = await response.json();
      return { ...body, status: response.status };
    } catch {
      return null;
    }
  }

  // Take a reply; false where the page is about to be left.
  settle(reply, answers) {
    if (reply.status === 403) {
      // The security token has changed, so the page is loaded anew; what is unsent stays on the device.
      const reload = { position: "reload", attempt: 1 };
      const times = this.shown(reload);
      // Where the device keeps nothing, the answer would be gone, and nobody would count how often.
      if (times <= 3 && read(this.name("shown", reload)) !== null) location.reload();
      else this.refused();
      return false;
    }
    if (reply.status === 404 || reply.status === 410) {
      if (!reply.stored) {
        answers.forEach((answer) => this.drop(answer));
        location.replace(this.home);
        return false;
      }
    }
    this.drop({ position: "reload", attempt: 1 });
    if (reply.stored) {
      [...reply.stored, ...reply.refused].forEach((one) => this.drop(one));
    } else if (answers.length > 1) {
      this.most = 1; // one of them is not acceptable: find out which
      return true;
    } else {
      answers.forEach((answer) => this.drop(answer));
      reply = { state: "started", stored: [], screens: [], due: null, ...reply };
      reply.refused = answers.map((answer) => ({ ...answer, status: reply.status, problem: reply.problem }));
    }
    return this.take(reply);
  }

  sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

// Local storage throws where the browser refuses it, and where it is full.
function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // The answer is in memory as well, and on its way.
  }
}

function remove(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Nothing was kept there.
  }
}

function names() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
