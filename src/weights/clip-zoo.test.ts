import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { clipAddress, clipPath, clipZoo, fetchClip, isClipName } from "./clip-zoo.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const folder = mkdtempSync(join(tmpdir(), "clip-zoo-"));
let asked: string[] = [];
let files: Record<string, Buffer> = {};
const server = createServer(({ url = "", method }, response) => {
  asked.push(`${method} ${url}`);
  const bytes = files[url];
  if (!bytes) response.writeHead(404).end();
  else response.writeHead(200, { "content-length": bytes.length }).end(method === "HEAD" ? undefined : bytes);
});
let environment: Record<string, string> = {};
before(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  environment = { HF_ENDPOINT: address, OPENAI_CLIP_ENDPOINT: address, XDG_CACHE_HOME: folder };
});
after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function weights(): Promise<Buffer> {
  const path = join(folder, "weights.safetensors");
  await writeSafetensors(path, [{ name: "w", dtype: "F32", shape: [2], data: Float32Array.of(1, 2) }]);
  return readFileSync(path);
}

test("a folder of the hub is fetched once, with its optional files, and not requested again", async () => {
  asked = [];
  files = {
    "/some/clip/resolve/main/config.json": Buffer.from('{"model_type":"clip"}'),
    "/some/clip/resolve/main/pytorch_model.bin": await weights(),
  };
  const steps: number[] = [];
  const path = await fetchClip("some/clip", { environment, progress: (done) => steps.push(done) });
  assert.equal(path, clipPath("some/clip", environment));
  assert.deepEqual(readdirSync(path).sort(), ["config.json", "pytorch_model.bin"]);
  assert.equal(steps.at(-1), (await weights()).length);
  const before = asked.length;
  assert.equal(await fetchClip("some/clip", { environment }), path);
  assert.equal(await fetchClip("some/clip", { environment, offline: true }), path);
  assert.equal(asked.length, before);
});

test("a folder without weights and a missing folder are refused", async () => {
  files = { "/bare/clip/resolve/main/config.json": Buffer.from("{}") };
  await assert.rejects(fetchClip("bare/clip", { environment }), {
    name: "InputError",
    message: /pytorch_model\.bin.*404/,
  });
  await assert.rejects(fetchClip("no/clip", { environment }), { name: "InputError", message: /config\.json.*404/ });
});

test("a sign-in page in the place of any file of a folder never enters the cache", async () => {
  const page = Buffer.from("<html>\nSign in, please\n</html>");
  const right = {
    "config.json": Buffer.from('{"model_type":"clip"}'),
    "preprocessor_config.json": Buffer.from("{}"),
    "merges.txt": Buffer.from("#version: 0.2\ni n\n"),
    "model.safetensors": await weights(),
  };
  for (const bad of Object.keys(right)) {
    const name = `captive/${bad}`;
    files = {};
    for (const [file, bytes] of Object.entries(right))
      files[`/${name}/resolve/main/${file}`] = file === bad ? page : bytes;
    await assert.rejects(fetchClip(name, { environment }), {
      name: "WeightsError",
      message: /the download is not a model/,
    });
    assert.ok(!readdirSync(clipPath(name, environment)).some((file) => file.startsWith(bad)), bad);
    files[`/${name}/resolve/main/${bad}`] = right[bad as keyof typeof right];
    const path = await fetchClip(name, { environment });
    assert.deepEqual(readdirSync(path).sort(), Object.keys(right).sort());
  }
});

test("a small file that has no end is given up at its limit", async () => {
  const endless = createServer(({ method }, response) => {
    response.writeHead(200);
    if (method === "HEAD") return response.end();
    const send = () => {
      while (!response.destroyed && response.write(Buffer.alloc(2 ** 20, 32)));
    };
    response.on("drain", send);
    send();
  });
  await new Promise<void>((done) => endless.listen(0, "127.0.0.1", done));
  const address = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
  try {
    await assert.rejects(fetchClip("endless/clip", { environment: { ...environment, HF_ENDPOINT: address } }), {
      name: "WeightsError",
      message: /more bytes than the limit of 67108864; the download was deleted/,
    });
    assert.deepEqual(readdirSync(clipPath("endless/clip", environment)), []);
  } finally {
    endless.closeAllConnections();
    endless.close();
  }
});

test("an archive with other bytes than published is deleted", async () => {
  files = { [`/${clipZoo["clip-rn50"]!.sha256}/RN50.pt`]: await weights() };
  await assert.rejects(fetchClip("clip-rn50", { environment }), { name: "WeightsError" });
  assert.equal(existsSync(clipPath("clip-rn50", environment)), false);
});

test("offline, a missing model is reported with its path in the cache", async () => {
  asked = [];
  await assert.rejects(fetchClip("clip-vit-b32", { environment, offline: true }), {
    name: "InputError",
    message: /clip-vit-b32 is not in the cache \(.*ViT-B-32\.pt\)/,
  });
  assert.deepEqual(asked, []);
});

test("checksums are part of the addresses, and names differ from paths", () => {
  for (const name of Object.keys(clipZoo)) assert.match(clipAddress(name, {}), /\/[0-9a-f]{64}\/[\w-]+\.pt$/);
  assert.equal(createHash("sha256").digest("hex").length, clipZoo["clip-rn50"]!.sha256.length);
  for (const name of ["clip-rn50", "openai/clip-vit-base-patch32"]) assert.ok(isClipName(name), name);
  for (const path of ["clip", "models/clip.pt", "./models/clip", "/models/clip", "a/b/c", "models/clip.safetensors"])
    assert.ok(!isClipName(path), path);
});
