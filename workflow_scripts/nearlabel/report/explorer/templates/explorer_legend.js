// What the colours mean, and which images they hide: categories by a click, numbers by a range, names by a text.
const PARTS = 48;
const endText = (value) => String(Number(value.toPrecision(4)));

class Legend {
  // act: {changed(), select(rows, how), say(text)}.
  constructor(filters, look, act) {
    this.filters = filters;
    this.look = look;
    this.act = act;
    this.box = find("legend");
    this.chart = find("histogram");
    this.chart.addEventListener("pointerdown", (event) => this.grab(event));
    this.chart.addEventListener("pointermove", (event) => this.drag(event));
    this.chart.addEventListener("pointerup", () => { this.grabbed = null; });
    this.box.addEventListener("keydown", (event) => this.walk(event));
    for (const id of ["rangeLow", "rangeHigh"]) find(id).addEventListener("change", () => this.typed());
    find("rangeReset").addEventListener("click", () => this.setRange(null));
    find("showAll").addEventListener("click", () => {
      filters.clear();
      find("search").value = "";
      this.refresh();
      act.say("All images are shown.");
    });
    find("search").addEventListener("input", () => {
      filters.text = find("search").value;
      this.refresh();
    });
  }

  get column() {
    return this.look().column;
  }

  refresh() {
    this.act.changed();
    this.mark();
  }

  // Of another column or node.
  build() {
    const { column } = this;
    find("columnNote").textContent = visible(column.note);
    find("columnNote").hidden = !column.note;
    this.box.hidden = !column.names;
    find("numbers").hidden = Boolean(column.names);
    this.box.replaceChildren();
    if (column.names) {
      const categories = [...column.names.keys()];
      // Not known stands last, where there is any.
      if (column.counts[column.names.length]) categories.push(-1);
      this.box.append(...categories.map((category) => this.row(category)));
      // One stop for the key Tab, however many categories there are; arrows go on from there.
      for (const button of [...this.box.querySelectorAll("button")].slice(1)) button.tabIndex = -1;
    }
    this.mark();
  }

