// As it is shown where there is little room: the end of a path says more than its start.
function shortened(text, length) {
  const characters = [...visible(text)];
  if (characters.length <= length) return characters.join("");
  const kept = Math.ceil((length - 1) / 2);
  return `${characters.slice(0, length - 1 - kept).join("")}…${characters.slice(-kept).join("")}`;
}

const grouped = (count) => count.toLocaleString("en");
const plural = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

function formatNumber(value) {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value)) return grouped(value);
  const size = Math.abs(value);
  return (size >= 1e6 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)))).replace("-", "−");
}

function formatShare(part, whole) {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent < 100 && percent > 99.9) return "> 99.9 %";
  return `${percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

function formatP(p) {
  if (p >= 0.001) return p.toFixed(3);
  return p < 1e-300 ? "< 1e−300" : p.toExponential(1).replace("-", "−");
}
