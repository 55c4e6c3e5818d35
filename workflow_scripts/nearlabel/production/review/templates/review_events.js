// What the watcher tells operators: drift, files it could not read, groups that it proposes.
const EVENT_WORDS = { bundle: "New bundle", drift: "Drift", inbox: "Inbox", output: "Not sent", proposal: "New group?", quarantine: "Not readable" };
const events = new Map();
const isOpen = (event) => event.kind === "proposal" && event.answered < event.images;

function keepEvents(found) {
  for (const event of found) events.set(event.id, event);
  const old = [...events.values()].sort((a, b) => b.id - a.id).slice(200);
  for (const event of old) if (!isOpen(event)) events.delete(event.id);
  const open = [...events.values()].filter(isOpen).length;
  const button = document.querySelector("[data-action=events]");
  button.querySelector(".badge")?.remove();
  if (open) button.append(element("span", { className: "badge", textContent: open, title: `${plural(open, "proposed group")} without a name` }));
}

async function loadEvents() {
  const found = await insist("/events");
  if (found) keepEvents(found.events);
}

// Words may have been on images of a proposal: how many of them have one is asked, soon.
let counting = 0;
function countAnswered() {
  if (counting || ![...events.values()].some((event) => event.kind === "proposal")) return;
  counting = setTimeout(() => {
    counting = 0;
    loadEvents();
  }, 1000);
}

// Proposals that wait for a name come first.
function showEvents(look) {
  const rows = [...events.values()].sort((a, b) => isOpen(b) - isOpen(a) || b.id - a.id).map((event) => {
    const line = element("li", {},
      element("p", {}, element("strong", { textContent: EVENT_WORDS[event.kind] ?? visible(event.kind) }),
        element("span", { className: "soft", textContent: ` ${clockTime(event.time)}` })),
      element("p", {}, element("bdi", { textContent: visible(event.sentence) })));
    if (event.images) {
      const what = event.kind === "proposal" ? `Look and name: ${plural(event.images, "image")}` : `Show ${plural(event.images, "image")}`;
      const button = element("button", { type: "button", textContent: what });
      button.addEventListener("click", () => look(event.id));
      line.append(button);
    }
    return line;
  });
  find("eventRows").replaceChildren(...(rows.length ? rows : [element("li", { textContent: "Nothing has happened yet." })]));
  find("eventBox").showModal();
}

// Above the grid, when it shows a proposed group: one name for all of its images.
function showProposal(event, name) {
  const box = find("proposal");
  box.hidden = event?.kind !== "proposal";
  if (box.hidden) return box.replaceChildren();
  const field = element("input", { maxLength: 100, autocomplete: "off", spellcheck: false, ariaLabel: "Name of the group" });
  field.id = "proposalField";
  const button = element("button", { type: "button", className: "primary", textContent: `Give all ${event.images} this label` });
  const give = () => name(event, field.value);
  button.addEventListener("click", give);
  field.addEventListener("keydown", (pressed) => { if (pressed.key === "Enter") give(); });
  const note = element("p", { className: "soft" });
  field.addEventListener("input", () => {
    const typed = cleanName(field.value);
    const label = findLabel(state.labels, typed);
    note.textContent = !typed || label === typed ? "" : label ? `This is the label “${visible(label)}”.` : NEW_LABEL;
  });
  box.replaceChildren(
    element("p", {}, element("strong", { textContent: "A new group is proposed. " }), element("bdi", { textContent: visible(event.sentence) })),
    element("div", { className: "line" }, field, button), note);
}
