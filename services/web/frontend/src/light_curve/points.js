// A light curve as columns in the order of time, and questions about them.

/** What a point is; each kind is drawn in its own way. */
export const KIND = { good: 0, provisional: 1, poor: 2, hidden: 3 };

/**
 * Read core's columns. Fluxes are not drawn on an axis of magnitudes; their number is
 * kept.
 */
export function readLightCurve(answer) {
  const { columns, flags } = answer;
  // Bands by name, so that their chips and colours do not change places.
  const bands = [...answer.passbands].sort();
  const places = answer.passbands.map((name) => bands.indexOf(name));
  const points = {
    version: answer.version,
    count: columns.point_id.length,
    notDrawn: answer.not_magnitudes,
    leftOut: answer.left_out,
    id: Float64Array.from(columns.point_id),
    mjd: Float64Array.from(columns.mjd),
    magnitude: Float64Array.from(columns.magnitude),
    error: Float32Array.from(columns.error, (error) => error ?? 0),
    isLimit: Uint8Array.from(columns.is_limit),
    band: Uint16Array.from(columns.passband, (place) => places[place]),
    facility: Uint16Array.from(columns.facility),
    flags: Uint32Array.from(columns.flags),
    kind: new Uint8Array(columns.point_id.length),
    bands,
    facilities: answer.facilities,
    flagTexts: flags.map((entry) => entry.texts),
  };
  const kinds = flags.map((entry) => {
    if (entry.poor) return KIND.poor;
    return entry.provisional ? KIND.provisional : KIND.good;
  });
  for (let at = 0; at < points.count; at++) {
    points.kind[at] = columns.hidden[at] ? KIND.hidden : kinds[points.flags[at]];
  }
  return points;
}

/** How many points are of a kind. */
export function countOf(points, kind) {
  return points.kind.reduce((sum, one) => sum + (one === kind ? 1 : 0), 0);
}

/** What is to be said of a point's quality, a sentence each. */
export function remarks(points, at) {
  const told = points.flagTexts[points.flags[at]];
  return points.kind[at] === KIND.hidden ? ["Hidden by people.", ...told] : told;
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
