// What the line under the plot says: how many points, of which kinds, and what is left out.

import { KIND, countOf } from "./points.js";

/** `12 345`: thin spaces between the thousands, as everywhere on the pages. */
export function grouped(number) {
  return number.toLocaleString("en").replaceAll(",", "\u202f");
}

/** `1 point`, `2 points`. */
export function pointsOf(number) {
  return `${grouped(number)} point${number === 1 ? "" : "s"}`;
}

/** What is in the plot, in a line. */
export function summary(points) {
  const { hidden, poor } = points.leftOut;
  if (points.count === 0 && points.notDrawn === 0) {
    if (hidden + poor > 0) return "No point is shown.";
    return "No point yet. Upload a frame of this target, and its point appears here.";
  }
  const limits = points.isLimit.reduce((sum, flag) => sum + flag, 0);
  const counts = [
    [limits, "limits (arrows)"],
    [countOf(points, KIND.provisional), "of a passband that is not settled yet (hollow)"],
    [countOf(points, KIND.poor), "of poor calibration (grey, hollow)"],
    [countOf(points, KIND.hidden), "hidden by people (grey crosses)"],
    [points.notDrawn, "in units other than magnitudes (not drawn, in the CSV)"],
  ];
  const kinds = counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${grouped(count)} ${what}`);
  const whole = pointsOf(points.count + points.notDrawn);
  return `${kinds.length ? `${whole}: ${kinds.join(", ")}` : whole}.`;
}

/** What is left out, in a sentence; nothing when nothing is. */
export function leftOut({ hidden, poor }) {
  const parts = [];
  if (poor) parts.push(`${pointsOf(poor)} of poor calibration`);
  if (hidden) parts.push(`${parts.length ? grouped(hidden) : pointsOf(hidden)} hidden by people`);
  if (parts.length === 0) return "";
  const verb = poor + hidden === 1 ? "is" : "are";
  return `${parts.join(" and ")} ${verb} left out:`;
}
