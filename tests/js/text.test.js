"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const { load } = require("./library.js");

const { visible, shortened, formatNumber, formatShare, formatP, writeTable, safeName, labelsName, fileAddress, yamlText } = load(
  ["text", "files"], ["visible", "shortened", "formatNumber", "formatShare", "formatP", "writeTable", "safeName", "labelsName", "fileAddress", "yamlText"]);
const { unpackIntegers, unpackNumbers, unpackPoints, unpackTexts } = load(["unpacking"], ["unpackIntegers", "unpackNumbers", "unpackPoints", "unpackTexts"]);
const { cellOf, Kept } = load(["unpacking", "sheets"], ["cellOf", "Kept"]);
const { discStamp, blend, Painter, paintPoints, pointRadius } = load(["geometry", "painting"], ["discStamp", "blend", "Painter", "paintPoints", "pointRadius"]);
const { View } = load(["geometry"], ["View"]);

test("what cannot be seen is shown, the rest stays", () => {
  assert.equal(visible("a\nb\u202ec\u0000"), "a\\nb\\u{202e}c\\u{0}");
  assert.equal(visible("שלום 👩‍🔧 é"), "שלום 👩‍🔧 é");
  assert.equal(shortened("abcdefghij", 5), "ab…ij");
  assert.equal(shortened("abc", 5), "abc");
  assert.equal([...shortened("🔥".repeat(300), 20)].length, 20);
});

test("numbers, shares and p as they are read", () => {
  assert.deepEqual([0, 1234567, -0.12345, 1e-9, NaN, 0.5].map(formatNumber), ["0", "1,234,567", "−0.1235", "1.00e−9", "–", "0.5"]);
  assert.deepEqual([[1, 3], [0, 5], [1, 5000], [4999, 5000], [1, 1], [0, 0], [1, 30]].map(([a, b]) => formatShare(a, b)),
    ["33 %", "0 %", "< 0.1 %", "> 99.9 %", "100 %", "–", "3.3 %"]);
  assert.deepEqual([1, 0.0012, 3.2e-11, 0].map(formatP), ["1.000", "0.001", "3.2e−11", "< 1e−300"]);
});

test("a table's texts are quoted, whatever they hold", () => {
  assert.equal(writeTable(["a", "b"], [['say "hi"', "x\ny"], [",", ""]]), '"a","b"\n"say ""hi""","x\ny"\n",",\n');
});

test("names of files are safe", () => {
  assert.deepEqual(["../..\\a:b*?", "Åsa Løv", "???", "y".repeat(300)].map(safeName), ["a_b", "Åsa_Løv", "unnamed", "y".repeat(40)]);
  assert.equal(labelsName("Ada", new Date(Date.UTC(2026, 0, 31, 15, 4, 5, 678))), "labels-Ada-20260131T150405678Z.csv");
});

test("a path is an address of a file, and nothing else, whatever it looks like", () => {
  assert.deepEqual(["javascript:alert(1)", "../a b/ü#1?.png", "//host/x.png", "/data/50%.png", "C:\\im ages\\1.png", "a\udc80b.png", "http://x/y"].map(fileAddress),
    ["./javascript%3Aalert(1)", "./../a%20b/%C3%BC%231%3F.png", "file:///host/x.png", "file:///data/50%25.png", "file:///C:/im%20ages/1.png",
      "./a%80b.png", "./http%3A//x/y"]);
  for (const path of ["javascript:alert(1)", "data:text/html,x", "//host/x.png", "\tjavascript:1", "http://x/y"]) {
    const address = new URL(fileAddress(path), "file:///report/explorer.html");
    assert.equal(`${address.protocol}//${address.host}`, "file://", path);
  }
});

test("names in YAML are what they were", () => {
  assert.deepEqual(["tiles", "no", "a: b", "7"].map(yamlText), ["tiles", '"no"', '"a: b"', '"7"']);
});

test("what Python packed is unpacked", { skip: process.env.NEARLABEL_ANSWERS ? false : "run by pytest, which packs" }, async () => {
  const answers = JSON.parse(fs.readFileSync(process.env.NEARLABEL_ANSWERS, "utf8"));
  assert.ok(answers.integers.length >= 6 && answers.numbers.length >= 5 && answers.texts.length >= 2);
  for (const [packed, wanted] of answers.integers) assert.deepEqual([...(await unpackIntegers(packed))], wanted);
  for (const [packed, wanted, within] of answers.numbers) {
    const values = [...(await unpackNumbers(packed))];
    assert.equal(values.length, wanted.length);
    values.forEach((value, i) => (wanted[i] === null ? assert.ok(Number.isNaN(value)) : assert.ok(Math.abs(value - wanted[i]) <= within, `${value} ${wanted[i]}`)));
  }
  for (const [packed, wanted] of answers.texts) assert.deepEqual(JSON.parse(JSON.stringify(await unpackTexts(packed))), wanted);
  const [packed, x, y] = answers.points;
  const points = await unpackPoints(packed);
  assert.deepEqual([[...points.x], [...points.y]], [x, y]);
});

