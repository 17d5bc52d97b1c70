import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { temporaryFolder } from "../cli/running.ts";
import { bytesOf, label, type Process, shardsDone, startRedis, stopMidShard, writePairs } from "./processes.ts";

const root = temporaryFolder();
const running: Process[] = [];
const [near, far] = ["a", "b"].map((letter) => `groundling-${process.pid}-${letter}`);
const [nearEnd, farEnd] = ["a", "b"].map((letter) => `gl${process.pid}${letter}`);
/** The arguments that run a command on a host. */
const on = (host: string) => ["ip", "netns", "exec", host];

function ip(...words: string[]): void {
  const { status, stderr, error } = spawnSync("ip", words, { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(
    `this test needs root and iproute2 for network namespaces: ip ${words.join(" ")}: ${error ?? stderr}`,
  );
}

after(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  for (const host of [near!, far!]) spawnSync("ip", ["netns", "del", host]);
  rmSync(root, { recursive: true });
});

test("two hosts share the work; without the network the local one does all, and the remote one ends normally when it is back", async () => {
  for (const host of [near!, far!]) ip("netns", "add", host);
  ip("link", "add", nearEnd!, "netns", near!, "type", "veth", "peer", "name", farEnd!, "netns", far!);
  for (const [host, end, address] of [
    [near!, nearEnd!, "10.77.0.1/24"],
    [far!, farEnd!, "10.77.0.2/24"],
  ] as const) {
    ip("-n", host, "addr", "add", address, "dev", end);
    for (const device of [end, "lo"]) ip("-n", host, "link", "set", device, "up");
  }

  const pairs = await writePairs(root, 24);
  const [one, many] = [join(root, "one"), join(root, "many")];
  const alone = label(pairs, one);
  running.push(alone);
  assert.equal(await alone.ended, 0, alone.said());

  const isReady = () =>
    Promise.resolve(
      spawnSync("ip", ["netns", "exec", near!, "redis-cli", "ping"], { encoding: "utf8" }).stdout === "PONG\n",
    );
  running.push(await startRedis(join(root, "redis"), 6379, { host: on(near!), isReady }));
  const shared = ["--redis", "redis://10.77.0.1:6379", "--lock", "3", "--attempts", "10"];
  const farWorker = label(pairs, many, shared, on(far!));
  running.push(farWorker);
  // Stopped while its network is disconnected, so that it has an unfinished shard regardless of the machine's speed.
  await stopMidShard(farWorker, many);
  ip("-n", far!, "link", "set", farEnd!, "down");
  farWorker.child.kill("SIGCONT");
  const nearWorker = label(pairs, many, shared, on(near!));
  running.push(nearWorker);
  assert.equal(await nearWorker.ended, 0, nearWorker.said());
  assert.equal(shardsDone(many), 24);
  ip("-n", far!, "link", "set", farEnd!, "up");
  assert.equal(await farWorker.ended, 0, farWorker.said());
  assert.deepEqual(bytesOf(many), bytesOf(one));
});
