/** What the person at the terminal reads: one line a step with its duration, on standard error. */

export interface Progress {
  /** Runs one step; `work` returns a few words on what it did, or an object with them and a value. */
  step<T>(name: string, work: () => Promise<{ did: string; value: T }>): Promise<T>
  say(who: string, text: string): void
}

const NAME_WIDTH = 10

export function createProgress(write: (text: string) => void): Progress {
  const say = (who: string, text: string) => write(`${who.padEnd(NAME_WIDTH)}  ${text}\n`)
  return {
    say,
    async step(name, work) {
      const startedAt = performance.now()
      const { did, value } = await work()
      say(name, `${did} (${describeMs(performance.now() - startedAt)})`)
      return value
    },
  }
}

function describeMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
