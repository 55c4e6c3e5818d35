// Text as it is shown.
const DATA = JSON.parse(find("data").textContent);
const BUNDLE = DATA.bundle;

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// "12:03:04", with the date where it is another day.
function clockTime(text, now = new Date()) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return visible(text);
  const clock = time.toLocaleTimeString("en-GB");
  return time.toDateString() === now.toDateString() ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}

// One of a hundred images is more than none of them: a small share is never shown as 0.
function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  if (value > 99.9 && value < 100) return "> 99.9 %";
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} %`;
}

// Labels that could be meant, without those that can never be ruled out for want of held-out images.
const possible = (image) => image.set.filter((label) => label === image.label || !BUNDLE?.always.includes(label));
// Without a label, as in an adopted group that nobody has learnt from, there is nothing to doubt.
const isDoubtful = (image) => image.confidence !== null && !image.novel && image.label !== "" && image.set.length !== 1 && possible(image).length !== 1;

function groupText(node, name) {
  return name ? `${visible(name)} (${visible(node)})` : visible(node);
}

// What a bundle says, in a few words.
function saidText(image) {
  if (image.label) return visible(image.label);
  return image.novel ? "Novel" : image.node ? groupText(image.node, image.group) : "No label";
}

function wordText(word) {
  if (word.waiting) return word.action === "undo" ? "taking back…" : `${wordLabel(word)} · sending`;
  return `${wordLabel(word)} · ${visible(word.operator)}`;
}

function wordLabel(word) {
  const what = [word.label, word.node].filter(Boolean).map(visible).join(", group ") || "novel";
  return word.action === "confirm" ? `✓ ${what}` : `✎ ${word.label ? what : `group ${what}`}`;
}

// Names a word: what is sent again under it is the same word. Plain http has no randomUUID.
function drawRequest() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16).padStart(8, "0")).join("-");
}

const NO_ANSWER = "The server does not answer.";
// Every request names the page's database: at the same address there may be another one by now.
const HEADERS = { "X-Nearlabel": "1", "X-Nearlabel-Database": DATA.database };
// Whether nearlabel itself answered, not a proxy or whatever else is at its address.
const isOwn = (answer) => answer.headers.has("X-Nearlabel");

async function ask(path) {
  const answer = await fetch(path, { headers: HEADERS, signal: AbortSignal.timeout(30000) }).catch(() => null);
  if (!answer || !isOwn(answer)) throw new Error(NO_ANSWER);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function post(path, body) {
  return fetch(path, { method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(30000),
    headers: { ...HEADERS, "Content-Type": "application/json" } });
}

// Asks until the server answers; null where the same was asked anew in the meantime.
const asking = new Map();
async function insist(path) {
  const [what] = path.split("?");
  const mine = { problem: "" };
  asking.set(what, mine);
  for (let pause = 500; ; pause = Math.min(15000, 2 * pause)) {
    let found = null;
    mine.problem = "";
    try {
      found = await ask(path);
    } catch (error) {
      mine.problem = error.message;
    }
    if (asking.get(what) !== mine) return null;
    showBanner("asking", [...asking.values()].map(({ problem }) => problem).find(Boolean) ?? "");
    if (!mine.problem) return found;
    await new Promise((resolve) => { mine.hurry = resolve; setTimeout(resolve, pause); });
    if (asking.get(what) !== mine) return null;
  }
}
