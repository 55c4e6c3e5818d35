// The page's parts, made and tied together; what follows when something is opened, selected, hidden, given.
let saying = 0;
function say(text) {
  // What lies outside an open dialog is neither seen nor read out.
  const place = document.querySelector("dialog[open]") ?? document.querySelector(".frame");
  if (find("said").parentElement !== place) place.append(find("said"));
  find("said").textContent = text;
  find("said").classList.add("fresh");
  clearTimeout(saying);
  saying = setTimeout(() => find("said").classList.remove("fresh"), 4000);
}

const map = new PointMap(sheets, () => ({ ...look(), names: clusterColumn()?.names.map((_, i) => categoryName(clusterColumn(), i)) }));
const card = new Card(sheets, lookAtImages);
const how = () => document.querySelector("input[name=how]:checked").value;

function hover(row, x, y) {
  map.point(row);
  card.show(row, x, y);
}

// The card for those who do not see it.
function hear(row) {
  find("heard").textContent = row < 0 ? "" : `${visible(nameOf(row))}, ${describe(row)}${state.selection.has(row) ? ", selected" : ""}`;
}

function select(rows, way) {
  state.selection.change(rows, way ?? how());
  reselected();
}

// stay: the grid stays where it is.
function reselected(stay = false) {
  const { selection } = state;
  document.body.dataset.selected = selection.size;
  map.recolor();
  summary.show();
  giving.show();
  fillGrid(stay);
  say(selection.size ? `${plural(selection.size, "image")} selected.` : "Nothing is selected.");
}

function fillGrid(stay = false) {
  const order = find("order").value;
  const { rows } = state.selection;
  grid.show(order === "list" ? rows : sortRows(state.column, rows, order === "high"), stay);
}

function refiltered() {
  state.shown = filters.apply(state.node.members.length, state.columns, loweredName);
  const count = state.shown.reduce((sum, one) => sum + one, 0);
  document.body.dataset.shown = count;
  find("status").textContent = count === state.shown.length ? plural(count, "image") : `${grouped(count)} of ${plural(state.shown.length, "image")} shown`;
  find("selectFound").hidden = !filters.text;
  find("selectFound").textContent = `Select ${grouped(count)}`;
  map.recolor();
  summary.show();
}

const pointing = new Pointing(map, { select, open: (row) => imageBox.open(row), hover, hear, say, how });
const legend = new Legend(filters, look, { changed: refiltered, select, say });
const imageBox = new ImageBox(sheets, lookAtImages, { select, point: (row) => map.point(row) });
const grid = new Grid(sheets, lookAtImages, {
  open: (row) => imageBox.open(row),
  point: (row) => map.point(row),
  drop(row) {
    state.selection.change([row], "subtract");
    reselected(true);
  },
});
const summary = new Summary(sheets, look, (row) => imageBox.open(row));
const giving = new Giving(DATA, look, {
  say,
  give(entry, text) {
    changes.add(entry);
    changed();
    say(text);
  },
});
const saving = new Saving(DATA, changes, () => ({ ids: dataset.ids, nearLabelAt }), { changed, say });

// Something was given or taken back.
function changed() {
  state.given = changes.settled("name");
  const count = changes.entries.size;
  find("openSaving").querySelector("span").textContent = count ? `Changes: ${count}` : "Changes";
  find("openSaving").classList.toggle("primary", changes.unsaved > 0);
  document.body.dataset.changes = count;
  document.body.dataset.unsaved = changes.unsaved;
  find("unkept").hidden = changes.keeps;
  if (!state.node) return;
  setColumns();
  legend.build();
  refiltered();
  giving.show();
}

async function unpackNode(packed) {
  const [members, neighbors, columns] = await Promise.all([unpackIntegers(packed.members), unpackIntegers(packed.neighbors),
    Promise.all(packed.columns.map(unpackColumn))]);
  return { ...packed, members, neighbors, each: packed.neighbors.each, points: new Map(),
    columns: [...columns.map(finishColumn), ...dataset.columns.map((column) => columnAt(column, members))] };
}

// Which opening was asked for last: one before it that takes longer must not replace it.
let opening = 0;

// Opens a node, on the map of that key where it has one. All that depends on it changes at once, when it is unpacked:
// until then, what is pointed at is an image of the node before.
async function open(name, key = state.map?.key) {
  opening += 1;
  const own = opening;
  if (!nodes.has(name)) nodes.set(name, unpackNode(DATA.nodes.find((node) => node.name === name)));
  const node = await nodes.get(name);
  const packed = node.maps.find((one) => one.key === key) ?? node.maps[0];
  if (!node.points.has(packed.key)) node.points.set(packed.key, unpackPoints(packed.points));
  const points = await node.points.get(packed.key);
  if (own !== opening) return;
  hover(-1);
  if (node !== state.node) enter(node);
  state.map = packed;
  for (const button of find("maps").children) button.setAttribute("aria-pressed", button.dataset.map === packed.key);
  find("mapNote").textContent = visible(packed.note);
  map.box.setAttribute("aria-label", `Map of ${plural(node.members.length, "image")}: ${visible(packed.title)}`);
  map.show(points);
  legend.build();
  refiltered();
  document.body.dataset.ready = `${node.name}/${packed.key}`;
}

// Selected images, and filters of columns that all nodes have, stay.
function enter(node) {
  const kept = new Set(state.node ? Array.from(state.selection.rows, position) : []);
  state.node = node;
  state.selection = new Selection(node.members.length);
  const rows = [...node.members.keys()].filter((row) => kept.has(node.members[row]));
  if (rows.length) state.selection.change(rows, "replace");
  filters.keepOnly(new Set(["given", ...dataset.columns.map((column) => column.key)]));
  setColumns();
  state.shown = filters.apply(node.members.length, state.columns, loweredName);
  find("node").value = node.name;
  find("maps").replaceChildren(...node.maps.map((one) => {
    const button = element("button", { type: "button", textContent: visible(one.title) });
    button.dataset.map = one.key;
    button.addEventListener("click", () => open(node.name, one.key));
    return button;
  }));
  document.body.dataset.selected = state.selection.size;
  giving.build();
  giving.show();
  fillGrid();
}

function colorBy(key) {
  state.column = state.columns.find((column) => column.key === key);
  legend.build();
  map.recolor();
  summary.show();
  if (find("order").value !== "list") fillGrid();
}
