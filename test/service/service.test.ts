/** What the service answers, and what it refuses. */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import { Validator } from "@seriousme/openapi-schema-validator";
import { type OperationName, operations } from "../../src/apps/service/api/schemas.ts";
import type { RunningService } from "../../src/apps/service/serve.ts";
import { connect, ServiceError } from "../../src/client.ts";
import { Random } from "../../src/data/random.ts";
import { type GroundingModel, loadEncoder, loadModel } from "../../src/index.ts";
import { readAdapted } from "../../src/tasks/finding/adapted-file.ts";
import { writeAdaptedPrompt } from "../../src/tasks/finding/adapted-prompt-file.ts";
import { baseDigest } from "../../src/tasks/finding/base-digest.ts";
import { openDetector } from "../../src/tasks/finding/model-folder.ts";
import { withWeights } from "../../src/tasks/finding/read-folder.ts";
import { temporaryFolder } from "../cli/running.ts";
import { metric, photo, startService } from "./running-service.ts";

const TOKEN = "token-of-the-test-0001";
const CLASSES = ["cat", "cup"];
const pages: Server = createServer((request, reply) => {
  if (request.url === "/photo") reply.end(photo);
  else if (request.url === "/elsewhere") reply.writeHead(302, { location: "http://127.0.0.1:1/photo" }).end();
  else if (request.url === "/around") reply.writeHead(302, { location: "/around" }).end();
  else reply.writeHead(404).end();
});
let service: RunningService;
let model: GroundingModel;
let pictures: string;
const folder = temporaryFolder();
const prompt = join(folder, "pets.safetensors");

before(async () => {
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  pictures = `127.0.0.1:${(pages.address() as AddressInfo).port}`;
  await writePrompt();
  model = await loadModel(undefined, { threads: 1 });
  service = await startService({
    adapted: [{ name: "pets", path: prompt }],
    urls: { public: true, hosts: [pictures] },
    limits: { bytes: 300_000, pixels: 1_000_000 },
    origins: ["https://labels.example"],
  });
});
after(async () => {
  await service.close();
  await model.dispose();
  pages.close();
  rmSync(folder, { recursive: true });
});

/** A tuned prompt of the built-in model, with vectors as they come. */
async function writePrompt(): Promise<void> {
  const opened = await openDetector(undefined, {}, "detect");
  const { weights } = await withWeights(opened);
  const { textWidth } = opened.model;
  const tokens = 2 * CLASSES.length + 1;
  const random = new Random(1, "prompt");
  const vectors = Float32Array.from({ length: tokens * textWidth }, () => random.unit() / 4);
  const base = { name: "everyday", digest: baseDigest(weights) };
  await writeAdaptedPrompt(prompt, { classes: CLASSES, vectors, tokens, inPlace: false, base });
}

const client = () => connect(service.url);
const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(new URL(path, service.url), { method: "POST", body, headers });
const json = (path: string, body: unknown) => post(path, JSON.stringify(body), { "content-type": "application/json" });

/** The status and the message of a refusal. */
async function refusal(answer: Promise<Response>): Promise<{ status: number; error: string }> {
  const response = await answer;
  const { error } = (await response.json()) as { error: string };
  return { status: response.status, error };
}

test("a request as JSON, as a form and as bytes is answered as the library answers", async () => {
  const expected = await model.detect(photo, CLASSES, { threshold: 0.3 });
  assert.ok(expected.length > 0);
  const base64 = Buffer.from(photo).toString("base64");
  const form = new FormData();
  form.set("image", new Blob([photo]), "../../etc/passwd\r\nx: y");
  form.set("classes", "cat, cup");
  form.set("threshold", "0.3");
  const answers = [
    json("/v1/detect", { image: { base64 }, classes: CLASSES, threshold: 0.3 }),
    json("/v1/detect", { image: { base64: `data:image/jpeg;base64,${base64}` }, prompt: "cat. cup", threshold: 0.3 }),
    post("/v1/detect", form),
    post("/v1/detect?classes=cat&classes=cup&threshold=0.3", photo, { "content-type": "image/jpeg" }),
  ];
  for (const answer of answers) {
    const found = await (await answer).json();
    assert.deepEqual(found, { detections: expected, width: 451, height: 300 });
  }
});

