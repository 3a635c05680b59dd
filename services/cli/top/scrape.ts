/** Asks each process for its page of metrics: the one thing of `top` that speaks over a network. */

import { type Page, parseExposition } from './parse-exposition.ts'

export interface Scrape {
  readonly url: string
  /** Monotonic ms at which the page was read; undefined page: why not. */
  readonly at: number
  readonly page: Page | undefined
  readonly error: string | undefined
}

/** Of a page, in bytes: some hundred times what a process of ours shows. */
const MAX_BYTES = 16 * 1024 * 1024

export async function scrapeAll(
  urls: readonly string[],
  o: { timeoutMs: number; signal: AbortSignal },
): Promise<Scrape[]> {
  return await Promise.all(urls.map((url) => scrape(url, o)))
}

async function scrape(url: string, o: { timeoutMs: number; signal: AbortSignal }): Promise<Scrape> {
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(o.timeoutMs), o.signal])
    const response = await fetch(url, { signal, redirect: 'error' })
    const text = await textOf(response)
    const at = performance.now()
    if (!response.ok) return { url, at, page: undefined, error: `HTTP ${response.status}` }
    const page = parseExposition(text)
    if (page.samples.length === 0) return { url, at, page: undefined, error: 'no metrics' }
    return { url, at, page, error: undefined }
  } catch (error) {
    return { url, at: performance.now(), page: undefined, error: reasonOf(error) }
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BYTES) throw new RangeError('the page is too long')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** A short word: it stands in a column. What the process itself said is none of them. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return error.message
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } }
  if (name === 'TimeoutError' || name === 'AbortError') return 'no answer in time'
  const code = typeof cause?.code === 'string' ? cause.code : ''
  return /^[A-Z_]{3,40}$/.test(code) ? code : 'unreachable'
}
