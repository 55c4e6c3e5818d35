// For `npx eslint@… --config tests/js/eslint.config.mjs`, see .github/CONTRIBUTING.md. A page joins its scripts into one, so
// that what one file declares another uses: each file is told the names that the other files of its page declare.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const LIBRARY = path.join(REPOSITORY, "workflow_scripts/nearlabel");
const BROWSER = `addEventListener atob Blob btoa clearTimeout createImageBitmap crypto
  CSS CustomEvent DecompressionStream devicePixelRatio document DOMException Element Event getComputedStyle
  getSelection HTMLDetailsElement HTMLElement HTMLInputElement IDBKeyRange Image ImageData indexedDB IntersectionObserver KeyboardEvent localStorage location
  matchMedia MutationObserver navigator Node OffscreenCanvas performance PointerEvent queueMicrotask removeEventListener
  requestAnimationFrame ResizeObserver Response setTimeout TextDecoder TextEncoder URL window`.split(/\s+/);
// Of pages that a server sends: all others ask for nothing.
const SERVED = ["AbortSignal", "EventSource", "fetch", "history", "setInterval", "URLSearchParams"];
const NODE = ["require", "module", "process", "__dirname", "globalThis", "setTimeout", "AbortSignal", "atob", "btoa", "Blob", "Response", "DecompressionStream", "TextDecoder",
  "queueMicrotask", "URL", "Headers"];

// What stands at the start of a line is declared for the whole page.
function declaredIn(file) {
  const text = fs.readFileSync(file, "utf8");
  return [...text.matchAll(/^(?:(?:async )?function\*?|class|const|let) +(\{[^}]*\}|\[[^\]]*\]|\w+)/gm)]
    .flatMap(([, names]) => names.match(/\w+/g));
}

const scripts = fs.readdirSync(LIBRARY, { recursive: true }).filter((name) => name.endsWith(".js"))
  .map((name) => path.join(LIBRARY, name));
const isServed = (file) => path.relative(LIBRARY, file).startsWith("production");
const isShared = (file) => path.basename(file) === "shared.js";
const pageOf = (file) => `${path.dirname(file)}/${path.basename(file).split("_")[0]}`;
const all = (names, kind) => Object.fromEntries(names.map((name) => [name, kind]));

const RULES = {
  "constructor-super": "error",
  curly: ["error", "multi-line"],
  "dot-notation": "error",
  eqeqeq: "error",
  "for-direction": "error",
  "getter-return": "error",
  "no-async-promise-executor": "error",
  "no-case-declarations": "error",
  "no-class-assign": "error",
  "no-compare-neg-zero": "error",
  "no-cond-assign": "error",
  "no-console": "error",
  "no-const-assign": "error",
  "no-constant-condition": "error",
  "no-constructor-return": "error",
  "no-debugger": "error",
  "no-dupe-args": "error",
  "no-dupe-class-members": "error",
  "no-dupe-else-if": "error",
  "no-dupe-keys": "error",
  "no-duplicate-case": "error",
  "no-empty": "error",
  "no-eval": "error",
  "no-fallthrough": "error",
  "no-func-assign": "error",
  "no-implied-eval": "error",
  "no-irregular-whitespace": "error",
  "no-loss-of-precision": "error",
  "no-new-func": "error",
  "no-new-wrappers": "error",
  "no-prototype-builtins": "error",
  "no-script-url": "error",
  "no-self-assign": "error",
  "no-self-compare": "error",
  "no-shadow-restricted-names": "error",
  "no-sparse-arrays": "error",
  "no-this-before-super": "error",
  "no-throw-literal": "error",
  "no-undef": "error",
  "no-unexpected-multiline": "error",
  "no-unmodified-loop-condition": "error",
  "no-unreachable": "error",
  "no-unsafe-finally": "error",
  "no-unsafe-negation": "error",
  "no-unsafe-optional-chaining": "error",
  "no-unused-expressions": ["error", { allowShortCircuit: true, allowTernary: true }],
  "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
  "no-useless-escape": "error",
  "no-useless-return": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": ["error", { destructuring: "all" }],
  "prefer-rest-params": "error",
  "prefer-spread": "error",
  "require-yield": "error",
  "use-isnan": "error",
  "valid-typeof": "error",
};

const language = (globals) => ({ ecmaVersion: 2024, sourceType: "script", parserOptions: { ecmaFeatures: { impliedStrict: true } }, globals });
// Names that no other file of the page uses either are found as unused here.
const pages = scripts.map((file) => {
  const page = scripts.filter((other) => isShared(other) || isShared(file) || pageOf(other) === pageOf(file));
  const others = page.filter((other) => other !== file);
  const words = new Set(others.flatMap((other) => fs.readFileSync(other, "utf8").match(/\w+/g)));
  const used = declaredIn(file).filter((name) => words.has(name));
  const own = new Set(declaredIn(file));
  return {
    files: [path.relative(REPOSITORY, file)],
    languageOptions: language({ ...all(isServed(file) ? [...BROWSER, ...SERVED] : BROWSER, "readonly"), ...all(others.flatMap(declaredIn).filter((name) => !own.has(name)), "readonly") }),
    rules: { ...RULES, "no-unused-vars": ["error", { vars: "all", varsIgnorePattern: `^(${[...used, "_"].join("|")})$`, args: "after-used", argsIgnorePattern: "^_" }] },
  };
});

export default [
  ...pages,
  { files: ["tests/js/**/*.js"], languageOptions: language(all(NODE, "readonly")), rules: { ...RULES, "no-unused-vars": "error", "no-script-url": "off" } },
];