test("the other operations of the built-in models are answered as the library answers", async () => {
  const { ground, classify, embed } = client();
  await using encoder = await loadEncoder(undefined, { threads: 1 });
  const caption = "a cat on a sofa";
  const grounded = await ground({ image: photo, caption, threshold: 0.2 });
  assert.deepEqual(grounded.detections, await model.ground(photo, caption, { threshold: 0.2 }));
  const classified = await classify({ image: new Blob([photo]), labels: ["cat", "dog"], top: 1 });
  assert.deepEqual(classified.classes, (await encoder.classify(photo, ["cat", "dog"])).slice(0, 1));
  const [vector] = await encoder.embedImage([photo]);
  const texts = ["two dogs"];
  assert.deepEqual(await embed({ image: photo, texts }), {
    image: [...vector!],
    texts: [[...(await encoder.embedText(texts))[0]!]],
    width: 451,
    height: 300,
  });
  assert.equal((await embed({ texts })).image, undefined);
});

test("an adapted prompt is used by its name", async () => {
  const { prompt: adapted } = await readAdapted(prompt);
  const expected = await model.detect(photo, adapted!, { threshold: 0.05 });
  const { detections } = await client().detect({ image: photo, adapted: "pets", threshold: 0.05 });
  assert.ok(expected.length > 0);
  assert.deepEqual(detections, expected);
});

test("a name that the model does not know is remarked", async () => {
  const { remarks } = await client().detect({ image: photo, classes: ["quoxel"] });
  assert.match(remarks!.join(), /quoxel/);
});

test("the models say what they can do, and what none can do is refused with that", async () => {
  const models = await client().models();
  assert.deepEqual(models, [
    { name: "everyday", operations: ["detect", "ground"], adapted: ["pets"] },
    { name: "small-clip", operations: ["classify", "embed"], adapted: [] },
  ]);
  const refused = async (ask: Promise<unknown>) => (await ask.catch((error: unknown) => error)) as ServiceError;
  const { detect, segment } = client();
  for (const [ask, message] of [
    [segment({ image: photo, classes: CLASSES }), /no model of this service can segment; everyday can detect, ground;/],
    [
      detect({ image: photo, classes: CLASSES, model: "../everyday" }),
      /there is no model \.\.\/everyday; the models are/,
    ],
    [detect({ image: photo, adapted: "mugs" }), /there is no adapted prompt mugs for this model; there are pets/],
  ] as const) {
    const error = await refused(ask);
    assert.ok(error instanceof ServiceError);
    assert.equal(error.status, 400);
    assert.match(error.message, message);
    assert.match(error.request!, /^[\w-]+$/);
  }
});

test("the OpenAPI document is valid, and answers and examples fit its schemas", async () => {
  const document = await (await fetch(new URL("/openapi.json", service.url))).json();
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(document.openapi, "3.1.0");
  for (const [name, { example, request, answer }] of Object.entries(operations)) {
    const whole = { image: { base64: Buffer.from(photo).toString("base64") }, ...example };
    if (name !== "describe") assert.ok(request.safeParse(whole).success, name);
    const response = await json(`/v1/${name}`, whole);
    if (["segment", "answer", "describe"].includes(name as OperationName)) assert.equal(response.status, 400);
    else assert.ok(answer.safeParse(await response.json()).success, name);
  }
  const page = await fetch(new URL("/docs", service.url));
  assert.match(page.headers.get("content-security-policy")!, /default-src 'none'/);
  assert.match(await page.text(), /POST \/v1\/detect/);
});

