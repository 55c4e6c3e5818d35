// One image: large, all that is known of it, what lies nearest to it.
class ImageBox {
  constructor(sheets, look, act) {
    this.sheets = sheets;
    this.look = look;
    this.act = act;
    this.box = find("image");
    this.trail = [];
    find("imageBack").addEventListener("click", () => {
      this.trail.pop();
      this.fill(this.trail.at(-1));
    });
    find("imageSelect").addEventListener("click", () => {
      act.select([this.trail.at(-1)], "toggle");
      this.markSelected();
    });
    find("imageClose").addEventListener("click", () => this.box.close());
    this.box.addEventListener("close", () => act.point(-1));
  }

  open(row) {
    this.trail = [row];
    if (!this.box.open) this.box.showModal();
    this.fill(row);
  }

  fill(row) {
    const { node, columns, position, nameOf, valueOf, fileOf } = this.look();
    const at = position(row);
    this.box.dataset.row = row;
    showThumbnail(find("imagePicture"), this.sheets, at);
    find("imagePicture").setAttribute("aria-label", `Thumbnail of ${visible(nameOf(row))}`);
    find("imageName").textContent = visible(nameOf(row));
    find("imageFile").href = fileAddress(fileOf(at));
    find("imageLines").replaceChildren(...columns.map((column) => element("tr", {},
      element("th", { scope: "row", textContent: visible(column.title), title: visible(column.note) }),
      element("td", {}, column.names && column.values[row] >= 0 ? swatch(column, row) : "",
        element("bdi", { textContent: valueOf(column, row) })))));
    const near = [...node.neighbors.subarray(row * node.each, (row + 1) * node.each)].filter((one) => one >= 0);
    find("imageNear").replaceChildren(...near.map((other) => this.neighbor(other)));
    find("imageNearTitle").hidden = !near.length;
    find("imageBack").disabled = this.trail.length < 2;
    this.markSelected();
    this.act.point(row);
    this.box.scrollTop = 0;
    if (!this.box.contains(document.activeElement) || !document.activeElement.checkVisibility()) find("imageClose").focus();
  }

  neighbor(row) {
    const { position, nameOf, describe } = this.look();
    const canvas = element("canvas", { ariaHidden: "true" });
    const button = element("button", { type: "button", className: "picture", title: visible(nameOf(row)),
      ariaLabel: `${visible(nameOf(row))}, ${describe(row)}` }, canvas);
    button.dataset.row = row;
    button.addEventListener("click", () => {
      this.trail.push(row);
      this.fill(row);
    });
    showThumbnail(canvas, this.sheets, position(row));
    return button;
  }

  markSelected() {
    const selected = this.look().selection.has(this.trail.at(-1));
    find("imageSelect").setAttribute("aria-pressed", selected);
    find("imageSelect").textContent = selected ? "Selected" : "Select";
  }
}
