// What is known of the chosen image, and what was said of it.
const row = (name, value) => [element("dt", { textContent: name }), element("dd", {}, element("bdi", { textContent: value }))];
const section = (title, ...children) => element("section", {}, element("h3", { textContent: title }), ...children);

function showVerdict(image) {
  const box = find("verdict");
  if (!image) return box.replaceChildren();
  const lines = [element("h2", {}, element("bdi", { textContent: saidText(image) }))];
  if (image.novel) {
    lines.push(element("p", { className: "flag", textContent: `Novel: at most ${percent(image.novelty_p)} of good images look as unusual, so it is put into no group.` }));
  }
  if (!image.novel && !image.label && image.confidence !== null) {
    lines.push(element("p", { className: "soft", textContent: "In a group that was accepted on the line: it gets a label when a bundle has learnt it." }));
  }
  const facts = [];
  if (image.confidence !== null && image.label) facts.push(`confidence ${percent(image.confidence)}`);
  if (image.by === "person") facts.push("labelled by a person before");
  if (image.node && image.label) facts.push(`group ${groupText(image.node, image.group)}`);
  if (facts.length) lines.push(element("p", { className: "soft", textContent: facts.join(" · ") }));
  if (isDoubtful(image)) {
    const likely = possible(image).map(visible).join(", ");
    lines.push(element("p", { className: "flag", textContent: likely ? `In doubt between ${likely}.` : "In doubt: no label is likely enough." }));
  }
  if (image.word) {
    const differ = image.word.differ ? " Operators differ: see the history." : "";
    lines.push(element("p", { className: "told" }, element("bdi", { textContent: wordText(image.word) }), differ));
  }
  box.replaceChildren(...lines);
}

async function showDetails(image, takeBack) {
  const box = find("details");
  if (!image) return box.replaceChildren();
  const parts = [
    section("Facts", element("dl", {},
      ...row("File", visible(image.name)), ...row("Seen", `${clockTime(image.time)}${image.sightings > 1 ? `, ${plural(image.sightings, "time")}` : ""}`),
      ...(image.camera ? row("Camera", visible(image.camera)) : []), ...row("Size", `${image.size[0]} × ${image.size[1]}`),
      ...row("More unusual than", `${percent(image.percentile / 100)} of good images`), ...row("Novelty p", percent(image.novelty_p)),
      ...(image.p === null ? [] : row("Label p", percent(image.p))),
      ...(image.set.length ? row("Likely labels", describeSet(image.set)) : []),
      ...(image.lineage?.length ? row("Lineage", image.lineage.map((node) => groupText(node, BUNDLE?.names[node])).join(" › ")) : []),
      ...row("Bundle", String(image.bundle)))),
  ];
  if (image.neighbors) {
    parts.unshift(...(await describeNear(image)));
    parts.push(describeHistory(image, takeBack));
  }
  if (find("details").dataset.image === image.image) box.replaceChildren(...parts);
}

function describeSet(set) {
  const always = BUNDLE ? set.filter((label) => BUNDLE.always.includes(label)) : [];
  return set.map(visible).join(", ") + (always.length ? ` (${always.map(visible).join(", ")}: too few images were held out to rule it out)` : "");
}

async function describeNear(image) {
  const same = image.shown === (BUNDLE?.sha256 ?? null);
  const near = image.neighbors.map((one) => element("figure", {},
    ...(one.row === undefined || one.row === null ? [] : [element("img", { src: `/training/${image.shown}/${one.row}`, alt: `Training image ${visible(String(one.image_id))}`, loading: "lazy" })]),
    element("figcaption", {}, element("bdi", { textContent: visible(String(one.label || one.node || "no label")) }),
      element("span", { className: "soft", textContent: ` ${one.distance < 0.001 ? 0 : Number(one.distance.toPrecision(2))}` }))));
  const parts = [];
  if (near.length) parts.push(section("Nearest training images", element("div", { className: "near" }, ...near)));
  if (!same) parts.push(element("p", { className: "flag", textContent: "Another bundle is shown now: load this page anew." }));
  else if (!BUNDLE) parts.push(element("p", { className: "soft", textContent: "Start with --bundle to see their pictures, the map, and where an image is novel." }));
  if (image.place && same) {
    const map = await makeMap(image.place).catch(() => null);
    if (map) parts.push(section("On the map", map));
  }
  return parts;
}

function describeHistory(image, takeBack) {
  const words = image.words.filter((word) => word.action !== "undo").map((word) => {
    const text = `${clockTime(word.time)} ${visible(word.operator)}: ${wordLabel(word)}`;
    const line = element("li", { className: word.undone ? "undone" : "" }, element("bdi", { textContent: text }));
    if (word.undone) line.append(element("span", { className: "soft", textContent: " taken back" }));
    else {
      const button = element("button", { type: "button", className: "small", textContent: "Take back" });
      button.addEventListener("click", () => takeBack(word));
      line.append(" ", button);
    }
    return line;
  });
  const labels = image.labels.map((label) => element("li", {}, element("bdi", { textContent:
    `${clockTime(label.time)} bundle ${label.bundle}: ${label.label ? visible(label.label) : label.novel ? "novel" : groupText(label.node, label.group_name)}` })));
  const seen = image.seen.map((one) => element("li", {}, element("bdi", { textContent:
    [clockTime(one.time), visible(one.path), one.camera && `camera ${visible(one.camera)}`, one.part && one.part !== one.path && visible(one.part)].filter(Boolean).join(" · ") })));
  return section("History", ...(words.length ? [element("ul", { className: "history" }, ...words)] : []),
    element("ul", { className: "history soft" }, ...labels), element("details", {}, element("summary", { textContent: `Seen ${plural(image.sightings, "time")}` }),
      element("ul", { className: "history soft" }, ...seen)));
}
