// What a person does on the map: moves it, draws around points, opens one; with a mouse, a finger, or keys alone.
const TOOLS = ["pan", "lasso", "rectangle"];
const STEP = 1.25;
const CROSS_STEP = 5;
const CROSS_LEAP = 50;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Pointing {
  // act: {select(rows, how), open(row), hover(row, x, y), hear(row), say(text), how()}.
  constructor(map, act) {
    this.map = map;
    this.act = act;
    this.tool = "pan";
    this.drag = null;
    this.crossed = null;
    this.pointers = new Map();
    const box = map.box;
    box.addEventListener("pointerdown", (event) => this.down(event));
    box.addEventListener("pointermove", (event) => this.move(event));
    box.addEventListener("pointerup", (event) => this.up(event));
    box.addEventListener("pointercancel", () => this.cancel());
    box.addEventListener("pointerleave", () => this.drag || this.act.hover(-1));
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => this.showCross(false));
    box.addEventListener("focus", () => box.matches(":focus-visible") && this.showCross(true));
  }

  setTool(tool) {
    this.cancel();
    this.tool = tool;
    this.map.box.dataset.tool = tool;
    if (this.map.cross) this.showCross(true);
  }

  place(event) {
    const box = this.map.box.getBoundingClientRect();
    return [event.clientX - box.left - this.map.box.clientLeft, event.clientY - box.top - this.map.box.clientTop];
  }

  down(event) {
    if (event.button !== 0) return;
    this.map.box.setPointerCapture(event.pointerId);
    this.showCross(false);
    const [x, y] = this.place(event);
    this.pointers.set(event.pointerId, [x, y]);
    // Shift adds and alt takes away, whatever tool it is.
    const how = event.shiftKey ? "add" : event.altKey ? "subtract" : this.act.how();
    const kind = this.tool === "pan" ? (event.shiftKey || event.altKey ? "lasso" : "pan") : this.tool;
    this.drag = { kind, how, from: [x, y], last: [x, y], moved: false };
    if (kind !== "pan") this.map.outline = { kind, corners: [this.map.view.toMap(x, y)] };
    this.act.hover(-1);
  }

  move(event) {
    const [x, y] = this.place(event);
    if (!this.drag) return this.act.hover(this.map.rowAt(x, y), x, y);
    const { drag, map } = this;
    if (this.pointers.size === 2 && this.pinch(event.pointerId, [x, y])) return;
    drag.moved ||= Math.hypot(x - drag.from[0], y - drag.from[1]) > 3;
    if (!drag.moved) return;
    if (drag.kind === "pan") {
      map.view.pan(x - drag.last[0], y - drag.last[1]);
      map.redraw();
    } else {
      if (drag.kind === "rectangle") map.outline.corners[1] = map.view.toMap(x, y);
      else if (Math.hypot(x - drag.last[0], y - drag.last[1]) < 2) return;
      else map.outline.corners.push(map.view.toMap(x, y));
      map.ask("overlay");
    }
    drag.last = [x, y];
  }

  // Two fingers zoom.
  pinch(id, place) {
    const other = [...this.pointers].find(([one]) => one !== id)[1];
    const before = this.pointers.get(id);
    this.pointers.set(id, place);
    const spread = ([x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
    this.map.outline = null;
    this.drag = { kind: "pan", from: place, last: place, moved: true };
    this.map.view.zoomBy(spread(place) / spread(before), (place[0] + other[0]) / 2, (place[1] + other[1]) / 2);
    this.map.redraw();
    return true;
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    const [x, y] = this.place(event);
    const corners = this.map.outline?.corners ?? [];
    this.map.outline = null;
    this.map.ask("overlay");
    if (drag.moved && drag.kind !== "pan") {
      // With the last corner, if no movement has said it before.
      if (drag.kind === "rectangle") corners[1] = this.map.view.toMap(x, y);
      else if (x !== drag.last[0] || y !== drag.last[1]) corners.push(this.map.view.toMap(x, y));
      return this.finish(drag.kind, corners, drag.how);
    }
    if (drag.moved) return;
    const row = this.map.rowAt(x, y);
    if (row < 0) return;
    if (event.ctrlKey || event.metaKey) this.act.select([row], "toggle");
    else if (event.shiftKey || event.altKey) this.act.select([row], drag.how);
    else this.act.open(row);
  }

  finish(kind, corners, how) {
    if (corners.length < (kind === "lasso" ? 3 : 2)) return;
    const { points } = this.map;
    const { shown } = this.map.look();
    this.act.select(kind === "lasso" ? pointsInPolygon(points, shown, corners)
      : pointsInRectangle(points, shown, corners[0], corners[1]), how);
  }

  cancel() {
    const was = Boolean(this.map.outline);
    this.drag = null;
    this.pointers.clear();
    this.map.outline = null;
    this.map.ask("overlay");
    return was;
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    this.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) * 0.002), ...this.place(event));
  }

  zoom(factor, x, y) {
    this.map.view.zoomBy(factor, x, y);
    this.map.redraw();
    if (this.map.cross) this.look();
  }

  // The cross is where keys act: in the middle while the arrows move the map.
  showCross(on) {
    const { map } = this;
    // Where it was, after something else had the focus.
    if (map.cross) this.crossed = map.cross;
    const middle = [Math.round(map.width / 2), Math.round(map.height / 2)];
    map.cross = on ? (this.tool === "pan" ? middle : this.crossed ?? middle) : null;
    if (!on) this.act.hover(-1);
    else this.look();
    map.ask("overlay");
  }

  look() {
    const row = this.map.rowAt(...this.map.cross, 20);
    this.act.hover(row, ...this.map.cross);
    this.act.hear(row);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = DIRECTIONS[event.key];
    if (direction) this.walk(direction, event.shiftKey);
    else if (event.key === " ") this.corner();
    else if (event.key === "Enter") this.enter();
    else if (event.key === "x") this.pick();
    else if (event.key === "Backspace" && this.map.outline) this.takeBack();
    else if (!(event.key === "Escape" && this.cancel())) return;
    event.preventDefault();
    event.stopPropagation();
  }

  walk([right, down], leap) {
    const { map } = this;
    if (!map.cross) this.showCross(true);
    if (this.tool === "pan") {
      const far = leap ? map.width / 3 : 50;
      map.view.pan(-right * far, -down * far);
      map.redraw();
    } else {
      const far = leap ? CROSS_LEAP : CROSS_STEP;
      map.cross = [Math.min(map.width, Math.max(0, map.cross[0] + right * far)), Math.min(map.height, Math.max(0, map.cross[1] + down * far))];
      if (map.outline?.kind === "rectangle") map.outline.corners[1] = map.view.toMap(...map.cross);
      map.ask("overlay");
    }
    this.look();
  }

  // A corner where the cross is; the second one of a rectangle is its last.
  corner() {
    const { map, tool } = this;
    if (!map.cross) this.showCross(true);
    if (tool === "pan") return this.act.say("Choose the lasso (L) or the rectangle (R) to select with keys.");
    const place = map.view.toMap(...map.cross);
    if (!map.outline) map.outline = { kind: tool, corners: [place], byKeys: true };
    else if (tool === "lasso") map.outline.corners.push(place);
    else return this.enter();
    map.ask("overlay");
    const next = tool === "lasso" ? "Move and press space for more, Enter to select what lies within"
      : "Move to the opposite corner and press space";
    this.act.say(`Corner ${map.outline.corners.length}. ${next}; Escape gives up.`);
  }

  enter() {
    const { map, tool } = this;
    if (!map.outline) {
      if (!map.cross) this.showCross(true);
      const row = map.rowAt(...map.cross, 20);
      return row < 0 ? this.act.say("No image is near the cross.") : this.act.open(row);
    }
    const corners = map.outline.corners;
    if (tool === "rectangle") corners[1] = map.view.toMap(...map.cross);
    else if (corners.length < 3) return this.act.say("A lasso needs three corners at least.");
    map.outline = null;
    map.ask("overlay");
    this.finish(tool, corners, this.act.how());
  }

  pick() {
    if (!this.map.cross) this.showCross(true);
    const row = this.map.rowAt(...this.map.cross, 20);
    if (row >= 0) this.act.select([row], "toggle");
    else this.act.say("No image is near the cross.");
  }

  takeBack() {
    const { map } = this;
    map.outline.corners.pop();
    if (map.outline.kind === "rectangle" || !map.outline.corners.length) map.outline = null;
    map.ask("overlay");
  }
}
