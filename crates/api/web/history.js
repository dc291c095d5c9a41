// All past galleries, newest first: searched by camera and day, shown a page at a
// time, each with its best picture.

import { ask, home } from "./ask.js";
import { OVER, bestTitle, camera, failure, moment, plain, whole } from "./words.js";

const $ = (id) => document.getElementById(id);
export const PAGE = 24;
const PAUSE = 250;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text) made.textContent = text;
  return made;
}

function tile(session) {
  const item = element("li", "tile");
  item.dataset.session = session.id;
  const body = element("a", "");
  body.href = `${home(session.id)}/gallery`;
  const picture = element("span", "picture");
  const img = new Image(session.options.width, session.options.height);
  Object.assign(img, { loading: "lazy", decoding: "async", alt: "" });
  img.src = `${home(session.id)}/frames/1/thumbnail`;
  picture.append(img);
  const time = element("time", "", moment(session.started_at));
  time.dateTime = session.started_at;
  body.append(picture, element("strong", "", bestTitle(session.options.best)), element("span", "where", camera(session.rtsp_url)), time);
  const note = session.state === "failed" ? failure(session.error) : `${whole(session.stats.frames_scored)} frames scored`;
  body.append(element("span", session.state === "failed" ? "note bad" : "note", note));
  item.append(body);
  return item;
}

export class History {
  constructor() {
    this.shown = new Set();
    this.turn = 0;
    const form = $("search");
    let timer;
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const kind of ["input", "reset"]) {
      form.addEventListener(kind, () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.search(), kind === "reset" ? 0 : PAUSE);
      });
    }
    $("older").addEventListener("click", () => this.more(true));
    new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.more(false),
      { rootMargin: "600px" },
    ).observe($("older"));
  }

  get filter() {
    return { camera: $("camera").value.trim(), day: $("day").value };
  }

  /** Whether a session left a gallery, and it is among those that are looked for.
   *  Days are those of UTC, in which galleries tell their times. */
  fits(session) {
    const { camera: text, day } = this.filter;
    const named = session.rtsp_url.toLowerCase().includes(text.toLowerCase());
    const saved = OVER.has(session.state) && session.stats.frames_scored > 0;
    return saved && named && session.started_at.startsWith(day);
  }

  async search() {
    const turn = (this.turn += 1);
    const page = await this.page(undefined).catch(() => undefined);
    if (!page || turn !== this.turn) return;
    this.shown.clear();
    $("tiles").replaceChildren();
    this.append(page);
  }

  page(before) {
    const { camera: text, day } = this.filter;
    const query = new URLSearchParams({ limit: PAGE });
    if (text) query.set("camera", text);
    if (day) query.set("day", day);
    if (before) query.set("before", before);
    return ask("GET", `/v1/sessions?${query}`);
  }

  /** Shows a page of the list behind what is shown. */
  append(page) {
    const fresh = page.items.filter((session) => this.fits(session) && !this.shown.has(session.id));
    for (const session of fresh) this.shown.add(session.id);
    $("tiles").append(...fresh.map(tile));
    this.next = page.next;
    $("older").hidden = !this.next;
    this.count();
    // A page of none that fit is no answer yet.
    if (this.next && !fresh.length) this.more(false);
    return fresh.length;
  }

  count() {
    const { camera: text, day } = this.filter;
    const number = this.shown.size;
    const what = `${whole(number)} ${plain(number === 1 ? "gallery" : "galleries")}`;
    const none = text || day ? "Nothing fits." : "Nothing was saved yet.";
    $("found").textContent = number ? `${what}${this.next ? " shown; there are more." : ""}` : this.next ? "" : none;
  }

  /** The next page. `focus`: a person asked for it and goes on there. */
  async more(focus) {
    if (!this.next || this.loading) return;
    const turn = this.turn;
    this.loading = true;
    const page = await this.page(this.next).catch(() => undefined);
    this.loading = false;
    if (!page || turn !== this.turn) return;
    const at = $("tiles").children.length;
    this.append(page);
    if (focus) $("tiles").children[at]?.querySelector("a")?.focus();
  }

  /** Shows a session that has just ended, or was not known, in front. */
  news(session) {
    if (this.shown.has(session.id) || !this.fits(session)) return;
    this.shown.add(session.id);
    const before = [...$("tiles").children].find((other) => other.dataset.session < session.id);
    $("tiles").insertBefore(tile(session), before ?? null);
    this.count();
  }
}
