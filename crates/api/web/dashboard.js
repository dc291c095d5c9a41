// The page at "/": the start form, and the list of sessions, which asks the
// service again every second while something runs. No state of its own: what
// is shown is what the service last said.

const $ = (id) => document.getElementById(id);

const STATES = {
  connecting: "Connecting to the camera…",
  running: "Running",
  reconnecting: "The camera was lost; trying again…",
  stopping: "Saving the pictures…",
  stopped: "Stopped",
  ended: "Ended by itself",
  failed: "Failed",
};
const OVER = new Set(["stopped", "ended", "failed"]);
const PAGE = 20;

/** Asks the service; a problem becomes an Error that carries its fields. */
async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
  } catch {
    throw new Error("The service does not answer.");
  }
  const data = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) {
    const error = new Error(data?.detail ?? `The service answered ${response.status}.`);
    error.fields = data?.errors ?? [];
    throw error;
  }
  return data;
}

// --- start ---------------------------------------------------------------

const form = $("start");

function showFault(name, message) {
  const input = form.elements.namedItem(name);
  const place = $(`${name}-error`);
  if (!input || !place) return false;
  place.textContent = message;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", place.id);
  input.closest("details")?.setAttribute("open", "");
  return true;
}

function clearFaults() {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const input of form.elements) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
}

/** The filled-in fields, numbers as numbers. What is no number goes as it is,
 *  so that the service names the fault. */
function readForm() {
  const body = {};
  for (const [name, text] of new FormData(form)) {
    if (text === "") continue;
    const number = form.elements.namedItem(name).type === "number" ? Number(text) : NaN;
    body[name] = Number.isNaN(number) ? text : number;
  }
  return body;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearFaults();
  const button = form.querySelector("button");
  button.disabled = true;
  $("start-status").textContent = "Starting…";
  try {
    const reply = await ask("POST", "/start", readForm());
    $("start-status").textContent = reply.message;
    form.elements.namedItem("password").value = "";
  } catch (error) {
    const unplaced = (error.fields ?? []).filter((f) => !showFault(f.field, f.message));
    const placed = (error.fields ?? []).length > unplaced.length;
    $("start-status").textContent = placed && !unplaced.length ? "" : error.message;
    form.querySelector("[aria-invalid]")?.focus();
  } finally {
    button.disabled = false;
    refresh();
  }
});

// --- sessions ------------------------------------------------------------

const cards = new Map();
let older = [];
let next;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function facts(session) {
  const { stream, stats } = session;
  const parts = [];
  if (stream) {
    parts.push(`${stream.codec}, ${stream.width}×${stream.height}`);
    if (stream.transport) parts.push(stream.transport.toUpperCase());
  }
  parts.push(`${stats.frames_scored.toLocaleString()} frames scored`);
  if (session.state === "running") parts.push(`${stats.fps.toFixed(1)} a second`);
  if (stats.frames_dropped) parts.push(`${stats.frames_dropped.toLocaleString()} dropped`);
  parts.push(`best by ${session.options.best}`);
  parts.push(new Date(session.started_at).toLocaleString());
  return parts.join(" · ");
}

function newCard(session) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  const base = `/v1/sessions/${encodeURIComponent(session.id)}`;
  const act = (selector, method, path) =>
    card.querySelector(selector).addEventListener("click", async (event) => {
      if (method === "DELETE" && !confirm("Delete this session and its pictures?")) return;
      event.target.disabled = true;
      try {
        await ask(method, path);
        older = older.filter((item) => method !== "DELETE" || item.id !== session.id);
      } catch (error) {
        setText($("connection"), error.message);
      }
      event.target.disabled = false;
      refresh();
    });
  act(".stop", "POST", `${base}/stop`);
  act(".delete", "DELETE", base);
  card.querySelector(".gallery").href = `${base}/gallery`;
  card.querySelector(".frames").href = `${base}/frames`;
  return { card, base, seen: "", frames: new Map() };
}

