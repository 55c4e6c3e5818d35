"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("./library.js");

const { Filters, Selection, VirtualGrid, Changes, packMarks, unpackMarks, labelRows, nearLabelRows, nameRows, givenColumn, sortRows } = load(
  ["unpacking", "geometry", "statistics", "columns", "filters", "selection", "virtual", "changes"],
  ["Filters", "Selection", "VirtualGrid", "Changes", "packMarks", "unpackMarks", "labelRows", "nearLabelRows", "nameRows", "givenColumn", "sortRows"]);
const plain = (value) => JSON.parse(JSON.stringify(value));
const KIND = { key: "kind", names: ["a", "b", "c"], values: Int32Array.of(0, 1, 2, -1, 1) };
const SCORE = { key: "score", names: null, values: Float64Array.of(0, 1, 2, NaN, 4) };
const names = ["x1", "x2", "y1", "y2", "z"];
const apply = (filters) => [...filters.apply(5, [KIND, SCORE], (row) => names[row])];

test("filters hide categories, what is out of a range, other names; together what any of them hides", () => {
  const filters = new Filters();
  assert.deepEqual(apply(filters), [1, 1, 1, 1, 1]);
  filters.toggle("kind", 1);
  assert.deepEqual(apply(filters), [1, 0, 1, 1, 0]);
  filters.setRange("score", [1, 2]);
  assert.deepEqual(apply(filters), [0, 0, 1, 0, 0]);
  filters.toggle("kind", 1);
  filters.text = "X";
  assert.deepEqual(apply(filters), [0, 1, 0, 0, 0]);
  assert.equal(filters.active, 2);
  filters.clear();
  assert.deepEqual(apply(filters), [1, 1, 1, 1, 1]);
  assert.equal(filters.active, 0);
});

test("isolating shows one alone, again shows all; what is not known is one of them", () => {
  const filters = new Filters();
  filters.isolate("kind", 1, 3);
  assert.deepEqual(apply(filters), [0, 1, 0, 0, 1]);
  filters.isolate("kind", -1, 3);
  assert.deepEqual(apply(filters), [0, 0, 0, 1, 0]);
  filters.isolate("kind", -1, 3);
  assert.deepEqual(apply(filters), [1, 1, 1, 1, 1]);
  filters.toggle("kind", 0);
  filters.setRange("score", [0, 1]);
  filters.keepOnly(new Set(["score"]));
  assert.deepEqual(apply(filters), [1, 1, 0, 0, 0]);
});

test("selections replace, add, take away, toggle, invert, and go back", () => {
  const selection = new Selection(6);
  selection.change([1, 2], "replace");
  selection.change([2, 4], "add");
  assert.deepEqual([...selection.rows], [1, 2, 4]);
  selection.change([2], "subtract");
  selection.change([0, 1], "toggle");
  assert.deepEqual([...selection.rows], [0, 4]);
  selection.invert(Uint8Array.of(1, 1, 1, 0, 1, 1));
  assert.deepEqual([...selection.rows], [1, 2, 5]);
  assert.ok(selection.has(5) && !selection.has(3));
  const seen = [];
  while (selection.undo()) seen.push([...selection.rows]);
  assert.deepEqual(seen, [[0, 4], [1, 4], [1, 2, 4], [1, 2], []]);
  assert.equal(selection.size, 0);
});

test("the grid has room for all and elements for few", () => {
  const grid = new VirtualGrid(100000, 370, 72, 72);
  assert.equal(grid.columns, 5);
  assert.equal(grid.height, 20000 * 72);
  const [from, to] = grid.range(720000, 288);
  assert.ok(from <= 50000 && to >= 50020 && to - from < 50);
  assert.deepEqual([...new VirtualGrid(0, 370, 72, 72).range(0, 288)], [0, 0]);
  const [x, y] = grid.place(7);
  assert.deepEqual([x, y], [2 * 74, 72]);
  assert.equal(grid.scrollTo(7, 0, 288), 0);
  assert.equal(grid.scrollTo(50, 0, 288), 11 * 72 - 288);
  assert.equal(grid.scrollTo(0, 500, 288), 0);
  assert.equal(new VirtualGrid(10, 370, Infinity, 50).columns, 1);
});

test("keys go through the grid and never out of it", () => {
  const grid = new VirtualGrid(12, 370, 72, 72);
  const steps = (at, ...keys) => keys.map((key) => grid.step(at, key, 150));
  assert.deepEqual(steps(6, "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "q"),
    [5, 7, 1, 11, 0, 11, 1, 11, null]);
  assert.deepEqual(steps(0, "ArrowLeft", "ArrowUp"), [0, 0]);
  assert.deepEqual(steps(11, "ArrowRight", "ArrowDown"), [11, 11]);
});

// As a browser's localStorage.
class Storage {
  constructor() { this.map = new Map(); }
  get length() { return this.map.size; }
  key(i) { return [...this.map.keys()][i]; }
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) {
    if (this.full) throw new Error("full");
    this.map.set(key, value);
  }
  removeItem(key) { this.map.delete(key); }
}

const label = (value, positions, time) => ({ kind: "label", value, marks: packMarks(positions, 20), size: positions.length, time });

