// What operators say: sent, shown, taken back.
// The queue has sent words, or could not.
function answered(results) {
  for (const { request, image, state: settled, word, at } of results) {
    hearWord(image, word, at);
    if (settled === "refused") said?.forget(request);
  }
  if (results.some((result) => result.image === grid.current)) loadDetails();
  showWaiting();
}

// What the server says stands for an image; at: how far its table went then. Of two answers that cross, the later counts.
function hearWord(image, word, at) {
  for (const one of copiesOf(image)) {
    if (at >= one.at) {
      one.at = at;
      one.known = word;
    }
    setWord(one);
  }
}

// An image that another bundle has labelled anew waits among the new ones while it is still shown as before.
const copiesOf = (image) => [...grid.images, ...arrivals.images].filter((one) => one.image === image);

function setWord(image) {
  image.word = queue.waitingFor(image.image) ?? image.known;
  if (!grid.images.includes(image)) return;
  grid.refresh(image);
  if (image.image === grid.current) {
    showVerdict(image);
    markAnswers(image);
  }
}

// An image as the server describes it, with what waits here to be sent.
function receive(image, at) {
  image.at = at;
  image.known = image.word;
  image.word = queue.waitingFor(image.image) ?? image.word;
}

function markAnswers(image) {
  const word = image?.word;
  find("confirmText").textContent = !image ? "Confirm" : image.label || image.node || !image.novel ? `Confirm ${saidText(image)}` : "Confirm: novel";
  document.querySelector("[data-action=confirm]").setAttribute("aria-pressed", word?.action === "confirm");
  document.querySelector("[data-action=unsure]").setAttribute("aria-pressed", word?.label === "unsure");
  for (const button of find("kinds").children) button.setAttribute("aria-pressed", word?.action === "correct" && word.label === button.dataset.label);
}

function speak(action, extra, shown) {
  const image = grid.image;
  if (!image || !said) return;
  if (image.image === state.turning) return say("The next images are on their way.");
  const request = drawRequest();
  const body = { request, image: image.image, label_id: image.label_id, action, ...extra };
  said.push({ request, text: `${wordLabel(shown)}: ${visible(image.name)}`, words: [{ request, image: image.image, label_id: image.label_id }] });
  queue.add({ path: "/words", operator: state.operator, image: image.image, body, shown: { ...shown, operator: state.operator } });
  copiesOf(image.image).forEach(setWord);
  say(`${visible(image.name)}: ${wordLabel(shown)}`);
  showWaiting();
  goOn(1);
}

function confirmImage() {
  const image = grid.image;
  if (image) speak("confirm", {}, { action: "confirm", label: image.label, node: image.node });
}

function correct(what) {
  speak("correct", what, { action: "correct", label: "", node: "", ...what });
  if (what.label && !["unsure", ...state.labels].includes(what.label)) addLabels([what.label]);
}

function undo() {
  const entry = said?.pop();
  if (!entry) return say("There is nothing of yours to take back in this browser; see the history of the image.");
  if (!entry.words && !queue.withdraw(entry.request)) {
    said.push(entry);
    return say(`Still on its way in another tab, take it back there: ${entry.text}`);
  }
  for (const word of entry.words ?? []) takeBack(word, entry.words.length === 1);
  say(`Taken back: ${entry.text}`);
}

// word: { request, image, label_id }
function takeBack(word, show = false, operator = state.operator) {
  const image = word.image ?? grid.current;
  const shown = grid.images.find((one) => one.image === image);
  const body = { request: drawRequest(), image, label_id: word.label_id ?? shown?.label_id, action: "undo", undoes: word.request };
  queue.add({ path: "/words", operator, image, body, shown: { action: "undo" } });
  copiesOf(image).forEach(setWord);
  if (shown && show) grid.choose(image);
  showWaiting();
}

function nameProposal(event, text) {
  const typed = cleanName(text);
  if (nameProblem(typed)) return say(nameProblem(typed));
  const label = findLabel(state.labels, typed) ?? typed;
  const request = drawRequest();
  said.push({ request, text: `${visible(label)} for ${plural(event.images, "image")}` });
  queue.add({ path: "/names", operator: state.operator, body: { request, event: event.id, label }, image: "", shown: {} });
  showWaiting();
  if (!state.labels.includes(label)) addLabels([label]);
  say(`${visible(label)} for ${plural(event.images, "image")}`);
}

// The server has named a proposal's images: a word for each, taken back together.
function named({ operator, body, withdrawn }, results) {
  const words = results.map(({ request, image, label_id }) => ({ request, image, label_id }));
  if (withdrawn) for (const word of words) takeBack(word, false, operator);
  else (operator === state.operator ? said : new Said(DATA.database, operator)).fill(body.request, words);
}

// Keys stay with their labels: new ones come after the others.
function addLabels(labels) {
  state.labels = [...new Set([...state.labels, ...labels])].filter((label) => label !== "unsure" && label !== "skip");
  find("kinds").replaceChildren(...state.labels.slice(0, 9).map((label, place) => {
    const button = element("button", { type: "button", className: "answer" },
      element("bdi", { className: "name", textContent: visible(label) }), element("kbd", { textContent: place + 1 }));
    button.dataset.label = label;
    button.addEventListener("click", () => correct({ label }));
    return button;
  }));
  markAnswers(grid.image);
}
