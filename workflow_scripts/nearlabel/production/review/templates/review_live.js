// Changes as the server tells of them. The browser itself asks again after a lost connection, and says what it heard
// last; after an answer that is an error it would not.
class Live {
  constructor(heard, state) {
    this.heard = heard;
    this.state = state;
    this.since = "";
    this.source = null;
  }

  listen(since) {
    this.since = since;
    this.rest();
    // A browser has few connections to a server for all of its tabs; what nobody sees catches up when it is seen again.
    if (document.hidden) return;
    const source = new EventSource(`/changes?since=${since}&database=${DATA.database}`);
    this.source = source;
    const note = (event) => {
      this.since = event.lastEventId || this.since;
      this.state(true);
    };
    source.addEventListener("ready", note);
    source.addEventListener("changes", (event) => {
      note(event);
      this.heard(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      const refused = source.readyState === EventSource.CLOSED;
      this.state(false, refused);
      if (refused && source === this.source) this.again = setTimeout(() => this.listen(this.since), 5000);
    });
  }

  rest() {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }
}

// New images until they are shown: those that may be shown at once, and how many there are.
class Arrivals {
  constructor() {
    this.clear();
  }

  clear() {
    this.images = [];
    this.count = 0;
  }

  add(images, skipped) {
    const fresh = new Set(images.map((image) => image.image));
    this.images = [...images, ...this.images.filter((image) => !fresh.has(image.image))].slice(0, 200);
    this.count += images.length + skipped;
  }

  // Whether `images` are all that came.
  get whole() {
    return this.count <= this.images.length;
  }
}

// As the server's filters do; what an event is of only the server knows.
function passes(image, filters) {
  const { label, group, camera, doubt, novel, unreviewed, event } = filters;
  return !event && (!label || image.label === label || image.word?.label === label) &&
    (!group || image.node === group || image.node.startsWith(`${group}.`)) && (!camera || image.camera === camera) &&
    (!doubt || isDoubtful(image)) && (!novel || image.novel) && (!unreviewed || !image.word);
}
