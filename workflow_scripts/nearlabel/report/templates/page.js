"use strict";
// Tables marked "sortable": a button in each header sorts; numbers by value, text by the reader's alphabet, dashes last.
function cellText(row, column) {
  return row.cells[column].textContent.trim();
}
function sortTable(table, column, header) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => {
    const text = cellText(row, column);
    return { row, text, missing: text === "–" || text === "", value: Number(text.replace(/[\s%]/g, "")) };
  });
  const numeric = rows.every((r) => r.missing || !Number.isNaN(r.value));
  rows.sort((a, b) => {
    if (a.missing || b.missing) return a.missing - b.missing;
    const order = numeric ? a.value - b.value : a.text.localeCompare(b.text, undefined, { numeric: true });
    return descending ? -order : order;
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  body.append(...rows.map((r) => r.row));
}
for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sortTable(table, column, header));
  });
}
// A filter shows the rows that hold every word typed.
for (const input of document.querySelectorAll("input[data-filters]")) {
  const table = document.getElementById(input.dataset.filters);
  const count = input.parentElement.querySelector("output");
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
  };
  input.addEventListener("input", apply);
  apply();
}
// A link to a folded cluster opens it.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
// A printed page shows every cluster.
addEventListener("beforeprint", () => document.querySelectorAll("details.cluster").forEach((d) => (d.open = true)));
// Lines to copy get a button that does it; without the right to write there, it selects them.
for (const block of document.querySelectorAll(".copyable")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  block.append(button);
  button.addEventListener("click", async () => {
    const lines = block.querySelector("pre");
    try {
      await navigator.clipboard.writeText(lines.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(lines);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
// Under a sheet stands the name of the image that is pointed at, touched or reached by the tabulator.
for (const cells of document.querySelectorAll(".cells")) {
  const output = cells.closest("figure").querySelector(".pointed");
  const say = (event) => {
    const cell = event.target.closest("a");
    if (cell) output.textContent = cell.querySelector("title").textContent;
  };
  cells.addEventListener("pointerover", say);
  cells.addEventListener("focusin", say);
}
// A figure opens large: as wide as it needs, to scroll in.
for (const picture of document.querySelectorAll("figure.plot > img")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.title = "Show large";
  button.setAttribute("aria-label", `Show large: ${picture.alt}`);
  picture.replaceWith(button);
  button.append(picture);
  button.addEventListener("click", () => {
    const dialog = document.createElement("dialog");
    dialog.className = "large";
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    const large = document.createElement("img");
    large.src = picture.src;
    large.alt = picture.alt;
    dialog.append(close, large);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  });
}
// Novelty is laid over the images by a key and by the buttons, over all of them at once.
const layers = document.querySelectorAll("button.lay");
function layMaps() {
  const shown = document.body.classList.toggle("maps");
  for (const button of layers) button.setAttribute("aria-pressed", shown);
}
for (const button of layers) button.addEventListener("click", layMaps);
addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key === "o" && layers.length && !typing) layMaps();
});
