// Who labels, what the keys are, an example at its size.
const LAST_NAME = "nearlabel/annotator";

function lastName() {
  try {
    return localStorage.getItem(LAST_NAME) ?? "";
  } catch {
    return "";
  }
}

// Asks until there is a name; a second time it can be left as it is.
function askName(begin) {
  const box = find("who");
  const field = find("nameField");
  let current = "";
  const accept = () => {
    const name = field.value.trim();
    if (!name) return field.focus();
    try {
      localStorage.setItem(LAST_NAME, name);
    } catch {
      // It is asked for again next time.
    }
    box.close();
    if (name !== current) begin(name);
    current = name;
  };
  find("begin").addEventListener("click", accept);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    // Otherwise the key would also press the button that has the focus then.
    event.preventDefault();
    accept();
  });
  box.addEventListener("cancel", (event) => {
    if (!current) event.preventDefault();
  });
  const ask = () => {
    field.value = current || lastName();
    box.showModal();
    field.focus();
    field.select();
  };
  // A browser closes it all the same when Escape is pressed twice.
  box.addEventListener("close", () => {
    if (!current) ask();
  });
  return ask;
}

function fillHelp(rows, folder) {
  for (const [keys, text] of rows) {
    const shown = element("span", { className: "keys" });
    for (const key of keys) shown.append(element("kbd", { textContent: key }), " ");
    find("keyRows").append(element("li", {}, shown, element("bdi", { textContent: text })));
  }
  find("helpText").textContent =
    "Every answer is kept in this browser at once. To hand answers on, save them as a file and put it into the folder " +
    `“${visible(folder)}”. Each file holds the last answer to every image, with the time that the image was on the screen.`;
  find("closeHelp").addEventListener("click", () => find("helpBox").close());
  find("closeExample").addEventListener("click", () => find("example").close());
}

function enlargeExample(title, example) {
  find("exampleTitle").textContent = title;
  find("exampleImage").src = example.src;
  find("exampleImage").alt = visible(example.id);
  find("example").showModal();
}
