// What a selection is made of: how many, of which near-labels and clusters, near which prototypes.
const MOST_SHARES = 6;
const MOST_NEAR_LABELS = 12;

function shareBar(share, color, expected = null) {
  const bar = element("span", { className: "share" });
  const filled = element("span");
  filled.style.width = `${100 * share}%`;
  filled.style.backgroundColor = color;
  bar.append(filled);
  if (expected !== null) {
    const tick = element("i");
    tick.style.left = `${100 * expected}%`;
    bar.append(tick);
  }
  return bar;
}

function named(color, name) {
  const mark = element("i", { className: "swatch" });
  mark.style.backgroundColor = color;
  return element("span", { className: "named" }, mark, element("bdi", { textContent: visible(name), title: visible(name) }));
}

// The near-labels of the selection: shares of those that are known, held against the node's.
function nearLabelTable(column, rows) {
  const found = enrichment(column.values, column.names.length, rows);
  const { drawn, population } = found[0] ?? { drawn: 0, population: 0 };
  const head = element("tr", {}, ...[["Near-label", ""], ["Share", "of the selection's images with a near-label; the mark is the share in the node"], ["n", ""],
    ["p", "hypergeometric: how often as many or more come by chance"], ["q", "p adjusted after Benjamini and Hochberg over the near-labels"]]
    .map(([text, title]) => element("th", { textContent: text, title, scope: "col" })));
  // Of many, those that are more frequent than by chance first.
  const listed = found.length > MOST_NEAR_LABELS ? [...found].sort((a, b) => a.p - b.p).slice(0, MOST_NEAR_LABELS) : found;
  const body = listed.map(({ category, count, all, p, q }) => element("tr", {},
    element("th", { scope: "row" }, named(column.colors[category], column.names[category])),
    element("td", {}, shareBar(drawn ? count / drawn : 0, column.colors[category], all / population),
      element("span", { className: "number", textContent: formatShare(count, drawn) })),
    element("td", { className: "n", textContent: grouped(count) }),
    element("td", { className: "n", textContent: formatP(p) }),
    element("td", { className: q <= 0.05 ? "n strong" : "n", textContent: formatP(q) })));
  const table = element("table", { id: "nearLabels" }, element("thead", {}, head), element("tbody", {}, ...body));
  const unknown = rows.length - drawn;
  const others = found.length - listed.length;
  const more = others ? [element("p", { className: "soft", textContent: `and ${plural(others, "other")}, less above chance` })] : [];
  const note = unknown ? [element("p", { className: "soft", textContent: `${plural(unknown, "image")} without a near-label ${unknown === 1 ? "does" : "do"} not count.` })] : [];
  return [table, ...more, ...note];
}

// The most frequent categories of the selection; pictures(category) may come before a name.
function shareList(column, nameOf, rows, pictures = null) {
  const counts = countCategories(column.values, column.names.length, rows);
  const present = [...counts.keys()].filter((category) => counts[category]).sort((a, b) => counts[b] - counts[a] || a - b);
  const list = element("ul", { className: "shares" }, ...present.slice(0, MOST_SHARES).map((category) => {
    const known = category < column.names.length;
    const color = known ? column.colors[category] : "";
    return element("li", {}, pictures && known ? pictures(category) : "",
      known ? named(color, nameOf(column, category)) : element("span", { className: "named soft", textContent: "not known" }),
      shareBar(counts[category] / rows.length, color),
      element("span", { className: "number", textContent: `${formatShare(counts[category], rows.length)} · ${grouped(counts[category])}` }));
  }));
  const more = present.length - MOST_SHARES;
  if (more > 0) list.append(element("li", { className: "soft", textContent: `and ${plural(more, "other")}` }));
  return list;
}

class Summary {
  constructor(sheets, look, open) {
    this.sheets = sheets;
    this.look = look;
    this.open = open;
  }

  show() {
    const { node, columns, column, selection, shown, nameOf, position } = this.look();
    const rows = selection.rows;
    find("selectedCount").textContent = rows.length ? plural(rows.length, "image") : "None";
    find("selectedShare").textContent = rows.length ? `${formatShare(rows.length, node.members.length)} of ${grouped(node.members.length)}` : "";
    const hidden = rows.reduce((sum, row) => sum + (shown[row] ? 0 : 1), 0);
    find("selectedHidden").hidden = !hidden;
    find("selectedHidden").textContent = `${grouped(hidden)} of them ${hidden === 1 ? "is" : "are"} hidden by filters, and selected all the same.`;
    find("nothing").hidden = rows.length > 0;
    find("made").hidden = !rows.length;
    if (!rows.length) return find("about").replaceChildren();
    const parts = [];
    const add = (title, ...content) => parts.push(element("h3", { textContent: title }), ...content);
    const near = columns.find((one) => one.key === "near_label" && one.names);
    if (near && near.counts.slice(0, -1).some(Boolean)) add("Near-labels", ...nearLabelTable(near, rows));
    const cluster = columns.find((one) => one.key === "cluster" && one.names);
    if (cluster) add("Clusters", shareList(cluster, nameOf, rows));
    const nearest = columns.find((one) => one.key === "nearest_prototype" && one.names);
    if (nearest) {
      const pictures = (category) => {
        const row = node.prototypes[category];
        if (row === undefined) return "";
        const canvas = element("canvas", { ariaHidden: "true" });
        const button = element("button", { type: "button", className: "picture", ariaLabel: `Open the prototype of ${visible(nameOf(nearest, category))}` }, canvas);
        button.addEventListener("click", () => this.open(row));
        showThumbnail(canvas, this.sheets, position(row));
        return button;
      };
      add("Nearest prototypes", shareList(nearest, nameOf, rows, pictures));
    }
    if (column.names && ![near, cluster, nearest].includes(column)) add(visible(column.title), shareList(column, nameOf, rows));
    if (!column.names) {
      const sorted = Float64Array.from(rows, (row) => column.values[row]).filter((value) => !Number.isNaN(value)).sort();
      const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
      add(visible(column.title), element("p", { textContent: sorted.length
        ? `median ${formatNumber(middle)}, from ${formatNumber(sorted[0])} to ${formatNumber(sorted.at(-1))}` : "not known of any of them" }));
    }
    find("about").replaceChildren(...parts);
  }
}
