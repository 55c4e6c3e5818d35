// Answers of all operators, written as files on the server.
async function exportWords() {
  const { waiting } = await ask("/exports").catch(() => ({ waiting: null }));
  const lines = waiting === null ? ["The server does not answer."]
    : waiting ? [`${plural(waiting, "answer")} ${waiting === 1 ? "is" : "are"} not in a file yet, all operators counted.`, "They are written as files of labels, which the next run of the workflow reads; the images are copied beside them."]
      : ["Every answer is in a file already."];
  if (queue.entries.size) lines.push(`${plural(queue.entries.size, "answer")} of this browser ${queue.entries.size === 1 ? "has" : "have"} not reached the server yet.`);
  find("exportText").replaceChildren(...lines.map((text) => element("p", { textContent: text })));
  find("exportNow").disabled = !waiting;
  if (!find("exportBox").open) find("exportBox").showModal();
}

async function writeFiles() {
  find("exportNow").disabled = true;
  let lines;
  try {
    const answer = await post("/exports", {});
    if (!answer.ok) throw new Error(await answer.text());
    const done = await answer.json();
    lines = [`${plural(done.rows, "answer")} in ${plural(done.files.length, "file")}; ${plural(done.images, "image")} copied.`, ...done.files.map(visible)];
    if (done.left) lines.push(`${plural(done.left, "image")} could not be read: the answers wait for the next export; the server's terminal names the files.`);
    if (done.without_label) lines.push(`${plural(done.without_label, "confirmed image")} ${done.without_label === 1 ? "has" : "have"} no label: give one, for the next run to learn from it.`);
  } catch (error) {
    lines = [error.message || "The server does not answer."];
  }
  find("exportText").replaceChildren(...lines.map((text) => element("p", { textContent: text })));
}
