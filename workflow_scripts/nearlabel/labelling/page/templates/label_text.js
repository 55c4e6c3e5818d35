// Text: as it is shown, and as it is written.
const find = (id) => document.getElementById(id);

// Characters that cannot be seen, or that turn the direction of others, are shown as their codes.
const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
    // Emoji are joined by these two.
    character === "\u200d" || character === "\ufe0f" ? character
      : NAMED[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

function writeCsv(rows) {
  const header = ["image_id", "label", "annotator", "time", "seconds"].map(quoted).join(",");
  const lines = rows.map((row) =>
    [quoted(row.image), quoted(row.label), quoted(row.annotator), quoted(row.time), row.seconds.toFixed(3)].join(","));
  return [header, ...lines].map((line) => `${line}\n`).join("");
}

// Letters and digits of any alphabet; short enough for every file system.
function fileName(annotator, now) {
  const safe = annotator.normalize("NFC").replace(/[^\p{L}\p{N}_-]+/gu, "_").replace(/^_+|_+$/g, "");
  const name = [...safe].slice(0, 40).join("") || "unnamed";
  return `labels-${name}-${now.toISOString().replace(/[-:.]/g, "")}.csv`;
}

function offerFile(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
