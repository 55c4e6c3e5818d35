// The map: points below; names of clusters, the lasso, the cross and what is pointed at above.
const THUMBNAIL = 48;
// From middle to middle, so that at most a fifth of one is covered.
const BETWEEN = 44;

class PointMap {
  // look(): {points, column, shown, selection, names: [{category, text}], node}; position(row): in the data set.
  constructor(sheets, look) {
    this.sheets = sheets;
    this.look = look;
    this.box = find("map");
    this.canvas = find("points");
    this.overlay = find("overlay");
    this.view = new View(100, 100);
    this.withThumbnails = false;
    this.withNames = true;
    this.outline = null;
    this.cross = null;
    this.pointed = -1;
    this.asked = { points: false, overlay: false };
    new ResizeObserver(() => this.resize()).observe(this.box);
  }

  // Another map or node.
  show(points) {
    this.points = points;
    this.order = shuffledOrder(points.x.length);
    // In the order in which they are drawn: memory is then read from end to end.
    this.drawn = { x: points.x.map((_, i) => points.x[this.order[i]]), y: points.y.map((_, i) => points.y[this.order[i]]) };
    this.medians = null;
    this.view = new View(this.width ?? 100, this.height ?? 100, reachOf(points));
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!this.points || !width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.view.resize(width, height);
    if (this.width === width && this.height === height && this.ratio === ratio) return this.redraw();
    [this.width, this.height, this.ratio] = [width, height, ratio];
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.image = new ImageData(this.canvas.width, this.canvas.height);
    this.painter = new Painter(new Uint32Array(this.image.data.buffer), this.canvas.width, this.canvas.height);
    this.redraw();
  }

  // Another colour, or other points shown or selected.
  recolor() {
    const { column, shown, selection, cluster } = this.look();
    const { order } = this;
    if (this.codesColumn !== column || this.codesOrder !== order) {
      this.rowCodes = codesOf(column);
      this.codes = this.rowCodes.map((_, i) => this.rowCodes[order[i]]);
      [this.codesColumn, this.codesOrder] = [column, order];
    }
    this.plain = new Uint8Array(order.length);
    this.chosen = new Uint8Array(order.length);
    for (let i = 0; i < order.length; i++) {
      if (shown[order[i]]) (selection.marks[order[i]] ? this.chosen : this.plain)[i] = 1;
    }
    this.present = new Uint8Array(cluster?.names.length ?? 0);
    if (cluster) shown.forEach((one, row) => { if (one && cluster.values[row] >= 0) this.present[cluster.values[row]] = 1; });
    this.sparse = null;
    this.redraw();
  }

  redraw() {
    this.ask("points");
    this.ask("overlay");
  }

  ask(layer) {
    if (!this.asked.points && !this.asked.overlay) requestAnimationFrame(() => this.draw());
    this.asked[layer] = true;
  }

  // At once, as before printing.
  drawNow() {
    this.asked = { points: true, overlay: true };
    this.draw();
  }

  draw() {
    const { points, overlay } = this.asked;
    this.asked = { points: false, overlay: false };
    if (!this.painter || !this.codes) return;
    this.colors = readColors();
    if (points) this.drawPoints();
    if (overlay) this.drawOverlay();
  }

  drawPoints() {
    const { colors, painter, view, ratio } = this;
    const { column, shown, selection } = this.look();
    const paper = toPixel(colors.paper);
    this.thumbnailRows = this.withThumbnails ? this.sparseRows() : [];
    painter.pixels.fill(paper);
    const palette = paletteOf(column, colors.unknown);
    const bright = Uint32Array.from(palette, toPixel);
    const faded = selection.size ? Uint32Array.from(palette, (rgb) => toPixel(mixed(rgb, colors.paper, 0.68))) : bright;
    const scene = { ...this.drawn, codes: this.codes, view, ratio };
    const radius = pointRadius(shown.length, view.zoom) * ratio;
    const rim = shown.length <= 6000 ? paper : null;
    paintPoints(painter, scene, this.plain, faded, radius, rim);
    if (selection.size) paintPoints(painter, scene, this.chosen, bright, radius, selection.size <= 6000 ? toPixel(colors.ink) : null);
    const context = this.canvas.getContext("2d");
    context.putImageData(this.image, 0, 0);
    if (this.thumbnailRows.length) this.drawThumbnails(context, palette, selection);
  }

  // Rows that have a thumbnail, selected ones first, those in view: the same wherever the map is moved.
  sparseRows() {
    const { view, order } = this;
    const distance = BETWEEN / view.scale;
    if (this.sparse?.distance !== distance) {
      const places = sparsePlaces(this.drawn, [this.chosen, this.plain], distance);
      this.sparse = { distance, rows: places.map((place) => order[place]) };
    }
    const reach = THUMBNAIL / 2;
    const [left, top] = view.toMap(-reach, -reach);
    const [right, bottom] = view.toMap(this.width + reach, this.height + reach);
    const { x, y } = this.points;
    return this.sparse.rows.filter((row) => x[row] >= left && x[row] <= right && y[row] >= bottom && y[row] <= top);
  }

