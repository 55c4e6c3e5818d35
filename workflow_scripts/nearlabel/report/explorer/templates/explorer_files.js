// Tables as text, and the addresses of files that lie on the disk.
// Nothing stands in a text without quotes: a line end in a name would end the row.
function writeTable(header, rows) {
  return [header, ...rows].map((row) => `${row.map((cell) => (cell === "" ? "" : quoted(cell))).join(",")}\n`).join("");
}

// A part of a path. Bytes that are no UTF-8 come from Python as single surrogates.
function encodePart(part) {
  return Array.from(part, (character) => {
    const code = character.codePointAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) return `%${(code - 0xdc00).toString(16).toUpperCase()}`;
    return code >= 0xd800 && code <= 0xdfff ? "%EF%BF%BD" : encodeURIComponent(character);
  }).join("");
}

// The address of a path, which is one whatever it looks like: no path is taken for a scheme or a host.
function fileAddress(path) {
  const drive = /^([A-Za-z]):[\\/](.*)$/s.exec(path);
  if (drive) return `file:///${drive[1]}:/${drive[2].split(/[\\/]/).map(encodePart).join("/")}`;
  const parts = path.split("/").map(encodePart);
  if (!path.startsWith("/")) return `./${parts.join("/")}`;
  return `file:///${parts.filter((part) => part).join("/")}`;
}

// A name in YAML.
const yamlText = (text) => (/^[A-Za-z_][\w-]*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text) ? text : JSON.stringify(text));
