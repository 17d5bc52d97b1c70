import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { InputError, WeightsError } from "../errors.ts";
import { fetchFile } from "./fetch.ts";
import { fetchModel, zooPath } from "./zoo.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
const sha256 = createHash("sha256").update(bytes).digest("hex");
const folder = mkdtempSync(join(tmpdir(), "fetch-"));
const file = join(folder, "model.pth");
let answers: Answer[] = [];
let asked: string[] = [];
let waits: number[] = [];
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}${request.headers.range ? ` ${request.headers.range}` : ""}`);
  (request.method === "GET" ? (answers.shift() ?? whole) : head)(request, response);
});
let address = "";
const wait = async (milliseconds: number) => {
  waits.push(milliseconds);
};

const head: Answer = (_, response) => void response.writeHead(200, { "content-length": bytes.length }).end();
const whole: Answer = ({ headers }, response) => {
  const from = Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0);
  const rest = bytes.subarray(from);
  const range = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(from ? 206 : 200, { "content-length": rest.length, ...(from ? range : {}) }).end(rest);
};
const breakingOff: Answer = (_, response) => {
  response.writeHead(200, { "content-length": bytes.length });
  response.write(bytes.subarray(0, 100_000), () => setImmediate(() => response.destroy()));
};
const refusing =
  (status: number, headers = {}): Answer =>
  (_, response) =>
    void response.writeHead(status, headers).end();

before(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  [answers, asked, waits] = [[], [], []];
  rmSync(file, { force: true });
  rmSync(`${file}.part`, { force: true });
});

test("a file is fetched, told of as it comes, and leaves no part behind", async () => {
  const told: [number, number | undefined][] = [];
  await fetchFile(`${address}/m`, file, { sha256, progress: (...at) => told.push(at) });
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(told.at(-1), [bytes.length, bytes.length]);
  assert.ok(!existsSync(`${file}.part`));
});

test("a fetch that breaks off goes on where it was", async () => {
  answers = [breakingOff];
  await fetchFile(`${address}/m`, file, { sha256, wait });
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(waits, [1000]);
  assert.match(asked.at(-1)!, /^GET \/m bytes=\d+-$/);
});

test("a later call goes on with what an earlier one left", async () => {
  writeFileSync(`${file}.part`, bytes.subarray(0, 200_000));
  await fetchFile(`${address}/m`, file, { sha256 });
  assert.deepEqual(asked, ["HEAD /m", "GET /m bytes=200000-"]);
  assert.deepEqual(readFileSync(file), bytes);
});

test("a server that cannot go on in the middle is read from the start", async () => {
  writeFileSync(`${file}.part`, bytes.subarray(0, 200_000));
  answers = [(_, response) => void response.writeHead(200, { "content-length": bytes.length }).end(bytes)];
  await fetchFile(`${address}/m`, file, { sha256 });
  assert.deepEqual(readFileSync(file), bytes);
});

test("wrong bytes are thrown away and reported with both checksums", async () => {
  answers = [(_, response) => void response.writeHead(200, { "content-length": bytes.length }).end(bytes.toReversed())];
  await assert.rejects(fetchFile(`${address}/m`, file, { sha256 }), (error: Error) => {
    assert.ok(error instanceof WeightsError);
    assert.match(error.message, new RegExp(`/m: what came is not the published file .* where ${sha256} was due`));
    return true;
  });
  assert.ok(!existsSync(file) && !existsSync(`${file}.part`));
});

test("a file that is not there is an error at once", async () => {
  answers = [refusing(404)];
  await assert.rejects(fetchFile(`${address}/m`, file, { wait }), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /answered 404: the file is not there/);
    return true;
  });
  assert.deepEqual(waits, []);
});

test("a busy server is asked again after as long as it says", async () => {
  answers = [refusing(429, { "retry-after": "7" }), refusing(503), refusing(429, { "retry-after": "100000" })];
  await fetchFile(`${address}/m`, file, { sha256, wait });
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(waits, [7000, 2000, 120_000]);
});

test("a server that stays busy is given up", async () => {
  answers = Array.from({ length: 9 }, () => refusing(503));
  await assert.rejects(fetchFile(`${address}/m`, file, { wait }), /answered 503.*try again later/);
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
});

test("a model of the zoo is fetched once, by way of the hub's redirection and its checksum", async () => {
  const hub = createServer((request, response) => {
    assert.equal(request.url, "/GLIPModel/GLIP/resolve/main/glip_a_tiny_o365.pth");
    const linked = { "x-linked-etag": `"${sha256}"`, "x-linked-size": String(bytes.length) };
    response.writeHead(302, { location: `${address}/cdn`, ...linked }).end();
  });
  await new Promise<void>((done) => hub.listen(0, "127.0.0.1", done));
  const environment = {
    XDG_CACHE_HOME: join(folder, "cache"),
    HF_ENDPOINT: `http://127.0.0.1:${(hub.address() as AddressInfo).port}`,
  };
  try {
    await assert.rejects(
      fetchModel("glip-t-a", { environment, offline: true }),
      /not in the cache; leave out --offline/,
    );
    answers = [(_, response) => void response.writeHead(200).end(bytes.toReversed())];
    await assert.rejects(fetchModel("glip-t-a", { environment }), WeightsError);
    assert.equal(await fetchModel("glip-t-a", { environment }), zooPath("glip-t-a", environment));
    asked = [];
    assert.deepEqual(readFileSync(await fetchModel("glip-t-a", { environment, offline: true })), bytes);
    assert.deepEqual(asked, []);
  } finally {
    hub.close();
  }
});

test("a name that is not in the zoo is refused with those that are", async () => {
  await assert.rejects(fetchModel("glip-x"), /glip-x: no model of this name; there are glip-t-a, .*glip-l/);
});
