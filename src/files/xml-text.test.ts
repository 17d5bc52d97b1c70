import assert from "node:assert/strict";
import { test } from "node:test";
import { xmlText } from "./xml-text.ts";

test("XML's special characters are escaped and control characters replaced", () => {
  assert.equal(xmlText('a & <b> "c"\n\u0000'), "a &amp; &lt;b&gt; &quot;c&quot; \ufffd");
});
