// The target's page: fetches the light curve, and ties plot, panel and table together.

import { follow } from "../live.js";
import { LightCurvePlot } from "./plot.js";
import { readLightCurve } from "./points.js";
import { leftOut, summary } from "./summary.js";
import { fillTable } from "./table.js";

const section = document.getElementById("light-curve");
const note = document.getElementById("plot-note");
const bands = document.getElementById("bands");
const showHidden = document.getElementById("show-hidden");
const csv = document.getElementById("csv");
const table = document.getElementById("view-table");
const count = document.getElementById("view-count");

let panelTimer = 0;
let viewTimer = 0;
let view = [0, 0];

const plot = new LightCurvePlot(document.getElementById("plot"), {
  onChoose: (index) => showPoint(plot.points.id[index]),
  onView: (from, to) => {
    if (from !== null) view = [from, to];
    clearTimeout(viewTimer);
    viewTimer = setTimeout(showView, 120);
  },
});

function showView() {
  const choose = (at) => plot.choose(at);
  fillTable(table, count, plot.points, ...view, plot.isShown, choose);
  showBands();
}

function showPoint(id) {
  history.replaceState(null, "", `#point-${id}`);
  clearTimeout(panelTimer);
  // Arrow keys run over many points: only where they rest is a panel fetched.
  panelTimer = setTimeout(
    () => htmx.ajax("GET", `/points/${id}`, { target: "#point-panel" }),
    150,
  );
}

function showBands() {
  const chips = plot.points.bands.map((name, at) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.setAttribute("aria-pressed", String(plot.isShown(at)));
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = plot.colours[at];
    chip.append(swatch, name);
    chip.addEventListener("click", () => {
      plot.toggle(name);
      showBands();
      bands.children[at].focus();
    });
    return chip;
  });
  const same =
    bands.children.length === chips.length &&
    chips.every((chip, at) => chip.isEqualNode(bands.children[at]));
  if (!same) bands.replaceChildren(...chips);
}

/** How many points there are, and a way to those that are left out. */
function showNote(points) {
  note.textContent = summary(points);
  const told = leftOut(points.leftOut);
  if (!told) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = "show them";
  button.addEventListener("click", () => {
    showHidden.checked = true;
    showHidden.focus();
    load();
  });
  note.append(` ${told} `, button);
}

let loading = null;

async function load() {
  loading?.abort();
  loading = new AbortController();
  const query = `hidden=${showHidden.checked}`;
  csv.href = `${section.dataset.curve}.csv?${query}`;
  let answer;
  try {
    const response = await fetch(`${section.dataset.curve}/columns?${query}`, {
      headers: { Accept: "application/json" },
      cache: "no-cache",
      signal: loading.signal,
    });
    answer = await response.json();
    if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  } catch (error) {
    if (error.name !== "AbortError") {
      note.textContent = `The light curve cannot be shown: ${error.message}`;
    }
    return;
  }
  const points = readLightCurve(answer);
  const first = plot.points === null;
  plot.show(points, !first);
  showBands();
  showNote(points);
  section.dataset.version = points.version;
  section.dataset.count = points.count;
  if (first) choosePointOfAddress();
}

function choosePointOfAddress() {
  const wanted = /^#point-(\d+)$/.exec(location.hash)?.[1];
  const at = wanted ? plot.points.id.indexOf(Number(wanted)) : -1;
  if (at >= 0) plot.choose(at);
}

const zooms = { in: () => plot.zoom(0.6), out: () => plot.zoom(1 / 0.6), all: () => plot.reset() };
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => plot.u && zooms[button.dataset.zoom]());
}
showHidden.addEventListener("change", load);
document.addEventListener("light-curve-changed", load);
follow(section.dataset.events, "light_curve", load);
await load();
