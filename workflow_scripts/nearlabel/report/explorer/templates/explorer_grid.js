// The selected images, as pictures or as a list with names: elements only for those that are seen.
const CELL = 72;
const LINE = 56;

class Grid {
  // look(): {position(row), nameOf(row), describe(row)}; act: {open(row), point(row), drop(row)}.
  constructor(sheets, look, act) {
    this.sheets = sheets;
    this.look = look;
    this.act = act;
    this.box = find("grid");
    this.room = find("gridRoom");
    this.rows = [];
    this.at = 0;
    this.asList = false;
    this.cells = new Map();
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("focus", () => this.focus(this.at));
    this.box.addEventListener("blur", () => act.point(-1));
    this.box.addEventListener("pointerleave", () => act.point(-1));
    new ResizeObserver(() => this.layOut()).observe(this.box);
  }

  // stay: where one was taken away, the place that is looked at.
  show(rows, stay = false) {
    this.rows = rows;
    this.plan = null;
    this.at = stay ? Math.max(0, Math.min(this.at, rows.length - 1)) : 0;
    this.clear();
    if (!stay) this.box.scrollTop = 0;
    this.layOut();
  }

  setList(on) {
    this.asList = on;
    this.box.classList.toggle("list", on);
    this.clear();
    this.layOut();
    this.scrollTo(this.at);
  }

  clear() {
    for (const cell of this.cells.values()) cell.remove();
    this.cells.clear();
  }

  layOut() {
    const width = this.box.clientWidth;
    if (!width) return;
    this.plan = new VirtualGrid(this.rows.length, width, this.asList ? Infinity : CELL, this.asList ? LINE : CELL);
    this.room.style.height = `${this.plan.height}px`;
    for (const [index, cell] of this.cells) this.put(cell, index);
    this.draw();
  }

  put(cell, index) {
    const [left, top] = this.plan.place(index);
    cell.style.transform = `translate(${left}px, ${top}px)`;
    cell.style.width = `${this.plan.wide}px`;
    cell.style.height = `${this.plan.high}px`;
  }

  draw() {
    if (!this.plan) return;
    const [from, to] = this.plan.range(this.box.scrollTop, this.box.clientHeight);
    for (const [index, cell] of this.cells) {
      if (index >= from && index < to) continue;
      cell.remove();
      this.cells.delete(index);
    }
    for (let index = from; index < to; index++) if (!this.cells.has(index)) this.cells.set(index, this.make(index));
    this.mark();
  }

  make(index) {
    const row = this.rows[index];
    const { position, nameOf, describe } = this.look();
    const canvas = element("canvas", { ariaHidden: "true" });
    const cell = element("div", { id: `cell${index}`, className: "cell", title: visible(nameOf(row)) }, canvas,
      element("span", { className: "words" }, element("bdi", { textContent: shortened(nameOf(row), 120) }),
        element("small", { textContent: describe(row) })));
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-setsize", this.rows.length);
    cell.setAttribute("aria-posinset", index + 1);
    cell.dataset.row = row;
    cell.addEventListener("click", (event) => {
      this.at = index;
      if (event.ctrlKey || event.metaKey) this.act.drop(row);
      else this.act.open(row);
    });
    cell.addEventListener("pointerenter", () => this.act.point(row));
    this.put(cell, index);
    this.room.append(cell);
    showThumbnail(canvas, this.sheets, position(row));
    return cell;
  }

  mark() {
    for (const [index, cell] of this.cells) cell.setAttribute("aria-selected", index === this.at);
    if (this.cells.has(this.at)) this.box.setAttribute("aria-activedescendant", `cell${this.at}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  scrollTo(index) {
    if (this.plan && this.rows.length) this.box.scrollTop = this.plan.scrollTo(index, this.box.scrollTop, this.box.clientHeight);
  }

  focus(index) {
    if (!this.rows.length) return;
    this.at = index;
    this.scrollTo(index);
    this.draw();
    if (this.box.matches(":focus-visible")) this.act.point(this.rows[index]);
  }

  key(event) {
    if (!this.rows.length || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") this.act.open(this.rows[this.at]);
    else if (event.key === "x" || event.key === "Delete") this.act.drop(this.rows[this.at]);
    else {
      const next = this.plan.step(this.at, event.key, this.box.clientHeight);
      if (next === null) return;
      this.focus(next);
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
