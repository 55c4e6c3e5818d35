// Thumbnails: cells of sheets that are decoded when they are asked for. Image i of the data set is cell i % c of sheet
// i / c, whatever is shown, in whatever order. A few sheets and many cells stay decoded.
const SHEET_PIXELS = 48e6;
const CELL_PIXELS = 24e6;
const WAITING = 1500;
const AT_ONCE = 2;

function cellOf(position, { side, columns, rows }) {
  const cell = position % (columns * rows);
  return { sheet: Math.floor(position / (columns * rows)), x: (cell % columns) * side, y: Math.floor(cell / columns) * side };
}

// Keeps what was used last, as many as have room.
class Kept {
  constructor(room, let_go) {
    this.room = room;
    this.letGo = let_go;
    this.kept = new Map();
  }

  get(key) {
    const value = this.kept.get(key);
    if (value === undefined) return undefined;
    this.kept.delete(key);
    this.kept.set(key, value);
    return value;
  }

  set(key, value) {
    this.kept.set(key, value);
    while (this.kept.size > this.room) {
      const [oldest, gone] = this.kept.entries().next().value;
      this.kept.delete(oldest);
      this.letGo(gone);
    }
  }
}

class Sheets {
  // blocks: elements whose text is a sheet in base64; else addresses.
  constructor(layout, blocks) {
    this.layout = layout;
    this.blocks = blocks;
    const cells = layout.columns * layout.rows;
    const let_go = (promise) => promise.then((bitmap) => bitmap.close?.(), () => {});
    this.sheets = new Kept(Math.max(2, Math.floor(SHEET_PIXELS / (cells * layout.side ** 2))), let_go);
    // The cells are garbage when nobody shows them any more; closing them would empty what is still to be painted.
    this.cells = new Kept(Math.max(500, Math.floor(CELL_PIXELS / layout.side ** 2)), () => {});
    this.waiting = new Map();
    this.running = 0;
  }

  // The bitmap of an image's thumbnail where it is decoded, else undefined.
  peek(position) {
    return this.cells.get(position);
  }

  // A promise of it: null where it cannot be decoded, undefined where too many others were asked for since.
  get(position) {
    const known = this.cells.get(position);
    if (known !== undefined) return Promise.resolve(known);
    let asked = this.waiting.get(position);
    if (asked) this.waiting.delete(position);
    else {
      asked = {};
      asked.promise = new Promise((resolve) => { asked.resolve = resolve; });
    }
    this.waiting.set(position, asked);
    if (this.waiting.size > WAITING) {
      const [oldest, dropped] = this.waiting.entries().next().value;
      this.waiting.delete(oldest);
      dropped.resolve(undefined);
    }
    // All that is asked for now, first.
    queueMicrotask(() => this.work());
    return asked.promise;
  }

  async work() {
    if (this.running >= AT_ONCE || !this.waiting.size) return;
    this.running += 1;
    // What was asked for last is what is looked at; with it all others of that sheet.
    const number = cellOf([...this.waiting.keys()].at(-1), this.layout).sheet;
    const taken = [...this.waiting].filter(([position]) => cellOf(position, this.layout).sheet === number);
    for (const [position] of taken) this.waiting.delete(position);
    try {
      const sheet = await this.decoded(number);
      await Promise.all(taken.map(async ([position, asked]) => {
        const { x, y } = cellOf(position, this.layout);
        const { side } = this.layout;
        const cell = await createImageBitmap(sheet, x, y, side, side);
        this.cells.set(position, cell);
        asked.resolve(cell);
      }));
    } catch {
      for (const [position, asked] of taken) {
        if (this.cells.get(position) === undefined) this.cells.set(position, null);
        asked.resolve(this.cells.get(position));
      }
    }
    this.running -= 1;
    this.work();
  }

  decoded(number) {
    let sheet = this.sheets.get(number);
    if (!sheet) {
      sheet = this.layout.addresses ? this.load(this.layout.addresses[number]) : this.decode(this.blocks[number].textContent);
      this.sheets.set(number, sheet);
      sheet.catch(() => {});
    }
    return sheet;
  }

  decode(base64) {
    return createImageBitmap(new Blob([toBytes(base64)], { type: "image/webp" }));
  }

  async load(address) {
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  }
}

// A canvas of the thumbnail's own pixels; empty until it is decoded, and whenever it shows another image by then.
function showThumbnail(canvas, sheets, position) {
  const { side } = sheets.layout;
  if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, side, side);
  canvas.dataset.wanted = position;
  delete canvas.dataset.shown;
  const paint = (bitmap) => {
    if (canvas.dataset.wanted !== String(position)) return;
    if (bitmap) context.drawImage(bitmap, 0, 0);
    canvas.dataset.shown = bitmap ? position : "none";
  };
  const known = sheets.peek(position);
  if (known !== undefined) paint(known);
  else sheets.get(position).then(paint);
}
