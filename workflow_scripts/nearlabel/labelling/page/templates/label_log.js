// What was answered, as a log that only grows: an undo is one more entry. Two places keep it, each entry under its own
// key, so that together they hold the union: localStorage at once, also when the tab dies; IndexedDB on the disk.
function openDatabase() {
  return new Promise((resolve) => {
    // A browser that never answers must not keep the page from starting.
    setTimeout(() => resolve(null), 3000);
    try {
      const request = indexedDB.open("nearlabel", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("answers");
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

class AnswerLog {
  // changed("storage" or "elsewhere") is called when something else than `add` or `undo` has changed the log.
  constructor(queue, annotator, changed) {
    // No annotator's prefix starts another's.
    this.annotator = annotator;
    this.prefix = `nearlabel/${queue}/${JSON.stringify(annotator)}/`;
    this.session = crypto.getRandomValues(new Uint32Array(1))[0].toString(16).padStart(8, "0");
    this.changed = changed;
    this.entries = new Map();
    this.keys = [];
    this.sorted = true;
    this.number = 0;
    this.local = true;
    this.database = null;
    this.inLocal = new Set();
    this.onDisk = new Set();
  }

  async open() {
    try {
      for (let i = 0; i < localStorage.length; i++) {
        const key = localStorage.key(i);
        if (key.startsWith(this.prefix)) {
          this.take(key, localStorage.getItem(key));
          this.inLocal.add(key);
        }
      }
      localStorage.setItem(`${this.prefix}try`, "");
      localStorage.removeItem(`${this.prefix}try`);
    } catch {
      this.local = false;
    }
    this.database = await openDatabase();
    if (this.database) await this.readDatabase();
    // What one place has and the other has not: of a tab or a browser that died between the two.
    for (const [key, entry] of this.entries) this.keep(key, JSON.stringify(entry));
    window.addEventListener("storage", (event) => this.takeOver(event));
    this.settle();
  }

  readDatabase() {
    return new Promise((resolve) => {
      const failed = () => {
        this.database = null;
        resolve();
      };
      try {
        const range = IDBKeyRange.bound(this.prefix, `${this.prefix}\uffff`);
        const request = this.database.transaction("answers").objectStore("answers").openCursor(range);
        request.onerror = failed;
        request.onsuccess = () => {
          const cursor = request.result;
          if (!cursor) return resolve();
          this.take(cursor.key, cursor.value);
          if (this.entries.has(cursor.key)) this.onDisk.add(cursor.key);
          cursor.continue();
        };
      } catch {
        failed();
      }
    });
  }

  take(key, text) {
    let entry = null;
    try {
      entry = JSON.parse(text);
    } catch {
      // As below.
    }
    // Something else of that name stays where it is.
    if (!Number.isInteger(entry?.number)) return;
    if (!this.entries.has(key)) this.sorted = false;
    this.entries.set(key, entry);
    this.number = Math.max(this.number, entry.number);
  }

  // Another tab with this page and this annotator has answered.
  takeOver(event) {
    if (!event.key?.startsWith(this.prefix) || event.newValue === null || event.key.endsWith("/try")) return;
    this.take(event.key, event.newValue);
    this.settle();
    this.changed("elsewhere");
  }

  add(entry) {
    this.number += 1;
    const key = `${this.prefix}${String(this.number).padStart(8, "0")}-${this.session}`;
    this.entries.set(key, { number: this.number, ...entry });
    this.keys.push(key);
    this.keep(key, JSON.stringify(this.entries.get(key)));
    this.settle();
  }

  keep(key, text) {
    if (this.local && !this.inLocal.has(key)) {
      try {
        localStorage.setItem(key, text);
        this.inLocal.add(key);
      } catch {
        this.local = false;
      }
    }
    if (!this.database || this.onDisk.has(key)) return;
    const failed = () => {
      this.database = null;
      this.changed("storage");
    };
    try {
      const transaction = this.database.transaction("answers", "readwrite", { durability: "strict" });
      transaction.objectStore("answers").put(text, key);
      transaction.oncomplete = () => {
        this.onDisk.add(key);
        this.changed("storage");
      };
      transaction.onabort = failed;
    } catch {
      failed();
    }
  }

  // The log read from its start: what holds now.
  settle() {
    if (!this.sorted) this.keys = [...this.entries.keys()].sort();
    this.sorted = true;
    const { keys } = this;
    const undone = new Set(keys.map((key) => this.entries.get(key).undoes).filter(Boolean));
    this.stack = keys.filter((key) => this.entries.get(key).images && !undone.has(key));
    this.answers = new Map();
    for (const key of this.stack) {
      const entry = this.entries.get(key);
      for (const image of entry.images) this.answers.set(image, entry);
    }
    const saved = keys.findLastIndex((key) => this.entries.get(key).file);
    this.unsaved = keys.slice(saved + 1).length;
    this.lastFile = saved < 0 ? null : { name: this.entries.get(keys[saved]).file, place: saved };
    this.inFile = new Set(saved < 0 ? [] : keys.slice(0, saved));
  }

  // Takes the last answer back and returns it; null where there is none.
  undo() {
    const key = this.stack.at(-1);
    if (!key) return null;
    this.add({ undoes: key });
    return { ...this.entries.get(key), inFile: this.inFile.has(key) };
  }

  get keeps() {
    return this.local || this.database !== null;
  }

  // How many entries are not known to be on the disk.
  get waiting() {
    return this.entries.size - this.onDisk.size;
  }
}
