/**
 * A place in the stack for one process, which can be replaced by another like it without being empty in between:
 * the new one is started beside the old one, and only when it is ready is the old one stopped.
 *
 * Both listen on the same ports meanwhile, which takes an operating system that shares them; elsewhere the old one
 * is stopped first.
 */

import type { ProcessPlan, Supervised } from './supervise.ts'

export interface ProcessSlot {
  readonly name: string
  /** @throws {StartFailedError} */
  start(): Promise<void>
  /**
   * Resolves when another process has taken the place.
   *
   * @throws {StartFailedError} the new one did not start; where ports are shared the old one goes on
   */
  replace(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL, now. */
  kill(): void
}

/**
 * @param supervise makes the supervision of one process
 * @param recordPid keeps pids under the names of processes; undefined when one has ended
 */
export function createProcessSlot({
  plan,
  sharesPorts,
  supervise,
  recordPid,
}: {
  plan: ProcessPlan
  sharesPorts: boolean
  supervise: (plan: ProcessPlan, onPid: (pid: number | undefined) => void) => Supervised
  recordPid: (name: string, pid: number | undefined) => void
}): ProcessSlot {
  const { name } = plan
  /** The one in the place, and beside it the one that comes or goes. */
  const all = new Set<Supervised>()
  let current: Supervised | undefined
  let stopping = false

  /** @param isNext recorded under another name until `settle` */
  const open = (isNext: boolean): { supervised: Supervised; settle: () => void } => {
    let key = isNext ? `${name}:next` : name
    let lastPid: number | undefined
    const supervised = supervise(plan, (pid) => {
      lastPid = pid
      recordPid(key, pid)
    })
    all.add(supervised)
    const settle = () => {
      if (key === name) return
      recordPid(name, lastPid)
      recordPid(key, undefined)
      key = name
    }
    return { supervised, settle }
  }
  const close = async (supervised: Supervised) => {
    await supervised.stop()
    all.delete(supervised)
  }

  return {
    name,
    async start() {
      current = open(false).supervised
      await current.start()
    },
    async replace() {
      const old = current
      if (stopping || old === undefined) return
      if (!sharesPorts) await close(old)
      if (stopping) return
      const next = open(true)
      try {
        await next.supervised.start()
      } catch (error) {
        all.delete(next.supervised)
        if (stopping) return
        throw error
      }
      current = next.supervised
      if (sharesPorts) await close(old)
      next.settle()
    },
    async stop() {
      stopping = true
      await Promise.all([...all].map(close))
    },
    kill() {
      for (const supervised of all) supervised.kill()
    },
  }
}
