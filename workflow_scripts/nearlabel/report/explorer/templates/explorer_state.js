// What the page knows: its data, the node and map that are open, the column that colours, what is shown and selected.
const DATA = JSON.parse(find("data").textContent);
find("data").remove();
const dataset = { ids: [], files: null, columns: [] };
const state = { node: null, map: null, columns: [], column: null, shown: null, selection: null, given: new Map() };
const filters = new Filters();
const sheets = new Sheets(DATA.thumbnails, [...document.querySelectorAll("script[data-sheet]")]);
const nodes = new Map();

let storage = null;
try {
  storage = window.localStorage;
} catch {
  // The page says so.
}
const session = crypto.getRandomValues(new Uint32Array(1))[0].toString(16).padStart(8, "0");
const changes = new Changes(storage, DATA.key, session, new Map(DATA.nodes.map((node) => [node.name, node.key])));

const position = (row) => state.node.members[row];
const nameOf = (row) => dataset.ids[position(row)];
const fileOf = (at) => (dataset.files ? dataset.files[at] : DATA.files.prefix + dataset.ids[at]);
const lowered = [];
const loweredName = (row) => (lowered[position(row)] ??= nameOf(row).toLowerCase());
const clusterColumn = () => state.columns.find((column) => column.key === "cluster" && column.names) ?? null;
// The user's name for a group: given here, or known before.
const ownName = (group) => (state.given.has(group) ? state.given.get(group).value || null : Object.hasOwn(DATA.names, group) ? DATA.names[group] : null);

function categoryName(column, category) {
  const ofGroups = column.key === "cluster" || column.key === "nearest_prototype";
  const changed = ofGroups ? state.given.get(`${state.node.name}.${category}`) : undefined;
  if (changed === undefined) return column.names[category];
  // As the report names groups.
  return changed.value ? `${category} ${changed.value}` : String(category);
}

const valueOf = (column, row) => (column.names && column.values[row] >= 0 ? visible(categoryName(column, column.values[row])) : valueText(column, row));

// In a few words: cluster and near-label.
function describe(row) {
  return ["cluster", "near_label"].flatMap((key) => state.columns.filter((column) => column.key === key && column.values[row] >= 0))
    .map((column) => `${visible(column.title)} ${shortened(valueOf(column, row), 40)}`).join(" · ");
}

const look = () => ({
  ...state, position, describe, fileOf, ownName, valueOf, nameOf: categoryName, cluster: clusterColumn(), ids: dataset.ids,
});
const lookAtImages = () => ({ ...look(), nameOf });

// The near-label of an image of the data set, "" where it has none.
function nearLabelAt(at) {
  const column = dataset.columns.find((one) => one.key === "near_label" && one.names);
  return column && column.values[at] >= 0 ? column.names[column.values[at]] : "";
}

// What the workflow has read since it was saved is in the page's own data.
function forgetDone() {
  changes.forget(({ file, kind, group, value, marks }) => file && (kind === "name" ? (DATA.names[group] ?? "") === value
    : kind === "near_label" && unpackMarks(marks).every((at) => nearLabelAt(at) === value)));
}

// The node's columns and what was given to its images; the one that colours stays as far as it is there.
function setColumns() {
  const { node } = state;
  const near = node.columns.find((column) => column.key === "near_label" && column.names);
  const column = givenColumn(new Map([...changes.settled("near_label"), ...changes.settled("label")]), node.members,
    new Map(near?.names.map((name, place) => [name, near.colors[place]])));
  state.columns = column ? [...node.columns, column] : node.columns;
  const wish = state.column?.key;
  state.column = state.columns.find((one) => one.key === wish) ?? state.columns[0];
  find("colorBy").replaceChildren(...state.columns.map((one) => element("option", { value: one.key, textContent: visible(one.title) })));
  find("colorBy").value = state.column.key;
}
