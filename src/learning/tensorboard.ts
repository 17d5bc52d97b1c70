/** TensorBoard event files: scalars as protocol buffers in checksummed records. */

import { appendFileSync, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { writing } from "../files/writing.ts";
import type { TrainingListener } from "./training-listener.ts";

/**
 * Writes losses, rates and metrics for TensorBoard into `folder`, in a new file for each start of the run. A resumed
 * run makes TensorBoard discard what was logged after its checkpoint.
 */
export function tensorBoardLog(folder: string): TrainingListener {
  let file = "";
  const append = (event: EventFields): Promise<void> =>
    writing(file, () => appendFileSync(file, record(encodeEvent(event))));
  return {
    async started({ step }) {
      await writing(folder, () => mkdirSync(folder, { recursive: true }));
      const now = Date.now();
      // TensorBoard reads files in the order of their names: the time, to the millisecond, comes first.
      file = join(folder, `events.out.tfevents.${(now / 1000).toFixed(3)}.${hostname()}.${process.pid}`);
      await append({ wallTime: now / 1000, step: 0, fileVersion: "brain.Event:2" });
      if (step > 0) await append({ wallTime: now / 1000, step: step + 1, sessionStart: true });
    },
    stepped({ step, losses, loss, gradientNorm, learningRateFactor, pictures, seconds, waited }) {
      const scalars: Record<string, number> = {};
      for (const [name, value] of Object.entries({ total: loss, ...losses })) scalars[`loss/${name}`] = value;
      scalars["step/gradient-norm"] = gradientNorm;
      scalars["step/learning-rate-factor"] = learningRateFactor;
      scalars["step/pictures-per-second"] = pictures / seconds;
      scalars["step/waited-seconds"] = waited;
      return append({ wallTime: Date.now() / 1000, step, scalars });
    },
    evaluated({ step, metrics }) {
      const scalars = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`metric/${name}`, value]));
      return append({ wallTime: Date.now() / 1000, step, scalars });
    },
  };
}

/** The fields of TensorFlow's `Event` message that are written here. */
export interface EventFields {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
  fileVersion?: string;
  scalars?: Record<string, number>;
  /** TensorBoard discards events of this and later steps in older files. */
  sessionStart?: boolean;
}

/** An `Event` message (tensorflow/core/util/event.proto and framework/summary.proto). */
export function encodeEvent({ wallTime, step, fileVersion, scalars, sessionStart }: EventFields): Uint8Array {
  const event = new BinaryWriter();
  event.tag(1, WireType.Bit64).double(wallTime);
  event.tag(2, WireType.Varint).int64(step);
  if (fileVersion !== undefined) event.tag(3, WireType.LengthDelimited).string(fileVersion);
  if (scalars) {
    event.tag(5, WireType.LengthDelimited).fork();
    for (const [name, value] of Object.entries(scalars)) {
      event.tag(1, WireType.LengthDelimited).fork();
      event.tag(1, WireType.LengthDelimited).string(name);
      event.tag(2, WireType.Bit32).float(value);
      event.join();
    }
    event.join();
  }
  if (sessionStart) event.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(1).join();
  return event.finish();
}

/** A TFRecord: the length, its checksum, the bytes, their checksum; all little-endian. */
export function record(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(16 + bytes.length);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maskedChecksum(framed.subarray(0, 8)), true);
  framed.set(bytes, 12);
  view.setUint32(12 + bytes.length, maskedChecksum(bytes), true);
  return framed;
}

/** The checksum as TFRecord stores it: rotated by 15 bits, so that checksums of data with checksums stay reliable. */
function maskedChecksum(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli; RFC 3720, B.4), bit by bit: events are small. */
export function crc32c(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
  }
  return ~sum >>> 0;
}
