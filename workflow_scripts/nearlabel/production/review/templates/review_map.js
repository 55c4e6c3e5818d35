// The map of the training images, small, with one new image on it.
const COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99"];
const OTHER = "#99a1a8";
let trainingMap = null;

async function makeMap(place) {
  trainingMap ??= ask("/map").catch((error) => { trainingMap = null; throw error; });
  const points = await trainingMap;
  // Another bundle was put in use, just now.
  if (points.bundle !== BUNDLE.sha256) trainingMap = null;
  if (points.bundle !== BUNDLE.sha256 || !points.x.length) return null;
  const side = 224;
  const ratio = Math.max(1, window.devicePixelRatio);
  const canvas = element("canvas", { width: side * ratio, height: side * ratio });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const at = (step) => 6 + ((side - 12) * step) / 10000;
  // y grows upwards on a map.
  const up = (step) => side - at(step);
  points.x.forEach((x, row) => {
    context.fillStyle = points.label[row] < 0 ? OTHER : COLOURS[points.label[row]] ?? OTHER;
    context.fillRect(at(x) - 1, up(points.y[row]) - 1, 2, 2);
  });
  for (const [width, colour] of [[5, "#ffffff"], [2.5, "#000000"]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(at(place[0]), up(place[1]), 7, 0, 7);
    context.stroke();
  }
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Map of the training images; the ring is this image");
  const legend = element("ul", { className: "legend" }, ...points.labels.slice(0, COLOURS.length).map((label, number) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = COLOURS[number];
    return element("li", {}, swatch, element("bdi", { textContent: visible(label) }));
  }));
  return element("div", { className: "map" }, canvas, legend);
}
