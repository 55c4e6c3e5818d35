// What was given on this page: labels, near-labels, names of groups. Each entry is kept by the browser at once, under a
// key of its own, so that tabs add to each other's; nothing is sent.
function packMarks(positions, count) {
  const bytes = new Uint8Array(Math.ceil(count / 8));
  for (const position of positions) bytes[position >> 3] |= 1 << (position & 7);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

function unpackMarks(text) {
  const bytes = toBytes(text);
  const positions = [];
  for (let i = 0; i < bytes.length; i++) {
    for (let bit = 0; bytes[i] && bit < 8; bit++) if (bytes[i] & (1 << bit)) positions.push(8 * i + bit);
  }
  return positions;
}

const KINDS = new Set(["label", "near_label", "name"]);

class Changes {
  // storage: as localStorage, or null where there is none; session: a text that no other tab has; clusters: node → what
  // its clusters are called by, for a name belongs to the clusters that it was given to.
  constructor(storage, key, session, clusters = new Map()) {
    this.storage = storage;
    this.clusters = clusters;
    this.prefix = `nearlabel/explorer/${key}/`;
    this.session = session;
    this.entries = new Map();
    this.keeps = storage !== null;
    this.read();
  }

  // All that the browser keeps, of other tabs too.
  read() {
    if (!this.keeps) return;
    try {
      const found = new Map();
      for (let i = 0; i < this.storage.length; i++) {
        const key = this.storage.key(i);
        const entry = key.startsWith(this.prefix) ? this.parse(this.storage.getItem(key)) : null;
        if (entry) found.set(key, entry);
      }
      this.entries = found;
    } catch {
      this.keeps = false;
    }
  }

  parse(text) {
    try {
      const entry = JSON.parse(text);
      const whole = Number.isInteger(entry?.number) && KINDS.has(entry.kind) && typeof entry.value === "string" &&
        typeof entry.time === "string" && typeof (entry.kind === "name" ? entry.group : entry.marks) === "string";
      // Something else of that name, or of other clusters, stays where it is.
      return whole && (entry.kind !== "name" || entry.clusters === this.clustersOf(entry.group)) ? entry : null;
    } catch {
      return null;
    }
  }

  clustersOf(group) {
    return this.clusters.get(group.slice(0, group.lastIndexOf(".")));
  }

  // [key, entry], the first given first.
  get list() {
    return [...this.entries].sort(([a, one], [b, other]) => one.number - other.number || (a < b ? -1 : 1));
  }

  of(kind) {
    return this.list.filter(([, entry]) => entry.kind === kind).map(([, entry]) => entry);
  }

  get unsaved() {
    return [...this.entries.values()].filter((entry) => !entry.file).length;
  }

  add(entry) {
    const number = 1 + Math.max(0, ...[...this.entries.values()].map((one) => one.number));
    const key = `${this.prefix}${String(number).padStart(8, "0")}-${this.session}`;
    const clusters = entry.kind === "name" ? { clusters: this.clustersOf(entry.group) } : {};
    this.put(key, { number, time: new Date().toISOString(), ...clusters, ...entry });
    return key;
  }

  put(key, entry) {
    this.entries.set(key, entry);
    try {
      if (this.keeps) this.storage.setItem(key, JSON.stringify(entry));
    } catch {
      this.keeps = false;
    }
  }

  remove(key) {
    this.entries.delete(key);
    try {
      if (this.keeps) this.storage.removeItem(key);
    } catch {
      this.keeps = false;
    }
  }

  // The entry given last, taken back.
  undo() {
    const last = this.list.at(-1);
    if (last) this.remove(last[0]);
    return last?.[1] ?? null;
  }

  // Those that are done with.
  forget(isDone) {
    for (const [key, entry] of this.list) if (isDone(entry)) this.remove(key);
  }

  // They are in a file now.
  markSaved(kind, file) {
    for (const [key, entry] of this.list) if (entry.kind === kind) this.put(key, { ...entry, file });
  }

  // What holds in the end: position → {value, time}, or group → {value, time}.
  settled(kind) {
    const held = new Map();
    for (const entry of this.of(kind)) {
      const targets = kind === "name" ? [entry.group] : unpackMarks(entry.marks);
      for (const target of targets) held.set(target, { value: entry.value, time: entry.time });
    }
    return held;
  }
}

// The rows of labels-….csv, in the order of the images.
function labelRows(changes, ids, annotator) {
  return [...changes.settled("label")].sort((a, b) => a[0] - b[0])
    .map(([position, { value, time }]) => [ids[position], value, annotator, time, ""]);
}

// The rows of a list of near-labels: known(position) is one or "".
function nearLabelRows(changes, ids, known) {
  const changed = changes.settled("near_label");
  return ids.map((id, position) => [id, changed.get(position)?.value ?? known(position)]).filter(([, label]) => label !== "");
}

// The rows of names.csv: those that there are, and the changes; an empty name takes one away.
function nameRows(changes, names) {
  const merged = new Map(Object.entries(names));
  for (const [group, { value }] of changes.settled("name")) {
    if (value) merged.set(group, value);
    else merged.delete(group);
  }
  return [...merged].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}
