/** Entries a call may ask for. With the largest bodies (256 KiB) a reply is then 256 MiB, which is still a reply. */
const MAX_LIMIT = 1000

/**
 * More than any entry of ours has: body and attributes are 256 KiB together, and quoting doubles them at
 * most. Longer ones were put there by somebody else.
 */
export const MAX_ENTRY_BYTES = 2 * 1024 * 1024

/** @throws {RangeError} */
export function checkLimit(verb: 'claim' | 'reread' | 'read', limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return
  throw new RangeError(`Cannot ${verb} entries: limit must be 1..${MAX_LIMIT}, current value is ${limit}`)
}
