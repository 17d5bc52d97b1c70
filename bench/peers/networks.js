/**
 * The cases of ../cases.ts written once for the peers in JavaScript, over the few operations that a peer names. Plain JavaScript,
 * for their libraries are not among the package's dependencies, so that the compiler does not know them.
 *
 * `weight(shape)` answers the next weight. Swin's table of relative positions is a bias that is already looked up: a little
 * less work than in Groundling and PyTorch.
 */

const attention = (ops, weight, x, heads, mask) => {
  const [n, l, width] = ops.shape(x);
  const split = (y) => ops.transpose(ops.reshape(y, [n, l, heads, width / heads]), [0, 2, 1, 3]);
  const [query, key, value] = [0, 1, 2].map(() => split(linear(ops, weight, x, width)));
  const scores = ops.scale(ops.matmul(query, ops.transpose(key, [0, 1, 3, 2])), (width / heads) ** -0.5);
  const mixed = ops.matmul(ops.softmax(mask ? mask(scores) : scores), value);
  return linear(ops, weight, ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [n, l, width]), width);
};

function linear(ops, weight, x, outputs) {
  const shape = ops.shape(x);
  const width = shape.at(-1);
  const flat = ops.matmul(ops.reshape(x, [-1, width]), weight([width, outputs]));
  return ops.reshape(ops.add(flat, weight([outputs])), [...shape.slice(0, -1), outputs]);
}

const norm = (ops, weight, x) => {
  const width = ops.shape(x).at(-1);
  return ops.add(ops.multiply(ops.standardize(x), weight([width])), weight([width]));
};

const mlp = (ops, weight, x, width) => linear(ops, weight, ops.gelu(linear(ops, weight, x, 4 * width)), width);

function transformer(ops, weight, [input]) {
  let x = input;
  for (let layer = 0; layer < 6; layer++) {
    x = norm(ops, weight, ops.add(attention(ops, weight, x, 6), x));
    x = norm(ops, weight, ops.add(mlp(ops, weight, x, 384), x));
  }
  return [x];
}

const swinSizes = { n: 4, size: 56, width: 96, heads: 3, window: 7 };

function swin(ops, weight, [input]) {
  const { n, size, width, heads, window } = swinSizes;
  const side = size / window;
  const area = window * window;
  let x = input;
  for (const shift of [0, 3, 0, 3]) {
    const windows = (y) =>
      ops.reshape(ops.transpose(ops.reshape(y, [n, side, window, side, window, width]), [0, 1, 3, 2, 4, 5]), [
        -1,
        area,
        width,
      ]);
    const whole = (y) =>
      ops.reshape(ops.transpose(ops.reshape(y, [n, side, side, window, window, width]), [0, 1, 3, 2, 4, 5]), [
        n,
        size,
        size,
        width,
      ]);
    const mask = (scores) => {
      const near = ops.add(scores, weight([1, heads, area, area]));
      if (shift === 0) return near;
      const apart = ops.add(
        ops.reshape(near, [n, side * side, heads, area, area]),
        ops.constant(shiftMask(side, window, shift), [1, side * side, 1, area, area]),
      );
      return ops.reshape(apart, [-1, heads, area, area]);
    };
    const moved = ops.roll(norm(ops, weight, x), -shift);
    const mixed = whole(attention(ops, weight, windows(moved), heads, mask));
    x = ops.add(x, ops.roll(mixed, shift));
    x = ops.add(x, mlp(ops, weight, norm(ops, weight, x), width));
  }
  return [x];
}

/** -100 between places that were not neighbours before the roll. */
function shiftMask(side, window, shift) {
  const size = side * window;
  const region = (at) => (at < size - window ? 0 : at < size - shift ? 1 : 2);
  const area = window * window;
  const mask = new Float32Array(side * side * area * area);
  for (let w = 0; w < side * side; w++)
    for (let a = 0; a < area; a++)
      for (let b = 0; b < area; b++) {
        const of = (place) =>
          3 * region(Math.floor(w / side) * window + Math.floor(place / window)) +
          region((w % side) * window + (place % window));
        if (of(a) !== of(b)) mask[(w * area + a) * area + b] = -100;
      }
  return mask;
}

function pyramid(ops, weight, maps) {
  const kernelOf = (size) => ({ weight: weight(ops.kernelShape(size, 64)), bias: weight(ops.biasShape(64)) });
  const convolution = (x, size, stride = 1) => ops.convolution(x, kernelOf(size), stride);
  const [c3, c4, c5] = maps.map((map) => convolution(map, 1));
  const l4 = ops.add(c4, ops.double(c5));
  const l3 = ops.add(c3, ops.double(l4));
  const levels = [l3, l4, c5].map((map) => convolution(map, 3));
  levels.push(convolution(levels[2], 3, 2));
  levels.push(convolution(ops.relu(levels[3]), 3, 2));
  const head = [kernelOf(3), kernelOf(3)];
  return levels.map((map) => ops.convolution(ops.relu(ops.convolution(map, head[0], 1)), head[1], 1));
}

/** By case: the forward pass, and the shapes of its inputs (maps are [n,c,h,w], whichever way the peer keeps them). */
export const networks = {
  transformer: { forward: transformer, tokens: [[8, 128, 384]] },
  swin: { forward: swin, tokens: [[4, 56, 56, 96]] },
  pyramid: { forward: pyramid, maps: [64, 32, 16].map((size) => [8, 64, size, size]) },
};
