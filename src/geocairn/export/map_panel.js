// The panel beside the map, and the choice among photos.
function writeAnswer(photo) {
  const panel = byId("answer");
  panel.replaceChildren(element("h2", "", photo.name), ...alarms(photo), ...pictureAndBoxes(photo));
  if (photo.levels.length) panel.append(element("h3", "", "Supported levels"), levelList(photo));
  if (photo.candidates.length) panel.append(element("h3", "", "Candidates"), candidateList(photo));
  if (!photo.error) panel.append(element("h3", "", "Clues"), clueList(photo));
  if (photo.truth) panel.append(element("h3", "", "True place"), element("p", "note", photo.truth.words));
  if (photo.claimed) panel.append(element("h3", "", "Claimed, not used"), element("p", "note", photo.claimed.words));
  if (photo.regions.length) panel.append(element("h3", "", "Credible regions"), regionList(photo));
  panel.scrollTop = 0;
  byId("made-by").textContent = photo.error ? "" : `Answered by ${photo.made_by}.`;
}

function alarms(photo) {
  const made = [];
  if (data.note) made.push(alarm("", "Note", data.note));
  if (photo.error) made.push(alarm("error", "This photo could not be placed", photo.error));
  if (photo.abstain) made.push(alarm("", "No answer", `${photo.abstain}. The candidates below are wide and say little.`));
  if (!photo.error && !photo.calibrated) made.push(alarm("", "Never calibrated", "This bundle's probabilities were never checked against photos of known place."));
  return made;
}

const alarm = (kind, title, words) => element("div", `alarm ${kind}`, null, Object.assign(document.createElement("strong"), { textContent: title }), element("span", "", words));

