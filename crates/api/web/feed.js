// News of one session. What lives here: its event stream, and asking again and
// again where there is none. What does not: what is made of the news.

import { ask, home, reachable } from "./ask.js";
import { OVER } from "./words.js";

// A browser has six connections for one service, shared by all its windows: the
// rest is for pictures, and for the Stop button.
const STREAMS = 2;
const PAUSE = 1000;

let streams = 0;

/**
 * Tells of a session until it is over: `status(session)`, `winners(frameList)`,
 * `end(session)`, or `gone()` once it does not exist. A window that nobody sees
 * asks for nothing. Gives a function that ends it.
 */
export function follow(id, tell) {
  let source;
  let timer;
  let over = false;
  let refused = false;
  let scored = -1;

  function rest() {
    clearTimeout(timer);
    if (source) {
      source.close();
      source = undefined;
      streams -= 1;
    }
  }

  function close() {
    over = true;
    rest();
    document.removeEventListener("visibilitychange", wake);
  }

  function wake() {
    rest();
    if (over || document.hidden) return;
    if (!refused && streams < STREAMS) listen();
    else poll();
  }

  function listen() {
    streams += 1;
    const stream = new EventSource(new URL(`${home(id)}/events`, location.origin));
    source = stream;
    const on = (name, act) =>
      stream.addEventListener(name, (event) => {
        if (source === stream) act(JSON.parse(event.data));
      });
    on("status", tell.status);
    on("winners", tell.winners);
    on("end", (session) => {
      close();
      finish(session);
    });
    stream.addEventListener("open", () => reachable(true));
    stream.addEventListener("error", () => {
      if (source !== stream) return;
      // It opens again by itself, unless the service refused it.
      if (stream.readyState !== EventSource.CLOSED) return reachable(false);
      refused = true;
      wake();
    });
  }

  /** What the stream may not have told before its end. */
  async function finish(session) {
    tell.winners(await ask("GET", `${home(id)}/frames`).catch(() => undefined));
    tell.end(session);
  }

  async function poll() {
    try {
      const session = await ask("GET", home(id));
      if (over) return;
      if (OVER.has(session.state)) {
        close();
        return await finish(session);
      }
      tell.status(session);
      if (session.stats.frames_scored !== scored) {
        scored = session.stats.frames_scored;
        const frames = await ask("GET", `${home(id)}/frames`);
        if (!over) tell.winners(frames);
      }
    } catch (error) {
      if (error.status === 404) {
        close();
        return tell.gone();
      }
    }
    clearTimeout(timer);
    if (!over && !document.hidden) timer = setTimeout(poll, PAUSE);
  }

  document.addEventListener("visibilitychange", wake);
  wake();
  return close;
}
