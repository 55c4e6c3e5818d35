"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const { load } = require("./library.js");

const { rangeOf } = load(["geometry"], ["rangeOf"]);
const { logGamma, hypergeometricTail, adjustP, countCategories, enrichment, groupOverlaps, histogram } = load(["statistics"], [
  "logGamma", "hypergeometricTail", "adjustP", "countCategories", "enrichment", "groupOverlaps", "histogram"]);
const plain = (value) => JSON.parse(JSON.stringify(value));
const near = (value, wanted, relative, what) =>
  assert.ok(Math.abs(value - wanted) <= relative * Math.abs(wanted) + 1e-300, `${what}: ${value}, not ${wanted}`);

test("log-gamma at known places", () => {
  near(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-14, "1/2");
  near(logGamma(11), Math.log(3628800), 1e-14, "10!");
  // Of 1 and 2 it is 0.
  assert.ok(Math.abs(logGamma(1)) < 1e-14 && Math.abs(logGamma(2)) < 1e-14);
});

test("drawing all four aces in a hand of five", () => {
  near(hypergeometricTail(4, 52, 4, 5), 48 / 2598960, 1e-12, "aces");
  near(hypergeometricTail(1, 52, 4, 5), 1 - (48 * 47 * 46 * 45 * 44) / (52 * 51 * 50 * 49 * 48), 1e-12, "one ace");
});

test("what must be has p = 1, what cannot be has 0", () => {
  assert.equal(hypergeometricTail(0, 10, 3, 4), 1);
  assert.equal(hypergeometricTail(2, 10, 9, 3), 1);
  assert.equal(hypergeometricTail(4, 10, 3, 5), 0);
  assert.equal(hypergeometricTail(0, 0, 0, 0), 1);
});

test("as SciPy has it", { skip: process.env.NEARLABEL_ANSWERS ? false : "run by pytest, which asks SciPy" }, () => {
  const answers = JSON.parse(fs.readFileSync(process.env.NEARLABEL_ANSWERS, "utf8"));
  assert.ok(answers.tails.length > 500 && answers.adjusted.length > 20 && answers.gammas.length > 50);
  for (const [x, wanted] of answers.gammas) near(logGamma(x), wanted, 1e-13, `logGamma(${x})`);
  for (const [found, population, marked, drawn, p] of answers.tails) {
    near(hypergeometricTail(found, population, marked, drawn), p, 1e-7, `${found} of ${drawn}, ${marked} of ${population}`);
  }
  for (const [ps, qs] of answers.adjusted) adjustP(ps).forEach((q, i) => near(q, qs[i], 1e-12, `q of ${ps[i]}`));
});

test("near-labels of a selection: those that are not known do not count", () => {
  const values = Int32Array.of(0, 0, 1, 1, 1, -1, -1, 0);
  const found = plain(enrichment(values, 3, [2, 3, 4, 5]));
  assert.deepEqual(found.map(({ category, count, all, drawn, population }) => [category, count, all, drawn, population]),
    [[0, 0, 3, 3, 6], [1, 3, 3, 3, 6]]);
  near(found[1].p, 1 / 20, 1e-12, "p");
  near(found[1].q, 1 / 10, 1e-12, "q");
  assert.equal(found[0].p, 1);
  assert.deepEqual(plain(enrichment(Int32Array.of(-1, -1), 2, [0])), []);
});

test("counts, overlaps, histogram, range", () => {
  const values = Int32Array.of(0, 2, 2, -1, 1);
  assert.deepEqual([...countCategories(values, 3)], [1, 1, 2, 1]);
  assert.deepEqual([...countCategories(values, 3, [1, 3])], [0, 0, 1, 1]);
  assert.deepEqual(plain(groupOverlaps(Int32Array.of(0, 0, 1, 1, 1, 2), 3, [0, 2, 3])),
    [{ group: 1, shared: 2, overlap: 2 / 4 }, { group: 0, shared: 1, overlap: 1 / 4 }]);
  assert.deepEqual([...histogram([0, 0.1, 0.5, 1, NaN], 0, 1, 2)], [2, 2]);
  assert.deepEqual([...histogram([3, 3], 3, 3, 4)], [2, 0, 0, 0]);
  assert.deepEqual([...rangeOf([NaN, 2, -1])], [-1, 2]);
  assert.equal(rangeOf([NaN]), null);
});
