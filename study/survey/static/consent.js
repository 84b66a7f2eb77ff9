// Notes the viewport, and lets the form go once.

document.getElementById("no-script").remove();
const form = document.getElementById("consent");
document.getElementById("viewport").value = [innerWidth, innerHeight, devicePixelRatio].join("x");
let isSent = false;
form.addEventListener("submit", (event) => {
  if (isSent) event.preventDefault();
  isSent = true;
});
// Back from the next page, the form may be sent anew.
window.addEventListener("pageshow", () => {
  isSent = false;
});
