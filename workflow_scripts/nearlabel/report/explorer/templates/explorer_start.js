// The page is filled, and opens the first node.
async function start() {
  for (const button of document.querySelectorAll("[data-action]")) {
    const [keys, text] = ACTIONS[button.dataset.action];
    button.title = `${text} (${SHOWN_KEYS[keys[0]] ?? keys[0].toUpperCase()})`;
    button.addEventListener("click", () => run(button.dataset.action));
  }
  fillHelp();
  find("dataset").textContent = visible(DATA.dataset);
  find("run").textContent = visible(DATA.run);
  find("thumbnailNote").textContent = [DATA.thumbnails.note, DATA.thumbnails.addresses
    ? "The thumbnails are files beside this page, too many for it: keep them together." : ""].filter(Boolean).map(visible).join(" ");
  find("node").append(...DATA.nodes.map((node) => element("option", { value: node.name,
    textContent: `${visible(node.name)}${node.title ? ` · ${shortened(node.title, 50)}` : ""} (${grouped(node.members.count)})` })));
  find("node").addEventListener("change", () => open(find("node").value));
  find("colorBy").addEventListener("change", () => colorBy(find("colorBy").value));
  find("order").addEventListener("change", () => fillGrid());
  find("selectFound").addEventListener("click", () => run("all"));
  document.addEventListener("keydown", pressed);
  new ResizeObserver(() => hover(-1)).observe(map.box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.redraw());
  // Printed on paper, whatever the screen is like.
  addEventListener("beforeprint", () => { document.documentElement.classList.add("printed"); map.drawNow(); });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("printed"); map.redraw(); });
  addEventListener("storage", (event) => {
    if (!event.key?.startsWith(changes.prefix)) return;
    changes.read();
    changed();
    say("Another tab with this page has changed what is to be saved.");
  });
  addEventListener("beforeunload", (event) => {
    if (!changes.keeps && changes.unsaved) event.preventDefault();
  });
  [dataset.ids, dataset.columns, dataset.files] = await Promise.all([unpackTexts(DATA.ids), Promise.all(DATA.columns.map(unpackColumn)),
    DATA.files.texts ? unpackTexts(DATA.files.texts) : null]);
  forgetDone();
  changed();
  await open(DATA.nodes[0].name);
  say(changes.entries.size ? `Welcome back: ${plural(changes.entries.size, "change")} restored.` : "");
}

start().catch((error) => {
  find("failed").hidden = false;
  find("failed").textContent = `This browser cannot show the page (${visible(String(error?.message ?? error))}). A current Chrome, Edge, Firefox or Safari can.`;
});
