/**
 * Measures each of some things in turn, again and again: A B C, A B C, …
 * @param measures a function for each id
 * @param titleOf what a reader calls it
 * @returns a row for each, with what every round measured
 */
export async function measureRows({ rounds, onRound = () => undefined }, measures, titleOf) {
  const rows = Object.keys(measures).map((id) => ({ id, title: titleOf(id), rounds: [] }));
  for (let round = 1; round <= rounds; round += 1) {
    onRound(round);
    for (const row of rows) row.rounds.push(await measures[row.id](round));
  }
  return rows;
}