test("marks are what was packed", () => {
  for (const positions of [[], [0], [7, 8, 19], [...Array(20).keys()]]) assert.deepEqual([...unpackMarks(packMarks(positions, 20))], positions);
});

test("what was given is kept, the later for the earlier, and can be taken back", () => {
  const storage = new Storage();
  const changes = new Changes(storage, "k", "one");
  changes.add(label("good", [1, 2, 3], "t1"));
  changes.add(label("bad", [3, 5], "t2"));
  const ids = Array.from({ length: 20 }, (_, i) => `i${i}`);
  const rows = [["i1", "good", "Ada", "t1", ""], ["i2", "good", "Ada", "t1", ""], ["i3", "bad", "Ada", "t2", ""], ["i5", "bad", "Ada", "t2", ""]];
  assert.deepEqual(plain(labelRows(new Changes(storage, "k", "two"), ids, "Ada")), rows);
  assert.equal(new Changes(storage, "other", "two").entries.size, 0);
  assert.equal(changes.undo().value, "bad");
  assert.deepEqual(plain(labelRows(new Changes(storage, "k", "two"), ids, "Ada")).length, 3);
  changes.markSaved("label", "a.csv");
  assert.equal(new Changes(storage, "k", "two").unsaved, 0);
  changes.add({ kind: "name", group: "root.1", value: "pits" });
  changes.forget((entry) => entry.file);
  assert.deepEqual([...new Changes(storage, "k", "two").settled("name").keys()], ["root.1"]);
  assert.equal(new Changes(storage, "k", "two").entries.size, 1);
});

test("a name belongs to the clusters that it was given to, a label to the images alone", () => {
  const storage = new Storage();
  const clusters = (key) => new Map([["root", key], ["root.1", "c"]]);
  const changes = new Changes(storage, "k", "one", clusters("a"));
  for (const group of ["root.1", "root.1.0"]) changes.add({ kind: "name", group, value: "pits" });
  changes.add(label("good", [1], "t1"));
  assert.equal(new Changes(storage, "k", "two", clusters("a")).entries.size, 3);
  const other = new Changes(storage, "k", "two", clusters("b"));
  assert.deepEqual([[...other.settled("name").keys()], other.of("label").length], [["root.1.0"], 1]);
  assert.equal(new Changes(storage, "k", "two", clusters("a")).entries.size, 3);
});

test("two tabs add to each other's, and other texts of the same prefix are left alone", () => {
  const storage = new Storage();
  const [one, two] = [new Changes(storage, "k", "one"), new Changes(storage, "k", "two")];
  one.add(label("good", [1], "t1"));
  two.add(label("bad", [2], "t1"));
  one.read();
  assert.equal(one.entries.size, 2);
  for (const [i, text] of ["{", "5", "null", "{}", '{"number": 1, "kind": "label", "value": 3}'].entries()) storage.setItem(`nearlabel/explorer/k/x${i}`, text);
  assert.equal(new Changes(storage, "k", "three").entries.size, 2);
});

test("where nothing can be kept the changes still live, and say so", () => {
  const storage = new Storage();
  const changes = new Changes(storage, "k", "one");
  storage.full = true;
  changes.add(label("good", [1], "t1"));
  assert.ok(!changes.keeps && changes.entries.size === 1);
  const none = new Changes(null, "k", "one");
  none.add(label("good", [1], "t1"));
  assert.ok(!none.keeps && none.undo().value === "good" && none.undo() === null);
});

test("near-labels of all that have one, names of all groups that have one", () => {
  const changes = new Changes(null, "k", "one");
  changes.add({ kind: "near_label", value: "crack", marks: packMarks([0, 2], 20), time: "t" });
  assert.deepEqual(plain(nearLabelRows(changes, ["a", "b", "c", "d"], (position) => ["x", "y", "", ""][position])),
    [["a", "crack"], ["b", "y"], ["c", "crack"]]);
  for (const [group, value] of [["root.2", "pits"], ["root.0", ""], ["root.10", "dark, \"wet\""]]) changes.add({ kind: "name", group, value, time: "t" });
  assert.deepEqual(plain(nameRows(changes, { "root.0": "old", "root.1": "kept" })),
    [["root.1", "kept"], ["root.2", "pits"], ["root.10", 'dark, "wet"']]);
});

test("what was given is a column of the node's rows", () => {
  const held = new Map([[4, { value: "pit" }], [0, { value: "good" }], [9, { value: "pit" }]]);
  const column = givenColumn(held, Int32Array.of(9, 3, 0), new Map([["good", "#123456"]]));
  assert.deepEqual([[...column.values], [...column.names], column.colors[1], [...column.counts]], [[0, -1, 1], ["pit", "good"], "#123456", [1, 1, 1]]);
  assert.equal(givenColumn(new Map(), Int32Array.of(1), new Map()), null);
});

test("rows are sorted by their value, what is not known last", () => {
  assert.deepEqual([...sortRows(SCORE, [0, 1, 2, 3, 4], true)], [4, 2, 1, 0, 3]);
  assert.deepEqual([...sortRows(KIND, [4, 3, 2, 1, 0], false)], [0, 1, 4, 2, 3]);
});
