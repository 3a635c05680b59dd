/** Which files `npm test` runs where there is no time for all of them: some, by a seed. Pure. */

import { createHash } from 'node:crypto'

/**
 * The same files for the same seed, whatever else there is: a file's place depends on its name and the seed alone.
 *
 * @param o.share of the files, 0 to 1, rounded up
 * @returns in the order of `files`
 */
export function sampleFiles(files: readonly string[], { seed, share }: { seed: string; share: number }): string[] {
  const rank = (file: string) => createHash('sha256').update(`${seed}\n${file}`).digest('hex')
  const ranked = files.map((file) => ({ file, rank: rank(file) })).sort((a, b) => (a.rank < b.rank ? -1 : 1))
  const taken = new Set(ranked.slice(0, Math.ceil(files.length * share)).map(({ file }) => file))
  return files.filter((file) => taken.has(file))
}
