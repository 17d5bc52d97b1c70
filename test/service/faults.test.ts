/** What clients, signals and dying workers do to the service. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect as openSocket, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunningService } from "../../src/apps/service/serve.ts";
import { connect, type ServiceError } from "../../src/client.ts";
import { started, temporaryFolder, writeTinyModel } from "../cli/running.ts";
import { metric, photo, startService, until } from "./running-service.ts";

const REQUESTS = 4;
const SECONDS = 4;
const folder = temporaryFolder();
const model = join(folder, "model");
let service: RunningService;

before(async () => {
  await writeTinyModel(model);
  service = await startService({
    models: [{ name: "light", path: join(folder, "ended") }],
    limits: { requests: REQUESTS, seconds: SECONDS, bytes: 2 ** 20 },
    module: new URL("./failing-worker.ts", import.meta.url),
  });
});
after(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

const detect = (name: string, signal?: AbortSignal) =>
  connect(service.url).detect({ image: photo, classes: [name] }, signal ? { signal } : {});
const errorOf = (asked: Promise<unknown>) =>
  asked.then(
    () => assert.fail("it was answered"),
    (error: ServiceError) => error,
  );
const active = () => metric(service.url, "groundling_active_requests");
const noneActive = () => until(async () => (await active()) === 0);

/** An upload that has sent its head and a part of its body; `answer` is what comes back until the connection ends. */
async function upload(url: string, { length = photo.length, sent = 1000 } = {}) {
  const { hostname, port } = new URL(url);
  const socket = openSocket(Number(port), hostname);
  socket.on("error", () => {});
  let text = "";
  socket.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const answer = new Promise<string>((resolve) => socket.once("close", () => resolve(text)));
  socket.write(
    `POST /v1/detect?classes=cat HTTP/1.1\r\nHost: here\r\nContent-Type: image/jpeg\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`,
  );
  socket.write(photo.subarray(0, sent));
  return { socket, answer };
}

test("a client that leaves during its upload, or while it waits, frees its place, and the next is answered", async () => {
  const left = await metric(service.url, "groundling_clients_left_total");
  const { socket } = await upload(service.url);
  await until(async () => (await active()) === 1);
  socket.destroy();
  await noneActive();
  const leaving = new AbortController();
  const [busy, waiting] = [detect("wait"), errorOf(detect("cat", leaving.signal))];
  await until(async () => (await metric(service.url, 'groundling_waiting_tasks{model="light"}')) === 1);
  leaving.abort();
  assert.equal((await waiting).name, "AbortError");
  await until(async () => (await metric(service.url, 'groundling_waiting_tasks{model="light"}')) === 0);
  assert.equal((await errorOf(busy)).status, 503);
  assert.equal(await metric(service.url, "groundling_clients_left_total"), left + 2);
  assert.equal((await detect("cat")).width, 451);
});

test("a full service refuses quickly and says when to try again", async () => {
  const uploads = await Promise.all(Array.from({ length: REQUESTS }, () => upload(service.url)));
  await until(async () => (await active()) === REQUESTS);
  const { status, retryAfter } = await errorOf(detect("cat"));
  assert.equal(status, 429);
  assert.ok(retryAfter! >= 1);
  assert.equal((await fetch(new URL("/readyz", service.url))).status, 200);
  for (const { socket } of uploads) socket.write(photo.subarray(1000));
  for (const { answer } of uploads) assert.match(await answer, /^HTTP\/1.1 200 /);
  assert.equal((await detect("cat")).width, 451);
});

test("heads and bodies that arrive too slowly are ended", async () => {
  const slowly = async (socket: Socket, text: string) => {
    for (let i = 0; !socket.destroyed; i = (i + 1) % text.length) {
      socket.write(text[i]!);
      await sleep(100);
    }
  };
  const { hostname, port } = new URL(service.url);
  const head = openSocket(Number(port), hostname).on("error", () => {});
  head.resume();
  const body = await upload(service.url);
  const start = performance.now();
  await Promise.all([
    slowly(head, "POST / HTTP/1.1\r\nX: "),
    slowly(body.socket, "x"),
    once(head, "close"),
    body.answer,
  ]);
  assert.ok(performance.now() - start < 3 * SECONDS * 1000);
  assert.match(await body.answer, /^(HTTP\/1.1 408 |$)/);
  await noneActive();
});

test("a body of 1 GB is refused by its head", async () => {
  const { socket, answer } = await upload(service.url, { length: 2 ** 30 });
  for (let sent = 0; !socket.destroyed && sent < 2 ** 26; sent += photo.length)
    if (!socket.write(photo)) await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
  assert.ok(socket.bytesWritten < 2 ** 26, String(socket.bytesWritten));
  assert.match(await answer, /^(HTTP\/1.1 413 |$)/);
  await noneActive();
});

test("a request that takes too long is answered with 503, and the event loop is free in the meantime", async () => {
  const waiting = errorOf(detect("wait"));
  await until(async () => (await active()) === 1);
  const start = performance.now();
  assert.equal((await fetch(new URL("/healthz", service.url))).status, 200);
  assert.ok(performance.now() - start < 1000);
  const { status, message, retryAfter } = await waiting;
  assert.deepEqual([status, retryAfter], [503, 1]);
  assert.match(message, /no answer within 4 seconds/);
});

test("a worker that ends is replaced: its request is tried once more, then answered with 503, and the next one works", async () => {
  const patient = await startService({
    models: [{ name: "light", path: join(folder, "ended") }],
    module: new URL("./failing-worker.ts", import.meta.url),
  });
  try {
    const client = connect(patient.url);
    const ask = (name: string) => client.detect({ image: photo, classes: [name] });
    // The second and the third wait, and are taken together by a worker that ends.
    const answers = await Promise.all([ask("wait"), ask("end once"), ask("cat")]);
    assert.deepEqual(
      answers.map(({ width }) => width),
      [451, 451, 451],
    );
    assert.equal(await metric(patient.url, 'groundling_workers_ended_total{model="light"}'), 1);
    assert.equal((await errorOf(ask("end always"))).status, 503);
    assert.equal((await ask("cat")).width, 451);
    assert.equal(await metric(patient.url, 'groundling_workers_ended_total{model="light"}'), 3);
  } finally {
    await patient.close();
  }
});

test("after SIGTERM every accepted request is answered, no other is accepted, and the exit code is 0", async () => {
  const words = ["serve", "--model", `tiny=${model}`, "--port", "0", "--workers", "1"];
  const { child, ran, ended } = started(words);
  await until(() => /listening on (\S+);/.test(ran.stderr) || child.exitCode !== null);
  const url = /listening on (\S+);/.exec(ran.stderr)![1]!;
  const uploads = await Promise.all(Array.from({ length: 8 }, () => upload(url)));
  const whole = await Promise.all(Array.from({ length: 8 }, () => upload(url, { sent: photo.length })));
  const answered = () =>
    metric(url, 'groundling_request_seconds_count{route="/v1/detect",status="200"}').catch(() => 0);
  await until(async () => (await answered()) + (await metric(url, "groundling_active_requests")) === 16);
  child.kill("SIGTERM");
  await until(() =>
    fetch(new URL("/healthz", url)).then(
      () => false,
      () => true,
    ),
  );
  for (const { socket } of uploads) socket.write(photo.subarray(1000));
  for (const { answer } of [...uploads, ...whole]) assert.match(await answer, /^HTTP\/1.1 200 [\s\S]*"width":451/);
  assert.equal((await ended).code, 0);
  const lines = ran.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(lines.filter(({ msg, status }) => msg === "answered" && status === 200).length >= 16, true);
});
