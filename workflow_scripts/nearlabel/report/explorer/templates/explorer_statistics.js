// What a selection is made of.
const HALF_LOG_TAU = 0.9189385332046727;

// Stirling's series (Abramowitz and Stegun 6.1.41), where it is exact to the last digits; below by recurrence.
function logGamma(x) {
  let shift = 0;
  while (x < 15) {
    shift += Math.log(x);
    x += 1;
  }
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / x;
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TAU + series - shift;
}

const logChoose = (n, k) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

// P(X ≥ found), where `drawn` of `population` are drawn at random, without putting back, and `marked` of all are marked.
function hypergeometricTail(found, population, marked, drawn) {
  const lowest = Math.max(0, drawn + marked - population);
  const highest = Math.min(drawn, marked);
  if (found <= lowest) return 1;
  if (found > highest) return 0;
  const mass = (k) =>
    Math.exp(logChoose(marked, k) + logChoose(population - marked, drawn - k) - logChoose(population, drawn));
  // From the middle outwards terms only fall, so that the sum can end where they no longer count.
  const rest = population - marked - drawn;
  if (found > (drawn * marked) / population) {
    let [term, sum] = [mass(found), 0];
    for (let k = found; k <= highest && (k === found || term > sum * 1e-17); k++) {
      sum += term;
      term *= ((marked - k) * (drawn - k)) / ((k + 1) * (rest + k + 1));
    }
    return Math.min(1, sum);
  }
  let [term, sum] = [mass(found - 1), 0];
  for (let k = found - 1; k >= lowest && (k === found - 1 || term > sum * 1e-17); k--) {
    sum += term;
    term *= (k * (rest + k)) / ((marked - k + 1) * (drawn - k + 1));
  }
  return Math.max(0, 1 - sum);
}

// Benjamini and Hochberg (1995): the smallest false discovery rate at which each is called.
function adjustP(ps) {
  const order = [...ps.keys()].sort((a, b) => ps[b] - ps[a]);
  const adjusted = new Array(ps.length);
  let smallest = 1;
  order.forEach((index, place) => {
    smallest = Math.min(smallest, (ps[index] * ps.length) / (ps.length - place));
    adjusted[index] = smallest;
  });
  return adjusted;
}

// How many of each category; the last entry counts those that are not known. Without rows: of all.
function countCategories(values, categories, rows = null) {
  const counts = new Uint32Array(categories + 1);
  if (rows) for (const row of rows) counts[values[row] < 0 ? categories : values[row]] += 1;
  else for (const value of values) counts[value < 0 ? categories : value] += 1;
  return counts;
}

// Of each near-label in a selection: count, p and q of being that frequent among those whose near-label is known.
function enrichment(values, categories, rows) {
  const all = countCategories(values, categories);
  const own = countCategories(values, categories, rows);
  const population = values.length - all[categories];
  const drawn = rows.length - own[categories];
  const present = [...Array(categories).keys()].filter((category) => all[category]);
  const ps = present.map((category) => hypergeometricTail(own[category], population, all[category], drawn));
  const qs = adjustP(ps);
  return present.map((category, place) => (
    { category, count: own[category], all: all[category], drawn, population, p: ps[place], q: qs[place] }));
}

// Groups that share images with a selection, by Jaccard overlap, the best first.
function groupOverlaps(values, categories, rows) {
  const all = countCategories(values, categories);
  const own = countCategories(values, categories, rows);
  return [...Array(categories).keys()].filter((group) => own[group])
    .map((group) => ({ group, shared: own[group], overlap: own[group] / (all[group] + rows.length - own[group]) }))
    .sort((a, b) => b.overlap - a.overlap || a.group - b.group);
}

// Counts in equal parts of [low, high], of known values.
function histogram(values, low, high, parts, rows = null) {
  const counts = new Uint32Array(parts);
  const scale = high > low ? parts / (high - low) : 0;
  const add = (value) => {
    if (value >= low && value <= high) counts[Math.min(parts - 1, Math.floor((value - low) * scale))] += 1;
  };
  if (rows) for (const row of rows) add(values[row]);
  else values.forEach(add);
  return counts;
}