test("a malformed request is refused with all its problems", async () => {
  const cases: [Promise<Response>, number, RegExp][] = [
    [post("/v1/detect", "{", { "content-type": "application/json" }), 400, /the body is not JSON/],
    [json("/v1/detect", { image: {}, classes: ["a"], treshold: 1 }), 400, /treshold[\s\S]*image/],
    [json("/v1/detect", { image: { base64: "aaaa" } }), 400, /give one of classes, prompt and adapted/],
    [json("/v1/detect", { image: { base64: "aaaa" }, classes: Array(2001).fill("a") }), 400, /2000/],
    [json("/v1/detect", { image: { base64: "!" }, classes: ["a"] }), 400, /the picture is empty/],
    [post("/v1/detect", "hello", { "content-type": "text/plain" }), 415, /the content type must be/],
    [post("/v1/detect?classes=a&threshold=two", photo, { "content-type": "image/jpeg" }), 400, /threshold/],
    [post("/v1/detect", "no boundary", { "content-type": "multipart/form-data" }), 400, /not multipart/],
    [post("/v1/embed", "{}", { "content-type": "application/json" }), 400, /give image, texts or both/],
    [post("/v1/nothing", "{}", { "content-type": "application/json" }), 404, /no such route/],
    [post("/v1/%2e%2e/%2e%2e/etc/passwd", "{}"), 404, /no such route/],
  ];
  for (const [answer, status, message] of cases) {
    const refused = await refusal(answer);
    assert.equal(refused.status, status, refused.error);
    assert.match(refused.error, message);
  }
});

