export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/**
 * Areas in proportion to their weights, as near to squares as they get, which fill a box. Weights are positive and come the largest
 * first. From M. Bruls, K. Huizing, J. J. van Wijk, "Squarified Treemaps" (2000): rows along the shorter side, each as long as another
 * area makes its worst one better.
 */
export function squarify(weights: readonly number[], box: Box): Box[] {
  const boxes: Box[] = [];
  let { x, y, width, height } = box;
  let left = weights.reduce((sum, weight) => sum + weight, 0);
  for (let start = 0; start < weights.length && left > 0; ) {
    const side = Math.min(width, height);
    const scale = (width * height) / left;
    let end = start + 1;
    let sum = weights[start]!;
    for (let worst = Number.POSITIVE_INFINITY; ; end++) {
      const next = worstRatio(weights[start]! * scale, weights[end - 1]! * scale, sum * scale, side);
      if (end > start + 1 && next > worst) {
        sum -= weights[--end]!;
        break;
      }
      worst = next;
      if (end === weights.length) break;
      sum += weights[end]!;
    }
    const depth = side === 0 ? 0 : (sum * scale) / side;
    let at = 0;
    for (const weight of weights.slice(start, end)) {
      const length = (weight / sum) * side;
      boxes.push(
        width < height
          ? { x: x + at, y, width: length, height: depth }
          : { x, y: y + at, width: depth, height: length },
      );
      at += length;
    }
    if (width < height) [y, height] = [y + depth, height - depth];
    else [x, width] = [x + depth, width - depth];
    left -= sum;
    start = end;
  }
  return boxes;
}

/** The longest shape in a row of this sum along a side; `most` and `least` are the areas at its ends. */
function worstRatio(most: number, least: number, sum: number, side: number): number {
  return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least));
}
