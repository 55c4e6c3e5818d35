// The image itself: fitted, zoomed, moved, with the map of its novelty over it.
const STEP = 1.4;

class Stage {
  constructor() {
    this.box = find("stage");
    this.sheet = find("sheet");
    this.picture = find("picture");
    this.cover = find("cover");
    this.pointers = new Map();
    this.scale = 1;
    this.x = this.y = 0;
    this.fitted = true;
    this.covered = false;
    this.picture.addEventListener("load", () => {
      // An image without a size of its own would be shown as nothing.
      this.size = [this.picture.naturalWidth || 1, this.picture.naturalHeight || 1];
      this.box.dataset.shown = this.image;
      this.draw();
    });
    this.picture.addEventListener("error", () => this.fail());
    this.cover.addEventListener("load", () => { this.box.dataset.covered = this.image; this.sayCover("Orange: covered there, the image would be less novel."); });
    this.cover.addEventListener("error", () => this.failCover());
    new ResizeObserver(() => this.draw()).observe(this.box);
    this.box.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomAt(Math.exp(-Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 400)), ...this.inside(event));
    }, { passive: false });
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.box.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, this.inside(event));
    });
    this.box.addEventListener("pointermove", (event) => this.pointers.has(event.pointerId) && this.move(event));
    for (const end of ["pointerup", "pointercancel"]) this.box.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
  }

  show(image) {
    if (image === this.image) return;
    this.image = image;
    this.size = null;
    this.fitted = true;
    find("missing").hidden = true;
    this.picture.hidden = false;
    this.picture.src = `/files/${image}`;
    this.loadCover();
  }

  async fail() {
    const image = this.image;
    const answer = await fetch(`/files/${image}`).catch(() => null);
    if (image !== this.image) return;
    const reason = !answer ? "The server does not answer." : answer.ok ? "This browser cannot show the file." : await answer.text();
    this.picture.hidden = true;
    find("missing").textContent = reason;
    find("missing").hidden = false;
  }

  toggleCover() {
    this.covered = !this.covered;
    this.loadCover();
  }

  loadCover() {
    clearTimeout(this.covering);
    find("overlayButton").setAttribute("aria-pressed", this.covered);
    this.cover.hidden = !this.covered;
    if (!this.covered) return this.sayCover("");
    const source = `/novelty/${this.image}`;
    if (this.cover.getAttribute("src") === source && this.box.dataset.covered === this.image) return;
    this.cover.removeAttribute("src");
    // It takes seconds: whoever goes on to the next image does not ask for it.
    this.covering = setTimeout(() => {
      this.cover.src = source;
      this.sayCover("Measuring where the image is novel…");
    }, 300);
  }

  async failCover() {
    if (!this.covered) return;
    const answer = await fetch(`/novelty/${this.image}`).catch(() => null);
    this.cover.hidden = true;
    this.sayCover(answer ? await answer.text() : "The server does not answer.");
  }

  sayCover(text) {
    if (text) say(text);
  }

  inside(event) {
    const box = this.box.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  // One pointer moves; two also zoom, about the middle between them.
  move(event) {
    const place = this.inside(event);
    const before = this.pointers.get(event.pointerId);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const distance = (a) => Math.max(1, Math.hypot(a[0] - other[0], a[1] - other[1]));
      this.zoomAt(distance(place) / distance(before), (place[0] + other[0]) / 2, (place[1] + other[1]) / 2);
    } else {
      this.fitted = false;
      this.x += place[0] - before[0];
      this.y += place[1] - before[1];
      this.draw();
    }
    this.pointers.set(event.pointerId, place);
  }

  get fitScale() {
    return Math.min(this.box.clientWidth / this.size[0], this.box.clientHeight / this.size[1], 8);
  }

  zoomAt(factor, x = this.box.clientWidth / 2, y = this.box.clientHeight / 2) {
    if (!this.size) return;
    const next = Math.min(64, Math.max(Math.min(1, this.fitScale), this.scale * factor));
    this.x = x - ((x - this.x) * next) / this.scale;
    this.y = y - ((y - this.y) * next) / this.scale;
    this.scale = next;
    this.fitted = false;
    this.draw();
  }

  fit() {
    this.fitted = true;
    this.draw();
  }

  draw() {
    if (!this.size || !this.box.clientWidth) return;
    if (this.fitted) this.scale = this.fitScale;
    const place = (start, length, room) => (length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, this.fitted ? 0 : start)));
    this.x = place(this.x, this.size[0] * this.scale, this.box.clientWidth);
    this.y = place(this.y, this.size[1] * this.scale, this.box.clientHeight);
    this.sheet.style.width = `${this.size[0]}px`;
    this.sheet.style.height = `${this.size[1]}px`;
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.picture.style.imageRendering = this.scale >= 2 ? "pixelated" : "auto";
    find("zoom").textContent = `${Math.round(this.scale * 100)} %`;
  }
}
