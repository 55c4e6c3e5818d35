"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const { loadReview } = require("./library.js");

// What a browser keeps, and a server that answers as it is told: a function of what it was sent.
class Kept {
  constructor() { this.map = new Map(); }
  get length() { return this.map.size; }
  key(at) { return [...this.map.keys()][at]; }
  getItem(key) { return this.map.get(key) ?? null; }
  setItem(key, value) { this.map.set(key, String(value)); }
  removeItem(key) { this.map.delete(key); }
}

const kept = (body) => ({ ok: true, status: 200, json: async () => ({ results: (body.words ?? [body]).map(({ request, image }) => ({ request, image, state: "kept", word: null, at: 1 })) }) });
const failed = (status, text) => ({ ok: false, status, text: async () => text });

function makeQueue(answer, localStorage = new Kept()) {
  const sent = [];
  const fetch = async (path, { body }) => {
    const found = JSON.parse(body);
    sent.push({ path, ...found });
    return answer(found, sent.length);
  };
  const { WordQueue } = loadReview(["text", "queue"], ["WordQueue"], { fetch, localStorage, setTimeout: (again) => setTimeout(again, 1) });
  const heard = [];
  const queue = new WordQueue("db", (results) => heard.push(...results), () => undefined);
  return { queue, sent, heard, localStorage };
}

