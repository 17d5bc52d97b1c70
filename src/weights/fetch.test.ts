import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { InputError, WeightsError } from "../errors.ts";
import { fetchFile } from "./fetch.ts";
import { writeSafetensors } from "./write-safetensors.ts";
import { fetchModel, mostBytes, zoo, zooPath } from "./zoo.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const folder = mkdtempSync(join(tmpdir(), "fetch-"));
await writeSafetensors(join(folder, "published"), [
  {
    name: "weight",
    dtype: "F32",
    shape: [75_000],
    data: Float32Array.from({ length: 75_000 }, (_, i) => (i * i) % 251),
  },
]);
const bytes = readFileSync(join(folder, "published"));
const sha256 = createHash("sha256").update(bytes).digest("hex");
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
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  [answers, asked, waits] = [[], [], []];
  rmSync(file, { force: true });
  rmSync(`${file}.part`, { force: true });
});

test("a file is fetched with progress and leaves no temporary file", async () => {
  const told: [number, number | undefined][] = [];
  await fetchFile(`${address}/m`, file, { sha256, progress: (...at) => told.push(at) });
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(told.at(-1), [bytes.length, bytes.length]);
  assert.ok(!existsSync(`${file}.part`));
});

test("an interrupted download continues where it stopped", async () => {
  answers = [breakingOff];
  await fetchFile(`${address}/m`, file, { sha256, wait });
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(waits, [1000]);
  assert.match(asked.at(-1)!, /^GET \/m bytes=\d+-$/);
});

test("a later call continues the download of an earlier one", async () => {
  writeFileSync(`${file}.part`, bytes.subarray(0, 200_000));
  await fetchFile(`${address}/m`, file, { sha256 });
  assert.deepEqual(asked, ["HEAD /m", "GET /m bytes=200000-"]);
  assert.deepEqual(readFileSync(file), bytes);
});

test("a server without range requests is read from the start", async () => {
  writeFileSync(`${file}.part`, bytes.subarray(0, 200_000));
  answers = [(_, response) => void response.writeHead(200, { "content-length": bytes.length }).end(bytes)];
  await fetchFile(`${address}/m`, file, { sha256 });
  assert.deepEqual(readFileSync(file), bytes);
});

test("wrong bytes are deleted and reported with both checksums", async () => {
  answers = [(_, response) => void response.writeHead(200, { "content-length": bytes.length }).end(bytes.toReversed())];
  await assert.rejects(fetchFile(`${address}/m`, file, { sha256 }), (error: Error) => {
    assert.ok(error instanceof WeightsError);
    assert.match(error.message, new RegExp(`/m: the download is not the published file .* instead of ${sha256}`));
    return true;
  });
  assert.ok(!existsSync(file) && !existsSync(`${file}.part`));
});

test("a missing file is an error at once", async () => {
  answers = [refusing(404)];
  await assert.rejects(fetchFile(`${address}/m`, file, { wait }), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /answered 404: the file does not exist/);
    return true;
  });
  assert.deepEqual(waits, []);
});

test("a busy server is tried again after the time it asks for", async () => {
  answers = [refusing(429, { "retry-after": "7" }), refusing(503), refusing(429, { "retry-after": "100000" })];
  await fetchFile(`${address}/m`, file, { sha256, wait });
  assert.deepEqual(readFileSync(file), bytes);
  assert.deepEqual(waits, [7000, 2000, 120_000]);
});

test("fetching fails if a server stays busy", async () => {
  answers = Array.from({ length: 9 }, () => refusing(503));
  await assert.rejects(fetchFile(`${address}/m`, file, { wait }), /answered 503.*try again later/);
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
});

test("a model of the zoo is fetched once, through the hub's redirection and with its checksum", async () => {
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
  await assert.rejects(fetchModel("glip-x"), /glip-x: no model with this name; known models: glip-t-a, .*glip-l/);
});

/** Listens on a free port of this machine; returns the port. */
async function listening(started: Server): Promise<number> {
  await new Promise<void>((done) => started.listen(0, "127.0.0.1", done));
  return (started.address() as AddressInfo).port;
}

async function withServer(answer: RequestListener, work: (address: string) => Promise<void>): Promise<void> {
  const started = createServer(answer);
  try {
    await work(`http://127.0.0.1:${await listening(started)}`);
  } finally {
    started.closeAllConnections();
    started.close();
  }
}

const cacheOf = (name: string, hub: string) => ({ XDG_CACHE_HOME: join(folder, name), HF_ENDPOINT: hub });

