// The points in view as a table: the plot for those who do not see or point.

import { KIND, remarks } from "./points.js";
import { grouped, pointsOf } from "./summary.js";
import { dateOf } from "./time.js";

const MOST_POINTS = 100;
const ROW_CLASSES = [];
ROW_CLASSES[KIND.good] = "";
ROW_CLASSES[KIND.provisional] = "";
ROW_CLASSES[KIND.poor] = "doubtful";
ROW_CLASSES[KIND.hidden] = "past";

/** Fill the table with the newest points in view; a row's button chooses its point. */
export function fillTable(table, note, points, from, to, isShown, choose) {
  const rows = [];
  let inView = 0;
  let told = 0;
  for (let at = to - 1; at >= from; at--) {
    if (!isShown(points.band[at])) continue;
    inView += 1;
    if (told === MOST_POINTS) continue;
    told += 1;
    rows.push(...rowsOf(points, at, choose));
  }
  table.tBodies[0].replaceChildren(...rows);
  table.hidden = rows.length === 0;
  const newest = inView > told ? `, the newest ${grouped(told)} below` : "";
  note.textContent = `${pointsOf(inView)}${newest}`;
}

/** A point's row, and what is to be said of it across the row below. */
function rowsOf(points, at, choose) {
  const row = rowOf(points, at, choose);
  const said = remarks(points, at).join(" ");
  if (!said) return [row];
  const below = document.createElement("tr");
  const remark = cell("Remarks", said, "hint");
  remark.colSpan = row.cells.length;
  below.append(remark);
  below.className = `remark ${row.className}`;
  row.classList.add("remarked");
  return [row, below];
}

function rowOf(points, at, choose) {
  const row = document.createElement("tr");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link figures";
  button.textContent = dateOf(points.mjd[at]);
  button.dataset.pointId = points.id[at];
  button.addEventListener("click", () => choose(at));
  const heading = document.createElement("th");
  heading.scope = "row";
  heading.className = "figures";
  heading.append(button);
  const error = points.error[at] ? ` ± ${points.error[at].toFixed(3)}` : "";
  const magnitude = points.isLimit[at]
    ? `> ${points.magnitude[at].toFixed(2)}`
    : `${points.magnitude[at].toFixed(3)}${error}`;
  row.append(
    heading,
    cell("Magnitude", magnitude, "right figures"),
    cell("Passband", points.bands[points.band[at]]),
    cell("From", points.facilities[points.facility[at]]),
    cell("MJD", points.mjd[at].toFixed(5), "right figures"),
  );
  row.className = ROW_CLASSES[points.kind[at]];
  return row;
}

/** A cell that says what it is where the head of the table has no room. */
function cell(label, text, className = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = className;
  if (text) made.dataset.label = label;
  return made;
}