  drawThumbnails(context, palette, selection) {
    const { ratio, view } = this;
    const side = Math.round(THUMBNAIL * ratio);
    // Selected ones above.
    for (const row of this.thumbnailRows.slice().reverse()) {
      const [x, y] = view.toScreen(this.points.x[row], this.points.y[row]);
      const left = Math.round(x * ratio - side / 2);
      const top = Math.round(y * ratio - side / 2);
      const position = this.look().position(row);
      const bitmap = this.sheets.peek(position);
      if (bitmap) {
        const line = Math.round((selection.has(row) ? 3 : 2) * ratio);
        context.fillStyle = toHex(selection.has(row) ? this.colors.ink : palette[this.rowCodes[row]]);
        context.fillRect(left - line, top - line, side + 2 * line, side + 2 * line);
        context.drawImage(bitmap, left, top, side, side);
      } else if (bitmap === undefined) {
        this.sheets.get(position).then((found) => found && this.ask("points"));
      }
    }
  }

  drawOverlay() {
    const { ratio, width, height, colors } = this;
    const context = this.overlay.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (this.withNames) this.drawNames(context);
    if (this.pointed >= 0) {
      const [x, y] = this.view.toScreen(this.points.x[this.pointed], this.points.y[this.pointed]);
      const radius = pointRadius(this.points.x.length, this.view.zoom) + 4;
      for (const [line, color] of [[5, colors.paper], [2.5, colors.ink]]) {
        context.lineWidth = line;
        context.strokeStyle = toHex(color);
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.stroke();
      }
    }
    if (this.outline) this.drawOutline(context);
    if (this.cross) this.drawCross(context);
  }

  drawNames(context) {
    const { names, cluster } = this.look();
    if (!cluster) return;
    this.medians ??= mediansOf(this.points, cluster.values, cluster.names.length);
    context.font = "600 13px system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    const boxes = this.medians.filter((one) => this.present[one.category]).sort((a, b) => b.size - a.size || a.category - b.category)
      .map((one) => {
        const text = shortened(names[one.category], 26);
        const [x, y] = this.view.toScreen(one.x, one.y);
        return { category: one.category, text, x, y, width: context.measureText(text).width + 10, height: 20 };
      })
      .filter((box) => box.x > 0 && box.y > 0 && box.x < this.width && box.y < this.height);
    this.placed = placeBoxes(boxes);
    context.lineJoin = "round";
    for (const box of this.placed) {
      context.lineWidth = 4;
      context.strokeStyle = toHex(this.colors.paper);
      context.strokeText(box.text, box.x, box.y);
      context.fillStyle = toHex(this.colors.ink);
      context.fillText(box.text, box.x, box.y);
    }
  }

  drawOutline(context) {
    const corners = this.outline.corners.map(([x, y]) => this.view.toScreen(x, y));
    if (this.outline.kind === "rectangle" && corners.length > 1) {
      const [[x1, y1], [x2, y2]] = [corners[0], corners.at(-1)];
      corners.splice(0, corners.length, [x1, y1], [x2, y1], [x2, y2], [x1, y2]);
    }
    context.beginPath();
    corners.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    const accent = toHex(this.colors.accent);
    context.fillStyle = `${accent}22`;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = accent;
    context.stroke();
    context.fillStyle = accent;
    if (this.outline.byKeys) for (const [x, y] of corners) context.fillRect(x - 3, y - 3, 6, 6);
  }

  drawCross(context) {
    const [x, y] = this.cross;
    for (const [line, color] of [[4, this.colors.paper], [1.5, this.colors.ink]]) {
      context.lineWidth = line;
      context.strokeStyle = toHex(color);
      context.beginPath();
      context.moveTo(x - 14, y);
      context.lineTo(x + 14, y);
      context.moveTo(x, y - 14);
      context.lineTo(x, y + 14);
      context.stroke();
    }
  }

  // The shown row near a place on the screen, −1 for none; a thumbnail lies above points.
  rowAt(x, y, reach = 14) {
    const above = this.thumbnailRows?.find((row) => {
      const [left, top] = this.view.toScreen(this.points.x[row], this.points.y[row]);
      return Math.abs(left - x) <= THUMBNAIL / 2 && Math.abs(top - y) <= THUMBNAIL / 2;
    });
    return above ?? nearestPoint(this.points, this.look().shown, ...this.view.toMap(x, y), reach / this.view.scale);
  }

  point(row) {
    if (this.pointed === row) return;
    this.pointed = row;
    this.ask("overlay");
  }
}

// The page's colours as they are now: the reader's scheme, or print.
function readColors() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => toRgb(style.getPropertyValue(`--${name}`).trim());
  return { paper: read("paper"), ink: read("ink"), accent: read("accent"), unknown: read("unknown") };
}
