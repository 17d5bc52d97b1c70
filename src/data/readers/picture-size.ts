/** The size of a picture from its header. */
import { pictureFacts, pictureFileFacts } from "../../inputs/pictures/picture-file.ts";

/** Width and height in stored pixels, or undefined if the file cannot be read as a picture. */
export async function pictureSize(source: string | Buffer): Promise<{ width: number; height: number } | undefined> {
  try {
    const { width, height } = await (typeof source === "string"
      ? pictureFileFacts(source)
      : pictureFacts(source, "the picture"));
    return { width, height };
  } catch {
    return undefined;
  }
}
