// The page put together.
// turning: the last image, while those after it are on their way.
const state = { filters: {}, next: null, away: false, operator: "", choices: { labels: [], groups: [], cameras: [] }, labels: [], loading: 0, turning: "" };
const stage = new Stage();
const grid = new Grid(chosen, openSingle);
const queue = new WordQueue(DATA.database, answered, named);
const arrivals = new Arrivals();
const live = new Live(heardChanges, (connected, refused) => {
  find("live").textContent = connected ? "live" : "not connected: trying again";
  find("live").classList.toggle("lost", !connected);
  if (connected) hurry();
  // Why, only an answer to another question says.
  if (refused) loadChoices();
});
// Whatever waits to be sent or asked again.
const hurry = () => [queue, ...asking.values()].forEach((one) => one.hurry?.());
const choice = new Choice((what) => correct(what));
const askWho = askOperator(begin);
let said = null;
let lastInput = 0;

// Images of the filters, from the newest or from where a page ended; whether they are shown, and not others by now.
async function load(before = null) {
  state.turning = "";
  const query = new URLSearchParams(Object.entries(state.filters).map(([name, value]) => [name, value === true ? "1" : value]));
  if (before) query.set("before", before);
  const found = await insist(`/images?${query}`);
  if (!found) return false;
  const at = Number(found.cursor.split(".")[1]);
  for (const image of found.images) receive(image, at);
  if (before && grid.images.length + found.images.length <= MOST) grid.append(found.images);
  else {
    state.away = before !== null;
    grid.fill(found.images);
  }
  state.next = found.next;
  if (!before) {
    arrivals.clear();
    if (!live.since) live.listen(found.cursor);
  }
  refresh();
  document.body.dataset.loaded = ++state.loading;
  return true;
}

function refresh() {
  find("more").hidden = state.next === null;
  const filtered = Object.keys(state.filters).length > 0;
  find("endText").textContent = state.next === null && grid.images.length ? `${plural(grid.images.length, "image")}: all there are${filtered ? " of these" : ""}.` : "";
  document.querySelector("[data-action=all]").hidden = !filtered && !state.away;
  showNothing(filtered);
  find("fresh").hidden = !arrivals.count;
  find("fresh").textContent = `${arrivals.count.toLocaleString("en")} new`;
  showWaiting();
}

function showNothing(filtered) {
  const nothing = !grid.images.length;
  find("empty").hidden = !nothing;
  find("work").hidden = nothing;
  if (!nothing) return;
  const lines = filtered ? ["No image is like this", "Choose other filters, or show all. New images of this kind appear here as they come."]
    : ["No image has come yet", `Start nearlabel watch with --db ${visible(DATA.name)} on the folder that the camera writes into. Images appear here as they are labelled; this page need not be loaded again.`];
  if (!BUNDLE && !filtered) lines.push("Started with --bundle, this page also shows the nearest training images, the map, and where an image is novel.");
  find("empty").replaceChildren(element("h2", { textContent: lines[0] }), ...lines.slice(1).map((text) => element("p", { textContent: text })));
}

function showWaiting() {
  const count = queue.entries.size;
  document.body.dataset.waiting = count;
  showBanner("waiting", count && queue.problem ? `${queue.problem} ${plural(count, "answer")} ${count === 1 ? "is" : "are"} kept in this browser and will be sent again.` : "");
  const reasons = [...new Set([...queue.refused.values()].map((entry) => entry.reason))].join(" ");
  const dismiss = element("button", { type: "button", className: "small", textContent: "Dismiss" });
  dismiss.addEventListener("click", () => { queue.dismiss(); showWaiting(); });
  showBanner("refused", queue.refused.size ? `${plural(queue.refused.size, "answer")} could not be kept: ${reasons} ` : "", dismiss);
  showBanner("unkept", queue.keeps ? "" : "This browser keeps nothing for this page: answers that are not sent yet are lost when it is closed.");
}

function chosen(image) {
  document.body.dataset.current = image?.image ?? "";
  showVerdict(image);
  markAnswers(image);
  if (!grid.open && image) stage.show(image.image);
  find("details").dataset.image = image?.image ?? "";
  showDetails(image, takeBack);
  loadDetails();
}

let detailing = 0;
function loadDetails() {
  clearTimeout(detailing);
  document.body.dataset.detailed = "";
  const image = grid.current;
  // Whoever holds an arrow key asks for nothing on the way; an answer that is late may be of before a word.
  const mine = detailing = image && setTimeout(async () => {
    const full = await ask(`/images/${image}`).catch(() => null);
    if (full && mine === detailing) await showDetails(full, takeBack);
    if (mine === detailing) document.body.dataset.detailed = image;
  }, 120);
}

