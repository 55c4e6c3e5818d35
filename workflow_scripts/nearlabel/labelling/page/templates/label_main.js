// The page: which image is shown, what keys do, how long an answer took.
const DATA = JSON.parse(find("data").textContent);
find("data").remove();
const IMAGES = DATA.images;
const AHEAD = [0, 1, -1, 2, 3];

// One for each annotator of this tab, kept: where nothing else keeps answers, they live here.
const logs = new Map();
let log = null;
let index = 0;

// Milliseconds on the screen, for each image and for the grid; hidden tabs do not count.
const clock = {
  spent: new Map(), of: null, since: 0,
  switchTo(next) {
    const now = performance.now();
    if (this.of !== null) this.spent.set(this.of, this.read(this.of, now));
    [this.of, this.since] = [next, now];
  },
  read(of, now = performance.now()) {
    return (this.spent.get(of) ?? 0) + (of === this.of ? now - this.since : 0);
  },
};
const watched = () => {
  const open = document.querySelector("dialog[open]");
  if (!log || open || document.hidden || !IMAGES.length) return null;
  if (grid.open) return "grid";
  return stage.result && stage.index === index ? index : null;
};
const tick = () => clock.switchTo(watched());

const pictures = new Pictures(IMAGES, (arrived) => {
  if (arrived === index) show();
});
const stage = new Stage(() => {
  find("zoom").textContent = stage.bitmap ? `${Math.round(stage.scale * 100)} %` : "";
  find("overlayButton").setAttribute("aria-pressed", stage.covered);
});
const grid = new Grid(IMAGES, (opened) => closeGrid(opened), (at) => markAnswer(log.answers.get(at)?.label ?? ""));

function show() {
  const image = IMAGES[index];
  pictures.prepare(AHEAD.map((step) => index + step).filter((at) => at >= 0 && at < IMAGES.length));
  stage.show(index, pictures.get(index));
  tick();
  find("position").textContent = `${index + 1} / ${IMAGES.length}`;
  find("name").textContent = find("name").title = visible(image.id);
  const reduced = image.shown[0] < image.size[0] ? `, shown at ${image.shown.join(" × ")}` : "";
  find("facts").textContent = image.problem ? "" : `${image.size.join(" × ")}${reduced}`;
  document.querySelector("[data-action=overlay]").disabled = !image.overlay;
  markAnswer(log?.answers.get(index)?.label ?? "");
}

function move(to) {
  if (to < 0 || to >= IMAGES.length) return say(to < 0 ? "This is the first image." : "This is the last image.");
  index = to;
  show();
}

function refresh() {
  showProgress(IMAGES, log);
  if (grid.open) grid.showAnswers(log.answers);
  markAnswer(log.answers.get(grid.open ? grid.focused : index)?.label ?? "");
  const done = IMAGES.length > 0 && log.answers.size === IMAGES.length;
  find("finished").hidden = !done;
  showBanner("unkept", log.keeps ? "" :
    "This browser keeps nothing for this page: answers live only in this tab. Save them as a file before it is closed.");
}

let saying = 0;
function say(text) {
  find("said").textContent = text;
  find("said").classList.add("fresh");
  clearTimeout(saying);
  saying = setTimeout(() => find("said").classList.remove("fresh"), 2500);
}

function answer(label) {
  const images = grid.open ? grid.chosen : [index];
  if (!grid.open && !(stage.result && stage.index === index)) return say("The image is not shown yet.");
  tick();
  const key = grid.open ? "grid" : index;
  const seconds = clock.read(key) / 1000 / images.length;
  if (grid.open) clock.spent.set("grid", 0);
  log.add({ images, label, time: new Date().toISOString(), seconds: Math.round(seconds * 1000) / 1000 });
  const what = images.length === 1 ? visible(IMAGES[images[0]].id) : plural(images.length, "image");
  const after = images.at(-1);
  // The next without an answer, from here to the end and on from the start.
  const order = [...IMAGES.keys()].map((step) => (after + 1 + step) % IMAGES.length);
  const next = order.find((at) => !log.answers.has(at)) ?? after;
  refresh();
  if (grid.open) {
    grid.clear();
    grid.focus(next);
  } else if (next !== index) move(next);
  say(log.answers.size === IMAGES.length ? `${what}: ${visible(label)}. All images are answered.` : `${what}: ${visible(label)}`);
}

