// Which rows are shown: those that no filter hides. A filter is of one column, or of the images' names.
class Filters {
  constructor() {
    this.hidden = new Map();
    this.ranges = new Map();
    this.text = "";
  }

  get active() {
    return this.hidden.size + this.ranges.size + (this.text ? 1 : 0);
  }

  isHidden(key, category) {
    return this.hidden.get(key)?.has(category) ?? false;
  }

  toggle(key, category) {
    const hidden = this.hidden.get(key) ?? new Set();
    if (!hidden.delete(category)) hidden.add(category);
    if (hidden.size) this.hidden.set(key, hidden);
    else this.hidden.delete(key);
  }

  // This one alone; a second time, all again. Of images that are not known, the category is −1.
  isolate(key, category, categories) {
    const others = [...Array(categories + 1).keys()].map((one) => one - 1).filter((one) => one !== category);
    const alone = !this.isHidden(key, category) && others.every((one) => this.isHidden(key, one));
    if (alone) this.hidden.delete(key);
    else this.hidden.set(key, new Set(others));
  }

  // Both ends are within; null for no limits.
  setRange(key, range) {
    if (range) this.ranges.set(key, range);
    else this.ranges.delete(key);
  }

  clear(key = null) {
    if (key === null) {
      this.text = "";
      this.hidden.clear();
      this.ranges.clear();
      return;
    }
    this.hidden.delete(key);
    this.ranges.delete(key);
  }

  // Of columns that another node does not have.
  keepOnly(keys) {
    for (const kept of [this.hidden, this.ranges]) {
      for (const key of [...kept.keys()]) if (!keys.has(key)) kept.delete(key);
    }
  }

  // lowered(row): the name of a row's image in small letters.
  apply(count, columns, lowered) {
    const shown = new Uint8Array(count).fill(1);
    for (const column of columns) {
      const hidden = this.hidden.get(column.key);
      if (hidden && column.names) {
        const hides = Uint8Array.from({ length: column.names.length + 1 }, (_, one) => hidden.has(one - 1));
        for (let row = 0; row < count; row++) if (hides[column.values[row] + 1]) shown[row] = 0;
      }
      const range = this.ranges.get(column.key);
      if (range && !column.names) {
        const [low, high] = range;
        // What is not known lies in no range.
        for (let row = 0; row < count; row++) if (!(column.values[row] >= low && column.values[row] <= high)) shown[row] = 0;
      }
    }
    const text = this.text.toLowerCase();
    if (text) for (let row = 0; row < count; row++) if (shown[row] && !lowered(row).includes(text)) shown[row] = 0;
    return shown;
  }
}
