// The start form: reads the fields, sends them, and puts each fault beside the
// field that it belongs to.

import { ask } from "./ask.js";
import { bestText, prepare } from "./best.js";

const $ = (id) => document.getElementById(id);
const form = $("start");
const status = $("start-status");

function fault(name, message) {
  const input = form.elements.namedItem(name);
  const place = $(`${name}-error`);
  if (!input || !place) return false;
  // The service names a field as programs do; here it has a label.
  const label = form.querySelector(`label[for="${name}"]`)?.firstChild.textContent.trim() ?? name;
  place.textContent = message.startsWith(`${name} `) ? label + message.slice(name.length) : message;
  input.setAttribute("aria-invalid", "true");
  describe(input, place.id, true);
  input.closest("details")?.setAttribute("open", "");
  return true;
}

function describe(input, id, yes) {
  const ids = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  if (yes) ids.add(id);
  else ids.delete(id);
  if (ids.size) input.setAttribute("aria-describedby", [...ids].join(" "));
  else input.removeAttribute("aria-describedby");
}

function clear(input) {
  const place = input.name && $(`${input.name}-error`);
  if (!place) return;
  place.textContent = "";
  input.removeAttribute("aria-invalid");
  describe(input, place.id, false);
}

/** What was filled in, numbers as numbers. What is no number goes as it is, so
 *  that the service names the fault; what the service would assume anyway stays
 *  away. */
function read() {
  const body = {};
  for (const input of form.elements) {
    if (!input.name || input.value === "" || (input.type === "checkbox" && !input.checked)) continue;
    const usual = ["distinct", "min_gap"].includes(input.name) && Number(input.value) === 0;
    if (usual) continue;
    const number = ["number", "range"].includes(input.type) ? Number(input.value) : NaN;
    body[input.name] = input.type === "checkbox" || (Number.isNaN(number) ? input.value : number);
  }
  body.best = bestText();
  return body;
}

/** Faults that need no service to be seen. */
function obvious(body) {
  const faults = [];
  if (!body.rtsp_url) faults.push(["rtsp_url", "Write the camera’s address; it begins with rtsp://."]);
  if (!body.best) faults.push(["best", "Move at least one slider."]);
  for (const input of form.elements) {
    // What is no number at all reads as empty.
    if (input.name && input.validity?.badInput) faults.push([input.name, "This is not a number."]);
  }
  return faults;
}

/** Makes the form work; `started` is given each session that it starts. */
export function startForm(started) {
  // Faults are told beside their fields from now on; the browser told them so far.
  form.noValidate = true;
  prepare();
  $("distinct").addEventListener("input", (event) => {
    $("distinct-value").textContent = String(Number(event.target.value));
  });
  form.addEventListener("input", ({ target }) => clear(target.closest("#weights") ? $("best") : target));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const input of form.elements) clear(input);
    const body = read();
    const faults = obvious(body);
    if (faults.length) {
      for (const [name, message] of faults) fault(name, message);
      status.textContent = "";
      form.querySelector("[aria-invalid]").focus();
      return;
    }
    const button = form.querySelector("button");
    button.disabled = true;
    status.textContent = "Starting…";
    try {
      const reply = await ask("POST", "/start", body);
      status.textContent = reply.message.includes("already") ? "This camera is being read already." : "Started.";
      form.elements.namedItem("password").value = "";
      started(reply.session);
    } catch (error) {
      const unplaced = error.fields.filter((f) => !fault(f.field, f.message));
      const placed = error.fields.length > unplaced.length;
      status.textContent = placed && !unplaced.length ? "" : [error.message, ...unplaced.map((f) => f.message)].join(" ");
      form.querySelector("[aria-invalid]")?.focus();
    } finally {
      button.disabled = false;
    }
  });
}
