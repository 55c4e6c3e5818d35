// Arithmetic of a grid that holds elements only for the cells that are seen.
class VirtualGrid {
  // width: of the box; cells are at least so wide; lines are so high. wide = Infinity: one cell in a line.
  constructor(count, width, wide, high) {
    this.count = count;
    this.high = high;
    this.columns = wide === Infinity ? 1 : Math.max(1, Math.floor(width / wide));
    this.wide = width / this.columns;
  }

  get lines() {
    return Math.ceil(this.count / this.columns);
  }

  get height() {
    return this.lines * this.high;
  }

  // Cells [from, to) to draw: those that are seen, and a line above and below.
  range(scroll, height) {
    const first = Math.max(0, Math.floor(scroll / this.high) - 1);
    const last = Math.ceil((scroll + height) / this.high) + 1;
    return [Math.min(this.count, first * this.columns), Math.min(this.count, last * this.columns)];
  }

  place(index) {
    return [(index % this.columns) * this.wide, Math.floor(index / this.columns) * this.high];
  }

  // Where to scroll so that a cell is seen as a whole.
  scrollTo(index, scroll, height) {
    const top = this.place(index)[1];
    if (top < scroll) return top;
    return top + this.high > scroll + height ? top + this.high - height : scroll;
  }

  // The cell that a key goes to; null where it is no key of the grid.
  step(index, key, height) {
    const page = Math.max(1, Math.floor(height / this.high)) * this.columns;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, PageUp: -page, PageDown: page };
    if (key === "Home") return 0;
    if (key === "End") return this.count - 1;
    if (!(key in steps)) return null;
    const next = index + steps[key];
    if (next >= 0 && next < this.count) return next;
    if (key === "PageUp") return index % this.columns;
    return key === "PageDown" ? this.count - 1 : index;
  }
}