function undo() {
  const entry = log.undo();
  if (!entry) return say("There is nothing to undo.");
  refresh();
  if (grid.open) grid.focus(entry.images[0]);
  else move(entry.images[0]);
  const what = entry.images.length === 1 ? visible(IMAGES[entry.images[0]].id) : plural(entry.images.length, "image");
  const filed = entry.inFile ? " A file saved before still has it, until a later file has another answer." : "";
  say(`Taken back: ${visible(entry.label)} for ${what}.${filed}`);
}

function save() {
  const rows = [...log.answers].sort((a, b) => a[0] - b[0]).map(([at, entry]) => ({
    image: IMAGES[at].id, label: entry.label, annotator: log.annotator, time: entry.time, seconds: entry.seconds }));
  if (!rows.length) return say("There is no answer to save yet.");
  const name = labelsName(log.annotator, new Date());
  offerFile(name, writeCsv(rows));
  log.add({ file: name });
  refresh();
  say(`${plural(rows.length, "answer")} written to ${name}, where this browser puts downloads. It belongs into the folder “${visible(DATA.folder)}”.`);
}

function openGrid() {
  find("single").hidden = true;
  find("grid").hidden = false;
  document.querySelector("[data-action=grid]").setAttribute("aria-pressed", "true");
  grid.showAnswers(log.answers);
  grid.clear();
  grid.focus(index);
  grid.anchor = index;
  tick();
}

function closeGrid(opened = grid.focused) {
  find("grid").hidden = true;
  find("single").hidden = false;
  document.querySelector("[data-action=grid]").setAttribute("aria-pressed", "false");
  move(opened);
}

const askWho = askName(begin);
const pan = (x, y) => stage.moveBy((x * stage.canvas.width) / 8, (y * stage.canvas.height) / 8);
// What keys do: [keys, what help says, what happens, whether a key held down repeats it].
const ACTIONS = {
  skip: [["s"], "Skip: answered “skip”", () => answer("skip")],
  unsure: [["?"], "Unsure: answered “unsure”", () => answer("unsure")],
  undo: [["u"], "Take the last answer back, as often as you like", undo],
  previous: [["ArrowLeft"], "Previous image", () => move(index - 1), true],
  next: [["ArrowRight"], "Next image, without an answer", () => move(index + 1), true],
  zoomIn: [["+", "="], "Zoom in (or the wheel)", () => stage.zoomBy(STEP), true],
  zoomOut: [["-", "_"], "Zoom out", () => stage.zoomBy(1 / STEP), true],
  fit: [["0"], "Fit the image into the window", () => stage.fit()],
  actual: [["1"], "One pixel of the image on one of the screen", () => stage.zoomTo(1)],
  contrastUp: [["c"], "More contrast", () => stage.adjust(1.15, 1), true],
  contrastDown: [["C"], "Less contrast", () => stage.adjust(1 / 1.15, 1), true],
  brighter: [["b"], "Brighter", () => stage.adjust(1, 1.15), true],
  darker: [["B"], "Darker", () => stage.adjust(1, 1 / 1.15), true],
  reset: [["r"], "Contrast and brightness as they were", () => stage.resetTones()],
  overlay: [["o"], "Map over the image", () => stage.toggleCover()],
  grid: [["g"], "All images at once, or back to one", () => (grid.open ? closeGrid() : openGrid())],
  download: [["d"], "Save the answers as a file", save],
  help: [["h"], "This help", () => { find("helpBox").showModal(); }],
  annotator: [[], "", askWho],
};
const SINGLE_ONLY = new Set(["previous", "next", "zoomIn", "zoomOut", "fit", "actual", "contrastUp", "contrastDown",
  "brighter", "darker", "reset", "overlay"]);
const PANS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const SHOWN_KEYS = { ArrowLeft: "←", ArrowRight: "→", "-": "−", C: "⇧c", B: "⇧b" };