function pictureAndBoxes(photo) {
  if (!photo.picture) return photo.error ? [] : [element("p", "note", "No picture: the photo was not at hand when this page was made.")];
  const { uri, width_px, height_px } = photo.picture;
  const image = Object.assign(new Image(), { src: uri, alt: photo.name, width: width_px, height: height_px });
  image.style.height = "auto";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width_px} ${height_px}`);
  svg.setAttribute("preserveAspectRatio", "none");
  photo.clues.forEach((clue, i) => {
    if (!clue.box_px) return;
    const [left, top, right, bottom] = clue.box_px;
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top), "data-clue": i })) box.setAttribute(key, value);
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = `${clue.kind}: ${clue.text}`;
    box.append(title);
    box.addEventListener("mouseenter", () => light(i, true));
    box.addEventListener("mouseleave", () => light(i, false));
    svg.append(box);
  });
  return [element("figure", "picture", null, element("div", "", null, image, svg))];
}

function light(clue, isLit) {
  for (const part of document.querySelectorAll(`[data-clue="${clue}"]`)) part.classList.toggle("lit", isLit);
}

function levelList(photo) {
  return element("ol", "levels", null, ...photo.levels.map((level) => {
    const bar = element("span", "bar", null, document.createElement("span"));
    bar.firstChild.style.width = `${100 * level.p}%`;
    return element("li", "", null, element("span", "level", level.level), element("span", "name", level.name), element("span", "p", level.words), bar);
  }));
}

function candidateList(photo) {
  return element("ol", "candidates", null, ...photo.candidates.map((candidate) => {
    const button = element("button", "", null, element("span", "rank", String(candidate.rank)), element("span", "", candidate.place), element("span", "note", `${candidate.words} of ${candidate.where}`));
    button.type = "button";
    button.title = "Show on the map";
    button.addEventListener("click", () => showShape(candidate.circle));
    return element("li", "", null, button);
  }));
}

function showShape(index) {
  const { xs, ys } = decodeShape(index);
  const [x, y] = [xs.flat(2), ys.flat(2)];
  const [west, south, east, north] = [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
  const margin = Math.max(0.3 * (east - west), SMALLEST_VIEW_M / 16);
  show([west - margin, south - margin, east + margin, north + margin]);
}

function clueList(photo) {
  if (!photo.clues.length) return element("p", "note", "None: nothing in the photo was read as a sign of its place.");
  return element("ul", "clues", null, ...photo.clues.map((clue, i) => {
    const row = element("li", clue.box_px ? "boxed" : "", null, element("span", "kind", clue.kind), element("span", "text", `“${clue.text}”`), element("div", "note", `speaks for ${clue.supports}; log odds ${clue.log_odds}`));
    row.dataset.clue = i;
    row.addEventListener("mouseenter", () => light(i, true));
    row.addEventListener("mouseleave", () => light(i, false));
    return row;
  }));
}

const regionList = (photo) => element("ul", "", null, ...[...photo.regions].reverse().map((region) => element("li", "note", region.words)));

function writeLegend(photo) {
  const rows = [];
  const row = (className, words, style) => {
    const sign = element("i", className);
    Object.assign(sign.style, style || {});
    rows.push(element("div", "", null, sign, element("span", "", words)));
  };
  if (photo.candidates.length) row("dot", "first candidate", { background: "#b42318", height: "14px" });
  if (photo.candidates.length > 1) row("dot", "other candidates", { background: "#334155", height: "14px" });
  if (photo.candidates.length) row("ring", "radius of a candidate");
  const drawn = photo.regions.filter((region) => data.shapes[region.shape].length);
  [...drawn].reverse().forEach((region) => {
    // Regions lie one on another: the swatch of a small one shows the wider ones through.
    const layers = drawn.filter((wider) => wider.nominal >= region.nominal).map((wider) => `rgba(15, 118, 110, ${fillAlpha(wider.nominal)})`);
    row("", `${Math.round(100 * region.nominal)} % region`, { background: layers.map((color) => `linear-gradient(${color}, ${color})`).join(", "), border: "1px solid rgba(15, 118, 110, 0.5)" });
  });
  if (photo.truth) row("star", "true place");
  if (photo.claimed && photo.claimed.at) row("diamond", "where the file says");
  if (data.photos.length > 1) row("dot", "other photos (click)", { background: "#64748b", flexBasis: "10px", height: "10px", margin: "0 6px" });
  byId("legend").replaceChildren(...rows);
  byId("legend").hidden = !rows.length;
}

function choose(index) {
  current = (index + data.photos.length) % data.photos.length;
  const photo = data.photos[current];
  byId("photos").selectedIndex = current;
  writeAnswer(photo);
  writeLegend(photo);
  drawAnswer(photo);
  showAnswer();
}

function writeChooser() {
  const mark = (photo) => (photo.error ? "✕ " : photo.abstain ? "? " : "");
  byId("photos").append(...data.photos.map((photo) => new Option(mark(photo) + photo.name)));
  byId("photos").addEventListener("change", (event) => choose(event.target.selectedIndex));
  byId("previous").addEventListener("click", () => choose(current - 1));
  byId("next").addEventListener("click", () => choose(current + 1));
  byId("chooser").hidden = data.photos.length < 2 && !data.n_left_out;
  byId("count").textContent = data.n_left_out ? `${data.photos.length} of ${data.photos.length + data.n_left_out} photos; the rest is not on this map` : `${data.photos.length} photos`;
}

async function start() {
  await Bokeh.embed.embed_item(read("figure"), byId("map"));
  plot = source("map");
  drawWorld();
  writeChooser();
  for (const range of [plot.x_range, plot.y_range]) {
    range.properties.start.change.connect(drawMarginsSoon);
    range.properties.end.change.connect(drawMarginsSoon);
  }
  for (const side of [plot.properties.inner_width, plot.properties.inner_height]) side.change.connect(() => view && show(view));
  source("others").selected.properties.indices.change.connect(() => {
    const [row] = source("others").selected.indices;
    if (row !== undefined) choose(source("others").data.index[row]);
  });
  byId("map").addEventListener("mousemove", nameWhatIsUnder);
  byId("map").addEventListener("mouseleave", () => { byId("tip").hidden = true; });
  byId("zoom-in").addEventListener("click", () => zoom(0.6));
  byId("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
  byId("zoom-answer").addEventListener("click", showAnswer);
  byId("zoom-world").addEventListener("click", showWorld);
  if (data.photos.length) choose(0);
  else {
    byId("answer").replaceChildren(element("p", "note", "No photos."));
    byId("legend").hidden = true;
    showWorld();
  }
  document.body.dataset.ready = "yes";
}

start();
