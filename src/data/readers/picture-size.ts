/** The size of a picture from its header. */
import sharp from "sharp";

/** Width and height in stored pixels, or undefined where the file is no picture that can be read. */
export async function pictureSize(source: string | Buffer): Promise<{ width: number; height: number } | undefined> {
  try {
    const { width, height } = await sharp(source).metadata();
    return { width, height };
  } catch {
    return undefined;
  }
}
