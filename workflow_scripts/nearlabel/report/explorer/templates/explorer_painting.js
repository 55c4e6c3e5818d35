// Points into the pixels of a picture, as 32-bit numbers: much faster than shapes of a canvas.

// A disc as offsets from its middle, each with how much of the pixel it covers (0 to 256).
function discStamp(radius) {
  const reach = Math.ceil(radius);
  const stamp = { reach, dx: [], dy: [], cover: [] };
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      let inside = 0;
      for (let part = 0; part < 64; part++) {
        inside += Math.hypot(x + ((part % 8) - 3.5) / 8, y + (Math.floor(part / 8) - 3.5) / 8) <= radius;
      }
      if (!inside) continue;
      stamp.dx.push(x);
      stamp.dy.push(y);
      stamp.cover.push(inside * 4);
    }
  }
  return stamp;
}

// Two of the three parts at once; none reaches into the next.
function blend(under, over, cover) {
  const rest = 256 - cover;
  const outer = ((Math.imul(under & 0xff00ff, rest) + Math.imul(over & 0xff00ff, cover)) >>> 8) & 0xff00ff;
  const green = (((under >>> 8) & 0xff) * rest + ((over >>> 8) & 0xff) * cover) & 0xff00;
  return 0xff000000 | outer | green;
}

class Painter {
  constructor(pixels, width, height) {
    this.pixels = pixels;
    this.width = width;
    this.height = height;
  }

  // Makes a stamp ready for this picture: first what is wholly covered, then the rim.
  prepare(radius) {
    const { reach, dx, dy, cover } = discStamp(radius);
    // Where points are as small as a few pixels, most of them covered is covered.
    const enough = radius < 2 ? 190 : 250;
    const solid = [...dx.keys()].filter((i) => cover[i] >= enough);
    const rim = [...dx.keys()].filter((i) => cover[i] < enough);
    const offset = (i) => dy[i] * this.width + dx[i];
    return { reach, dx, dy, cover, solid: Int32Array.from(solid, offset), rim: Int32Array.from(rim, offset),
      rimCover: Uint8Array.from(rim, (i) => cover[i]) };
  }

  stamp(x, y, disc, color) {
    const { pixels, width, height } = this;
    const { reach, solid, rim, rimCover } = disc;
    if (x >= reach && y >= reach && x < width - reach && y < height - reach) {
      const at = y * width + x;
      for (let i = 0; i < solid.length; i++) pixels[at + solid[i]] = color;
      for (let i = 0; i < rim.length; i++) pixels[at + rim[i]] = blend(pixels[at + rim[i]], color, rimCover[i]);
      return;
    }
    if (x < -reach || y < -reach || x >= width + reach || y >= height + reach) return;
    for (let i = 0; i < disc.dx.length; i++) {
      const [px, py] = [x + disc.dx[i], y + disc.dy[i]];
      if (px >= 0 && py >= 0 && px < width && py < height) {
        pixels[py * width + px] = blend(pixels[py * width + px], color, disc.cover[i]);
      }
    }
  }
}

// Paints points in the order in which they come; wanted[i] says which. rim: a colour around each point, null for none.
function paintPoints(painter, scene, wanted, palette, radius, rim) {
  const { x: xs, y: ys, codes, view, ratio } = scene;
  const scale = view.scale * ratio;
  // Half a pixel more, so that cutting off rounds.
  const left = (view.width / 2) * ratio - view.x * scale + 0.5;
  const top = (view.height / 2) * ratio + view.y * scale + 0.5;
  const disc = painter.prepare(radius);
  const around = rim === null ? null : painter.prepare(radius + Math.max(1, ratio));
  const reach = (around ?? disc).reach;
  const [right, bottom] = [painter.width + reach, painter.height + reach];
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === 0) continue;
    const x = Math.floor(xs[i] * scale + left);
    const y = Math.floor(top - ys[i] * scale);
    if (x < -reach || y < -reach || x >= right || y >= bottom) continue;
    if (around !== null) painter.stamp(x, y, around, rim);
    painter.stamp(x, y, disc, palette[codes[i]]);
  }
}

// Points are larger where there are few of them, and a little when the map is zoomed.
function pointRadius(count, zoom) {
  return Math.min(7, Math.max(1.35, Math.min(5, 100 / Math.sqrt(count + 1))) * Math.max(1, Math.min(3, zoom ** 0.3)));
}
