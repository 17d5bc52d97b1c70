import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { WeightsError } from "../../errors.ts";
import { fetchedFiles } from "./fetched-files.ts";
import { readFolder } from "./read-folder.ts";

const answers: Record<string, { status?: number; kind?: string; body: string }> = {
  "/model/config.json": { body: "{}" },
  "/model/names.json": { kind: "text/html; charset=utf-8", body: "<h1>our shop</h1>" },
  "/model/vocab.txt": { status: 500, body: "" },
  "/model/model.safetensors": { body: '{"weight_map": {}}' },
  "/empty/config.json": { status: 404, body: "" },
};
const server = createServer(({ url = "" }, response) => {
  const { status = 200, kind = "application/octet-stream", body } = answers[url] ?? { status: 404, body: "" };
  response.writeHead(status, { "content-type": kind }).end(body);
});
before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
after(() => server.close());
const at = (folder: string) => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${folder}`);

test("files are found under the URL, with or without a slash at its end", async () => {
  for (const folder of ["model", "model/"]) {
    const files = fetchedFiles(at(folder));
    assert.equal(files.name, "model");
    assert.equal(await files.text("config.json"), "{}");
  }
});

test("a missing file is undefined, even if the server sends a web page", async () => {
  const files = fetchedFiles(at("model"));
  assert.equal(await files.text("names.json"), undefined);
  assert.equal(await files.weights("companion.safetensors"), undefined);
});

test("failures are WeightsErrors that name the URL", async () => {
  const refused = (message: RegExp) => (error: unknown) => error instanceof WeightsError && message.test(error.message);
  const files = fetchedFiles(at("model"));
  await assert.rejects(
    files.text("vocab.txt"),
    refused(/\/model\/vocab\.txt: cannot be fetched \(the server answered 500\)/),
  );
  await assert.rejects(
    files.weights("model.safetensors"),
    refused(/is the index of several files; give a model in one file/),
  );
  await assert.rejects(
    readFolder(fetchedFiles(at("empty"))),
    refused(/\/empty\/config\.json: missing; a model folder needs/),
  );
  await assert.rejects(readFolder(files), refused(/\/model\/config\.json: /));
  const stopped = fetchedFiles(at("model"), { signal: AbortSignal.abort() });
  await assert.rejects(stopped.text("config.json"), { name: "AbortError" });
});
