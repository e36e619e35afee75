// A light curve as columns in the order of time, and questions about them.

/**
 * Read core's answer. Fluxes are not drawn on an axis of magnitudes; their number is
 * kept.
 */
export function readLightCurve(answer) {
  const rows = answer.points;
  const drawn = rows.filter(isDrawn).sort((a, b) => a.mjd - b.mjd);
  const bands = dictionary();
  for (const name of [...new Set(drawn.map(bandOf))].sort()) bands.indexOf(name);
  const facilities = dictionary();
  const points = {
    version: answer.version,
    count: drawn.length,
    notDrawn: rows.length - drawn.length,
    id: new Float64Array(drawn.length),
    mjd: new Float64Array(drawn.length),
    magnitude: new Float64Array(drawn.length),
    error: new Float32Array(drawn.length),
    isLimit: new Uint8Array(drawn.length),
    hidden: new Uint8Array(drawn.length),
    band: new Uint16Array(drawn.length),
    facility: new Uint16Array(drawn.length),
    bands: bands.names,
    facilities: facilities.names,
  };
  drawn.forEach((row, at) => {
    points.id[at] = row.point_id;
    points.mjd[at] = row.mjd;
    points.magnitude[at] = magnitudeOf(row);
    points.error[at] = row.is_limit ? 0 : (row.error ?? 0);
    points.isLimit[at] = row.is_limit ? 1 : 0;
    points.hidden[at] = row.hidden ? 1 : 0;
    points.band[at] = bands.indexOf(bandOf(row));
    points.facility[at] = facilities.indexOf(row.facility ?? row.source ?? "");
  });
  return points;
}

function bandOf(row) {
  return row.passband_displayed ?? row.passband ?? "?";
}

function isDrawn(row) {
  if (row.quantity && row.quantity !== "magnitude") return false;
  return Number.isFinite(magnitudeOf(row)) && Number.isFinite(row.mjd);
}

/** Where a point is drawn: a limit at the limit, archives' ones at what they say. */
function magnitudeOf(row) {
  return row.is_limit ? (row.limit_3_sigma ?? row.value) : row.value;
}

function dictionary() {
  const names = [];
  const known = new Map();
  return {
    names,
    indexOf(name) {
      let index = known.get(name);
      if (index === undefined) {
        index = names.push(name) - 1;
        known.set(name, index);
      }
      return index;
    },
  };
}

/** The first index whose time is not before this one. */
export function firstFrom(points, mjd) {
  let low = 0;
  let high = points.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points.mjd[middle] < mjd) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The magnitudes from one index to another, with their error bars; null for none. */
export function magnitudeRange(points, first, last, isShown) {
  let low = Infinity;
  let high = -Infinity;
  for (let at = first; at <= last && at < points.count; at++) {
    if (!isShown(points.band[at])) continue;
    // One point with a huge error must not flatten all others.
    const bar = Math.min(points.error[at], 0.5);
    low = Math.min(low, points.magnitude[at] - bar);
    high = Math.max(high, points.magnitude[at] + bar);
  }
  if (low > high) return null;
  const margin = Math.max((high - low) * 0.06, 0.02);
  return [low - margin, high + margin];
}
