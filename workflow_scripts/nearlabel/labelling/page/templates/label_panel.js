// The panel beside the image, and the line above it.
function buildKinds(kinds, choose, enlarge) {
  for (const kind of kinds) {
    const button = element("button", { type: "button", className: "answer" },
      element("kbd", { textContent: kind.key }), element("bdi", { textContent: visible(kind.name), className: "name" }));
    button.title = visible(kind.name);
    button.dataset.label = kind.name;
    button.addEventListener("click", () => choose(kind.name));
    const block = element("div", { className: "kind" }, button);
    if (kind.description) block.append(element("p", { textContent: visible(kind.description), className: "soft" }));
    const strip = element("div", { className: "examples" });
    kind.examples.forEach((example, place) => {
      if (example.problem) return;
      const alt = `Example ${place + 1} of ${visible(kind.name)}`;
      const picture = element("img", { src: example.src, alt, loading: "lazy" });
      const show = element("button", { type: "button", title: visible(example.id) }, picture);
      show.addEventListener("click", () => enlarge(alt, example));
      strip.append(show);
    });
    if (strip.childElementCount) block.append(strip);
    find("kinds").append(block);
  }
}

function markAnswer(label) {
  for (const button of document.querySelectorAll("button[data-label], [data-action=skip], [data-action=unsure]")) {
    button.setAttribute("aria-pressed", (button.dataset.label ?? button.dataset.action) === label);
  }
}

function showProgress(images, log) {
  const answered = log.answers.size;
  find("bar").max = Math.max(1, images.length);
  find("bar").value = answered;
  find("count").textContent = `${answered} of ${images.length}`;
  const seconds = [...log.answers.values()].map((entry) => entry.seconds).sort((a, b) => a - b);
  const median = seconds[Math.floor(seconds.length / 2)];
  find("pace").textContent = seconds.length ? `${median.toFixed(1)} s each` : "";
  find("pace").title = "Median time that an image was on the screen before its answer";
  const kept = find("kept");
  document.body.dataset.waiting = log.waiting;
  document.body.dataset.answered = answered;
  if (!log.keeps) kept.textContent = "only in this tab";
  else if (!log.entries.size) kept.textContent = "";
  else kept.textContent = log.unsaved ? `${plural(log.unsaved, "change")} not in a file` : "all in a file";
}

function describeBefore({ round, labelled, found, population, advice }) {
  const lines = [];
  find("round").textContent = round === null ? "" : `round ${round}`;
  if (labelled !== null) {
    const all = population === null ? "" : ` of ${population.toLocaleString("en")}`;
    const hits = found === null ? "" : `, ${found.toLocaleString("en")} defects found`;
    lines.push(`Before this page: ${labelled.toLocaleString("en")}${all} images labelled${hits}.`);
  }
  if (advice) lines.push(visible(advice));
  return lines;
}

function describeRun(data) {
  find("run").textContent = `${visible(data.run)} · ${visible(data.dataset)}`;
  const lines = describeBefore(data.progress);
  const smaller = data.images.filter((image) => !image.problem && image.shown[0] < image.size[0]).length;
  if (smaller) lines.push(`${plural(smaller, "image")} ${smaller === 1 ? "is" : "are"} smaller here than in the file.`);
  const lossy = data.images.filter((image) => !image.problem && !image.lossless).length;
  if (lossy > smaller) lines.push(`${plural(lossy, "image")} ${lossy === 1 ? "is" : "are"} compressed as JPEG of high quality.`);
  find("about").replaceChildren(...lines.map((line) => element("p", { textContent: line })));
}

// Shown when every image has an answer.
function describeEnd(data) {
  return [
    element("h1", { textContent: "Every image has an answer" }),
    element("p", { textContent:
      `Save the answers, put the file into the folder “${visible(data.folder)}”, and run the workflow again: ` +
      "it says whether more labels are worth while, and makes the next page." }),
    element("button", { type: "button", className: "primary", textContent: "Save answers" }),
  ];
}

// In place of all else when there is nothing to label.
function describeEmpty(data) {
  find("run").textContent = `${visible(data.run)} · ${visible(data.dataset)}`;
  const lines = describeBefore(data.progress);
  lines.push("No answer is waited for. After new images came in, or after a change of the labelling settings, run the " +
    `workflow again: it makes a new page. Answers that are not yet in the folder “${visible(data.folder)}” belong there.`);
  find("empty").append(element("h1", { textContent: "There is nothing to label" }),
    ...lines.map((line) => element("p", { textContent: line })));
  find("empty").hidden = false;
  for (const part of document.querySelectorAll("#work, .done, .tools")) part.hidden = true;
}

function showBanner(id, text) {
  let banner = find(id);
  if (!text) return banner?.remove();
  if (!banner) {
    banner = element("p", { id, className: "banner warning" });
    banner.setAttribute("role", "alert");
    find("banners").append(banner);
  }
  if (banner.textContent !== text) banner.textContent = text;
}
