// The images that are selected, as rows of the node, and what was selected before.
const HISTORY = 100;

class Selection {
  constructor(count) {
    this.marks = new Uint8Array(count);
    this.history = [];
    this.list = new Uint32Array(0);
  }

  get size() {
    return this.list.length;
  }

  // Selected rows, in their order.
  get rows() {
    return this.list;
  }

  has(row) {
    return this.marks[row] === 1;
  }

  set(marks) {
    this.history.push(this.list);
    if (this.history.length > HISTORY) this.history.shift();
    this.take(marks);
  }

  take(marks) {
    this.marks = marks;
    const list = new Uint32Array(marks.reduce((sum, mark) => sum + mark, 0));
    for (let row = 0, place = 0; row < marks.length; row++) if (marks[row]) list[place++] = row;
    this.list = list;
  }

  // how: replace, add, subtract, toggle.
  change(rows, how) {
    const marks = how === "replace" ? new Uint8Array(this.marks.length) : this.marks.slice();
    for (const row of rows) marks[row] = how === "subtract" ? 0 : how === "toggle" ? 1 - marks[row] : 1;
    this.set(marks);
  }

  // Among those that are shown; what is hidden is not selected afterwards.
  invert(shown) {
    this.set(this.marks.map((mark, row) => (shown[row] && !mark ? 1 : 0)));
  }

  undo() {
    const before = this.history.pop();
    if (!before) return false;
    const marks = new Uint8Array(this.marks.length);
    for (const row of before) marks[row] = 1;
    this.take(marks);
    return true;
  }
}
