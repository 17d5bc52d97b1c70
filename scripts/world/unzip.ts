// Zip archives, read whole.
import { readFileSync } from "node:fs";
import { type Entry, fromBuffer, type ZipFile } from "yauzl";

/** All files of a .zip by name; `wanted` says which. */
export async function unzip(path: string, wanted = (_name: string) => true): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const zip = await new Promise<ZipFile>((done, fail) =>
    fromBuffer(readFileSync(path), { lazyEntries: true }, (error, opened) => (opened ? done(opened) : fail(error))),
  );
  const contentOf = (entry: Entry) =>
    new Promise<Buffer>((done, fail) =>
      zip.openReadStream(entry, (error, stream) => {
        const parts: Buffer[] = [];
        if (error) return fail(error);
        stream.on("data", (part: Buffer) => parts.push(part)).on("error", fail);
        stream.on("end", () => done(Buffer.concat(parts)));
      }),
    );
  return new Promise((done, fail) => {
    zip.on("error", fail).on("end", () => done(files));
    zip.on("entry", (entry: Entry) => {
      if (!wanted(entry.fileName)) return zip.readEntry();
      contentOf(entry).then((content) => {
        files.set(entry.fileName, content);
        zip.readEntry();
      }, fail);
    });
    zip.readEntry();
  });
}
