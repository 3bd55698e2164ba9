const oldest = [20, 19];

/** True when this Node.js is new enough; otherwise prints an error, and sets exit code 1. */
export function verifyNode(program) {
  const numbers = process.versions.node.split('.').map(Number);
  if (numbers[0] > oldest[0] || (numbers[0] === oldest[0] && numbers[1] >= oldest[1])) return true;
  console.error(`${program} needs Node.js ${oldest.join('.')} or newer; this is ${process.versions.node}.`);
  process.exitCode = 1;
  return false;
}
