// Pictures, decoded before they are needed.
function toBytes(base64) {
  // Several times as fast, where browsers have it.
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function toBlob(address) {
  const comma = address.indexOf(",");
  return new Blob([toBytes(address.slice(comma + 1))], { type: address.slice(5, address.indexOf(";")) });
}

class Pictures {
  constructor(images, arrived) {
    this.images = images;
    this.arrived = arrived;
    this.decoded = new Map();
  }

  // The picture of an image: undefined while it is decoded, otherwise {bitmap, overlay, problem}.
  get(index) {
    return this.decoded.get(index)?.result;
  }

  // Decodes these, in this order, and lets go of all others.
  prepare(indices) {
    for (const [index, kept] of this.decoded) {
      if (indices.includes(index)) continue;
      this.decoded.delete(index);
      kept.promise.then((result) => {
        result.bitmap?.close();
        result.overlay?.close();
      });
    }
    for (const index of indices) {
      if (this.decoded.has(index)) continue;
      const kept = { promise: this.decode(this.images[index]) };
      this.decoded.set(index, kept);
      kept.promise.then((result) => {
        kept.result = result;
        if (this.decoded.get(index) === kept) this.arrived(index);
      });
    }
  }

  async decode(image) {
    if (image.problem) return { problem: `This image cannot be read: ${visible(image.problem)}` };
    try {
      const bitmap = await createImageBitmap(toBlob(image.src));
      const overlay = image.overlay ? await createImageBitmap(toBlob(image.overlay)) : null;
      return { bitmap, overlay };
    } catch (error) {
      return { problem: `This browser cannot decode the image (${error.message}).` };
    }
  }
}

// A small canvas of an image; null where it has no picture.
async function drawThumbnail(image, side, canvas) {
  if (image.problem) return;
  const scale = Math.min(1, side / Math.max(...image.shown));
  const [width, height] = image.shown.map((pixels) => Math.max(1, Math.round(pixels * scale)));
  const bitmap = await createImageBitmap(toBlob(image.src), {
    resizeWidth: width, resizeHeight: height, resizeQuality: "medium" });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
}
