/** What batches are compared with: ioredis with its own settings, XADD of the bytes that Sealcast stores, 64 in flight. */

import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { serveParent } from './serve-parent.ts'

export type XaddLoop = {
  /** Takes the entry that lies in one of the broker's streams as its pattern. @returns its bytes */
  open(o: { url: string; partitions: number }): Promise<number>
  /** @returns commands a second */
  run(o: { seconds: number }): Promise<number>
}

const IN_FLIGHT = 64
/** Outside the broker's own names. */
const STREAM = 'bench:xadd'
/** Distinct bodies, so that nothing compares equal; more would only wait for random numbers. */
const BODIES = 1024

let redis: Redis | undefined
let entries: (string | Buffer)[][] = []

const calls: XaddLoop = {
  async open({ url, partitions }) {
    redis = new Redis(url)
    const stored = await findEntry(redis, partitions)
    const longest = Math.max(...stored.map((field) => field.byteLength))
    entries = Array.from({ length: BODIES }, () =>
      stored.map((field, index) => {
        if (index % 2 === 0) return field.toString('utf8')
        return field.byteLength === longest ? randomBytes(longest) : field
      }),
    )
    return stored.reduce((sum, field) => sum + field.byteLength, 0)
  },
  async run({ seconds }) {
    const connection = redis
    if (connection === undefined) throw new Error('open() comes first')
    await connection.unlink(STREAM)
    const startedAt = performance.now()
    const until = startedAt + seconds * 1000
    let count = 0
    const lane = async () => {
      while (performance.now() < until) {
        const fields = entries[count++ % BODIES]
        if (fields !== undefined) await connection.xadd(STREAM, '*', ...fields)
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
    const perSecond = count / ((performance.now() - startedAt) / 1000)
    const length = await connection.xlen(STREAM)
    if (length !== count) throw new Error(`${count} entries were added, but ${length} are there`)
    await connection.unlink(STREAM)
    return perSecond
  },
}

async function findEntry(connection: Redis, partitions: number): Promise<Buffer[]> {
  for (let partition = 0; partition < partitions; partition++) {
    const [first] = await connection.xrangeBuffer(`sealcast:{p:${partition}}:stream`, '-', '+', 'COUNT', 1)
    if (first !== undefined) return first[1]
  }
  throw new Error('No stored entry was found')
}

serveParent(calls)
