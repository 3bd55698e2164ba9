/**
 * Measures several subjects in rounds: A B C, A B C, …
 * @param measures a function for each id
 * @param titleOf the title of an id in the report
 * @returns a row for each id, with the figures of every round
 */
export async function measureRows({ rounds, onRound = () => undefined }, measures, titleOf) {
  const rows = Object.keys(measures).map((id) => ({ id, title: titleOf(id), rounds: [] }));
  for (let round = 1; round <= rounds; round += 1) {
    onRound(round);
    for (const row of rows) row.rounds.push(await measures[row.id](round));
  }
  return rows;
}
