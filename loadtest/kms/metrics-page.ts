/** Reads the pages of /metrics: sums of series by name and labels. Pure. */

export type Labels = Readonly<Record<string, string>>

/** The samples of one name on a page. */
export function samplesOf(page: string, name: string): { labels: Labels; value: number }[] {
  const lines = page.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))
  return Array.from(lines, ([, labels = '', value]) => ({ labels: parseLabels(labels), value: Number(value) }))
}

/** @returns 0 where there are none */
export function sumOf(page: string, name: string, only: (labels: Labels) => boolean = () => true): number {
  return samplesOf(page, name).reduce((sum, { labels, value }) => (only(labels) ? sum + value : sum), 0)
}

/** @returns whether the page knows the name, with samples or without any yet */
export function knows(page: string, name: string): boolean {
  return page.includes(`# TYPE ${name} `)
}

function parseLabels(text: string): Labels {
  const pairs = text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)
  return Object.fromEntries(
    Array.from(pairs, ([, name = '', value = '']) => [
      name,
      value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
    ]),
  )
}
