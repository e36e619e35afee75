// Sends frames one after the other, and follows each until its point is there.

import { sendFile } from "./upload/transfer.js";
import { FileRow } from "./upload/row.js";

const AT_ONCE = 2;
const ASK_AGAIN_MS = 4000;

const form = document.getElementById("upload-form");
const drop = document.getElementById("drop");
const files = document.getElementById("files");
const list = document.getElementById("file-list");
const summary = document.getElementById("upload-summary");
const batch = form.dataset.batch;

const rows = [];
const news = new Map();
let running = 0;
let source = null;

const ACCEPTED = files.accept;

function kind() {
  return form.elements.data_product_type.value;
}

/** Shows what belongs to frames or to catalogues, and lets those files be chosen. */
function showKind() {
  const isCatalogue = kind() === "photometry";
  document.getElementById("catalogue-time").hidden = !isCatalogue;
  for (const hint of drop.querySelectorAll("[data-kind]")) {
    hint.hidden = hint.dataset.kind !== kind();
  }
  files.accept = isCatalogue ? "" : ACCEPTED;
}

function missing(name, sentence) {
  const field = form.elements[name];
  const note = document.getElementById(`${name}-error`);
  const isMissing = !field.value.trim();
  note.textContent = sentence;
  note.hidden = !isMissing;
  field.setAttribute("aria-invalid", String(isMissing));
  if (isMissing) field.focus();
  return isMissing;
}

function query(name) {
  const text = (field) => form.elements[field].value.trim();
  const values = {
    target: text("target"),
    camera: text("camera"),
    data_product_type: kind(),
    mjd: kind() === "photometry" ? text("mjd") : "",
    file_name: name,
    filter: text("filter"),
    observers: text("observers"),
    match_radius: text("match_radius"),
    comment: text("comment"),
    dry_run: form.elements.dry_run.checked ? "true" : "",
    batch,
  };
  const given = Object.entries(values).filter(([, value]) => value);
  return new URLSearchParams(given).toString();
}

function add(chosen) {
  const noCamera = missing("camera", "Choose the camera that took the frames.");
  const noTarget = missing("target", "Name the target of the frames.");
  const problem = document.getElementById("upload-problem");
  problem.hidden = !(noCamera || noTarget);
  problem.textContent = "Name the target and the camera first, then add the frames.";
  if (noCamera || noTarget) return;
  for (const file of chosen) {
    const row = new FileRow(list, file, query(file.name), () => next());
    rows.push(row);
    if (file.size === 0) row.fail("The file is empty.", false);
  }
  follow();
  next();
}

function next() {
  const waiting = rows.find((row) => row.phase === "queued");
  if (waiting && running < AT_ONCE) {
    running += 1;
    send(waiting);
    next();
  }
  tell();
}

async function send(row) {
  row.start();
  try {
    const product = await sendFile(row);
    row.show(product);
    const newer = news.get(product.data_product_id);
    if (newer) row.show(newer);
  } catch (problem) {
    row.fail(problem.message, problem.canTryAgain);
  } finally {
    running -= 1;
    next();
  }
}

function follow() {
  if (source !== null) return;
  const query_ = new URLSearchParams({ batch });
  source = new EventSource(`/api/v1/data-products/events?${query_}`);
  source.addEventListener("data_product", (event) => take(JSON.parse(event.data)));
  setInterval(askAgain, ASK_AGAIN_MS);
}

function take(product) {
  news.set(product.data_product_id, product);
  for (const row of rows) {
    if (row.productId === product.data_product_id) row.show(product);
  }
  tell();
}

/** What the stream did not tell: a frame of an earlier batch, or a broken stream. */
async function askAgain() {
  for (const row of rows.filter((each) => each.isPending(ASK_AGAIN_MS))) {
    const response = await fetch(`/api/v1/data-products/${row.productId}`);
    if (response.ok) take(await response.json());
  }
}

function tell() {
  const number = (phase) => rows.filter((row) => row.phase === phase).length;
  const parts = [
    [number("queued") + number("sending"), "to send"],
    [number("working"), "being calibrated"],
    [number("done"), "done"],
    [number("failed"), "failed"],
  ];
  const told = parts.filter(([many]) => many).map(([many, what]) => `${many} ${what}`);
  summary.textContent = told.join(", ");
}

form.elements.data_product_type.addEventListener("change", showKind);
showKind();
files.addEventListener("change", () => {
  add([...files.files]);
  files.value = "";
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.remove("over");
  });
}
drop.addEventListener("drop", (event) => add([...event.dataTransfer.files]));
addEventListener("beforeunload", (event) => {
  if (rows.some((row) => row.phase === "sending" || row.phase === "queued")) {
    event.preventDefault();
  }
});
