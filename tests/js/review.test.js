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

const OWN = new Headers({ "X-Nearlabel": "1" });
const kept = (body) => ({ ok: true, status: 200, headers: OWN, json: async () => ({ results: (body.words ?? [body]).map(({ request, image }) => ({ request, image, state: "kept", word: null, at: 1 })) }) });
const failed = (status, text, headers = OWN) => ({ ok: false, status, headers, text: async () => text });

const page = { getElementById: () => ({ textContent: "{}" }) };

function makeQueue(answer, localStorage = new Kept(), paused = () => undefined) {
  const sent = [];
  const fetch = async (path, { body, headers }) => {
    const found = JSON.parse(body);
    sent.push({ path, database: headers["X-Nearlabel-Database"], ...found });
    return answer(found, sent.length);
  };
  const { WordQueue } = loadReview(["text", "queue"], ["WordQueue"], { fetch, localStorage, setTimeout: (again) => { paused(); setTimeout(again, 1); } }, { bundle: null, database: "db" });
  const heard = [];
  const named = [];
  const queue = new WordQueue("db", (results) => heard.push(...results), (entry) => named.push(entry));
  return { queue, sent, heard, named, localStorage };
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
  assert.ok(problems.includes("busy") && problems.includes("The server does not answer.") && problems.some((text) => text.startsWith("The token")));
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

test("what something else than nearlabel answers is no reason to give a word up", async () => {
  const elsewhere = [403, 404, 400, 413, 409].map((status) => () => failed(status, "Not found", new Headers()));
  const answers = [...elsewhere, () => ({ ...kept({}), headers: new Headers() }), () => failed(403, "another page"), () => failed(409, "another database"), kept];
  const { queue, sent, localStorage } = makeQueue((body, number) => answers[number - 1](body));
  const problems = [];
  queue.heard = () => problems.push(queue.problem);
  queue.add(entry("a"));
  queue.add(entry("b"));
  await idle(queue);
  assert.equal(sent.length, answers.length);
  assert.equal(queue.refused.size, 0);
  assert.equal(localStorage.length, 0);
  assert.deepEqual([...new Set(problems)].slice(-3), ["another page", "another database", ""]);
  assert.ok(problems.some((text) => text.includes("(404)")) && sent.every(({ database }) => database === "db"));
});

test("an answer that cannot be read is waited for, not asked for without pause", async () => {
  let pauses = 0;
  const broken = { ok: true, status: 200, headers: OWN, json: async () => { throw new SyntaxError("no JSON"); } };
  const { queue } = makeQueue((body, number) => (number < 4 ? broken : kept(body)), new Kept(), () => { pauses += 1; });
  queue.add(entry("a"));
  await idle(queue);
  assert.equal(pauses, 3);
});

test("a naming that waits is taken back when it is answered", async () => {
  let down = true;
  const { queue, named, localStorage } = makeQueue((body) => {
    if (down) throw new TypeError("no network");
    return kept(body);
  });
  queue.add({ path: "/names", operator: "Ada", image: "", body: { request: "n", event: 1, label: "pit" }, shown: {} });
  assert.equal(queue.withdraw("n"), true);
  assert.equal(queue.withdraw("m"), false);
  assert.equal(JSON.parse([...localStorage.map.values()][0]).withdrawn, true);
  down = false;
  await idle(queue);
  assert.deepEqual(named.map(({ withdrawn }) => withdrawn), [true]);
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

test("several tabs of an operator share what can be taken back", () => {
  const localStorage = new Kept();
  const { Said } = loadReview(["text", "queue"], ["Said"], { localStorage });
  const [one, two] = [new Said("db", "Ada"), new Said("db", "Ada")];
  one.push({ request: "a" });
  two.push({ request: "b" });
  one.push({ request: "c" });
  two.fill("a", [1]);
  two.fill("gone", [1]);
  one.forget("b");
  assert.deepEqual([two.pop().request, two.pop().words.length, two.pop()], ["c", 1, undefined]);
});

test("where the browser keeps nothing, a tab remembers what it can take back", () => {
  const full = { getItem: () => null, setItem() { throw new Error("full"); } };
  const { Said } = loadReview(["text", "queue"], ["Said"], { localStorage: full });
  const said = new Said("db", "Ada");
  for (const request of ["a", "b"]) said.push({ request });
  assert.deepEqual([said.pop().request, said.pop().request, said.pop()], ["b", "a", undefined]);
});

test("a label is known whatever its capitals", () => {
  const { findLabel } = loadReview(["text", "dialogs"], ["findLabel"], { document: { ...page, querySelectorAll: () => [] } });
  assert.deepEqual(["Pit", "pit", "PIT", "pits", ""].map((typed) => findLabel(["good", "pit", "Pit"], typed)), ["Pit", "pit", "pit", undefined, undefined]);
});

test("a question is asked again until it is answered, and not when it was asked anew", async () => {
  const answers = [() => { throw new TypeError("no network"); }, () => failed(503, "busy"), () => ({ ok: true, headers: OWN, json: async () => 7 })];
  const banners = [];
  const around = { fetch: async () => answers.shift()(), showBanner: (id, text) => banners.push(text), setTimeout: (again) => setTimeout(again, 1) };
  const { insist } = loadReview(["text"], ["insist"], around);
  assert.equal(await insist("/images?a=1"), 7);
  assert.deepEqual(banners, ["The server does not answer.", "busy", ""]);
  answers.push(answers[0] ?? (() => failed(503, "busy")), () => ({ ok: true, headers: OWN, json: async () => 8 }));
  const first = insist("/images?a=1");
  assert.deepEqual(await Promise.all([first, insist("/images?a=2")]), [null, 8]);
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
