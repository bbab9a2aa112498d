// The answer on the map, and what part of the world is shown.
const source = (name) => Bokeh.documents[0].get_model_by_name(name);

function decodeShape(index) {
  const xs = [], ys = [];
  for (const polygon of data.shapes[index]) {
    const px = [], py = [];
    for (const steps of polygon) {
      const rx = [], ry = [];
      let x = 0, y = 0;
      for (let i = 0; i < steps.length; i += 2) {
        x += steps[i];
        y += steps[i + 1];
        rx.push(x * data.step_m);
        ry.push(y * data.step_m);
      }
      px.push(rx);
      py.push(ry);
    }
    xs.push(px);
    ys.push(py);
  }
  return { xs, ys };
}

function drawAnswer(photo) {
  const regions = photo.regions.map((region) => ({ ...region, ...decodeShape(region.shape) })).filter((region) => region.xs.length);
  source("regions").data = {
    xs: regions.map((region) => region.xs),
    ys: regions.map((region) => region.ys),
    fill_alpha: regions.map((region) => fillAlpha(region.nominal)),
    line_alpha: regions.map((region) => (region.nominal > 0.9 ? 0.35 : 0.6)),
    label: regions.map((region) => region.words),
  };
  const circles = photo.candidates.map((candidate) => decodeShape(candidate.circle));
  const colors = photo.candidates.map((candidate) => (candidate.rank === 1 ? "#b42318" : "#334155"));
  source("circles").data = { xs: circles.map((circle) => circle.xs), ys: circles.map((circle) => circle.ys), color: colors };
  // The best candidate is drawn last, on top.
  const drawn = photo.candidates.map((candidate, i) => ({ ...candidate, color: colors[i] })).reverse();
  source("candidates").data = {
    x: drawn.map((candidate) => candidate.at[0]),
    y: drawn.map((candidate) => candidate.at[1]),
    color: drawn.map((candidate) => candidate.color),
    number: drawn.map((candidate) => String(candidate.rank)),
    rank: drawn.map((candidate) => String(candidate.rank)),
    size: drawn.map((candidate) => (candidate.rank === 1 ? 25 : 20)),
    name: drawn.map((candidate) => candidate.short),
    short: drawn.map((candidate) => candidate.short),
    label: drawn.map((candidate) => `${candidate.rank}. ${candidate.place}: ${candidate.words}`),
  };
  for (const name of ["claimed", "truth"]) {
    const points = photo[name] && photo[name].at ? [photo[name]] : [];
    source(name).data = { x: points.map((point) => point.at[0]), y: points.map((point) => point.at[1]), label: points.map((point) => point.words) };
  }
  drawOthers(photo);
}

// Where markers crowd, only the best one of the crowd keeps its number and name. Candidates stand from last to first.
function declutter() {
  const { x, y, number, name, ...rest } = source("candidates").data;
  const perPixel = (plot.x_range.end - plot.x_range.start) / plot.inner_width;
  const isFree = x.map((_, i) => x.slice(i + 1).every((_, j) => Math.hypot(x[i + 1 + j] - x[i], y[i + 1 + j] - y[i]) > 24 * perPixel));
  const rank = number.map((words, i) => (isFree[i] ? words : ""));
  if (rank.join() === rest.rank.join()) return;
  source("candidates").data = { ...rest, x, y, number, name, rank, short: name.map((words, i) => (isFree[i] ? words : "")) };
}

// Bokeh says what is under the mouse; of several things the one on top is named. Regions stand from wide to narrow.
function nameWhatIsUnder(event) {
  const tip = byId("tip");
  const pane = byId("map-pane").getBoundingClientRect();
  requestAnimationFrame(() => {
    const [label] = ["candidates", "truth", "claimed", "others", "regions"].flatMap((name) => {
      const found = source(name).inspected.indices;
      return found.length ? [source(name).data.label[Math.max(...found)]] : [];
    });
    tip.hidden = label === undefined;
    tip.textContent = label || "";
    const [x, y] = [event.clientX - pane.left, event.clientY - pane.top];
    tip.style.left = `${x > pane.width / 2 ? x - 14 - tip.offsetWidth : x + 14}px`;
    tip.style.top = `${Math.max(4, Math.min(pane.height - tip.offsetHeight - 4, y + 12))}px`;
  });
}

const fillAlpha = (nominal) => (nominal > 0.9 ? 0.16 : nominal > 0.6 ? 0.24 : 0.34);

// The first candidates of all other photos, each moved to this photo's side of the world.
function drawOthers(photo) {
  const middle = photo.candidates.length ? photo.candidates[0].at[0] : 0;
  const others = data.photos.map((other, index) => ({ other, index })).filter(({ other, index }) => index !== current && other.candidates.length);
  source("others").data = {
    x: others.map(({ other }) => other.candidates[0].at[0] + TURN_M * Math.round((middle - other.candidates[0].at[0]) / TURN_M)),
    y: others.map(({ other }) => other.candidates[0].at[1]),
    label: others.map(({ other }) => `${other.name}: ${other.candidates[0].place}`),
    index: others.map(({ index }) => index),
  };
  source("others").selected.indices = [];
}

function show(box) {
  view = box;
  const [width, height] = [plot.inner_width, plot.inner_height];
  if (!(width > 0 && height > 0)) return;
  const [west, south, east, north] = box;
  const perPixel = Math.min(Math.max((east - west) / width, (north - south) / height), TURN_M / width);
  const [x, y] = [(west + east) / 2, Math.max(-EDGE_M, Math.min(EDGE_M, (south + north) / 2))];
  plot.x_range.setv({ start: x - perPixel * width / 2, end: x + perPixel * width / 2 });
  plot.y_range.setv({ start: y - perPixel * height / 2, end: y + perPixel * height / 2 });
}

function showAnswer() {
  const box = data.photos[current] && data.photos[current].view;
  if (!box) return showWorld();
  const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const margin = 1.25;
  const [dx, dy] = [(box[2] - box[0]) / 2, (box[3] - box[1]) / 2].map((half) => Math.max(half * margin, SMALLEST_VIEW_M));
  show([x - dx, y - dy, x + dx, y + dy]);
}

function showWorld() {
  const photo = data.photos[current];
  const x = photo && photo.candidates.length ? photo.candidates[0].at[0] : 0;
  show([x - TURN_M / 2, mercator(0, -58)[1], x + TURN_M / 2, mercator(0, 76)[1]]);
}

function zoom(factor) {
  for (const range of [plot.x_range, plot.y_range]) {
    const [middle, half] = [(range.start + range.end) / 2, (range.end - range.start) / 2 * factor];
    range.setv({ start: middle - half, end: middle + half });
  }
}
