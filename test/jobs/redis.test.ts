import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { groundling, temporaryFolder } from "../cli/running.ts";
import {
  bytesOf,
  freePort,
  label,
  type Process,
  shardsDone,
  startRedis,
  stopMidShard,
  until,
  writePairs,
} from "./processes.ts";

const root = temporaryFolder();
const running: Process[] = [];
after(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  rmSync(root, { recursive: true });
});
const begun = (process: Process) => {
  running.push(process);
  return process;
};

test("200 shards in, 200 out, in one process's bytes: a worker killed, one stopped past its lock, Redis restarted, all submitted thrice", async () => {
  const pairs = await writePairs(root, 200);
  const [one, many] = [join(root, "one"), join(root, "many")];
  const alone = begun(label(pairs, one));
  assert.equal(await alone.ended, 0, alone.said());

  const port = await freePort();
  const redis = begun(await startRedis(join(root, "redis"), port));
  const address = ["--redis", `redis://127.0.0.1:${port}`];
  const shared = [...address, "--lock", "3", "--attempts", "10"];
  const [killed, stopped, steady] = [1, 2, 3].map(() => begun(label(pairs, many, shared)));

  await stopMidShard(killed!, many);
  killed!.child.kill("SIGKILL");
  assert.equal(await killed!.ended, "SIGKILL");
  await stopMidShard(stopped!, many);

  const before = shardsDone(many);
  await until("work goes on", () => shardsDone(many) >= Math.min(200, before + 10), steady!);
  redis.child.kill("SIGTERM");
  await redis.ended;
  begun(await startRedis(join(root, "redis"), port));

  assert.equal(await steady!.ended, 0, steady!.said());
  assert.equal(shardsDone(many), 200);
  stopped!.child.kill("SIGCONT");
  assert.equal(await stopped!.ended, 0, stopped!.said());

  assert.deepEqual(Object.keys(bytesOf(many)), Object.keys(bytesOf(one)));
  assert.deepEqual(bytesOf(many), bytesOf(one));
  const captions = readFileSync(join(many, "grounding.jsonl"), "utf8").trim().split("\n");
  assert.equal(new Set(captions).size, 200);

  const { done, deadLetters, queue: left } = await status(address);
  assert.deepEqual([done, deadLetters], [200, []]);
  assert.deepEqual(left, { waiting: 0, active: 0, delayed: 0, failed: 0, workers: 0 });

  async function status(more: string[]) {
    const ran = await groundling(["jobs", many, "--format", "json", ...more]);
    assert.equal(ran.code, 0, ran.stderr);
    return JSON.parse(ran.stdout);
  }
});
