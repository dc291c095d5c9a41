// The cards of the sessions that run, newest first. One that ends keeps its card
// until it is dismissed or the page is left.

import { Card } from "./card.js";
import { OVER } from "./words.js";

const $ = (id) => document.getElementById(id);
const PLOT = 2000;

export class Live {
  /** `closed(session)` is told when one of them is over. */
  constructor(closed) {
    this.cards = new Map();
    this.closed = closed;
    this.dismissed = new Set();
    setInterval(() => this.plot(), PLOT);
    document.addEventListener("reachable", () => {
      for (const card of this.cards.values()) card.shots.again();
    });
  }

  /** Shows a session that runs, or that has just been started. */
  add(session) {
    if (this.cards.has(session.id) || this.dismissed.has(session.id)) return this.cards.get(session.id);
    const card = new Card(session, (news) => this.closed(news));
    this.cards.set(session.id, card);
    card.removed = () => {
      this.cards.delete(session.id);
      this.dismissed.add(session.id);
      this.blank();
    };
    const before = [...$("cards").children].find((other) => other.dataset.session < session.id);
    $("cards").insertBefore(card.element, before ?? null);
    this.blank();
    return card;
  }

  /** Shows those of a page of sessions that run. */
  sync(items) {
    for (const session of items) if (!OVER.has(session.state)) this.add(session);
    this.blank();
  }

  blank() {
    $("none-live").hidden = this.cards.size > 0;
  }

  plot() {
    if (document.hidden) return;
    for (const card of this.cards.values()) if (!card.over) card.plot();
  }
}
