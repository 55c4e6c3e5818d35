// All images at once, to answer many alike: one cell has the focus, any number are selected.
class Grid {
  constructor(images, open, focused) {
    this.images = images;
    this.box = find("cells");
    this.noticed = focused;
    this.focused = this.anchor = 0;
    this.selected = new Set();
    const seen = new IntersectionObserver((found) => {
      for (const entry of found.filter((one) => one.isIntersecting)) {
        seen.unobserve(entry.target);
        const index = Number(entry.target.dataset.index);
        const canvas = entry.target.querySelector("canvas");
        drawThumbnail(images[index], 160 * window.devicePixelRatio, canvas).catch(() => canvas.remove());
      }
    }, { root: this.box, rootMargin: "400px" });
    this.cells = images.map((image, index) => {
      const cell = element("div", { tabIndex: -1, title: visible(image.id) },
        image.problem ? element("span", { className: "broken", textContent: "unreadable" }) : element("canvas"),
        element("bdi", { className: "answered" }));
      cell.setAttribute("role", "option");
      cell.dataset.index = index;
      cell.addEventListener("click", (event) => this.click(index, event));
      cell.addEventListener("dblclick", () => open(index));
      seen.observe(cell);
      return cell;
    });
    this.box.append(...this.cells);
  }

  get open() {
    return !find("grid").hidden;
  }

  get chosen() {
    return this.selected.size ? [...this.selected].sort((a, b) => a - b) : [this.focused];
  }

  click(index, event) {
    if (event.shiftKey) this.select(this.anchor, index, event.ctrlKey || event.metaKey);
    else this.toggle(index);
    this.focus(index);
  }

  toggle(index) {
    if (!this.selected.delete(index)) this.selected.add(index);
    this.anchor = index;
    this.mark();
  }

  // From one to another; what was selected before stays only when added to.
  select(from, to, add = false) {
    if (!add) this.selected.clear();
    for (let i = Math.min(from, to); i <= Math.max(from, to); i++) this.selected.add(i);
    this.mark();
  }

  clear() {
    this.selected.clear();
    this.mark();
  }

  focus(index) {
    this.cells[this.focused].tabIndex = -1;
    this.focused = Math.min(this.cells.length - 1, Math.max(0, index));
    this.cells[this.focused].tabIndex = 0;
    this.cells[this.focused].focus();
    this.noticed(this.focused);
  }

  get columns() {
    const top = this.cells[0].offsetTop;
    const second = this.cells.findIndex((cell) => cell.offsetTop !== top);
    return second < 0 ? this.cells.length : second;
  }

  // True when the key was for the grid.
  key(event) {
    const ends = { Home: -Infinity, End: Infinity };
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, ...ends };
    if (event.key in moves) {
      const next = this.focused + moves[event.key];
      if (event.key in ends || (next >= 0 && next < this.cells.length)) this.focus(next);
      if (event.shiftKey) this.select(this.anchor, this.focused);
      else this.anchor = this.focused;
      return true;
    }
    if (event.key === " " && this.box.contains(document.activeElement)) this.toggle(this.focused);
    else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) this.select(0, this.cells.length - 1);
    else if (event.key === "Escape" && this.selected.size) this.clear();
    else return false;
    return true;
  }

  mark() {
    this.cells.forEach((cell, index) => cell.setAttribute("aria-selected", this.selected.has(index)));
    const count = this.selected.size;
    find("gridHint").textContent = count
      ? `${plural(count, "image")} selected: a class's key answers ${count === 1 ? "it" : "all of them"}.`
      : "Arrows move, space selects, shift and arrows or a click select a row of them; a class's key answers. Enter opens one.";
  }

  showAnswers(answers) {
    this.cells.forEach((cell, index) => {
      const label = answers.get(index)?.label ?? "";
      const badge = cell.querySelector(".answered");
      if (badge.textContent !== visible(label)) badge.textContent = visible(label);
      cell.classList.toggle("has", label !== "");
    });
  }
}
