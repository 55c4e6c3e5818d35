// Answers of nearlabel's own that a word gets however often it is sent; whatever else is answered may pass.
const WRONG = [400, 404, 413];

// Words on their way to the server: kept in the browser until it has said that it has them, sent in order, again and
// again if need be. Another tab may send the same word; the server knows it by its request.
class WordQueue {
  constructor(database, heard, named) {
    this.waitingPrefix = `nearlabel/review/${database}/waiting/`;
    this.refusedPrefix = `nearlabel/review/${database}/refused/`;
    this.heard = heard;
    this.named = named;
    this.entries = new Map();
    this.refused = new Map();
    this.number = 0;
    this.keeps = true;
    this.sending = false;
    this.pause = 0;
    this.several = true;
    this.problem = "";
  }

  open() {
    try {
      for (let at = 0; at < localStorage.length; at++) {
        const key = localStorage.key(at);
        if (key.startsWith(this.waitingPrefix)) this.entries.set(key, JSON.parse(localStorage.getItem(key)));
        if (key.startsWith(this.refusedPrefix)) this.refused.set(key, JSON.parse(localStorage.getItem(key)));
      }
      localStorage.setItem(`${this.refusedPrefix}try`, "0");
      localStorage.removeItem(`${this.refusedPrefix}try`);
    } catch {
      this.keeps = false;
    }
    this.entries = new Map([...this.entries].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.send();
  }

  // entry: { path, operator, body, image }; body is one word of /words, or the whole body of /names.
  add(entry) {
    this.number += 1;
    // In the order of their time, also of several tabs.
    const key = `${this.waitingPrefix}${String(Date.now()).padStart(15, "0")}-${String(this.number).padStart(6, "0")}-${entry.body.request}`;
    this.entries.set(key, entry);
    this.keep(key, entry);
    this.send();
  }

  keep(key, entry) {
    try {
      localStorage.setItem(key, JSON.stringify(entry));
    } catch {
      this.keeps = false;
    }
  }

  drop(map, key) {
    map.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      this.keeps = false;
    }
  }

  // The next words that can go together: of one operator, to one address.
  next() {
    const [[, first]] = this.entries;
    const batch = [];
    for (const [key, entry] of this.entries) {
      const alike = entry.path === first.path && entry.operator === first.operator;
      if (!alike || batch.length === (first.path === "/words" && this.several ? 100 : 1)) break;
      batch.push([key, entry]);
    }
    return batch;
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    while (this.entries.size) {
      const batch = this.next();
      const [[, { path, operator, body }]] = batch;
      let settled = false;
      try {
        const answer = await post(path, path === "/words" ? { operator, words: batch.map(([, entry]) => entry.body) } : { operator, ...body });
        if (answer.ok && isOwn(answer)) {
          this.settle(batch, (await answer.json()).results);
          settled = true;
        } else await this.take(answer, batch);
      } catch {
        this.problem = NO_ANSWER;
      }
      if (settled) {
        this.pause = 0;
        this.problem = "";
        this.several = true;
      } else if (this.problem) {
        this.heard([]);
        this.pause = Math.min(15000, this.pause * 2 || 500);
        await new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, this.pause); });
      }
    }
    this.sending = false;
    this.heard([]);
  }

  // The server answered, but not that it has the words.
  async take(answer, batch) {
    const text = await answer.text();
    if (!isOwn(answer)) this.problem = `Something else than nearlabel answers at this address (${answer.status}).`;
    else if (answer.status === 401) this.problem = "The token is asked for again: load this page anew.";
    else if (!WRONG.includes(answer.status)) this.problem = text;
    else if (batch.length > 1) {
      // One of them is wrong; which one, each will say alone.
      this.several = false;
      this.problem = "";
    } else {
      this.problem = "";
      this.refuse(batch[0], text);
      this.heard([{ request: batch[0][1].body.request, image: batch[0][1].image, state: "refused", at: -1 }]);
    }
  }

  settle(batch, results) {
    const found = new Map(results.map((result) => [result.request, result]));
    for (const [key, entry] of batch) {
      const result = found.get(entry.body.request);
      if (result?.state === "refused") this.refuse([key, entry], result.reason);
      else this.drop(this.entries, key);
      if (entry.path === "/names") this.named(entry, results);
    }
    this.heard(results);
  }

  refuse([key, entry], reason) {
    const kept = `${this.refusedPrefix}${entry.body.request}`;
    this.refused.set(kept, { ...entry, reason });
    this.keep(kept, { ...entry, reason });
    this.drop(this.entries, key);
  }

  // Takes back what is named but not answered yet, as soon as it is; false where it does not wait here.
  withdraw(request) {
    const found = [...this.entries].find(([, entry]) => entry.body.request === request);
    if (!found) return false;
    found[1].withdrawn = true;
    this.keep(...found);
    return true;
  }

  dismiss() {
    for (const key of [...this.refused.keys()]) this.drop(this.refused, key);
  }

  // Tried at once when the connection is back.
  hurry() {
    this.pause = 0;
    this.wake?.();
  }

  // What stands here for an image until the server has said so.
  waitingFor(image) {
    let found = null;
    for (const entry of this.entries.values()) {
      if (entry.path === "/words" && entry.image === image) found = { ...entry.shown, waiting: true };
    }
    return found;
  }
}

// The words of an operator in this browser, whichever tab they were said in, to take back one after the other.
class Said {
  constructor(database, operator) {
    this.key = `nearlabel/review/${database}/said/${operator}`;
    this.entries = [];
    this.keeps = true;
  }

  // entry: { text, request, words: [{ request, image, label_id }] }, of a naming without words until it is answered.
  push(entry) {
    this.change((entries) => entries.push(entry));
  }

  pop() {
    return this.change((entries) => entries.pop());
  }

  fill(request, words) {
    this.change((entries) => Object.assign(entries.find((entry) => entry.request === request) ?? {}, { words }));
  }

  // What was refused cannot be taken back.
  forget(request) {
    this.change((entries) => {
      const at = entries.findIndex((entry) => entry.request === request);
      if (at >= 0) entries.splice(at, 1);
    });
  }

  // Read anew each time, as other tabs write there too; where the browser keeps nothing, this tab remembers.
  change(act) {
    try {
      if (this.keeps) this.entries = JSON.parse(localStorage.getItem(this.key)) ?? [];
    } catch {
      this.keeps = false;
    }
    const found = act(this.entries);
    this.entries.splice(0, this.entries.length - 5000);
    try {
      localStorage.setItem(this.key, JSON.stringify(this.entries));
    } catch {
      this.keeps = false;
    }
    return found;
  }
}
