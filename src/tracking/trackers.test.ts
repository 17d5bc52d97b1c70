import assert from "node:assert/strict";
import { test } from "node:test";
import { byteTrack } from "./byte-track.ts";
import { deepSort } from "./deep-sort.ts";
import { ocSort } from "./oc-sort.ts";
import type { Xyxy } from "./overlap.ts";
import { sort } from "./sort.ts";
import type { DetectedBox, Tracker } from "./tracker.ts";

const trackers: Record<string, () => Tracker> = {
  SORT: () => sort(),
  DeepSORT: () => deepSort(),
  ByteTrack: () => byteTrack(),
  "OC-SORT": () => ocSort(),
};

/** Two boxes that move 30 pixels a second to the right. */
function boxesAt(time: number): DetectedBox[] {
  const box = (y: number): Xyxy => [30 * time, y, 30 * time + 40, y + 40];
  return [0, 100].map((y) => ({ box: box(y), score: 0.9 }));
}

for (const [name, make] of Object.entries(trackers)) {
  test(`${name} keeps two ids apart at 30, 10 and at irregular frames per second`, () => {
    for (const times of [
      Array.from({ length: 30 }, (_, k) => k / 30),
      Array.from({ length: 30 }, (_, k) => k / 10),
      Array.from({ length: 30 }, (_, k) => k / 20 + (k % 3) / 100),
    ]) {
      const tracker = make();
      const ids = new Set<number>();
      let last: number[] = [];
      for (const time of times) {
        const found = tracker.step(time, boxesAt(time));
        last = found.map(({ id }) => id);
        assert.equal(new Set(last).size, last.length, "an id twice in a frame");
        for (const id of last) ids.add(id);
      }
      assert.equal(last.length, 2);
      assert.equal(ids.size, 2);
    }
  });

  test(`${name} accepts frames without boxes, and ignores invalid boxes`, () => {
    const tracker = make();
    assert.deepEqual(tracker.step(0, []), []);
    const odd: Xyxy[] = [
      [Number.NaN, 0, 10, 10],
      [0, 0, Infinity, 10],
      [10, 0, 10, 10],
      [10, 10, 0, 0],
    ];
    for (let k = 1; k < 6; k++) {
      const found = tracker.step(
        k / 30,
        odd.map((box) => ({ box, score: 0.9 })),
      );
      assert.deepEqual(found, []);
    }
    assert.deepEqual(tracker.living(), []);
  });

  test(`${name} refuses a time that does not grow`, () => {
    const tracker = make();
    tracker.step(1, []);
    assert.throws(() => tracker.step(1, []), /a tracker's time must grow; 1 follows 1/);
  });
}
