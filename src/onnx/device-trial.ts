/** A program that multiplies matrices on a device and prints how it did; `devices.ts` starts it. */

import { input, matmul } from "../tensor/index.ts";
import { type Device, Session } from "./index.ts";

const SMALL = 256;
const LARGE = 1024;
/** A device that needs more milliseconds for a small product is made in software, and is not asked for a large one. */
const SLOW = 50;

/** Milliseconds of a product of matrices of ones. Throws if it is wrong. */
async function product(device: Device, side: number): Promise<number> {
  const shape = [side, side];
  const session = await Session.compile({ product: matmul(input("a", shape), input("b", shape)) }, { device });
  const ones = new Float32Array(side * side).fill(1);
  // The first run prepares the device.
  await session.run({ a: ones, b: ones });
  const start = performance.now();
  const { product } = await session.run({ a: ones, b: ones });
  const milliseconds = performance.now() - start;
  await session.dispose();
  if ((product as Float32Array).some((sum) => sum !== side))
    throw new Error(`device ${device} gives wrong sums; update its driver, or use another device`);
  return milliseconds;
}

async function trial(device: Device): Promise<object> {
  try {
    const small = await product(device, SMALL);
    return { milliseconds: small > SLOW ? small * (LARGE / SMALL) ** 3 : await product(device, LARGE) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

process.stdout.write(`${JSON.stringify(await trial(process.argv[2] as Device))}\n`);
