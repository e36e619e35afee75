// The points in view as a table: the plot for those who do not see or point.

import { dateOf } from "./time.js";

const MOST_ROWS = 100;

/** Fill the table with the newest points in view; a row's button chooses its point. */
export function fillTable(table, note, points, from, to, isShown, choose) {
  const rows = [];
  let inView = 0;
  for (let at = to - 1; at >= from; at--) {
    if (!isShown(points.band[at])) continue;
    inView += 1;
    if (rows.length < MOST_ROWS) rows.push(rowOf(points, at, choose));
  }
  table.tBodies[0].replaceChildren(...rows);
  table.hidden = rows.length === 0;
  const newest = inView > rows.length ? `, the newest ${rows.length} below` : "";
  const many = inView.toLocaleString("en").replaceAll(",", "\u202f");
  note.textContent = `${many} point${inView === 1 ? "" : "s"}${newest}`;
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
  const magnitude = points.isLimit[at]
    ? `> ${points.magnitude[at].toFixed(2)}`
    : `${points.magnitude[at].toFixed(3)} ± ${points.error[at].toFixed(3)}`;
  row.append(
    heading,
    cell(points.mjd[at].toFixed(5), "right figures"),
    cell(points.bands[points.band[at]]),
    cell(magnitude, "right figures"),
    cell(points.facilities[points.facility[at]]),
  );
  if (points.hidden[at]) row.className = "past";
  return row;
}

function cell(text, className = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = className;
  return made;
}
