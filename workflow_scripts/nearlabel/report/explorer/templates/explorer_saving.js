// What is to be saved, as files that the workflow reads; how each gets there, and what it makes anew.
const TITLES = { label: "Labels", near_label: "Near-labels", name: "Names of groups" };
const NAME_KEY = "nearlabel/annotator";

class Saving {
  // act: {changed(), say(text)}; look(): {ids, nearLabelAt(position)}.
  constructor(data, changes, look, act) {
    this.data = data;
    this.changes = changes;
    this.look = look;
    this.act = act;
    this.box = find("saving");
    this.annotator = "";
    try {
      this.annotator = localStorage.getItem(NAME_KEY) ?? "";
    } catch {
      // It is asked for each time.
    }
    find("savingClose").addEventListener("click", () => this.box.close());
  }

  open() {
    this.fill();
    this.box.showModal();
    (this.box.querySelector("[data-save]") ?? find("savingClose")).focus();
  }

  fill() {
    const kinds = Object.keys(TITLES).filter((kind) => this.changes.of(kind).length);
    find("savingEmpty").hidden = kinds.length > 0;
    find("savingParts").replaceChildren(...kinds.map((kind) => this.part(kind)));
    find("savingKept").textContent = this.changes.keeps
      ? "Run the commands as before, with the same --configfile. All of this is kept in this browser until you take it back; nothing is sent anywhere."
      : "This browser keeps nothing for this page: what is listed here is lost when the tab is closed. Save it first.";
  }

  part(kind) {
    const entries = this.changes.list.filter(([, entry]) => entry.kind === kind);
    const list = element("ul", {}, ...entries.map(([key, entry]) => this.line(key, entry)));
    const save = element("button", { type: "button", className: "primary", textContent: `Save ${TITLES[kind].toLowerCase()}` });
    save.dataset.save = kind;
    save.addEventListener("click", () => this.save(kind));
    const fields = [save];
    if (entries.every(([, entry]) => entry.file)) {
      const forget = element("button", { type: "button", textContent: "Forget what is saved" });
      forget.addEventListener("click", () => {
        this.changes.forget((entry) => entry.kind === kind && entry.file);
        this.act.changed();
        this.fill();
        find("savingClose").focus();
      });
      fields.push(forget);
    }
    if (kind === "label") {
      const field = element("input", { id: "annotator", value: this.annotator, maxLength: 300, autocomplete: "off", spellcheck: false, dir: "auto" });
      fields.unshift(element("label", { textContent: "Who labels ", htmlFor: "annotator" }), field);
    }
    return element("section", {}, element("h3", { textContent: TITLES[kind] }), list, element("div", { className: "row" }, ...fields), ...this.advice(kind));
  }

  line(key, entry) {
    const text = entry.kind === "name"
      ? [element("code", { textContent: entry.group }), " → ", element("bdi", { textContent: visible(entry.value) || "(no name)" })]
      : [element("bdi", { textContent: visible(entry.value) }), ` for ${plural(entry.size ?? unpackMarks(entry.marks).length, "image")}`];
    const undo = element("button", { type: "button", className: "small", textContent: "Take back" });
    undo.addEventListener("click", () => {
      this.changes.remove(key);
      this.act.changed();
      this.act.say(entry.file ? `Taken back; ${entry.file} still has it.` : "Taken back.");
      this.fill();
      (find("savingParts").querySelector("button") ?? find("savingClose")).focus();
    });
    const when = entry.time.slice(0, 16).replace("T", " ");
    return element("li", {}, element("span", {}, ...text),
      element("small", { className: "soft", textContent: entry.file ? `saved in ${entry.file}` : `${when} UTC` }), undo);
  }

  // Where the file belongs, and what is run then.
  advice(kind) {
    const { data } = this;
    const say = (...children) => element("p", {}, ...children);
    const code = (text) => element("code", { textContent: visible(text) });
    const block = (text) => element("pre", { textContent: text, tabIndex: 0 });
    const dataset = yamlText(data.dataset);
    if (kind === "label") {
      return [say("Put the file into ", code(data.labels_folder), ". Files there add to each other. Then the next images to label, the page and the report:"),
        block("snakemake --cores all next_batch")];
    }
    if (kind === "near_label") {
      return [say("Put the file where you run the workflow, and name it in your config. Features and clusters stay; scores, the choice among them, and the report are made anew:"),
        block(`datasets:\n  ${dataset}:\n    near_labels: ${this.nearLabelsFile}`), block("snakemake --cores all")];
    }
    const where = data.names_file
      ? [say("Put the file in place of ", code(data.names_file), ": its names are in it, too. Then, for the names alone:")]
      : [say("Put the file where you run the workflow, and name it in your config. Then, for the names alone:"),
        block(`grouping:\n  names:\n    ${dataset}: names.csv`)];
    return [...where, block("snakemake --cores all report")];
  }

  get nearLabelsFile() {
    return `near_labels-${safeName(this.data.dataset)}.csv`;
  }

  save(kind) {
    const { ids, nearLabelAt } = this.look();
    let [name, header, rows] = ["names.csv", ["node", "name"], null];
    if (kind === "label") {
      const annotator = find("annotator").value.trim();
      if (!annotator) {
        find("annotator").focus();
        return this.act.say("Say who labels first.");
      }
      this.annotator = annotator;
      try {
        localStorage.setItem(NAME_KEY, annotator);
      } catch {
        // It is asked for each time.
      }
      [name, header] = [labelsName(annotator, new Date()), ["image_id", "label", "annotator", "time", "seconds"]];
      rows = labelRows(this.changes, ids, annotator);
    } else if (kind === "near_label") {
      [name, header, rows] = [this.nearLabelsFile, ["image_id", "near_label"], nearLabelRows(this.changes, ids, nearLabelAt)];
    } else {
      rows = nameRows(this.changes, this.data.names);
    }
    offerFile(name, writeTable(header, rows));
    this.changes.markSaved(kind, name);
    this.act.changed();
    this.fill();
    find("savingParts").querySelector(`[data-save=${kind}]`).focus();
    this.act.say(`${plural(rows.length, "row")} written to ${name}, where this browser puts downloads.`);
  }
}