// A class takes its key from the page; both cases of a letter are one key.
const TAKEN = new Map(DATA.kinds.map((kind) => [kind.key.toLowerCase(), kind.name]));
for (const action of Object.values(ACTIONS)) action[0] = action[0].filter((key) => !TAKEN.has(key.toLowerCase()));
const KEYS = new Map(Object.entries(ACTIONS).flatMap(([name, [keys]]) => keys.map((key) => [key, name])));

function run(name) {
  if (!IMAGES.length && !["help", "annotator"].includes(name)) return;
  if (grid.open && SINGLE_ONLY.has(name)) return;
  ACTIONS[name][2]();
}

function pressed(event) {
  if (!log || event.isComposing || document.querySelector("dialog[open]")) return;
  if (grid.open && grid.key(event)) return event.preventDefault();
  if ((event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph")) return;
  if (!IMAGES.length && event.key !== "h") return;
  if (grid.open && (event.key === "Enter" || event.key === "Escape")) {
    if (event.key === "Enter" && !find("cells").contains(event.target)) return;
    event.preventDefault();
    return closeGrid();
  }
  // With some layouts the keys of digits have other characters.
  const digit = event.shiftKey || KEYS.has(event.key) ? undefined : /^Digit(\d)$/.exec(event.code)?.[1];
  const label = TAKEN.get(event.key.toLowerCase()) ?? TAKEN.get(digit);
  if (label !== undefined) {
    event.preventDefault();
    if (!event.repeat) answer(label);
    return;
  }
  if (event.shiftKey && event.key in PANS) {
    event.preventDefault();
    return pan(...PANS[event.key]);
  }
  // With caps lock letters are large.
  const capital = event.getModifierState("CapsLock") && /^[a-z]$/i.test(event.key);
  const key = capital ? (event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase()) : event.key;
  const name = KEYS.get(key);
  if (!name) return;
  event.preventDefault();
  if (!event.repeat || ACTIONS[name][3] || name === "undo") run(name);
}

async function begin(name) {
  if (!logs.has(name)) {
    const opened = new AnswerLog(DATA.key, name, (what) => {
      if (log !== opened) return;
      if (what === "elsewhere") say("Another tab with this page has answered; its answers are here, too.");
      refresh();
    });
    logs.set(name, opened);
    await opened.open();
  }
  log = logs.get(name);
  clock.spent.clear();
  clock.of = null;
  find("annotator").textContent = visible(name);
  refresh();
  if (!IMAGES.length) return;
  const first = [...IMAGES.keys()].find((at) => !log.answers.has(at)) ?? 0;
  if (grid.open) closeGrid(first);
  else move(first);
  if (log.answers.size) say(`Welcome back: ${plural(log.answers.size, "answer")} restored.`);
  document.body.dataset.ready = name;
}

if (IMAGES.length) describeRun(DATA);
else describeEmpty(DATA);
buildKinds(DATA.kinds, (label) => log && IMAGES.length && answer(label), enlargeExample);
for (const button of document.querySelectorAll("[data-action]")) {
  const keys = ACTIONS[button.dataset.action][0];
  if (keys.length) button.append(" ", element("kbd", { textContent: SHOWN_KEYS[keys[0]] ?? keys[0] }));
  button.addEventListener("click", () => run(button.dataset.action));
}
fillHelp([
  ...DATA.kinds.map((kind) => [[kind.key], visible(kind.name)]),
  ...Object.values(ACTIONS).filter(([keys]) => keys.length).map(([keys, text]) => [[SHOWN_KEYS[keys[0]] ?? keys[0]], text]),
  [["⇧←", "⇧→", "⇧↑", "⇧↓"], "Move a zoomed image (or drag it)"],
], DATA.folder);
find("finished").append(...describeEnd(DATA));
find("finished").querySelector("button").addEventListener("click", save);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", tick);
for (const box of document.querySelectorAll("dialog")) new MutationObserver(tick).observe(box, { attributeFilter: ["open"] });
window.addEventListener("beforeunload", (event) => {
  if ([...logs.values()].some((one) => !one.keeps && one.unsaved)) event.preventDefault();
});
if (IMAGES.length) askWho();