function heardChanges({ images = [], skipped = 0, words = {}, at, events: told = [] }) {
  for (const image of images) receive(image, at);
  const fitting = images.filter((image) => passes(image, state.filters));
  arrivals.add(fitting, skipped);
  for (const [image, word] of Object.entries(words)) {
    hearWord(image, word, at);
    if (image === grid.current) loadDetails();
    countAnswered();
  }
  if (told.length) {
    keepEvents(told);
    if (find("eventBox").open) showEvents(lookAt);
    say(visible(told[0].sentence));
  }
  takeIn();
}

// New images must not move others away from under a finger.
function takeIn() {
  if (!arrivals.count) return;
  const calm = grid.open && !state.away && find("grid").scrollTop < 8 && Date.now() - lastInput > 3000 && !document.querySelector("dialog[open]");
  if (!calm && grid.images.length) return refresh();
  if (!grid.images.length) return load();
  if (!arrivals.whole) {
    // Loaded anew, the page may choose another image: not while someone looks at this one.
    if (Date.now() - lastInput > 60000) return load();
    return refresh();
  }
  const next = grid.prepend(arrivals.images);
  arrivals.clear();
  state.next = next ?? state.next;
  refresh();
}

function openSingle() {
  if (!grid.image) return;
  find("grid").hidden = true;
  find("single").hidden = false;
  document.querySelector("[data-action=grid]").setAttribute("aria-pressed", "false");
  stage.show(grid.current);
}

function closeSingle() {
  find("single").hidden = true;
  find("grid").hidden = false;
  document.querySelector("[data-action=grid]").setAttribute("aria-pressed", "true");
  grid.choose(grid.current);
}

// By so many images; past the last one, those after it are asked for first.
async function goOn(by) {
  const last = grid.current;
  if (grid.step(by) || last === state.turning) return;
  if (state.next === null) return say("This is the last image.");
  const loading = load(state.next);
  state.turning = last;
  const shown = await loading;
  if (state.turning === last) state.turning = "";
  if (shown && grid.current === last) grid.step(by) || grid.step(1);
}

async function filter(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value) state.filters[name] = value;
    else delete state.filters[name];
  }
  for (const button of document.querySelectorAll("[data-filter]")) button.setAttribute("aria-pressed", state.filters[button.dataset.filter] === true);
  for (const name of ["label", "group", "camera"]) find(name).value = state.filters[name] ?? "";
  const event = events.get(state.filters.event);
  find("eventChip").hidden = !event;
  find("eventChip").textContent = event ? `${EVENT_WORDS[event.kind] ?? visible(event.kind)} ${clockTime(event.time)} ×` : "";
  showProposal(event, nameProposal);
  if (!grid.open) closeSingle();
  await load();
}

const showAll = () => filter({ unreviewed: false, novel: false, doubt: false, label: "", group: "", camera: "", event: 0 });

async function lookAt(id) {
  find("eventBox").close();
  await filter({ unreviewed: false, novel: false, doubt: false, label: "", group: "", camera: "", event: id });
}

async function loadChoices() {
  const found = await insist("/choices");
  if (!found) return;
  state.choices = found;
  addLabels([...(BUNDLE?.labels ?? []), ...found.labels]);
  const fill = (id, all, options) => {
    find(id).replaceChildren(element("option", { value: "", textContent: all }), ...options.map(([value, text]) => element("option", { value, textContent: text })));
    find(id).value = state.filters[id] ?? "";
    find(id).hidden = !options.length;
  };
  fill("label", "Any label", [...new Set([...(BUNDLE?.labels ?? []), ...found.labels])].map((label) => [label, visible(label)]));
  fill("group", "Any group", found.groups.map(({ node, name }) => [node, groupText(node, name)]));
  fill("camera", "Any camera", found.cameras.map((camera) => [camera, visible(camera)]));
  document.body.dataset.choices = found.labels.length;
}

