// Modified Julian Dates (UTC) as calendar dates.

const MJD_OF_UNIX_EPOCH = 40587;
const MS_PER_DAY = 86_400_000;

/** `2026-11-22 14:39:05` in UTC; fewer digits for wider steps (in days). */
export function dateOf(mjd, step = 0) {
  // To the nearest second: a double's last digit must not turn 02:00:00 into 01:59:59.
  const seconds = Math.round(((mjd - MJD_OF_UNIX_EPOCH) * MS_PER_DAY) / 1000);
  const time = new Date(seconds * 1000);
  if (Number.isNaN(time.getTime())) return "";
  const text = time.toISOString().replace("T", " ");
  if (step >= 1) return text.slice(0, 10);
  if (step >= 1 / 1440) return text.slice(0, 16);
  return text.slice(0, 19);
}
