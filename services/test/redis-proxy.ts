/**
 * Stands between one worker and Redis, and tells exactly when the worker has sent a certain script: before the script
 * reaches Redis, or when Redis has carried it out and the worker does not know yet.
 *
 * Whatever lies between is a window in which a crash does something else than before or after; a kill by the clock
 * hits the narrow ones once in a thousand times.
 */

import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { basename, join } from 'node:path'
import { createFrameSplitter, readCommand } from './resp-frames.ts'

export interface KillPoint {
  /** A .lua file without its ending; `bullmq` for any script of the retry schedule. */
  readonly script: string
  /** `before` it reaches Redis, or `after` Redis has carried it out and before the worker has the reply. */
  readonly when: 'before' | 'after'
  /** The first one, the second, … from now on. */
  readonly nth: number
}

export interface RedisProxy extends AsyncDisposable {
  readonly port: number
  /** Calls `onReached` when the point is reached; nothing passes in either direction after it. One at a time. */
  arm(point: KillPoint, onReached: () => void): void
  disarm(): void
  /** Scripts seen so far, by name. */
  readonly seen: ReadonlyMap<string, number>
}

const root = join(import.meta.dirname, '..', '..')

/** @param upstreamPort of the Redis on loopback */
export async function startRedisProxy(upstreamPort: number): Promise<RedisProxy> {
  const names = readScriptNames()
  const seen = new Map<string, number>()
  const sockets = new Set<Socket>()
  let armed: { point: KillPoint; left: number; onReached: () => void } | undefined
  /** The connections of the worker that was killed: nothing of it may come through any more. */
  let generation = 0

  const reach = () => {
    const onReached = armed?.onReached
    armed = undefined
    generation++
    onReached?.()
    for (const socket of sockets) socket.destroy()
  }
  /** @returns whether the command is the one that was waited for */
  const isPoint = (command: Buffer): boolean => {
    const name = scriptOf(command, names)
    if (name === undefined) return false
    seen.set(name, (seen.get(name) ?? 0) + 1)
    return armed !== undefined && armed.point.script === name && --armed.left === 0
  }

  const server = createServer({ noDelay: true }, (worker) => {
    const redis = connect({ port: upstreamPort, host: '127.0.0.1', noDelay: true })
    const mine = generation
    const commands = createFrameSplitter()
    const replies = createFrameSplitter()
    let unanswered = 0
    /** Replies that come before the one that is waited for. */
    let answersBefore: number | undefined
    for (const [one, other] of [
      [worker, redis],
      [redis, worker],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    worker.on('data', (chunk) => {
      for (const command of commands(chunk)) {
        if (mine !== generation) return
        const isIt = isPoint(command)
        if (isIt && armed?.point.when === 'before') return reach()
        if (isIt) answersBefore = unanswered
        unanswered++
        redis.write(command)
        // Those that follow would be carried out too, by a worker that is dead by then.
        if (isIt) return worker.pause()
      }
    })
    redis.on('data', (chunk) => {
      for (const reply of replies(chunk)) {
        if (mine !== generation) return
        unanswered--
        if (answersBefore !== undefined && answersBefore-- === 0) return reach()
        worker.write(reply)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    arm(point, onReached) {
      armed = { point, left: point.nth, onReached }
    },
    disarm() {
      armed = undefined
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** By SHA-1 of the text, which is what EVALSHA names a script by. */
function readScriptNames(): ReadonlyMap<string, string> {
  return new Map(
    globSync('shared/*/*.lua', { cwd: root }).map((path) => [
      createHash('sha1')
        .update(readFileSync(join(root, path), 'utf8'))
        .digest('hex'),
      basename(path, '.lua'),
    ]),
  )
}

function scriptOf(frame: Buffer, names: ReadonlyMap<string, string>): string | undefined {
  const [verb, script] = readCommand(frame.subarray(0, frame.length))
  const name = verb?.toString('latin1').toLowerCase()
  if (script === undefined || (name !== 'evalsha' && name !== 'eval')) return undefined
  const hash = name === 'evalsha' ? script.toString('latin1') : createHash('sha1').update(script).digest('hex')
  return names.get(hash) ?? 'bullmq'
}
