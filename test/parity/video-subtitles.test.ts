import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../../src/errors.ts";
import { cueText, lasts } from "../../src/inputs/video/subtitles/cue.ts";
import { readSubRip, subRipText } from "../../src/inputs/video/subtitles/subrip.ts";
import { wordsOf } from "../../src/inputs/video/subtitles/transcript.ts";
import { readWebVtt } from "../../src/inputs/video/subtitles/web-vtt.ts";
import { near, needsVideo, readVideoJson, videoFile } from "./golden-video.ts";

const skip = needsVideo;
const read = (...path: string[]) => readFileSync(videoFile("text", ...path));

test("WebVTT files give the cues that browsers read", { skip }, () => {
  interface Vtt {
    valid: boolean;
    cues: {
      id: string;
      start: number;
      end: number;
      text: string;
      plain: string;
      times: [number, number][];
      voices: [number, string][];
      dropped: boolean;
      truncated?: boolean;
      textLength?: number;
      textSha256?: string;
    }[];
    styles?: number;
    regions?: number;
  }
  for (const [file, { valid, cues, styles, regions }] of Object.entries(
    readVideoJson<Record<string, Vtt>>("text", "vtt", "expected.json"),
  )) {
    if (!valid) {
      assert.throws(() => readWebVtt(read("vtt", file), file), InputError, file);
      continue;
    }
    const own = readWebVtt(read("vtt", file), file);
    assert.deepEqual([own.cues.length, own.styles, own.regions], [cues.length, styles, regions], file);
    for (const [k, wanted] of cues.entries()) {
      const cue = own.cues[k]!;
      const where = `${file} cue ${k}`;
      assert.deepEqual([cue.id, cue.start, cue.end], [wanted.id, wanted.start, wanted.end], where);
      assert.equal(!lasts(cue), wanted.dropped, where);
      if (wanted.truncated) {
        assert.equal(cue.text.length, wanted.textLength, where);
        assert.equal(createHash("sha256").update(cue.text).digest("hex"), wanted.textSha256, where);
        continue;
      }
      assert.equal(cue.text, wanted.text, where);
      const { plain, times, voices } = cueText(cue.text);
      assert.equal(plain, wanted.plain, where);
      assert.deepEqual(
        times.map(({ at, time }) => [at, time]),
        wanted.times,
        where,
      );
      assert.deepEqual(
        voices.map(({ at, name }) => [at, name]),
        wanted.voices,
        where,
      );
    }
  }
});

test("SubRip files give the stored cues", { skip }, () => {
  interface Srt {
    cues: { start: number; end: number; lines: string[]; plain: string[]; dropped: boolean }[];
  }
  for (const [file, { cues }] of Object.entries(readVideoJson<Record<string, Srt>>("text", "srt", "expected.json"))) {
    const own = readSubRip(read("srt", file));
    assert.equal(own.length, cues.length, file);
    for (const [k, { start, end, lines, plain, dropped }] of cues.entries()) {
      const cue = own[k]!;
      const where = `${file} cue ${k}`;
      assert.deepEqual([cue.start, cue.end, !lasts(cue)], [start, end, dropped], where);
      const found = cue.text ? cue.text.split("\n") : [];
      assert.deepEqual(found, lines, where);
      assert.deepEqual(found.map(subRipText), plain, where);
    }
  }
});

test("rolling captions give each word once, at its time", { skip }, () => {
  interface Rolling {
    cues: number;
    naiveWords: number;
    words: [word: string, start: number, end: number][];
  }
  for (const [file, { cues, naiveWords, words }] of Object.entries(
    readVideoJson<Record<string, Rolling>>("text", "rolling", "expected.json"),
  )) {
    const own = readWebVtt(read("rolling", file), file).cues;
    assert.equal(own.length, cues, file);
    const joined = own.flatMap(({ text }) => cueText(text).plain.split(/\s+/).filter(Boolean));
    assert.equal(joined.length, naiveWords, file);
    const found = wordsOf(own);
    assert.deepEqual(
      found.map(({ text }) => text),
      words.map(([word]) => word),
      file,
    );
    for (const [k, [word, start, end]] of words.entries()) {
      near(found[k]!.start, start, 1e-9, `${file} ${word}`);
      near(found[k]!.end, end, 1e-9, `${file} ${word}`);
    }
  }
});

test("random bytes never break the readers of subtitles", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        "WEBVTT",
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        "00:01.000",
        " --> ",
        "00:02.000",
        "<v A>",
        "<00:01.500>",
        "&amp",
        "1",
      ),
      fc.string(),
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        pieces.map((all) => Buffer.from(`WEBVTT\n\n${all.join("")}`)),
      ),
      (bytes) => {
        for (const cue of readSubRip(bytes)) subRipText(cue.text);
        try {
          wordsOf(readWebVtt(bytes, "x.vtt").cues);
        } catch (error) {
          assert.ok(error instanceof InputError);
        }
      },
    ),
    { seed: 7, numRuns: 500 },
  );
});

test("readers of subtitles take time in proportion to the file", () => {
  const time = (piece: string, length: number) => {
    const body = piece.repeat(length / piece.length);
    const bytes = Buffer.from(`WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n${body}\n`);
    const start = performance.now();
    for (const cue of readSubRip(bytes)) subRipText(cue.text);
    wordsOf(readWebVtt(bytes, "x.vtt").cues);
    return performance.now() - start;
  };
  for (const piece of ["<", "&", "<v ", "{\\", "1\n", "00:00:00,0", " --> ", "-->\n", "<i", "&#1;"]) {
    time(piece, 20_000);
    const [short, long] = [time(piece, 20_000), time(piece, 320_000)];
    // Sixteen times the length takes about sixteen times as long; a reader that goes back would take 256 times.
    assert.ok(long < 80 * short + 1500, `${JSON.stringify(piece)}: ${short} ms, then ${long} ms`);
  }
});
