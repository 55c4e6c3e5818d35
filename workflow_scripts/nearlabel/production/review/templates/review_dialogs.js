// Questions to the operator.
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

// A field that is no longer shown keeps the focus until the next frame, and would take the next key.
function closeBox(box) {
  document.activeElement?.blur();
  box.close();
}

const OPERATOR_KEY = "nearlabel/review/operator";

function rememberedOperator() {
  try {
    return localStorage.getItem(OPERATOR_KEY) || DATA.operator;
  } catch {
    return DATA.operator;
  }
}

// As the server reads names.
const cleanName = (text) => text.normalize("NFC").trim();
function nameProblem(text) {
  if (!text) return "Give a name.";
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(text.replaceAll("\u200d", "")) ? "The name has a character that cannot be seen." : "";
}

function askOperator(begin) {
  const box = find("who");
  const field = find("nameField");
  const done = () => {
    const name = cleanName(field.value);
    find("nameProblem").textContent = nameProblem(name);
    if (nameProblem(name)) return field.focus();
    try {
      localStorage.setItem(OPERATOR_KEY, name);
    } catch {
      // Then it is asked for again.
    }
    closeBox(box);
    begin(name);
  };
  find("begin").addEventListener("click", done);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") done(); });
  const open = () => {
    field.value = rememberedOperator();
    box.showModal();
    field.select();
  };
  // Escape closes every dialog; an answer without a name would not be kept.
  box.addEventListener("close", () => { if (!state.operator) open(); });
  return open;
}

const NEW_LABEL = "The bundle does not know this label. It counts in the next one if production.labels in the config names it.";

// The label that is meant by what was typed, whatever its capitals; undefined where it is a new one.
function findLabel(labels, typed) {
  const wanted = typed.toLocaleLowerCase();
  return labels.find((label) => label === typed) ?? labels.find((label) => label.toLocaleLowerCase() === wanted);
}

// Any label, one that there was not before, or a group. give({ label }) or give({ node }).
class Choice {
  constructor(give) {
    this.give = give;
    this.labels = [];
    this.groups = [];
    find("choiceField").addEventListener("input", () => this.fill());
    find("choiceField").addEventListener("keydown", (event) => {
      if (event.key === "Enter") find("choiceLabels").querySelector("button")?.click();
    });
  }

  open(labels, groups) {
    this.labels = labels;
    this.groups = groups;
    find("choiceField").value = "";
    this.fill();
    find("choice").showModal();
    find("choiceField").focus();
  }

  fill() {
    const typed = cleanName(find("choiceField").value);
    const wanted = typed.toLocaleLowerCase();
    const found = this.labels.filter((label) => label.toLocaleLowerCase().includes(wanted));
    const exact = findLabel(this.labels, typed);
    // The exact one first, so that Enter gives it.
    found.sort((a, b) => (b === exact) - (a === exact));
    const buttons = found.slice(0, 60).map((label) => this.button(label, { label }));
    if (typed && !exact) {
      const problem = nameProblem(typed);
      buttons.push(problem ? element("span", { textContent: problem }) : this.button(`New label “${visible(typed)}”`, { label: typed }));
      if (!problem) buttons.push(element("p", { className: "soft", textContent: NEW_LABEL }));
    }
    find("choiceLabels").replaceChildren(...buttons);
    find("choiceGroupsTitle").hidden = !this.groups.length;
    find("choiceGroups").replaceChildren(...this.groups.map(({ node, name }) => this.button(groupText(node, name), { node })));
  }

  button(text, what) {
    const button = element("button", { type: "button" }, element("bdi", { textContent: visible(text) }));
    button.addEventListener("click", () => {
      closeBox(find("choice"));
      this.give(what);
    });
    return button;
  }
}

function fillHelp(rows) {
  find("keyRows").replaceChildren(...rows.map(([keys, text]) =>
    element("li", {}, element("span", {}, ...keys.flatMap((key) => [element("kbd", { textContent: key }), " "])), element("bdi", { textContent: text }))));
}

function showBanner(id, text, ...more) {
  let banner = find(id);
  if (!text) return banner?.remove();
  if (!banner) {
    banner = element("p", { id, className: "banner warning" });
    banner.setAttribute("role", "alert");
    find("banners").append(banner);
  }
  if (banner.dataset.text === text) return;
  banner.dataset.text = text;
  banner.replaceChildren(text, ...more);
}

let saying = 0;
function say(text) {
  find("said").textContent = text;
  find("said").classList.add("fresh");
  clearTimeout(saying);
  saying = setTimeout(() => find("said").classList.remove("fresh"), 4000);
}