  walk(event) {
    const here = event.target.closest("li");
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!here || !step || event.ctrlKey || event.altKey || event.metaKey) return;
    const [rows, buttons] = [[...this.box.children], [...here.children]];
    const line = rows[rows.indexOf(here) + step[0]] ?? here;
    const next = line.children[Math.min(2, Math.max(0, buttons.indexOf(event.target) + step[1]))];
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  }

  row(category) {
    const { column } = this;
    const name = category < 0 ? "not known" : visible(this.look().nameOf(column, category));
    const mark = element("i", { className: category < 0 ? "swatch none" : "swatch" });
    if (category >= 0) mark.style.backgroundColor = column.colors[category];
    const count = column.counts[category < 0 ? column.names.length : category];
    const toggle = element("button", { type: "button", className: "category", title: name }, mark,
      element("bdi", { textContent: name }), element("span", { className: "count", textContent: grouped(count) }));
    toggle.dataset.category = category;
    toggle.addEventListener("click", (event) => (event.shiftKey ? this.isolate(category, name) : this.toggle(category, name)));
    toggle.addEventListener("dblclick", () => this.isolate(category, name));
    const only = element("button", { type: "button", className: "small", textContent: "only", ariaLabel: `Only ${name}` });
    only.addEventListener("click", () => this.isolate(category, name));
    const select = element("button", { type: "button", className: "small", textContent: "select", ariaLabel: `Select ${name}` });
    select.addEventListener("click", (event) => this.selectAll(category, event));
    return element("li", {}, toggle, only, select);
  }

  toggle(category, name) {
    this.filters.toggle(this.column.key, category);
    this.refresh();
    this.act.say(`${name} is ${this.filters.isHidden(this.column.key, category) ? "hidden" : "shown"}.`);
  }

  isolate(category, name) {
    this.filters.isolate(this.column.key, category, this.column.names.length);
    this.refresh();
    this.act.say(this.filters.hidden.has(this.column.key) ? `Only ${name} is shown.` : "All are shown again.");
  }

  selectAll(category, event) {
    const { shown } = this.look();
    const rows = [];
    this.column.values.forEach((value, row) => {
      if (shown[row] && value === category) rows.push(row);
    });
    this.act.select(rows, event.shiftKey ? "add" : event.altKey ? "subtract" : null);
  }

  // Hidden categories, the range, and what else hides images.
  mark() {
    const { column, filters } = this;
    for (const toggle of this.box.querySelectorAll(".category")) {
      toggle.setAttribute("aria-pressed", !filters.isHidden(column.key, Number(toggle.dataset.category)));
    }
    if (!column.names) this.drawHistogram();
    this.listFilters();
  }

  listFilters() {
    const { filters } = this;
    const { columns } = this.look();
    const chips = columns.filter((one) => filters.hidden.has(one.key) || filters.ranges.has(one.key)).map((one) => {
      const range = filters.ranges.get(one.key);
      const text = range ? `${visible(one.title)} ${formatNumber(range[0])} to ${formatNumber(range[1])}`
        : `${visible(one.title)}: ${filters.hidden.get(one.key).size} hidden`;
      const chip = element("button", { type: "button", className: "chip", title: "Take this filter away" },
        element("bdi", { textContent: text }), " ×");
      chip.addEventListener("click", () => {
        filters.clear(one.key);
        this.refresh();
        find("colorBy").focus();
      });
      return chip;
    });
    find("chips").replaceChildren(...chips);
    find("showAll").hidden = !filters.active;
  }

  drawHistogram() {
    const { column, chart } = this;
    const [low, high] = column.range ?? [0, 0];
    const [from, to] = this.filters.ranges.get(column.key) ?? [low, high];
    const ratio = window.devicePixelRatio || 1;
    chart.width = Math.max(1, Math.round(chart.clientWidth * ratio));
    chart.height = Math.max(1, Math.round(chart.clientHeight * ratio));
    const context = chart.getContext("2d");
    const counts = histogram(column.values, low, high, PARTS);
    const most = Math.max(1, ...counts);
    const wide = chart.width / PARTS;
    const colored = spanOf(column);
    counts.forEach((count, part) => {
      const middle = low + ((part + 0.5) / PARTS) * (high - low);
      // What is rare can still be seen.
      const tall = count ? Math.max(2 * ratio, (count / most) * chart.height) : 0;
      context.globalAlpha = middle < from || middle > to ? 0.22 : 1;
      context.fillStyle = rampColor(shareOf(middle, colored));
      context.fillRect(part * wide, chart.height - tall, Math.max(1, wide - ratio), tall);
    });
    for (const [id, value] of [["rangeLow", from], ["rangeHigh", to]]) {
      const field = find(id);
      field.disabled = !column.range;
      if (document.activeElement !== field) field.value = column.range ? endText(value) : "";
    }
    find("rangeReset").hidden = !this.filters.ranges.has(column.key);
    const unknown = column.unknown ? `, ${grouped(column.unknown)} not known` : "";
    find("rangeText").textContent = column.range ? `${formatNumber(low)} to ${formatNumber(high)}${unknown}` : "No value is known.";
    chart.setAttribute("aria-label", `Histogram of ${visible(column.title)}, ${find("rangeText").textContent}`);
  }

  setRange(range) {
    this.filters.setRange(this.column.key, range);
    this.refresh();
    this.act.say(range ? `Shown: ${formatNumber(range[0])} to ${formatNumber(range[1])}.` : "The whole range is shown.");
  }

  valueAt(event) {
    const [low, high] = this.column.range;
    const box = this.chart.getBoundingClientRect();
    return low + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (high - low);
  }

  grab(event) {
    if (!this.column.range) return;
    this.chart.setPointerCapture(event.pointerId);
    this.grabbed = this.valueAt(event);
  }

  drag(event) {
    if (this.grabbed === null || this.grabbed === undefined) return;
    const value = this.valueAt(event);
    if (value !== this.grabbed) this.setRange([Math.min(value, this.grabbed), Math.max(value, this.grabbed)]);
  }

  typed() {
    const [low, high] = this.column.range;
    const read = (id, end) => {
      const value = find(id).value.trim() === "" ? NaN : Number(find(id).value);
      // An end as it stands there is rounded.
      return Number.isNaN(value) || value === Number(endText(end)) ? end : value;
    };
    let [from, to] = [read("rangeLow", low), read("rangeHigh", high)];
    if (from > to) [from, to] = [to, from];
    this.setRange(from <= low && to >= high ? null : [from, to]);
  }
}
