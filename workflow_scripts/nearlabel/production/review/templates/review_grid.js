// The latest images, of which one is chosen. However long the page is open, it holds no more than MOST of them.
const MOST = 600;

class Grid {
  constructor(chosen, opened) {
    this.box = find("cells");
    this.whenChosen = chosen;
    this.whenOpened = opened;
    this.images = [];
    this.cells = new Map();
    this.current = "";
  }

  get open() {
    return !find("grid").hidden;
  }

  get index() {
    return this.images.findIndex((image) => image.image === this.current);
  }

  get image() {
    return this.images[this.index] ?? null;
  }

  // Replaces all that is shown.
  fill(images) {
    this.images = [];
    this.cells.clear();
    this.box.replaceChildren();
    this.append(images);
    if (!this.image) this.choose(this.images[0]?.image ?? "", false);
    else this.choose(this.current, false);
    find("grid").scrollTop = 0;
  }

  append(images) {
    const fresh = images.filter((image) => !this.cells.has(image.image));
    this.images.push(...fresh);
    this.box.append(...fresh.map((image) => this.makeCell(image)));
  }

  // New ones come before all others; an image that came again moves to the front. Returns where older ones go on if some
  // were dropped, else null.
  prepend(images) {
    for (const image of [...images].reverse()) {
      const known = this.images.findIndex((one) => one.image === image.image);
      if (known >= 0) this.images.splice(known, 1);
      this.cells.get(image.image)?.remove();
      this.images.unshift(image);
      this.box.prepend(this.makeCell(image));
    }
    const dropped = this.images.splice(MOST);
    // Between these and the one that stays there may be many that are not shown.
    const next = dropped.length ? this.images.at(-1).label_id : null;
    for (const image of dropped) {
      // What someone looks at stays.
      if (image.image === this.current) this.images.push(image);
      else {
        this.cells.get(image.image).remove();
        this.cells.delete(image.image);
      }
    }
    this.choose(this.current || this.images[0]?.image || "", false);
    return next;
  }

  makeCell(image) {
    const cell = element("div", { tabIndex: -1 },
      element("img", { src: `/thumbnails/${image.image}`, alt: "", loading: "lazy", decoding: "async", draggable: false }),
      element("span", { className: "flags" }), element("bdi", { className: "given" }), element("bdi", { className: "word" }));
    cell.setAttribute("role", "option");
    cell.dataset.image = image.image;
    cell.addEventListener("click", () => this.choose(image.image));
    cell.addEventListener("dblclick", () => this.whenOpened());
    this.cells.set(image.image, cell);
    this.refresh(image);
    return cell;
  }

  refresh(image) {
    const cell = this.cells.get(image.image);
    if (!cell) return;
    const [, flags, given, word] = cell.children;
    const marks = [image.novel && "novel", isDoubtful(image) && "doubt", image.word?.differ && "differ"].filter(Boolean);
    flags.textContent = marks.map((mark) => ({ novel: "novel", doubt: "in doubt", differ: "operators differ" })[mark]).join(" · ");
    given.textContent = saidText(image);
    word.textContent = image.word ? wordText(image.word) : "";
    cell.className = [...marks, image.word && "has"].filter(Boolean).join(" ");
    cell.setAttribute("aria-label", [visible(image.name), saidText(image), flags.textContent, word.textContent].filter(Boolean).join(", "));
  }

  choose(image, focus = true) {
    const before = this.cells.get(this.current);
    before?.setAttribute("aria-selected", "false");
    if (before) before.tabIndex = -1;
    this.current = image;
    const cell = this.cells.get(image);
    if (cell) {
      cell.setAttribute("aria-selected", "true");
      cell.tabIndex = 0;
      if (focus && this.open) {
        cell.focus({ preventScroll: true });
        cell.scrollIntoView({ block: "nearest" });
      }
    }
    this.whenChosen(this.image);
  }

  get columns() {
    const cells = [...this.box.children];
    const second = cells.findIndex((cell) => cell.offsetTop !== cells[0].offsetTop);
    return second < 0 ? Math.max(1, cells.length) : second;
  }

  // By so many images; false at an end.
  step(by) {
    const next = this.index + by;
    if (next < 0 || next >= this.images.length) return false;
    this.choose(this.images[next].image);
    return true;
  }
}
