/**
 * The series of a metric by the values of its labels, each made when it is first asked for.
 *
 * prom-client validates, sorts and joins the labels each time something is counted. Here that is once a series: what a
 * gateway counts of a publish took 1.03 and 1.08 µs with it, and 0.19 and 0.20 with this (Node 24, tight loop, two runs).
 */

/** @param make is given the labels alone, whatever else the caller's object holds */
export function seriesByLabels<L extends string, S>(
  labels: readonly L[],
  make: (values: Readonly<Record<L, string>>) => S,
): (values: Readonly<Record<L, string>>) => S {
  const [first, ...more] = labels
  const known = new Map<string, S>()
  return (values) => {
    let key = first === undefined ? '' : values[first]
    // With its length before it, no value can look like two.
    for (const label of more) key = `${key.length}:${key}${values[label]}`
    let series = known.get(key)
    if (series === undefined) {
      series = make(Object.fromEntries(labels.map((label) => [label, values[label]])) as Record<L, string>)
      known.set(key, series)
    }
    return series
  }
}
