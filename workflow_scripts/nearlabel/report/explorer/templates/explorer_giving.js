// What a selection is given: a label or a near-label for its images, a name for the group that it covers best.
const MOST_GROUPS = 8;

class Giving {
  // act: {give(entry, text), say(text)}.
  constructor(data, look, act) {
    this.data = data;
    this.look = look;
    this.act = act;
    this.byPerson = data.labels.length > 0;
    find("labelTitle").textContent = this.byPerson ? "Label" : "Near-label";
    find("labelChoice").hidden = !this.byPerson;
    find("labelText").hidden = this.byPerson;
    find("labelChoice").append(...data.labels.map((label) => element("option", { value: label, textContent: visible(label) })));
    find("labelForm").addEventListener("submit", (event) => this.giveLabel(event));
    find("nameForm").addEventListener("submit", (event) => this.giveName(event));
    find("nameGroup").addEventListener("change", () => this.fillName());
  }

  // Another node.
  build() {
    const near = this.look().columns.find((column) => column.key === "near_label" && column.names);
    find("knownLabels").replaceChildren(...(near?.names ?? []).map((name) => element("option", { value: name })));
    find("nameForm").hidden = !this.look().cluster;
  }

  show() {
    const { selection, cluster, node, nameOf } = this.look();
    find("labelGive").textContent = selection.size ? `Give to ${plural(selection.size, "image")}` : "Give";
    if (!cluster || !selection.size) return;
    const groups = groupOverlaps(cluster.values, cluster.names.length, selection.rows).slice(0, MOST_GROUPS);
    const before = find("nameGroup").value;
    find("nameGroup").replaceChildren(...groups.map(({ group, shared, overlap }) => element("option", {
      value: `${node.name}.${group}`,
      textContent: `${shortened(nameOf(cluster, group), 40)}: ${grouped(shared)} of ${grouped(cluster.counts[group])}, overlap ${overlap.toFixed(2)}` })));
    if (find("nameGroup").value !== before) this.fillName();
    find("nameGive").disabled = !groups.length;
  }

  fillName() {
    find("nameText").value = this.look().ownName(find("nameGroup").value) ?? "";
  }

  giveLabel(event) {
    event.preventDefault();
    const { selection, position } = this.look();
    const value = (this.byPerson ? find("labelChoice") : find("labelText")).value.trim();
    if (!selection.size) return this.act.say("Select images first.");
    if (!value) return this.act.say("Type a near-label first.");
    const positions = Array.from(selection.rows, position);
    this.act.give({ kind: this.byPerson ? "label" : "near_label", value, marks: packMarks(positions, this.data.count), size: positions.length },
      `“${visible(value)}” is kept for ${plural(positions.length, "image")}.`);
  }

  giveName(event) {
    event.preventDefault();
    const group = find("nameGroup").value;
    const value = find("nameText").value.trim();
    if (!group) return this.act.say("Select images of a group first.");
    if (!value && this.look().ownName(group) === null) return this.act.say("Type a name first.");
    this.act.give({ kind: "name", group, value }, value ? `${group} is “${visible(value)}” now.` : `${group} has no name now.`);
  }
}
