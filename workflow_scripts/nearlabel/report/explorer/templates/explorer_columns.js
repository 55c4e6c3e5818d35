// What is known of each image of a node: columns of the data set, at the node's rows, and the node's own.
async function unpackColumn(packed) {
  const values = await (packed.names ? unpackIntegers : unpackNumbers)(packed.values);
  return { ...packed, values };
}

function columnAt(column, members) {
  const values = column.names ? new Int32Array(members.length) : new Float64Array(members.length);
  for (let row = 0; row < members.length; row++) values[row] = column.values[members[row]];
  return finishColumn({ ...column, values });
}

function finishColumn(column) {
  if (column.names) return { ...column, counts: countCategories(column.values, column.names.length) };
  const range = rangeOf(column.values);
  return { ...column, range, unknown: column.values.reduce((sum, value) => sum + Number.isNaN(value), 0) };
}

// A value in words.
function valueText(column, row) {
  const value = column.values[row];
  if (!column.names) return Number.isNaN(value) ? "–" : formatNumber(value);
  return value < 0 ? "–" : visible(column.names[value]);
}

// Rows by their value, what is not known last; rows that have the same stay in their order.
function sortRows(column, rows, descending) {
  const { values } = column;
  const known = (row) => (column.names ? values[row] >= 0 : !Number.isNaN(values[row]));
  const sign = descending ? -1 : 1;
  return Uint32Array.from(rows).sort((a, b) => known(b) - known(a) || (known(a) ? sign * (values[a] - values[b]) : 0) || a - b);
}

// What was given on this page, as one more column; null where nothing was. held: position → {value}; colors: of values
// that have one.
const GIVEN_COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999933"];
function givenColumn(held, members, colors) {
  if (!held.size) return null;
  const names = [...new Set([...held.values()].map(({ value }) => value))];
  const places = new Map(names.map((name, place) => [name, place]));
  const values = Int32Array.from(members, (at) => places.get(held.get(at)?.value) ?? -1);
  return finishColumn({ key: "given", title: "given here", note: "What you gave to images on this page.", names, values,
    colors: names.map((name, place) => colors.get(name) ?? GIVEN_COLORS[place % GIVEN_COLORS.length]) });
}