test("a sign-in page of a network never enters the cache", async () => {
  const page: RequestListener = (_, response) =>
    void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>Sign in</html>");
  await withServer(page, async (hub) => {
    const environment = cacheOf("portal", hub);
    await assert.rejects(fetchModel("glip-t-a", { environment }), (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /the server sent a web page instead of the file; sign in to the network/);
      return true;
    });
    assert.ok(!existsSync(zooPath("glip-t-a", environment)));
  });
  const unnamed: RequestListener = (_, response) => void response.writeHead(200).end("<html>Sign in</html>");
  await withServer(unnamed, async (hub) => {
    const environment = cacheOf("unnamed", hub);
    const path = zooPath("glip-t-a", environment);
    await assert.rejects(fetchModel("glip-t-a", { environment }), (error: Error) => {
      assert.ok(error instanceof WeightsError);
      assert.match(error.message, /the download is not a model .*it was deleted: check the URL/);
      return true;
    });
    assert.ok(!existsSync(path) && !existsSync(`${path}.part`));
  });
});

test("no more bytes are read than the server declared", async () => {
  const linked = { "x-linked-size": "1000" };
  let sent = 0;
  const flooding: RequestListener = ({ method }, response) => {
    response.writeHead(200, linked);
    if (method === "HEAD") return void response.end();
    const flood = () => {
      while (!response.destroyed && sent < 2 ** 28) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", flood);
      }
      response.end();
    };
    flood();
  };
  await withServer(flooding, async (flood) => {
    await assert.rejects(
      fetchFile(`${flood}/m`, file, { wait }),
      /the server sent more bytes than the 1000 .*declared/,
    );
    assert.ok(sent < 2 ** 27, `${sent} bytes`);
    assert.ok(!existsSync(file) && !existsSync(`${file}.part`));
  });
});

test("a file of undeclared size has a limit, and a declared size is checked before anything is fetched", async () => {
  let gets = 0;
  let declared: string | undefined;
  const flooding: RequestListener = ({ method }, response) => {
    response.writeHead(200, declared === undefined ? {} : { "x-linked-size": declared });
    if (method === "HEAD") return void response.end();
    gets++;
    const flood = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      response.once("drain", flood);
    };
    flood();
  };
  await withServer(flooding, async (flood) => {
    const refused = (message: RegExp, most?: number) =>
      assert.rejects(fetchFile(`${flood}/m`, file, { wait, ...(most === undefined ? {} : { most }) }), message);
    await refused(/sent more bytes than the limit of 1000000;/, 1_000_000);
    assert.equal(gets, 1);
    declared = "2000000";
    await refused(/declares 2000000 bytes, more than the limit of 1000000; check the URL/, 1_000_000);
    declared = "99999999999999";
    await refused(/declares 99999999999999 bytes, more than the limit of 17179869184;/);
    declared = String(2 ** 50);
    await refused(/needs 1125899906842624 bytes, but the disk of .* has \d+ free; free some space/, 2 ** 52);
    assert.equal(gets, 1);
    // Published files have up to 16 bytes per parameter, because they hold an optimizer.
    assert.ok(Object.values(zoo).every(({ parameters }) => mostBytes(parameters) > 16 * parameters));
    assert.ok(Object.values(zoo).every(({ parameters }) => mostBytes(parameters) < 2 ** 34));
    assert.ok(!existsSync(file) && !existsSync(`${file}.part`));
  });
});

test("a server that sends too little each time is given up", async () => {
  let gets = 0;
  const slow: RequestListener = ({ method, headers }, response) => {
    response.writeHead(headers.range ? 206 : 200, { "content-length": bytes.length, "x-linked-etag": `"${sha256}"` });
    if (method === "HEAD") return void response.end();
    gets++;
    response.write(bytes.subarray(0, 1), () => setImmediate(() => response.destroy()));
  };
  await withServer(slow, async (slowAddress) => {
    await assert.rejects(fetchFile(`${slowAddress}/m`, file, { wait }), /cannot be fetched .*try again later/);
  });
  assert.equal(gets, 5);
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
});

test("a checksum in the server's ETag is checked if no other is given", async () => {
  const marked: RequestListener = (_, response) => void response.writeHead(200, { etag: `"${sha256}"` }).end(bytes);
  await withServer(marked, async (server) => {
    await fetchFile(`${server}/m`, file);
    assert.deepEqual(readFileSync(file), bytes);
  });
  const wrong: RequestListener = (_, response) =>
    void response.writeHead(200, { etag: `"${"0".repeat(64)}"` }).end(bytes);
  await withServer(wrong, async (server) => {
    await assert.rejects(fetchFile(`${server}/other`, join(folder, "other")), /SHA-256 .* instead of 0{64}/);
  });
});

