// What Python packed: base64 of a zlib stream of planes of bytes; a number is what they say, minus one.
function toBytes(base64) {
  // Several times as fast, where browsers have it.
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflate(base64) {
  const stream = new Blob([toBytes(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpackIntegers(packed) {
  const planes = await inflate(packed.data);
  const numbers = new Int32Array(packed.count);
  for (let plane = packed.bytes - 1; plane >= 0; plane--) {
    const start = plane * packed.count;
    for (let i = 0; i < numbers.length; i++) numbers[i] = (numbers[i] << 8) | planes[start + i];
  }
  for (let i = 0; i < numbers.length; i++) numbers[i] -= 1;
  return numbers;
}

async function unpackNumbers(packed) {
  const steps = await unpackIntegers(packed);
  return Float64Array.from(steps, (step) => (step < 0 ? NaN : packed.low + packed.step * step));
}

// x and y of all points, from 0 to 65534.
async function unpackPoints(packed) {
  const both = await unpackIntegers(packed);
  const count = both.length / 2;
  return { x: Float32Array.from(both.subarray(0, count)), y: Float32Array.from(both.subarray(count)) };
}

async function unpackTexts(packed) {
  return JSON.parse(new TextDecoder().decode(await inflate(packed)));
}
