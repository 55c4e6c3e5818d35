// Colours: of categories as they come, of numbers from viridis (van der Walt and Smith 2015), which is even to the eye
// and keeps its order without red or green, and in grey.
const VIRIDIS = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151",
  "#bddf26", "#fde725"];
const STEPS = 128;

const toRgb = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
const toHex = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
const mixed = (a, b, share) => a.map((part, i) => part + (b[i] - part) * share);
// As a pixel of an ImageData, read as one number of 32 bits.
const toPixel = ([red, green, blue]) => ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;

function rampColor(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const from = Math.min(VIRIDIS.length - 2, Math.floor(place));
  return toHex(mixed(toRgb(VIRIDIS[from]), toRgb(VIRIDIS[from + 1]), place - from));
}

// From where to where numbers differ in colour: a few that lie far out would leave one colour to all others.
function colorRange(values) {
  const known = Float64Array.from(values).filter((value) => !Number.isNaN(value)).sort();
  return known.length ? [known[Math.floor(0.01 * (known.length - 1))], known[Math.ceil(0.99 * (known.length - 1))]] : [0, 0];
}

// Once for each column, for all are sorted.
const spanOf = (column) => (column.span ??= colorRange(column.values));
const shareOf = (value, [low, high]) => (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5);

// Which entry of a palette each row has; the last entry is for what is not known.
function codesOf(column) {
  if (column.names) return Uint16Array.from(column.values, (value) => (value < 0 ? column.names.length : value));
  const range = spanOf(column);
  return Uint16Array.from(column.values, (value) => (Number.isNaN(value) ? STEPS : Math.round(shareOf(value, range) * (STEPS - 1))));
}

function paletteOf(column, unknown) {
  const known = column.names ? column.colors.map(toRgb)
    : Array.from({ length: STEPS }, (_, step) => toRgb(rampColor(step / (STEPS - 1))));
  return [...known, unknown];
}
