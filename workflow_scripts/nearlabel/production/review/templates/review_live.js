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
    clearTimeout(this.again);
    this.source?.close();
    const source = new EventSource(`/changes?since=${this.since}`);
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
      this.state(false);
      if (source.readyState === EventSource.CLOSED && source === this.source) {
        this.again = setTimeout(() => this.listen(this.since), 5000);
      }
    });
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
