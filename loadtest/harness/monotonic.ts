/** CLOCK_MONOTONIC in milliseconds, which all processes of the machine share; performance.now() begins at each one's own. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