test("an image's cell is by its position alone", () => {
  const layout = { side: 10, columns: 4, rows: 3 };
  const cells = [0, 5, 11, 12, 30].map((position) => ({ ...cellOf(position, layout) }));
  assert.deepEqual(cells, [{ sheet: 0, x: 0, y: 0 }, { sheet: 0, x: 10, y: 10 }, { sheet: 0, x: 30, y: 20 }, { sheet: 1, x: 0, y: 0 }, { sheet: 2, x: 20, y: 10 }]);
});

test("what was used last stays", () => {
  const gone = [];
  const kept = new Kept(2, (value) => gone.push(value));
  kept.set("a", 1);
  kept.set("b", 2);
  kept.get("a");
  kept.set("c", 3);
  assert.deepEqual([kept.get("a"), kept.get("b"), kept.get("c"), ...gone], [1, undefined, 3, 2]);
});

test("a disc covers its area, colours are blended part by part", () => {
  for (const radius of [1.35, 2, 3.3, 7]) {
    const area = discStamp(radius).cover.reduce((sum, one) => sum + one / 256, 0);
    assert.ok(Math.abs(area - Math.PI * radius ** 2) < 0.12 * radius ** 2, `${radius}: ${area}`);
  }
  assert.equal(blend(0xff102030, 0xffffffff, 0) >>> 0, 0xff102030);
  assert.equal(blend(0xff000000, 0xff80ff40, 128) >>> 0, 0xff407f20);
  assert.equal(blend(0xffffffff, 0xffffffff, 100) >>> 0, 0xffffffff);
});

test("numbers' colours: ordered by lightness, far ones do not leave one colour to all others", () => {
  const { codesOf, paletteOf, rampColor, toRgb, colorRange } = load(["colors"], ["codesOf", "paletteOf", "rampColor", "toRgb", "colorRange"]);
  const light = [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1].map((share) => toRgb(rampColor(share)).reduce((sum, part, i) => sum + part * [0.21, 0.72, 0.07][i], 0));
  assert.deepEqual([...light].sort((a, b) => a - b), light);
  const values = Float64Array.from({ length: 1001 }, (_, i) => (i === 1000 ? 1e6 : i));
  assert.deepEqual([...colorRange(values)], [10, 990]);
  const column = { names: null, values: Float64Array.of(...values, NaN) };
  const codes = codesOf(column);
  assert.deepEqual([codes[0], codes[500], codes[1000], codes[1001]], [0, 64, 127, 128]);
  assert.equal(paletteOf(column, [1, 2, 3]).length, 129);
  assert.deepEqual([...codesOf({ names: ["a", "b"], values: Int32Array.of(1, -1, 0) })], [1, 2, 0]);
  assert.deepEqual([...codesOf({ names: null, values: Float64Array.of(3, 3) })], [64, 64]);
});

test("points are painted where they are, also at the edges, later ones over earlier ones", () => {
  const [width, height] = [41, 41];
  const pixels = new Uint32Array(width * height).fill(0xffffffff);
  const painter = new Painter(pixels, width, height);
  const view = new View(width, height);
  view.zoom = width / 65534 / view.fitted;
  const scene = { x: Float32Array.of(32767, 32767, 0, 60000), y: Float32Array.of(32767, 32767, 65534, 3), codes: Uint16Array.of(0, 1, 2, 3), view, ratio: 1 };
  paintPoints(painter, scene, Uint8Array.of(1, 1, 1, 0), Uint32Array.of(0xff0000ff, 0xff00ff00, 0xffff0000, 0xff000000), 2, null);
  assert.equal(pixels[20 * width + 20], 0xff00ff00);
  assert.equal(pixels[0], 0xffff0000);
  assert.ok(!pixels.includes(0xff0000ff) && !pixels.includes(0xff000000));
  assert.ok(pointRadius(100, 1) > pointRadius(100000, 1) && pointRadius(1e6, 1) >= 1);
});
