// What is pointed at: its thumbnail, its name, what is known of it.
const MOST_LINES = 8;
const FIRST = ["cluster", "near_label"];

class Card {
  constructor(sheets, look) {
    this.sheets = sheets;
    this.look = look;
    this.box = find("card");
    this.canvas = find("cardPicture");
    this.row = -1;
  }

  show(row, x, y) {
    if (row < 0) {
      this.row = -1;
      this.box.hidden = true;
      return;
    }
    if (row !== this.row) this.fill(row);
    const { clientWidth: width, clientHeight: height } = this.box.parentElement;
    const [wide, high] = [this.box.offsetWidth, this.box.offsetHeight];
    const left = x + 18 + wide <= width ? x + 18 : Math.max(0, x - 18 - wide);
    const top = Math.min(Math.max(0, y - high / 3), Math.max(0, height - high));
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  fill(row) {
    const { column, columns, position, nameOf, valueOf } = this.look();
    this.row = row;
    this.box.hidden = false;
    this.box.dataset.row = row;
    showThumbnail(this.canvas, this.sheets, position(row));
    find("cardName").textContent = shortened(nameOf(row), 90);
    const rank = (one) => (one === column ? 0 : FIRST.includes(one.key) ? 1 : 2);
    const known = [...columns].sort((a, b) => rank(a) - rank(b))
      .filter((one) => (one.names ? one.values[row] >= 0 : !Number.isNaN(one.values[row])));
    find("cardLines").replaceChildren(...known.slice(0, MOST_LINES).flatMap((one) => [
      element("dt", { textContent: visible(one.title) }),
      element("dd", {}, swatch(one, row), element("bdi", { textContent: shortened(valueOf(one, row), 60) }))]));
  }
}

function swatch(column, row) {
  if (!column.names) return "";
  const mark = element("i", { className: "swatch" });
  mark.style.backgroundColor = column.colors[column.values[row]];
  return mark;
}
