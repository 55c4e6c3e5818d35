// What buttons and keys do, and the help that says so.
function nextMap() {
  const { maps } = state.node;
  open(state.node.name, maps[(maps.findIndex((one) => one.key === state.map.key) + 1) % maps.length].key);
}

function setTool(tool) {
  pointing.setTool(tool);
  for (const name of TOOLS) document.querySelector(`[data-action=${name}]`).setAttribute("aria-pressed", name === tool);
  const hint = tool === "pan" ? "Drag moves the map." : `Drag around images; with keys: arrows move the cross, space sets a corner${tool === "lasso" ? ", Enter ends." : "."}`;
  say(hint);
}

function toggle(name, text) {
  map[name] = !map[name];
  document.querySelector(`[data-action=${name}]`).setAttribute("aria-pressed", map[name]);
  map.redraw();
  say(`${text} ${map[name] ? "on" : "off"}.`);
}

function cycleHow() {
  const ways = [...document.querySelectorAll("input[name=how]")];
  const next = ways[(ways.findIndex((way) => way.checked) + 1) % ways.length];
  next.checked = true;
  say(`A selection ${next.dataset.text}.`);
}

// What buttons and keys do: [keys, what help says, what happens].
const ACTIONS = {
  pan: [["v"], "Move the map: drag, or arrows", () => setTool("pan")],
  lasso: [["l"], "Lasso: drag around images", () => setTool("lasso")],
  rectangle: [["r"], "Rectangle: drag from corner to corner", () => setTool("rectangle")],
  how: [["o"], "A selection replaces, adds, or takes away", cycleHow],
  zoomIn: [["+", "="], "Zoom in (or the wheel)", () => pointing.zoom(STEP)],
  zoomOut: [["-", "_"], "Zoom out", () => pointing.zoom(1 / STEP)],
  fit: [["0"], "The whole map", () => { map.view.fit(); map.redraw(); }],
  nextMap: [["m"], "The next map", nextMap],
  withNames: [["n"], "Names of clusters on the map", () => toggle("withNames", "Names of clusters are")],
  withThumbnails: [["t"], "Thumbnails on the map, where there is room for them", () => toggle("withThumbnails", "Thumbnails on the map are")],
  search: [["/"], "Search for a name", () => find("search").focus()],
  all: [["a"], "Select all that are shown", () => select(state.shown.reduce((rows, one, row) => (one ? (rows.push(row), rows) : rows), []), "replace")],
  invert: [["i"], "Select all others that are shown", () => { state.selection.invert(state.shown); reselected(); }],
  none: [["Escape"], "Select none", () => { if (state.selection.size) select([], "replace"); }],
  undo: [["u"], "Take the last change of the selection back", () => (state.selection.undo() ? reselected() : say("There is nothing to undo."))],
  list: [["y"], "The selection as a list with names, or as pictures", () => {
    grid.setList(!grid.asList);
    document.querySelector("[data-action=list]").setAttribute("aria-pressed", grid.asList);
  }],
  saving: [["s"], "What was given: save it, take it back", () => saving.open()],
  help: [["?", "h"], "This help", () => find("help").showModal()],
};
const ON_THE_MAP = [["←→↑↓", "Move the map or the cross; with shift, further"], ["Space", "A corner of the lasso or of the rectangle"],
  ["Enter", "End the lasso; without one, open the image at the cross"], ["Backspace", "Take the last corner back"],
  ["X", "Select the image at the cross, or no longer; among the selected images, leave one out"]];
const WITH_A_MOUSE = [["Click", "Opens an image"], ["Ctrl click", "Selects an image, or no longer, on the map and among those selected"], ["Shift drag", "Lasso that adds"],
  ["Alt drag", "Lasso that takes away"], ["Shift click", "In the legend: this category only"]];
const KEYS = new Map(Object.entries(ACTIONS).flatMap(([name, [keys]]) => keys.map((key) => [key, name])));
const SHOWN_KEYS = { "-": "−", Escape: "Esc" };

function run(name) {
  if (state.node) ACTIONS[name][2]();
}

function pressed(event) {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const typing = event.target.matches("input:not([type=radio]), select, textarea");
  if (typing) {
    if (event.key === "Escape") map.box.focus();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    return run("undo");
  }
  if ((event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph")) return;
  const name = KEYS.get(event.key) ?? KEYS.get(event.key.toLowerCase());
  if (!name) return;
  event.preventDefault();
  run(name);
}

function fillHelp() {
  const rows = (pairs) => pairs.map(([keys, text]) => element("li", {}, element("kbd", { textContent: keys }), element("span", { textContent: text })));
  find("helpKeys").append(...rows(Object.values(ACTIONS).map(([keys, text]) => [SHOWN_KEYS[keys[0]] ?? keys[0].toUpperCase(), text])));
  find("helpMap").append(...rows(ON_THE_MAP));
  find("helpMouse").append(...rows(WITH_A_MOUSE));
  find("helpClose").addEventListener("click", () => find("help").close());
}