test("a temporary file replaced by a link is refused, and the link's target is unchanged", async () => {
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine");
  symlinkSync(victim, `${file}.part`);
  await assert.rejects(fetchFile(`${address}/m`, file, { sha256, wait }), /model\.pth\.part: is a link/);
  assert.equal(readFileSync(victim, "utf8"), "mine");
});

test("https is never redirected to http", async () => {
  const pem = readFileSync(new URL("./fixtures/localhost.pem", import.meta.url));
  const secure = createSecureServer({ key: pem, cert: pem }, (request, response) => {
    if (request.url === "/down") response.writeHead(302, { location: `${address}/m` }).end();
    else response.writeHead(200, { "content-length": bytes.length }).end(request.method === "HEAD" ? undefined : bytes);
  });
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  // The certificate is self-signed.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try {
    const port = await listening(secure);
    await fetchFile(`https://127.0.0.1:${port}/m`, file, { sha256 });
    assert.deepEqual(readFileSync(file), bytes);
    asked = [];
    await assert.rejects(
      fetchFile(`https://127.0.0.1:${port}/down`, join(folder, "down")),
      /redirects from https to http/,
    );
    assert.deepEqual(asked, []);
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    secure.closeAllConnections();
    secure.close();
  }
  await withServer(
    (_, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    async (server) => {
      await assert.rejects(fetchFile(`${server}/m`, join(folder, "local")), /which is not the URL of a file/);
    },
  );
  await assert.rejects(fetchFile("hub.example/m", join(folder, "none")), /is not the URL of a file/);
});

test("a proxy of the environment is used, and hosts that it leaves out are reached without", async () => {
  const through: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    through.push(request.url!);
    const [host, port] = request.url!.split(":");
    const target = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      target.pipe(socket).pipe(target);
    });
    target.on("error", () => socket.destroy());
    socket.on("error", () => target.destroy());
  });
  const HTTP_PROXY = `http://127.0.0.1:${await listening(proxy)}`;
  try {
    await fetchFile(`${address}/m`, file, { sha256, environment: { HTTP_PROXY } });
    assert.deepEqual(readFileSync(file), bytes);
    assert.deepEqual([...new Set(through)], [new URL(address).host]);
    through.length = 0;
    await fetchFile(`${address}/m`, join(folder, "direct"), {
      sha256,
      environment: { HTTP_PROXY, NO_PROXY: "127.0.0.1" },
    });
    assert.deepEqual(through, []);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test("several processes that need one model fetch it once", async () => {
  let gets = 0;
  const slow: RequestListener = ({ method }, response) => {
    response.writeHead(200, { "content-length": bytes.length, "x-linked-etag": `"${sha256}"` });
    if (method === "HEAD") return void response.end();
    gets++;
    response.write(bytes.subarray(0, 1000));
    // Wait until the others wait for it.
    setTimeout(() => response.end(bytes.subarray(1000)), 2000);
  };
  await withServer(slow, async (hub) => {
    const program = `import { fetchModel } from ${JSON.stringify(new URL("./zoo.ts", import.meta.url).href)}; console.log(await fetchModel("glip-t-a"));`;
    const environment = { ...process.env, ...cacheOf("shared", hub) };
    const run = promisify(execFile);
    const answers = await Promise.all(
      Array.from({ length: 3 }, () =>
        run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], { env: environment }),
      ),
    );
    const path = zooPath("glip-t-a", environment);
    assert.deepEqual(
      answers.map(({ stdout }) => stdout.trim()),
      [path, path, path],
    );
    assert.equal(gets, 1);
    assert.ok(!existsSync(`${path}.lock`) && !existsSync(`${path}.part`));
  });
});

test("a lock whose owner is gone is taken over", async () => {
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(`${file}.lock`, JSON.stringify({ process: gone, host: hostname(), key: "" }));
  await fetchFile(`${address}/m`, file, { sha256 });
  assert.deepEqual(readFileSync(file), bytes);
  const silent = join(folder, "silent");
  writeFileSync(`${silent}.lock`, JSON.stringify({ process: 1, host: "elsewhere", key: "" }));
  utimesSync(`${silent}.lock`, 1, 1);
  await fetchFile(`${address}/m`, silent, { sha256 });
  assert.ok(!existsSync(`${silent}.lock`));
});

test("a cache that cannot be written is named in one sentence", async () => {
  writeFileSync(join(folder, "plain"), "");
  const environment = { XDG_CACHE_HOME: join(folder, "plain"), HF_ENDPOINT: address };
  await assert.rejects(fetchModel("glip-t-a", { environment }), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /glip_a_tiny_o365\.pth: cannot be written \(ENOTDIR\); check that its folder exists/);
    return true;
  });
});
