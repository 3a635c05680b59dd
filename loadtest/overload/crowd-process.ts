/** A process of connections, so that their memory is not that of what is measured. Told by message, answers when done. */

import { type Crowd, openIdleConnections, openSlowSenders } from '../../services/test/crowd.ts'

export interface CrowdRequest {
  readonly kind: 'idle' | 'slow' | 'count'
  readonly port: number
  readonly ca: string
  readonly count: number
}

const crowds: Crowd[] = []

process.on('message', (request: CrowdRequest) => {
  answer(request).then(
    (open) => process.send?.(open),
    (error) => {
      process.stderr.write(`${error}\n`)
      process.exit(1)
    },
  )
})

/** @returns how many connections are open */
async function answer({ kind, ...target }: CrowdRequest): Promise<number> {
  if (kind === 'idle') crowds.push(await openIdleConnections(target))
  if (kind === 'slow') crowds.push(await openSlowSenders(target))
  return crowds.reduce((sum, crowd) => sum + crowd.open(), 0)
}
