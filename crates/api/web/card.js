// The card of one session: its state and what that means, its numbers, the score
// over time and the best so far.

import { ask, home } from "./ask.js";
import { follow } from "./feed.js";
import { Shots } from "./shots.js";
import { draw } from "./spark.js";
import { OVER, STATES, bestTitle, camera, clock, codec, detail, failure, meaning, rejected, score, whole } from "./words.js";

/** Samples of the best score, where the service does not tell all scores. */
const MOST = 256;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function say(text) {
  document.getElementById("say").textContent = text;
}

export class Card {
  /** `closed(session, gone)` is told when the session is over, or is no more. */
  constructor(session, closed) {
    this.closed = closed;
    this.element = document.getElementById("card").content.firstElementChild.cloneNode(true);
    this.base = home(session.id);
    this.frames = [];
    this.seen = [];
    this.part = (selector) => this.element.querySelector(selector);
    const name = camera(session.rtsp_url);
    // A long address breaks before a part of its path.
    const breakable = name.split(/(?=\/)/).flatMap((part) => [document.createElement("wbr"), part]);
    this.part(".camera").replaceChildren(...breakable);
    this.part(".shots").setAttribute("aria-label", `Best so far of ${name}`);
    setText(this.part(".what"), bestTitle(session.options.best));
    this.shots = new Shots(this.part(".shots"), session.options.limit);
    this.part(".gallery").href = `${this.base}/gallery`;
    this.part(".stop").addEventListener("click", () => this.stop());
    this.part(".dismiss").addEventListener("click", () => this.remove());
    this.show(session);
    this.unfollow = follow(session.id, {
      status: (news) => this.show(news),
      winners: (list) => this.winners(list),
      end: (news) => this.end(news),
      gone: () => {
        this.closed(this.session, true);
        this.remove();
      },
    });
  }

  get over() {
    return OVER.has(this.session.state);
  }

  show(session) {
    // News may overtake the answer to the Stop button.
    if (this.session && this.over) return;
    if (session.state !== this.session?.state) say(`${camera(session.rtsp_url)}: ${meaning(session)}`);
    this.session = session;
    const { stats, stream } = session;
    this.element.dataset.state = session.state;
    this.element.dataset.session = session.id;
    setText(this.part(".badge"), STATES[session.state]?.[0] ?? session.state);
    this.explain(session);
    this.element.classList.toggle("troubled", Boolean(session.error ?? session.warning));
    setText(this.part(".video"), stream ? codec(stream.codec) : "–");
    const transport = stream?.transport ? ` ${stream.transport.toUpperCase()}` : "";
    setText(this.part(".format"), stream ? `${stream.width}×${stream.height}${transport}` : "");
    setText(this.part(".speed"), session.state === "running" ? `${stats.fps.toFixed(1)} fps` : "–");
    const announced = stream?.frame_rate ? `of ${Number(stream.frame_rate.toFixed(2))}` : "";
    const behind = stats.lag_ms > 1000 ? `${(stats.lag_ms / 1000).toFixed(1)} s behind` : announced;
    setText(this.part(".lag"), behind);
    setText(this.part(".scored"), whole(stats.frames_scored));
    const until = session.ended_at ? Date.parse(session.ended_at) : Date.now();
    setText(this.part(".time"), `in ${clock((until - Date.parse(session.started_at)) / 1000)}`);
    const [count, reasons] = rejected(stats);
    setText(this.part(".rejected"), count);
    setText(this.part(".reasons"), reasons);
    this.part(".stop").disabled = session.state === "stopping";
    this.part(".stop").hidden = this.over;
    this.part(".dismiss").hidden = !this.over;
  }

  /** What the state means. A failure before the first frame has the empty boxes'
   *  place for what exactly went wrong. */
  explain(session) {
    const barren = Boolean(session.error) && this.over && !session.stats.frames_scored;
    this.element.classList.toggle("barren", barren);
    this.part(".why").hidden = !barren;
    setText(this.part(".meaning"), barren ? `${failure(session.error)}.` : meaning(session));
    if (barren) setText(this.part(".why"), detail(session.error));
  }

  winners(list) {
    if (!list) return;
    this.list = list;
    this.frames = list.items;
    this.shots.show(list, this.over);
    this.part(".gallery").hidden = !this.over || !this.frames.length;
    const best = list.items[0];
    if (!best) return;
    setText(this.part(".now"), `best ${score(best.score)}`);
    const latest = Math.max(...list.items.map((frame) => frame.stream_time));
    this.seen.push({ stream_time: latest, low: best.score, mean: best.score, high: best.score });
    if (this.seen.length > MOST) this.seen.shift();
    if (!this.told) this.draw(this.seen);
  }

  /** Draws the scores that the service has of this session. */
  async plot() {
    if (this.untold || this.asking || !this.session.stats.frames_scored) return;
    this.asking = true;
    try {
      this.told = (await ask("GET", `${this.base}/scores`)).items;
      this.draw(this.told);
    } catch (error) {
      // A service that does not tell them shows how the best score grew.
      this.untold = error.status === 404;
    }
    this.asking = false;
  }

  draw(items) {
    draw(this.part(".spark svg"), items, this.frames);
    const best = this.frames[0];
    const label = best ? `Score over time; the best is ${score(best.score)}` : "Score over time";
    this.part(".spark svg").setAttribute("aria-label", label);
  }

  async stop() {
    const button = this.part(".stop");
    button.disabled = true;
    setText(button, "Saving…");
    try {
      const report = await ask("POST", `${this.base}/stop`);
      this.unfollow();
      this.winners({ items: report.frames, revision: "saved" });
      this.end(report.session);
      this.part(this.frames.length ? ".gallery" : ".dismiss").focus();
    } catch (error) {
      setText(this.part(".meaning"), error.message);
      button.disabled = false;
    }
    setText(button, "Stop");
  }

  end(session) {
    this.show(session);
    this.winners(this.list);
    this.plot();
    this.closed(session, false);
  }

  remove() {
    this.unfollow();
    this.shots.close();
    this.element.remove();
    this.removed?.();
  }
}
