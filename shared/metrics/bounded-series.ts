/**
 * One value for each label that is ever met, up to a bound; what comes after shares one more, `other`.
 *
 * For labels whose number nobody of ours decides: topics, KMS keys. The first ones keep theirs for the life of the
 * process, so that no series ever loses counts.
 */

export const OTHER = 'other'

/**
 * @param most distinct labels besides `other`
 * @param make called once for each, `other` included
 */
export function boundedSeries<T>(most: number, make: (label: string) => T): (label: string) => T {
  const known = new Map<string, T>()
  let other: T | undefined
  return (label) => {
    const made = known.get(label)
    if (made !== undefined) return made
    if (known.size >= most || label === OTHER) {
      other ??= make(OTHER)
      return other
    }
    const value = make(label)
    known.set(label, value)
    return value
  }
}
