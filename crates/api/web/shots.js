// The best so far: a box for each rank, which never moves, and the pictures that
// move between the boxes. What lives here: when which picture is asked for.

import { clock, score } from "./words.js";

/** More boxes than these are made smaller. */
const FEW = 12;
/** Boxes shown; further winners are in the gallery. */
const MOST = 27;
// A frame's picture is made when it has been a winner for 1.4 s, and an answer is
// held until then; but many a frame is overtaken at once.
const RIPE = 400;
const AGAIN = 700;
const TRIES = 5;
// A browser has few connections, and held answers must not take them all.
const AT_ONCE = 2;

let flying = 0;
let timer;
const waiting = new Set();

/** Asks for the pictures that are due, those first that have waited longest. */
function pump() {
  clearTimeout(timer);
  const now = performance.now();
  const due = [...waiting].filter((shot) => shot.due <= now).sort((a, b) => a.due - b.due);
  for (const shot of due.slice(0, Math.max(0, AT_ONCE - flying))) load(shot);
  const later = [...waiting].map((shot) => shot.due).filter((at) => at > now);
  if (later.length) timer = setTimeout(pump, Math.min(...later) - now);
}

async function load(shot) {
  waiting.delete(shot);
  flying += 1;
  shot.moved = false;
  const { frame } = shot;
  const img = new Image(frame.width, frame.height);
  img.alt = `Frame at ${clock(frame.stream_time)}`;
  img.src = `${frame.thumbnail_url}?frame=${frame.index}&revision=${shot.revision}`;
  shot.flying = true;
  const loaded = await img.decode().then(
    () => true,
    () => false,
  );
  flying -= 1;
  shot.flying = false;
  if (shot.wanted) {
    // The address names a rank: if another frame took it meanwhile, this is that
    // one's picture.
    if (loaded && !shot.moved) {
      img.dataset.frame = frame.index;
      Object.assign(shot, { img, fresh: true });
      shot.arrived();
    } else if (shot.moved || (shot.tries += 1) < TRIES) {
      want(shot, shot.moved ? 0 : AGAIN);
    }
  }
  pump();
}

function want(shot, pause) {
  shot.due = performance.now() + pause;
  waiting.add(shot);
}

function forget(shot) {
  shot.wanted = false;
  waiting.delete(shot);
}

function box(rank) {
  const item = document.createElement("li");
  const link = item.appendChild(document.createElement("a"));
  const picture = link.appendChild(document.createElement("span"));
  picture.className = "picture";
  const caption = link.appendChild(document.createElement("span"));
  caption.className = "caption";
  const place = caption.appendChild(document.createElement("b"));
  place.textContent = rank;
  const points = caption.appendChild(document.createElement("span"));
  const tag = link.appendChild(document.createElement("em"));
  tag.textContent = "new";
  return { item, link, picture, points };
}

/** The boxes of one session inside `list`. */
export class Shots {
  constructor(list, limit) {
    this.boxes = Array.from({ length: Math.min(limit, MOST) }, (_, at) => box(at + 1));
    list.classList.toggle("many", this.boxes.length > FEW);
    list.replaceChildren(...this.boxes.map(({ item }) => item));
    this.shots = new Map();
    this.known = -1;
  }

  /** Shows a list of frames, best first. `over`: all pictures are there. */
  show({ items, revision }, over) {
    const first = this.shots.size === 0;
    const frames = items.slice(0, this.boxes.length);
    const kept = new Map();
    for (const frame of frames) kept.set(frame.index, this.take(frame, revision, first || over));
    for (const [index, shot] of this.shots) if (!kept.has(index)) forget(shot);
    this.shots = kept;
    // What is there at the first look, or at the end, is not new.
    if (first || over) this.known = Math.max(this.known, ...frames.map(({ index }) => index));
    this.place();
    pump();
  }

  take(frame, revision, ripe) {
    const shot = this.shots.get(frame.index);
    if (!shot) {
      const made = { frame, revision, tries: 0, wanted: true, arrived: () => this.place() };
      want(made, ripe ? 0 : RIPE);
      return made;
    }
    if (shot.frame.rank !== frame.rank) {
      shot.moved = true;
      if (shot.fresh) want(shot, 0);
    }
    return Object.assign(shot, { frame, revision, fresh: false });
  }

  /** Asks again for what could not be had while the service was out of reach. */
  again() {
    for (const shot of this.shots.values()) {
      if (shot.img || shot.flying || waiting.has(shot)) continue;
      shot.tries = 0;
      want(shot, 0);
    }
    pump();
  }

  place() {
    const shots = [...this.shots.values()];
    // An empty box would be a poor mark: the newest is the newest that is seen.
    const seen = shots.filter(({ img, frame }) => img && frame.index > this.known);
    const newest = Math.max(...seen.map(({ frame }) => frame.index));
    this.boxes.forEach(({ item, link, picture, points }, at) => {
      const shot = shots[at];
      item.classList.toggle("taken", Boolean(shot));
      if (!shot) {
        picture.replaceChildren();
        points.textContent = "";
        link.removeAttribute("href");
        delete item.dataset.frame;
        return;
      }
      const { frame, img } = shot;
      // What was here stays, dimmed, until the right picture is there.
      if (img && picture.firstChild !== img) picture.replaceChildren(img);
      item.classList.toggle("late", !img);
      item.classList.toggle("newest", frame.index === newest);
      item.dataset.frame = frame.index;
      const text = score(frame.score);
      if (points.textContent !== text) points.textContent = text;
      if (link.getAttribute("href") !== frame.original_url) link.href = frame.original_url;
    });
  }

  /** Asks for nothing more. */
  close() {
    for (const shot of this.shots.values()) forget(shot);
  }
}