/** A PNG of one colour with a header of any size. */
function png(width: number, height: number, data: Buffer): Uint8Array<ArrayBuffer> {
  const chunk = (name: string, body: Buffer) => {
    const bytes = Buffer.concat([Buffer.from(name), body]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(crc(bytes));
    return Buffer.concat([head, bytes, tail]);
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return new Uint8Array(
    Buffer.concat([signature, chunk("IHDR", size), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]),
  );
}

function crc(bytes: Uint8Array): number {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

test("bombs, drawings with scripts and files that are no pictures are refused, and the next request is answered", async () => {
  const raw = { "content-type": "application/octet-stream" };
  const script = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>x()</script><image href="file:///etc/passwd"/></svg>`;
  const zip = Buffer.concat([Buffer.from("PK\x03\x04"), deflateSync(Buffer.alloc(1 << 24))]);
  const cases: [BodyInit, RegExp][] = [
    [
      png(50_000, 50_000, deflateSync(Buffer.alloc(1 << 24))),
      /has 50000 × 50000 pixels, more than the limit of 1000000/,
    ],
    [png(1001, 1000, deflateSync(Buffer.alloc(1002 * 1000))), /has 1001 × 1000 pixels/],
    [png(900, 900, deflateSync(Buffer.alloc(9))), /is a damaged picture/],
    [new Uint8Array(zip), /cannot be read as a picture/],
    [script, /has the format svg, which is not supported/],
    ["GIF89a", /cannot be read as a picture/],
  ];
  for (const [body, message] of cases) {
    const { status, error } = await refusal(post("/v1/detect?classes=cat", body, raw));
    assert.equal(status, 400);
    assert.match(error, message);
  }
  const { detections } = await client().detect({ image: photo, classes: CLASSES });
  assert.equal(detections[0]!.label, "cat");
});

test("a body over the limit is refused before it is kept", async () => {
  const chunked = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
  });
  const endless = { method: "POST", body: chunked, duplex: "half", headers: { "content-type": "image/png" } };
  const answers = [
    post("/v1/detect?classes=cat", new Uint8Array(300_001), { "content-type": "image/png" }),
    fetch(new URL("/v1/detect?classes=cat", service.url), endless as RequestInit),
  ];
  for (const answer of answers) {
    // A client that still writes may see the end of the connection instead.
    const status = await answer.then(
      (response) => response.status,
      () => 413,
    );
    assert.equal(status, 413);
  }
  assert.ok((await metric(service.url, 'groundling_request_seconds_count{route="/v1/detect",status="413"}')) >= 1);
});

test("pictures are fetched from listed hosts and public addresses only", async () => {
  const detect = (url: string) => refusal(json("/v1/detect", { image: { url }, classes: CLASSES }));
  const { detections } = await client().detect({ image: { url: `http://${pictures}/photo` }, classes: CLASSES });
  assert.equal(detections[0]!.label, "cat");
  const port = pictures.split(":")[1];
  const forbidden = [
    `http://localhost:${port}/photo`,
    "http://127.0.0.1:1/photo",
    "http://[::1]:1/photo",
    "http://[::ffff:127.0.0.1]:1/photo",
    "http://2130706433:1/photo",
    "http://0x7f.1:1/photo",
    "http://0.0.0.0:1/photo",
    "http://10.1.2.3/photo",
    "http://169.254.169.254/latest/meta-data",
    "http://[fd00::1]/photo",
    "http://[64:ff9b::7f00:1]/photo",
    `http://${pictures}/elsewhere`,
  ];
  for (const url of forbidden) {
    const { status, error } = await detect(url);
    assert.equal(status, 403, `${url}: ${error}`);
    assert.match(error, /private address/);
  }
  for (const [url, message] of [
    [`http://${pictures}/around`, /redirected more than 3 times/],
    [`http://${pictures}/missing`, /the server answered 404/],
    ["file:///etc/passwd", /not a URL with http: or https:/],
    [`http://name:word@${pictures}/photo`, /holds a name or a password/],
    ["nonsense", /it is not a URL/],
  ] as const) {
    const { status, error } = await detect(url);
    assert.equal(status, 400);
    assert.match(error, message);
  }
});

test("ids and headers of a client come back only if they are harmless", async () => {
  const idOf = async (id: string) => {
    const response = await fetch(new URL("/healthz", service.url), { headers: { "x-request-id": id } });
    return response.headers.get("x-request-id");
  };
  assert.equal(await idOf("run-7.photo_3"), "run-7.photo_3");
  assert.match((await idOf('a"b, c'))!, /^[\w-]{36}$/);
  assert.match((await idOf("x".repeat(65)))!, /^[\w-]{36}$/);
});

test("pages of listed origins may ask from a browser, others not", async () => {
  const allowed = async (origin: string) => {
    const headers = { origin, "access-control-request-method": "POST" };
    const response = await fetch(new URL("/v1/detect", service.url), { method: "OPTIONS", headers });
    return response.headers.get("access-control-allow-origin");
  };
  assert.equal(await allowed("https://labels.example"), "https://labels.example");
  assert.equal(await allowed("https://other.example"), null);
});

test("with tokens, a request without one of them is refused before its body is read", async (t) => {
  const guarded = await startService({
    tokens: [TOKEN, "another-token-of-the-test"],
    models: [],
    limits: { bytes: 9 },
  });
  t.after(() => guarded.close());
  const status = async (headers: Record<string, string>, query = "") => {
    const url = new URL(`/v1/detect${query}`, guarded.url);
    return (await fetch(url, { method: "POST", body: "more than 9 bytes", headers })).status;
  };
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  for (const headers of [
    { authorization: `Bearer ${TOKEN}` },
    { authorization: "bearer another-token-of-the-test" },
    basic(`label studio:${TOKEN}`),
  ])
    assert.equal(await status(headers), 413);
  assert.equal(await status({}, `?api_key=${encodeURIComponent(TOKEN)}`), 413);
  const guesses = [
    "",
    "Bearer",
    "Bearer ",
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${TOKEN}x`,
    `Digest ${TOKEN}`,
    TOKEN,
  ];
  for (const authorization of guesses) assert.equal(await status({ authorization }), 401, authorization);
  assert.equal(await status(basic(`${TOKEN}:`)), 401);
  assert.equal(await status({}, "?api_key="), 401);
  for (const path of ["/v1/models", "/metrics", "/metrics/"])
    assert.equal((await fetch(new URL(path, guarded.url))).status === 200, false, path);
  for (const path of ["/healthz", "/readyz", "/openapi.json"])
    assert.equal((await fetch(new URL(path, guarded.url))).status, 200, path);
});

const CONFIG = `<View><Image name="photo" value="$image"/><TextArea name="prompt" toName="photo"/>
<RectangleLabels name="boxes" toName="photo" model_score_threshold="0.3"><Label value="Pet" predicted_values="cat, dog"/><Label value="Cup"/></RectangleLabels></View>`;

test("Label Studio gets boxes in percent with its own labels, by its labels or by a prompt that is kept for the project", async () => {
  assert.deepEqual(await (await fetch(new URL("/health", service.url))).json(), {
    status: "UP",
    model_class: "Groundling",
  });
  const setup = {
    project: "7.1",
    schema: CONFIG,
    hostname: "http://localhost:8080",
    access_token: "x",
    extra_params: null,
  };
  assert.equal(typeof (await (await json("/setup", setup)).json()).model_version, "string");
  const data = `data:image/jpeg;base64,${Buffer.from(photo).toString("base64")}`;
  const tasks = [
    { id: 1, data: { image: `http://${pictures}/photo` } },
    { id: 2, data: { image: data } },
    { id: 3, data: { image: "data:,x" } },
  ];
  const predict = async (project: string, result?: object[]) => {
    const params = { login: null, password: null, context: result ? { result } : null };
    const body = { tasks, project, label_config: CONFIG, model_version: "groundling", params };
    const { results } = (await (await json("/predict", body)).json()) as { results: LabelStudioResult[] };
    return results;
  };
  const { detections } = await client().detect({ image: photo, classes: ["cat", "dog", "Cup"], threshold: 0.3 });
  const [first, second, broken] = await predict("7.1");
  assert.deepEqual(broken!.result, []);
  for (const { result, score } of [first!, second!]) {
    assert.equal(result.length, detections.length);
    assert.equal(score, detections[0]!.score);
    result.forEach((region, i) => {
      const { label, box } = detections[i]!;
      assert.deepEqual([region.from_name, region.to_name, region.type], ["boxes", "photo", "rectanglelabels"]);
      assert.deepEqual([region.original_width, region.original_height], [451, 300]);
      assert.deepEqual(region.value.rectanglelabels, [label === "Cup" ? "Cup" : "Pet"]);
      assert.ok(Math.abs((region.value.x / 100) * 451 - box.xmin) < 1e-6);
      assert.ok(Math.abs(((region.value.y + region.value.height) / 100) * 300 - box.ymax) < 1e-6);
    });
  }
  const labels = (results: LabelStudioResult[]) => results[0]!.result.flatMap(({ value }) => value.rectanglelabels);
  const typed = [{ type: "textarea", from_name: "prompt", value: { text: ["cup"] } }];
  const prompted = labels(await predict("8.1", typed));
  assert.ok(prompted.every((label) => label === "Cup"));
  assert.deepEqual(labels(await predict("8.1")), prompted);
  assert.ok(labels(await predict("9.1")).includes("Pet"));
  const event = { action: "ANNOTATION_CREATED", project: { id: 7 }, annotation: {} };
  assert.equal((await json("/webhook", event)).status, 201);
  assert.equal((await json("/predict", { tasks, label_config: "<View/>", project: "7.1" })).status, 400);
});

interface LabelStudioResult {
  score: number;
  result: {
    from_name: string;
    to_name: string;
    type: string;
    original_width: number;
    original_height: number;
    value: { x: number; y: number; width: number; height: number; rectanglelabels: string[] };
  }[];
}

test("Roboflow's bodies and those of the Inference API are answered in their forms", async () => {
  const value = Buffer.from(photo).toString("base64");
  const { detections } = await client().detect({ image: photo, classes: CLASSES, threshold: 0.3 });
  const body = {
    api_key: "k",
    image: { type: "base64", value },
    text: CLASSES,
    confidence: 0.3,
    yolo_world_version_id: "l",
  };
  const { predictions, image, time } = await (await json("/yolo_world/infer?api_key=k", body)).json();
  assert.deepEqual(image, { width: 451, height: 300 });
  assert.ok(time > 0);
  assert.equal(predictions.length, detections.length);
  const { box, label, score } = detections[0]!;
  const { x, y, width, height, ...rest } = predictions[0];
  assert.deepEqual([rest.class, rest.class_id, rest.confidence], [label, 0, score]);
  for (const [found, expected] of [
    [x - width / 2, box.xmin],
    [y - height / 2, box.ymin],
    [x + width / 2, box.xmax],
    [y + height / 2, box.ymax],
  ] as const)
    assert.ok(Math.abs(found - expected) < 1e-6);
  const both = { ...body, image: [body.image, { type: "url", value: `http://${pictures}/photo` }] };
  assert.equal((await (await json("/grounding_dino/infer", both)).json()).length, 2);
  const { message } = await (await json("/grounding_dino/infer", { ...body, text: "cat" })).json();
  assert.match(message, /text/);
  const parameters = { candidate_labels: CLASSES, threshold: 0.3 };
  const found = await (await json("/models/google/owlvit-base-patch32", { inputs: value, parameters })).json();
  assert.deepEqual(found, detections);
});
