// The place where one image is judged: zoom, position, contrast, the map over it.
const STEP = 1.25;

class Stage {
  constructor(changed) {
    this.box = find("stage");
    this.canvas = find("picture");
    this.cover = find("overlay");
    this.changed = changed;
    this.contrast = this.brightness = 1;
    this.covered = false;
    this.index = -1;
    this.result = undefined;
    this.fitted = true;
    const observer = new ResizeObserver(([entry]) => this.resize(entry.devicePixelContentBoxSize?.[0]));
    try {
      // Exact where a pixel of the page is 1.25 pixels of the screen.
      observer.observe(this.box, { box: "device-pixel-content-box" });
    } catch {
      observer.observe(this.box);
    }
    this.box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.box.addEventListener("pointerdown", (event) => this.drag(event));
  }

  // Without result: the image is still being decoded.
  show(index, result) {
    if (index !== this.index) this.fitted = true;
    this.index = index;
    this.result = result;
    this.draw();
  }

  get bitmap() {
    return this.result?.bitmap ?? null;
  }

  get fitScale() {
    return Math.min(this.canvas.width / this.bitmap.width, this.canvas.height / this.bitmap.height);
  }

  resize(exact) {
    const ratio = window.devicePixelRatio;
    for (const canvas of [this.canvas, this.cover]) {
      canvas.width = Math.max(1, exact?.inlineSize ?? Math.round(this.box.clientWidth * ratio));
      canvas.height = Math.max(1, exact?.blockSize ?? Math.round(this.box.clientHeight * ratio));
    }
    this.draw();
  }

  draw() {
    const { width, height } = this.canvas;
    const missing = find("missing");
    missing.hidden = !this.result?.problem;
    missing.textContent = this.result?.problem ?? "";
    const context = this.canvas.getContext("2d");
    const above = this.cover.getContext("2d");
    context.clearRect(0, 0, width, height);
    above.clearRect(0, 0, width, height);
    if (this.bitmap) {
      if (this.fitted) this.scale = this.fitScale;
      const size = [this.bitmap.width * this.scale, this.bitmap.height * this.scale];
      if (this.fitted) this.x = this.y = 0;
      this.x = keepInside(this.x, size[0], width);
      this.y = keepInside(this.y, size[1], height);
      // Pixels are shown as they are once there is room for them.
      context.imageSmoothingEnabled = this.scale < 1;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.bitmap, this.x, this.y, ...size);
      if (this.covered && this.result.overlay) {
        above.imageSmoothingQuality = "high";
        above.drawImage(this.result.overlay, this.x, this.y, ...size);
      }
    }
    this.canvas.style.filter = `brightness(${this.brightness}) contrast(${this.contrast})`;
    const shown = this.result ? this.index : -1;
    if (this.box.dataset.shown !== String(shown)) this.box.dataset.shown = shown;
    this.changed();
  }

  // About a point of the canvas, by default its middle.
  zoomTo(scale, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    if (!this.bitmap) return;
    const least = Math.min(1, this.fitScale);
    const next = Math.min(64, Math.max(least, scale));
    this.x = x - ((x - this.x) * next) / this.scale;
    this.y = y - ((y - this.y) * next) / this.scale;
    this.scale = next;
    this.fitted = Math.abs(next - this.fitScale) < 1e-9;
    this.draw();
  }

  zoomBy(factor, x, y) {
    this.zoomTo(this.scale * factor, x, y);
  }

  fit() {
    this.fitted = true;
    this.draw();
  }

  moveBy(x, y) {
    if (!this.bitmap) return;
    this.fitted = false;
    this.x += x;
    this.y += y;
    this.draw();
  }

  adjust(contrast, brightness) {
    this.contrast = limit(this.contrast * contrast);
    this.brightness = limit(this.brightness * brightness);
    this.draw();
  }

  resetTones() {
    this.contrast = this.brightness = 1;
    this.draw();
  }

  toggleCover() {
    this.covered = !this.covered;
    this.draw();
  }

  wheel(event) {
    event.preventDefault();
    const box = this.box.getBoundingClientRect();
    const ratio = window.devicePixelRatio;
    const factor = Math.exp(-Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 400));
    this.zoomBy(factor, (event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio);
  }

  drag(event) {
    if (event.button !== 0) return;
    let [x, y] = [event.clientX, event.clientY];
    const move = (moved) => {
      const ratio = window.devicePixelRatio;
      this.moveBy((moved.clientX - x) * ratio, (moved.clientY - y) * ratio);
      [x, y] = [moved.clientX, moved.clientY];
    };
    this.box.setPointerCapture(event.pointerId);
    this.box.addEventListener("pointermove", move);
    const stop = () => this.box.removeEventListener("pointermove", move);
    this.box.addEventListener("pointerup", stop, { once: true });
    this.box.addEventListener("pointercancel", stop, { once: true });
  }
}

// A side that fits is centred; a longer one leaves no gap.
function keepInside(start, length, room) {
  // Whole pixels, so that at 1:1 none is smeared over two.
  return length <= room ? Math.round((room - length) / 2) : Math.min(0, Math.max(room - length, start));
}

// Without an end, a picture could become all black or all white for good.
function limit(factor) {
  const next = Math.min(5, Math.max(0.2, factor));
  return Math.abs(next - 1) < 1e-6 ? 1 : next;
}
