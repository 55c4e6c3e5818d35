// What the pages share: elements, text as it is shown, files that they offer.
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
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    // Not every browser has these as properties.
    if (name.startsWith("aria")) made.setAttribute(`aria-${name.slice(4).toLowerCase()}`, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

// Letters and digits of any alphabet; short enough for every file system.
function safeName(text) {
  const safe = text.normalize("NFC").replace(/[^\p{L}\p{N}_-]+/gu, "_").replace(/^_+|_+$/g, "");
  return [...safe].slice(0, 40).join("") || "unnamed";
}

const labelsName = (annotator, now) => `labels-${safeName(annotator)}-${now.toISOString().replace(/[-:.]/g, "")}.csv`;

function offerFile(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
