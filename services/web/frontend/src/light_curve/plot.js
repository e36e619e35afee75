// The light curve on uPlot: axes and zoom are uPlot's, the marks are ours.

import uPlot from "../uplot.js";
import { drawPoints } from "./marks.js";
import { coloursOf } from "./passbands.js";
import { KIND, firstFrom, magnitudeRange, remarks } from "./points.js";
import { dateOf } from "./time.js";

const REACH_PX = 14;
const TIP_GAP_PX = 14;
const darkness = matchMedia("(prefers-color-scheme: dark)");

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A plot inside `box`; `onChoose(index)`, `onView(from, to)` tell what people do. */
export class LightCurvePlot {
  constructor(box, { onChoose, onView }) {
    this.box = box;
    this.onChoose = onChoose;
    this.onView = onView;
    this.points = null;
    this.off = new Set();
    this.zoomed = false;
    this.chosen = -1;
    this.u = null;
    this.ring = element("div", "ring");
    this.hoverRing = element("div", "ring hover");
    this.tip = element("div", "tip");
    new ResizeObserver(() => this.u?.setSize(this.#size())).observe(box);
    darkness.addEventListener("change", () => this.#recolour());
    box.addEventListener("keydown", (event) => this.#key(event));
  }

  isShown = (band) => !this.off.has(this.points.bands[band]);

  /** Show these points; the view stays when the same target's curve has grown. */
  show(points, keepView) {
    const kept = keepView && this.u ? { ...this.u.scales.x } : null;
    const chosenId = this.chosen >= 0 ? this.points.id[this.chosen] : null;
    this.points = points;
    this.colours = coloursOf(points.bands, darkness.matches);
    this.chosen = chosenId === null ? -1 : points.id.indexOf(chosenId);
    const data = [points.mjd, points.magnitude];
    if (this.u === null) this.#create(data);
    else this.u.setData(data, true);
    if (kept?.min != null && this.zoomed) this.u.setScale("x", kept);
  }

  /** Take a passband out of the picture or put it back. */
  toggle(band) {
    if (!this.off.delete(band)) this.off.add(band);
    const { min, max } = this.u.scales.x;
    this.u.setScale("x", { min, max });
    this.u.redraw(false, true);
  }

  /** Zoom by a factor about a time (the chosen point, or the middle). */
  zoom(factor, about = null) {
    const { min, max } = this.u.scales.x;
    const centre =
      about ?? (this.chosen >= 0 ? this.points.mjd[this.chosen] : (min + max) / 2);
    const inside = Math.min(Math.max(centre, min), max);
    this.zoomed = true;
    this.u.setScale("x", {
      min: inside - (inside - min) * factor,
      max: inside + (max - inside) * factor,
    });
  }

  /** Show everything. */
  reset() {
    this.zoomed = false;
    this.u.setData(this.u.data, true);
  }

  /** Choose a point by its index. */
  choose(index) {
    this.chosen = index;
    const { min, max } = this.u.scales.x;
    const mjd = this.points.mjd[index];
    if (mjd < min || mjd > max) {
      const half = (max - min) / 2;
      this.u.setScale("x", { min: mjd - half, max: mjd + half });
    }
    this.#placeRings();
    this.onChoose(index);
  }

  #size() {
    const width = Math.max(this.box.clientWidth, 240);
    return { width, height: Math.round(Math.min(Math.max(width * 0.55, 280), 520)) };
  }

  #create(data) {
    const line = { stroke: () => css("--grid"), width: 1 };
    const axis = {
      stroke: () => css("--ink-soft"),
      grid: line,
      ticks: line,
      font: "12px system-ui, sans-serif",
      labelFont: "12px system-ui, sans-serif",
    };
    this.u = new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        cursor: { drag: { x: true, y: true, uni: 40, dist: 5 }, points: { show: false } },
        scales: {
          x: { time: false, range: (_, min, max) => this.#times(min, max) },
          y: { dir: -1, range: (u) => this.#magnitudes(u) },
        },
        series: [{}, { paths: () => null, points: { show: false } }],
        axes: [
          { ...axis, size: 34, labelSize: 22, label: "MJD (UTC)", values: (_, splits) => splits.map(plain) },
          { ...axis, label: "magnitude", size: widthOf, labelSize: 22 },
          {
            ...axis,
            scale: "x",
            side: 0,
            size: 30,
            grid: { show: false },
            space: 110,
            values: (_, splits, __, ___, step) => splits.map((at) => dateOf(at, step)),
          },
        ],
        hooks: {
          draw: [() => this.#draw()],
          setCursor: [() => this.#hover()],
          setSelect: [(u) => (this.zoomed ||= u.select.width > 0)],
          ready: [(u) => this.#listen(u)],
        },
      },
      data,
      this.box,
    );
  }

  /** The range that was zoomed to, else the whole one with a margin. */
  #times(min, max) {
    const { mjd, count } = this.points;
    if (count === 0) return [60000, 60001];
    if (this.zoomed) return [min, max];
    const [first, last] = [mjd[0], mjd[count - 1]];
    const margin = first === last ? 0.5 : (last - first) * 0.03;
    return [first - margin, last + margin];
  }

  /** uPlot asks before it moves its x scale, but the indices are the new ones. */
  #magnitudes(u) {
    const [first, last] = u.series[0].idxs ?? [0, this.points.count - 1];
    return magnitudeRange(this.points, first, last, this.isShown) ?? [15, 20];
  }

  #draw() {
    const { min, max } = this.u.scales.x;
    if (min == null || this.points.count === 0) return;
    const from = firstFrom(this.points, min);
    const to = firstFrom(this.points, max + Number.EPSILON * max);
    drawPoints(this.u, this.points, from, to, {
      colours: this.colours,
      doubtful: css("--doubtful"),
      isShown: this.isShown,
      ratio: uPlot.pxRatio,
    });
    this.#placeRings();
    this.onView(from, to);
  }

  #recolour() {
    if (this.u === null) return;
    this.colours = coloursOf(this.points.bands, darkness.matches);
    this.u.redraw(false, true);
    this.onView(null, null);
  }

  #listen(u) {
    u.over.append(this.ring, this.hoverRing, this.tip);
    let down = null;
    u.over.addEventListener("mousedown", (event) => (down = [event.x, event.y]));
    u.over.addEventListener("click", (event) => {
      if (down && Math.hypot(event.x - down[0], event.y - down[1]) > 4) return;
      const index = this.#nearest();
      if (index >= 0) this.choose(index);
    });
    // Before uPlot's own listener, which then asks for the whole range.
    u.over.addEventListener("dblclick", () => (this.zoomed = false), { capture: true });
    // Without a key the wheel scrolls the page, as everywhere else.
    const wheel = (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.box) return;
      event.preventDefault();
      const about = u.posToVal(u.cursor.left, "x");
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25, about);
    };
    u.over.addEventListener("wheel", wheel, { passive: false });
    u.over.addEventListener("mouseleave", () => this.#unhover());
  }

  /** The shown point nearest to the pointer, within reach; -1 when there is none. */
  #nearest() {
    const { left, top } = this.u.cursor;
    if (left == null || left < 0 || this.points.count === 0) return -1;
    const from = firstFrom(this.points, this.u.posToVal(left - REACH_PX, "x"));
    const until = this.u.posToVal(left + REACH_PX, "x");
    let best = -1;
    let least = REACH_PX;
    for (let at = from; at < this.points.count; at++) {
      if (this.points.mjd[at] > until) break;
      if (!this.isShown(this.points.band[at])) continue;
      const [x, y] = this.#place(at);
      const distance = Math.hypot(x - left, y - top);
      if (distance < least) [best, least] = [at, distance];
    }
    return best;
  }

  #place(index) {
    return [
      this.u.valToPos(this.points.mjd[index], "x"),
      this.u.valToPos(this.points.magnitude[index], "y"),
    ];
  }

  #hover() {
    const index = this.u ? this.#nearest() : -1;
    if (index < 0) {
      this.#unhover();
      return;
    }
    const [x, y] = this.#place(index);
    put(this.hoverRing, x, y);
    this.tip.textContent = describe(this.points, index);
    this.#placeTip(x, y);
    this.u.over.classList.add("on-point");
  }

  /** Beside the point, and never over the edge of the plot. */
  #placeTip(x, y) {
    put(this.tip, 0, 0);
    const { clientWidth, clientHeight } = this.u.over;
    const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight];
    const beside = x > clientWidth / 2 ? x - width - TIP_GAP_PX : x + TIP_GAP_PX;
    const left = Math.min(Math.max(beside, 0), Math.max(clientWidth - width, 0));
    // Where it has no room beside the point it must not lie on it.
    const covers = left < x + TIP_GAP_PX && left + width > x - TIP_GAP_PX;
    const above = y + TIP_GAP_PX + height > clientHeight;
    const top = above && (covers || y > height) ? y - height - TIP_GAP_PX : y + TIP_GAP_PX;
    put(this.tip, left, top);
  }

  #unhover() {
    this.hoverRing.hidden = true;
    this.tip.hidden = true;
    this.u?.over.classList.remove("on-point");
  }

  #placeRings() {
    if (this.chosen < 0 || !this.isShown(this.points.band[this.chosen])) {
      this.ring.hidden = true;
      return;
    }
    const [x, y] = this.#place(this.chosen);
    put(this.ring, x, y);
    const { clientWidth, clientHeight } = this.u.over;
    this.ring.hidden = x < 0 || y < 0 || x > clientWidth || y > clientHeight;
  }

  #key(event) {
    if (this.u === null || this.points.count === 0) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) this.#step(steps[event.key]);
    else if (event.key === "Home") this.#step(1, -1);
    else if (event.key === "End") this.#step(-1, this.points.count);
    else if (event.key === "+" || event.key === "=") this.zoom(0.6);
    else if (event.key === "-") this.zoom(1 / 0.6);
    else if (event.key === "0") this.reset();
    else return;
    event.preventDefault();
  }

  /** Go on to the next shown point in time. */
  #step(direction, start = null) {
    const before = direction > 0 ? firstFrom(this.points, this.u.scales.x.min) - 1 : this.points.count;
    let at = start ?? (this.chosen >= 0 ? this.chosen : before);
    do at += direction;
    while (at >= 0 && at < this.points.count && !this.isShown(this.points.band[at]));
    if (at >= 0 && at < this.points.count) this.choose(at);
  }
}

/** What a point is, and what is to be said of its quality. */
export function describe(points, at) {
  const magnitude = points.magnitude[at].toFixed(3);
  const error = points.error[at] ? ` ± ${points.error[at].toFixed(3)}` : "";
  const value = points.isLimit[at]
    ? `> ${points.magnitude[at].toFixed(2)} mag`
    : `${magnitude}${error} mag`;
  const band = points.bands[points.band[at]];
  const first = `${value} ${band}\n${dateOf(points.mjd[at])} UTC`;
  const told = points.kind[at] === KIND.good ? [] : remarks(points, at);
  return [first, ...told].join("\n");
}

/** Splits of an axis without group separators: an MJD is not a sum of money. */
function plain(value) {
  return String(Number(value.toFixed(6)));
}

/** Room for the longest number beside an axis. */
function widthOf(_, values) {
  const longest = Math.max(4, ...(values ?? []).map((value) => value.length));
  return 16 + 7.5 * longest;
}

function element(name, className) {
  const made = document.createElement(name);
  made.className = className;
  made.hidden = true;
  return made;
}

function put(what, x, y) {
  what.style.transform = `translate(${x}px, ${y}px)`;
  what.hidden = false;
}
