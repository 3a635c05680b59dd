/**
 * A process of the benchmark's own (processes/*.ts): started, asked over IPC, and gone with whoever started it.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

/** What a helper can be asked: one argument, one answer, both plain data. */
// biome-ignore lint/suspicious/noExplicitAny: the argument of each call has a type of its own.
export type Calls = Record<string, (argument: any) => unknown>

export interface Helper<C extends Calls> extends AsyncDisposable {
  readonly pid: number
  call<N extends keyof C & string>(name: N, argument: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>>
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/**
 * @param file in processes/, without its ending
 * @param execArgv options of Node
 */
export async function startHelper<C extends Calls>(
  file: string,
  env: Readonly<Record<string, string>> = {},
  execArgv: readonly string[] = [],
): Promise<Helper<C>> {
  const child = fork(join(import.meta.dirname, '..', 'processes', `${file}.ts`), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
    execArgv: [...execArgv],
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  child.on('message', (answer: Answer) => {
    const call = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.error === undefined) call?.resolve(answer.value)
    else call?.reject(new Error(`${file}: ${answer.error}`))
  })
  const ended = whenEnded(child)
  ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended before it answered`))
  })
  let lastId = 0
  return {
    pid: child.pid ?? 0,
    // biome-ignore lint/suspicious/noExplicitAny: the answer's type is that of the call by its name.
    call: (name, argument): Promise<any> =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        child.send({ id, name, argument }, (error) => {
          if (error === null) return
          waiting.delete(id)
          reject(new Error(`${file} does not run: ${error.message}`))
        })
      }),
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

function whenEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
}