const entry = (request, operator = "Ada") => ({ path: "/words", operator, image: `image-${request}`, body: { request, image: `image-${request}` }, shown: { label: request } });
async function idle(queue) {
  while (queue.entries.size || queue.sending) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("words are sent in order, those of one operator together", async () => {
  const { queue, sent, localStorage } = makeQueue(kept);
  queue.sending = true;
  for (const [request, operator] of [["a"], ["b"], ["c", "Bo"], ["d"]]) queue.add(entry(request, operator));
  assert.equal(localStorage.length, 4);
  queue.sending = false;
  queue.send();
  await idle(queue);
  assert.deepEqual(sent.map(({ operator, words }) => [operator, words.map(({ request }) => request).join("")]), [["Ada", "ab"], ["Bo", "c"], ["Ada", "d"]]);
  assert.equal(localStorage.length, 0);
});

test("a word is kept until the server says that it has it, also when the page is closed", async () => {
  const { queue, localStorage } = makeQueue(() => new Promise(() => undefined));
  queue.add(entry("a"));
  queue.add(entry("b"));
  const later = makeQueue(kept, localStorage);
  later.queue.open();
  await idle(later.queue);
  assert.deepEqual(later.sent.map(({ words }) => words.map(({ request }) => request)), [["a", "b"]]);
  assert.equal(localStorage.length, 0);
});

test("a server that is gone, busy or asks for the token is asked again", async () => {
  const answers = [() => { throw new TypeError("no network"); }, () => failed(503, "busy"), () => failed(401, "token"), () => failed(500, "x"), () => failed(408, "slow"), kept];
  const { queue, sent } = makeQueue((body, number) => answers[Math.min(number, answers.length) - 1](body));
  const problems = [];
  queue.heard = () => problems.push(queue.problem);
  queue.add(entry("a"));
  await idle(queue);
  assert.equal(sent.length, 6);
  assert.equal(new Set(sent.map(({ words }) => words[0].request)).size, 1);
  assert.ok(problems.includes("busy") && problems.includes("The server does not answer") && problems.some((text) => text.startsWith("The token")));
  assert.equal(problems.at(-1), "");
});

test("of words that are refused together each is sent alone; the wrong one is told, the others are kept", async () => {
  const { queue, sent, localStorage } = makeQueue((body) => (body.words.some(({ request }) => request === "bad") ? failed(400, "The label is empty.") : kept(body)));
  queue.sending = true;
  for (const request of ["a", "bad", "b"]) queue.add(entry(request));
  queue.sending = false;
  queue.send();
  await idle(queue);
  assert.deepEqual(sent.map(({ words }) => words.map(({ request }) => request).join("+")), ["a+bad+b", "a", "bad+b", "bad", "b"]);
  assert.deepEqual([...queue.refused.values()].map(({ body, reason }) => [body.request, reason]), [["bad", "The label is empty."]]);
  assert.equal(localStorage.length, 1);
  queue.dismiss();
  assert.equal(localStorage.length, 0);
});

test("what waits is what is shown", () => {
  const { queue } = makeQueue(() => new Promise(() => undefined));
  queue.add({ ...entry("a"), image: "x", shown: { action: "correct", label: "pit" } });
  queue.add({ ...entry("b"), image: "x", shown: { action: "undo" } });
  assert.deepEqual({ ...queue.waitingFor("x") }, { action: "undo", waiting: true });
  assert.equal(queue.waitingFor("y"), null);
});

test("a browser that keeps nothing still sends", async () => {
  const full = { get length() { throw new Error("forbidden"); }, setItem() { throw new Error("full"); }, removeItem() { throw new Error("forbidden"); } };
  const { queue, sent } = makeQueue(kept, full);
  queue.open();
  queue.add(entry("a"));
  await idle(queue);
  assert.equal(sent.length, 1);
  assert.equal(queue.keeps, false);
});

test("the last words are taken back first, by operator, also after the page was closed", () => {
  const localStorage = new Kept();
  const { Said } = loadReview(["text", "queue"], ["Said"], { localStorage });
  const said = new Said("db", "Ada");
  for (const text of ["a", "b"]) said.push({ text, words: [] });
  assert.equal(new Said("db", "Ada").pop().text, "b");
  assert.equal(new Said("db", "Ada").pop().text, "a");
  assert.equal(new Said("db", "Bo").pop(), undefined);
});

test("numbers and times as they are read", () => {
  const { percent, clockTime } = loadReview(["text"], ["percent", "clockTime"]);
  assert.deepEqual([0, 0.0004, 0.001, 0.0082, 0.95, 0.9996, 1].map(percent), ["0 %", "< 0.1 %", "0.1 %", "0.8 %", "95 %", "> 99.9 %", "100 %"]);
  const now = new Date(2026, 10, 28, 12, 0, 0);
  assert.equal(clockTime(new Date(2026, 10, 28, 7, 5, 9).toISOString(), now), "07:05:09");
  assert.equal(clockTime(new Date(2026, 10, 27, 23, 0, 0).toISOString(), now), "2026-11-27 23:00:00");
  assert.equal(clockTime("no\ntime", now), "no\\ntime");
});

test("new images are filtered here as on the server", () => {
  const { passes, Arrivals } = loadReview(["text", "live"], ["passes", "Arrivals"], {}, { bundle: { always: ["rare"] } });
  const image = { label: "pit", node: "root.1.2", camera: "left", confidence: 0.5, set: ["pit", "rare"], novel: false, word: null };
  for (const [filters, passed] of [[{}, true], [{ label: "pit" }, true], [{ label: "good" }, false], [{ group: "root.1" }, true], [{ group: "root.1.2" }, true],
    [{ group: "root.12" }, false], [{ camera: "right" }, false], [{ doubt: true }, false], [{ novel: true }, false], [{ unreviewed: true }, true], [{ event: 3 }, false]]) {
    assert.equal(passes(image, filters), passed, JSON.stringify(filters));
  }
  assert.ok(passes({ ...image, set: ["pit", "good", "rare"] }, { doubt: true }));
  assert.ok(!passes({ ...image, label: "", set: ["pit", "good", "rare"] }, { doubt: true }));
  assert.ok(passes({ ...image, word: { label: "good" } }, { label: "good" }));
  const arrivals = new Arrivals();
  for (let at = 0; at < 300; at += 1) arrivals.add([{ image: String(at) }], 0);
  assert.deepEqual([arrivals.images.length, arrivals.count, arrivals.whole, arrivals.images[0].image], [200, 300, false, "299"]);
});
