// Text: as it is shown, and as it is written.
function writeCsv(rows) {
  const header = ["image_id", "label", "annotator", "time", "seconds"].map(quoted).join(",");
  const lines = rows.map((row) =>
    [quoted(row.image), quoted(row.label), quoted(row.annotator), quoted(row.time), row.seconds.toFixed(3)].join(","));
  return [header, ...lines].map((line) => `${line}\n`).join("");
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
