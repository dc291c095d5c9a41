// What the page says: states, failures, characteristics, numbers and times in the
// words of a camera's owner. Pure: no element is touched here.

export const OVER = new Set(["stopped", "ended", "failed"]);

export const STATES = {
  connecting: ["Connecting", "The camera is being reached."],
  running: ["Running", "Every frame is scored; the best are kept."],
  reconnecting: ["Reconnecting", "The camera was lost. It is tried again until it is back; the best so far are kept."],
  stopping: ["Saving", "The pictures are being written."],
  stopped: ["Stopped", "The gallery is saved."],
  ended: ["Ended", "The stream ended by itself. The gallery is saved."],
  failed: ["Failed", "It could not go on."],
};

const FAILURES = {
  unreachable: "The camera cannot be reached",
  refused: "Nothing answers at the camera’s port",
  dns: "The camera’s name is not known",
  timeout: "The camera does not answer",
  unauthorized: "The camera refused the password",
  not_found: "The camera has no such stream",
  redirected: "The camera points to another address",
  no_video: "The camera sends no video",
  unsupported: "The camera’s video cannot be decoded",
  no_keyframe: "No whole picture has come yet",
  stalled: "The camera has gone silent",
  corrupt: "The pictures arrive damaged",
  limit: "The camera asks for more than is allowed",
  crashed: "Reading this camera broke down",
  internal: "Something went wrong inside bestshot",
};

/** Why a session failed, in a few words. */
export const failure = (error) => FAILURES[error?.kind] ?? "It failed";

/** What exactly went wrong, as the service tells it. The card names the camera. */
export function detail(error) {
  const text = (error?.message ?? "").replace(/^rtsps?:\/\/\S+: /, "");
  return text && sentence(text.replaceAll(/rtsps?:\/\/\S+/g, "the camera"));
}

/** What the state of a session means, in a sentence or two. */
export function meaning(session) {
  const [, usual] = STATES[session.state] ?? ["", ""];
  const { error, warning } = session;
  let text = usual;
  if (error) {
    const parts = [session.state === "failed" ? `${failure(error)}.` : "", detail(error)];
    text = parts.filter(Boolean).join(" ") || `${failure(error)}.`;
  } else if (warning) {
    text = sentence(warning);
  } else if (OVER.has(session.state) && !session.stats.frames_scored) {
    text = "It ended before a frame could be scored.";
  }
  if (session.state === "reconnecting" && session.next_try_at) {
    const seconds = Math.round((Date.parse(session.next_try_at) - Date.now()) / 1000);
    text += seconds > 0 ? ` Next try in ${seconds} s.` : " Trying now.";
  }
  return text;
}

function sentence(text) {
  const end = /[.!?…]$/.test(text) ? "" : ".";
  return text.slice(0, 1).toUpperCase() + text.slice(1) + end;
}

const ADJECTIVES = {
  brightness: "brightest",
  darkness: "darkest",
  sharpness: "sharpest",
  contrast: "highest-contrast",
  colorfulness: "most colourful",
  entropy: "most detailed",
  motion: "liveliest",
  stillness: "stillest",
  exposure: "best-exposed",
};

/** "the brightest" for the list, where there is such a word. */
export const choice = (name) => (ADJECTIVES[name] ? `the ${ADJECTIVES[name]}` : plain(name));

/** "overall" of `overall`, "face and shoulders" of `face_and_shoulders`. */
export const plain = (name) => name.replaceAll(/[_-]/g, " ");

/** "Brightest", "Sharpness 0.7, brightness 0.3", "Overall". */
export function bestTitle(best) {
  const text = ADJECTIVES[best] ?? plain(best).replaceAll(":", " ").replaceAll(/,\s*/g, ", ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

const CODECS = { h264: "H.264", hevc: "H.265", mjpeg: "MJPEG", mpeg4: "MPEG-4" };

export const codec = (name) => CODECS[name] ?? name;

export const whole = (number) => number.toLocaleString("en");

export const score = (number) => number.toFixed(4);

/** Seconds as `m:ss`, with hours in front where there are any. */
export function clock(seconds) {
  const all = Math.max(0, Math.floor(seconds || 0));
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** "2026-11-24 04:05 UTC", as the galleries say it. */
export const moment = (time) => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;

/** The camera without what all have in common. */
export const camera = (url) => url.replace(/^rtsps?:\/\//, "");

/** Frames rejected: how many, and each reason that occurred. */
export function rejected({ frames_rejected: r, frames_dropped: dropped }) {
  const reasons = [
    [r.corrupt, "damaged"],
    [r.before_keyframe, "before a keyframe"],
    [r.warmup, "settling"],
  ];
  const parts = reasons.filter(([n]) => n).map(([n, why]) => `${whole(n)} ${why}`);
  if (dropped) parts.push(`${whole(dropped)} more skipped`);
  return [whole(r.corrupt + r.before_keyframe + r.warmup), parts.join(", ")];
}
