"use strict";
// The pages' scripts as the pages have them: joined, their names in one scope; here without a page around them.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const LIBRARY = path.join(__dirname, "../../workflow_scripts/nearlabel");
const EXPLORER = path.join(LIBRARY, "report/explorer/templates");

const SHARED = path.join(LIBRARY, "labelling/page/templates/shared.js");

// Returns what the scripts of these names declare under the names that are asked for.
function load(scripts, names) {
  const files = [SHARED, ...scripts.map((name) => path.join(EXPLORER, `explorer_${name}.js`))];
  const text = files.map((file) => fs.readFileSync(file, "utf8")).join("");
  const context = vm.createContext({ atob, btoa, Blob, Response, DecompressionStream, TextDecoder, queueMicrotask, URL });
  return vm.runInContext(`"use strict";\n${text}\n({ ${names.join(", ")} })`, context);
}

const REVIEW = path.join(LIBRARY, "production/review/templates");

// As `load`, of the review page; `around` are the names that a browser has, and what the page was told when it opened.
function loadReview(scripts, names, around = {}, data = { bundle: null }) {
  const files = [SHARED, ...scripts.map((name) => path.join(REVIEW, `review_${name}.js`))];
  const text = files.map((file) => fs.readFileSync(file, "utf8")).join("");
  const page = { document: { getElementById: () => ({ textContent: JSON.stringify(data) }) } };
  const context = vm.createContext({ setTimeout, AbortSignal, crypto: globalThis.crypto, ...page, ...around });
  return vm.runInContext(`"use strict";\n${text}\n({ ${names.join(", ")} })`, context);
}

module.exports = { load, loadReview, EXPLORER, LIBRARY };
