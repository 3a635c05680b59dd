/**
 * Which worker is to hold which partition: the same answer from the same members wherever it is computed, shares
 * that differ by at most one, and few moves when a worker joins or leaves.
 *
 * Rendezvous hashing with full shares: all pairs of partition and member are gone through by the weight of their
 * hash, heaviest first, and a pair is taken when its partition is still free and its member has room. Plain
 * rendezvous hashing would move fewer (exactly the share of whoever joined or left), but with 16 partitions it gives
 * one worker three times what it gives another. Measured moves: assign-partitions.test.ts.
 */

/**
 * @param members ids, each once, in any order
 * @returns the member of each partition, by its number; empty when there is no member
 */
export function assignPartitions({
  partitions,
  members,
}: {
  partitions: number
  members: readonly string[]
}): readonly string[] {
  const ordered = members.toSorted()
  const seeds = ordered.map(hashText)
  const count = ordered.length
  if (count === 0) return []
  // Weight and place in one number, so that a plain numeric sort orders by weight, then by member and partition.
  const pairs = new Float64Array(partitions * count)
  for (let at = 0; at < pairs.length; at++) {
    pairs[at] = mix((seeds[at % count] ?? 0) ^ Math.imul(Math.floor(at / count) + 1, 0x9e3779b1)) * 2 ** 21 + at
  }
  pairs.sort()

  const assigned = new Array<string>(partitions)
  const shares = new Uint16Array(count)
  const least = Math.floor(partitions / count)
  let withOneMore = partitions % count
  let free = partitions
  for (let next = pairs.length - 1; free > 0; next--) {
    const at = (pairs[next] ?? 0) % 2 ** 21
    const partition = Math.floor(at / count)
    const share = shares[at % count] ?? 0
    if (assigned[partition] !== undefined || share > least || (share === least && withOneMore === 0)) continue
    if (share === least) withOneMore--
    shares[at % count] = share + 1
    assigned[partition] = ordered[at % count] ?? ''
    free--
  }
  return assigned
}

/** FNV-1a, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output. */
function mix(bits: number): number {
  let hash = bits
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