const zoom = (factor) => !grid.open && stage.zoomAt(factor);
// What keys do: [keys, what help says, what happens, whether a key held down repeats it].
const ACTIONS = {
  confirm: [["Enter"], "Confirm what the bundle says, and go to the next image", confirmImage],
  choose: [["m"], "More labels, a new one, or a group", () => grid.image && choice.open(state.labels, state.choices.groups)],
  unsure: [["?"], "Unsure", () => correct({ label: "unsure" })],
  undo: [["u"], "Take your last answer back, as often as you like", undo],
  newer: [["ArrowLeft"], "Newer image", () => grid.step(-1) || say("This is the newest image."), true],
  older: [["ArrowRight"], "Older image", () => goOn(1), true],
  up: [["ArrowUp"], "A row up", () => grid.open && grid.step(-grid.columns), true],
  down: [["ArrowDown"], "A row down", () => grid.open && goOn(grid.columns), true],
  grid: [["g", " "], "One image large, or back to all", () => (grid.open ? openSingle() : closeSingle())],
  zoomIn: [["+", "="], "Zoom in (or the wheel, or two fingers)", () => zoom(STEP), true],
  zoomOut: [["-"], "Zoom out", () => zoom(1 / STEP), true],
  fit: [["0"], "Fit the image into the window", () => stage.fit()],
  overlay: [["o"], "Where the image is novel", showNovelty],
  reviewing: [["r"], "Only images to review, or all", () => filter({ unreviewed: !state.filters.unreviewed })],
  fresh: [["n"], "Show the newest images", () => load()],
  all: [["a"], "Show all images", showAll],
  events: [["e"], "Events", () => showEvents(lookAt)],
  export: [["x"], "Export", exportWords],
  help: [["h"], "This help", () => find("helpBox").showModal()],
  more: [[], "", () => load(state.next)],
  operator: [[], "", askWho],
};
const SHOWN_KEYS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
const KEYS = new Map(Object.entries(ACTIONS).flatMap(([name, [keys]]) => keys.map((key) => [key, name])));

function showNovelty() {
  if (!BUNDLE) return say("Start nearlabel review with --bundle to see where an image is novel.");
  if (!grid.image) return;
  if (grid.open) openSingle();
  stage.toggleCover();
}

function pressed(event) {
  lastInput = Date.now();
  if (event.isComposing || document.querySelector("dialog[open]") || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.matches("input, select, textarea")) return;
  // A button that was reached with the tab key is pressed as everywhere.
  if ((event.key === "Enter" || event.key === " ") && event.target.matches("button, summary, a")) return;
  if (event.key === "Escape" && !grid.open) return closeSingle();
  const label = /^[1-9]$/.test(event.key) ? state.labels[event.key - 1] : undefined;
  if (label !== undefined) {
    event.preventDefault();
    return event.repeat ? undefined : correct({ label });
  }
  const name = KEYS.get(event.key) ?? KEYS.get(event.key.toLowerCase());
  if (!name) return;
  event.preventDefault();
  if (!event.repeat || ACTIONS[name][3]) ACTIONS[name][2]();
}

async function begin(name) {
  state.operator = name;
  said = new Said(DATA.database, name);
  find("operator").textContent = visible(name);
  document.body.dataset.operator = name;
}

find("title").textContent = `${visible(DATA.name)}${BUNDLE ? ` · bundle ${BUNDLE.number}` : ""}`;
document.title = `Review · ${visible(DATA.name)}`;
for (const button of document.querySelectorAll("[data-action]")) {
  const [keys] = ACTIONS[button.dataset.action];
  if (keys.length && button.matches(".answer")) button.append(" ", element("kbd", { textContent: SHOWN_KEYS[keys[0]] ?? keys[0] }));
  button.addEventListener("click", () => ACTIONS[button.dataset.action][2]());
}
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => filter({ [button.dataset.filter]: !state.filters[button.dataset.filter] }));
}
for (const name of ["label", "group", "camera"]) find(name).addEventListener("change", () => filter({ [name]: find(name).value }));
find("eventChip").addEventListener("click", () => filter({ event: 0 }));
find("exportNow").addEventListener("click", writeFiles);
fillHelp([
  ...Object.values(ACTIONS).filter(([keys]) => keys.length).map(([keys, text]) => [keys.map((key) => SHOWN_KEYS[key] ?? key), text]),
  [["1", "…", "9"], "Correct: this label"],
]);
document.addEventListener("keydown", pressed);
// A button that was clicked would else have the focus, and take the Enter that is to confirm.
document.addEventListener("mousedown", (event) => {
  if (!event.target.closest("button:not(dialog *), summary")) return;
  event.preventDefault();
  if (!document.activeElement?.matches("[role=option]")) document.activeElement?.blur();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) live.rest();
  else if (live.since) live.listen(live.since);
});
for (const kind of ["pointerdown", "pointermove", "wheel"]) document.addEventListener(kind, () => { lastInput = Date.now(); }, { passive: true });
window.addEventListener("online", hurry);
window.addEventListener("beforeunload", (event) => { if (!queue.keeps && queue.entries.size) event.preventDefault(); });
setInterval(takeIn, 1500);
setInterval(loadChoices, 60000);
queue.open();
loadEvents();
loadChoices();
load();
if (DATA.operator && rememberedOperator() === DATA.operator) begin(DATA.operator);
else askWho();
