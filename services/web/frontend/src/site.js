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

for (const element of document.querySelectorAll("[data-needs-script]")) {
  element.hidden = false;
}

// A file's text goes where it can be read and changed before it is sent.
const LARGEST_TEXT = 1_000_000;
document.addEventListener("change", async (event) => {
  const input = event.target.closest("input[data-into]");
  const file = input?.files[0];
  if (!file) return;
  const note = document.getElementById(`${input.id}-note`);
  if (file.size > LARGEST_TEXT) {
    note.textContent = `${file.name} is larger than 1 MB: no such table.`;
  } else {
    document.getElementById(input.dataset.into).value = await file.text();
    note.textContent = file.name;
  }
  input.value = "";
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
