// Draws the points on uPlot's canvas: error bars, points, limits as arrows.

import { KIND } from "./points.js";

const MANY = 4000;

/** The transformation from values to canvas pixels; magnitudes grow downwards. */
export function projection(u) {
  const { left, top, width, height } = u.bbox;
  const { min: xMin, max: xMax } = u.scales.x;
  const { min: yMin, max: yMax } = u.scales.y;
  const perDay = width / (xMax - xMin);
  const perMag = height / (yMax - yMin);
  return {
    x: (mjd) => left + (mjd - xMin) * perDay,
    y: (magnitude) => top + (magnitude - yMin) * perMag,
    perMag,
  };
}

/**
 * Draw the points from index `from` up to `to`, band by band. Settled ones are full,
 * those of a provisional passband hollow, poor ones hollow and grey, hidden ones grey
 * crosses; limits are arrows of the same colours.
 */
export function drawPoints(u, points, from, to, { colours, doubtful, isShown, ratio }) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const project = projection(u);
  const many = to - from > MANY;
  // What counts less lies below.
  for (const kind of [KIND.hidden, KIND.poor, KIND.provisional, KIND.good]) {
    for (let band = 0; band < points.bands.length; band++) {
      if (!isShown(band)) continue;
      const batch = collect(points, from, to, { band, kind, project, bbox, many });
      const colour = kind >= KIND.poor ? doubtful : colours[band];
      ctx.strokeStyle = colour;
      ctx.fillStyle = colour;
      if (kind === KIND.hidden) drawCrosses(ctx, batch, ratio);
      else {
        drawBars(ctx, batch, ratio, many, kind === KIND.poor);
        if (kind === KIND.good) drawDots(ctx, batch, ratio, many);
        else drawRings(ctx, batch, ratio, many);
        drawLimits(ctx, batch, ratio);
      }
    }
  }
  ctx.restore();
}

/**
 * Positions of one band's points of a kind. Of very many points those that would fall
 * on a pixel already covered are left out: the picture stays the same. A covered
 * pixel keeps its longest error bar.
 */
function collect(points, from, to, { band, kind, project, bbox, many }) {
  const batch = { dots: [], bars: [], limits: [] };
  const longest = many ? new Map() : null;
  for (let at = from; at < to; at++) {
    if (points.band[at] !== band || points.kind[at] !== kind) continue;
    const x = project.x(points.mjd[at]);
    const y = project.y(points.magnitude[at]);
    const bar = points.error[at] * project.perMag;
    if (points.isLimit[at] && kind !== KIND.hidden) batch.limits.push(x, y);
    else if (longest === null) {
      batch.dots.push(x, y);
      batch.bars.push(x, y, bar);
    } else {
      const pixel = Math.round(y) * 16384 + Math.round(x);
      const known = longest.get(pixel);
      if (known === undefined || known < bar) longest.set(pixel, bar);
    }
  }
  for (const [pixel, bar] of longest ?? []) {
    const x = pixel & 16383;
    const y = (pixel - x) / 16384;
    if (y < bbox.top - bar || y > bbox.top + bbox.height + bar) continue;
    batch.dots.push(x, y);
    batch.bars.push(x, y, bar);
  }
  return batch;
}

function drawBars(ctx, { bars }, ratio, many, dashed) {
  const cap = many ? 0 : 2.5 * ratio;
  const shortest = 3.5 * ratio;
  ctx.globalAlpha = many ? 0.35 : 0.6;
  ctx.lineWidth = ratio;
  if (dashed && !many) ctx.setLineDash([2 * ratio, 2 * ratio]);
  ctx.beginPath();
  for (let at = 0; at < bars.length; at += 3) {
    const x = Math.round(bars[at]) + 0.5;
    const bar = bars[at + 2];
    if (!(bar > shortest)) continue;
    const y = bars[at + 1];
    ctx.moveTo(x, y - bar);
    ctx.lineTo(x, y - shortest);
    ctx.moveTo(x, y + shortest);
    ctx.lineTo(x, y + bar);
    if (cap === 0) continue;
    ctx.moveTo(x - cap, y - bar);
    ctx.lineTo(x + cap, y - bar);
    ctx.moveTo(x - cap, y + bar);
    ctx.lineTo(x + cap, y + bar);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function drawDots(ctx, { dots }, ratio, many) {
  if (many) {
    drawSquares(ctx, dots, ratio);
    return;
  }
  ctx.beginPath();
  circles(ctx, dots, 3.2 * ratio);
  ctx.fill();
}

/** Hollow points; among very many a ring is no more than a paler square. */
function drawRings(ctx, { dots }, ratio, many) {
  if (many) {
    ctx.globalAlpha = 0.5;
    drawSquares(ctx, dots, ratio);
    ctx.globalAlpha = 1;
    return;
  }
  ctx.lineWidth = 1.4 * ratio;
  ctx.beginPath();
  circles(ctx, dots, 2.9 * ratio);
  ctx.stroke();
}

function drawSquares(ctx, dots, ratio) {
  const size = Math.round(2 * ratio);
  for (let at = 0; at < dots.length; at += 2) {
    ctx.fillRect(dots[at] - size / 2, dots[at + 1] - size / 2, size, size);
  }
}

function circles(ctx, dots, radius) {
  for (let at = 0; at < dots.length; at += 2) {
    ctx.moveTo(dots[at] + radius, dots[at + 1]);
    ctx.arc(dots[at], dots[at + 1], radius, 0, 2 * Math.PI);
  }
}

/** A limit: the target is fainter, so the arrow points down, where faint is. */
function drawLimits(ctx, { limits }, ratio) {
  const half = 4 * ratio;
  const length = 11 * ratio;
  const head = 3.5 * ratio;
  ctx.lineWidth = 1.3 * ratio;
  ctx.beginPath();
  for (let at = 0; at < limits.length; at += 2) {
    const x = limits[at];
    const y = limits[at + 1];
    ctx.moveTo(x - half, y);
    ctx.lineTo(x + half, y);
    ctx.moveTo(x, y);
    ctx.lineTo(x, y + length);
    ctx.moveTo(x - head, y + length - head);
    ctx.lineTo(x, y + length);
    ctx.lineTo(x + head, y + length - head);
  }
  ctx.stroke();
}

/** Hidden points, when they are asked for. */
function drawCrosses(ctx, { dots }, ratio) {
  const arm = 3.5 * ratio;
  ctx.lineWidth = 1.4 * ratio;
  ctx.globalAlpha = 0.75;
  ctx.beginPath();
  for (let at = 0; at < dots.length; at += 2) {
    const x = dots[at];
    const y = dots[at + 1];
    ctx.moveTo(x - arm, y - arm);
    ctx.lineTo(x + arm, y + arm);
    ctx.moveTo(x - arm, y + arm);
    ctx.lineTo(x + arm, y - arm);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}
