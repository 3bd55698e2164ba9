/** The middle value, or the mean of the two middle values. */
export function median(values) {
  if (values.length === 0) throw new RangeError('an empty list has no median');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of every figure, over all rounds. */
export function medians(rounds) {
  return Object.fromEntries(Object.keys(rounds[0]).map((name) => [name, median(rounds.map((round) => round[name]))]));
}

/** The median of the ratios of each round. A disturbance in one round affects both of its values. */
export function medianRatio(above, below, name) {
  return median(above.map((round, i) => round[name] / below[i][name]));
}

/** The spread of the rounds: the width of their middle half, divided by their median. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
  return (at(0.75) - at(0.25)) / median(values);
}
