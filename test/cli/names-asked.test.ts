/** The program's remarks about requested names. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { groundling } from "./running.ts";

const CAT = "examples/photos/cat.jpg";

test("a list with commas and unknown names get remarks on stderr, and the results do not change", async () => {
  const asked = ["cat, cup", "alembic", "猫", "🐱"].join(". ");
  const { code, stdout, stderr } = await groundling(["detect", CAT, "--prompt", asked, "--format", "json"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^groundling: "cat, cup" is read as one name; .* write "cat\. cup\.", or --classes cat,cup$/m);
  assert.match(stderr, /^groundling: the model was not trained on "alembic"/m);
  assert.match(stderr, /^groundling: the vocabulary of the model does not contain "猫"/m);
  assert.match(stderr, /^groundling: emoji are read as names: 🐱 as "cat"$/m);
  const [{ detections }] = JSON.parse(stdout);
  assert.equal(detections[0].label, "🐱");
});

test("a caption's unknown phrases are reported, and so is that a man is found as a person", async () => {
  const { code, stderr } = await groundling(["ground", CAT, "--caption", "a man beside an alembic"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /in photos the model finds "a man" as "person"/);
  assert.match(stderr, /the model was not trained on "an alembic"/);
});
