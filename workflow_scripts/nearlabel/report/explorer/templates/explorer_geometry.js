// Where points are: on the map, whose axes go from 0 to EXTENT, and on the screen, whose y points down.
const EXTENT = 65534;
const MARGIN = 0.06;
const LARGEST_ZOOM = 2000;

// What part of the map is seen, in pixels of the page.
class View {
  // The points reach so far along the axes, around the middle.
  constructor(width, height, reach = [EXTENT, EXTENT]) {
    this.width = width;
    this.height = height;
    this.reach = reach;
    this.fit();
  }

  get fitted() {
    return Math.min(this.width / this.reach[0], this.height / this.reach[1]) * (1 - 2 * MARGIN);
  }

  // Pixels to a unit of the map.
  get scale() {
    return this.fitted * this.zoom;
  }

  fit() {
    this.zoom = 1;
    this.x = this.y = EXTENT / 2;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  pan(right, down) {
    this.x = Math.min(EXTENT, Math.max(0, this.x - right / this.scale));
    this.y = Math.min(EXTENT, Math.max(0, this.y + down / this.scale));
  }

  // The place under (x, y) stays there.
  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    const [mapX, mapY] = this.toMap(x, y);
    this.zoom = Math.min(LARGEST_ZOOM, Math.max(0.5, this.zoom * factor));
    this.x = mapX - (x - this.width / 2) / this.scale;
    this.y = mapY + (y - this.height / 2) / this.scale;
    this.pan(0, 0);
  }

  toMap(x, y) {
    return [this.x + (x - this.width / 2) / this.scale, this.y - (y - this.height / 2) / this.scale];
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2];
  }
}

function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

// How far points reach along the axes; of one place, all of the map.
function reachOf(points) {
  const reaches = [points.x, points.y].map((all) => {
    const range = rangeOf(all);
    return range ? range[1] - range[0] : 0;
  });
  const longest = Math.max(...reaches) || EXTENT;
  return reaches.map((one) => Math.max(one, longest / 20));
}

// Rows that are shown and lie within a polygon, by the even-odd rule.
function pointsInPolygon(points, shown, polygon) {
  const count = polygon.length;
  const px = Float64Array.from(polygon, (corner) => corner[0]);
  const py = Float64Array.from(polygon, (corner) => corner[1]);
  const [left, right] = [Math.min(...px), Math.max(...px)];
  const [bottom, top] = [Math.min(...py), Math.max(...py)];
  const found = [];
  for (let row = 0; row < shown.length; row++) {
    const x = points.x[row];
    const y = points.y[row];
    if (!shown[row] || x < left || x > right || y < bottom || y > top) continue;
    let inside = false;
    for (let i = 0, j = count - 1; i < count; j = i++) {
      if (py[i] > y !== py[j] > y && x < ((px[j] - px[i]) * (y - py[i])) / (py[j] - py[i]) + px[i]) inside = !inside;
    }
    if (inside) found.push(row);
  }
  return found;
}

function pointsInRectangle(points, shown, [x1, y1], [x2, y2]) {
  const [left, right] = x1 < x2 ? [x1, x2] : [x2, x1];
  const [bottom, top] = y1 < y2 ? [y1, y2] : [y2, y1];
  const found = [];
  for (let row = 0; row < shown.length; row++) {
    const x = points.x[row];
    const y = points.y[row];
    if (shown[row] && x >= left && x <= right && y >= bottom && y <= top) found.push(row);
  }
  return found;
}

// The shown row nearest a place, −1 where none is within the radius. Looking at all costs 0.2 ms for 100,000.
function nearestPoint(points, shown, x, y, radius) {
  let best = radius * radius;
  let nearest = -1;
  for (let row = 0; row < shown.length; row++) {
    const dx = points.x[row] - x;
    const dy = points.y[row] - y;
    const distance = dx * dx + dy * dy;
    if (distance <= best && shown[row]) {
      best = distance;
      nearest = row;
    }
  }
  return nearest;
}

// The order in which points are drawn: the same at every opening, and no category lies over all others.
function shuffledOrder(count) {
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  let state = 0x9e3779b9;
  for (let i = count - 1; i > 0; i--) {
    // Marsaglia's xorshift (2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Places of a list that are no nearer to each other than a distance, along both axes at once: the first ones that fit,
// of those that wanted[0] marks, then of wanted[1], ….
function sparsePlaces({ x, y }, wanted, distance) {
  const taken = new Map();
  const found = [];
  for (const marks of wanted) {
    for (let i = 0; i < marks.length; i++) {
      if (!marks[i]) continue;
      const column = Math.floor(x[i] / distance);
      const line = Math.floor(y[i] / distance);
      let free = true;
      for (let cell = 0; free && cell < 9; cell++) {
        const other = taken.get((column + (cell % 3) - 1) * 1e7 + line + Math.floor(cell / 3) - 1);
        free = other === undefined || Math.abs(x[other] - x[i]) >= distance || Math.abs(y[other] - y[i]) >= distance;
      }
      if (!free) continue;
      // No second one fits into a square of that side.
      taken.set(column * 1e7 + line, i);
      found.push(i);
    }
  }
  return found;
}

// Where the middle of each category is: medians of x and y, and how many points it has; none where it has no point.
function mediansOf(points, values, categories) {
  const rows = Array.from({ length: categories }, () => []);
  for (let row = 0; row < values.length; row++) if (values[row] >= 0) rows[values[row]].push(row);
  const median = (all, own) => {
    const sorted = Float32Array.from(own, (row) => all[row]).sort();
    return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  };
  return rows.map((own, category) => own.length
    ? { category, size: own.length, x: median(points.x, own), y: median(points.y, own) } : null).filter(Boolean);
}

// Boxes {x, y, width, height} around their middles, the most important first: those that overlap no other one, moved
// up or down a little where that helps.
function placeBoxes(boxes, gap = 2) {
  const placed = [];
  for (const box of boxes) {
    for (const step of [0, -1, 1]) {
      const y = box.y + step * (box.height + gap);
      const free = placed.every((other) => Math.abs(other.x - box.x) * 2 >= other.width + box.width + gap ||
        Math.abs(other.y - y) * 2 >= other.height + box.height + gap);
      if (!free) continue;
      placed.push({ ...box, y });
      break;
    }
  }
  return placed;
}
