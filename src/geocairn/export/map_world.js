// The world on the map: coasts, margins, the little world in the corner. Words from photos become text nodes (textContent), never markup.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const data = read("data");
const byId = (id) => document.getElementById(id);
const TURN_M = 2 * Math.PI * data.radius_m;
const EDGE_M = mercator(0, data.max_lat_deg)[1];
const SMALLEST_VIEW_M = 80000;
let plot = null;
let current = 0;
let view = null;
let marginsAreDue = false;

function mercator(lon, lat) {
  const limited = Math.max(-data.max_lat_deg, Math.min(data.max_lat_deg, lat)) * Math.PI / 180;
  return [data.radius_m * lon * Math.PI / 180, data.radius_m * Math.asinh(Math.tan(limited))];
}

const degrees = (x) => x / data.radius_m * 180 / Math.PI;
const latitude = (y) => Math.atan(Math.sinh(y / data.radius_m)) * 180 / Math.PI;
const wrapped = (lon) => ((lon + 180) % 360 + 360) % 360 - 180;

function element(tag, className, text, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null) {
    // <bdi> keeps words that run from right to left from turning their neighbours.
    const words = document.createElement("bdi");
    words.textContent = text;
    made.append(words);
  }
  made.append(...children);
  return made;
}

function decodeOutlines() {
  const stored = read("outlines");
  const bytes = Uint8Array.from(atob(stored.points), (letter) => letter.charCodeAt(0));
  const values = new DataView(bytes.buffer);
  return stored.ring_start.slice(0, -1).map((start, ring) => {
    const points = [];
    for (let i = start; i < stored.ring_start[ring + 1]; i++) {
      points.push([values.getInt16(4 * i, true) * stored.grid_deg, values.getInt16(4 * i + 2, true) * stored.grid_deg]);
    }
    return { points, isHole: stored.is_hole[ring] === 1 };
  });
}

// Runs of a closed ring that are coast or border: the edges along the antimeridian and at the pole are where the map was cut.
function coastRuns(points) {
  const isCut = (a, b) => (Math.abs(a[0]) === 180 && a[0] === b[0]) || (a[1] === -90 && b[1] === -90);
  const runs = [];
  let run = [points[0]];
  for (let i = 1; i <= points.length; i++) {
    const point = points[i % points.length];
    if (isCut(points[i - 1], point)) {
      if (run.length > 1) runs.push(run);
      run = [];
    }
    run.push(point);
  }
  if (run.length > 1) runs.push(run);
  return runs;
}

// Three worlds side by side, so that an answer at the antimeridian has land on both sides of it.
function threeWorlds(lines) {
  const columns = { xs: [], ys: [] };
  for (const turn of [-TURN_M, 0, TURN_M]) {
    for (const line of lines) {
      const at = line.map(([lon, lat]) => mercator(lon, lat));
      columns.xs.push(Float64Array.from(at, ([x]) => x + turn));
      columns.ys.push(Float64Array.from(at, ([, y]) => y));
    }
  }
  return columns;
}

function drawWorld() {
  const rings = decodeOutlines();
  drawLocator(rings);
  source("land").data = threeWorlds(rings.filter((ring) => !ring.isHole).map((ring) => ring.points));
  source("borders").data = threeWorlds(rings.flatMap((ring) => coastRuns(ring.points)));
}

// A pan changes four numbers at a time; the margins are drawn once for all of them.
function drawMarginsSoon() {
  if (marginsAreDue) return;
  marginsAreDue = true;
  requestAnimationFrame(() => {
    marginsAreDue = false;
    drawScale();
    drawTicks();
    moveLocator();
    declutter();
  });
}

function drawScale() {
  const y = (plot.y_range.start + plot.y_range.end) / 2;
  const shrink = 1 / Math.cosh(y / data.radius_m);
  const kmPerPixel = (plot.x_range.end - plot.x_range.start) / plot.inner_width * shrink * (6371000 / data.radius_m) / 1000;
  const most = 130 * kmPerPixel;
  const power = 10 ** Math.floor(Math.log10(most));
  const km = [5, 2, 1].map((step) => step * power).find((step) => step <= most);
  byId("scale-bar").style.width = `${km / kmPerPixel}px`;
  byId("scale-words").textContent = km < 1 ? `${Math.round(1000 * km)} m` : `${km.toLocaleString("en")} km`;
}

// Ticks at round degrees, labelled as people write them, on both sides of the antimeridian.
function drawTicks() {
  const side = (value, positive, negative) => `${Math.abs(Number(value.toFixed(4)))}°${value > 0 ? positive : value < 0 ? negative : ""}`;
  const step = tickStep(degrees(plot.x_range.end - plot.x_range.start) / Math.max(2, plot.inner_width / 80));
  const lons = multiples(step, degrees(plot.x_range.start), degrees(plot.x_range.end));
  const lats = multiples(step, latitude(plot.y_range.start), latitude(plot.y_range.end)).filter((lat) => Math.abs(lat) <= data.max_lat_deg);
  setTicks(source("lon-axis"), lons.map((lon) => [mercator(lon, 0)[0], Math.abs(wrapped(lon)) === 180 ? "180°" : side(wrapped(lon), " E", " W")]));
  setTicks(source("lat-axis"), lats.map((lat) => [mercator(0, lat)[1], side(lat, " N", " S")]));
}

function setTicks(axis, ticks) {
  axis.major_label_overrides = new Map(ticks);
  axis.ticker.ticks = ticks.map(([at]) => at);
}

function tickStep(least) {
  const steps = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
  return steps.filter((step) => step >= least).pop() || 60;
}

function multiples(step, low, high) {
  const found = [];
  for (let i = Math.ceil(low / step); i <= Math.floor(high / step); i++) found.push(i * step);
  return found;
}

// The little world in the corner, in plate carree, with a frame round what the map shows.
function drawLocator(rings) {
  const canvas = byId("locator-land");
  const pen = canvas.getContext("2d");
  const [across, down] = [canvas.width / 360, canvas.height / 150];
  pen.fillStyle = "#8fa1ad";
  for (const ring of rings.filter((ring) => !ring.isHole)) {
    pen.beginPath();
    for (const [lon, lat] of ring.points) pen.lineTo((lon + 180) * across, (90 - lat) * down);
    pen.fill();
  }
}

function moveLocator() {
  const [width, height] = [byId("locator").clientWidth, byId("locator").clientHeight];
  const middle = degrees((plot.x_range.start + plot.x_range.end) / 2);
  const half = Math.min(180, degrees(plot.x_range.end - plot.x_range.start) / 2);
  const [south, north] = [plot.y_range.start, plot.y_range.end].map((y) => Math.max(-60, Math.min(90, latitude(y))));
  const left = (wrapped(middle) - half + 180) / 360 * width;
  const frame = { left, top: (90 - north) / 150 * height, width: half / 180 * width, height: (north - south) / 150 * height };
  // A dot-sized frame is drawn larger than it is, or it would not be seen.
  for (const [side, start] of [["width", "left"], ["height", "top"]]) {
    const missing = Math.max(0, 9 - frame[side]);
    frame[side] += missing;
    frame[start] -= missing / 2;
  }
  frame.left = Math.max(0, Math.min(width - frame.width, frame.left));
  byId("locator").hidden = half > 100;
  for (const [key, value] of Object.entries(frame)) byId("locator-frame").style[key] = `${value}px`;
}
