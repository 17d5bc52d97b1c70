import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../errors.ts";
import { parseXml } from "./xml.ts";

test("elements, text, comments, declarations and data are read with their lines", () => {
  const root = parseXml(
    '<?xml version="1.0"?>\n<!-- a <b> -->\n<a x="1">one &amp; &#x41;<b/><c >\n<![CDATA[<two>]]></c></a>',
    "a.xml",
  );
  assert.equal(root.text, "one & A");
  assert.deepEqual(
    root.children.map(({ name, text, line }) => [name, text, line]),
    [
      ["b", "", 3],
      ["c", "\n<two>", 3],
    ],
  );
});

test("errors have file and line", () => {
  const said = (source: string, pattern: RegExp) =>
    assert.throws(
      () => parseXml(source, "a.xml"),
      (error: Error) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, pattern);
        return true;
      },
    );
  said("<a>\n<b></a>", /a\.xml:2: <\/a> closes <b>, which was opened on line 2/);
  said("<a>\n<!-- open", /a\.xml:2: a tag is not closed/);
  said("<a><b <c></a>", /a\.xml:1: a tag is not closed/);
  said("<a>&none;</a>", /unknown entity &none;/);
  said("", /there is no element/);
});

test("long input is read in linear time", () => {
  const count = 200_000;
  const begun = process.cpuUsage().user;
  for (const part of ["<!--", "<![CDATA[", "<!", "<?", "<", "&", "<a "])
    assert.throws(() => parseXml(`<r>${part.repeat(count)}`, "a.xml"), InputError, part);
  assert.throws(() => parseXml(`<r><${"a".repeat(4 * count)}`, "a.xml"), InputError);
  assert.equal(parseXml(`<r>${"<!-- -->".repeat(count)}</r>`, "a.xml").text, "");
  // In quadratic time, one of these alone takes minutes.
  assert.ok(process.cpuUsage().user - begun < 20e6);
});
