// The whole way of a session with openapi-fetch and the types that openapi-typescript
// makes. Usage: node flow.js SERVICE CAMERA USER PASSWORD

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const LIMIT = 4;
const [WIDTH, HEIGHT] = [64, 48];
const PATIENCE_MS = 30_000;

/** Tries every quarter of a second until `attempt` gives something. */
async function awaited<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const found = await attempt();
    if (found !== undefined) return found;
    await pause(250);
  }
  throw new Error(`${what} did not come within ${PATIENCE_MS} ms`);
}

/** Width and height that a PNG's header tells. */
async function pngSize(picture: Blob): Promise<[number, number]> {
  const bytes = new DataView(await picture.arrayBuffer());
  assert.equal(bytes.getUint32(0), 0x89504e47, "no PNG");
  assert.equal(bytes.getUint32(4), 0x0d0a1a0a, "no PNG");
  return [bytes.getUint32(16), bytes.getUint32(20)];
}

/** What a call answered, or an error with the problem that it answered. */
function good<T>(answer: { data?: T; error?: unknown }): T {
  assert.ok(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
}

async function main(baseUrl: string, camera: string, username: string, password: string) {
  const client = createClient<paths>({ baseUrl });
  assert.equal(good(await client.GET("/v1/health")).status, "ok");
  const known = good(await client.GET("/v1/characteristics"));
  assert.ok(known.characteristics.some((one) => one.name === "brightness"));

  const body = { rtsp_url: camera, username, password, limit: LIMIT, width: WIDTH, height: HEIGHT };
  const started = good(await client.POST("/start", { body, params: { query: { wait: 20 } } }));
  assert.equal(started.message, "Video processing started.");
  const session_id = started.session.id;
  const params = { path: { session_id } };
  const refused = await client.POST("/v1/sessions", { body });
  assert.equal(refused.response.status, 409);
  assert.equal(refused.error?.status, 409);

  await awaited("a dozen scored frames", async () => {
    const session = good(await client.GET("/v1/sessions/{session_id}", { params }));
    assert.equal(session.state, "running", session.error?.message);
    return session.stats.frames_scored >= 12 ? session : undefined;
  });
  const { best, thumbnail, original } = await awaited("two pictures", async () => {
    const frames = good(await client.GET("/v1/sessions/{session_id}/frames", { params }));
    assert.equal(frames.items.length, LIMIT);
    const first = {
      params: { path: { session_id, rank: 1 } },
      parseAs: "blob",
    } as const;
    const base = "/v1/sessions/{session_id}/frames/{rank}";
    const small = await client.GET(`${base}/thumbnail`, first);
    const large = await client.GET(`${base}/original`, first);
    // A better frame may have come before its picture was made: 404, then again.
    if (small.data === undefined || large.data === undefined) return undefined;
    return { best: frames.items[0], thumbnail: small.data, original: large.data };
  });
  assert.deepEqual(await pngSize(thumbnail), [WIDTH, HEIGHT]);
  assert.deepEqual(await pngSize(original), [best?.width, best?.height]);

  const report = good(await client.POST("/v1/sessions/{session_id}/stop", { params }));
  assert.equal(report.session.state, "stopped");
  assert.deepEqual(report.frames.map((frame) => frame.rank), [1, 2, 3, 4]);
  const scores = report.frames.map((frame) => frame.score);
  assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
  const named = { params: { query: { session: session_id } } };
  const page = good(await client.GET("/stop", { ...named, parseAs: "text" }));
  assert.ok(page.includes("<img"));
  const archive = good(
    await client.GET("/v1/sessions/{session_id}/archive", { params, parseAs: "blob" }),
  );
  assert.equal(await archive.slice(0, 2).text(), "PK");
  const listed = good(await client.GET("/v1/sessions", { params: { query: { limit: 1 } } }));
  assert.deepEqual(listed.items.map((one) => one.id), [session_id]);

  const gone = await client.DELETE("/v1/sessions/{session_id}", { params });
  assert.equal(gone.response.status, 204);
  const absent = await client.GET("/v1/sessions/{session_id}", { params });
  assert.equal(absent.response.status, 404);
  assert.equal(absent.error?.title, "Not Found");
  const scored = report.session.stats.frames_scored;
  console.log(`${report.frames.length} of ${scored} frames, then deleted`);
}

const [, , service, camera, user, password] = process.argv;
assert.ok(service && camera && user && password, "usage: flow SERVICE CAMERA USER PASSWORD");
await main(service, camera, user, password);
