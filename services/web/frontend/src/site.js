// Small things that every page has.

import { follow } from "./live.js";

// An element with data-live follows an event stream; htmx then fetches it anew.
for (const element of document.querySelectorAll("[data-live]")) {
  follow(element.dataset.live, element.dataset.liveEvent, () => {
    element.dispatchEvent(new Event("live"));
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
});

// A form that is sent twice by an impatient click would be carried out twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
