"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("./library.js");

const { View, pointsInPolygon, pointsInRectangle, nearestPoint, shuffledOrder, mediansOf, placeBoxes, EXTENT } = load(["geometry"], [
  "View", "pointsInPolygon", "pointsInRectangle", "nearestPoint", "shuffledOrder", "mediansOf", "placeBoxes", "EXTENT"]);
const at = (...places) => ({ x: Float32Array.from(places, ([x]) => x), y: Float32Array.from(places, ([, y]) => y) });
const all = (points) => new Uint8Array(points.x.length).fill(1);

test("a square holds what lies in it", () => {
  const points = at([5, 5], [15, 5], [5, -1], [0.1, 9.9], [-5, 5]);
  assert.deepEqual([...pointsInPolygon(points, all(points), [[0, 0], [10, 0], [10, 10], [0, 10]])], [0, 3]);
});

test("a star's middle is outside by the even-odd rule, its tips are inside", () => {
  const star = [0, 2, 4, 1, 3].map((k) => [10 * Math.sin((k * 2 * Math.PI) / 5), 10 * Math.cos((k * 2 * Math.PI) / 5)]);
  const points = at([0, 0], [0, 7], [0, -7]);
  assert.deepEqual([...pointsInPolygon(points, all(points), star)], [1]);
});

test("a dent is outside; hidden points are left out; a polygon without area holds nothing", () => {
  const dented = [[0, 0], [10, 0], [10, 10], [5, 2], [0, 10]];
  const points = at([5, 8], [1, 5], [9, 5], [5, 1]);
  assert.deepEqual([...pointsInPolygon(points, all(points), dented)], [1, 2, 3]);
  assert.deepEqual([...pointsInPolygon(points, Uint8Array.of(1, 0, 1, 1), dented)], [2, 3]);
  assert.equal(pointsInPolygon(points, all(points), [[0, 0], [5, 5], [9, 9]]).length, 0);
});

test("a regular polygon of many corners is a disc", () => {
  let state = 1;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const places = Array.from({ length: 3000 }, () => [random() * 100, random() * 100]);
  const polygon = Array.from({ length: 360 }, (_, i) => [50 + 30 * Math.cos((i * Math.PI) / 180), 50 + 30 * Math.sin((i * Math.PI) / 180)]);
  const points = at(...places);
  const found = new Set(pointsInPolygon(points, all(points), polygon));
  places.forEach(([x, y], row) => {
    const distance = Math.hypot(x - 50, y - 50);
    if (Math.abs(distance - 30) > 0.01) assert.equal(found.has(row), distance < 30, `${x} ${y}`);
  });
});

test("a rectangle may be drawn from any corner, and holds its border", () => {
  const points = at([1, 1], [5, 5], [5.1, 5], [3, 2]);
  for (const [a, b] of [[[1, 1], [5, 5]], [[5, 5], [1, 1]], [[1, 5], [5, 1]]]) {
    assert.deepEqual([...pointsInRectangle(points, all(points), a, b)], [0, 1, 3]);
  }
});

test("the nearest point that is shown, within the radius", () => {
  const points = at([0, 0], [3, 0], [10, 0]);
  assert.equal(nearestPoint(points, all(points), 2, 0, 5), 1);
  assert.equal(nearestPoint(points, Uint8Array.of(1, 0, 1), 2, 0, 5), 0);
  assert.equal(nearestPoint(points, all(points), 6.4, 0, 3), -1);
});

test("the order of drawing is a permutation, the same each time, and no row keeps its place for all", () => {
  const order = [...shuffledOrder(1000)];
  assert.deepEqual([...order].sort((a, b) => a - b), [...Array(1000).keys()]);
  assert.deepEqual(order, [...shuffledOrder(1000)]);
  const moved = order.reduce((sum, row, place) => sum + Math.abs(row - place), 0) / 1000;
  assert.ok(moved > 280 && moved < 390, `${moved}`);
  assert.deepEqual([...shuffledOrder(0)], []);
});

test("screen and map are each other's inverse, zooming keeps what is under the mouse", () => {
  const view = new View(800, 600);
  assert.deepEqual([...view.toScreen(EXTENT / 2, EXTENT / 2)], [400, 300]);
  assert.ok(view.toScreen(0, EXTENT)[1] < view.toScreen(0, 0)[1], "y points up");
  view.zoomBy(3, 200, 150);
  view.pan(31, -17);
  const [x, y] = view.toScreen(...view.toMap(123, 456));
  assert.ok(Math.abs(x - 123) < 1e-6 && Math.abs(y - 456) < 1e-6);
  const before = view.toMap(300, 200);
  view.zoomBy(2, 300, 200);
  view.toMap(300, 200).forEach((one, i) => assert.ok(Math.abs(one - before[i]) < 1e-6));
  view.zoomBy(1e9);
  assert.ok(view.zoom <= 2000);
  view.fit();
  assert.equal(view.zoom, 1);
});

test("medians of categories, those without points left out", () => {
  const medians = mediansOf(at([0, 0], [2, 8], [10, 4], [7, 7]), Int32Array.of(2, 2, 2, -1), 4);
  assert.deepEqual(JSON.parse(JSON.stringify(medians)), [{ category: 2, size: 3, x: 2, y: 4 }]);
  assert.equal(mediansOf(at([0, 0], [2, 8]), Int32Array.of(0, 0), 1)[0].x, 1);
});

test("placed boxes never overlap, and the first has its place", () => {
  const boxes = Array.from({ length: 300 }, (_, i) => ({ x: (i * 37) % 400, y: (i * 91) % 300, width: 60, height: 20, i }));
  const placed = placeBoxes(boxes);
  assert.equal(placed[0].i, 0);
  assert.equal(placed[0].y, boxes[0].y);
  assert.ok(placed.length > 20);
  for (const a of placed) {
    for (const b of placed) {
      if (a !== b) assert.ok(Math.abs(a.x - b.x) >= 60 || Math.abs(a.y - b.y) >= 20);
    }
  }
});

test("the whole map fills the screen along the axis that is short of room", () => {
  const { reachOf } = load(["geometry"], ["reachOf"]);
  const points = at([0, 30000], [65534, 30000], [9, 35534]);
  assert.deepEqual([...reachOf(points)], [65534, 5534]);
  assert.deepEqual([...reachOf(at([5, 5]))], [EXTENT / 20, EXTENT / 20]);
  const view = new View(800, 600, [EXTENT, EXTENT / 4]);
  assert.equal(Math.round(view.toScreen(EXTENT, EXTENT / 2)[0]), 752);
});

test("sparse places keep their distance, and none is left out that had room", () => {
  const { sparsePlaces } = load(["geometry"], ["sparsePlaces"]);
  let state = 7;
  const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const points = at(...Array.from({ length: 600 }, () => [random() * 1000 - 100, random() * 1000]));
  const first = Uint8Array.from({ length: 600 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const found = sparsePlaces(points, [first, first.map((one) => 1 - one)], 90);
  const close = (a, b) => Math.abs(points.x[a] - points.x[b]) < 90 && Math.abs(points.y[a] - points.y[b]) < 90;
  for (const a of found) for (const b of found) assert.ok(a === b || !close(a, b));
  for (let i = 0; i < 600; i++) assert.ok(found.includes(i) || found.some((one) => close(one, i)));
  const alone = sparsePlaces(points, [first], 90);
  assert.deepEqual([...found.slice(0, alone.length)], [...alone]);
});
