// The page at "/": joins the start form, the live cards and the galleries. Keeps
// no state of its own: what is shown is what the service last said.

import { ask } from "./ask.js";
import { History, PAGE } from "./history.js";
import { Live } from "./live.js";
import { startForm } from "./start.js";
import { OVER } from "./words.js";

const LOOK = 5000;
const history = new History();
const live = new Live((session) => history.news(session));

/** Sessions that run may be further back than the newest galleries. */
async function findRunning(next) {
  const { sessions_running: running } = await ask("GET", "/v1/health");
  while (next && live.cards.size < running) {
    const page = await ask("GET", `/v1/sessions?limit=100&before=${encodeURIComponent(next)}`);
    live.sync(page.items);
    next = page.next;
  }
}

let begun = false;
let timer;

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const page = await ask("GET", `/v1/sessions?limit=${PAGE}`);
    live.sync(page.items);
    if (begun) {
      // What is older than all that is shown belongs to a later page.
      const last = document.querySelector("#tiles > :last-child")?.dataset.session ?? "";
      for (const session of page.items) if (OVER.has(session.state) && session.id > last) history.news(session);
    } else {
      history.append(page);
      document.body.classList.add("known");
      // What the address points at was not laid out when the browser looked for it.
      if (location.hash === "#galleries") document.getElementById("galleries").scrollIntoView();
      begun = true;
      await findRunning(page.next);
    }
  } catch {
    // `ask` has said so.
  }
  timer = setTimeout(look, begun ? LOOK : 1000);
}

document.addEventListener("visibilitychange", look);
window.addEventListener("pageshow", (event) => event.persisted && look());
startForm((session) => {
  const card = live.add(session);
  card?.element.scrollIntoView({ block: "nearest" });
});
look();
