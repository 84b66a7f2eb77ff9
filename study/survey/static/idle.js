// A shared device: after a silence the study begins anew for the next person.

const seconds = Number(document.body.dataset.idleSeconds);
const warning = document.getElementById("idle");
let last = performance.now();

function stir() {
  last = performance.now();
  warning.hidden = true;
}

for (const kind of ["keydown", "pointerdown", "pointermove", "input", "wheel"]) {
  document.addEventListener(kind, stir, { capture: true, passive: true });
}

// Answers that have not arrived yet are sent by this page and by no other.
function hasUnsent() {
  try {
    return Object.keys(localStorage).some((name) => name.startsWith("gander.") && name.includes(".answer."));
  } catch {
    return false;
  }
}

setInterval(() => {
  const silent = (performance.now() - last) / 1000;
  if (silent >= seconds && !hasUnsent()) location.replace(document.body.dataset.anew);
  else warning.hidden = silent < seconds * 0.75;
}, 500);