function showSession(session) {
  if (!cards.has(session.id)) cards.set(session.id, newCard(session));
  const entry = cards.get(session.id);
  const { card } = entry;
  const part = (selector) => card.querySelector(selector);
  const over = OVER.has(session.state);
  card.dataset.state = session.state;
  setText(part(".camera"), session.rtsp_url);
  setText(part(".state"), STATES[session.state]);
  setText(part(".facts"), facts(session));
  setText(part(".reason"), session.error?.message ?? "");
  part(".reason").hidden = !session.error;
  part(".stop").hidden = over;
  part(".stop").disabled ||= session.state === "stopping";
  part(".delete").hidden = !over;
  part(".gallery").hidden = !over || !entry.winners;
  const version = `${session.state} ${session.stats.frames_scored}`;
  if (entry.seen !== version) {
    entry.seen = version;
    showFrames(entry, over);
  }
  return card;
}

/** Fills in the best so far. One list item a frame, known by its index: where a
 *  frame only changes its rank, its item moves and its picture stays. */
async function showFrames(entry, over) {
  let frames;
  try {
    frames = (await ask("GET", `${entry.base}/frames`)).items;
  } catch {
    return; // Deleted meanwhile, or the service is gone: the list tells.
  }
  entry.card.querySelector(".gallery").hidden = !over || !frames.length;
  entry.winners = frames.length;
  const list = entry.card.querySelector(".best");
  const items = frames.map((frame) => {
    const item = entry.frames.get(frame.index) ?? newFrame(entry);
    const [link, img] = [item.firstElementChild, item.querySelector("img")];
    setText(item.querySelector("span"), frame.score.toFixed(4));
    link.href = frame.original_url;
    // A picture is written about a second after its frame won, so it is asked
    // for when the frame is seen a second time.
    if (!img.src && (over || entry.frames.has(frame.index))) {
      img.alt = `Rank ${frame.rank}, score ${frame.score.toFixed(4)}`;
      img.src = `${frame.thumbnail_url}?frame=${frame.index}`;
    }
    if (!img.src) entry.seen = "";
    return [frame.index, item];
  });
  entry.frames = new Map(items);
  list.replaceChildren(...entry.frames.values());
}

function newFrame(entry) {
  const item = document.createElement("li");
  const link = item.appendChild(document.createElement("a"));
  const img = link.appendChild(document.createElement("img"));
  link.append(document.createElement("span"));
  img.alt = "";
  img.addEventListener("error", () => {
    // Another frame took the rank meanwhile, or it was lost: look again.
    img.removeAttribute("src");
    entry.seen = "";
  });
  return item;
}

function showSessions(items) {
  const list = $("sessions");
  const wanted = items.map(showSession);
  for (const [id, { card }] of cards) {
    if (!wanted.includes(card)) {
      card.remove();
      cards.delete(id);
    }
  }
  wanted.forEach((card, at) => {
    if (list.children[at] !== card) list.insertBefore(card, list.children[at] ?? null);
  });
  $("empty").hidden = items.length > 0;
}

let timer;

async function refresh() {
  clearTimeout(timer);
  let pause = 3000;
  try {
    const page = await ask("GET", `/v1/sessions?limit=${PAGE}`);
    const fresh = new Set(page.items.map((session) => session.id));
    if (!older.length) next = page.next;
    $("older").hidden = !next;
    const items = [...page.items, ...older.filter((session) => !fresh.has(session.id))];
    showSessions(items);
    setText($("connection"), "");
    if (items.some((session) => !OVER.has(session.state))) pause = 1000;
  } catch (error) {
    setText($("connection"), error.message);
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

$("older").addEventListener("click", async () => {
  const page = await ask("GET", `/v1/sessions?limit=${PAGE}&before=${encodeURIComponent(next)}`);
  older = [...older, ...page.items];
  next = page.next;
  refresh();
});

refresh();
